"""sampler=progressive is as long about it as the run, unless told otherwise."""

import pytest
from hydra import compose, initialize_config_dir

from lit_tricks.build import build_datamodule
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.errors import UserError
from lit_tricks.relative_values import carried_out


def epochs(*words: str) -> int:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["data=moons", "imbalance=two_class", "sampler=progressive", *words])
    datamodule, _, _ = build_datamodule(carried_out(cfg))
    return datamodule.train_dataloader().sampler.epochs


def test_it_follows_the_length_of_the_run() -> None:
    assert epochs("trainer.max_epochs=7") == 7
    assert epochs("trainer.max_epochs=7", "epoch_factor=3") == 21
    assert epochs("trainer.max_epochs=7", "sampler.epochs=5") == 5


@pytest.mark.parametrize("length", ["null", "-1"])
def test_a_run_without_end_has_no_length(length: str) -> None:
    with pytest.raises(UserError, match=r"leaves open: try sampler\.epochs=20"):
        epochs(f"trainer.max_epochs={length}")
    assert epochs(f"trainer.max_epochs={length}", "sampler.epochs=5") == 5
