"""What a trained network is worth on every split, before and after its correction."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from lit_tricks.after_training import fit_correction
from lit_tricks.build import Built
from lit_tricks.evaluation import batch_logits, evaluate_logits, split_loader
from lit_tricks.metrics import Evaluation
from lit_tricks.module import LitClassifier

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Answers:
    """What a network says about one split: ``probabilities`` (N, K), ``targets`` and answered ``classes`` (N,)."""

    probabilities: np.ndarray
    targets: np.ndarray
    classes: np.ndarray


@dataclass
class FinalEvaluation:
    """Every split's evaluation, and the answers to validation and test examples.

    Attributes:
        found: split → evaluation of what the run answers.
        answers: split → answers, of ``val`` and ``test``.
    """

    found: dict[str, Evaluation] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)

    @property
    def judged(self) -> str:
        """The split by which the run is judged."""
        return next(split for split in ("test", "val", "train") if split in self.found)

    def facts(self) -> dict[str, Any]:
        """Return the part of ``results.json`` that says what came out."""
        judged = self.found[self.judged]
        return {
            "metrics": {
                f"{split}/{name}": value for split, one in self.found.items() for name, value in one.metrics.items()
            },
            "per_class": judged.per_class,
            "confusion_matrix": judged.confusion_matrix,
        }


def evaluate_built(built: Built) -> tuple[FinalEvaluation, FinalEvaluation | None]:
    """Evaluate on every split, fit the correction, if there is one to fit, and evaluate what it makes of the same.

    Returns the evaluation of what the run answers, and that without the correction, None where there is none. The
    module has the correction afterwards.
    """
    built.datamodule.setup("test")
    module, outputs = built.module, {}
    for split in SPLITS:
        loader = split_loader(built.datamodule, split)
        if loader is not None:
            outputs[split] = batch_logits(module, loader)
    before = _evaluated(module, outputs)
    if built.correction is None:
        return before, None
    module.correction = fit_correction(
        built.correction, module, built.datamodule, outputs["val"], built.trainer.current_epoch
    )
    corrected = {split: (module.correction.logits(logits), targets) for split, (logits, targets) in outputs.items()}
    return _evaluated(module, corrected), before


def _evaluated(module: LitClassifier, outputs: dict[str, tuple[Tensor, Tensor]]) -> FinalEvaluation:
    final = FinalEvaluation()
    for split, (logits, targets) in outputs.items():
        final.found[split], probabilities, labels = evaluate_logits(module, logits, targets)
        if split != "train":
            answers = module.decide(probabilities)
            final.answers[split] = Answers(probabilities.numpy(), labels.numpy(), answers.numpy())
    return final
