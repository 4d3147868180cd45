"""From the command line to the jobs, and back to one exit code."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import _run_hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.types import RunMode
from omegaconf import DictConfig

from lit_tricks import __version__
from lit_tricks.commandline.composition import VERSION_BASE, search_path
from lit_tricks.commandline.failures import (
    FAILURE,
    HYDRA_FULL_ERROR,
    JOURNAL,
    STOPPED,
    SUCCESS,
    WISH,
    JobRecord,
    SweepFailed,
    as_mistake,
    conclude,
    record,
    tell,
    wants_traceback,
)
from lit_tricks.commandline.help import help_text
from lit_tricks.commandline.job_progress import JOBS, begin, progress
from lit_tricks.commandline.options import composer_for, parse_options, parser
from lit_tricks.commandline.output import outliving_its_reader
from lit_tricks.commandline.startup import uncollected_imports
from lit_tricks.commandline.strict import check_options
from lit_tricks.comparison import compare_pending

JOB = "LIT_TRICKS_JOB"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 is success, 2 a mistake the user can mend (one message on stderr, nothing left behind when it is found
    before the start), 130 a stop by Ctrl-C, 1 anything else. In a sweep later jobs run although one failed.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _main(_as_further_process(arguments, os.environ))
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        # the reader, such as head, has gone; Python would complain once more when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Exception as error:
        return tell(error)


def _main(arguments: list[str]) -> int:
    if "--version" in arguments:
        print(f"lit-tricks {__version__}")
        return SUCCESS
    options = parse_options(arguments)
    if options.help:
        print(help_text(composer_for(options)))
        return SUCCESS
    if not (options.hydra_help or options.shell_completion or options.info):
        resume = check_options(options)
        if resume is not None:
            # Hydra would make a new directory for a run that continues in its own
            options.overrides.append(_run_directory(resume))
    return _hand_over(options)


def _hand_over(options: argparse.Namespace) -> int:
    """Let Hydra run the jobs."""
    version.setbase(VERSION_BASE)
    with (
        tempfile.TemporaryDirectory() as folder,
        _raising_hydra(Path(folder, "journal")) as journal,
        outliving_its_reader(),
    ):
        try:
            if _is_plain(options):
                _run(options)
            else:
                _leave_to_hydra(options)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else (FAILURE if end.code else SUCCESS)
        except (BrokenPipeError, SweepFailed):
            raise
        except Exception as error:
            compare_pending()
            code = conclude(journal)
            place = "hydra.sweep.dir" if options.multirun else "hydra.run.dir"
            return tell(as_mistake(error, place)) if code is None else code
        return conclude(journal) or SUCCESS


def _is_plain(options: argparse.Namespace) -> bool:
    """Return whether jobs are to run, with no option that shows something or that Hydra would refuse."""
    others = (options.hydra_help, options.shell_completion, options.info, options.cfg, options.resolve)
    return not any(others) and not (options.run and options.multirun)


def _leave_to_hydra(options: argparse.Namespace) -> None:
    _run_hydra(
        args=options,
        args_parser=parser(),
        task_function=run_task,
        config_path=options.config_path,
        config_name=options.config_name,
    )


def _run(options: argparse.Namespace) -> None:
    """Run the job or the sweep; Hydra's own entry would compose everything once more to learn which it is."""
    hydra = Hydra.create_main_hydra2("lit_tricks", search_path(options.config_path, options.config_dir))
    mode, start = ("MULTIRUN", hydra.multirun) if options.multirun else ("RUN", hydra.run)
    try:
        start(options.config_name, run_task, [*options.overrides, f"hydra.mode={mode}"])
    finally:
        GlobalHydra.instance().clear()


@contextmanager
def _raising_hydra(journal: Path) -> Iterator[Path]:
    """Make Hydra raise instead of printing and exiting, and tell every job where the sweep's journal is."""
    ours = {WISH: "1" if wants_traceback() else "0", HYDRA_FULL_ERROR: "1", JOURNAL: str(journal), JOBS: ""}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield journal
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_task(config: DictConfig) -> float | None:
    """Run one job; Hydra calls this, launchers also in other processes.

    A failure is printed when it happens. A single run then exits with its code; in a sweep the exception goes
    on to the sweeper, which must know, and the journal keeps the code.
    """
    hydra = HydraConfig.get()
    sweeping = hydra.mode == RunMode.MULTIRUN
    overrides = [str(override) for override in hydra.overrides.task]
    number = int(hydra.job.num) if sweeping else 0
    if sweeping:
        begin(number)
        os.environ[JOB] = json.dumps([*overrides, _run_directory(str(hydra.runtime.output_dir))])
    try:
        with uncollected_imports():
            from lit_tricks.run import Interrupted, run_job

        try:
            score = run_job(config)
        except Interrupted as stop:
            print(stop, file=sys.stderr, flush=True)
            raise KeyboardInterrupt from stop
    except Exception as error:
        if not sweeping:
            raise SystemExit(tell(error)) from error
        code = tell(error, f" in job {number} ({' '.join(overrides)})")
        _end(JobRecord(number, overrides, code))
        raise
    finally:
        os.environ.pop(JOB, None)
    _end(JobRecord(number, overrides, SUCCESS))
    return score


def _end(entry: JobRecord) -> None:
    record(entry)
    far = progress()
    if far is not None:
        print(far, flush=True)


def _run_directory(path: str) -> str:
    return f"hydra.run.dir={QuotedString(path, Quote.single).with_quotes()}"


def _as_further_process(arguments: list[str], environment: Mapping[str, str]) -> list[str]:
    """Return what a further process of a data-parallel job in a sweep must run: that one job, not the whole sweep.

    Lightning starts the process with the command line of the sweep.
    """
    job = environment.get(JOB)
    if job is None or environment.get("LOCAL_RANK", "0") == "0":
        return arguments
    options = parse_options(arguments)
    folders = [] if options.config_dir is None else ["--config-dir", options.config_dir]
    primary = ["--config-path", options.config_path, "--config-name", options.config_name]
    hydra = [text for text in options.overrides if text.startswith("hydra.")]
    own = [text for text in hydra if not text.startswith(("hydra.run.dir=", "hydra.mode=", "hydra.sweeper."))]
    return [*primary, *folders, *own, *json.loads(job)]
