"""Where and from what a run continues."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from lit_tricks.errors import UserError
from lit_tricks.run_directory import RunDirectory

# what may change without making it another run
CHANGEABLE = ("trainer", "callbacks", "logger", "threads", "data_dir", "allow_targets")


@dataclass
class Resumption:
    """What a continued run needs.

    ``checkpoint`` is None, and ``epoch`` 0, when the run ended before its first checkpoint.
    """

    config: DictConfig
    directory: RunDirectory
    overrides: list[str]
    words: dict[str, str]
    checkpoint: Path | None
    epoch: int


def plan_resumption(path: str, overrides: list[str]) -> Resumption:
    """Return how the run at ``path`` continues under today's ``overrides``.

    An unfinished run continues in place. A completed one, given a larger ``trainer.max_epochs``, continues
    in a new directory beside it, so that its results stay.

    Raises ``UserError`` when there is no run, when it is complete, or when an override would make it
    another run.
    """
    directory = RunDirectory.open(path)
    config = OmegaConf.create(directory.read_config())
    # a run from elsewhere must not admit its own code
    config.allow_targets = []
    changes = [override for override in overrides if not override.startswith("resume=")]
    for override in OverridesParser.create().parse_overrides(changes):
        key = str(override.key_or_group)
        if key.split(".")[0] not in CHANGEABLE or OmegaConf.select(config, key, default=_ABSENT) is _ABSENT:
            raise UserError(
                f"resume continues the same run; received {override.input_line}: only "
                f"{', '.join(CHANGEABLE)} may change, by keys that the run has; start a new run for the rest"
            )
        OmegaConf.update(config, key, override.value())
    results = directory.read_results()
    checkpoint = directory.last_checkpoint if directory.last_checkpoint.is_file() else None
    epoch = 0 if checkpoint is None else _finished_epochs(checkpoint)
    if results.get("status") == "completed":
        limit = config.trainer.max_epochs
        if limit not in (None, -1) and epoch >= limit:
            raise UserError(
                f"resume needs something left to do; {path} is complete after {epoch} epochs of {limit}: "
                f"ask for more with trainer.max_epochs={2 * epoch}"
            )
        directory = _continued_beside(directory)
        checkpoint = directory.last_checkpoint
    return Resumption(
        config=config,
        directory=directory,
        overrides=[*results.get("overrides", []), *changes],
        words=results.get("words", {}),
        checkpoint=checkpoint,
        epoch=epoch,
    )


_ABSENT = object()


def _finished_epochs(checkpoint: Path) -> int:
    try:
        content: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
    except Exception as error:
        raise UserError(
            f"resume needs an intact checkpoint; {checkpoint} cannot be read ({type(error).__name__}): "
            "restore it, or delete it to start the run again from its first epoch"
        ) from error


def _continued_beside(finished: RunDirectory) -> RunDirectory:
    directory = RunDirectory.claim(finished.path.with_name(f"{finished.path.name}-continued"))
    shutil.copytree(finished.checkpoints, directory.checkpoints, dirs_exist_ok=True)
    shutil.copy2(finished.metrics, directory.metrics)
    return directory
