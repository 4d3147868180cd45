"""Corrections of a trained network: checked before training, fitted after it, kept in the run directory."""

import logging
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from lit_tricks.corrections import Correction, FittedCorrection
from lit_tricks.corrections.prior import learned_prior
from lit_tricks.data import ArrayDataModule
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.instantiation import build_node
from lit_tricks.module import LitClassifier
from lit_tricks.run_directory import RunDirectory

log = logging.getLogger("lit_tricks")

# total variation between what was learned and what validation has, from which on it is told
_FAR = 0.05


def build_correction(cfg: Any, module: LitClassifier, datamodule: pl.LightningDataModule) -> Correction | None:
    """Return the configured correction, None for none.

    Raises ``UserError`` when the run has nothing to fit it on, or outputs that it cannot correct.
    """
    correction = configured(cfg)
    if correction is None:
        return None
    spec = module.spec
    _check_outputs(correction, module.objective, spec)
    if getattr(datamodule, "val_split", None) == "test":
        raise UserError(
            "a correction is fitted on examples that do not test it; data.val_split=test validates on the test split: "
            "try data.val_split=stratified"
        )
    if not spec.n_val:
        raise UserError("a correction is fitted on validation; this run has none: try data.val_size=0.1")
    counts = _validation_counts(datamodule, spec)
    if (correction.prior == "natural" or correction.threshold != "none") and not counts.all():
        raise UserError(
            f"correction needs validation examples of every class; class {spec.class_names[int(counts.argmin())]!r} "
            "has none: try a larger data.val_size, or data.val_split=stratified"
        )
    if correction.prior != "none" and not all(spec.class_counts):
        missing = spec.class_names[int(np.argmin(spec.class_counts))]
        raise UserError(
            f"correction.prior needs training examples of every class; class {missing!r} has none: "
            "add some, or try correction.prior=none"
        )
    if correction.prior != "none" and _makes_examples(datamodule):
        raise UserError(
            "correction.prior needs training examples as the data has them, because made-up ones shift more than class "
            "shares: try sampler=oversample or correction.prior=none"
        )
    epochs = cfg.trainer.max_epochs
    learned = shown_prior(module, datamodule, epochs if isinstance(epochs, int) and epochs > 0 else 1)
    _tell_of_shares(correction, learned, counts, spec, datamodule)
    return correction


def configured(cfg: Any) -> Correction | None:
    """Return what the configuration asks for, None for nothing."""
    # runs from before there was such a word have none
    node = cfg.get("correction") or {}
    correction = build_node(node, "correction") if node.get("_target_") else None
    return correction or None


def shown_prior(module: LitClassifier, datamodule: pl.LightningDataModule, epochs: int) -> np.ndarray:
    """Return the class shares that a network has learned after so many epochs, (K,).

    They are those of the examples in the last epoch's order, times what the loss makes of them.
    """
    counts = np.asarray(module.spec.class_counts)
    loader = datamodule.train_dataloader() if isinstance(datamodule, ArrayDataModule) else None
    if loader is not None:
        labels = loader.examples.y.cpu()
        shown = np.bincount(labels[loader.sampler.order(max(epochs, 1) - 1)].numpy(), minlength=len(counts))
        # an epoch that happens to leave out a class says little about it
        counts = shown if shown.all() else counts
    shift = module.objective.log_prior_shift()
    return learned_prior(counts, None if shift is None else shift.double().cpu().numpy())


def fit_correction(
    correction: Correction,
    module: LitClassifier,
    datamodule: pl.LightningDataModule,
    validation: tuple[Tensor, Tensor],
    epochs: int,
) -> FittedCorrection:
    """Fit on the ``validation`` split and say what came out.

    ``validation`` are its logits (N, K), as the network gives them, and targets (N,); ``epochs`` is how many were
    trained.
    """
    learned = shown_prior(module, datamodule, epochs)
    positive = correction.positive_class(module.spec.class_counts) if module.spec.num_classes == 2 else 0
    fitted = correction.fit(module.objective, *validation, learned, positive)
    if not fitted.evidence.get("temperature", {"found": True})["found"]:
        log.warning(
            "no finite temperature makes validation likelier, where all but all of %d examples are right, or wrong: "
            "it stays 1; try a larger data.val_size",
            fitted.evidence["examples"],
        )
    for line in told(fitted, module.spec.class_names):
        log.info("corrected: %s", line)
    return fitted


