"""What a run does about classes of unequal size, checked where the data and the objective meet."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.data import ArrayDataModule
from lit_tricks.data.imbalance import Imbalance
from lit_tricks.errors import UserError
from lit_tricks.instantiation import build_node, partial_node

log = logging.getLogger("lit_tricks")


def build_imbalance(cfg: Any) -> Imbalance | None:
    """Return the imbalance that the configuration names, None for data as it is."""
    # runs from before there was such a word have none
    node = cfg.get("imbalance") or {}
    return build_node(node, "imbalance") if node.get("_target_") else None


def build_sampler(cfg: Any) -> partial[Any]:
    """Return the configured sampler; one with ``epochs`` of null is as long about it as the run."""
    make = partial_node(cfg.sampler, "sampler")
    if make.keywords.get("epochs", 0) is not None:
        return make
    if (cfg.trainer.max_epochs or -1) < 1:
        raise UserError(
            f"sampler.epochs=null is the run's length, which trainer.max_epochs={cfg.trainer.max_epochs} leaves open: "
            "try sampler.epochs=20"
        )
    return partial(make, epochs=cfg.trainer.max_epochs)


def check_imbalance(imbalance: Imbalance | None, datamodule: pl.LightningDataModule) -> None:
    """Raise ``UserError`` for an imbalance that the data module would pass over."""
    if imbalance is not None and not isinstance(datamodule, ArrayDataModule):
        raise UserError(
            f"imbalance needs data whose splits are made here; {type(datamodule).__name__} makes its own: "
            "try imbalance=none"
        )


def rebalancing(objective: Any, datamodule: pl.LightningDataModule) -> list[str]:
    """Return what of the run favours rare classes, in words; nothing does where classes are equally frequent."""
    found = [*getattr(objective, "rebalances", ())]
    if isinstance(datamodule, ArrayDataModule):
        if len(set(datamodule.spec.class_counts)) == 1:
            return []
        labels = datamodule.train.y
        sampler = datamodule.make_sampler(labels=labels, batch_size=datamodule.batch_size, seed=datamodule.seed)
        found += getattr(sampler, "rebalances", ())
    return found


@rank_zero_only
def warn_of_double_correction(found: Sequence[str]) -> None:
    """Say so when two parts of the run, or more, favour rare classes, each as if it were alone."""
    if len(found) > 1:
        log.warning(
            "%s and %s %s favour rare classes: what each corrects is corrected more than once; leave %s out",
            ", ".join(found[:-1]),
            found[-1],
            *(("both", "one") if len(found) == 2 else ("all", "all but one")),
        )
