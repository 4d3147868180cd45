"""The LightningModule that wires network, objective, optimizer and schedule."""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import Diverged, UserError
from lit_tricks.functional.training_pass import logits_and_loss
from lit_tricks.training_figures import TrainingFigures, is_finite_here
from lit_tricks.validation_figures import ValidationFigures

WATCHABLE = ("val/loss", "val/acc", "val/balanced_acc")

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
MakeSchedule = Callable[[torch.optim.Optimizer, int | None, int, int | None], dict[str, Any] | None]
# inputs, labels and the objective's targets of one batch
Prepared = tuple[Tensor, Tensor, Tensor]
Augment = Callable[[Tensor, Tensor, Sequence[int], int, int], tuple[Tensor, Tensor]]


class LitClassifier(pl.LightningModule):
    """Trains ``objective(network(normaliser(x)), y)`` and logs each epoch's loss and accuracy.

    It receives finished objects and knows no family of them. Batches are ``(x, y)`` with ``x``
    (B, *input_shape) raw ``uint8`` or ``float32`` and ``y`` (B,) ``int64``.

    Args:
        network: maps (B, *input_shape) ``float32`` to logits (B, K).
        objective: maps logits and targets to a scalar; ``per_example`` and ``probabilities`` as well.
        normaliser: maps raw inputs to the network's; its statistics travel in the checkpoint.
        optimizer: builds the optimizer from the parameters.
        spec: the facts about the data, stored in the checkpoint.
        schedule: builds Lightning's ``lr_scheduler`` mapping from the optimizer, the number of optimizer
            steps in all and in one epoch, and the number of epochs (None when unbounded).
        augmentation: maps consecutive training batches, given in one piece with the sizes of the batches, the
            number of the epoch and that of the first batch in it, to other inputs and the objective's targets,
            (B,) indices or (B, K) class shares; never called outside training.
        penalty: maps the network to a scalar that training adds to the loss; logged apart, as ``train/penalty``.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: nn.Module,
        normaliser: nn.Module,
        optimizer: MakeOptimizer,
        spec: DataSpec,
        schedule: MakeSchedule | None = None,
        augmentation: Augment | None = None,
        penalty: Callable[[nn.Module], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.objective: Any = objective
        self.normaliser = normaliser
        self.spec = spec
        self._make_optimizer = optimizer
        self._make_schedule = schedule
        self.augmentation = augmentation
        self._penalty = penalty
        # what a training step computes; may be replaced by a compiled form of it
        self.logits_and_loss = logits_and_loss
        # changes the answers of a trained network; there is none while it trains
        self.correction: Any = None
        self.save_hyperparameters({"data_spec": spec.to_dict()}, logger=False)
        self._figures = TrainingFigures()
        self._noted_batch = (-1, -1)
        self._watching: tuple[Any, str] | None = None
        self._validation = ValidationFigures(spec.num_classes, self.device)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, K) of raw inputs (B, *input_shape), corrected if there is a correction."""
        logits = self.network(self.normaliser(x))
        return logits if self.correction is None else self.correction.logits(logits)

    def decide(self, probabilities: Tensor) -> Tensor:
        """Return the classes (B,): the largest of ``probabilities`` (B, K), the first of equals, or as corrected."""
        return probabilities.argmax(1) if self.correction is None else self.correction.decide(probabilities)

    def configure_optimizers(self) -> Any:
        """Build the optimizer and, if there is one, its schedule."""
        optimizer = self._make_optimizer(p for p in self.network.parameters() if p.requires_grad)
        if self._make_schedule is None:
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        batches = self.trainer.num_training_batches
        accumulated = self.trainer.accumulate_grad_batches
        per_epoch = -(-int(batches) // accumulated) if batches != float("inf") else 1
        epochs = self.trainer.max_epochs
        plan = self._make_schedule(
            optimizer,
            None if steps == float("inf") else int(steps),
            max(per_epoch, 1),
            None if epochs in (None, -1) else epochs,
        )
        if plan is None:
            return optimizer
        if plan.get("monitor"):
            self._adopt_watching_schedule(plan)
        return {"optimizer": optimizer, "lr_scheduler": plan}

    def _adopt_watching_schedule(self, plan: dict[str, Any]) -> None:
        """Step a schedule that watches a validation metric ourselves, right after validation.

        Lightning 2.6 skips that step in the epoch in which a run resumes, and saves the epoch's checkpoint
        before it, so a resumed run would use other rates.
        """
        if plan["monitor"] not in WATCHABLE:
            raise UserError(
                f"scheduler.monitor must be one of {', '.join(WATCHABLE)}; received {plan['monitor']}: "
                "try scheduler.monitor=val/loss"
            )
        if not self.spec.n_val or not self.trainer.enable_validation:
            raise UserError(
                f"a schedule that watches {plan['monitor']} needs validation; this run makes none: "
                "try data.val_size=0.1 or scheduler=cosine"
            )
        self._watching = (plan["scheduler"], plan["monitor"])
        plan["frequency"] = sys.maxsize

    def on_train_start(self) -> None:
        """Hand the checkpoint's position to the training loader.

        Asking Lightning for the number of steps, as a schedule must, makes it set up the loaders before it has
        read the checkpoint, and then it never tells them where they were.
        """
        self.trainer.fit_loop._load_combined_loader_states()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the batch's mean loss."""
        x, y = batch
        # an optimizer such as L-BFGS evaluates a batch several times; the first time counts
        first = self._noted_batch != (self.current_epoch, batch_idx)
        self._noted_batch = (self.current_epoch, batch_idx)
        return self.batch_loss(*self._network_input(x, y, [len(y)], batch_idx), note=first)

    def _network_input(self, x: Tensor, y: Tensor, sizes: Sequence[int], first_batch: int) -> Prepared:
        """Return raw training batches as the network sees them, their labels and the objective's targets."""
        target = y
        if self.augmentation is not None:
            x, target = self.augmentation(x, y, sizes, self.current_epoch, first_batch)
        return self.normaliser(x), y, target

    def prepared(self, x: Tensor, y: Tensor, sizes: list[int], first_batch: int) -> list[Prepared]:
        """Return several raw batches, given in one piece, as ``batch_loss`` takes them.

        What works on each example by itself is done for all of them at once. ``first_batch`` is the number of the
        first batch within the epoch.
        """
        pieces = self._network_input(x.to(self.device), y.to(self.device), sizes, first_batch)
        batches = zip(*(piece.split(sizes) for piece in pieces), strict=True)
        if self.device.type == "cpu" and torch.get_num_threads() == 1:
            return list(batches)
        # kernels of several threads, and of GPUs, round differently where rows begin in another place in memory
        return [(x.clone(), y.clone(), target.clone()) for x, y, target in batches]

    def batch_loss(self, x: Tensor, y: Tensor, target: Tensor, note: bool = True) -> Tensor:
        """Return the mean loss of a prepared batch plus the penalty, and ``note`` what the epoch's figures need.

        Raises ``UserError`` when the loss is not finite; on accelerators, where asking at every step would hold
        up the device, only when the figures are added up.
        """
        logits, data_loss = self.logits_and_loss(self.network, self.objective, x, target)
        penalty = None if self._penalty is None else self._penalty(self.network)
        loss = data_loss if penalty is None else data_loss + penalty
        if not is_finite_here(loss.detach()):
            raise Diverged.at(loss.item(), f"epoch {self.current_epoch}, step {self._figures.steps} of it")
        if note:
            self._figures.note(data_loss.detach(), logits.detach(), y, None if penalty is None else penalty.detach())
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the epoch's training loss and accuracy; stop when the loss is not finite."""
        sums = self._figures.take()
        if not math.isfinite(sums[0] + sums[4]):
            raise Diverged.at(sums[0] + sums[4], f"epoch {self.current_epoch}")
        precise = torch.float32 if self.device.type == "mps" else torch.float64
        loss, correct, examples, steps, penalty = self._reduced(
            torch.tensor(sums, dtype=precise, device=self.device)
        ).tolist()
        if not examples:
            return
        figures = {"train/loss": loss / examples, "train/acc": correct / examples}
        if self._penalty is not None:
            figures["train/penalty"] = penalty / steps
        self.log_dict(figures, prog_bar=True)

    def on_validation_epoch_start(self) -> None:
        """Forget the previous validation."""
        self._validation = ValidationFigures(self.spec.num_classes, self.device)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Count the batch's loss and confusion."""
        x, y = batch
        logits = self(x)
        self._validation.note(self.objective.per_example(logits, y), logits, y)

    def validation_confusion(self) -> Tensor:
        """Return the counts (K, K) of the last validation, over all processes, which must all ask for it."""
        return self._validation.confusion(self._reduced)

    def on_validation_epoch_end(self) -> None:
        """Log validation loss, accuracy and balanced accuracy over the whole split."""
        values = {f"val/{name}": value for name, value in self._validation.values(self._reduced).items()}
        self.log_dict({name: value.float() for name, value in values.items()}, prog_bar=True)
        if self._watching is not None and self.trainer.state.fn == "fit" and not self.trainer.sanity_checking:
            scheduler, monitor = self._watching
            scheduler.step(float(values[monitor]))

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log test loss and accuracy, for those who call ``Trainer.test`` themselves."""
        x, y = batch
        logits = self(x)
        self.log_dict(
            {
                "test/loss": self.objective.per_example(logits, y).mean(),
                "test/acc": (self.decide(self.objective.probabilities(logits)) == y).float().mean(),
            },
            batch_size=len(y),
            on_epoch=True,
            on_step=False,
            sync_dist=True,
        )

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the class probabilities (B, K) of a batch, labelled or not."""
        x = batch[0] if isinstance(batch, tuple | list) else batch
        return self.objective.probabilities(self(x))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the running epoch's sums, so that a resumed epoch reports the whole of it."""
        checkpoint["train_sums"] = self._figures.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what ``on_save_checkpoint`` stored."""
        self._figures.load(checkpoint.get("train_sums", self._figures.state()))

    def _reduced(self, value: Tensor) -> Tensor:
        return self.trainer.strategy.reduce(value, reduce_op="sum")
