"""Classes are thinned to what is asked for, in training alone unless all splits are meant, before any statistics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from lit_tricks.commandline.entry import main
from lit_tricks.data import BreastCancerDataModule, DigitsDataModule, MoonsDataModule
from lit_tricks.data.class_sizes import ClassCounts, LongTail, Step, TwoClassShare
from lit_tricks.data.datamodule import ArrayDataModule
from lit_tricks.data.imbalance import Imbalance, Splits
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.errors import UserError

# the training split of CIFAR-10-LT at factor 100, as Cui et al. and Cao et al. publish it
CIFAR_LT = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
NAMES = tuple("0123456789")


def ready(imbalance: Imbalance | None, **options: object) -> ArrayDataModule:
    module = DigitsDataModule(imbalance=imbalance, **options)  # type: ignore[arg-type]
    module.setup()
    return module


def counts(labels: torch.Tensor, classes: int = 10) -> list[int]:
    return torch.bincount(labels, minlength=classes).tolist()


def test_a_long_tail_has_the_published_class_sizes() -> None:
    assert LongTail(100).training_counts(np.full(10, 5000), NAMES).tolist() == CIFAR_LT
    turned = LongTail(100, order=list(range(9, -1, -1)))
    assert turned.training_counts(np.full(10, 5000), NAMES).tolist() == CIFAR_LT[::-1]


def test_the_largest_set_with_the_frequencies_is_kept() -> None:
    # class 1 limits: 30 of it leave 300 of class 0
    assert LongTail(10).training_counts(np.array([5000, 30]), NAMES).tolist() == [300, 30]
    assert Step(10, 0.2).training_counts(np.array([90, 100, 100, 100, 100]), NAMES).tolist() == [90, 90, 90, 90, 9]
    assert TwoClassShare(0.1, rare=0).training_counts(np.array([500, 900]), NAMES).tolist() == [100, 900]


@pytest.mark.parametrize("imbalance", [LongTail(20), Step(8), ClassCounts(range(100, 0, -10))])
def test_training_alone_is_thinned_and_the_facts_say_so(imbalance: Imbalance) -> None:
    module, natural = ready(imbalance), ready(None)
    wanted = imbalance.training_counts(np.array(natural.spec.class_counts), NAMES).tolist()
    assert counts(module.train.y) == wanted == list(module.spec.class_counts)
    assert module.spec.n_train == len(module.train) == sum(wanted)
    for split in ("val", "test"):
        assert torch.equal(getattr(module, split).x, getattr(natural, split).x)
    rows = {tuple(image) for image in natural.train.x.flatten(1).tolist()}
    assert all(tuple(image) in rows for image in module.train.x.flatten(1).tolist())


def test_all_splits_get_the_frequencies_of_training() -> None:
    module, natural = ready(LongTail(10, splits="all"), val_size=0.2), ready(None, val_size=0.2)
    for split in ("train", "val", "test"):
        available = counts(getattr(natural, split).y)
        found = counts(getattr(module, split).y)
        assert all(abs(count - found[0] * 10 ** (-rank / 9)) <= 1 for rank, count in enumerate(found))
        assert all(few <= many for few, many in zip(found, available, strict=True))


class Official(Source):
    """Two classes with a test split of their own."""

    name, kind = "official", "table"

    def load(self) -> Loaded:
        """Return x equal to the row's number."""
        x = torch.arange(400.0)[:, None]
        return Loaded(Examples(x, torch.arange(400) % 2), Examples(x.clone(), torch.arange(400) % 2), ("a", "b"))


def test_an_official_test_split_is_thinned_alike_for_every_seed() -> None:
    tests = []
    for seed in (0, 1):
        module = ArrayDataModule(Official(), seed=seed, imbalance=TwoClassShare(0.1, splits="all"))
        module.setup()
        assert counts(module.test.y, 2) == [200, 22]
        tests.append(module.test.x)
        # val_split=test watches that same split
    watched = ArrayDataModule(Official(), val_split="test", imbalance=TwoClassShare(0.1, splits="all"))
    watched.setup()
    assert torch.equal(tests[0], tests[1])
    assert torch.equal(watched.val.x, tests[0])
    assert counts(watched.train.y, 2) == [200, 22]


def test_statistics_are_of_what_is_left() -> None:
    module = ready(LongTail(50), normalise="standard")
    mean = module.train.x.double().mean()
    shifted = module.normaliser(module.train.x)
    assert abs(float(shifted.double().mean())) < 1e-5
    assert abs(float(mean - ready(None).train.x.double().mean())) > 1e-3


