"""A page for every trick, and the table of all, as Markdown."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.tricks.effects import Effects
from benchmarks.tricks.settings import BASELINE, ELSEWHERE, SEEDS, SETTINGS, Setting, command, is_asked, is_measured
from lit_tricks.commandline.cards import FIELDS, Card
from lit_tricks.report.statistics import PairedDifference

HEADINGS = {
    "What": "What it does",
    "Helps": "When it helps",
    "Hurts": "When it hurts",
    "Knobs": "Knobs",
    "Cost": "Cost",
    "Stacks": "Stacks with",
    "Not with": "Not together with",
    "Source": "Source",
}
HEAD = """\
# The tricks, measured

Made by `python -m benchmarks.tricks DATA_DIR`. Each word changes the default configuration alone: a network with one
hidden layer of 128 ReLU units, Adam at .001, batches of 32. The effect is the difference of test accuracy to the same
{seeds} seeds without the word, in percentage points, with its 95% interval (Student's, paired). An interval that holds
zero is *no detectable effect* at this budget; of twenty words without any effect one would still seem to have one.
Many tricks are made for larger networks, longer training or other data: the pages say when they help.
"""


def file_name(card: Card) -> str:
    """Return the name of a trick's page, such as ``optimizer_adam.md``."""
    return f"{card.group}_{card.name.replace('/', '_')}.md"


def trick_page(card: Card, effects: Effects, defaults: Mapping[str, str]) -> str:
    """Return the page of one trick: its card, then what was measured."""
    lines = [f"# {card.name}", "", f"{card.sentence}: `python train.py {card.override}`", ""]
    for name in FIELDS:
        if name in card.fields:
            lines += [f"**{HEADINGS[name]}**: {card.fields[name]}", ""]
    lines += ["## Measured", ""]
    if defaults.get(card.group) == card.name:
        lines += ["The default: every other word is measured against it.", ""]
    elif card.override in ELSEWHERE:
        name, where = ELSEWHERE[card.override]
        lines += [f"See [{name}]({where}).", ""]
    else:
        lines += _measurements(card, effects)
    return "\n".join([*lines, "[All tricks](README.md)", ""])


def index_page(cards: Iterable[Card], effects: Effects, defaults: Mapping[str, str]) -> str:
    """Return the table of all tricks with their effects."""
    lines = [HEAD.format(seeds=SEEDS), f"{effects.content['machine']}.", ""]
    lines += [f"- {setting.name}: {setting.budget}; baseline {_level(effects, setting)}." for setting in SETTINGS]
    groups: dict[str, list[Card]] = {}
    for card in cards:
        folder = card.name.rpartition("/")[0]
        groups.setdefault(f"{card.group}/{folder}".rstrip("/"), []).append(card)
    for group, members in groups.items():
        settings = [each for each in SETTINGS if any(is_asked(each, card.override) for card in members)]
        names = [setting.name for setting in settings]
        lines += ["", f"## {group}", "", _row(["word", "what it does", *names]), _row(["---"] * (2 + len(names)))]
        for card in members:
            cells = [_cell(effects, setting, card, defaults) for setting in settings]
            lines.append(_row([f"[`{card.name}`]({file_name(card)})", card.sentence, *cells]))
    return "\n".join([*lines, ""])


def told(effect: PairedDifference) -> str:
    """Return the finding in words: how many points, or that none can be told from chance."""
    points = f"{100 * effect.mean:+.2f} points, 95% interval {100 * effect.low:+.2f} to {100 * effect.high:+.2f}"
    if not effect.detected:
        return f"no detectable effect ({points})"
    return f"**{'better' if effect.mean > 0 else 'worse'}** by {points.lstrip('+-')}"


def _measurements(card: Card, effects: Effects) -> list[str]:
    lines = [_row(["data", "test accuracy", "against the baseline", "training time"]), _row(["---"] * 4)]
    for setting in SETTINGS:
        if not is_asked(setting, card.override):
            continue
        if not is_measured(setting, card.override):
            lines.append(_row([setting.name, "-", "not measured: too slow at this size", "-"]))
        obstacle, effect = effects.obstacle(setting.name, card.override), effects.effect(setting.name, card.override)
        if obstacle is not None:
            lines.append(_row([setting.name, "-", ": ".join(obstacle), "-"]))
        elif effect is not None:
            time = f"{effects.slowdown(setting.name, card.override):.1f} times"
            lines.append(_row([setting.name, _level(effects, setting, card.override), told(effect), time]))
    repeat = [
        f"- {setting.name} ({setting.budget}): `{command(setting, card.override)}`"
        for setting in SETTINGS
        if is_measured(setting, card.override)
    ]
    return [*lines, "", f"Mean ± standard deviation over {SEEDS} seeds. To repeat:", "", *repeat, ""]


def _level(effects: Effects, setting: Setting, word: str = BASELINE) -> str:
    values = effects.accuracy(setting.name, word)
    if values is None:
        return "not measured"
    return f"{100 * statistics.mean(values):.2f} ± {100 * statistics.stdev(values):.2f}%"


def _cell(effects: Effects, setting: Setting, card: Card, defaults: Mapping[str, str]) -> str:
    if defaults.get(card.group) == card.name:
        return "default"
    if card.override in ELSEWHERE:
        return "[{}]({})".format(*ELSEWHERE[card.override])
    if not is_asked(setting, card.override):
        return ""
    obstacle = effects.obstacle(setting.name, card.override)
    if obstacle is not None:
        return obstacle[0]
    effect = effects.effect(setting.name, card.override)
    if effect is None:
        return "not measured"
    figures = f"{100 * effect.mean:+.2f} ({100 * effect.low:+.2f}, {100 * effect.high:+.2f})"
    return f"**{figures}**" if effect.detected else figures


def _row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"
