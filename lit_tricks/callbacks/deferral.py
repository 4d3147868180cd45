"""What favours rare classes sets in late."""

import logging
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.errors import UserError

log = logging.getLogger("lit_tricks")


class Deferral(pl.Callback):
    """Switches class weights and a rebalancing sampler on at a later epoch; until then training is plain.

    Deferred re-weighting (Cao et al. 2019, section 3.3) where the objective has ``class_weights``, deferred re-sampling
    where the training loader's sampler rebalances, both where both do. Before, the sampler's epochs are shuffled passes
    through the data, as long as its own. Deviation: the learning rate is the scheduler's; the paper lowers it in the
    same epoch. Margins and logit adjustment, which are no weights, act from the first epoch.

    Args:
        start: share of the run's epochs that pass before, in (0, 1), rounded down, or their number, at least 1.

    Raises ``UserError`` for a start out of range and, at the start of training, for one after the last epoch or for a
    share of a run without end.
    """

    def __init__(self, start: float = 0.8) -> None:
        number = isinstance(start, int | float) and not isinstance(start, bool)
        if not number or not (0 < start < 1 or (isinstance(start, int) and start >= 1)):
            raise UserError(
                "deferral starts after a share of the epochs, in (0, 1), or a whole number of them, at least 1; "
                f"received {start}: try callbacks.deferral.start=0.8"
            )
        self.start = start
        self.first = 0
        self._loaded: dict[str, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find the first epoch that rebalances, and say what it will switch on."""
        # a resumed run may have become longer, and must not go back to plain training
        same = self._loaded.get("start") == self.start
        self.first = self._loaded["first"] if same else self._first_of(trainer.max_epochs)
        objective: Any = getattr(pl_module, "objective", None)
        found = ["class weights"] if getattr(objective, "weights", None) is not None else []
        found += ["the sampler"] if self._samplers(trainer) else []
        self._say(found)
        self._switch(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Switch on or leave off; loaders may be new ones."""
        self._switch(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return the first epoch with the start that it was found from."""
        return {"start": self.start, "first": self.first}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Remember the state until training starts."""
        self._loaded = state_dict

    def _first_of(self, epochs: int | None) -> int:
        limited = epochs not in (None, -1)
        if self.start < 1 and not limited:
            raise UserError(
                f"deferral starts after a share of the epochs, {self.start}, and their number is not limited: "
                "try callbacks.deferral.start=10 or trainer.max_epochs=20"
            )
        first = int(self.start) if self.start >= 1 else int(self.start * (epochs or 0))
        if limited and first >= (epochs or 0):
            raise UserError(
                f"deferral needs an epoch to set in; it starts after {self.start} of {epochs}: "
                "try callbacks.deferral.start=0.8"
            )
        return first

    def _switch(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        objective: Any = getattr(pl_module, "objective", None)
        if hasattr(objective, "weighs"):
            objective.weighs = trainer.current_epoch >= self.first
        for sampler in self._samplers(trainer):
            sampler.begins = self.first

    def _samplers(self, trainer: pl.Trainer) -> list[Any]:
        loaders = trainer.fit_loop._combined_loader.flattened  # type: ignore[union-attr]
        samplers = [getattr(loader, "sampler", None) for loader in loaders]
        return [sampler for sampler in samplers if getattr(sampler, "rebalances", ()) and hasattr(sampler, "begins")]

    @rank_zero_only
    def _say(self, found: list[str]) -> None:
        if found:
            log.info("deferral: %s set in with epoch %d", " and ".join(found), self.first + 1)
        else:
            log.warning(
                "deferral: nothing here favours rare classes, so nothing sets in: "
                "try loss.class_weights=effective_number or sampler=class_aware"
            )