def test_the_draw_depends_on_the_seed_alone() -> None:
    first, again, other = (ready(LongTail(20), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.train.x, again.train.x)
    assert not torch.equal(first.train.x, other.train.x)


@pytest.mark.parametrize(
    ("imbalance", "available", "message"),
    [
        (TwoClassShare(), [9, 9, 9], r"two_class needs two classes; the data has 3: try data\.classes=\[0,1\]"),
        (LongTail(100), [60, 60], "class '1' would keep none of 60 beside 60"),
        (Step(2, order=[0, 0, 1]), [9, 9, 9], r"order must name each of the classes 0\.\.2 once"),
        (
            ClassCounts([5]),
            [9, 9],
            r"one number per class; received 1 for 2 classes: try imbalance\.counts=\[100,100\]",
        ),
        (ClassCounts([5, 10]), [9, 9], "may only thin a class; received 10 for class '1', which has 9"),
    ],
)
def test_what_does_not_fit_the_data_is_refused(imbalance: Imbalance, available: Sequence[int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        imbalance.training_counts(np.array(available), NAMES)


@pytest.mark.parametrize("splits", ["train", "all"])
def test_the_smaller_of_two_classes_becomes_the_rare_one(splits: Splits) -> None:
    module = BreastCancerDataModule(malignant_share=None, val_size=0.2, imbalance=TwoClassShare(0.1, splits=splits))
    module.setup()
    natural = BreastCancerDataModule(malignant_share=None, val_size=0.2)
    natural.setup()
    malignant, benign = counts(module.train.y, 2)
    assert benign == natural.spec.class_counts[1]
    assert malignant == benign // 9
    for split in ("val", "test"):
        rare, often = counts(getattr(module, split).y, 2)
        assert rare == (often // 9 if splits == "all" else counts(getattr(natural, split).y, 2)[0])
    moons = MoonsDataModule(imbalance=TwoClassShare(0.1))
    moons.setup()
    assert moons.spec.class_counts[0] == 9 * moons.spec.class_counts[1], "of equally many it is class 1"


def test_a_class_is_not_thinned_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "data.malignant_share=0.1 has done so before imbalance could: try data.malignant_share=null"
    arguments = ["data=breast_cancer", "imbalance=two_class", "logger=none", f"hydra.run.dir={tmp_path / 'run'}"]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    with pytest.raises(UserError, match=said):
        BreastCancerDataModule(imbalance=LongTail(3)).setup()


def test_a_class_without_examples_is_refused() -> None:
    with pytest.raises(UserError, match="class 'b' has none in the val split"):
        TwoClassShare().thinned(np.zeros(5, dtype=np.int64), ("a", "b"), 0, "val")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TwoClassShare(splits="test"), "must be train or all; received 'test'"),  # type: ignore[arg-type]
        (lambda: TwoClassShare(1.0), r"share must lie in \(0, 1\); received 1\.0"),
        (lambda: TwoClassShare(rare=2), "rare must be class 0 or 1; received 2"),
        (lambda: LongTail(0.5), r"factor must be at least 1; received 0\.5"),
        (lambda: Step(rare_classes=1.0), r"rare_classes must be a share in \(0, 1\); received 1\.0"),
        (lambda: ClassCounts([5, 0]), r"whole numbers of at least 1; received \[5, 0\]"),
    ],
)
def test_values_out_of_range_are_refused(make, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_counts_are_shown_before_training_and_kept(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["data=moons", "imbalance=two_class", "trainer.max_epochs=1", "logger=none", "pictures=false"]
    assert main([*arguments, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    module = MoonsDataModule(imbalance=TwoClassShare())
    module.setup()
    upper, lower = module.spec.class_counts
    before, _, _ = capsys.readouterr().out.partition("validation     test")
    assert f"examples (training: upper {upper}, lower {lower})" in before
    assert (tmp_path / "run" / "results.json").is_file()
    assert f'"lower": {lower}' in (tmp_path / "run" / "results.json").read_text(encoding="utf-8")


def test_many_classes_are_summed_up() -> None:
    module = ready(None)
    many = type(module.spec)(**{**module.spec.to_dict(), "class_names": tuple("abcdefghijkl"),
                                "class_counts": (7, *range(1200, 1211))})  # fmt: skip
    assert many.summary.endswith("examples (training: l 1,210 to a 7)")
    assert "(" not in module.spec.summary, "classes of much the same size need no list"


def test_a_users_own_data_module_is_refused() -> None:
    from hydra import compose, initialize_config_dir

    from lit_tricks.build import build_datamodule
    from lit_tricks.commandline.locate import conf_dir

    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        target = "pytorch_lightning.LightningDataModule"
        cfg = compose("config", ["data=custom", f"data._target_={target}", "imbalance=long_tail"])
    with pytest.raises(UserError, match="LightningDataModule makes its own: try imbalance=none"):
        build_datamodule(cfg)
