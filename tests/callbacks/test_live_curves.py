"""Live curves are drawn where somebody looks, cost next to nothing and leave training as it is."""

import csv
import io
import re
from pathlib import Path

import pytest
import torch
from training import make_module, make_trainer

from lit_tricks.callbacks import LiveCurves
from lit_tricks.commandline.entry import main
from lit_tricks.data import DigitsDataModule
from lit_tricks.stretches import install_stretches

REDRAW = re.compile(r"\x1b\[(\d+)F\x1b\[J")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def trained(folder: Path, curves: LiveCurves | None, epochs: int = 4, val_size: float = 0.1) -> torch.Tensor:
    datamodule = DigitsDataModule(batch_size=64, train_size=300, val_size=val_size)
    module = make_module(datamodule)
    make_trainer(folder, epochs, [curves] if curves else []).fit(module, datamodule=datamodule)
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def pictures(terminal: Terminal) -> list[str]:
    return [COLOURS.sub("", part) for part in REDRAW.split(terminal.getvalue())[::2]]


def test_every_epoch_is_drawn_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    terminal = Terminal()
    trained(tmp_path, LiveCurves(height=12, largest_share=1, stream=terminal))
    drawn = pictures(terminal)
    told = [picture.splitlines()[-1] for picture in drawn]
    assert [line.partition(" |")[0] for line in told][-1] == "epoch 4/4"
    assert len(drawn) >= 2
    assert {int(lines) for lines in REDRAW.findall(terminal.getvalue())} == {12 + 1}
    for picture in drawn:
        assert [picture.count(word) for word in ("Loss", "Accuracy")] == [1, 1]
    for word in ("training", "validation"):
        assert word in drawn[-1]
    assert re.search(r"best validation loss \d\.\d{4} in epoch \d \| best validation accuracy \d\.\d{4}", told[-1])


def test_the_curves_are_those_of_the_epochs(tmp_path: Path) -> None:
    curves = LiveCurves(stream=Terminal())
    trained(tmp_path, curves)
    seen = {column: [epoch for epoch, _ in curves._points(column)] for column in ("train/loss", "val/loss", "val/acc")}
    assert seen == {column: [1, 2, 3, 4] for column in seen}
    losses = [value for _, value in curves._points("train/loss")]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 4


def test_without_validation_training_is_drawn(tmp_path: Path) -> None:
    terminal = Terminal()
    trained(tmp_path, LiveCurves(stream=terminal), val_size=0)
    assert "best training loss" in pictures(terminal)[-1]
    assert "validation" not in pictures(terminal)[-1]


def test_nothing_is_drawn_without_a_terminal(tmp_path: Path) -> None:
    log = io.StringIO()
    trained(tmp_path, LiveCurves(stream=log))
    assert log.getvalue() == ""


def test_short_epochs_are_drawn_several_at_a_time_and_the_end_always(tmp_path: Path) -> None:
    terminal = Terminal()
    trained(tmp_path, LiveCurves(largest_share=1e-6, stream=terminal))
    assert [picture.splitlines()[-1].partition(" |")[0] for picture in pictures(terminal)] == ["epoch 1/4", "epoch 4/4"]


def test_drawing_changes_no_weight_and_takes_no_step_out_of_a_stretch(tmp_path: Path) -> None:
    curves = LiveCurves(stream=Terminal())
    assert torch.equal(trained(tmp_path / "drawn", curves), trained(tmp_path / "plain", None))
    datamodule = DigitsDataModule(train_size=300)
    module = make_module(datamodule)
    trainer = make_trainer(tmp_path / "judged", 1, [curves])
    assert install_stretches(trainer) is None
    trainer.fit(module, datamodule=datamodule)
    assert trainer.fit_loop.epoch_loop.reason is None


def test_the_history_survives_a_resumption(tmp_path: Path) -> None:
    curves, resumed = LiveCurves(stream=Terminal()), LiveCurves(stream=Terminal())
    trained(tmp_path, curves)
    state = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["callbacks"]["LiveCurves"]
    resumed.load_state_dict(state)
    assert resumed._points("val/loss") == curves._points("val/loss")[:3]


@pytest.mark.parametrize("word", ["live_curves", "lecture/e2_live_curves"])
def test_the_best_so_far_is_logged(word: str, tmp_path: Path) -> None:
    quick = ["data=digits", "data.val_split=stratified", "data.val_size=0.2", "trainer.max_epochs=5", "batch_size=64"]
    assert main([f"+experiment={word}", *quick, "model.hidden=[8]", f"hydra.run.dir={tmp_path}"]) == 0
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    for column, pick in (("loss", min), ("acc", max)):
        values = [float(row[f"val/{column}"]) for row in rows]
        expected = [pick(values[: epoch + 1]) for epoch in range(5)]
        assert [float(row[f"best/val_{column}"]) for row in rows] == pytest.approx(expected)
