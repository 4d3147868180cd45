"""The circumstances of a measurement."""

import os
import platform
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
