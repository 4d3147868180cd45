"""TensorBoard event files of one run, with training and validation in one chart."""

import io
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.loggers.run_logger import RunLogger

if TYPE_CHECKING:
    import numpy as np
    from torch.utils.tensorboard import SummaryWriter

FLUSH_SECONDS = 10
MOST_CURVES = 20
# of the colour types of a PNG: grey, red-green-blue, palette
CHANNELS = {0: 1, 2: 3, 3: 3}


class TensorBoard(RunLogger):
    """Writes TensorBoard event files into ``run_dir``.

    ``train/loss`` becomes ``loss`` of the sub-run ``train`` and ``val/loss`` becomes ``loss`` of the sub-run
    ``val``, which is how TensorBoard draws both in one chart. ``test/…`` and the hyperparameters go to the
    sub-run ``test`` under their full names, which gives the HPARAMS tab one row per run with the final
    metrics beside the hyperparameters, also when ``--logdir`` is the run directory itself. Everything else
    goes to the run's own event file. Files are opened when something arrives for them.

    Args:
        run_dir: the run's directory.
        resume_epoch: not None when the run continues: what was logged at or after the first new step of a
            curve is then marked as void, so that no curve doubles back.
    """

    def __init__(self, run_dir: str | Path, resume_epoch: int | None = None) -> None:
        super().__init__(run_dir)
        self._resumed = resume_epoch is not None
        self._writers: dict[str, SummaryWriter] = {}
        self._continued: set[str] = set()
        self._last_step = 0
        self._session: Literal["none", "open", "ended"] = "none"
        self._finished = False

    @property
    def experiment(self) -> "SummaryWriter":
        """The writer of the run's own event file, for whatever this class does not offer."""
        return self._writer("")

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write scalars at ``step``, by default the last one seen; ``epoch`` is left out."""
        self._last_step = self._last_step if step is None else step
        for name, value in metrics.items():
            if name == "epoch":
                continue
            place, tag = _route(name)
            self._scalar(place, tag, value)
        self._settle()

    @rank_zero_only
    def log_hyperparams(self, params: Any, metrics: Mapping[str, Any] | None = None) -> None:
        """Record hyperparameters, nested ones under dotted names, for the HPARAMS tab.

        TensorBoard keeps the first record of a run, so only the first call records them.

        Args:
            params: mapping or ``argparse.Namespace``.
            metrics: final metrics, for example ``{"test/acc": 0.97}``; None values are left out. Those
                logged as ``test/…`` by ``log_metrics`` need not be repeated.
        """
        from lit_tricks.loggers.hyperparameters import flatten, session_start

        if self._session == "none":
            self._session = "open"
            self._add_summary("test", session_start(flatten(params)), 0)
        for name, value in (metrics or {}).items():
            if value is not None:
                self._scalar("test", name, value)
        self._settle()

    @rank_zero_only
    def add_figure(self, tag: str, figure: Any, step: int = 0) -> None:
        """Show a matplotlib ``Figure``, or the PNG file at a path, in the IMAGES tab."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        png = Path(figure).read_bytes() if isinstance(figure, str | Path) else _png(figure)
        width, height = struct.unpack(">II", png[16:24])
        image = Summary.Image(width=width, height=height, colorspace=CHANNELS.get(png[25], 4), encoded_image_string=png)
        self._add_summary("", Summary(value=[Summary.Value(tag=tag, image=image)]), step)
        self._settle()

    @rank_zero_only
    def add_pr_curves(self, probabilities: "np.ndarray", targets: "np.ndarray", class_names: Sequence[str]) -> None:
        """Show how precision and recall of the test split depend on the threshold, one curve a class.

        Of two classes only the second, the positive one, has a curve; of many only the first 20.

        Args:
            probabilities: (N, K).
            targets: (N,) class indices.
            class_names: K names.
        """
        labels = range(len(class_names))[:MOST_CURVES] if len(class_names) != 2 else [1]
        for label in labels:
            curve = f"precision_recall/{class_names[label]}"
            self._writer("test").add_pr_curve(curve, targets == label, probabilities[:, label], self._last_step)
        self._settle()

    @rank_zero_only
    def add_text(self, tag: str, text: str, step: int = 0) -> None:
        """Show Markdown ``text`` in the TEXT tab."""
        self._writer("").add_text(tag, text, step)
        self._settle()

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Bring to disk what a run that continues from this checkpoint will not log again."""
        self._flush()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the files and, after a success, mark a run whose hyperparameters are known as ended.

        A failure is not marked: the mark would stay when the run is resumed and succeeds.
        """
        from lit_tricks.loggers.hyperparameters import session_end

        if status == "success":
            self._finished = True
            if self._session == "open":
                self._session = "ended"
                self._add_summary("test", session_end(), 0)
        self.close()

    def close(self) -> None:
        """Close the event files; what is logged afterwards opens new ones."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open files behind when a launcher copies the logger into another process."""
        self._flush()
        return {**self.__dict__, "_writers": {}}

    def _writer(self, place: str) -> "SummaryWriter":
        if place not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[place] = SummaryWriter(str(self._run_dir / place), flush_secs=FLUSH_SECONDS)
        return self._writers[place]

    def _scalar(self, place: str, tag: str, value: Any) -> None:
        writer = self._writer(place)
        if self._resumed and place not in self._continued:
            self._continued.add(place)
            _void_from(writer, self._last_step)
        writer.add_scalar(tag, float(value), self._last_step)

    def _add_summary(self, place: str, summary: Any, step: int) -> None:
        self._writer(place)._get_file_writer().add_summary(summary, step)

    def _settle(self) -> None:
        # once training is over nobody comes back to flush
        if self._finished:
            self._flush()

    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()


def _route(name: str) -> tuple[str, str]:
    """Return the sub-run and the tag of a metric."""
    place, _, tag = name.partition("/")
    if place in ("train", "val") and tag:
        return place, tag
    return ("test", name) if place == "test" and tag else ("", name)


def _void_from(writer: "SummaryWriter", step: int) -> None:
    """Tell TensorBoard to forget what earlier files of this folder hold from ``step`` on."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    file_writer = writer._get_file_writer()
    file_writer.add_event(Event(session_log=SessionLog(status=SessionLog.START)), step)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
