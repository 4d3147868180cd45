"""What is compared on which imbalanced data: every run is the product's own command."""

from dataclasses import dataclass

SEEDS = 5
PLAIN = "plain"


@dataclass(frozen=True)
class Case:
    """One data set made imbalanced, with the network trained on it.

    Attributes:
        name: word for files and the command line.
        title: as in the page.
        overrides: data, network and budget; ``{data_dir}`` stands for the folder of the data sets.
        told: what the data are, in words.
        rare: names of the classes that are rare; their mean recall is reported.
        metric: what methods are compared by, on the test split.
        two_classes: whether thresholds and precision-recall curves make sense.
    """

    name: str
    title: str
    overrides: tuple[str, ...]
    told: str
    rare: tuple[str, ...]
    metric: str = "balanced_acc"
    two_classes: bool = False


@dataclass(frozen=True)
class Method:
    """One way to treat imbalance.

    Attributes:
        name: as in the page.
        overrides: its words.
        after: whether it is the second of two stages and starts from the plain run of the same seed.
        two_classes: whether it needs two classes.
    """

    name: str
    overrides: tuple[str, ...]
    after: bool = False
    two_classes: bool = False


_LONG_TAIL = ("imbalance=long_tail", "imbalance.factor=100", "model.hidden=[256,128]", "trainer.max_epochs=15")

CASES = (
    Case(
        "cancer",
        "Cancer or NoCancer at 90 / 10",
        ("data=breast_cancer", "data.test_size=0.4", "trainer.max_epochs=40"),
        "Wisconsin breast cancer, malignant cases thinned to 10%; 40% of the examples are the test split",
        ("malignant",),
        two_classes=True,
    ),
    Case(
        "fashion",
        "Fashion-MNIST with a long tail",
        ("data=fashion_mnist", "data_dir={data_dir}", *_LONG_TAIL),
        "training images thinned to a long tail of factor 100; validation and test split are left as they are",
        ("Sneaker", "Bag", "Ankle boot"),
    ),
    Case(
        "mnist",
        "MNIST with a long tail",
        ("data=mnist", "data_dir={data_dir}", *_LONG_TAIL),
        "training images thinned to a long tail of factor 100; validation and test split are left as they are",
        ("7", "8", "9"),
    ),
    Case(
        "mammography",
        "Mammography",
        ("data=csv", "data.path={data_dir}/tabular/mammography.csv", "model.hidden=[64,64]", "trainer.max_epochs=30"),
        "11,183 cases with 6 features, 2.3% of them calcifications (Woods et al. 1993); a fifth is the test split",
        ("1",),
        metric="gmean",
        two_classes=True,
    ),
)

METHODS = (
    Method(PLAIN, ("+experiment=baseline",)),
    Method("weights 1 / n", ("+experiment=weights/inverse",)),
    Method("effective-number weights", ("+experiment=weights/effective_number",)),
    Method("focal loss", ("loss=focal",)),
    Method("LDAM, re-weighted late", ("loss=ldam", "+experiment=deferred/reweighting")),
    Method("balanced softmax", ("loss=balanced_softmax",)),
    Method("balanced batches", ("sampler=balanced",)),
    Method("oversampling", ("sampler=oversample",)),
    Method("undersampling", ("sampler=undersample",)),
    Method("SMOTE", ("sampler=smote",)),
    Method("logit adjustment after training", ("+experiment=after_training/logit_adjustment",)),
    Method(
        "threshold of the best F1",
        ("+experiment=after_training/threshold", "correction.threshold=f1"),
        two_classes=True,
    ),
    Method("classifier retraining (cRT)", ("+experiment=deferred/classifier_retraining",), after=True),
)


def methods_of(case: Case) -> list[Method]:
    """Return the methods that make sense on a case."""
    return [method for method in METHODS if case.two_classes or not method.two_classes]
