"""What every logger of a run directory has in common."""

from pathlib import Path

from pytorch_lightning.loggers.logger import Logger


class RunLogger(Logger):
    """A logger that writes into one run directory, which is its whole identity.

    Args:
        run_dir: the run's directory.
    """

    def __init__(self, run_dir: str | Path) -> None:
        super().__init__()
        self._run_dir = Path(run_dir)

    @property
    def name(self) -> str:
        """Empty: the run directory is the whole name."""
        return ""

    @property
    def version(self) -> str:
        """Empty: a run directory holds one version."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run directory."""
        return str(self._run_dir)
