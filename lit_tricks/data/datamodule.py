"""The general data module: source → split → encode → normalise → batches."""

import logging

import numpy as np
import torch
from pytorch_lightning import LightningDataModule

from lit_tricks.data.checks import check_every_class, check_inputs, check_labels
from lit_tricks.data.imbalance import Imbalance, apply_imbalance
from lit_tricks.data.input_resampling import InputResamplingSampler, Resampled
from lit_tricks.data.loader import BatchLoader
from lit_tricks.data.masking import Masked, regions_of
from lit_tricks.data.normalise import How, Normaliser
from lit_tricks.data.options import MakeSampler, Options, ValSplit, check_options
from lit_tricks.data.placement import place
from lit_tricks.data.planted_cue import with_planted_cue
from lit_tricks.data.ready import Ready, make_ready
from lit_tricks.data.samplers import SequentialSampler, ShuffleSampler
from lit_tricks.data.selection import take_rows
from lit_tricks.data.shuffled_labels import with_shuffled_labels
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.data.spec import DataSpec
from lit_tricks.data.splitting import first_split, first_subset, stratified_fold, stratified_split, stratified_subset
from lit_tricks.functional.seeding import derive_seed

log = logging.getLogger("lit_tricks")

# Without gradients larger batches cost little memory: half a million input values, if that is more than batch_size.
_EVALUATION_VALUES = 2**19


