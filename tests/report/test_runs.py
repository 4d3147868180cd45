import json
import math

import numpy as np

from lit_tricks.report.joint_curves import final_metric, group_colours, joint_curves
from lit_tricks.report.runs import grouped, load_sweep


def leave_run(folder, number, overrides, accuracies, status="completed"):
    place = folder / str(number)
    place.mkdir(parents=True)
    seed = next((int(item.split("=")[1]) for item in overrides if item.startswith("seed=")), 0)
    metrics = {"test/acc": accuracies[-1], "val/acc": accuracies[-1]} if status == "completed" else {}
    results = {"status": status, "overrides": overrides, "seed": seed, "metrics": metrics}
    (place / "results.json").write_text(json.dumps(results))
    lines = ["epoch,train/loss,train/acc,val/loss,val/acc"]
    lines += [f"{epoch},{1 - value},{value},{1 - value},{value}" for epoch, value in enumerate(accuracies)]
    (place / "metrics.csv").write_text("\n".join(lines) + "\n")


def sweep(folder):
    for number, (word, seed, end) in enumerate([("[]", 0, 0.8), ("[]", 1, 0.9), ("[dropout,l2]", 0, 0.7)]):
        leave_run(folder, number, [f"+experiment={word}", f"seed={seed}", "batch_size=10"], [0.5, end])
    leave_run(folder, 10, ["+experiment=[]", "seed=2", "batch_size=10"], [0.5], status="failed")
    return load_sweep(folder)


def test_runs_come_in_the_order_of_the_jobs_and_are_labelled_by_what_differs(tmp_path):
    runs = sweep(tmp_path)
    assert [run.path.name for run in runs] == ["0", "1", "2", "10"]
    assert [run.label for run in runs] == ["baseline", "baseline", "dropout+l2", "baseline"]
    assert {label: len(group) for label, group in grouped(runs).items()} == {"baseline": 3, "dropout+l2": 1}


def test_knobs_are_labels_too(tmp_path):
    for number, rate in enumerate(("0.1", "0.01")):
        leave_run(tmp_path, number, [f"optimizer.lr={rate}", "seed=3"], [0.5])
    assert [run.label for run in load_sweep(tmp_path)] == ["optimizer.lr=0.1", "optimizer.lr=0.01"]


def test_seeds_alone_make_one_group(tmp_path):
    for seed in range(3):
        leave_run(tmp_path, seed, [f"seed={seed}"], [0.5])
    assert set(grouped(load_sweep(tmp_path))) == {"all runs"}


def test_curves_are_means_with_the_range_over_seeds(tmp_path):
    figure = joint_curves(grouped(sweep(tmp_path)))
    accuracy = next(axes for axes in figure.axes if axes.get_title("left") == "Validation accuracy")
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [0.5, 0.85])
    low, high = accuracy.collections[0].get_datalim(accuracy.transData).intervaly
    assert math.isclose(low, 0.5)
    assert math.isclose(high, 0.9)
    told = " ".join(figure.get_suptitle().split())
    assert "baseline with 85.0%" in told
    assert "dropout+l2 with 70.0%" in told


def test_failed_runs_count_for_no_final_metric(tmp_path):
    assert final_metric(grouped(sweep(tmp_path)), "test/acc") == {"baseline": [0.8, 0.9], "dropout+l2": [0.7]}


def test_every_group_has_a_colour_of_its_own():
    for count in (1, 7, 30):
        assert (
            len({tuple(np.atleast_1d(colour)) for colour in group_colours(list(map(str, range(count)))).values()})
            == count
        )


def test_runs_that_differ_in_their_seed_alone_are_drawn_one_by_one_as_well(tmp_path):
    for seed, end in enumerate((0.6, 0.9, 0.75)):
        leave_run(tmp_path, seed, [f"seed={seed}"], [0.5, end])
    figure = joint_curves(grouped(load_sweep(tmp_path)))
    accuracy = next(axes for axes in figure.axes if axes.get_title("left") == "Validation accuracy")
    drawn = [list(line.get_ydata()) for line in accuracy.lines]
    np.testing.assert_allclose(drawn, [[0.5, 0.75], [0.5, 0.6], [0.5, 0.9], [0.5, 0.75]])
