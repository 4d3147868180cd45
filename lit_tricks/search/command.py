"""One search as the user sees it: what it announces, what it prints and leaves in its folder."""

import logging
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lit_tricks.report.page import number
from lit_tricks.report.style import save_figure
from lit_tricks.report.summary import near
from lit_tricks.search.figures import curves, grid, history, slices
from lit_tricks.search.loop import Launch, search
from lit_tricks.search.plan import Plan
from lit_tricks.search.storage import held, open_study
from lit_tricks.search.summary import summarise, write

log = logging.getLogger("lit_tricks")

MOST_TRIALS = 10
SHOWN = ("test/acc", "test/balanced_acc", "test/loss")


def run_search(plan: Plan, launch: Launch, again: str) -> dict[str, Any]:
    """Search, write what it came to, print it, and return the content of ``search.json``.

    ``again`` is the command line that continues the search. It is printed first, because a search may be killed.

    Raises ``UserError`` when the storage belongs to another search or is in use.
    """
    settings = plan.settings
    size = f"{_plural(plan.n_trials, 'trial')} of {_plural(len(plan.repetitions), 'run')} each"
    if settings.sampler == "grid" and plan.grid_size != plan.n_trials:
        size = f"the first {size}, of the grid's {plan.grid_size}"
    how = settings.sampler if settings.pruner == "none" else f"{settings.sampler}, {settings.pruner}"
    with held(plan.storage):
        study = open_study(plan)
        log.info("search: %s (%s), by %s; to go on after a stop: %s", size, how, settings.metric, again)
        try:
            search(study, plan, launch)
        except KeyboardInterrupt:
            summary = summarise(study, plan)
            write(summary, plan)
            log.info("search stopped: %s; to go on: %s", _counted(summary), again)
            raise
        summary = summarise(study, plan)
        write(summary, plan)
    if summary["best"] is not None:
        _draw(summary, plan)
    print_summary(summary, plan)
    return summary


def _draw(summary: dict[str, Any], plan: Plan) -> None:
    drawn = {"history": history(summary), "slices": slices(summary, plan.parameters)}
    if plan.settings.sampler == "grid" and len(plan.parameters) > 1:
        drawn["grid"] = grid(summary, plan.parameters)
    if any(trial["curve"] for trial in summary["trials"]):
        drawn["curves"] = curves(summary, plan.settings)
    for name, figure in drawn.items():
        save_figure(figure, plan.directory / "figures" / f"search_{name}.png")


def print_summary(summary: dict[str, Any], plan: Plan, console: Console | None = None) -> None:
    """Print the best trials, the failed ones, what the best does on the test split, and its command line."""
    console = console or Console()
    best, settings = summary["best"], plan.settings
    completed = [trial for trial in summary["trials"] if trial["state"] == "completed"]
    completed.sort(key=lambda trial: trial["value"], reverse=settings.direction == "maximize")
    if completed:
        console.print(_table(completed[:MOST_TRIALS], plan))
        console.print()
    lines = [("trials", _counted(summary))]
    told = [
        ("", f"trial {trial['number']} {trial['state']}: {trial['reason']} ({' '.join(trial['overrides'])})")
        for trial in summary["trials"]
        if trial["reason"]
    ]
    lines += told[:MOST_TRIALS]
    if len(told) > MOST_TRIALS:
        lines.append(("", f"{len(told) - MOST_TRIALS} more in search.csv"))
    if best is not None:
        better = "lower" if settings.direction == "minimize" else "higher"
        value = _with_spread(best["value"], best["sd"])
        lines.append(("best", f"trial {best['number']}: {settings.metric} {value} ({better} is better)"))
        test = ", ".join(f"{name} {_with_spread(**best['test'][name])}" for name in SHOWN if name in best["test"])
        if test:
            lines.append(("test", f"{test}, of the best trial alone: the choice was made by validation"))
        lines.append(("train", best["command"]))
        if len(plan.repetitions) > 1:
            lines.append(("repeat", best["repeat"]))
    lines.append(("search", near(plan.directory / "search.json")))
    for name, line in lines:
        # commands and paths are copied: a line break in the middle would spoil them
        console.print(Text(f"{name:<7} {line}"), soft_wrap=True)


def _table(trials: list[dict[str, Any]], plan: Plan) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    for title in ("trial", *(p.key for p in plan.parameters), plan.settings.metric):
        table.add_column(title, justify="right")
    for trial in trials:
        values = [trial["params"][parameter.key] for parameter in plan.parameters]
        cells = [str(trial["number"]), *values, _with_spread(trial["value"], trial["sd"])]
        table.add_row(*map(Text, cells))
    return table


def _with_spread(mean: float, sd: float | None) -> str:
    return number(mean) if sd is None else f"{number(mean)} ± {number(sd)}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _counted(summary: dict[str, Any]) -> str:
    counted = ", ".join(f"{count} {state}" for state, count in summary["counts"].items())
    return f"{counted or 'none'} of {summary['n_trials']}"