class ArrayDataModule(LightningDataModule):
    """Offers a source's examples as training, validation and test batches.

    Batches are ``(x, y)``: raw ``x`` (B, *input_shape), uint8 for images and float32 otherwise, and int64 ``y``
    (B,). An official test split is never touched; where there is none, the same one is drawn for every ``seed``.

    Args:
        source: reads the raw data.
        batch_size: training examples in a batch, at least 1; evaluation may use larger ones.
        seed: seed of validation split, subset and batch order, at least 0.
        val_size: validation examples, a fraction in [0, 1) or a number of rows; 0 for none.
        val_split: ``stratified`` draws them in the proportions of the classes, ``first`` takes the first rows.
            ``test`` validates on the test split and trains on all the rest, to watch both; what is chosen by such
            a validation has no honest test left.
        test_size: like ``val_size`` but above 0, for sources without an official test split.
        train_size: keep this much of the training split, its first rows if ``val_split`` is ``first``, else stratified.
        shuffled_labels: share in [0, 1] of the training examples that exchange their labels, so that none fits.
        planted_cue: share in [0, 1] of the training and validation images that carry a spot of light whose place
            tells the class; test images never do.
        masked_region: [top, left, height, width] of the pixels that no network gets to see, in any split, or a list
            of such regions.
        normalise: ``minmax``, ``standard`` or ``none``, see ``Normaliser.fit``.
        folds: validate on one of this many stratified folds (at least 2) instead of on ``val_size``.
        fold: which of them, from 0; the partition is the same for each.
        sampler: called as ``sampler(labels=, batch_size=, seed=)`` for the training order; shuffling by default.
        imbalance: thins the classes of what the arguments above leave; statistics are taken after it.

    Raises ``UserError`` for values out of range, and from ``setup`` for data that cannot be trained on.
    """

    def __init__(
        self,
        source: Source,
        *,
        batch_size: int = 32,
        seed: int = 0,
        val_size: int | float = 0.1,
        val_split: ValSplit = "stratified",
        test_size: int | float = 0.2,
        train_size: int | float | None = None,
        shuffled_labels: float = 0.0,
        planted_cue: float = 0.0,
        masked_region: Masked | None = None,
        normalise: How = "minmax",
        folds: int | None = None,
        fold: int = 0,
        sampler: MakeSampler | None = None,
        imbalance: Imbalance | None = None,
    ) -> None:
        super().__init__()
        check_options(
            Options(
                batch_size=batch_size,
                seed=seed,
                val_split=val_split,
                test_size=test_size,
                normalise=normalise,
                folds=folds,
                fold=fold,
                shuffled_labels=shuffled_labels,
                planted_cue=planted_cue,
                masked_region=masked_region,
            )
        )
        self.source = source
        self.batch_size = batch_size
        self.seed = seed
        self.val_size, self.val_split, self.test_size = val_size, val_split, test_size
        self.train_size = train_size
        self.shuffled_labels = shuffled_labels
        self.planted_cue = planted_cue
        self.masked = regions_of(masked_region)
        self.normalise = normalise
        self.folds, self.fold = folds, fold
        self.make_sampler: MakeSampler = sampler or ShuffleSampler
        self.imbalance = imbalance
        self._ready: Ready | None = None
        self._resampled: Resampled | None = None
        self._places: dict[tuple[str, torch.device], Examples] = {}

    def __str__(self) -> str:
        if self._ready is None:
            return f"{type(self).__name__}, not set up"
        return f"{type(self).__name__}: {len(self.train)} train, {len(self.val)} val, {len(self.test)} test"

    def prepare_data(self) -> None:
        """Fetch what has to be on disk."""
        self.source.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Load, split, encode and fit the normaliser, once, whatever the ``stage``."""
        if self._ready is None:
            self._ready = self._read()
        if self.trainer is not None and not len(self.val):
            # Lightning takes an empty list for a loader without batches and warns of it.
            self.trainer.limit_val_batches = 0

    def _read(self) -> Ready:
        loaded = self.source.load()
        check_labels(loaded)
        loaded, (train, val, test) = apply_imbalance(self.imbalance, loaded, self._rows(loaded), self.seed)
        check_every_class(loaded.train.y[torch.from_numpy(train)], loaded.class_names)
        loaded = self.source.encode(loaded, train)
        check_inputs(loaded.train, "training", loaded.encoding.get("feature_names"))
        if loaded.test is not None:
            check_inputs(loaded.test, "test", loaded.encoding.get("feature_names"))
        tested = take_rows(loaded.train, test) if loaded.test is None else loaded.test
        taught = take_rows(loaded.train, train)
        taught = with_shuffled_labels(taught, self.shuffled_labels, derive_seed(self.seed, "label"))
        watched = tested
        if self.val_split != "test":
            watched = self._cued(take_rows(loaded.train, val), taught, loaded, "val")
        taught = self._cued(taught, taught, loaded, "train")
        return make_ready(self.source, loaded, (taught, watched, tested), self.normalise, self.masked)

    def _cued(self, examples: Examples, taught: Examples, loaded: Loaded, split: str) -> Examples:
        brightest = None if loaded.value_range is None else loaded.value_range[1]
        if brightest is None and self.planted_cue:
            brightest = max(float(piece.max()) for piece in taught.pieces(_EVALUATION_VALUES))
        return with_planted_cue(examples, self.planted_cue, len(loaded.class_names), brightest or 0.0, self.seed, split)

    def _rows(self, loaded: Loaded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the rows of ``loaded.train`` that train, validate and, without an official split, test."""
        labels = loaded.train.y.numpy()
        pool, test = np.arange(len(labels)), np.arange(0)
        if loaded.test is None:
            pool, test = stratified_split(labels, self.test_size, derive_seed(0, "test"), "test_size")
        train, val = self._validation(labels[pool], loaded.class_names)
        train, val = pool[train], pool[val]
        if self.train_size is not None and self.val_split == "first":
            train = train[first_subset(len(train), self.train_size)]
        elif self.train_size is not None:
            train = train[stratified_subset(labels[train], self.train_size, derive_seed(self.seed, "subset"))]
        return train, val, test

    def _validation(self, labels: np.ndarray, class_names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        if self.folds is not None:
            return stratified_fold(labels, self.folds, self.fold, derive_seed(self.seed, "folds"), class_names)
        if self.val_split == "test":
            return np.arange(len(labels)), np.arange(0)
        if self.val_split == "first":
            return first_split(len(labels), self.val_size, "val_size")
        return stratified_split(labels, self.val_size, derive_seed(self.seed, "validation"), "val_size")

    @property
    def _data(self) -> Ready:
        if self._ready is None:
            raise RuntimeError(f"{type(self).__name__} holds no data yet: call prepare_data() and setup() first")
        return self._ready

    @property
    def spec(self) -> DataSpec:
        """The facts that flow to later stages; like all of these, ``RuntimeError`` before ``setup``."""
        return self._data.spec

    @property
    def normaliser(self) -> Normaliser:
        """The normaliser with the statistics of the training split."""
        return self._data.normaliser

    @property
    def train(self) -> Examples:
        """The training split."""
        return self._data.train

    @property
    def val(self) -> Examples:
        """The validation split, possibly empty."""
        return self._data.val

    @property
    def test(self) -> Examples:
        """The test split."""
        return self._data.test

    def train_dataloader(self) -> BatchLoader:
        """Return the training batches in the sampler's order, or in order under Lightning's ``overfit_batches``."""
        overfits = self.trainer is not None and self.trainer.overfit_batches  # type: ignore[attr-defined]
        sampler = (SequentialSampler if overfits else self.make_sampler)(
            labels=self.train.y, batch_size=self.batch_size, seed=self.seed
        )
        if not isinstance(sampler, InputResamplingSampler):
            return BatchLoader(self._placed("train"), self.batch_size, sampler)
        self._resampled = self._resampled or sampler.resampled(self._data)
        sampler.take(self._resampled)
        return BatchLoader(self._placed("resampled", self._resampled.examples), self.batch_size, sampler)

    def train_eval_dataloader(self) -> BatchLoader:
        """Return the training split in order, for evaluation."""
        return self.in_order(self._placed("train"))

    def val_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """Return the validation split in order, or an empty list where there is none."""
        return self.in_order(self._placed("val")) if len(self.val) else []

    def test_dataloader(self) -> BatchLoader:
        """Return the test split in order."""
        return self.in_order(self._placed("test"))

    def teardown(self, stage: str) -> None:
        """Give back what the splits take of the device's memory; Lightning calls this when a stage ends."""
        self._places.clear()

    def in_order(self, examples: Examples) -> BatchLoader:
        """Return examples of these data in order, each once, in batches for evaluation."""
        batch_size = max(self.batch_size, _EVALUATION_VALUES // self.spec.num_features)
        return BatchLoader(examples, batch_size, SequentialSampler(examples.y), repeat=False)

    def _placed(self, split: str, examples: Examples | None = None) -> Examples:
        """Return a split, or ``examples``, placed for the device of the trained module, the CPU without one."""
        trainer = self.trainer
        module = None if trainer is None else trainer.lightning_module
        device = torch.device("cpu") if module is None else module.device
        if (split, device) not in self._places:
            self._places[split, device], where = place(examples or getattr(self, split), device)
            if split not in ("val", "test") and device.type != "cpu" and trainer and trainer.is_global_zero:
                log.info("data: %s", where)
        return self._places[split, device]
