import pytest

from lit_tricks.errors import UserError
from lit_tricks.optim import TrainingPlan


def test_steps_after_a_warm_up() -> None:
    assert TrainingPlan(total_steps=100, steps_per_epoch=10, max_epochs=10).steps_after(30) == 70


def test_a_run_without_end_or_within_its_warm_up_is_refused() -> None:
    with pytest.raises(UserError, match=r"try trainer\.max_epochs=20"):
        TrainingPlan(total_steps=None, steps_per_epoch=10, max_epochs=None).steps_after(0)
    with pytest.raises(UserError, match=r"less than the 100 steps of the run; received 150: .*warmup_steps=10"):
        TrainingPlan(total_steps=100, steps_per_epoch=10, max_epochs=10).steps_after(150)
