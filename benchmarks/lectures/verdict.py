"""Whether a published figure was reproduced."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WITHIN = 3.0


@dataclass(frozen=True)
class Verdict:
    """Our figure beside the published one.

    Attributes:
        mean: over the seeds.
        deviation: sample standard deviation, 0 for one seed.
        published: the lecture's figure.
        word: ``reproduced`` when it lies within three deviations of our mean, or is our mean as the lecture would have
            rounded it, ``better`` when ours lies beyond it on the good side, else ``not reproduced``.
    """

    mean: float
    deviation: float
    published: float
    word: str


def judge(name: str, values: Sequence[float], published: float, digits: int = 5) -> Verdict:
    """Return the verdict on one metric; losses are better when lower, all others when higher.

    ``digits`` is the number of decimal places that were printed. Raises ``ValueError`` without values.
    """
    if not values:
        raise ValueError(f"a verdict needs at least one value; received none for {name}")
    mean = statistics.fmean(values)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    if abs(published - mean) <= WITHIN * deviation or round(mean, digits) == round(published, digits):
        word = "reproduced"
    else:
        lower_is_better = name.endswith("loss")
        word = "better" if (mean < published) == lower_is_better else "not reproduced"
    return Verdict(mean, deviation, published, word)
