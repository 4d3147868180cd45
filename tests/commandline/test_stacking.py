"""Stacked experiments: what one sets, none after it undoes in silence."""

import pytest

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.stacking import check_stack
from lit_tricks.commandline.strict import check_command_line
from lit_tricks.errors import UserError

COMPOSER = Composer(str(conf_dir()))


@pytest.mark.parametrize(
    ("overlays", "given"),
    [
        ([], []),
        (["dropout", "dropout"], []),
        (["dropout", "batchnorm", "l1", "l2", "augmentation", "mixup"], []),
        (["batchnorm", "layernorm"], ["model.norm"]),
        (["batchnorm", "layernorm"], ["model"]),
        (["lecture/a9_keras_baseline", "wider", "dropout"], []),
    ],
)
def test_what_stacks(overlays: list[str], given: list[str]) -> None:
    check_stack(overlays, given, COMPOSER)


@pytest.mark.parametrize(
    ("overlays", "message"),
    [
        (
            ["batchnorm", "dropout", "layernorm"],
            "batchnorm and layernorm cannot both have model.norm; received batch and layer: "
            "leave one out, or choose by adding model.norm=batch",
        ),
        (["wider", "deeper"], r"model.hidden; received [512] and [128,128,128]"),
        (["wider", "lecture/a9_keras_baseline"], "put lecture/a9_keras_baseline first"),
        (["lecture/a9_keras_baseline", "batchnorm", "layernorm"], "batchnorm and layernorm cannot both"),
        (["wider", "lecture/c3_relu_against_tanh"], "put lecture/c3_relu_against_tanh first"),
    ],
)
def test_what_does_not(overlays: list[str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        check_stack(overlays, [], COMPOSER)
    assert message in str(raised.value)


def test_the_command_line_is_checked_in_every_job_of_a_sweep() -> None:
    check_command_line(["-m", "+experiment=[batchnorm],[layernorm]"])
    check_command_line(["+experiment=[batchnorm,layernorm]", "model.norm=layer"])
    with pytest.raises(UserError, match="cannot both have"):
        check_command_line(["-m", "+experiment=[batchnorm],[batchnorm,layernorm]"])
