"""The rate that belongs to a batch size makes an epoch as long, or as noisy, as it was."""

import pytest
import torch

from lit_tricks.optim import rate_factor

SGD, ADAM = torch.optim.SGD, torch.optim.Adam


@pytest.mark.parametrize(
    ("rule", "optimizer", "expected"),
    [
        ("none", SGD, 1.0),
        ("linear", ADAM, 4.0),
        ("sqrt", SGD, 2.0),
        ("auto", SGD, 4.0),
        ("auto", torch.optim.ASGD, 4.0),
        ("auto", ADAM, 2.0),
        ("auto", torch.optim.RMSprop, 2.0),
    ],
)
def test_factor_of_a_four_times_larger_batch(rule: str, optimizer: type, expected: float) -> None:
    assert rate_factor(rule, 128, 32, optimizer) == expected  # type: ignore[arg-type]


def epoch(optimizer: type, gradients: torch.Tensor, batch_size: int, lr: float, **options: object) -> torch.Tensor:
    """Return where one pass over per-example ``gradients`` (N, D) leads from 0."""
    weights = torch.zeros(gradients.shape[1], requires_grad=True)
    stepper = optimizer([weights], lr=lr, **options)
    for batch in gradients.split(batch_size):
        weights.grad = batch.mean(0)
        stepper.step()
    return weights.detach()


def test_linear_scaling_takes_sgd_to_the_same_place() -> None:
    torch.manual_seed(0)
    gradients = torch.randn(64, 5)
    scaled = 0.1 * rate_factor("auto", 16, 4, SGD)
    torch.testing.assert_close(epoch(SGD, gradients, 16, scaled), epoch(SGD, gradients, 4, 0.1))


def test_square_root_scaling_lets_noise_carry_adam_as_far() -> None:
    torch.manual_seed(0)
    gradients = torch.randn(4096, 500)
    small = epoch(ADAM, gradients, 4, 0.01).std()
    scaled = {
        rule: epoch(ADAM, gradients, 16, 0.01 * rate_factor(rule, 16, 4, ADAM)).std() for rule in ("auto", "linear")
    }  # type: ignore[arg-type]
    assert scaled["auto"] / small == pytest.approx(1.0, abs=0.15)
    assert scaled["linear"] / small > 1.6
