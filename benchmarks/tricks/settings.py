"""The settings in which tricks are measured: every one is the product's own command, changed by one word."""

from dataclasses import dataclass

SEEDS = 5
BASELINE = "+experiment=baseline"
_IMBALANCE = ("python -m benchmarks.imbalance", "../../benchmarks/imbalance/methods.py")
# these need a run to start from, or two classes: what measures them instead, and where to look
ELSEWHERE = {
    "+experiment=transfer": ("lecture/c10_transfer", "../lectures.md"),
    "+experiment=deferred/classifier_retraining": _IMBALANCE,
    "+experiment=after_training/threshold": _IMBALANCE,
}
# every step evaluates its batch up to twenty times, which takes hours on the larger sets
ONLY_DIGITS = {"optimizer=lbfgs"}


@dataclass(frozen=True)
class Setting:
    """Data and budget of one measurement; everything else is the default configuration.

    Attributes:
        name: as in the pages.
        overrides: what the command line says besides the trick.
        budget: the same in words.
        only: beginnings of the words that are measured in it; all words when empty.
    """

    name: str
    overrides: tuple[str, ...]
    budget: str
    only: tuple[str, ...] = ()


# balanced data show only what these cost
_AGAINST_IMBALANCE = (
    "sampler=",
    "loss=",
    "+experiment=weights/",
    "+experiment=deferred/",
    "+experiment=after_training/",
)
_LONG_TAIL = ("data.train_size=20000", "imbalance=long_tail", "trainer.max_epochs=10")

SETTINGS = (
    Setting("digits", (), "1,437 training images of 8x8, 20 epochs"),
    Setting(
        "MNIST",
        ("data=mnist", "data.train_size=6000", "trainer.max_epochs=10"),
        "6,000 training images, 10 epochs, all 10,000 test images",
    ),
    Setting(
        "Fashion-MNIST",
        ("data=fashion_mnist", "data.train_size=6000", "trainer.max_epochs=10"),
        "6,000 training images, 10 epochs, all 10,000 test images",
    ),
    Setting(
        "long-tailed MNIST",
        ("data=mnist", *_LONG_TAIL),
        "about 4,900 training images, the largest class 100 times the smallest, 10 epochs, all 10,000 test images",
        _AGAINST_IMBALANCE,
    ),
    Setting(
        "long-tailed Fashion-MNIST",
        ("data=fashion_mnist", *_LONG_TAIL),
        "about 5,000 training images, the largest class 100 times the smallest, 10 epochs, all 10,000 test images",
        _AGAINST_IMBALANCE,
    ),
)
QUIET = ("pictures=false", "logger=none", "trainer.enable_progress_bar=false")


def is_asked(setting: Setting, word: str) -> bool:
    """Return whether a word could have the effect that a setting shows."""
    return not setting.only or word == BASELINE or word.startswith(setting.only)


def is_measured(setting: Setting, word: str) -> bool:
    """Return whether a word is measured in a setting."""
    affordable = setting.name == "digits" or word not in ONLY_DIGITS
    return word not in ELSEWHERE and affordable and is_asked(setting, word)


def overrides(setting: Setting, word: str) -> list[str]:
    """Return what the command line says to measure one word, such as ``+experiment=dropout``, in a setting."""
    return [*setting.overrides, word]


def command(setting: Setting, word: str) -> str:
    """Return the command line that repeats a measurement."""
    seeds = f"seed={','.join(map(str, range(SEEDS)))}"
    return f"python train.py -m {seeds} {' '.join(overrides(setting, word))}"
