"""What each strategy moves, when and how fast, against loops by hand and to the last bit."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from training import make_trainer

from lit_tricks.callbacks import EMA, SWA, LayerRecorder
from lit_tricks.data import DigitsDataModule, SequentialSampler
from lit_tricks.errors import UserError
from lit_tricks.models import MLP
from lit_tricks.module import LitClassifier
from lit_tricks.objectives import CrossEntropy, WeightPenalty
from lit_tricks.optim import (
    Cosine,
    Cyclic,
    Exponential,
    InverseTime,
    OneCycle,
    Plateau,
    StepDecay,
    TrainingPlan,
    WarmRestarts,
)
from lit_tricks.stretches import install_stretches
from lit_tricks.transfer import FineTuned, Frozen, Gradual, Transfer

pytestmark = [
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
]
LR, EPOCHS, BATCH = 0.05, 4, 20
SGD = partial(torch.optim.SGD, lr=LR, momentum=0.9, weight_decay=0.1)
ADAMW = partial(torch.optim.AdamW, lr=LR, weight_decay=0.1, fused=True)


def network(seed: int, **knobs: Any) -> MLP:
    torch.manual_seed(seed)
    return MLP((1, 8, 8), 10, **{"hidden": [12, 11, 10], "norm": "batch", **knobs})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file with weights whose running statistics are not those of a fresh network."""
    made = network(5)
    for _ in range(3):
        made(torch.rand(50, 1, 8, 8))
    path = tmp_path_factory.mktemp("source") / "weights.pt"
    torch.save(made.state_dict(), path)
    return str(path)


