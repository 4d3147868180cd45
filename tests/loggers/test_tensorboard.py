import json
import pickle
import warnings

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util import tensor_util
from werkzeug.test import Client

from lit_tricks.loggers import TensorBoard
from lit_tricks.loggers.hyperparameters import flatten
from lit_tricks.report.figures import save_figure

with warnings.catch_warnings():
    # TensorBoard's copy of html5lib deprecates itself on import
    warnings.simplefilter("ignore", DeprecationWarning)
    from tensorboard import program
    from tensorboard.backend.application import TensorBoardWSGIApp
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.core.core_plugin import CorePluginLoader
    from tensorboard.plugins.hparams.hparams_plugin import HParamsPlugin
    from tensorboard.plugins.scalar.scalars_plugin import ScalarsPlugin

EVERY_STATUS = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


def curve(folder, tag):
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def tags(folder, kind="scalars"):
    events = EventAccumulator(str(folder))
    events.Reload()
    return events.Tags()[kind]


class Dashboard:
    """TensorBoard's own application, in this process."""

    def __init__(self, logdir):
        board = program.TensorBoard(plugins=[CorePluginLoader, HParamsPlugin, ScalarsPlugin])
        board.configure(argv=[None, "--logdir", str(logdir)])
        multiplexer = EventMultiplexer().AddRunsFromDirectory(str(logdir))
        multiplexer.Reload()
        provider = MultiplexerDataProvider(multiplexer, str(logdir))
        self._client = Client(
            TensorBoardWSGIApp(board.flags, board.plugin_loaders, provider, board.assets_zip_provider, None)
        )

    def hparams(self):
        """Return what the HPARAMS tab shows: its columns and its rows, by session name."""
        request = {"experimentName": "", "allowedStatuses": EVERY_STATUS, "startIndex": 0, "sliceSize": 100}
        groups = self._client.post("/data/plugin/hparams/session_groups", json={**request, "colParams": []}).get_json()
        columns = self._client.post("/data/plugin/hparams/experiment", json={"experimentName": ""}).get_json()
        rows = {
            group["name"]: {
                "hparams": group["hparams"],
                "metrics": {metric["name"]["tag"]: metric["value"] for metric in group["metricValues"]},
                "status": group["sessions"][0]["status"],
            }
            for group in groups["sessionGroups"]
        }
        return {info["name"] for info in columns["hparamInfos"]}, rows


@pytest.fixture
def run(tmp_path):
    made = []

    def make(name="run", **options):
        made.append(TensorBoard(tmp_path / name, **options))
        return made[-1]

    yield make
    for logger in made:
        logger.close()


def test_training_and_validation_share_a_chart(run, tmp_path):
    logger = run()
    for epoch in range(3):
        step = 10 * epoch + 9
        logger.log_metrics({"lr": 0.1, "epoch": epoch}, step=10 * epoch)
        logger.log_metrics({"val/loss": 2.0 - epoch, "val/acc": 0.5, "epoch": epoch}, step=step)
        logger.log_metrics({"train/loss": 1.0 - epoch, "epoch": epoch}, step=step)
    logger.close()
    assert curve(tmp_path / "run/train", "loss") == [(9, 1.0), (19, 0.0), (29, -1.0)]
    assert curve(tmp_path / "run/val", "loss") == [(9, 2.0), (19, 1.0), (29, 0.0)]
    assert tags(tmp_path / "run/val") == ["loss", "acc"]
    assert tags(tmp_path / "run") == ["lr"]


def test_nothing_is_written_before_something_arrives(run, tmp_path):
    logger = run()
    logger.finalize("success")
    logger.close()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("logdir", [".", "run"])
