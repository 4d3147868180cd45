"""The report on imbalanced data tells what the figures say."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.imbalance.methods import CASES, METHODS, PLAIN, SEEDS, methods_of
from benchmarks.imbalance.page import COLUMNS, differences, page
from benchmarks.imbalance.peers import PEERS, peer_figures
from benchmarks.imbalance.runs import command
from lit_tricks.commandline.strict import check_command_line

CANCER = CASES[0]
COUNTS = {"malignant": 20, "benign": 180}


def rows(offsets: dict[str, float]) -> dict[str, list[dict[str, object]]]:
    noise = np.random.default_rng(0).normal(0, 0.01, (len(offsets) + 1, SEEDS))
    levels = {PLAIN: 0.0, **offsets}
    return {
        name: [
            {
                **dict.fromkeys(COLUMNS, 0.7 + offset + noise[place, seed]),
                "class_counts": {"malignant": 20, "benign": 180},
            }
            for seed in range(SEEDS)
        ]
        for place, (name, offset) in enumerate(levels.items())
    }


def test_differences_are_those_of_scipy_after_holms_correction() -> None:
    measured = rows({"SMOTE": 0.1, "focal loss": 0.0, "balanced batches": -0.1})
    found = differences(CANCER, measured)
    plain = np.array([each["balanced_acc"] for each in measured[PLAIN]])
    values = {name: np.array([each["balanced_acc"] for each in measured[name]]) - plain for name in found}
    raw = {name: stats.ttest_1samp(each, 0).pvalue for name, each in values.items()}
    for rank, name in enumerate(sorted(raw, key=raw.get)):
        low, high = stats.t.interval(0.95, SEEDS - 1, values[name].mean(), stats.sem(values[name]))
        told, seen, mean = found[name]
        assert f"{100 * mean:+.1f} ({100 * low:+.1f}, {100 * high:+.1f})" in told
        assert mean == pytest.approx(values[name].mean())
        assert seen == (raw[name] * (len(raw) - rank) < 0.05)
        assert ("no detectable effect" in told) != seen


def test_the_page_says_what_helped_what_lost_and_what_did_nothing() -> None:
    measured = rows({"SMOTE": 0.1, "focal loss": 0.0, "balanced batches": -0.1})
    text = page({"machine": "a machine", "cases": {"cancer": measured}}, CASES, {"cancer": [("title", "a.png")]})
    assert "best is SMOTE" in text
    assert "Helps: SMOTE. No detectable effect: focal loss. Hurts: balanced batches." in text
    assert "malignant 20, benign 180" in text
    assert "![title](a.png)" in text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_command_of_the_page_composes(case, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    for method in methods_of(case):
        check_command_line(command(case, method, 0, str(tmp_path), str(tmp_path)))


def test_a_method_for_two_classes_is_not_asked_of_ten() -> None:
    assert {method.name for method in METHODS} == {method.name for method in methods_of(CANCER)}
    assert "threshold of the best F1" not in {method.name for method in methods_of(CASES[1])}


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_learns_what_our_runs_learn_from(name: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    y = (np.arange(400) % 10 == 0).astype(int)
    x = generator.normal(0, 1, (400, 3)) + 3 * y[:, None]
    np.savetxt(tmp_path / "a.csv", np.column_stack([x, y]), delimiter=",", fmt=["%.5f"] * 3 + ["%d"])
    found = peer_figures(str(tmp_path / "a.csv"), name, 0)
    assert found["gmean"] > 0.9
    assert found["rare_ap"] > 0.8
    assert 0 < found["rare_precision"] <= 1
