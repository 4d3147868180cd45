"""Every key of every YAML has a rule, every default keeps its own rule, and the rules say what they mean."""

import fnmatch
from typing import Any

import pytest
from omegaconf import OmegaConf

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.knobs import either, flag, number, one_of, optional, text, whole
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.ranges import KNOBS, TOP
from lit_tricks.commandline.search_ranges import SWEEPER
from lit_tricks.commandline.values import COLLECTIONS, INSTANTIATION, knob_for

COMPOSER = Composer(str(conf_dir()))
OVERLAY = "experiment"
WORDS = [(group, word) for group in COMPOSER.groups() if group != OVERLAY for word in COMPOSER.words(group)]
EXPERIMENTS = COMPOSER.words(OVERLAY)


def _leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key in INSTANTIATION:
            continue
        if isinstance(value, dict) and value:
            found |= _leaves(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _plain(group: str, word: str) -> dict[str, Any]:
    return OmegaConf.to_container(COMPOSER.own(group, word), resolve=False)  # type: ignore[return-value]


@pytest.mark.parametrize(("group", "word"), WORDS)
def test_every_key_of_every_word_has_a_rule_that_its_default_keeps(group: str, word: str) -> None:
    for key, value in _leaves(_plain(group, word)).items():
        knob = knob_for(group, word, key)
        assert knob is not None, f"{group}.{key} has no rule in ranges.py"
        if value != "???":
            assert knob.complaint(value) is None, f"{group}/{word}: {key}={value} {knob.complaint(value)}"


@pytest.mark.parametrize("word", EXPERIMENTS)
def test_every_value_of_every_experiment_keeps_its_rule(word: str) -> None:
    content = _plain(OVERLAY, word)
    for key, value in content.pop("hydra", {}).get("sweeper", {}).items():
        assert SWEEPER[key].complaint(value) is None, f"hydra.sweeper.{key}={value}"
    for key, value in _leaves(content).items():
        group, _, inner = key.partition(".")
        if group == "hydra":
            continue
        knob = TOP.get(key) if not inner else knob_for(group, "", inner)
        assert knob is not None, f"{key} has no rule in ranges.py"
        assert knob.complaint(value) is None, f"{key}={value} {knob.complaint(value)}"


def test_every_top_level_key_has_a_rule_that_its_default_keeps() -> None:
    config = COMPOSER.compose([]).config
    keys = [key for key in config if key not in COMPOSER.groups() and key != "hydra"]
    assert sorted(map(str, keys)) == sorted(TOP)
    for key in keys:
        assert TOP[str(key)].complaint(OmegaConf.to_container(config)[key]) is None  # type: ignore[index]


@pytest.mark.parametrize("word", ["grid", "random", "bayesian", "halving"])
def test_every_key_of_every_search_has_a_rule_that_its_default_keeps(word: str) -> None:
    content = _plain("hydra/sweeper", word)
    assert set(content) - {"_target_"} == set(SWEEPER)
    for key, knob in SWEEPER.items():
        assert knob.complaint(content[key]) is None, f"hydra.sweeper.{key}"


def test_no_rule_is_left_without_a_key() -> None:
    for table, knobs in KNOBS.items():
        group, _, only = table.partition("/")
        words = [only] if only else COMPOSER.words(group)
        keys = {key for word in words for key in _leaves(_plain(group, word))}
        for experiment in EXPERIMENTS if group in COLLECTIONS else []:
            keys |= set(_leaves(_plain(OVERLAY, experiment).get(group, {})))
        unused = {rule for rule in knobs if not fnmatch.filter(keys, rule)}
        assert not unused, f"{table}: {unused}"


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("steps", KNOBS["study"]["steps"]),
        ("contenders.mine.optimizer.lr", KNOBS["optimizer"]["lr"]),
        ("contenders.mine.scheduler.half_cycle", KNOBS["scheduler"]["half_cycle"]),
        ("curves.mine.loss.reduction", KNOBS["loss"]["reduction"]),
        ("curves.mine.weights", KNOBS["study"]["curves.*.weights"]),
        ("model.hidden", KNOBS["model"]["hidden"]),
        ("curves.mine.wieghts", None),
        ("contenders.mine.optimizer.rate", None),
        ("contenders.mine", None),
    ],
)
def test_the_parts_of_a_study_have_the_rules_of_their_groups(key: str, rule: Any) -> None:
    assert knob_for("study", "", key) is rule
    assert key == "steps" or knob_for("callbacks", "", key) is None


def test_every_suggestion_keeps_its_own_rule() -> None:
    for table in [TOP, SWEEPER, *KNOBS.values()]:
        for name, knob in table.items():
            if knob.note is not None:
                assert knob.complaint(knob.note) is None, name


@pytest.mark.parametrize(
    ("knob", "good", "bad"),
    [
        (number(0, open_ends="("), [1, 0.1, 1e-9], [0, -1, True, "1", None, float("nan"), float("inf"), [1]]),
        (number(0, 1, ")"), [0, 0.5, 0.999], [1, -0.1, 1.5]),
        (whole(1), [1, 10**6], [0, 1.0, 2.5, True, "1"]),
        (whole(1, listed="yes", least=1), [[1], [1, 2]], [1, [], [0], [1.5], "1"]),
        (number(0, 1, ")", listed="either"), [0.3, [0.3, 0]], [1, [0.3, 1], [True]]),
        (number(listed="yes", least=2, most=2), [[1, 2]], [[1], [1, 2, 3]]),
        (flag(), [True, False], [0, 1, "true", None]),
        (text(), ["a", ""], [1, None, ["a"]]),
        (one_of("auto", True, 3), ["auto", True, 3], [1, "true", False, None]),
        (optional(whole(1)), [None, 1], [0]),
        (one_of("a", "b", listed="yes", least=1), [["a"], ["b", "a"]], ["a", [], ["c"], ["a", 1]]),
        (either(whole(0), number(0, 1), text(listed="yes")), [0, 5, 0.5, 1.0, ["a"]], [-1, 1.5, "a", [1]]),
    ],
)
def test_a_rule_accepts_exactly_what_it_says(knob: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if knob.complaint(value) is not None] == []
    assert [value for value in bad if knob.complaint(value) is None] == []


def test_a_rule_speaks_in_words() -> None:
    knob = optional(either(number(0, 1, "()"), whole(1, listed="yes", least=2), one_of("auto", True)))
    assert knob.complaint("x") == (
        "must be a number greater than 0 and less than 1, or a list of at least 2 whole numbers at least 1, "
        "or auto or true, or null"
    )
    several = one_of("a", "b", listed="yes", least=1)
    assert several.complaint(["c"]) == "must be a list of at least 1 of a or b"
