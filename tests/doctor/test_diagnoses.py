from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

from lit_tricks.doctor import diagnose
from lit_tricks.metrics import evaluate_predictions

CONF = Path(__file__).resolve().parents[2] / "conf"
FALLING = [2.3, 2.1, 1.9, 1.8, 1.75, 1.7]
LEVEL = [2.3, 1.9, 1.72, 1.71, 1.71, 1.71]
LEARNT = [2.3, 0.9, 0.5, 0.3, 0.2, 0.1]


def recorded(
    predicted: dict[str, str], counts: dict[str, int], train_acc: float, support: int = 36, **facts: object
) -> dict:
    """Return the results of a network that takes every class in ``predicted`` for another, and knows the rest."""
    names = list(counts)
    targets = torch.arange(len(names)).repeat_interleave(support)
    answers = torch.tensor([names.index(predicted.get(name, name)) for name in names]).repeat_interleave(support)
    probabilities = torch.nn.functional.one_hot(answers, len(names)).float()
    found = evaluate_predictions(probabilities, targets, torch.ones(len(targets)), names)
    return {
        "status": "completed",
        "metrics": {"train/acc": train_acc, "test/acc": found.metrics["acc"]},
        "per_class": found.per_class,
        "confusion_matrix": found.confusion_matrix,
        "data": {"class_counts": counts},
        "words": {"model": "mlp", "sampler": "shuffle"},
        "epochs": 6,
        "steps": 240,
        "checkpoint": "checkpoints/last.ckpt",
        **facts,
    }


def history(train: list[float], val: list[float] | None = None) -> list[dict]:
    return [
        {"epoch": float(epoch), "train/loss": loss, "val/loss": (val or train)[epoch]}
        for epoch, loss in enumerate(train)
    ]