def test_hparams_tab_shows_hyperparameters_with_final_metrics(run, tmp_path, logdir):
    logger = run()
    logger.log_hyperparams({"optimizer": {"lr": 0.1, "nesterov": True}, "model": "mlp", "hidden": [30], "seed": 0})
    logger.log_metrics({"train/loss": 1.0, "epoch": 0}, step=9)
    logger.finalize("success")
    logger.log_metrics({"test/acc": 0.5, "test/loss": 0.25}, step=10)
    columns, rows = Dashboard(tmp_path / logdir).hparams()
    ((_, row),) = rows.items()
    assert columns == {"optimizer.lr", "optimizer.nesterov", "model", "hidden", "seed"}
    assert row["hparams"] == {
        "optimizer.lr": 0.1,
        "optimizer.nesterov": True,
        "model": "mlp",
        "hidden": "[30]",
        "seed": 0.0,
    }
    assert row["metrics"] == {"test/acc": 0.5, "test/loss": 0.25}
    assert row["status"] == "STATUS_SUCCESS"


def test_hyperparameters_recorded_after_training_end_with_the_next_finalize(run, tmp_path):
    logger = run()
    logger.log_metrics({"train/loss": 1.0, "epoch": 0}, step=9)
    logger.finalize("success")
    logger.log_hyperparams({"lr": 0.1}, {"test/acc": 0.5})
    logger.finalize("success")
    _, rows = Dashboard(tmp_path).hparams()
    assert rows == {
        "run/test": {"hparams": {"lr": 0.1}, "metrics": {"test/acc": 0.5}, "status": "STATUS_SUCCESS"},
    }


def test_hparams_tab_shows_what_only_one_of_the_runs_has(run, tmp_path):
    for name, hparams, acc in (("a", {"lr": 0.1}, 0.5), ("b", {"lr": 0.2, "dropout": 0.3}, 0.75)):
        logger = run(name)
        logger.log_hyperparams(hparams, {"test/acc": acc, "test/auroc": None})
        logger.close()
    columns, rows = Dashboard(tmp_path).hparams()
    assert columns == {"lr", "dropout"}
    assert {name: row["metrics"] for name, row in rows.items()} == {
        "a/test": {"test/acc": 0.5},
        "b/test": {"test/acc": 0.75},
    }
    assert rows["b/test"]["hparams"] == {"lr": 0.2, "dropout": 0.3}


def test_a_failed_run_that_is_resumed_ends_as_a_success(run, tmp_path):
    first = run()
    first.log_hyperparams({"lr": 0.1})
    first.finalize("failed")
    assert Dashboard(tmp_path).hparams()[1]["run/test"]["status"] == "STATUS_UNKNOWN"
    first.close()
    second = run(resume_epoch=1)
    second.log_hyperparams({"lr": 0.1}, {"test/acc": 1.0})
    second.finalize("success")
    row = Dashboard(tmp_path).hparams()[1]["run/test"]
    assert (row["status"], row["metrics"]) == ("STATUS_SUCCESS", {"test/acc": 1.0})


def test_resumed_curves_do_not_double(run, tmp_path):
    first = run()
    for epoch in range(5):
        first.log_metrics({"lr": 1.0, "epoch": epoch}, step=10 * epoch)
        first.log_metrics({"train/loss": float(epoch), "epoch": epoch}, step=10 * epoch + 9)
    first.close()
    second = run(resume_epoch=2)
    second.log_hyperparams({"lr": 0.1})
    for epoch in (2, 3):
        second.log_metrics({"lr": 2.0, "epoch": epoch}, step=10 * epoch)
        second.log_metrics({"train/loss": 10.0 + epoch, "epoch": epoch}, step=10 * epoch + 9)
    second.close()
    assert curve(tmp_path / "run/train", "loss") == [(9, 0.0), (19, 1.0), (29, 12.0), (39, 13.0)]
    assert curve(tmp_path / "run", "lr") == [(0, 1.0), (10, 1.0), (20, 2.0), (30, 2.0)]


