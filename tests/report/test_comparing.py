"""Groups of runs against a baseline: what scipy says, what is paired with what, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from leaving_runs import leave
from scipy.stats import permutation_test, t, ttest_rel

from lit_tricks.errors import UserError
from lit_tricks.report import load_runs
from lit_tricks.report.answer import rows, sentence, texts
from lit_tricks.report.comparable import compare_runs
from lit_tricks.report.comparing import Comparison
from lit_tricks.report.comparison_files import comparison_json, comparison_latex, comparison_markdown, runs_csv
from lit_tricks.report.runs import find_runs

BASE = [0.900, 0.912, 0.905, 0.897, 0.908]
BETTER = [0.921, 0.929, 0.928, 0.915, 0.930]
SAME = [0.902, 0.909, 0.907, 0.894, 0.910]
WORSE = [0.800, 0.815, 0.801, 0.799, 0.811]


def sweep(folder: Path, **groups: list[float]) -> Path:
    for word, accuracies in groups.items():
        for seed, accuracy in enumerate(accuracies):
            dropout = {"model": {"dropout": float(word != "baseline")}}
            leave(folder / f"{word}{seed}", [f"+experiment=[{word}]", f"seed={seed}"], accuracy, config=dropout)
    return folder


def only(folder: Path, **asked: str) -> Comparison:
    (comparison,) = compare_runs(find_runs([folder]), **asked)
    return comparison


def test_figures_are_those_of_scipy(tmp_path: Path) -> None:
    comparison = only(sweep(tmp_path, baseline=BASE, dropout=BETTER, batchnorm=SAME))
    found = {group.label: group for group in comparison.groups}
    assert list(found) == ["baseline", "batchnorm", "dropout"]
    assert (found["dropout"].mean, found["dropout"].deviation) == pytest.approx(
        (np.mean(BETTER), np.std(BETTER, ddof=1))
    )
    p_values = {}
    for label, values in (("dropout", BETTER), ("batchnorm", SAME)):
        differences = np.subtract(values, BASE)
        effect = found[label].effect
        assert effect is not None
        reach = t.ppf(0.975, 4) * differences.std(ddof=1) / np.sqrt(5)
        assert effect.difference.mean == pytest.approx(differences.mean())
        assert (effect.difference.low, effect.difference.high) == pytest.approx(
            (differences.mean() - reach, differences.mean() + reach)
        )
        p_values[label] = ttest_rel(values, BASE).pvalue
        exact = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
        assert (effect.tests.p_t, effect.tests.p_exact) == pytest.approx((p_values[label], exact))
    # Holm by hand: the smaller of two is doubled
    assert found["dropout"].effect.p_holm == pytest.approx(2 * p_values["dropout"])
    assert found["batchnorm"].effect.p_holm == pytest.approx(max(2 * p_values["dropout"], p_values["batchnorm"]))
    assert [group.verdict for group in comparison.others] == ["no detectable effect", "helps"]


def test_the_sentence_names_what_helps_and_what_has_no_detectable_effect(tmp_path: Path) -> None:
    said = sentence(only(sweep(tmp_path, baseline=BASE, dropout=BETTER, batchnorm=SAME, swa=WORSE)))
    assert said.startswith("Against baseline with 90.44% test accuracy (5 runs; ")
    assert "dropout helps (+2.02 [" in said
    assert "batchnorm: no detectable effect (+0.00 [" in said
    assert "swa hurts (-9.92 [" in said


def test_many_groups_are_counted(tmp_path: Path) -> None:
    groups = {f"l{k}": list(np.add(SAME, k * 1e-4)) for k in range(4)}
    said = sentence(only(sweep(tmp_path, baseline=BASE, dropout=BETTER, swa=WORSE, **groups)))
    assert "1 of 6 groups helps, most of all dropout helps" in said
    assert "1 of 6 groups hurts, most of all swa hurts" in said
    assert said.endswith("no detectable effect of 4 groups")


def test_a_lower_loss_helps(tmp_path: Path) -> None:
    comparison = only(sweep(tmp_path, baseline=BASE, dropout=BETTER), metric="test/loss")
    assert [group.verdict for group in comparison.others] == ["helps"]
    assert "dropout helps (-0.0202 [" in sentence(comparison)


def test_identical_runs_differ_by_nothing(tmp_path: Path) -> None:
    comparison = only(sweep(tmp_path, baseline=BASE, dropout=BASE))
    (group,) = comparison.others
    assert group.verdict == "no detectable effect"
    assert "dropout: no detectable effect (+0.00 [+0.00, +0.00])" in sentence(comparison)
    assert (
        json.loads(comparison_json([comparison], []))["comparisons"][0]["groups"][1]["effect"]["tests"]["p_t"] is None
    )


def test_one_seed_is_no_test(tmp_path: Path) -> None:
    comparison = only(sweep(tmp_path, baseline=[0.9], dropout=[0.8]))
    assert [group.verdict for group in comparison.others] == ["one seed: no test"]
    assert sentence(comparison).startswith("One seed only, so no test: ")
    assert texts(comparison)[1][5:] == ["-10.00", "-", "-", "-", "-", "-", "-", "-"]


def test_runs_are_paired_by_seed_whatever_their_order(tmp_path: Path) -> None:
    leave(tmp_path / "0", ["+experiment=[baseline]", "seed=1"], 0.5)
    leave(tmp_path / "1", ["+experiment=[baseline]", "seed=0"], 0.9)
    leave(tmp_path / "2", ["+experiment=[dropout]", "seed=0"], 0.91)
    leave(tmp_path / "3", ["+experiment=[dropout]", "seed=1"], 0.53)
    leave(tmp_path / "4", ["+experiment=[dropout]", "seed=7"], 0.1)
    leave(tmp_path / "5", ["+experiment=[dropout]", "seed=1"], 0.2)
    comparison = only(tmp_path)
    (group,) = comparison.others
    assert group.effect.difference.mean == pytest.approx(0.02)
    assert group.effect.difference.pairs == 2
    assert any("do not share seed 7" in warning for warning in comparison.warnings)
    assert [(run.path.name, reason.split(":")[0]) for run, reason in comparison.left_out] == [
        ("5", f"the same as {tmp_path / '3'}")
    ]


def test_folds_are_pairs_too(tmp_path: Path) -> None:
    for number, (word, fold, accuracy) in enumerate([("a", 0, 0.5), ("a", 1, 0.9), ("b", 0, 0.6), ("b", 1, 0.93)]):
        leave(tmp_path / str(number), [f"+experiment=[{word}]", "data.folds=2", f"data.fold={fold}"], accuracy)
    (group,) = only(tmp_path).others
    assert group.effect.difference.pairs == 2
    assert group.effect.difference.mean == pytest.approx(0.065)


def test_failed_stopped_and_half_written_runs_are_listed_with_their_reason(tmp_path: Path) -> None:
    sweep(tmp_path, baseline=BASE, dropout=BETTER)
    given: dict[str, Any] = {"overrides": ["+experiment=[dropout]", "seed=9"], "config": {"model": {"dropout": 1.0}}}
    leave(tmp_path / "x0", accuracy=None, status="failed", reason="UserError: the loss is nan", **given)
    leave(tmp_path / "x1", accuracy=0.1, status="stopped", reason="by the user", **given)
    (leave(tmp_path / "x2", accuracy=0.5, **given) / "results.json").write_text('{"status": "compl')
    (leave(tmp_path / "x3", accuracy=0.5, **given) / "results.json").unlink()
    leave(tmp_path / "x4", accuracy=0.5, metrics={"val/acc": 0.5}, **given)
    leave(tmp_path / "x5", accuracy=0.5, metrics={"test/acc": None}, **given)
    comparison = only(tmp_path)
    reasons = {run.path.name: reason for run, reason in comparison.left_out}
    assert reasons == {
        "x0": "failed: UserError: the loss is nan",
        "x1": "stopped: by the user",
        "x2": "unreadable: results.json is absent or unreadable",
        "x3": "unreadable: results.json is absent or unreadable",
        "x4": "it has no test/acc",
        "x5": "its test/acc is no number",
    }
    table = load_runs(tmp_path).set_index("run")
    assert len(table) == 16
    assert table.loc["x1", ["status", "reason"]].tolist() == ["stopped", "by the user"]
    assert np.isnan(table.loc["x0", "test/acc"])
    assert table.loc["dropout3", "group"] == "dropout"


def test_a_trial_that_its_search_stopped_early_does_not_count(tmp_path: Path) -> None:
    leave(tmp_path / "0", ["optimizer.lr=0.1"], 0.9)
    leave(tmp_path / "1", ["optimizer.lr=9"], 0.1, ended="pruned")
    ((run, reason),) = only(tmp_path).left_out
    assert (run.path.name, reason) == ("1", "pruned: its search stopped it early")


def test_studies_have_nothing_to_compare(tmp_path: Path) -> None:
    leave(tmp_path / "0", ["study=descent"], None, metrics={"adam/loss": 0.1}, study="descent", data=None)
    assert compare_runs(find_runs([tmp_path])) == []


def test_one_group_alone_is_told_with_its_spread(tmp_path: Path) -> None:
    for seed, accuracy in enumerate(BASE):
        leave(tmp_path / str(seed), [f"seed={seed}"], accuracy)
    assert sentence(only(tmp_path)) == (
        "all runs has 90.44% test accuracy ± 0.60% (mean over 5 runs); there is no other group to compare with"
    )


def test_different_test_sets_are_compared_apart(tmp_path: Path) -> None:
    for data, size in (("digits", 100), ("moons", 100), ("moons", 50)):
        for word in ("baseline", "dropout"):
            for seed in range(2):
                place = tmp_path / f"{data}{size}{word}{seed}"
                overrides = [f"data={data}", f"data.test_size={size}", f"+experiment=[{word}]", f"seed={seed}"]
                leave(place, overrides, 0.9 + seed / 100, data=data, n_test=size)
    found = compare_runs(find_runs([tmp_path]))
    assert [comparison.data for comparison in found] == ["digits", "moons", "moons"]
    assert all([group.label for group in comparison.groups] == ["baseline", "dropout"] for comparison in found)


def test_mixed_versions_and_choices_on_the_test_set_are_warned_of(tmp_path: Path) -> None:
    leave(tmp_path / "0", ["+experiment=[a]"], 0.9, config={"data": {"train_size": 1, "val_split": "test"}})
    leave(tmp_path / "1", ["+experiment=[b]"], 0.9, versions={"torch": "2.12.0"})
    said = only(tmp_path).warnings
    assert any("data.val_split=test" in warning for warning in said)
    assert any("torch 2.13.0, 2.12.0" in warning for warning in said)
    assert not only(sweep(tmp_path / "clean", baseline=BASE, dropout=BETTER)).warnings


def test_one_command_line_with_two_configurations_is_two_groups(tmp_path: Path) -> None:
    for number, rate in enumerate((0.1, 0.1, 0.2)):
        leave(tmp_path / str(number), ["seed=0"], 0.9, config={"optimizer": {"lr": rate}, "threads": number})
    assert [run.label for run in find_runs([tmp_path])] == [
        "all runs, optimizer.lr=0.1",
        "all runs, optimizer.lr=0.1",
        "all runs, optimizer.lr=0.2",
    ]


def test_several_folders_and_single_runs_are_read_once_each(tmp_path: Path) -> None:
    sweep(tmp_path / "runs" / "first", baseline=BASE)
    sweep(tmp_path / "runs" / "second", dropout=BETTER)
    assert len(find_runs([tmp_path / "runs"])) == 10
    assert (
        len(find_runs([tmp_path / "runs" / "first", tmp_path / "runs", tmp_path / "runs" / "first" / "baseline0"]))
        == 10
    )


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds none"):
        find_runs([tmp_path])
    with pytest.raises(UserError, match="is no folder"):
        load_runs(tmp_path / "absent")


def test_the_baseline_may_be_named(tmp_path: Path) -> None:
    sweep(tmp_path, baseline=BASE, dropout=BETTER)
    assert only(tmp_path, baseline="dropout").others[0].verdict == "hurts"
    with pytest.raises(UserError, match="received 'dropuot': choose among 'baseline', 'dropout'"):
        only(tmp_path, baseline="dropuot")
    with pytest.raises(UserError, match="received 'test/accc': try one of test/acc, test/loss, val/acc"):
        only(tmp_path, metric="test/accc")


def test_every_format_holds_the_same_figures_and_data_stay_text(tmp_path: Path) -> None:
    sweep(tmp_path, baseline=BASE, dropout=BETTER)
    leave(tmp_path / "z", ["+experiment=[a_b|c&<i>]", "seed=0"], 0.9)
    runs = find_runs([tmp_path])
    found = compare_runs(runs)
    told = rows(found[0])[1]
    assert (told[0], told[1], told[3]) == ("dropout", "helps", ("92.46%", pytest.approx(0.9246)))
    markdown, latex = comparison_markdown(found), comparison_latex(found)
    assert "| dropout | helps | 5 | 92.46% |" in markdown
    assert r"a\_b\|c&\<i\>" in markdown
    assert r"dropout & helps & 5 & 92.46\% & " in latex
    assert r"a\_b|c\&<i> & one seed: no test & 1 & " in latex
    content = json.loads(comparison_json(found, runs))
    assert content["comparisons"][0]["groups"][1]["mean"] == pytest.approx(0.9246)
    assert content["runs"][0]["command"] == "python train.py '+experiment=[baseline]' seed=0"
    assert runs_csv(runs).splitlines()[1].startswith("baseline0,baseline,0,,completed,,digits,2,,1.5,0.9,")
