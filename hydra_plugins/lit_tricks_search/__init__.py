"""Hydra's sweeper for hyperparameter searches: ``-m hydra/sweeper=random`` and its siblings.

Hydra loads this on every start of every app, so Optuna and everything heavy wait for a search.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from lit_tricks.search.loop import Job

DIRECTORY = "hydra.sweep.dir"
ENVIRONMENT = "hydra.job.env_set"


class SearchSweeper(Sweeper):
    """Searches hyperparameters; what it does is planned in ``lit_tricks.commandline.searching``.

    Args:
        knobs: those of ``hydra/sweeper``, which are read from the configuration that ``setup`` receives.
    """

    def __init__(self, **knobs: Any) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None
        self._launched = 0

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Make the launcher that trains the trials."""
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the search; return the content of its ``search.json``.

        Raises ``UserError`` when it cannot begin or no trial succeeded.
        """
        assert self.config is not None
        assert self.hydra_context is not None
        from lit_tricks.commandline.failures import SweepFailed
        from lit_tricks.commandline.searching import plan_search
        from lit_tricks.search.command import run_search
        from lit_tricks.search.plan import TRIAL

        sweeper: Any = OmegaConf.to_container(self.config.hydra.sweeper, resolve=True)
        lines = [*(f"{key}={value}" for key, value in (sweeper["params"] or {}).items()), *arguments]
        overrides = OverridesParser.create(config_loader=self.hydra_context.config_loader).parse_overrides(lines)
        data: Any = OmegaConf.to_container(OmegaConf.create(self.config.get("data") or {}))
        plan = plan_search(sweeper, overrides, data, str(self.config.hydra.sweep.dir))
        plan = replace(plan, single=self._single(plan.fixed))
        again = self._command(arguments)
        # once the key is there, its value needs no +, and Hydra leaves it out of the line that announces a job
        self.config.hydra.overrides.hydra.append(f"++{ENVIRONMENT}.{TRIAL}=''")
        summary = run_search(plan, self._launch, again)
        if summary["best"] is None:
            counts = ", ".join(f"{count} {state}" for state, count in summary["counts"].items())
            reason = next((trial["reason"] for trial in summary["trials"] if trial["reason"]), "all were pruned")
            raise SweepFailed(
                f"a search needs a trial that succeeds; of {plan.n_trials}: {counts}, the first because: {reason}: "
                "mend that and repeat the command"
            )
        return summary

    def _single(self, fixed: Sequence[str]) -> tuple[str, ...]:
        """Return what a run needs that its configuration would make a sweep."""
        assert self.config is not None
        assert self.hydra_context is not None
        name = self.config.hydra.job.config_name
        mode = self.hydra_context.config_loader.load_configuration(name, list(fixed), RunMode.RUN).hydra.mode
        return ("hydra.mode=RUN",) if mode == RunMode.MULTIRUN else ()

    def _command(self, arguments: Sequence[str]) -> str:
        """Return the command line that continues this search."""
        assert self.config is not None
        hydra = [text for text in self.config.hydra.overrides.hydra if not text.startswith(("hydra.mode", DIRECTORY))]
        directory = f"{DIRECTORY}={_quoted(str(self.config.hydra.sweep.dir))}"
        return shlex.join(["python", "train.py", "-m", *hydra, *arguments, directory])

    def _launch(self, jobs: Sequence["Job"]) -> list[BaseException | None]:
        assert self.launcher is not None
        from lit_tricks.commandline.failures import JobRecord, as_mistake, record, tell
        from lit_tricks.search.plan import TRIAL

        batch = [
            [
                *job.overrides,
                f"hydra.sweep.subdir={_quoted(job.folder)}",
                f"{ENVIRONMENT}.{TRIAL}={_quoted(job.told)}",
            ]
            for job in jobs
        ]
        first, self._launched = self._launched, self._launched + len(batch)
        try:
            returns = self.launcher.launch(batch, initial_job_idx=first)
        except Exception as error:
            # no job could tell: one cannot be composed, or a process was killed
            code = tell(as_mistake(error), " in the launcher")
            for number, job in enumerate(jobs, start=first):
                record(JobRecord(number, job.overrides, code))
            return [error] * len(jobs)
        # ``return_value`` would raise, and print, what the job has told already
        return [each._return_value if each.status == JobStatus.FAILED else None for each in returns]


def _quoted(text: str) -> str:
    plain = re.fullmatch(r"[\w./-]+", text)
    return text if plain else QuotedString(text, Quote.single).with_quotes()
