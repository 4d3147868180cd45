"""A run that a multirun trains before its jobs, which begin with its weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from lit_tricks.commandline.failures import tell


class Pretraining(Callback):
    """Trains the multirun's own configuration once, under ``overrides``, in ``source/run`` of the sweep's folder.

    What the command line sets counts here too, what it sweeps does not. Jobs find the run at
    ``transfer.source=${hydra:sweep.dir}/source/run``. When it fails no job is started.

    Args:
        overrides: what the run does otherwise than the configuration, such as ``data.classes=[0,1]``.
    """

    def __init__(self, overrides: Sequence[str]) -> None:
        self.overrides = list(overrides)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Train; Hydra would only warn of an exception, so a failure ends the command."""
        from lit_tricks.record import words
        from lit_tricks.resume import Resumption
        from lit_tricks.run import Interrupted, execute
        from lit_tricks.run_directory import RunDirectory

        given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        overrides = [str(one.input_line) for one in given if not one.is_sweep_override()] + self.overrides
        try:
            hydra: Any = GlobalHydra.instance().hydra
            own = hydra.compose_config(kwargs.get("config_name"), overrides, RunMode.RUN)
            choices = own.hydra.runtime.choices
            with open_dict(own):
                del own["hydra"]
            directory = RunDirectory.claim(Path(config.hydra.sweep.dir, "source", "run"))
            execute(Resumption(own, directory, overrides, words(choices)))
        except Interrupted as stop:
            raise KeyboardInterrupt from stop
        except Exception as error:
            raise SystemExit(tell(error, " in the run before the jobs")) from error