def test_figures_from_objects_and_files(run, tmp_path):
    figure = Figure(figsize=(2, 1), dpi=50)
    save_figure(figure, tmp_path / "picture.png")
    logger = run()
    logger.add_figure("object", figure)
    logger.add_figure("file", tmp_path / "picture.png", step=3)
    logger.close()
    events = EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    (drawn,), (read,) = events.Images("object"), events.Images("file")
    assert (drawn.width, drawn.height, read.step) == (100, 50, 3)
    (path,) = (tmp_path / "run").glob("events.*")
    summaries = [Event.FromString(content).summary for content in RawEventFileLoader(str(path)).Load()]
    # of the PNG: matplotlib's own have an alpha channel, ours have not
    assert [value.image.colorspace for summary in summaries for value in summary.value] == [4, 3]
    assert read.encoded_image_string == (tmp_path / "picture.png").read_bytes()


def test_text(run, tmp_path):
    logger = run()
    logger.add_text("command", "python train.py data=digits")
    logger.close()
    assert "command/text_summary" in tags(tmp_path / "run", "tensors")


def test_what_is_logged_after_training_is_on_disk_at_once(run, tmp_path):
    logger = run()
    logger.log_metrics({"train/loss": 1.0}, step=1)
    logger.finalize("success")
    logger.log_metrics({"test/acc": torch.tensor(0.5)}, step=2)
    assert curve(tmp_path / "run/test", "test/acc") == [(2, 0.5)]


def test_a_checkpoint_takes_the_curves_to_disk(run, tmp_path):
    logger = run()
    logger.log_metrics({"train/loss": 1.0}, step=1)
    logger.after_save_checkpoint(None)
    assert curve(tmp_path / "run/train", "loss") == [(1, 1.0)]


def test_travels_into_another_process_with_open_files(run, tmp_path):
    logger = run()
    logger.log_metrics({"train/loss": 1.0}, step=1)
    copy = pickle.loads(pickle.dumps(logger))
    copy.log_metrics({"train/loss": 2.0}, step=2)
    copy.close()
    assert curve(tmp_path / "run/train", "loss") == [(1, 1.0), (2, 2.0)]


def test_the_writer_itself_is_offered(run, tmp_path):
    logger = run()
    logger.experiment.add_histogram("weights", torch.arange(4.0))
    logger.close()
    assert "weights" in tags(tmp_path / "run", "histograms")


def test_flattened_values_are_what_the_tab_can_show():
    params = {"a": {"b": True, "c": {"d": 1}}, "e": None, "f": (1, 2), "g": float("inf"), "h": "text", "i": {}}
    flat = flatten(params)
    assert flat == {"a.b": True, "a.c.d": 1, "e": "None", "f": "(1, 2)", "g": "inf", "h": "text"}
    json.dumps(flat, allow_nan=False)


@pytest.mark.parametrize(("classes", "curves"), [(2, ["b"]), (3, ["a", "b", "c"]), (30, [*"abcdefghijklmnopqrst"])])
def test_precision_and_recall_have_a_curve_a_class(run, tmp_path, classes, curves):
    names = [chr(97 + k) for k in range(classes)]
    targets = np.arange(60) % classes
    scores = np.random.default_rng(0).dirichlet(np.ones(classes), 60)
    logger = run()
    logger.add_pr_curves(scores, targets, names)
    logger.finalize("success")
    events = EventAccumulator(str(tmp_path / "run/test"))
    events.Reload()
    assert events.Tags()["tensors"] == [f"precision_recall/{name}" for name in curves]
    rows = tensor_util.make_ndarray(events.Tensors(f"precision_recall/{curves[0]}")[0].tensor_proto)
    label = names.index(curves[0])
    for place in (10, 64, 100):
        above = scores[:, label] >= place / 126
        hits = (targets[above] == label).sum()
        assert rows[4, place] == pytest.approx(hits / max(above.sum(), 1), abs=1e-6)
        assert rows[5, place] == pytest.approx(hits / (targets == label).sum(), abs=1e-6)
