"""The package as its users meet it: wheel, editable install, bare checkout; installed without any network."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = ("lit_tricks", "hydra_plugins", "conf", "train.py", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class Installation:
    """One way to have the package: how its command starts, and the interpreter of its environment.

    Other apps find a bare checkout by ``python_path``; its own command must do without.
    """

    command: list[str]
    python: str
    python_path: str | None = None

    def run(self, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the training command in a foreign folder."""
        return self._run(cwd, [*self.command, *arguments], _environment())

    def run_python(self, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the environment's interpreter in a foreign folder."""
        path = {} if self.python_path is None else {"PYTHONPATH": self.python_path}
        return self._run(cwd, [self.python, *arguments], _environment() | path)

    @staticmethod
    def _run(cwd: Path, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HYDRA_FULL_ERROR")}


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what a checkout holds to a folder without git, runs or tests' leftovers."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copy2(source, folder / name)
    return folder


@pytest.fixture(scope="session")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def _fresh_environment(folder: Path, *install: str) -> Installation:
    venv.create(folder, with_pip=False, symlinks=True)
    binaries = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(binaries / "python")
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    # the dependencies, but no copy of lit_tricks that this interpreter may have: that would hide a broken wheel
    (packages / "dependencies.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")
    arguments = ["--no-deps", "--no-index", "--ignore-installed", "--no-warn-script-location", *install]
    _run(python, "-m", "pip", "install", "-q", *arguments, cwd=folder)
    return Installation([str(binaries / "lit-tricks"), "train"], python)


@pytest.fixture(scope="session")
def editable(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Install the checkout in place."""
    return _fresh_environment(tmp_path_factory.mktemp("editable"), "--no-build-isolation", "-e", str(checkout))


@pytest.fixture(scope="session", params=["wheel", "editable", "checkout"])
def installation(
    request: pytest.FixtureRequest, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """Provide the package in each of the three ways."""
    if request.param == "checkout":
        return Installation([sys.executable, str(checkout / "train.py")], sys.executable, str(checkout))
    if request.param == "editable":
        found: Installation = request.getfixturevalue("editable")
        return found
    return _fresh_environment(tmp_path_factory.mktemp("installed"), str(request.getfixturevalue("wheel")))
