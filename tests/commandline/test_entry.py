"""The way from the command line to the jobs and back to one exit code."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra.errors import InstantiationException
from omegaconf import DictConfig

from lit_tricks import __version__
from lit_tricks.commandline.entry import JOB, _as_further_process, main
from lit_tricks.commandline.failures import as_mistake
from lit_tricks.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]


def _fails_at_seed(seed: int, error: Exception) -> Any:
    def act(cfg: DictConfig) -> float:
        if cfg.seed == seed:
            raise error
        return 0.5

    return act


def test_a_run_gets_the_composed_configuration_and_a_directory_of_its_own(jobs: Any, tmp_path: Path) -> None:
    assert main(["+experiment=[dropout,batchnorm]", "optimizer=adamw", "seed=7"]) == 0
    assert main([]) == 0
    first, second = jobs.configs
    assert (first["model"]["dropout"], first["model"]["norm"], first["seed"]) == (0.3, "batch", 7)
    assert first["optimizer"]["_target_"] == "torch.optim.AdamW"
    assert "hydra" not in first
    assert second["seed"] == 0
    assert len(set(jobs.directories)) == 2
    for directory in jobs.directories:
        assert Path(directory).parent == tmp_path / "runs"
        assert list(Path(directory).iterdir()) == []


def test_a_sweep_runs_every_combination_below_one_directory(jobs: Any, tmp_path: Path) -> None:
    assert main(["-m", "seed=0,1", "+experiment=baseline,[dropout,batchnorm]"]) == 0
    assert [(cfg["seed"], cfg["model"]["dropout"]) for cfg in jobs.configs] == [(0, 0.0), (0, 0.3), (1, 0.0), (1, 0.3)]
    parents = {Path(directory).parent for directory in jobs.directories}
    assert len(parents) == 1
    assert parents.pop().name.startswith("multi_")
    assert [Path(directory).name for directory in jobs.directories] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("sweep", ["seed=choice(3,4)", "seed=range(3,5)", "hydra.mode=MULTIRUN"])
def test_hydras_ways_to_sweep_keep_working(jobs: Any, sweep: str) -> None:
    arguments = [sweep, "seed=3,4"] if sweep.startswith("hydra") else ["--multirun", sweep]
    assert main(arguments) == 0
    assert [cfg["seed"] for cfg in jobs.configs] == [3, 4]


def test_a_users_mistake_inside_a_job_is_one_message(jobs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    jobs.act = _fails_at_seed(0, UserError("data.path must exist; received x: try y"))
    assert main([]) == 2
    assert capsys.readouterr().err == "error: data.path must exist; received x: try y\n"


def test_a_mistake_that_hydra_wrapped_is_unwrapped(jobs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    wrapped = InstantiationException("Error in call to target")
    wrapped.__cause__ = UserError("too small")
    jobs.act = _fails_at_seed(0, wrapped)
    assert main([]) == 2
    assert capsys.readouterr().err == "error: too small\n"


def test_any_other_failure_brings_its_traceback_and_code_1(jobs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    jobs.act = _fails_at_seed(0, RuntimeError("out of memory"))
    assert main([]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "raise error" in err
    assert err.endswith("error: RuntimeError: out of memory\n")


def test_a_wished_traceback_is_printed_for_a_mistake_too(
    jobs: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    jobs.act = _fails_at_seed(0, UserError("too small"))
    assert main([]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


def test_ctrl_c_ends_with_130_and_stops_the_sweep(jobs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    interrupted = sys.modules["lit_tricks.run"].Interrupted
    jobs.act = _fails_at_seed(0, interrupted("stopped: continue with resume=runs/x"))
    assert main(["-m", "seed=0,1"]) == 130
    assert len(jobs.configs) == 1
    assert "stopped: continue with resume=runs/x" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "key"), [([], "run"), (["-m", "seed=0,1"], "sweep")])
def test_a_folder_that_cannot_be_made_is_one_message(
    jobs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], key: str
) -> None:
    (tmp_path / "runs").write_text("a file where Hydra wants a folder")
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: a run needs a folder it can write to; received {tmp_path / 'runs'}")
    assert err.endswith(f"(Not a directory): choose another with hydra.{key}.dir=FOLDER\n")
    assert len(err.splitlines()) == 1
    assert jobs.configs == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_one_message(jobs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    try:
        assert main([]) == 2
    finally:
        tmp_path.chmod(0o700)
    err = capsys.readouterr().err
    assert f"received {tmp_path / 'runs'} (Permission denied): choose another with hydra.run.dir=FOLDER" in err
    assert len(err.splitlines()) == 1


def test_a_read_only_file_system_is_the_users_mistake() -> None:
    mistake = as_mistake(OSError(errno.EROFS, os.strerror(errno.EROFS), "runs"))
    assert isinstance(mistake, UserError)
    assert f"a folder it can write to; received {Path('runs').resolve()} (Read-only" in str(mistake)
    broken = OSError("no folder has to do with it")
    assert as_mistake(broken) is broken


def test_a_users_class_takes_new_keys_without_a_plus(jobs: Any) -> None:
    assert main(["model=custom", "model._target_=my.Net", "model.width=8", "allow_targets=[my]"]) == 0
    assert main(["-m", "model=custom", "model._target_=my.Net", "model.width=8,9", "allow_targets=[my]"]) == 0
    assert [cfg["model"]["width"] for cfg in jobs.configs] == [8, 8, 9]


@pytest.mark.parametrize(("error", "code"), [(UserError("too small"), 2), (RuntimeError("too large"), 1)])
def test_one_failing_job_does_not_stop_the_others(
    jobs: Any, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    jobs.act = _fails_at_seed(1, error)
    assert main(["-m", "seed=0,1,2"]) == code
    assert [cfg["seed"] for cfg in jobs.configs] == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("error in job 1 (seed=1): ") and line.endswith(str(error)) for line in lines)
    assert lines[-1] == "error: 1 of 3 jobs failed: 1 (seed=1)"


def test_the_environment_is_as_before(jobs: Any) -> None:
    before = dict(os.environ)
    jobs.act = _fails_at_seed(1, UserError("too small"))
    main(["-m", "seed=0,1"])
    assert dict(os.environ) == before


def test_resume_continues_in_the_runs_own_directory(jobs: Any, tmp_path: Path) -> None:
    run = tmp_path / "a run's folder"
    run.mkdir()
    (run / "config.yaml").write_text("seed: 0\n")
    assert main([f'resume="{run.name}"', "trainer.max_epochs=30"]) == 0
    assert jobs.directories == [str(run)]
    assert jobs.configs[0]["resume"] == run.name
    assert [path.name for path in tmp_path.iterdir()] == [run.name]


def test_a_further_process_of_a_job_runs_that_job_alone(tmp_path: Path) -> None:
    job = json.dumps(["seed=1", "hydra.run.dir='runs/multi/1'"])
    sweep = ["-m", "seed=0,1", "hydra.run.dir=elsewhere", "hydra.job.name=rank_1"]
    assert _as_further_process(sweep, {JOB: job}) == sweep
    assert _as_further_process(sweep, {JOB: job, "LOCAL_RANK": "0"}) == sweep
    assert _as_further_process(sweep, {"LOCAL_RANK": "1"}) == sweep
    single = _as_further_process(sweep, {JOB: job, "LOCAL_RANK": "1"})
    assert "-m" not in single
    assert single[-3:] == ["hydra.job.name=rank_1", "seed=1", "hydra.run.dir='runs/multi/1'"]


@pytest.mark.usefixtures("jobs")
def test_a_further_process_is_told_its_job_and_directory(jobs: Any) -> None:
    seen: list[list[str]] = []

    def act(cfg: DictConfig) -> float:
        seen.append(_as_further_process(["-m", "seed=0,1"], {**os.environ, "LOCAL_RANK": "1"})[4:])
        return 0.5

    jobs.act = act
    assert main(["-m", "seed=0,1"]) == 0
    assert [overrides[0] for overrides in seen] == ["seed=0", "seed=1"]
    assert [overrides[1] for overrides in seen] == [f"hydra.run.dir='{path}'" for path in jobs.directories]
    assert JOB not in os.environ


def test_config_dir_and_own_primary_configuration(jobs: Any, tmp_path: Path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "tiny.yaml").write_text("# Small\n_target_: my_net.Tiny\nwidth: 4\n")
    (tmp_path / "mine" / "small.yaml").write_text(
        "defaults:\n  - config\n  - override model: tiny\n  - _self_\nseed: 9\n"
    )
    chosen = ["allow_targets=[my_net]", "model.width=8"]
    assert main(["--config-dir", "mine", "model=tiny", *chosen]) == 0
    assert main(["--config-dir", "mine", "--config-name", "small", *chosen]) == 0
    assert [cfg["model"] for cfg in jobs.configs] == [{"_target_": "my_net.Tiny", "width": 8}] * 2
    assert [cfg["seed"] for cfg in jobs.configs] == [0, 9]


def test_a_broken_file_of_the_user_is_named(jobs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nmodel:\n  hidden: [1\n  norm: batch\n")
    assert main(["--config-dir", ".", "+experiment=mine"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: cannot read ")
    assert "mine.yaml, line 4" in err
    assert len(err.splitlines()) == 1


def test_a_users_experiment_is_checked_like_the_command_line(
    jobs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nmodel:\n  hiden: [1]\n")
    assert main(["--config-dir", ".", "+experiment=mine"]) == 2
    assert "there is no 'model.hiden' (set by +experiment=mine): did you mean model.hidden?" in capsys.readouterr().err


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--cfg", "job"], "_target_: torch.optim.Adam"),
        (["--cfg", "job", "--package", "optimizer"], "# @package optimizer"),
        (["data=csv", "--cfg", "job"], "categorical: []"),
        (["data=custom", "--cfg", "job"], "_target_: ???"),
        (["--cfg", "all", "--resolve"], "searchpath"),
        (["--info", "searchpath"], "Config search path"),
        (["--hydra-help"], "Hydra (1.3"),
        (["--shell-completion", "install=bash"], "hydra_bash_completion"),
        (["--version"], f"lit-tricks {__version__}"),
        (["--help"], "groups and their words"),
        (["-h"], "groups and their words"),
    ],
)
def test_hydras_options_keep_working(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(arguments) == 0
    assert part in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


SWEEPER = """
import sys
from types import ModuleType
from lit_tricks.errors import UserError

class Interrupted(Exception):
    pass

def run_job(cfg):
    if cfg.seed == 1:
        raise UserError("seed 1 is refused")
    return 0.5
"""


def test_the_joblib_launcher_reports_failures_from_its_processes(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    # other processes import by name: a package of the same name with the light stand-in goes before the real one
    package = tmp_path / "path" / "lit_tricks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"__version__ = '0'\n__path__ = [{str(package)!r}, {str(REPOSITORY / 'lit_tricks')!r}]\n"
    )
    (package / "run.py").write_text(SWEEPER)
    code = "from lit_tricks.commandline.entry import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=0,1,2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "path"), str(REPOSITORY)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "error in job 1 (seed=1): seed 1 is refused" in done.stderr
    assert done.stderr.splitlines()[-1] == "error: 1 of 3 jobs failed: 1 (seed=1)"
    assert "Traceback" not in done.stderr
    assert len(list(tmp_path.glob("runs/multi_*/[012]"))) == 3