def told(fitted: FittedCorrection, class_names: tuple[str, ...]) -> list[str]:
    """Return what was fitted, one sentence for each part."""
    lines, evidence = [], fitted.evidence
    if (prior := evidence.get("prior")) is not None:
        changed = int(np.argmax(np.abs(np.log(prior["target"]) - np.log(prior["learned"]))))
        lines.append(
            f"prior of {class_names[changed]} from {prior['learned'][changed]:.2%}, as learned, "
            f"to {prior['target'][changed]:.2%}{'' if prior['tau'] == 1 else ', tau {:g}'.format(prior['tau'])}"
        )
    if (scaled := evidence.get("temperature")) is not None:
        lines.append(
            f"temperature {fitted.temperature:.3g}, validation NLL from {scaled['nll_before']:.4f} "
            f"to {scaled['nll_after']:.4f}"
        )
    if (chosen := evidence.get("threshold")) is not None and fitted.positive is not None:
        lines.append(
            f"{class_names[fitted.positive]} from probability {fitted.threshold:.3g} on, in validation "
            f"recall {chosen['recall']:.1%} at precision {chosen['precision']:.1%}"
        )
    return lines


def read_correction(directory: RunDirectory, config: Any, spec: DataSpec) -> FittedCorrection | None:
    """Return the correction that a run keeps, None where it asked for none.

    Raises ``UserError`` when it asked for one and keeps none, or a damaged one.
    """
    if configured(config) is None:
        return None
    try:
        text = directory.correction.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"a run with a correction keeps it in correction.json, once training has ended; {directory.path} has "
            "none: resume it, or train again"
        ) from error
    return FittedCorrection.from_json(text, spec.num_classes)


def _check_outputs(correction: Correction, objective: Any, spec: DataSpec) -> None:
    classes = spec.num_classes
    if getattr(objective, "link", "identity") == "identity" or not hasattr(objective, "log_prior_shift"):
        raise UserError(
            f"a correction needs outputs through a softmax or sigmoid; {type(objective).__name__} has neither here: "
            "try loss=cross_entropy"
        )
    if correction.threshold != "none" and classes != 2:
        raise UserError(
            f"correction.threshold needs two classes; this data has {classes}: try correction.prior=uniform, or two "
            "of them with data.classes=[0,1]"
        )
    if not isinstance(correction.prior, str) and len(correction.prior) != classes:
        raise UserError(
            f"correction.prior must have one share per class; received {len(correction.prior)} for {classes} classes: "
            "try correction.prior=natural"
        )


def _makes_examples(datamodule: pl.LightningDataModule) -> bool:
    """Return whether training draws from more examples than the training split has."""
    if not isinstance(datamodule, ArrayDataModule):
        return False
    return len(datamodule.train_dataloader().examples) > len(datamodule.train)


def _validation_counts(datamodule: pl.LightningDataModule, spec: DataSpec) -> np.ndarray:
    if isinstance(datamodule, ArrayDataModule):
        labels = datamodule.val.y
    else:
        # it brings torchmetrics along, which the first training step need not wait for
        from lit_tricks.evaluation import split_loader

        labels = torch.cat([y for _, y in split_loader(datamodule, "val")])
    return np.bincount(labels.cpu().numpy(), minlength=spec.num_classes)


@rank_zero_only
def _tell_of_shares(
    correction: Correction, learned: np.ndarray, counts: np.ndarray, spec: DataSpec, datamodule: pl.LightningDataModule
) -> None:
    """Say where the class shares of validation are not those that the correction will be used with."""
    shares = counts / counts.sum()
    if getattr(getattr(datamodule, "imbalance", None), "splits", "train") == "all":
        log.info("correction: validation is thinned as training is, so what is fitted holds for these class shares")
    if correction.prior != "none" or np.abs(learned - shares).sum() / 2 < _FAR:
        return
    worst = int(np.abs(learned - shares).argmax())
    log.warning(
        "correction: class %s is %.1f %% of what the network learns and %.1f %% of validation: what is fitted makes up "
        "for both that and the network; try correction.prior=natural",
        spec.class_names[worst],
        100 * learned[worst],
        100 * shares[worst],
    )
