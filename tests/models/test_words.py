"""The words of the groups ``model`` and ``init`` say the same as the classes behind them."""

import inspect
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from lit_tricks import models
from lit_tricks.models.initialisation import SCHEMES

CONF = Path(__file__).resolve().parents[2] / "conf"
INJECTED = {"input_shape", "num_classes"}


@pytest.mark.parametrize(("word", "target"), [("mlp", models.MLP), ("cnn", models.CNN), ("linear", models.Linear)])
def test_a_models_word_lists_every_knob_at_its_default(word, target):
    knobs = OmegaConf.to_container(OmegaConf.load(CONF / "model" / f"{word}.yaml"))
    assert knobs.pop("_target_") == f"lit_tricks.models.{target.__name__}"
    parameters = inspect.signature(target).parameters.values()
    defaults = {p.name: list(p.default) if isinstance(p.default, tuple) else p.default for p in parameters}
    assert knobs == {name: value for name, value in defaults.items() if name not in INJECTED}


def test_every_scheme_is_a_word_and_every_other_word_a_scheme_with_another_number():
    words = {path.stem: OmegaConf.to_container(OmegaConf.load(path)) for path in (CONF / "init").glob("*.yaml")}
    assert set(SCHEMES) <= set(words)
    for word in set(words) - set(SCHEMES):
        named = words[words[word]["scheme"]]
        assert words[word].keys() == named.keys()
        assert words[word] != named


@pytest.mark.parametrize("word", SCHEMES)
def test_an_initialisations_word_lists_what_it_reads_at_its_default(word):
    knobs = OmegaConf.to_container(OmegaConf.load(CONF / "init" / f"{word}.yaml"))
    assert knobs.pop("_target_") == "lit_tricks.models.Initialiser"
    assert knobs.keys() == {"scheme", *SCHEMES[word], "bias", "bias_std"}
    assert vars(models.Initialiser(**knobs)) == vars(models.Initialiser(word))


def test_lists_from_the_configuration_are_accepted():
    knobs = OmegaConf.create({"hidden": [3, 2], "dropout": [0.1, 0.2]})
    network = models.MLP(OmegaConf.create([1, 2, 2]), 2, **knobs)
    assert [block.dropout.p for block in network.layers] == [0.1, 0.2]