def only(results: dict, epochs: list[dict]) -> dict:
    """Return the one diagnosis, whose prescription must compose."""
    (diagnosis,) = diagnose(results, epochs)["diagnoses"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        compose("config", diagnosis["prescription"].split())
    return diagnosis


BALANCED = {str(digit): 130 for digit in range(10)}
SKEWED = {"common": 900, "usual": 600, "rare": 60}


def test_a_healthy_run_gets_nothing() -> None:
    assert diagnose(recorded({}, BALANCED, 0.99), history(LEARNT)) == {
        "diagnoses": [],
        "checks": ["majority_collapse", "underfitting", "overfitting"],
    }


def test_a_rare_class_taken_for_a_common_one_is_a_majority_collapse() -> None:
    diagnosis = only(recorded({"rare": "common"}, SKEWED, 0.96), history(LEARNT))
    assert (diagnosis["symptom"], diagnosis["severity"]) == ("majority_collapse", "critical")
    assert diagnosis["prescription"] == "sampler=balanced"
    assert "1 class almost never recognised, such as 'rare': test recall 0.000, 60 of 1,560" in diagnosis["evidence"]


def test_rarity_is_measured_against_what_is_answered_instead() -> None:
    counts = {"common": 9000, "little": 70, "rare": 60}
    assert diagnose(recorded({"rare": "little"}, counts, 0.99), history(LEARNT))["diagnoses"] == []
    at_half = {"common": 120, "rare": 60}
    assert diagnose(recorded({"rare": "common"}, at_half, 0.99), history(LEARNT))["diagnoses"] == []
    assert only(recorded({"rare": "common"}, {"common": 121, "rare": 60}, 0.99), history(LEARNT))


def test_a_batch_gets_a_place_for_every_class() -> None:
    counts = {f"c{k}": 200 for k in range(39)} | {"rare": 30}
    lost = {"rare": "c0"}
    assert only(recorded(lost, counts, 0.9), history(LEARNT))["prescription"] == "sampler=balanced batch_size=40"
    results = recorded(lost, counts, 0.9, overrides=["batch_size=64"])
    assert only(results, history(LEARNT))["prescription"] == "sampler=balanced"


def test_few_examples_prove_nothing() -> None:
    assert diagnose(recorded({"rare": "common"}, SKEWED, 0.9, support=19), history(LEARNT))["diagnoses"] == []


def test_lost_classes_of_balanced_data_are_underfitting() -> None:
    results = recorded({"1": "3", "2": "3", "7": "9"}, BALANCED, 0.48, overrides=["model.hidden=[3]"])
    diagnosis = only(results, history(LEVEL))
    assert (diagnosis["symptom"], diagnosis["severity"]) == ("underfitting", "warning")
    assert diagnosis["prescription"] == "model.hidden=[128]"
    said = "3 classes almost never recognised though not rare, such as '1'; 48.0% of the training split right"
    assert said in diagnosis["evidence"]


@pytest.mark.parametrize(
    ("facts", "losses", "prescription"),
    [
        ({}, FALLING, "trainer.max_epochs=20"),
        ({"epochs": 30}, FALLING, "trainer.max_epochs=60"),
        ({"ended": "max_steps"}, FALLING, "trainer.max_steps=480"),
        ({"ended": "early stopping"}, FALLING, "model.hidden=[512]"),
        ({}, [2.0], "trainer.max_epochs=20"),
        ({}, LEVEL, "model.hidden=[512]"),
        ({"overrides": ["model.hidden=[100,50]"]}, LEVEL, "model.hidden=[400]"),
        ({"overrides": ["model.hidden=[]"]}, LEVEL, "model.hidden=[128]"),
        ({"words": {"model": "cnn"}}, LEVEL, "model.hidden=[512]"),
        ({"words": {"model": "linear"}}, LEVEL, "model=mlp"),
        ({"words": {"model": "custom"}}, LEVEL, "trainer.max_epochs=20"),
        ({"overrides": ["optimizer.lr=1e-9"]}, [2.3] * 6, "optimizer=adam optimizer.lr=0.001"),
        ({"overrides": ["init=zeros"]}, [2.3] * 6, "init=default"),
        ({"overrides": []}, [2.3] * 6, "model.hidden=[512]"),
    ],
)
def test_the_prescription_fits_the_run(facts: dict, losses: list[float], prescription: str) -> None:
    diagnosis = only(recorded({"1": "3"}, BALANCED, 0.5, **facts), history(losses))
    assert (diagnosis["symptom"], diagnosis["prescription"]) == ("underfitting", prescription)


@pytest.mark.parametrize(
    ("train_acc", "losses", "facts"),
    [(0.9, LEVEL, {}), (0.5, [2.3, 1.2, 1.15, 1.15, 1.15, 1.15], {}), (0.5, LEVEL, {"status": "stopped"})],
)
def test_what_was_learnt_or_stopped_is_not_underfitting(train_acc: float, losses: list[float], facts: dict) -> None:
    assert diagnose(recorded({"1": "3"}, BALANCED, train_acc, **facts), history(losses))["diagnoses"] == []


def test_balanced_batches_are_not_prescribed_again() -> None:
    results = recorded({"rare": "common"}, SKEWED, 0.6, words={"model": "mlp", "sampler": "balanced"})
    assert only(results, history(LEVEL))["symptom"] == "underfitting"


@pytest.mark.parametrize("found", [["logit adjustment"], ["loss.class_weights=inverse"], ["sampler=weighted"]])
@pytest.mark.parametrize(
    ("balanced", "facts", "prescription"),
    [
        (0.6, {}, "trainer.max_epochs=20"),
        (0.6, {"ended": "max_steps"}, "trainer.max_steps=480"),
        (0.95, {}, "+experiment=early_stopping"),
    ],
)
def test_a_second_correction_is_not_prescribed(found: list, balanced: float, facts: dict, prescription: str) -> None:
    results = recorded({"rare": "common"}, SKEWED, 0.96, rebalances=found, **facts)
    results["metrics"]["train/balanced_acc"] = balanced
    diagnosis = only(results, history(LEARNT))
    assert (diagnosis["symptom"], diagnosis["prescription"]) == ("majority_collapse", prescription)
    assert found[0] in diagnosis["cause"]


def test_overfitting_names_the_epoch_as_the_terminal_counts() -> None:
    rising = [1.0, 0.8, 0.6, 0.65, 0.7, 0.8]
    diagnosis = only(recorded({}, BALANCED, 1.0), history(LEARNT, rising))
    assert diagnosis["symptom"] == "overfitting"
    assert "validation loss 0.8000 after 0.6000 at its best (epoch 3); " in diagnosis["evidence"]
    assert "training loss fell from 0.5000 to 0.1000" in diagnosis["evidence"]
    resumed = [{**row, "epoch": row["epoch"] + 10} for row in history(LEARNT, rising)]
    assert "(epoch 13)" in only(recorded({}, BALANCED, 1.0), resumed)["evidence"]


def test_overfitting_is_judged_by_the_loss_that_validation_has_too() -> None:
    rising = [1.0, 0.8, 0.6, 0.65, 0.7, 0.8]
    clean = [{**row, "train_clean/loss": loss} for row, loss in zip(history(LEVEL, rising), LEARNT, strict=True)]
    assert "training loss fell from 0.5000 to 0.1000" in only(recorded({}, BALANCED, 1.0), clean)["evidence"]
    clean = [{**row, "train_clean/loss": loss} for row, loss in zip(history(LEARNT, rising), rising, strict=True)]
    assert diagnose(recorded({}, BALANCED, 1.0), clean)["diagnoses"] == []


@pytest.mark.parametrize(
    ("val", "facts"),
    [
        ([1.0, 0.8, 0.6, 0.61, 0.7, 0.8], {}),
        ([1.0, 0.8, 0.7, 0.6, 0.7, 0.8], {}),
        ([1.0, 0.8, 0.6, 0.65, 0.7, 0.8], {"checkpoint": "checkpoints/best.ckpt"}),
    ],
)
def test_no_overfitting_while_it_may_pass_or_the_best_weights_were_kept(val: list[float], facts: dict) -> None:
    assert diagnose(recorded({}, BALANCED, 1.0, **facts), history(LEARNT, val))["diagnoses"] == []


def test_what_is_missing_is_not_judged() -> None:
    nothing = {"diagnoses": [], "checks": []}
    assert diagnose({}, []) == nothing
    results = recorded({"rare": "common"}, SKEWED, 0.5)
    assert diagnose({**results, "data": {}}, [])["checks"] == []
    assert diagnose({**results, "metrics": {}}, history([1.0]))["checks"] == ["majority_collapse"]
    assert diagnose(results, [{"epoch": 0.0, "train/loss": None}])["checks"] == ["majority_collapse", "underfitting"]


def test_a_class_without_test_examples_is_not_judged() -> None:
    results = recorded({}, SKEWED, 0.99)
    results["per_class"]["rare"] |= {"recall": None, "support": 0}
    results["confusion_matrix"] = np.diag([36, 36, 0]).tolist()
    assert diagnose(results, history(LEARNT))["diagnoses"] == []


@pytest.mark.parametrize(
    ("word", "prescription"),
    [
        ("svm", "model.class_weight=balanced"),
        ("svm_grid", "model.estimator.class_weight=balanced"),
        ("majority", "model=svm model.class_weight=balanced"),
        ("custom", "model=svm model.class_weight=balanced"),
    ],
)
def test_a_classical_classifier_weighs_its_classes_instead_of_balancing_batches(word: str, prescription: str) -> None:
    results = recorded({"rare": "common"}, SKEWED, 0.9, estimator="X", words={"model": word, "data": "digits"})
    (diagnosis,) = diagnose(results, [])["diagnoses"]
    assert diagnosis["prescription"] == prescription
    assert "network" not in diagnosis["cause"]
    assert diagnose({**results, "overrides": [prescription.split()[-1]]}, [])["diagnoses"] == []
