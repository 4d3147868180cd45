"""Every scheduler and L-BFGS in a real run under Lightning's Trainer."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

from lit_tricks.optim import TrainingPlan

CONF = Path(__file__).resolve().parents[2] / "conf"
BATCHES, EPOCHS, LR = 6, 4, 0.1
STEPS = BATCHES * EPOCHS

pytestmark = [
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks"),
    pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint that ended before the epoch"),
    # raised inside Lightning's own loader under torch 2.13
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning"),
]


class Regression(pl.LightningModule):
    """A straight line whose validation loss is constant, so that a plateau is certain.

    Lightning 2.6 does not step a plateau scheduler at the end of the epoch in which a run resumes, and saves the
    checkpoint at an epoch's end before stepping it. With ``judges_plateaus`` the module steps it right after
    validation instead, which is what makes resuming exact.
    """

    def __init__(
        self, optimizer: Callable[..., Any], schedule: Callable[..., Any], judges_plateaus: bool = False
    ) -> None:
        super().__init__()
        self.judges_plateaus = judges_plateaus
        torch.manual_seed(0)
        self.line = torch.nn.Linear(2, 1)
        self.optimizer, self.schedule = optimizer, schedule
        self.rates: list[float] = []

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        self.rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        loss = (self.line(batch[0]) - batch[1]).square().mean()
        self.last_loss = loss.item()
        return loss

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        self.log("val/loss", torch.tensor(1.0))

    def on_validation_epoch_end(self) -> None:
        config = self.trainer.lr_scheduler_configs
        if self.judges_plateaus and config and config[0].monitor and not self.trainer.sanity_checking:
            config[0].scheduler.step(1.0)

    def configure_optimizers(self) -> Any:
        optimizer = self.optimizer(self.parameters())
        plan = TrainingPlan(
            total_steps=int(self.trainer.estimated_stepping_batches),
            steps_per_epoch=math.ceil(self.trainer.num_training_batches / self.trainer.accumulate_grad_batches),
            max_epochs=self.trainer.max_epochs,
        )
        scheduler = self.schedule(optimizer, plan)
        if self.judges_plateaus and scheduler and scheduler["monitor"]:
            scheduler["frequency"] = sys.maxsize
        return optimizer if scheduler is None else {"optimizer": optimizer, "lr_scheduler": scheduler}


def word(group: str, name: str, **knobs: Any) -> Any:
    return instantiate(OmegaConf.merge(OmegaConf.load(CONF / group / f"{name}.yaml"), knobs))


def fit(module: Regression, *callbacks: Callback, resume: Path | None = None, **knobs: Any) -> Regression:
    # every batch is the same: torch's loader starts over after a stop in mid-epoch
    inputs = torch.randn(4, 2, generator=torch.Generator().manual_seed(1)).repeat(BATCHES, 1)
    loader = DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=4)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=knobs.pop("max_epochs", EPOCHS),
        callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **knobs,
    )
    trainer.fit(module, loader, loader, ckpt_path=resume, weights_only=None if resume is None else True)
    return module


def half_cosine(share: float) -> float:
    return LR * (1 + math.cos(math.pi * share)) / 2


def sgdr(step: int) -> float:
    start, period = 0, BATCHES
    while step >= start + period:
        start, period = start + period, 2 * period
    return half_cosine((step - start) / period)


def one_cycle(step: int) -> float:
    peak, low, end = STEPS * 0.25 - 1, LR / 25, LR / 1e5
    if step <= peak:
        return LR + (low - LR) * (1 + math.cos(math.pi * step / peak)) / 2
    return end + (LR - end) * (1 + math.cos(math.pi * (step - peak) / (STEPS - 1 - peak))) / 2


RUNS: dict[str, tuple[dict[str, Any], Callable[[int], float]]] = {
    "none": ({}, lambda s: LR),
    "exponential": ({}, lambda s: LR * 0.96 ** (s / BATCHES)),
    "step": ({"step_epochs": 2}, lambda s: LR * 0.1 ** (s // BATCHES // 2)),
    "inverse_time": ({}, lambda s: LR / (1 + 0.5 * s / BATCHES)),
    "cyclic": ({}, lambda s: LR * (1 - 0.75 * abs((s % (4 * BATCHES)) / (2 * BATCHES) - 1))),
    "cosine": ({}, lambda s: half_cosine(s / STEPS)),
    "warm_restarts": ({}, sgdr),
    "one_cycle": ({}, one_cycle),
    "plateau": ({"patience": 0}, lambda s: LR / 10 ** max(0, s // BATCHES - 1)),
}


def test_every_word_has_its_run() -> None:
    assert set(RUNS) == {path.stem for path in (CONF / "scheduler").glob("*.yaml")}


@pytest.mark.parametrize("name", RUNS)
def test_the_logged_rate_is_the_schedules(name: str) -> None:
    knobs, expected = RUNS[name]
    module = fit(Regression(word("optimizer", "momentum", lr=LR), word("scheduler", name, **knobs)))
    assert module.rates == pytest.approx([expected(step) for step in range(STEPS)])


@pytest.mark.parametrize("name", RUNS)
def test_every_schedule_warms_up_first(name: str) -> None:
    schedule = word("scheduler", name, **RUNS[name][0], warmup_steps=5)
    rates = fit(Regression(word("optimizer", "adam", lr=LR), schedule), max_epochs=2).rates
    assert rates[:5] == pytest.approx([rates[5] * (step + 1) / 5 for step in range(5)])


def test_accumulated_batches_count_as_one_step() -> None:
    schedule = word("scheduler", "cosine")
    rates = fit(Regression(word("optimizer", "sgd", lr=LR), schedule), accumulate_grad_batches=4).rates
    # 6 batches are 2 steps: after batch 4, and after batch 6 because the epoch ends
    steps = [2 * (batch // BATCHES) + (batch % BATCHES >= 4) for batch in range(STEPS)]
    assert rates == pytest.approx([half_cosine(step / (2 * EPOCHS)) for step in steps])


@pytest.mark.parametrize("name", [name for name in RUNS if name != "none"])
@pytest.mark.parametrize("warmup_steps", [0, 8])
def test_a_resumed_run_has_the_rates_and_weights_of_an_undisturbed_one(
    name: str, warmup_steps: int, tmp_path: Path
) -> None:
    def module() -> Regression:
        schedule = word("scheduler", name, **RUNS[name][0], warmup_steps=warmup_steps)
        return Regression(word("optimizer", "adam", lr=LR), schedule, judges_plateaus=True)

    by_step = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=4, save_top_k=-1)
    by_epoch = ModelCheckpoint(tmp_path, filename="{epoch}", every_n_epochs=1, save_top_k=-1)
    whole = fit(module(), by_step, by_epoch)
    # within the warm-up, in mid-epoch, at an epoch's end, and at its last batch, where Lightning never validates again
    stops = {"step=4": 4, "step=16": 16, "epoch=1": 12} | ({} if name == "plateau" else {"step=12": 12})
    for file, step in stops.items():
        resumed = fit(module(), resume=tmp_path / f"{file}.ckpt")
        assert resumed.rates == whole.rates[step:]
        assert torch.equal(resumed.line.weight, whole.line.weight)


def test_lbfgs_solves_the_line_in_one_epoch() -> None:
    module = fit(Regression(word("optimizer", "lbfgs"), word("scheduler", "none", warmup_steps=2)), max_epochs=1)
    assert module.rates[:3] == [0.5, 1.0, 1.0]
    assert module.last_loss < 1e-8
