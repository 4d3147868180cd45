"""A region that decides is found without being told where it is; clean data and noise are left in peace."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from scipy.stats import binomtest
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from torch.utils._python_dispatch import TorchDispatchMode

from lit_tricks.commandline.entry import main
from lit_tricks.data import MNISTDataModule
from lit_tricks.data.masking import regions_of
from lit_tricks.data.planted_cue import cue_field, with_planted_cue
from lit_tricks.data.source import Examples
from lit_tricks.doctor import diagnose, exchange_windows
from lit_tricks.doctor.intervention import _answers_to, _mean
from tests.doctor.test_diagnoses import BALANCED, CONF, recorded

PLENTY = 100_000


def trained(images, labels, model):
    """Return the answers of a scikit-learn classifier that knows ``images``, as a network gives them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(images.flatten(1).double().numpy(), labels.numpy())
    return lambda x: torch.from_numpy(model.predict(x.flatten(1).double().numpy()))


def digits(seed=0):
    bunch = load_digits()
    order = np.random.default_rng(seed).permutation(len(bunch.target))
    images = torch.from_numpy(bunch.images[order]).float()[:, None]
    # as MNIST: three times as large, with an empty margin
    images = torch.nn.functional.pad(images.repeat_interleave(3, 2).repeat_interleave(3, 3), (2, 2, 2, 2))
    return images, torch.from_numpy(bunch.target[order].astype(np.int64))


def halves(images, labels):
    return (images[:900], labels[:900]), (images[900:], labels[900:])


@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, 20), (11, 5), (24, 24), (15, 18)])
def test_a_patch_that_decides_alone_is_found_anywhere(top, left):
    generator = torch.Generator().manual_seed(top)
    images = torch.rand(800, 3, 28, 28, generator=generator)
    labels = torch.arange(800) % 4
    images[:, :, top : top + 4, left : left + 4] = labels[:, None, None, None] / 3

    def answer(x):
        return (x[:, :, top : top + 4, left : left + 4].mean((1, 2, 3)) * 3).round().long()

    seen = exchange_windows(answer, images, labels, PLENTY, 0)
    assert seen.found
    assert (seen.followed, seen.elsewhere, seen.acc) == (1.0, 0.0, 1.0)
    row, column, height, width = seen.region
    assert row <= top <= row + height - 4
    assert column <= left <= column + width - 4
    # the mean patch is one class's or between two
    assert 0.6 < seen.removed < 0.9
    assert seen.map[top, left] > seen.map[(top + 14) % 28, (left + 14) % 28] == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_a_network_that_learnt_a_planted_cue_is_caught(seed):
    images, labels = digits(seed)
    # digits are learnt so easily that a cue as dim as they are would hardly be used
    images = images / 4
    cued = with_planted_cue(Examples(images, labels), 1.0, 10, 16.0, seed, "train").x
    known, fresh = halves(cued, labels)
    model = MLPClassifier((50,), solver="sgd", learning_rate_init=0.1, alpha=1e-3, max_iter=25, random_state=seed)
    answer = trained(known[0] / 16, known[1], model)
    seen = exchange_windows(lambda x: answer(x / 16), *fresh, PLENTY, seed)
    top, left, side = cue_field((1, 28, 28), 10, seed)
    assert seen.found
    assert seen.region == (top, left, side, side)
    assert seen.acc > 0.95 > seen.acc_removed
    clean = (answer(images[900:] / 16) == labels[900:]).double().mean()
    assert clean < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_clean_digits_have_no_shortcut(seed):
    known, fresh = halves(*digits(seed))
    seen = exchange_windows(trained(*known, LogisticRegression(C=0.01)), *fresh, PLENTY, seed)
    assert seen.acc > 0.9
    assert not seen.found
    assert seen.followed_high < 0.25


