"""The rooms of the package import only what the layout allows, and light modules stay light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "lit_tricks"

# The one object that every stage hands on, the one exception, the groups of words and the writing of files belong to
# everybody.
COMMON = {
    "lit_tricks.errors",
    "lit_tricks.files",
    "lit_tricks.data.spec",
    "lit_tricks.groups",
    "lit_tricks.__version__",
}
ALLOWED = {
    "functional": set(),
    "data": {"functional"},
    "models": {"functional"},
    "objectives": {"functional"},
    "optim": {"functional"},
    "metrics": {"functional"},
    "callbacks": {"functional"},
    "doctor": {"functional"},
    "report": {"functional"},
    # a study is a whole run in small, from knobs to pictures; nothing but the run imports it
    "studies": {"functional", "models", "objectives", "optim", "report"},
    "loggers": {"functional"},
    "classical": {"functional"},
    "corrections": {"functional"},
    # another run's weights are in its directory
    "transfer": {"run_directory"},
    "module": {"functional", "training_figures", "validation_figures"},
    "validation_figures": {"functional"},
    "commandline": {"run", "search", "targets", "comparison"},
    "search": {"functional", "record", "report"},
}
HYDRA_ROOMS = {
    "build", "build_trainer", "classical_run", "cli", "commandline", "comparison", "instantiation", "pretraining",
    "rate_search", "relative_values", "restore", "resume", "run", "study_run", "targets",
}  # fmt: skip
LIGHT = [
    "lit_tricks",
    "lit_tricks.errors",
    "lit_tricks.files",
    "lit_tricks.cli",
    "lit_tricks.commandline",
    "lit_tricks.run_directory",
]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            whole = node.module == "lit_tricks"
            found |= {f"lit_tricks.{alias.name}" for alias in node.names} if whole else {str(node.module)}
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_room_imports_only_what_the_layout_allows(path: Path) -> None:
    room = room_of(path)
    found = imports(path)
    if room in ALLOWED:
        for name in found - COMMON:
            if name.startswith("lit_tricks."):
                other = name.split(".")[1]
                assert other == room or other in ALLOWED[room], f"{room} must not import {name}"
    hydra = {name for name in found if name.split(".")[0] in {"hydra", "omegaconf"}}
    assert not hydra or room in HYDRA_ROOMS, f"{room} must not know Hydra: {hydra}"


PLUGINS = sorted(path.parent.name for path in (REPOSITORY / "hydra_plugins").glob("*/__init__.py"))


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_light_on_every_hydra_start(plugin: str) -> None:
    for path in (REPOSITORY / "hydra_plugins" / plugin).rglob("*.py"):
        own = {name for name in imports(path) if name.startswith("lit_tricks")}
        assert {name.split(".")[1] for name in own} <= {"commandline", "search"}, f"{path} imports {own}"
    heavy = ("torch", "pytorch_lightning", "numpy", "optuna", "sqlalchemy", "matplotlib", "rich")
    code = f"import sys, hydra_plugins.{plugin}; sys.exit(any(n in sys.modules for n in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_functional_needs_torch_and_numpy_alone() -> None:
    for path in (PACKAGE / "functional").glob("*.py"):
        outside = {name.split(".")[0] for name in imports(path)} - {"torch", "numpy", "lit_tricks"}
        assert outside <= set(sys.stdlib_module_names), f"{path.name} imports {outside}"


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_leave_torch_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(n in sys.modules for n in ('torch', 'pytorch_lightning', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


FIRST_STEP = """
import os
import sys

import pytorch_lightning as pl


class FirstStep(pl.Callback):
    def on_train_batch_end(self, *_):
        print("imported:", *sys.modules, flush=True)
        os._exit(0)
"""
LATER = (
    "sklearn",
    "imblearn",
    "pandas",
    "joblib",
    "tensorboard",
    "torch.utils.tensorboard",
    "pooch",
    "kornia",
    "lit_tricks.conclusion",
    "lit_tricks.report",
    "lit_tricks.doctor",
    "lit_tricks.metrics.evaluation",
)


def test_the_first_training_step_waits_for_nothing_that_is_needed_later(tmp_path: Path) -> None:
    (tmp_path / "first_step.py").write_text(FIRST_STEP)
    clock = ["+callbacks.clock._target_=first_step.FirstStep", "allow_targets=[first_step]"]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "train.py"), *clock, "logger=none", f"hydra.run.dir={tmp_path / 'run'}"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    imported = done.stdout.rpartition("imported: ")[2].split()
    assert "torch" in imported, done.stderr
    assert set(imported) & set(LATER) == set()


def test_imports_without_the_collector_happen_once_and_leave_it_on() -> None:
    code = """
import gc, sys
from lit_tricks.commandline.startup import uncollected_imports
with uncollected_imports():
    assert not gc.isenabled()
assert gc.isenabled()
frozen = gc.get_freeze_count()
assert frozen > 0
sys.modules["torch"] = sys
kept = [[] for _ in range(frozen)]
with uncollected_imports():
    assert gc.isenabled()
assert gc.get_freeze_count() == frozen
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250
