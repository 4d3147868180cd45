"""What is asked for, what comes of it in its order, and the file that keeps it."""

import json

import numpy as np
import pytest
import torch

from lit_tricks.corrections import Correction, FittedCorrection
from lit_tricks.corrections.prior import prior_offsets
from lit_tricks.errors import UserError
from lit_tricks.objectives import LDAM, BinaryCrossEntropy, CrossEntropy

GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.cat([torch.zeros(270), torch.ones(30)]).long()
LOGITS = torch.randn(300, 2, generator=GENERATOR) + 1.2 * torch.nn.functional.one_hot(LABELS, 2)
LEARNED = np.array([0.5, 0.5])


@pytest.mark.parametrize("objective", [CrossEntropy(2), BinaryCrossEntropy(2), LDAM(2, scale=5.0, class_counts=[9, 1])])
def test_parts_follow_each_other(objective) -> None:
    whole = Correction("natural", 1.0, True, "f1").fit(objective, LOGITS, LABELS, LEARNED, 1)
    prior = Correction("natural").fit(objective, LOGITS, LABELS, LEARNED, 1)
    assert whole.offsets == prior.offsets
    assert prior.offsets is not None
    offsets = prior_offsets(LEARNED, np.array([0.9, 0.1]), objective.link)
    torch.testing.assert_close(objective.scale * torch.tensor(prior.offsets), torch.tensor(offsets).float())
    scaled = Correction(temperature=True).fit(objective, prior.logits(LOGITS), LABELS, LEARNED, 1)
    assert whole.temperature == pytest.approx(scaled.temperature, rel=1e-3)
    corrected = whole.logits(LOGITS)
    torch.testing.assert_close(corrected, (LOGITS + torch.tensor(prior.offsets)) / whole.temperature)
    last = Correction(threshold="f1").fit(objective, corrected, LABELS, LEARNED, 1)
    assert whole.threshold == pytest.approx(last.threshold, abs=1e-6)
    probabilities = objective.probabilities(corrected)
    answers = whole.decide(probabilities)
    assert torch.equal(answers == 1, probabilities[:, 1] >= whole.threshold)
    assert torch.equal(answers, whole.scores(probabilities).argmax(1))


def test_a_weighted_fit_is_one_to_the_prior_that_is_stated() -> None:
    # nine copies of the rare class are validation with equal classes
    index = torch.cat([torch.arange(270), torch.arange(270, 300).repeat(9)])
    for threshold in ("none", "fitted_cost", "recall"):
        asked = Correction("uniform", 1.0, True, threshold)
        found = asked.fit(CrossEntropy(2), LOGITS, LABELS, LEARNED, 1)
        expected = asked.fit(CrossEntropy(2), LOGITS[index], LABELS[index], LEARNED, 1)
        assert found.temperature == pytest.approx(expected.temperature, rel=1e-4)
        assert found.threshold == (None if threshold == "none" else pytest.approx(expected.threshold, abs=1e-4))


def test_a_network_that_cannot_be_scaled_stays_as_it_is() -> None:
    fitted = Correction(temperature=True).fit(CrossEntropy(2), 9 * torch.eye(2)[LABELS], LABELS, LEARNED, 1)
    assert fitted.temperature == 1.0
    assert not fitted.evidence["temperature"]["found"]


def test_the_positive_class_is_the_rarer_one() -> None:
    asked = Correction(threshold="f1")
    assert [asked.positive_class(counts) for counts in ([9, 1], [1, 9], [5, 5])] == [1, 0, 1]
    assert Correction(threshold="f1", positive=0).positive_class([9, 1]) == 0
    fitted = FittedCorrection(threshold=0.2, positive=0)
    assert fitted.decide(torch.tensor([[0.2, 0.8], [0.19, 0.81]], dtype=torch.float64)).tolist() == [0, 1]
    assert fitted.scores(torch.tensor([[0.3, 0.7], [0.1, 0.9]])).argmax(1).tolist() == [0, 1]


def test_nothing_asked_for_is_false() -> None:
    assert not Correction()
    assert Correction("natural")
    assert Correction(temperature=True)
    assert Correction(threshold="cost")


@pytest.mark.parametrize("asked", [Correction("uniform"), Correction(temperature=True), Correction(threshold="recall")])
def test_the_file_gives_back_what_was_fitted(asked) -> None:
    fitted = asked.fit(CrossEntropy(2), LOGITS, LABELS, LEARNED, 1)
    assert FittedCorrection.from_json(fitted.to_json(), 2) == fitted


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"offsets": [0.0]}, "it has 1 offsets for 2 classes"),
        ({"offsets": ["0", 1]}, r"it cannot be read \(ValueError\)"),
        ({"temperature": 0}, "its temperature is 0.0"),
        ({"temperature": float("nan")}, r"it cannot be read \(ValueError\)"),
        ({"temperature": True}, r"it cannot be read \(ValueError\)"),
        ({"threshold": 0.5, "positive": 2}, "it has a threshold for class 2 of 2"),
        ({"evidence": None}, r"it cannot be read \(TypeError\)"),
    ],
)
def test_a_damaged_file_is_refused(change, why) -> None:
    content = {**FittedCorrection((0.0, 1.0)).to_dict(), **change}
    with pytest.raises(UserError, match=f"correction.json must be what the run wrote; {why}: restore it"):
        FittedCorrection.from_json(json.dumps(content), 2)
    with pytest.raises(UserError, match="cannot be read"):
        FittedCorrection.from_json("[", 2)
