"""The keyword arguments that every data module shares."""

from typing import Literal, Protocol, TypedDict, get_args

from torch import Tensor

from lit_tricks.data.imbalance import Imbalance
from lit_tricks.data.masking import Masked, regions_of
from lit_tricks.data.normalise import How, check_how
from lit_tricks.data.samplers import Sampler
from lit_tricks.data.splitting import check_fold
from lit_tricks.errors import UserError

ValSplit = Literal["stratified", "first", "test"]


class MakeSampler(Protocol):
    """What ``sampler`` must be: a ``Sampler`` class or a partial of one."""

    def __call__(self, *, labels: Tensor, batch_size: int, seed: int) -> Sampler:
        """Return the sampler for the training split with these labels."""


class Options(TypedDict, total=False):
    """The shared keyword arguments; ``ArrayDataModule`` says what they mean."""

    batch_size: int
    seed: int
    val_size: int | float
    val_split: ValSplit
    test_size: int | float
    train_size: int | float | None
    shuffled_labels: float
    planted_cue: float
    masked_region: Masked | None
    normalise: How
    folds: int | None
    fold: int
    sampler: MakeSampler | None
    imbalance: Imbalance | None


def check_options(options: Options) -> None:
    """Raise ``UserError`` for a value that is out of range whatever the data."""
    batch_size, seed, val_split = options["batch_size"], options["seed"], options["val_split"]
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise UserError(f"batch_size must be a whole number of at least 1; received {batch_size}: try batch_size=32")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UserError(f"seed must be a whole number of at least 0; received {seed}: try seed=0")
    if val_split not in get_args(ValSplit):
        raise UserError(
            f"data.val_split must be one of {', '.join(get_args(ValSplit))}; received {val_split!r}: "
            "try data.val_split=stratified"
        )
    if not options["test_size"]:
        raise UserError(
            f"data.test_size must be greater than 0; received {options['test_size']}: try data.test_size=0.2"
        )
    for name, share in (("shuffled_labels", options["shuffled_labels"]), ("planted_cue", options["planted_cue"])):
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise UserError(f"data.{name} must be a share in [0, 1]; received {share!r}: try data.{name}=1")
    regions_of(options["masked_region"])
    if options["folds"] is not None and val_split == "test":
        raise UserError(
            "validation is either one of data.folds or the test split; received both: try data.val_split=stratified"
        )
    if options["folds"] is not None:
        check_fold(options["folds"], options["fold"])
    check_how(options["normalise"])
