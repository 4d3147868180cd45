"""Before its epoch a deferred correction changes nothing; from then on it is the correction; runs resume across it."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from imblearn.over_sampling import SMOTE
from torch import Tensor
from training import make_trainer

from lit_tricks.callbacks import Deferral
from lit_tricks.data import DigitsDataModule
from lit_tricks.data.class_samplers import ClassAwareSampler
from lit_tricks.data.class_sizes import LongTail
from lit_tricks.data.input_resampling import InputResamplingSampler
from lit_tricks.data.samplers import Sampler
from lit_tricks.errors import UserError
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.objectives import CrossEntropy
from lit_tricks.stretches import install_stretches

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
]


class Seen(LitClassifier):
    """Keeps the classes of every epoch's batches and the weights at its end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.classes: list[Tensor] = []
        self.ends: list[Tensor] = []

    def batch_loss(self, x: Tensor, y: Tensor, target: Tensor, note: bool = True) -> Tensor:
        self.classes[-1] += torch.bincount(y, minlength=10)
        return super().batch_loss(x, y, target, note)

    def on_train_epoch_start(self) -> None:
        self.classes.append(torch.zeros(10, dtype=torch.int64))

    def on_train_epoch_end(self) -> None:
        super().on_train_epoch_end()
        self.ends.append(torch.cat([p.detach().flatten().clone() for p in self.network.parameters()]))


def run(
    folder: Path, deferral: Deferral | None, sampler: Any = None, weights: str = "none", epochs: int = 4,
    resume: bool = False, stretches: bool = False,
) -> Seen:  # fmt: skip
    data = DigitsDataModule(imbalance=LongTail(20), train_size=300, sampler=sampler)
    data.setup()
    spec = data.spec
    torch.manual_seed(0)
    module = Seen(
        network=MLP(spec.input_shape, 10, hidden=[8]),
        objective=CrossEntropy(10, class_weights=weights, class_counts=spec.class_counts),  # type: ignore[arg-type]
        normaliser=data.normaliser,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        spec=spec,
    )
    trainer = make_trainer(folder, epochs, [deferral] if deferral else [])
    if stretches:
        install_stretches(trainer)
    trainer.fit(module, datamodule=data, ckpt_path=str(folder / "checkpoints" / "last.ckpt") if resume else None)
    return module


@pytest.mark.parametrize("stretches", [False, True])
def test_weights_act_from_their_epoch_on(stretches: bool, tmp_path: Path) -> None:
    plain = run(tmp_path / "plain", None)
    late = run(tmp_path / "late", Deferral(0.5), weights="inverse", stretches=stretches)
    assert torch.equal(late.ends[1], plain.ends[1])
    assert not torch.equal(late.ends[2], plain.ends[2])
    always = run(tmp_path / "always", None, weights="inverse")
    assert not torch.equal(always.ends[0], plain.ends[0])


def test_the_sampler_acts_from_its_epoch_on(tmp_path: Path) -> None:
    counts = torch.tensor(run(tmp_path / "plain", None, epochs=1).spec.class_counts)
    late = run(tmp_path / "late", Deferral(2), sampler=ClassAwareSampler)
    length = -(-int(counts.sum()) // 10) * 10
    for epoch in (0, 1):
        spare = late.classes[epoch] - counts
        assert int(spare.abs().sum()) <= 2 * (length - int(counts.sum())), (
            "a pass through the data, and the next begins"
        )
    for epoch in (2, 3):
        assert (late.classes[epoch] == length // 10).all()


def test_deferred_epochs_are_passes_of_the_samplers_length() -> None:
    labels = torch.arange(30) % 3
    sampler = ClassAwareSampler(labels, seed=1)
    sampler.begins = 2
    assert torch.equal(sampler.visits(2), sampler.order(2))
    for epoch in (0, 1):
        assert torch.equal(sampler.visits(epoch).sort().values, torch.arange(30))
    assert not torch.equal(sampler.visits(0), sampler.visits(1))
    longer = Longer(labels)
    longer.begins = 3
    together = torch.cat([longer.visits(epoch) for epoch in range(3)])
    assert len(together) == 3 * 45
    for one_pass in together[:120].view(-1, 30):
        assert len(one_pass.unique()) == 30


class Longer(Sampler):
    """One whose epochs are half as long again as the data."""

    def __len__(self) -> int:
        return 45

    def order(self, epoch: int) -> Tensor:
        return torch.zeros(45, dtype=torch.int64)


def test_synthetic_examples_wait_too(tmp_path: Path) -> None:
    data = DigitsDataModule(imbalance=LongTail(10), sampler=partial(InputResamplingSampler, resampler=SMOTE()))
    data.setup()
    loader = data.train_dataloader()
    loader.sampler.begins = 1
    assert int(loader.order(0).max()) < len(data.train) <= int(loader.order(1).max())


@pytest.mark.parametrize("start", [0.5, 2])
def test_a_run_resumes_across_the_switch_bit_for_bit(start: float, tmp_path: Path) -> None:
    options: dict[str, Any] = {"sampler": ClassAwareSampler, "weights": "inverse"}
    whole = run(tmp_path / "whole", Deferral(start), epochs=4, **options)
    run(tmp_path / "part", Deferral(2), epochs=3, **options)
    resumed = run(tmp_path / "part", Deferral(2), epochs=4, resume=True, **options)
    assert torch.equal(resumed.ends[-1], whole.ends[-1])


def test_a_run_made_longer_keeps_its_first_epoch(tmp_path: Path) -> None:
    run(tmp_path, Deferral(0.5), weights="inverse")
    deferral = Deferral(0.5)
    run(tmp_path, deferral, weights="inverse", epochs=8, resume=True)
    assert deferral.first == 2


@pytest.mark.parametrize("start", [0, 1.0, 1.5, -1, True, "late"])
def test_a_start_out_of_range_is_refused(start: Any) -> None:
    with pytest.raises(UserError, match=r"deferral starts after a share of the epochs.*try callbacks\.deferral\.start"):
        Deferral(start)


@pytest.mark.parametrize(
    ("start", "epochs", "message"),
    [(4, 4, "starts after 4 of 4"), (0.5, -1, "their number is not limited")],
)
def test_a_start_without_an_epoch_is_refused(start: float, epochs: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        run(tmp_path, Deferral(start), weights="inverse", epochs=epochs)


def test_nothing_to_defer_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lit_tricks")
    run(tmp_path / "a", Deferral(1), epochs=2)
    assert "nothing here favours rare classes" in caplog.text
    caplog.clear()
    run(tmp_path / "b", Deferral(1), sampler=ClassAwareSampler, weights="inverse", epochs=2)
    assert "deferral: class weights and the sampler set in with epoch 2" in caplog.text
