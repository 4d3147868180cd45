from typing import Any

import pytest

from lit_tricks.data import DigitsDataModule
from lit_tricks.errors import UserError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, r"batch_size must be a whole number of at least 1; received 0: try batch_size=32"),
        ({"batch_size": 2.5}, r"batch_size must be .* received 2\.5"),
        ({"seed": -1}, r"seed must be a whole number of at least 0; received -1: try seed=0"),
        ({"seed": 0.5}, r"seed must be .* received 0\.5"),
        ({"val_split": "random"}, r"data\.val_split must be one of stratified, first, test; received 'random'"),
        ({"test_size": 0}, r"data\.test_size must be greater than 0; received 0: try data\.test_size=0\.2"),
        ({"test_size": 0.0}, r"data\.test_size must be greater than 0; received 0\.0"),
        ({"folds": 1}, r"data\.folds must be at least 2; received 1"),
        ({"folds": 5, "fold": 5}, r"data\.fold must lie in 0\.\.4 for data\.folds=5; received 5"),
        ({"normalise": "zscore"}, r"data\.normalise must be one of minmax, standard, none; received 'zscore'"),
    ],
)
def test_options_out_of_range_are_refused_before_any_data_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DigitsDataModule(**options)
