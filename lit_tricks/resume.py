"""Where and from what a run continues."""

import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from lit_tricks.errors import UserError
from lit_tricks.run_directory import RunDirectory

log = logging.getLogger("lit_tricks")

# what may change without making it another run
CHANGEABLE = ("trainer", "callbacks", "logger", "threads", "data_dir", "allow_targets")

# what only the beginning of a run finds out
KEPT = ("lr_finder",)


@dataclass
class Resumption:
    """What is about to be trained, and from where; a new run from nowhere.

    Attributes:
        config: the configuration.
        directory: where it is trained.
        overrides: everything that was said on command lines for it.
        words: the word of each group.
        checkpoint: where it continues; None to begin with fresh weights.
        epoch: epochs that are done.
        resumed: whether the run existed before.
        kept: facts about the run that are not found out again.
    """

    config: DictConfig
    directory: RunDirectory
    overrides: list[str]
    words: dict[str, str]
    checkpoint: Path | None = None
    epoch: int = 0
    resumed: bool = False
    kept: dict[str, Any] = field(default_factory=dict)


def plan_resumption(path: str, overrides: list[str], claimed: str | None = None) -> Resumption:
    """Return how the run at ``path`` continues under today's ``overrides``.

    An unfinished run continues in place. A completed one, given a larger ``trainer.max_epochs`` or
    ``trainer.max_steps``, continues in a new directory beside it, so that its results stay. ``claimed`` is
    that directory where another process of the same run has made it already.

    Raises ``UserError`` when there is no run, when it is complete, or when an override would make it
    another run.
    """
    directory = RunDirectory.open(path)
    directory.require_classifier()
    config = OmegaConf.create(directory.read_config())
    # a run from elsewhere must not admit its own code
    config.allow_targets = []
    changes = [override for override in overrides if not override.startswith("resume=")]
    _apply(config, changes)
    results = directory.read_results()
    checkpoint = directory.last_checkpoint if directory.last_checkpoint.is_file() else None
    epoch, step = (0, 0) if checkpoint is None else _progress(checkpoint)
    if results.get("status") == "completed":
        _refuse_complete(path, config.trainer, results, epoch, step)
        directory = _continued_beside(directory) if claimed is None else RunDirectory(Path(claimed))
        checkpoint = directory.last_checkpoint
    else:
        _refuse_less(path, config.trainer, epoch, step)
    said = [change for change in changes if change not in results.get("overrides", [])]
    return Resumption(
        config=config,
        directory=directory,
        overrides=[*results.get("overrides", []), *said],
        words=results.get("words", {}),
        checkpoint=checkpoint,
        epoch=epoch,
        resumed=True,
        kept={name: results[name] for name in KEPT if name in results},
    )


def _apply(config: DictConfig, changes: list[str]) -> None:
    for override in OverridesParser.create().parse_overrides(changes):
        key = str(override.key_or_group)
        if key.split(".")[0] not in CHANGEABLE or OmegaConf.select(config, key, default=_ABSENT) is _ABSENT:
            raise UserError(
                f"resume continues the same run; received {override.input_line}: only "
                f"{', '.join(CHANGEABLE)} may change, by keys that the run has; start a new run for the rest"
            )
        OmegaConf.update(config, key, override.value())


def _refuse_complete(path: str, trainer: DictConfig, results: dict[str, Any], epoch: int, step: int) -> None:
    """Raise ``UserError`` when a completed run has nothing left to do."""
    if "estimator" in results:
        raise UserError(
            f"resume needs something left to do; {path} was fitted at once and is complete: start a new run"
        )
    if results.get("ended") == "early stopping":
        raise UserError(
            f"resume needs something left to do; {path} was ended by early stopping after {epoch} epochs: "
            "start a new run with a larger callbacks.early_stopping.patience"
        )
    if trainer.max_epochs not in (None, -1) and epoch >= trainer.max_epochs:
        raise UserError(
            f"resume needs something left to do; {path} is complete after {epoch} epochs of {trainer.max_epochs}: "
            f"ask for more with trainer.max_epochs={2 * max(epoch, 1)}"
        )
    if trainer.max_steps not in (None, -1) and step >= trainer.max_steps:
        raise UserError(
            f"resume needs something left to do; {path} is complete after {step} steps of {trainer.max_steps}: "
            f"ask for more with trainer.max_steps={2 * max(step, 1)}"
        )


def _refuse_less(path: str, trainer: DictConfig, epoch: int, step: int) -> None:
    """Raise ``UserError`` when an unfinished run is asked for less than it has done."""
    for name, done, unit in (("max_epochs", epoch, "epochs"), ("max_steps", step, "steps")):
        limit = trainer[name]
        if limit not in (None, -1) and done > limit:
            raise UserError(
                f"trainer.{name} must be at least the {done} {unit} that {path} has done; received {limit}: "
                f"leave it out, or try trainer.{name}={done}"
            )


_ABSENT = object()


def _progress(checkpoint: Path) -> tuple[int, int]:
    """Return the finished epochs and the steps of a checkpoint."""
    try:
        content: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]), int(content["global_step"])
    except Exception as error:
        raise UserError(
            f"resume needs an intact checkpoint; {checkpoint} cannot be read ({type(error).__name__}): "
            "restore it, or delete it to start the run again from its first epoch"
        ) from error


def _continued_beside(finished: RunDirectory) -> RunDirectory:
    directory = RunDirectory.claim(finished.path.with_name(f"{finished.path.name}-continued"))
    shutil.copytree(finished.checkpoints, directory.checkpoints, dirs_exist_ok=True)
    for path in [finished.metrics, *finished.path.glob("**/events.out.tfevents.*")]:
        # the final figures in test/ belong to the finished run alone
        if path.is_file() and path.parent.name != "test":
            target = directory.path / path.relative_to(finished.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    log.info("%s is complete and stays as it is; its continuation is %s", finished.path, directory.path)
    return directory
