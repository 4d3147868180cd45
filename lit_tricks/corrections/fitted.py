"""A fitted correction: a few numbers that change a trained network's answers."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from lit_tricks.errors import UserError


@dataclass(frozen=True)
class FittedCorrection:
    """What is applied to a network's outputs: offsets, then temperature, then threshold.

    Attributes:
        offsets: added to the K logits, None for nothing.
        temperature: what the logits are then divided by, above 0.
        threshold: the probability from which on class ``positive`` of two is answered, None for the largest.
        positive: 0 or 1 where there is a threshold.
        evidence: what each part was fitted to and what it changed on validation; nothing reads it to answer.
    """

    offsets: tuple[float, ...] | None = None
    temperature: float = 1.0
    threshold: float | None = None
    positive: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def logits(self, logits: Tensor) -> Tensor:
        """Return (z + offsets) / temperature for ``logits`` z (B, K)."""
        if self.offsets is not None:
            logits = logits + torch.tensor(self.offsets, dtype=logits.dtype, device=logits.device)
        return logits if self.temperature == 1.0 else logits / self.temperature

    def scores(self, probabilities: Tensor) -> Tensor:
        """Return (B, K) ``float64`` whose largest is the answer: ``probabilities``, or leads over the threshold."""
        scores = probabilities.double()
        if self.threshold is None:
            return scores
        lead = scores[:, self.positive] - self.threshold
        return torch.stack([lead, -lead] if self.positive == 0 else [-lead, lead], dim=1)

    def decide(self, probabilities: Tensor) -> Tensor:
        """Return the class (B,) ``int64`` that rows of corrected ``probabilities`` (B, K) are answered with."""
        if self.threshold is None or self.positive is None:
            return probabilities.argmax(1)
        return torch.where(probabilities[:, self.positive].double() >= self.threshold, self.positive, 1 - self.positive)

    def to_dict(self) -> dict[str, Any]:
        """Return the correction as nested primitives, ready for JSON."""
        return asdict(self)

    def to_json(self) -> str:
        """Return the content of ``correction.json``."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, num_classes: int) -> "FittedCorrection":
        """Return what ``to_json`` wrote; raises ``UserError`` for anything that does not fit ``num_classes``."""
        try:
            content = json.loads(text)
            offsets, threshold = content["offsets"], content["threshold"]
            found = cls(
                None if offsets is None else tuple(map(_finite, offsets)),
                _finite(content["temperature"]),
                None if threshold is None else _finite(threshold),
                content["positive"],
                dict(content["evidence"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise _damaged(f"it cannot be read ({type(error).__name__})") from error
        if found.offsets is not None and len(found.offsets) != num_classes:
            raise _damaged(f"it has {len(found.offsets)} offsets for {num_classes} classes")
        if found.temperature <= 0:
            raise _damaged(f"its temperature is {found.temperature}")
        if found.threshold is not None and (num_classes != 2 or found.positive not in (0, 1)):
            raise _damaged(f"it has a threshold for class {found.positive} of {num_classes}")
        return found


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _damaged(why: str) -> UserError:
    return UserError(f"correction.json must be what the run wrote; {why}: restore it, or train again")
