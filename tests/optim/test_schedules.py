import io
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.optim import SGD, Adagrad, Adam, Optimizer
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from lit_tricks.errors import UserError
from lit_tricks.optim import (
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    InverseTime,
    OneCycle,
    Plateau,
    Schedule,
    StepDecay,
    TrainingPlan,
    WarmRestarts,
)

CONF = Path(__file__).resolve().parents[2] / "conf" / "scheduler"
PLAN = TrainingPlan(total_steps=40, steps_per_epoch=10, max_epochs=4)
ENDLESS = TrainingPlan(total_steps=None, steps_per_epoch=10, max_epochs=None)
SCHEDULES: list[Schedule] = [
    Exponential(decay_rate=0.9, decay_steps=3),
    StepDecay(gamma=0.5, step_epochs=1),
    InverseTime(),
    Cyclic(half_cycle=6),
    Cosine(min_lr=0.001),
    WarmRestarts(first_period=5),
    OneCycle(),
    Plateau(factor=0.5, patience=0),
]
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)


def two_groups(lr: float = 0.1, momentum: float = 0.9) -> Optimizer:
    """Return an optimizer with one group at ``lr`` and one at a tenth of it."""
    first, second = (torch.zeros(1, requires_grad=True) for _ in range(2))
    return SGD([{"params": [first]}, {"params": [second], "lr": lr / 10}], lr=lr, momentum=momentum)


def advance(optimizer: Optimizer, config: dict[str, Any] | None, steps: range) -> list[list[float]]:
    """Return each step's rates per group while stepping as Lightning does; the monitored metric never improves."""
    rates = []
    for step in steps:
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        if config is None:
            continue
        epoch_ends = (step + 1) % PLAN.steps_per_epoch == 0
        if config["monitor"] and epoch_ends:
            config["scheduler"].step(1.0)
        elif not config["monitor"] and (config["interval"] == "step" or epoch_ends):
            config["scheduler"].step()
    return rates


