"""Evaluation with every metric beside the forward passes alone."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.speed.contenders.training import one_thread
from benchmarks.speed.figures import middle
from benchmarks.speed.row import Claim, Contender, Figures, Line, Row, Work

NETWORKS: dict[str, tuple[int, ...] | None] = {"784-30-10": (30,), "784-512-512-10": (512, 512), "default cnn": None}
_TRAINED_STEPS = 300
_REPEATS = 15


def _measure(work: Work, name: str) -> Figures:
    import torch

    from lit_tricks.data.mnist import MNISTDataModule
    from lit_tricks.evaluation import evaluate_split, predict_batches, split_loader
    from lit_tricks.metrics import evaluate_predictions
    from lit_tricks.metrics.ranking import one_vs_rest_areas

    one_thread()
    torch.manual_seed(0)
    datamodule = MNISTDataModule(data_dir=work.data_dir, batch_size=128)
    datamodule.prepare_data()
    datamodule.setup("fit")
    module = _trained(work, NETWORKS[name], datamodule)
    loader = split_loader(datamodule, "test")
    probabilities, targets, losses = predict_batches(module, loader)
    names = module.spec.class_names

    def gather() -> None:
        for _ in loader:
            pass

    @torch.inference_mode()
    def forward() -> None:
        for x, _ in loader:
            module(x)

    found = _timed(
        {
            "gather": gather,
            "forward": forward,
            "predict": lambda: predict_batches(module, loader),
            "auroc": lambda: one_vs_rest_areas(probabilities, targets),
            "metrics": lambda: evaluate_predictions(probabilities, targets, losses, names),
            "evaluate": lambda: evaluate_split(module, loader),
        },
        work.share(_REPEATS),
    )
    middles = {part: 1000 * statistics.median(seconds) for part, seconds in found.items()}
    ratios = [whole / alone for whole, alone in zip(found["evaluate"], found["forward"], strict=True)]
    heads = [1000 * (both - alone) for both, alone in zip(found["predict"], found["forward"], strict=True)]
    return middles | {"ratio": statistics.median(ratios), "heads": statistics.median(heads)}


def _trained(work: Work, hidden: tuple[int, ...] | None, datamodule: Any) -> Any:
    """Return a module that has been trained a little, stretch by stretch as in a run, in evaluation mode."""
    import pytorch_lightning as pl
    import torch

    from lit_tricks.models import CNN, MLP
    from lit_tricks.module import LitClassifier
    from lit_tricks.objectives import CrossEntropy
    from lit_tricks.stretches import install_stretches

    shape = datamodule.spec.input_shape
    network = CNN(shape, 10) if hidden is None else MLP(shape, 10, hidden, "sigmoid")
    module = LitClassifier(
        network, CrossEntropy(10), datamodule.normaliser, partial(torch.optim.Adam, lr=3e-3), datamodule.spec
    )
    off = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=work.share(_TRAINED_STEPS),
        limit_val_batches=0,
        default_root_dir=work.folder,
        use_distributed_sampler=False,
        **off,
    )
    install_stretches(trainer)
    trainer.fit(module, datamodule=datamodule)
    return module.eval()


def _timed(parts: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {part: [] for part in parts}
    for _ in range(repeats):
        for part, call in parts.items():
            started = time.perf_counter()
            call()
            found[part].append(time.perf_counter() - started)
    return found


ROWS = (
    Row(
        name="evaluation",
        title="Evaluation of 10,000 test images",
        timed=(
            f"MNIST's test images in the batches that evaluation uses, after {_TRAINED_STEPS} steps of Adam, on one "
            f"thread; medians of {_REPEATS} interleaved repetitions in one process. *Forward* gathers and scales "
            "each batch and calls the network. *Evaluation* does that and computes probabilities, losses and every "
            "metric in `results.json`: loss, accuracy, balanced accuracy, macro precision, recall and F1, AUROC, "
            "all per class, and the confusion matrix. *Heads* are probabilities and losses, which the metrics are "
            "computed from."
        ),
        contenders=tuple(Contender(name, partial(_measure, name=name)) for name in NETWORKS),
        columns=(
            "evaluation ÷ forward",
            "evaluation, ms",
            "forward, ms",
            "of it gathering",
            "heads",
            "all metrics",
            "of it AUROC",
        ),
        lines=tuple(
            Line(name, name, ("ratio", "evaluate", "forward", "gather", "heads", "metrics", "auroc"))
            for name in NETWORKS
        ),
        base=False,
        claims=tuple(
            Claim(f"evaluation with all metrics, {name} ÷ forward passes", "at most", 1.3, middle(name, "ratio"))
            for name in NETWORKS
        ),
    ),
)
