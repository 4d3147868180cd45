"""A trained module back from its run directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from lit_tricks.after_training import read_correction
from lit_tricks.build import build_module
from lit_tricks.data.normalise import Normaliser
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.module import LitClassifier
from lit_tricks.run_directory import RunDirectory
from lit_tricks.targets import check_targets


@dataclass
class Restored:
    """A run's configuration and its module with the weights that gave its test metrics, in eval mode."""

    directory: RunDirectory
    config: DictConfig
    module: LitClassifier


def restore(path: str, allow_targets: Sequence[str] = ()) -> Restored:
    """Rebuild the module of the run at ``path`` and load its weights.

    The network comes from the run's ``config.yaml``, the facts about the data and the weights from its
    checkpoint, which is read with ``weights_only=True``; a classical classifier comes from its checkpoint alone, a
    file that holds no code either. What was fitted after training corrects its answers. As many threads are set as
    the run used, so that metrics repeat to the last bit. Packages beyond the known ones are imported only if
    ``allow_targets`` names them; what the run's own configuration allows does not count, since a run may come from a
    stranger.

    Raises ``UserError`` when the run, its configuration or its checkpoint is absent or damaged.
    """
    directory = RunDirectory.open(path)
    directory.require_classifier()
    config = OmegaConf.create(directory.read_config())
    config.allow_targets = list(allow_targets)
    check_targets(config)
    module = _restored(config, directory.checkpoint())
    module.correction = read_correction(directory, config, module.spec)
    module.eval()
    threads = directory.read_results().get("threads")
    if isinstance(threads, int) and threads > 0:
        torch.set_num_threads(threads)
    return Restored(directory, config, module)


def _restored(config: DictConfig, file: Path) -> LitClassifier:
    if file.suffix != ".ckpt":
        from lit_tricks.classical_module import restored_classifier

        return restored_classifier(file)
    try:
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        spec = DataSpec.from_dict(content["hyper_parameters"]["data_spec"])
        state = content["state_dict"]
    except Exception as error:
        raise UserError(
            f"a run needs an intact checkpoint; {file} cannot be read ({type(error).__name__}): "
            "restore it, or train again"
        ) from error
    module = build_module(config, spec, Normaliser.empty(spec.input_shape))
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            f"the checkpoint must fit the configuration beside it; {file} does not: {str(error).splitlines()[0]}: "
            "restore config.yaml"
        ) from error
    return module
