"""Measures every trick and writes ``docs/tricks/``: ``effects.json``, a page for each and the table of all.

``python -m benchmarks.tricks DATA_DIR`` measures what was not measured yet, ``--only WORD`` those named, again with
``--again``; given once more after an interruption it goes on. ``--pages`` writes the pages and measures nothing.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.tricks.effects import Effects
from benchmarks.tricks.measure import REPOSITORY, measure
from benchmarks.tricks.page import file_name, index_page, trick_page
from benchmarks.tricks.settings import BASELINE, ELSEWHERE, SETTINGS, Setting, is_measured
from lit_tricks.commandline.cards import Card, card, tricks
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir

DOCS = REPOSITORY / "docs" / "tricks"


def main(arguments: list[str] | None = None) -> int:
    """Measure what is due, write the pages, and return 1 when a run failed."""
    composer = Composer(str(conf_dir()))
    defaults = composer.defaults()
    cards = [card(composer, group, name) for group, name in tricks(composer)]
    options = _options(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    effects = Effects(options.out / "effects.json")
    wanted = [each for each in cards if defaults.get(each.group) != each.name and each.override not in ELSEWHERE]
    failures = 0
    if not options.pages:
        chosen = [each for each in wanted if not options.only or options.only & {each.name, each.override}]
        failures = _measure(options, effects, [BASELINE, *(each.override for each in chosen)])
    effects.forget({each.override for each in wanted})
    write_pages(options.out, cards, effects, defaults)
    return int(failures > 0)


def write_pages(folder: Path, cards: list[Card], effects: Effects, defaults: dict[str, str]) -> None:
    """Write a page for every card and the table, and remove the pages of words that are gone."""
    pages = {file_name(each): trick_page(each, effects, defaults) for each in cards}
    pages["README.md"] = index_page(cards, effects, defaults)
    for stale in {file.name for file in folder.glob("*.md")} - pages.keys():
        (folder / stale).unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def _measure(options: argparse.Namespace, effects: Effects, words: list[str]) -> int:
    due: list[tuple[Setting, str]] = [
        (setting, word)
        for setting in SETTINGS
        for word in words
        if is_measured(setting, word) and (not effects.has(setting.name, word) or (options.again and word != BASELINE))
    ]
    # a setting whose baseline fails, for want of data say, measures nothing
    due.sort(key=lambda pair: pair[1] != BASELINE)
    failures = done = 0
    while due and not failures:
        baselines = [pair for pair in due if pair[1] == BASELINE]
        batch, due = (baselines, due[len(baselines) :]) if baselines else (due, [])
        failures += _run(options, effects, batch, done, done + len(batch) + len(due))
        done += len(batch)
    return failures


def _run(options: argparse.Namespace, effects: Effects, pairs: list[tuple[Setting, str]], done: int, total: int) -> int:
    failures = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(measure, setting, word, options.data_dir): (setting, word) for setting, word in pairs}
        for number, future in enumerate(as_completed(futures), start=done + 1):
            setting, word = futures[future]
            state = "done"
            try:
                effects.add(setting.name, word, future.result(), machine())
            except RuntimeError as error:
                failures += 1
                state = f"failed: {error}"
            print(f"{number} of {total}: {setting.name} {word} {state}", file=sys.stderr, flush=True)
    return failures


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tricks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data_dir", type=lambda text: Path(text).resolve(), help="folder that holds MNIST")
    parser.add_argument("--only", nargs="+", type=str, metavar="WORD", help="such as dropout or optimizer=sgd")
    parser.add_argument("--again", action="store_true", help="measure again what was measured")
    parser.add_argument("--pages", action="store_true", help="write the pages from what was measured")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the pages")
    options = parser.parse_args(arguments)
    options.only = set(options.only or ())
    return options


if __name__ == "__main__":
    raise SystemExit(main())
