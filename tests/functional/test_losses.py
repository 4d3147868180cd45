import pytest
import torch
import torch.nn.functional as F

from lit_tricks.functional.losses import (
    activate,
    binary_cross_entropy,
    cross_entropy,
    nearest_distribution,
    smooth_targets,
    soft_targets,
    softmax,
    squared_error,
)

CLASSES = 4
LOSSES = [
    cross_entropy,
    binary_cross_entropy,
    *(
        lambda z, t, output=output, reduction=reduction: squared_error(z, t, output, reduction)
        for output in ("sigmoid", "softmax")
        for reduction in ("mean", "half_sum")
    ),
]


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(6, CLASSES, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


@pytest.fixture
def target() -> torch.Tensor:
    return torch.tensor([0, 1, 2, 3, 1, 0])


def gradient(loss: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss.sum(), logits)[0]


def test_soft_targets_are_one_hot_rows(target: torch.Tensor) -> None:
    torch.testing.assert_close(soft_targets(target, CLASSES, torch.float32), F.one_hot(target, CLASSES).float())


def test_soft_targets_refuse_an_index_that_is_no_class() -> None:
    with pytest.raises(RuntimeError, match="out of bounds"):
        soft_targets(torch.tensor([CLASSES]), CLASSES, torch.float32)


def test_smoothing_mixes_with_the_uniform_distribution() -> None:
    smoothed = smooth_targets(torch.tensor([[0.0, 1.0, 0.0, 0.0]]), 0.2)
    torch.testing.assert_close(smoothed, torch.tensor([[0.05, 0.85, 0.05, 0.05]]))


def test_smoothing_zero_changes_nothing() -> None:
    shares = torch.rand(3, CLASSES)
    assert torch.equal(smooth_targets(shares, 0.0), shares)


def test_smoothed_cross_entropy_is_torchs(logits: torch.Tensor, target: torch.Tensor) -> None:
    ours = cross_entropy(logits, smooth_targets(soft_targets(target, CLASSES, logits.dtype), 0.1))
    torch.testing.assert_close(ours, F.cross_entropy(logits, target, reduction="none", label_smoothing=0.1))


def test_cross_entropy_is_the_textbooks_for_soft_targets(logits: torch.Tensor) -> None:
    shares = torch.rand(6, CLASSES, dtype=torch.float64).softmax(1)
    naive = [
        -sum(t * (z - torch.log(sum(torch.exp(v) for v in row))) for t, z in zip(shares_row, row, strict=True))
        for shares_row, row in zip(shares, logits, strict=True)
    ]
    torch.testing.assert_close(cross_entropy(logits, shares), torch.stack(naive))


def test_binary_cross_entropy_is_k_yes_no_questions(logits: torch.Tensor, target: torch.Tensor) -> None:
    naive = []
    for row, label in zip(logits.sigmoid(), target, strict=True):
        terms = [-torch.log(p if k == label else 1 - p) for k, p in enumerate(row)]
        naive.append(sum(terms))
    total = torch.stack(naive)
    torch.testing.assert_close(binary_cross_entropy(logits, target, "sum"), total)
    torch.testing.assert_close(binary_cross_entropy(logits, target), total / CLASSES)


@pytest.mark.parametrize("output", ["sigmoid", "softmax", "identity"])
def test_squared_error_in_both_conventions(logits: torch.Tensor, target: torch.Tensor, output: str) -> None:
    outputs = {"sigmoid": torch.sigmoid, "softmax": lambda z: z.softmax(1), "identity": lambda z: z}[output](logits)
    squares = (outputs - F.one_hot(target, CLASSES)) ** 2
    torch.testing.assert_close(squared_error(logits, target, output, "mean"), squares.sum(1) / CLASSES)
    torch.testing.assert_close(squared_error(logits, target, output, "half_sum"), squares.sum(1) / 2)


def test_gradient_at_the_drive_is_output_minus_target_for_cross_entropies(
    logits: torch.Tensor, target: torch.Tensor
) -> None:
    one_hot = F.one_hot(target, CLASSES)
    torch.testing.assert_close(gradient(cross_entropy(logits, target), logits), logits.softmax(1) - one_hot)
    summed = binary_cross_entropy(logits, target, "sum")
    torch.testing.assert_close(gradient(summed, logits), logits.sigmoid() - one_hot)


def test_gradient_at_the_drive_carries_the_slope_for_squared_error(logits: torch.Tensor, target: torch.Tensor) -> None:
    outputs = logits.sigmoid()
    expected = (outputs - F.one_hot(target, CLASSES)) * outputs * (1 - outputs)
    torch.testing.assert_close(gradient(squared_error(logits, target, "sigmoid", "half_sum"), logits), expected)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_losses_and_gradients_stay_finite_for_huge_logits(loss, scale: float, target: torch.Tensor) -> None:
    huge = (scale * torch.eye(6, CLASSES)).requires_grad_()
    values = loss(huge, target)
    assert values.shape == (6,)
    assert values.isfinite().all()
    assert gradient(values, huge).isfinite().all()


def test_huge_wrong_logit_costs_its_height() -> None:
    logits = torch.tensor([[1e4, 0.0, 0.0, 0.0]])
    assert cross_entropy(logits, torch.tensor([1])).item() == 1e4
    assert binary_cross_entropy(logits, torch.tensor([0]), "sum").item() == pytest.approx(
        3 * torch.log(torch.tensor(2.0))
    )


def test_identity_activation_changes_nothing(logits: torch.Tensor) -> None:
    assert activate(logits, "identity") is logits


def test_nearest_distribution_is_the_best_of_a_fine_grid() -> None:
    outputs = torch.tensor([[1.3, 0.9, -0.4], [0.2, 0.1, 0.1], [-3.0, -2.0, -2.5]], dtype=torch.float64)
    steps = 200
    grid = torch.tensor(
        [[i, j, steps - i - j] for i in range(steps + 1) for j in range(steps + 1 - i)], dtype=torch.float64
    )
    best = grid[torch.cdist(outputs, grid / steps).argmin(1)] / steps
    torch.testing.assert_close(nearest_distribution(outputs), best, atol=1.5 / steps, rtol=0)


def test_nearest_distribution_keeps_distributions_and_winners() -> None:
    shares = torch.randn(50, 10, dtype=torch.float64).softmax(1)
    torch.testing.assert_close(nearest_distribution(shares), shares)
    outputs = 3 * torch.randn(50, 10, dtype=torch.float64)
    projected = nearest_distribution(outputs)
    torch.testing.assert_close(projected.sum(1), torch.ones(50, dtype=torch.float64))
    assert torch.equal(projected.argmax(1), outputs.argmax(1))
    assert (projected >= 0).all()


@pytest.mark.parametrize("classes", [2, 10, 15, 16])
@pytest.mark.parametrize("rows", [1, 63, 64, 500])
def test_softmax_and_its_entropy_are_torchs_on_either_path(rows: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(rows + classes)
    logits = (10 * torch.randn(rows, classes, generator=generator)).requires_grad_()
    target = torch.randint(0, classes, (rows,), generator=generator)
    torch.testing.assert_close(softmax(logits), logits.softmax(1))
    assert softmax(logits).is_contiguous()
    ours, torchs = cross_entropy(logits, target), F.cross_entropy(logits, target, reduction="none")
    torch.testing.assert_close(ours, torchs)
    torch.testing.assert_close(gradient(ours, logits), gradient(torchs, logits))