def first_group(schedule: Schedule, steps: int = 40, **knobs: float) -> list[float]:
    optimizer = two_groups(**knobs)
    return [rates[0] for rates in advance(optimizer, schedule(optimizer, PLAN), range(steps))]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), lambda s: 0.1),
        (Exponential(decay_rate=0.5), lambda s: 0.1 * 0.5 ** (s / 10)),
        (Exponential(decay_rate=0.5, decay_steps=4, staircase=True), lambda s: 0.1 * 0.5 ** (s // 4)),
        (StepDecay(gamma=0.5, step_epochs=2), lambda s: 0.1 * 0.5 ** (s // 20)),
        (InverseTime(decay_rate=2.0), lambda s: 0.1 / (1 + 2 * s / 10)),
        (InverseTime(decay_rate=2.0, decay_steps=4, staircase=True), lambda s: 0.1 / (1 + 2 * (s // 4))),
        (Cyclic(min_lr=1e-4, max_lr=0.3, half_cycle=20), lambda s: 1e-4 + (0.3 - 1e-4) * (1 - abs(s / 20 - 1))),
        (Cyclic(), lambda s: 0.025 + 0.075 * (1 - abs(s / 20 - 1))),
        (Cosine(min_lr=0.01), lambda s: 0.01 + 0.045 * (1 + math.cos(math.pi * s / 40))),
        (WarmRestarts(t_mult=1), lambda s: 0.05 * (1 + math.cos(math.pi * (s % 10) / 10))),
    ],
)
def test_rates_follow_the_published_formula(schedule, expected) -> None:
    assert first_group(schedule) == pytest.approx([expected(step) for step in range(40)])


def test_constant_without_warm_up_is_no_scheduler() -> None:
    assert Constant()(two_groups(), PLAN) is None


@pytest.mark.parametrize("schedule", [Exponential(), InverseTime(), Cosine(), WarmRestarts(), Cyclic(), OneCycle()])
def test_smooth_schedules_change_at_each_step(schedule) -> None:
    assert schedule(two_groups(), PLAN)["interval"] == "step"


@pytest.mark.parametrize(("schedule", "monitor"), [(StepDecay(), None), (Plateau(), "val/loss")])
def test_schedules_told_in_epochs_change_at_their_end(schedule, monitor) -> None:
    config = schedule(two_groups(), PLAN)
    assert (config["interval"], config["monitor"]) == ("epoch", monitor)


@every_schedule
def test_groups_keep_their_ratio(schedule) -> None:
    optimizer = two_groups()
    for rates in advance(optimizer, schedule(optimizer, PLAN), range(40)):
        assert rates[1] == pytest.approx(rates[0] / 10, rel=1e-9)


@every_schedule
def test_warm_up_precedes_the_schedule(schedule) -> None:
    warmed = type(schedule)(**{**vars(schedule), "warmup_steps": 4})
    cold = type(schedule)(**vars(schedule))
    rates = first_group(warmed)
    if isinstance(schedule, (Cosine, OneCycle)):
        optimizer = two_groups()
        shorter = TrainingPlan(total_steps=36, steps_per_epoch=10, max_epochs=None)
        plain = [r[0] for r in advance(optimizer, cold(optimizer, shorter), range(36))]
    elif isinstance(schedule, StepDecay):
        plain = [0.1 * 0.5 ** (step // 10) for step in range(36)]
    elif isinstance(schedule, Plateau):
        # the first epoch, judged at step 10, sets the best; each later one is worse
        plain = [0.1 * 0.5 ** max(0, (step + 4) // 10 - 1) for step in range(36)]
    else:
        plain = first_group(cold, 36)
    assert rates[:4] == pytest.approx([plain[0] * (step + 1) / 4 for step in range(4)])
    assert rates[4:] == pytest.approx(plain)


def test_a_plateau_does_not_judge_epochs_within_the_warm_up() -> None:
    rates = first_group(Plateau(factor=0.5, patience=0, warmup_steps=15), 40)
    assert rates[:15] == pytest.approx([0.1 * (step + 1) / 15 for step in range(15)])
    assert rates[15:] == pytest.approx([0.1] * 15 + [0.05] * 10)


def test_constant_warms_up_alone() -> None:
    assert first_group(Constant(warmup_steps=5), 8) == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1, 0.1, 0.1])


@every_schedule
@pytest.mark.parametrize("stop", [3, 17, 20])
@pytest.mark.parametrize("warmup_steps", [0, 12])
def test_a_resumed_schedule_continues_the_same_rates(schedule, stop, warmup_steps) -> None:
    schedule = type(schedule)(**{**vars(schedule), "warmup_steps": warmup_steps})
    whole = two_groups()
    expected = advance(whole, schedule(whole, PLAN), range(40))

    before = two_groups()
    config = schedule(before, PLAN)
    advance(before, config, range(stop))
    file = io.BytesIO()
    torch.save({"optimizer": before.state_dict(), "scheduler": config["scheduler"].state_dict()}, file)
    saved = torch.load(io.BytesIO(file.getvalue()), weights_only=True)

    after = two_groups()
    config = schedule(after, PLAN)
    after.load_state_dict(saved["optimizer"])
    config["scheduler"].load_state_dict(saved["scheduler"])
    assert advance(after, config, range(stop, 40)) == expected[stop:]
    assert after.param_groups[0]["momentum"] == whole.param_groups[0]["momentum"]


@pytest.mark.parametrize("schedule", [Cosine(), OneCycle()])
def test_a_resumed_run_made_longer_cools_down_at_its_new_end(schedule) -> None:
    optimizer = two_groups()
    config = schedule(optimizer, PLAN)
    advance(optimizer, config, range(30))
    saved = optimizer.state_dict(), config["scheduler"].state_dict()

    longer = TrainingPlan(total_steps=60, steps_per_epoch=10, max_epochs=6)
    expected = two_groups()
    expected_rates = advance(expected, schedule(expected, longer), range(60))
    resumed = two_groups()
    config = schedule(resumed, longer)
    resumed.load_state_dict(saved[0])
    config["scheduler"].load_state_dict(saved[1])
    assert advance(resumed, config, range(30, 60))[1:] == expected_rates[31:]


@pytest.mark.parametrize("schedule", [Cosine(), OneCycle()])
def test_a_schedule_over_the_run_needs_its_end(schedule) -> None:
    with pytest.raises(UserError, match=r"where the run ends; .* try trainer\.max_epochs=20"):
        schedule(two_groups(), ENDLESS)
    with pytest.raises(UserError, match="warmup_steps must be less than the 40 steps of the run; received 40"):
        type(schedule)(warmup_steps=40)(two_groups(), PLAN)


@pytest.mark.parametrize("schedule", [Constant(), Exponential(), StepDecay(), InverseTime(), Cyclic(), WarmRestarts()])
def test_other_schedules_run_without_end(schedule) -> None:
    optimizer = two_groups()
    advance(optimizer, schedule(optimizer, ENDLESS), range(3))


@pytest.mark.parametrize("optimizer_type", [SGD, Adam])
def test_one_cycle_is_torchs_with_fastais_divisors(optimizer_type) -> None:
    knobs = {"momentum": 0.9} if optimizer_type is SGD else {}

    def rates_and_momenta(attach) -> list[tuple[float, float]]:
        optimizer = optimizer_type([torch.zeros(1, requires_grad=True)], lr=0.1, **knobs)
        scheduler = attach(optimizer)
        seen = []
        for _ in range(40):
            group = optimizer.param_groups[0]
            seen.append((group["lr"], group["momentum"] if "momentum" in group else group["betas"][0]))
            optimizer.step()
            scheduler.step()
        return seen

    ours = rates_and_momenta(lambda optimizer: OneCycle(max_lr=0.2)(optimizer, PLAN)["scheduler"])
    torchs = rates_and_momenta(
        lambda optimizer: OneCycleLR(
            optimizer, 0.2, 40, pct_start=0.25, div_factor=25, final_div_factor=4000, base_momentum=0.85
        )
    )
    assert torch.tensor(ours).allclose(torch.tensor(torchs))
    assert ours[0] == pytest.approx((0.2 / 25, 0.95))
    assert ours[9] == pytest.approx((0.2, 0.85))
    assert ours[39] == pytest.approx((0.2 / 1e5, 0.95))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_cycle_gives_no_momentum_to_an_optimizer_without(momentum) -> None:
    optimizer = two_groups(momentum=momentum)
    advance(optimizer, OneCycle()(optimizer, PLAN), range(9))
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.85 if momentum else 0.0)
    adagrad = Adagrad([torch.zeros(1, requires_grad=True)], lr=0.1)
    assert OneCycle()(adagrad, PLAN)["scheduler"].cycle_momentum is False
    assert OneCycle(cycle_momentum=False)(two_groups(), PLAN)["scheduler"].cycle_momentum is False


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("pct_start", [0, 0.25, 1])
def test_one_cycle_survives_the_shortest_runs_and_overruns(steps, pct_start) -> None:
    optimizer = two_groups()
    config = OneCycle(pct_start=pct_start)(optimizer, TrainingPlan(steps, steps, 1))
    rates = [rate[0] for rate in advance(optimizer, config, range(steps + 5))]
    assert all(0 < rate <= 0.1 for rate in rates)
    assert rates[steps:] == [rates[steps - 1]] * 5


def test_plateau_is_torchs() -> None:
    losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]

    def rates(attach) -> list[float]:
        optimizer = two_groups()
        scheduler = attach(optimizer)
        seen = []
        for loss in losses:
            scheduler.step(loss)
            seen.append(optimizer.param_groups[0]["lr"])
        return seen

    ours = rates(lambda o: Plateau(factor=0.3, patience=1, cooldown=1, min_lr=0.004)(o, PLAN)["scheduler"])
    torchs = rates(lambda o: ReduceLROnPlateau(o, factor=0.3, patience=1, cooldown=1, min_lr=0.004))
    assert ours == torchs
    assert len(set(ours)) == 4


def test_each_group_has_its_own_plateau_floor() -> None:
    optimizer = two_groups()
    config = Plateau(patience=0, min_lr=0.01)(optimizer, PLAN)
    for _ in range(4):
        config["scheduler"].step(1.0)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.01, 0.001])


def test_plateau_may_wait_for_a_rising_metric() -> None:
    optimizer = two_groups()
    scheduler = Plateau(mode="max", monitor="val/acc", patience=0)(optimizer, PLAN)["scheduler"]
    for accuracy in (0.1, 0.2, 0.3):
        scheduler.step(accuracy)
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    ("kind", "knobs", "message"),
    [
        (Constant, {"warmup_steps": -1}, r"warmup_steps must be a whole number in \[0, inf\); received -1"),
        (Cosine, {"warmup_steps": 2.5}, r"warmup_steps must be a whole number in \[0, inf\); received 2\.5"),
        (Exponential, {"decay_rate": 1.1}, r"decay_rate must be a number in \(0, 1\]; received 1\.1"),
        (Exponential, {"decay_steps": 0}, r"decay_steps must be a whole number in \[1, inf\); received 0"),
        (InverseTime, {"decay_rate": -0.5}, r"decay_rate must be a number in \[0, inf\); received -0\.5"),
        (InverseTime, {"decay_steps": 0}, r"decay_steps must be a whole number in \[1, inf\)"),
        (StepDecay, {"gamma": 0.0}, r"gamma must be a number in \(0, 1\]; received 0\.0"),
        (StepDecay, {"step_epochs": True}, r"step_epochs must be a whole number in \[1, inf\); received True"),
        (Cyclic, {"min_lr": -1}, r"min_lr must be a number in \[0, inf\)"),
        (Cyclic, {"max_lr": 0}, r"max_lr must be a number in \(0, inf\)"),
        (Cyclic, {"half_cycle": 0}, r"half_cycle must be a whole number in \[1, inf\)"),
        (Cosine, {"min_lr": float("nan")}, r"min_lr must be a number in \[0, inf\); received nan"),
        (WarmRestarts, {"first_period": 0}, r"first_period must be a whole number in \[1, inf\)"),
        (WarmRestarts, {"t_mult": 0.5}, r"t_mult must be a number in \[1, inf\)"),
        (WarmRestarts, {"m_mul": 0}, r"m_mul must be a number in \(0, 1\]"),
        (WarmRestarts, {"min_lr": "low"}, r"min_lr must be a number in \[0, inf\); received 'low'"),
        (OneCycle, {"max_lr": -0.1}, r"max_lr must be a number in \(0, inf\)"),
        (OneCycle, {"pct_start": 1.5}, r"pct_start must be a number in \[0, 1\]"),
        (OneCycle, {"div": 0.5}, r"div must be a number in \[1, inf\)"),
        (OneCycle, {"final_div": 0}, r"final_div must be a number in \[1, inf\)"),
        (OneCycle, {"base_momentum": 1.0}, r"base_momentum must be a number in \[0, 1\)"),
        (OneCycle, {"max_momentum": -0.1}, r"max_momentum must be a number in \[0, 1\)"),
        (Plateau, {"factor": 1.0}, r"factor must be a number in \(0, 1\); received 1\.0: try scheduler\.factor=0\.1"),
        (Plateau, {"patience": -1}, r"patience must be a whole number in \[0, inf\)"),
        (Plateau, {"threshold": -1}, r"threshold must be a number in \[0, inf\)"),
        (Plateau, {"cooldown": 0.5}, r"cooldown must be a whole number in \[0, inf\)"),
        (Plateau, {"min_lr": -1}, r"min_lr must be a number in \[0, inf\)"),
        (Plateau, {"mode": "least"}, "mode must be min or max; received least"),
    ],
)
def test_knobs_out_of_range_are_refused_at_construction(kind, knobs, message) -> None:
    with pytest.raises(UserError, match=rf"scheduler\.{message}"):
        kind(**knobs)


@pytest.mark.parametrize(
    "schedule", [Cosine(min_lr=0.2), WarmRestarts(min_lr=0.2), Cyclic(min_lr=0.2), Plateau(min_lr=0.2)]
)
def test_a_floor_above_the_rate_is_refused(schedule) -> None:
    with pytest.raises(UserError, match=r"min_lr must be at most the highest rate 0\.1; received 0\.2"):
        schedule(two_groups(), PLAN)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("none", Constant),
        ("exponential", Exponential),
        ("step", StepDecay),
        ("inverse_time", InverseTime),
        ("cyclic", Cyclic),
        ("cosine", Cosine),
        ("warm_restarts", WarmRestarts),
        ("one_cycle", OneCycle),
        ("plateau", Plateau),
    ],
)
def test_yaml_lists_every_knob_with_the_default(word, kind) -> None:
    config = OmegaConf.load(CONF / f"{word}.yaml")
    assert instantiate(config) == kind()
    assert set(config) - {"_target_"} == set(vars(kind()))
