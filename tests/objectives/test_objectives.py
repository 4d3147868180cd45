from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from omegaconf import OmegaConf

from lit_tricks.errors import UserError
from lit_tricks.functional.losses import binary_cross_entropy, cross_entropy, squared_error
from lit_tricks.objectives import BinaryCrossEntropy, CrossEntropy, Objective, SquaredError

CONF = Path(__file__).resolve().parents[2] / "conf" / "loss"
CLASSES = 5
CASES: list[tuple[type[Objective], dict[str, Any]]] = [
    (CrossEntropy, {}),
    (BinaryCrossEntropy, {}),
    (BinaryCrossEntropy, {"over_outputs": "sum"}),
    *(
        (SquaredError, {"output": output, "reduction": reduction})
        for output in ("sigmoid", "softmax", "identity")
        for reduction in ("mean", "half_sum")
    ),
]
every_objective = pytest.mark.parametrize(("kind", "knobs"), CASES)


@pytest.fixture
def logits() -> torch.Tensor:
    return 3 * torch.randn(8, CLASSES, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def target() -> torch.Tensor:
    return torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])


@every_objective
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("soft", [False, True])
def test_forward_is_the_mean_of_the_examples(kind, knobs, smoothing, soft, logits, target) -> None:
    objective = kind(CLASSES, label_smoothing=smoothing, **knobs)
    given = torch.rand(8, CLASSES, dtype=torch.float64).softmax(1) if soft else target
    per_example = objective.per_example(logits, given)
    assert per_example.shape == (8,)
    torch.testing.assert_close(objective(logits, given), per_example.mean())


@every_objective
def test_hard_and_one_hot_targets_agree(kind, knobs, logits, target) -> None:
    objective = kind(CLASSES, label_smoothing=0.1, **knobs)
    one_hot = F.one_hot(target, CLASSES).float()
    torch.testing.assert_close(objective.per_example(logits, target), objective.per_example(logits, one_hot))


@pytest.mark.parametrize(
    ("objective", "reference"),
    [
        (CrossEntropy(CLASSES), cross_entropy),
        (BinaryCrossEntropy(CLASSES, over_outputs="sum"), lambda z, t: binary_cross_entropy(z, t, "sum")),
        (SquaredError(CLASSES, "softmax", "half_sum"), lambda z, t: squared_error(z, t, "softmax", "half_sum")),
    ],
)
def test_objectives_compute_the_function_they_name(objective, reference, logits, target) -> None:
    torch.testing.assert_close(objective.per_example(logits, target), reference(logits, target))


@every_objective
def test_smoothing_acts_only_while_training(kind, knobs, logits, target) -> None:
    smoothed, plain = kind(CLASSES, label_smoothing=0.3, **knobs), kind(CLASSES, **knobs)
    shares = 0.7 * F.one_hot(target, CLASSES) + 0.3 / CLASSES
    torch.testing.assert_close(smoothed(logits, target), plain(logits, shares))
    assert not torch.isclose(smoothed(logits, target), plain(logits, target))
    assert torch.equal(smoothed.eval()(logits, target), plain(logits, target))


@every_objective
def test_probabilities_lie_in_0_to_1_and_keep_the_winner(kind, knobs, logits) -> None:
    probabilities = kind(CLASSES, **knobs).probabilities(logits)
    assert probabilities.shape == logits.shape
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert torch.equal(probabilities.argmax(1), logits.argmax(1))


@pytest.mark.parametrize(
    ("objective", "link", "reference"),
    [
        (CrossEntropy(CLASSES), "softmax", lambda z: z.exp() / z.exp().sum(1, keepdim=True)),
        (BinaryCrossEntropy(CLASSES), "sigmoid", lambda z: 1 / (1 + torch.exp(-z))),
        (SquaredError(CLASSES), "sigmoid", lambda z: 1 / (1 + torch.exp(-z))),
        (SquaredError(CLASSES, "softmax"), "softmax", lambda z: z.exp() / z.exp().sum(1, keepdim=True)),
    ],
)
def test_link_names_the_way_to_probabilities(objective, link, reference, logits) -> None:
    assert objective.link == link
    assert objective.expects == "logits"
    torch.testing.assert_close(objective.probabilities(logits), reference(logits))


def test_identity_output_gives_a_distribution(logits) -> None:
    objective = SquaredError(CLASSES, "identity")
    assert objective.link == "identity"
    torch.testing.assert_close(objective.probabilities(logits).sum(1), torch.ones(8))


@every_objective
def test_half_precision_logits_lose_nothing(kind, knobs, logits, target) -> None:
    objective = kind(CLASSES, **knobs)
    half = logits.bfloat16()
    assert torch.equal(objective(half, target), objective(half.float(), target))
    assert objective.probabilities(half).dtype == torch.float32


@pytest.mark.parametrize(
    "target",
    [torch.zeros(8), torch.zeros(8, dtype=torch.int32), torch.zeros(8, CLASSES, dtype=torch.int64), torch.zeros(8, 2)],
)
def test_other_targets_are_refused(target, logits) -> None:
    with pytest.raises(
        UserError, match=r"int64 class indices \(B,\) or floating class shares \(B, K\); received torch"
    ):
        CrossEntropy(CLASSES)(logits, target)


def test_check_targets_names_the_range() -> None:
    objective = CrossEntropy(3)
    objective.check_targets(torch.tensor([0, 2, 1]))
    with pytest.raises(UserError, match=r"must lie in 0\.\.2; received 1\.\.3 with num_classes=3"):
        objective.check_targets(torch.tensor([1, 2, 3]))
    with pytest.raises(UserError, match=r"received -1\.\.2"):
        objective.check_targets(torch.tensor([-1, 2]))


@every_objective
@pytest.mark.parametrize("smoothing", [1.0, -0.1, float("nan")])
def test_smoothing_outside_0_to_1_is_refused(kind, knobs, smoothing) -> None:
    with pytest.raises(UserError, match=rf"label_smoothing must lie in \[0, 1\); received {smoothing}"):
        kind(CLASSES, label_smoothing=smoothing, **knobs)


@pytest.mark.parametrize(
    ("kind", "knobs", "message"),
    [
        (BinaryCrossEntropy, {"over_outputs": "max"}, "over_outputs must be mean or sum; received max"),
        (SquaredError, {"output": "tanh"}, "output must be sigmoid, softmax or identity; received tanh"),
        (SquaredError, {"reduction": "sum"}, "reduction must be mean or half_sum; received sum"),
    ],
)
def test_unknown_words_are_refused(kind, knobs, message) -> None:
    with pytest.raises(UserError, match=message):
        kind(CLASSES, **knobs)


@pytest.mark.parametrize(
    ("word", "kind"), [("cross_entropy", CrossEntropy), ("bce", BinaryCrossEntropy), ("mse", SquaredError)]
)
def test_yaml_builds_the_objective_with_its_defaults(word, kind) -> None:
    built = instantiate(OmegaConf.load(CONF / f"{word}.yaml"), num_classes=CLASSES)
    assert type(built) is kind
    expected = kind(CLASSES)
    knobs = ("label_smoothing", "over_outputs", "output", "reduction")
    assert {k: getattr(built, k, None) for k in knobs} == {k: getattr(expected, k, None) for k in knobs}
