"""The circumstances of a measurement."""

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "numpy",
    "scikit-learn",
    "pillow",
    "keras",
    "skorch",
)


def environment() -> dict[str, str]:
    """Return the processor, the system and the versions that decide about speed."""
    found = {"machine": f"{_processor()}, {os.cpu_count()} cores, one thread used, {platform.system()}"}
    found["Python"] = platform.python_version()
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def code(repository: Path) -> str:
    """Return the commit of what is measured, and whether files were changed after it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", "lit_tricks", "conf", "benchmarks", "train.py")
    except FileNotFoundError:
        commit = changed = ""
    return f"{commit or 'unknown'}{', changed' if changed else ''}"


def busy_cores(seconds: float = 0.5) -> float | None:
    """Return how many cores are busy while this process sleeps for ``seconds``, None where Linux does not say it."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    if before is None or after is None or after[1] == before[1]:
        return None
    return (os.cpu_count() or 1) * (after[0] - before[0]) / (after[1] - before[1])


def _ticks() -> tuple[int, int] | None:
    """Return the busy ticks of all cores together since the machine started, and all of them."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return None
    # the last two are contained in the first two
    user, nice, system, idle, waiting, *others = [int(word) for word in line.split()[1:9]]
    busy = user + nice + system + sum(others)
    return busy, busy + idle + waiting


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def in_words(found: dict[str, str]) -> str:
    """Return the circumstances as one sentence."""
    versions = [f"{name} {number}" for name, number in found.items() if name != "machine"]
    return f"{found['machine']}; {', '.join(versions)}."