@pytest.mark.parametrize("seed", range(3))
def test_pure_noise_at_ninety_to_ten_has_no_shortcut(seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(1800, 1, 28, 28, generator=generator)
    labels = (torch.rand(1800, generator=generator) < 0.1).long()
    known, fresh = halves(images, labels)
    answer = trained(*known, LogisticRegression(C=100.0))
    seen = exchange_windows(answer, *fresh, PLENTY, seed)
    assert (answer(known[0]) == known[1]).double().mean() > 0.99, "it knows the noise by heart"
    assert seen is not None
    assert not seen.found
    assert seen.followed < 0.15


def test_one_answer_to_everything_and_a_small_budget_are_not_judged():
    images, labels = torch.rand(500, 1, 28, 28), torch.arange(500) % 2
    assert exchange_windows(lambda x: torch.zeros(len(x), dtype=torch.int64), images, labels, PLENTY, 0) is None
    assert exchange_windows(lambda x: (x[:, 0, 0, 0] > 0.5).long(), images, labels, 500, 0) is None
    assert exchange_windows(lambda x: (x[:, 0, 0, 0] > 0.5).long(), images[:100], labels[:100], PLENTY, 0) is None


def test_the_budget_holds_and_the_interval_is_wilsons():
    answered = []

    def answer(x):
        answered.append(len(x))
        return (x[:, 0].sum((1, 2)) * 7).long() % 2

    seen = exchange_windows(answer, torch.rand(2000, 1, 20, 30), torch.arange(2000) % 2, 3000, 1)
    assert sum(answered) <= 3000
    interval = binomtest(round(seen.followed * seen.pairs), seen.pairs).proportion_ci(method="wilson")
    assert (seen.followed_low, seen.followed_high) == pytest.approx(tuple(interval), abs=1e-4)
    assert seen.share_of_image == pytest.approx(6 * 9 / 600)
    assert not math.isnan(seen.map.sum())


@pytest.fixture(scope="module")
def mnist(data_root):
    """Return a function from two digits to 4,000 images of them, in random order, and their labels 0 and 1."""

    def chosen(first, second):
        data = MNISTDataModule(data_root, classes=[first, second], val_size=4000)
        data.setup()
        order = np.random.default_rng(0).permutation(len(data.val))
        return data.val.take(order).x, data.val.take(order).y

    return chosen


class LargestCopy(TorchDispatchMode):
    """Notes how many bytes the largest tensor of floats has that any operation makes."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.is_floating_point():
            self.bytes = max(self.bytes, made.nbytes)
        return made


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_mean_image_is_exact_and_never_converts_all_images(dtype):
    images = (torch.rand(600, 3, 64, 64) * 255).to(dtype)
    with LargestCopy() as watch:
        mean = _mean(images)
    assert torch.equal(mean, images.double().mean(0, keepdim=True).to(dtype))
    assert watch.bytes < 600 * 3 * 64 * 64


def test_the_linear_discriminant_is_scikit_learns():
    generator = torch.Generator().manual_seed(0)
    answers = torch.randint(4, (400,), generator=generator)
    x = torch.randn(400, 12, generator=generator) + torch.randn(4, 12, generator=generator)[answers]
    expected = []
    for known, fresh in ((slice(200, None), slice(200)), (slice(200), slice(200, None))):
        model = LinearDiscriminantAnalysis(solver="lsqr").fit(x[known], answers[known])
        expected.append(torch.from_numpy(model.predict(x[fresh])))
    assert (_answers_to(x, answers) == torch.cat(expected)).double().mean() > 0.99


# an MLP tells 4 from 9 by the top, whether it is closed; two strokes decide, and nothing is planted
@pytest.mark.parametrize(("first", "second"), [(4, 9), (7, 9), (3, 8), (0, 1)])
def test_a_part_of_the_object_that_tips_many_answers_is_no_cue(first, second, mnist):
    images, labels = mnist(first, second)
    known, fresh = (images[:3000], labels[:3000]), (images[3000:], labels[3000:])
    model = MLPClassifier((32,), learning_rate_init=0.003, max_iter=8, random_state=0)
    answer = trained(known[0] / 255, known[1], model)
    seen = exchange_windows(lambda x: answer(x / 255), *fresh, PLENTY, 0)
    assert seen.followed_low > 0.2, "the region's share alone would be an alarm"
    assert not seen.found


@pytest.mark.parametrize("digits_kept", [(4, 9), (7, 9), (3, 8)])
def test_a_cue_planted_among_two_digits_is_found(digits_kept, mnist):
    images, labels = mnist(*digits_kept)
    cued = with_planted_cue(Examples(images, labels), 1.0, 2, 255.0, 0, "train").x
    model = MLPClassifier((32,), learning_rate_init=0.003, max_iter=20, random_state=0)
    answer = trained(cued[:3000] / 255, labels[:3000], model)
    seen = exchange_windows(lambda x: answer(x / 255), cued[3000:], labels[3000:], PLENTY, 0)
    assert seen.found


def test_the_search_can_be_switched_off(tmp_path):
    words = ["data=digits", "trainer.max_epochs=1", "logger=none", "pictures=false", "trainer=cpu"]
    for word, searched in (("true", True), ("false", False)):
        assert main([*words, f"shortcuts={word}", f"hydra.run.dir={tmp_path / word}"]) == 0
        results = json.loads((tmp_path / word / "results.json").read_text())
        assert (results["intervention"] is not None) == searched


SEEN = {
    "region": [0, 20, 8, 8],
    "share_of_image": 0.08,
    "followed": 0.6,
    "followed_low": 0.5,
    "elsewhere": 0.0,
    "found": True,
    "masked_region": None,
}


@pytest.mark.parametrize(("tested", "severity"), [(0.6, "critical"), (0.95, "warning")])
def test_the_finding_becomes_a_diagnosis_whose_prescription_masks_the_region(tested, severity):
    results = recorded({}, BALANCED, 0.99, intervention=SEEN)
    results["metrics"] |= {"val/acc": 0.99, "test/acc": tested}
    (diagnosis,) = diagnose(results, [])["diagnoses"]
    assert (diagnosis["symptom"], diagnosis["severity"]) == ("shortcut", severity)
    assert "rows 0 to 7, columns 20 to 27" in diagnosis["evidence"]
    assert ("60.0% on test images" in diagnosis["evidence"]) == (severity == "critical")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", ["data=mnist", diagnosis["prescription"]])
    assert config.data.masked_region == [0, 20, 8, 8]


def test_an_intervention_that_found_nothing_is_a_check_without_a_finding():
    judged = diagnose(recorded({}, BALANCED, 0.99, intervention={**SEEN, "found": False}), [])
    assert judged["diagnoses"] == []
    assert "shortcut" in judged["checks"]


@pytest.mark.parametrize(
    ("masked", "prescription"),
    [
        (None, "data.masked_region=[0,20,8,8]"),
        ([20, 0, 8, 8], "data.masked_region=[[20,0,8,8],[0,20,8,8]]"),
        ([[20, 0, 8, 8], [20, 20, 4, 4]], "data.masked_region=[[20,0,8,8],[20,20,4,4],[0,20,8,8]]"),
    ],
)
def test_a_second_region_is_prescribed_beside_those_that_are_masked(masked, prescription):
    (diagnosis,) = diagnose(recorded({}, BALANCED, 0.99, intervention={**SEEN, "masked_region": masked}), [])[
        "diagnoses"
    ]
    assert diagnosis["prescription"] == prescription
    with initialize_config_dir(str(CONF), version_base="1.3"):
        region = compose("config", ["data=mnist", prescription]).data.masked_region
    assert regions_of(OmegaConf.to_container(region))[-1] == (0, 20, 8, 8)


def test_data_without_the_knob_get_a_finding_without_a_prescription():
    seen = {name: value for name, value in SEEN.items() if name != "masked_region"}
    (diagnosis,) = diagnose(recorded({}, BALANCED, 0.99, intervention=seen), [])["diagnoses"]
    assert diagnosis["prescription"] == ""


@pytest.mark.parametrize(
    ("tested", "balanced", "severity"),
    [(0.8, 0.8, "critical"), (0.8, 0.95, None), (0.95, 0.8, None), (0.8, None, "critical")],
)
def test_many_answers_that_follow_are_enough_only_where_test_images_are_failed(tested, balanced, severity):
    results = recorded({}, BALANCED, 0.99, intervention={**SEEN, "found": False})
    results["metrics"] |= {"val/acc": 0.97, "test/acc": tested}
    if balanced is not None:
        results["metrics"] |= {"val/balanced_acc": 0.97, "test/balanced_acc": balanced}
    found = [one["severity"] for one in diagnose(results, [])["diagnoses"] if one["symptom"] == "shortcut"]
    assert found == ([] if severity is None else [severity])
