"""The check of a whole command line before anything is imported, built or created."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, OverrideType, ValueType
from omegaconf import DictConfig, OmegaConf

from lit_tricks.commandline.classical import check_classical, with_custom_word
from lit_tricks.commandline.composition import Composed, Composer, plain_errors
from lit_tricks.commandline.crossing import check_crossing
from lit_tricks.commandline.names import OVERLAY, check_key, check_words, has_path
from lit_tricks.commandline.options import composer_for, parse_options
from lit_tricks.commandline.said import overlays
from lit_tricks.commandline.searching import check_launcher, check_trial, is_search, plan_search, refuse_interval
from lit_tricks.commandline.stacking import check_stack
from lit_tricks.commandline.study import check_study
from lit_tricks.commandline.values import COLLECTIONS, MISSING, check_config, is_open
from lit_tricks.errors import UserError


def check_command_line(argv: Sequence[str]) -> None:
    """Raise ``UserError`` for the first mistake in the arguments; import no torch and create nothing.

    Of a sweep each choice of each swept key is checked, the other keys at their first choice.
    """
    check_options(parse_options(argv))


def check_options(options: argparse.Namespace) -> str | None:
    """Do what ``check_command_line`` does, for arguments that are parsed already; return the run to resume.

    ``options.overrides`` gets the ``+`` that Hydra wants before new keys of a class of the user's own, and
    ``options.multirun`` is set when ``hydra.mode`` asks for a sweep. What is only shown, by ``--cfg``, may lack values.
    """
    composer = composer_for(options)
    defaults = composer.defaults()
    _check_one_list(composer.overrides)
    for override in composer.overrides:
        if override.is_hydra_override() and override.is_sweep_override():
            raise UserError(f"Hydra's own keys cannot be swept; received '{override.input_line}'")
        for single in _choices(override, composer):
            check_words(single, composer, defaults)
    composer.overrides = overrides = with_custom_word(composer)
    composed = composer.compose(_variant(overrides, composer))
    options.overrides = _with_pluses(composed, composer)
    if options.overrides != [override.input_line for override in overrides]:
        composer.overrides = overrides = [composer.parse(text) for text in options.overrides]
        composed = composer.compose(_variant(overrides, composer))
    complete = options.cfg is None
    first = _applied(composed, composer)
    multirun = options.multirun or str(OmegaConf.select(first.config, "hydra.mode")).endswith("MULTIRUN")
    options.multirun |= multirun and complete and not options.run
    swept = [override for override in overrides if override.is_sweep_override()]
    if swept and not multirun:
        raise _needs_multirun(swept[0])
    resume = _check_resume(overrides, composer, multirun)
    params = _sweeper_params(first, composer) if multirun else []
    if params:
        overrides = [*params, *overrides]
        first = _applied(composer.compose(_variant(overrides, composer)), composer)
    contents = [_check_composed(first, _variant(overrides, composer), composer, complete)]
    search = _check_sweeper(first, overrides, contents[0]["data"]) if multirun else None
    for variant in _further_variants(overrides, composer):
        contents.append(_check_composed(_applied(composer.compose(variant), composer), variant, composer, complete))
    if search is not None:
        for content in contents:
            check_trial(search, content)
    return resume


def _check_composed(
    composed: Composed, overrides: Sequence[Override], composer: Composer, complete: bool
) -> dict[str, Any]:
    stacked = overlays(overrides)
    content = check_config(composed, composer, stacked, complete)
    check_stack(stacked, [each.key_or_group for each in overrides if each.key_or_group != OVERLAY], composer)
    check_study(content, composed, overrides, composer)
    check_classical(content, composed, overrides, composer)
    check_crossing(content, complete)
    return content


def _check_sweeper(composed: Composed, overrides: Sequence[Override], data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the node ``hydra.sweeper`` of a search, None of another sweep."""
    hydra = composed.config.hydra
    sweeper: Any = OmegaConf.to_container(hydra.sweeper, resolve=True)
    if not is_search(sweeper):
        refuse_interval(overrides)
        return None
    plan_search(sweeper, overrides, data, str(hydra.sweep.dir))
    check_launcher(sweeper, hydra.launcher)
    return dict(sweeper)


