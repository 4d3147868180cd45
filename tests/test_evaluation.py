"""Predictions outside the training loop."""

import pytest
import torch
from training import make_module

from lit_tricks.data import DigitsDataModule
from lit_tricks.evaluation import predict_batches, split_loader
from lit_tricks.module import LitClassifier


@pytest.fixture
def module() -> LitClassifier:
    return make_module(DigitsDataModule(batch_size=10), dropout=0.5)


def uneven(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Batches whose sizes grow and shrink, as those of a data module that is not ours may."""
    generator = torch.Generator().manual_seed(0)
    sizes = [3, 200, 1, 64, 7][:count]
    return [
        (torch.rand(size, 1, 8, 8, generator=generator) * 16, torch.randint(0, 10, (size,), generator=generator))
        for size in sizes
    ]


@pytest.mark.parametrize("count", [1, 5])
def test_predictions_are_those_of_one_pass_over_everything(module: LitClassifier, count: int) -> None:
    batches = uneven(count)
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    module.train()
    probabilities, targets, losses = predict_batches(module, batches)
    assert module.training
    module.eval()
    logits = module(x)
    torch.testing.assert_close(probabilities, logits.softmax(1))
    torch.testing.assert_close(losses, torch.nn.functional.cross_entropy(logits, y, reduction="none"))
    assert torch.equal(targets, y)


def test_training_mode_returns_after_a_failure(module: LitClassifier) -> None:
    module.train()
    with pytest.raises(RuntimeError, match="must match the size"):
        predict_batches(module, [(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64))])
    assert module.training


def test_every_example_is_predicted_once_and_in_order(module: LitClassifier) -> None:
    datamodule = DigitsDataModule(batch_size=10)
    datamodule.setup("fit")
    for split in ("train", "val", "test"):
        _, targets, _ = predict_batches(module, split_loader(datamodule, split))
        assert torch.equal(targets, getattr(datamodule, split).y)
