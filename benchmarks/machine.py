"""The machine in one line, as the pages name it."""

import os
import platform
from importlib.metadata import version


def machine() -> str:
    """Return processor, cores and the versions that decide about figures."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}"