def _with_pluses(composed: Composed, composer: Composer) -> list[str]:
    """Return the overrides as text, with a ``+`` before new keys of groups whose class is the user's choice.

    Which keys such a class takes only the class knows, so ``model.width=8`` is as good as ``+model.width=8``.
    """
    chosen = {o.key_or_group: str(o.value()) for o in composer.overrides if o.key_or_group.endswith("._target_")}
    texts = []
    for override in composer.overrides:
        key, text = override.key_or_group, str(override.input_line)
        group, _, inner = key.partition(".")
        node = composed.config._get_node(group) if group in composer.defaults() and group not in COLLECTIONS else None
        word = composed.choices.get(group)
        if inner and override.type == OverrideType.CHANGE and isinstance(node, DictConfig) and isinstance(word, str):
            target = OmegaConf.to_container(node, resolve=False).get("_target_", MISSING)  # type: ignore[union-attr]
            user = is_open({"_target_": chosen.get(f"{group}._target_", target)}, composer.own(group, word))
            text = f"+{text}" if user and not has_path(composed.config, key) else text
        texts.append(text)
    return texts


def _applied(composed: Composed, composer: Composer) -> Composed:
    for override in composed.values:
        check_key(override, composed, composer)
        composed.apply(override)
    return composed


def _choices(override: Override, composer: Composer) -> list[Override]:
    """Return one override per choice of a sweep, or the override itself; of a range, its ends."""
    if not override.is_sweep_override():
        return [override]
    value = override.value()
    with plain_errors():
        if isinstance(value, IntervalSweep):
            texts = [str(value.start), str(value.end)]
        else:
            texts = list(override.sweep_string_iterator())
    if override.value_type == ValueType.RANGE_SWEEP:
        texts = [texts[0], texts[-1]] if texts else []
    if not texts:
        raise UserError(f"a sweep needs at least one value; received '{override.input_line}'")
    return [composer.parse(f"{override.get_key_element()}={text}") for text in dict.fromkeys(texts)]


def _variant(overrides: Sequence[Override], composer: Composer) -> list[Override]:
    return [_choices(override, composer)[0] for override in overrides]


def _further_variants(overrides: Sequence[Override], composer: Composer) -> Iterator[list[Override]]:
    first = _variant(overrides, composer)
    for index, override in enumerate(overrides):
        for choice in _choices(override, composer)[1:]:
            yield [*first[:index], choice, *first[index + 1 :]]


def _sweeper_params(composed: Composed, composer: Composer) -> list[Override]:
    """Return what a configuration file sweeps over, under ``hydra.sweeper.params``."""
    params = OmegaConf.select(composed.config, "hydra.sweeper.params")
    return [] if not params else [composer.parse(f"{key}={value}") for key, value in params.items()]


def _check_one_list(overrides: Sequence[Override]) -> None:
    given = [override for override in overrides if override.key_or_group == OVERLAY and not override.is_delete()]
    if len(given) > 1:
        words = ",".join(override.get_value_element_as_str().strip("[]") for override in given)
        lines = " ".join(str(override.input_line) for override in given)
        raise UserError(f"experiments are stacked in one list; received {lines}: try '+{OVERLAY}=[{words}]'")


def _needs_multirun(override: Override) -> UserError:
    line = str(override.input_line)
    key, _, value = line.partition("=")
    if override.value_type == ValueType.SIMPLE_CHOICE_SWEEP:
        return UserError(f"'{line}' are several values: add -m to run each, or write '{key}=[{value}]' for a list")
    return UserError(f"'{line}' is a sweep: add -m to run each of its values")


def _check_resume(overrides: Sequence[Override], composer: Composer, multirun: bool) -> str | None:
    """Return the run directory to resume, None without one; the run's own words must continue."""
    given = [override for override in overrides if override.key_or_group == "resume"]
    if not given or given[-1].value() is None:
        return None
    if multirun:
        raise UserError("resume continues one run; it cannot be part of a multirun: leave out -m and the sweeps")
    for override in overrides:
        if composer.is_group(override.key_or_group) and not override.is_hydra_override():
            raise UserError(f"resume continues the run with its own words: remove '{override.input_line}'")
    directory = Path(str(given[-1].value())).expanduser()
    if not (directory / "config.yaml").is_file():
        problem = "holds no config.yaml" if directory.is_dir() else "is no folder"
        raise UserError(f"resume must be a run directory; {directory} {problem}: list runs/ to see which there are")
    return str(directory)
