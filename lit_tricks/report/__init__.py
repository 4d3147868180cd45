"""Tables, pictures and pages, made from what a run directory holds."""

from typing import Any

__all__ = ["load_runs"]


def __getattr__(name: str) -> Any:
    # reading a run's files must not wait for the tables of many
    if name == "load_runs":
        from lit_tricks.report.comparison_files import load_runs

        return load_runs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
