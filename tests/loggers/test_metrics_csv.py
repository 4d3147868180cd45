import csv
import os

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from lit_tricks.errors import UserError
from lit_tricks.loggers import MetricsCSV


def table(folder):
    with open(folder / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def header(folder):
    return (folder / "metrics.csv").read_text(encoding="utf-8").splitlines()[0]


class Linear(pl.LightningModule):
    """Logs the way LitClassifier and its callbacks do."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def training_step(self, batch, batch_idx):
        return self.layer(batch[0]).square().mean()

    def on_train_batch_start(self, batch, batch_idx):
        for logger in self.loggers:
            logger.log_metrics({"lr": 0.1 / (self.global_step + 1), "epoch": self.current_epoch}, step=self.global_step)

    def on_train_epoch_end(self):
        self.log_dict({"train/loss": 0.5 / (self.current_epoch + 1), "train/acc": 0.25})
        self.log("epoch_seconds", 1.5)

    def validation_step(self, batch, batch_idx):
        self.log_dict({"val/loss": 0.1 + self.current_epoch, "val/acc": 0.75})

    def test_step(self, batch, batch_idx):
        self.log("test/acc", 0.5)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def batches():
    return DataLoader(TensorDataset(torch.ones(40, 4)), batch_size=4)


def trainer(logger, epochs, folder, **options):
    return pl.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=logger,
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        log_every_n_steps=5,
        **options,
    )


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*`isinstance.treespec, LeafSpec.` is deprecated.*")
def test_one_row_per_epoch_under_lightning(tmp_path, batches):
    run = trainer(MetricsCSV(tmp_path), 3, tmp_path)
    module = Linear()
    run.fit(module, batches, batches)
    before = (tmp_path / "metrics.csv").read_bytes()
    run.test(module, batches, verbose=False)
    run.validate(module, batches, verbose=False)
    assert (tmp_path / "metrics.csv").read_bytes() == before
    assert header(tmp_path) == "epoch,step,train/loss,train/acc,val/loss,val/acc,lr,epoch_seconds"
    rows = table(tmp_path)
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert [row["step"] for row in rows] == ["9", "19", "29"]
    assert [float(row["val/loss"]) for row in rows] == pytest.approx([0.1, 1.1, 2.1])
    assert [float(row["lr"]) for row in rows] == [0.1 / 10, 0.1 / 20, 0.1 / 30]


def test_every_digit_is_kept(tmp_path):
    logger = MetricsCSV(tmp_path)
    values = {"train/loss": 1 / 3, "train/acc": float("nan"), "tiny": 1.2345678901234567e-300}
    logger.log_metrics({**values, "epoch": 0}, step=1)
    (row,) = table(tmp_path)
    assert float(row["train/loss"]) == 1 / 3
    assert row["train/acc"] == "nan"
    assert float(row["tiny"]) == 1.2345678901234567e-300


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0010000000474974513, "0.001"),
        (torch.tensor(0.1), "0.1"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (2.0**-149, "1e-45"),
        (1e300, "1e+300"),
        (-0.0, "-0.0"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_as_short_as_their_precision_allows(tmp_path, value, text):
    MetricsCSV(tmp_path).log_metrics({"lr": value, "epoch": 0})
    assert [row["lr"] for row in table(tmp_path)] == [text]


def test_every_single_precision_number_is_given_back(tmp_path):
    values = np.random.default_rng(0).integers(0, 0x7F800000, 500, dtype=np.uint32).view(np.float32)
    MetricsCSV(tmp_path).log_metrics({f"v{i}": float(value) for i, value in enumerate(values)} | {"epoch": 0})
    (row,) = table(tmp_path)
    assert [np.float32(row[f"v{i}"]) for i in range(500)] == values.tolist()


def test_only_the_end_waits_for_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda *_: synced.append(len(table(tmp_path))))
    logger = MetricsCSV(tmp_path)
    logger.finalize("success")
    assert list(tmp_path.iterdir()) == []
    for epoch in range(3):
        logger.log_metrics({"train/loss": 1.0, "epoch": epoch}, step=epoch)
    assert synced == []
    logger.finalize("success")
    assert synced == [3]


def test_tensors_and_integers_are_values_too(tmp_path):
    MetricsCSV(tmp_path).log_metrics({"count": 3, "rate": torch.tensor(0.5), "epoch": 0})
    assert table(tmp_path) == [{"epoch": "0", "step": "", "count": "3", "rate": "0.5"}]


def test_a_column_that_comes_late_is_empty_before(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"train/loss": 1.0, "epoch": 0}, step=1)
    logger.log_metrics({"penalty": 2.0, "train/acc": 0.5, "epoch": 1}, step=2)
    assert header(tmp_path) == "epoch,step,train/loss,train/acc,penalty"
    assert [row["penalty"] for row in table(tmp_path)] == ["", "2.0"]


def test_values_without_an_epoch_join_the_row_their_step_belongs_to(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"lr": 0.1}, step=0)
    logger.log_metrics({"train/loss": 1.0, "epoch": 0}, step=9)
    logger.log_metrics({"norm": 7.0}, step=9)
    logger.log_metrics({"lr": 0.2}, step=10)
    logger.log_metrics({"train/loss": 0.5, "epoch": 1}, step=19)
    logger.log_metrics({"lr": 0.3}, step=20)
    logger.finalize("success")
    rows = table(tmp_path)
    assert [row["lr"] for row in rows] == ["0.1", "0.3"]
    assert [row["norm"] for row in rows] == ["7.0", ""]


def test_repeated_step_values_do_not_rewrite_the_file(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"lr": 0.1, "epoch": 0}, step=0)
    written = (tmp_path / "metrics.csv").stat().st_mtime_ns, (tmp_path / "metrics.csv").stat().st_ino
    for step in range(1, 50):
        logger.log_metrics({"lr": 0.1 / step, "epoch": 0}, step=step)
    assert ((tmp_path / "metrics.csv").stat().st_mtime_ns, (tmp_path / "metrics.csv").stat().st_ino) == written
    logger.log_metrics({"train/loss": 1.0, "epoch": 0}, step=49)
    assert table(tmp_path) == [{"epoch": "0", "step": "49", "train/loss": "1.0", "lr": repr(0.1 / 49)}]


def test_a_finished_epoch_is_on_disk_without_finalize(tmp_path):
    logger = MetricsCSV(tmp_path)
    logger.log_metrics({"val/loss": 2.0, "epoch": 0}, step=9)
    logger.log_metrics({"train/loss": 1.0, "epoch": 0}, step=9)
    assert [row["val/loss"] for row in table(tmp_path)] == ["2.0"]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_resume_keeps_earlier_rows_to_the_byte(tmp_path):
    first = MetricsCSV(tmp_path)
    for epoch in range(4):
        first.log_metrics({"train/loss": 1 / (epoch + 3), "val/loss": 0.1 * epoch, "epoch": epoch}, step=10 * epoch + 9)
    undisturbed = (tmp_path / "metrics.csv").read_text(encoding="utf-8")
    # what a killed process would have left of an epoch that runs again
    (tmp_path / "metrics.csv").write_text(undisturbed + "4,41,0.0", encoding="utf-8")
    second = MetricsCSV(tmp_path, resume_epoch=2)
    for epoch in (2, 3):
        second.log_metrics({"val/loss": 0.1 * epoch, "epoch": epoch}, step=10 * epoch + 9)
        second.log_metrics({"train/loss": 1 / (epoch + 3), "epoch": epoch}, step=10 * epoch + 9)
    assert (tmp_path / "metrics.csv").read_text(encoding="utf-8") == undisturbed


def test_resume_without_a_file_starts_one(tmp_path):
    MetricsCSV(tmp_path / "new", resume_epoch=3).log_metrics({"train/loss": 1.0, "epoch": 3}, step=5)
    assert [row["epoch"] for row in table(tmp_path / "new")] == ["3"]


def test_never_overwrites_another_run(tmp_path):
    MetricsCSV(tmp_path).log_metrics({"train/loss": 1.0, "epoch": 0})
    other = MetricsCSV(tmp_path)
    with pytest.raises(UserError, match=r"never overwritten.*resume_epoch=N"):
        other.log_metrics({"train/loss": 2.0, "epoch": 0})


def test_checkpoints_land_in_the_run_directory(tmp_path):
    logger = MetricsCSV(tmp_path)
    assert (logger.save_dir, logger.name, logger.version) == (str(tmp_path), "", "")