class Watch(pl.Callback):
    """Notes the weights at every epoch's end, and, where asked, each step's rates."""

    def __init__(self) -> None:
        self.weights: list[dict[str, Tensor]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note(pl_module)

    def _note(self, module: Any) -> None:
        self.weights.append({name: value.clone() for name, value in module.network.state_dict().items()})


class Rates(pl.Callback):
    """Notes every step's rates, which makes all steps single ones."""

    def __init__(self) -> None:
        self.rates: list[list[float]] = []

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.rates.append([group["lr"] for group in trainer.optimizers[0].param_groups])


def fit(
    folder: Path,
    transfer: Transfer | None,
    make: Callable[..., torch.optim.Optimizer] = SGD,
    *,
    start: nn.Module | None = None,
    callbacks: tuple[pl.Callback, ...] = (),
    schedule: Any = None,
    penalty: Any = None,
    stretches: bool = True,
    checkpoint: Path | None = None,
    epochs: int = EPOCHS,
    **options: Any,
) -> tuple[LitClassifier, Watch, pl.Trainer]:
    datamodule = DigitsDataModule(batch_size=BATCH, train_size=200, sampler=SequentialSampler)
    datamodule.setup("fit")
    module = LitClassifier(
        network=start or network(0),
        objective=CrossEntropy(10),
        normaliser=datamodule.normaliser,
        optimizer=make if transfer is None else transfer.grouped(make),
        spec=datamodule.spec,
        schedule=None if schedule is None else lambda optimizer, *plan: schedule(optimizer, TrainingPlan(*plan)),
        penalty=penalty,
    )
    if transfer is not None:
        begin = transfer.adopt if checkpoint is None else transfer.watch
        begin(module)
    watch = Watch()
    first = [] if transfer is None else [transfer]
    trainer = make_trainer(folder, epochs, [*first, watch, *callbacks], **options)
    if stretches:
        assert install_stretches(trainer) is None
    torch.manual_seed(7)
    trainer.fit(module, datamodule=datamodule, ckpt_path=checkpoint)
    return module, watch, trainer


def moved(watch: Watch, epoch: int) -> set[str]:
    """Return the parts whose tensors changed in an epoch."""
    before, after = watch.weights[epoch], watch.weights[epoch + 1]
    return {name.rpartition(".")[0] for name in before if not torch.equal(before[name], after[name])}


BODY = {f"layers.{number}.{part}" for number in range(3) for part in ("linear", "norm")}


@pytest.mark.parametrize("make", [SGD, ADAMW], ids=["sgd", "fused adamw"])
@pytest.mark.parametrize("stretches", [False, True])
@pytest.mark.parametrize("extra", [(), (EMA,), (partial(SWA, 1),)], ids=["", "ema", "swa"])
def test_frozen_layers_and_their_statistics_do_not_move_one_bit(
    source: str, extra: tuple[Any, ...], stretches: bool, make: Any, tmp_path: Path
) -> None:
    callbacks = tuple(each() for each in extra)
    module, watch, trainer = fit(
        tmp_path,
        Frozen(source),
        make,
        callbacks=callbacks,
        penalty=WeightPenalty(l1=0.01, l2=0.01),
        stretches=stretches,
    )
    if stretches:
        assert trainer.fit_loop.epoch_loop.reason is None
    expected = torch.load(source, weights_only=True)
    final = module.network.state_dict()
    assert {name for name in expected if not torch.equal(final[name], expected[name])} == {
        "output.weight",
        "output.bias",
    }
    assert all(moved(watch, epoch) == {"output"} for epoch in range(EPOCHS))
    assert [len(group["params"]) for group in trainer.optimizers[0].param_groups] == [2]


def by_hand(source: str, begins: Callable[[int], int], share: Callable[[int], float]) -> dict[str, Tensor]:
    """Train in a plain loop; ``begins`` and ``share`` take a layer's depth, 0 for the output."""
    made = network(0)
    made.load_state_dict(torch.load(source, weights_only=True))
    layers = [made.output, made.layers[2], made.layers[1], made.layers[0]]
    optimizer = SGD([{"params": list(layer.parameters()), "lr": LR * share(d)} for d, layer in enumerate(layers)])
    datamodule = DigitsDataModule(train_size=200)
    datamodule.setup("fit")
    x, y = datamodule.normaliser(datamodule.train.x), datamodule.train.y
    for epoch in range(EPOCHS):
        made.train()
        for depth, layer in enumerate(layers):
            layer.requires_grad_(epoch >= begins(depth))
            layer.train(epoch >= begins(depth))
        for inputs, labels in zip(x.split(BATCH), y.split(BATCH), strict=True):
            optimizer.zero_grad()
            F.cross_entropy(made(inputs), labels).backward()
            optimizer.step()
    return made.state_dict()


@pytest.mark.parametrize("stretches", [False, True])
@pytest.mark.parametrize(
    ("strategy", "begins", "share"),
    [
        (Frozen, lambda d: 0 if d == 0 else 99, lambda d: 1.0),
        (FineTuned, lambda d: 0, lambda d: 1.0),
        (partial(FineTuned, body_lr=0.25), lambda d: 0, lambda d: 1.0 if d == 0 else 0.25),
        (Gradual, lambda d: d, lambda d: 2.6**-d),
        (partial(Gradual, epochs_each=2, lr_divisor=4.0), lambda d: 2 * d, lambda d: 4.0**-d),
    ],
    ids=["frozen", "fine_tuned", "slow body", "gradual", "slow gradual"],
)
def test_training_is_that_of_a_loop_by_hand(
    source: str, strategy: Any, begins: Any, share: Any, stretches: bool, tmp_path: Path
) -> None:
    module, _, _ = fit(tmp_path, strategy(source), stretches=stretches)
    expected = by_hand(source, begins, share)
    for name, value in module.network.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_fine_tuning_at_one_rate_is_a_plain_run_from_these_weights(source: str, tmp_path: Path) -> None:
    start = network(0)
    start.load_state_dict(torch.load(source, weights_only=True))
    plain, _, plain_trainer = fit(tmp_path / "plain", None, ADAMW, start=start)
    tuned, _, trainer = fit(tmp_path / "tuned", FineTuned(source), ADAMW)
    final, expected = tuned.network.state_dict(), plain.network.state_dict()
    assert all(torch.equal(final[name], expected[name]) for name in expected)
    assert len(trainer.optimizers[0].param_groups) == len(plain_trainer.optimizers[0].param_groups) == 1


def test_layers_thaw_with_their_norms_in_the_documented_epochs(source: str, tmp_path: Path) -> None:
    _, watch, trainer = fit(tmp_path, Gradual(source), penalty=WeightPenalty(l2=0.01))
    assert trainer.fit_loop.epoch_loop.reason is None
    thawed = {"output"}
    for epoch in range(EPOCHS):
        if epoch:
            thawed |= {f"layers.{3 - epoch}.linear", f"layers.{3 - epoch}.norm"}
        assert moved(watch, epoch) == thawed
    assert thawed == BODY | {"output"}


def test_a_run_too_short_to_thaw_a_layer_says_so(source: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "lit_tricks"):
        _, watch, _ = fit(tmp_path, Gradual(source), epochs=3)
    told = "transfer: layers.0.linear, layers.0.norm never thaw within trainer.max_epochs=3"
    assert [record.getMessage() for record in caplog.records].count(told) == 1
    assert "layers.0.linear" not in moved(watch, 2)


def test_what_is_new_learns_from_the_first_step(source: str, tmp_path: Path) -> None:
    transfer = Frozen(source, new_output=True)
    _, watch, _ = fit(tmp_path, transfer, start=network(0, hidden=[12, 9, 10]), epochs=1)
    assert transfer.record["reused"] == ["layers.0.linear", "layers.0.norm", "layers.2.norm"]
    assert moved(watch, 0) == {"layers.1.linear", "layers.1.norm", "layers.2.linear", "output"}


SCHEDULES = {
    "none": None,
    "step": StepDecay(step_epochs=1, gamma=0.5),
    "exponential": Exponential(),
    "inverse_time": InverseTime(warmup_steps=5),
    "cosine": Cosine(warmup_steps=5),
    "cyclic": Cyclic(),
    "warm_restarts": WarmRestarts(),
    "one_cycle": OneCycle(max_lr=2 * LR),
    "plateau": Plateau(patience=0, threshold=1e9, min_lr=LR / 50),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_keeps_the_ratios_of_the_rates_at_every_step(name: str, source: str, tmp_path: Path) -> None:
    rates = Rates()
    fit(tmp_path, Gradual(source), callbacks=(rates,), schedule=SCHEDULES[name])
    assert len(rates.rates) == EPOCHS * 200 // BATCH
    for step in rates.rates:
        assert step == pytest.approx([step[0] * 2.6**-depth for depth in range(4)], rel=1e-6)
    if name != "none":
        assert len({step[0] for step in rates.rates}) > 1
    if name == "plateau":
        assert rates.rates[-1][0] == pytest.approx(LR / 50)


@pytest.mark.parametrize("name", ["plateau", "one_cycle", "cosine"])
@pytest.mark.parametrize("extra", [(), (EMA,)], ids=["", "ema"])
def test_a_run_that_resumes_while_layers_thaw_is_the_undivided_one(
    name: str, extra: tuple[Any, ...], source: str, tmp_path: Path
) -> None:
    by_step = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    by_epoch = ModelCheckpoint(tmp_path, filename="{epoch}", every_n_epochs=1, save_top_k=-1)

    def outcome(folder: str, *callbacks: pl.Callback, checkpoint: Path | None = None) -> dict[str, Tensor]:
        # a resumed run finds what was reused in the checkpoint
        transfer = Gradual(source if checkpoint is None else "gone")
        more = (*callbacks, *(each() for each in extra))
        module, _, trainer = fit(
            tmp_path / folder, transfer, callbacks=more, schedule=SCHEDULES[name], checkpoint=checkpoint
        )
        # the undivided run saves after every step, which takes single ones
        assert (trainer.fit_loop.epoch_loop.reason is None) == (checkpoint is not None)
        assert transfer.record["reused"][0] == "layers.0.linear"
        return module.network.state_dict()

    whole = outcome("whole", by_step, by_epoch)
    # in mid-epoch before, at and after a thaw, and at the ends of epochs
    for file in ("step=9", "step=11", "step=25", "epoch=0", "epoch=1"):
        resumed = outcome(file, checkpoint=tmp_path / f"{file}.ckpt")
        assert all(torch.equal(resumed[part], whole[part]) for part in whole), file


def test_frozen_layers_are_recorded_without_a_gradient(source: str, tmp_path: Path) -> None:
    recorder = LayerRecorder(50)
    fit(tmp_path, Gradual(source), callbacks=(recorder,), epochs=2)
    gradients = {
        moment: [layer["name"] for layer in layers if layer["gradient_std"] > 0]
        for moment, layers in recorder.layers.items()
    }
    assert [len(layers) for layers in recorder.layers.values()] == [4, 4]
    assert gradients == {"start": ["output"], "end": ["layers.2.linear", "output"]}


def test_several_processes_do_not_thaw_layers(source: str, tmp_path: Path) -> None:
    module, _, trainer = fit(tmp_path, FineTuned(source), epochs=1)
    trainer.strategy.world_size = 2
    gradual = Gradual(source)
    gradual.adopt(module)
    with pytest.raises(UserError, match=r"received 2 processes: try trainer\.devices=1"):
        gradual.on_train_start(trainer, module)
    for other in (Frozen(source), FineTuned(source)):
        other.adopt(module)
        other.on_train_start(trainer, module)
