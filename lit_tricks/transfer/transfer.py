"""What every strategy of transfer learning shares: reuse, groups of rates, freezing and thawing."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.transfer.layers import Part, load_fitting, parts_of
from lit_tricks.transfer.weights import SourceWeights, read_weights

log = logging.getLogger("lit_tricks")

Statistics = Literal["source", "data"]
NewOutput = Literal["auto", True, False]
MakeOptimizer = Callable[[Any], torch.optim.Optimizer]


class Transfer(pl.Callback, ABC):
    """Lets a network begin with the weights of another one, and says when and how fast each layer learns.

    Layers are reused where names and shapes fit, the output layer if its classes are the same; what does not fit stays
    as it was initialised and learns from the first epoch at the optimizer's rate, as the output layer does. A
    subclass decides about the reused layers below it. Frozen parameters have no gradient, so no optimizer, weight
    decay or penalty moves them; frozen batch norm is in eval mode and keeps its running statistics; dropout goes on.

    Lightning's ``BaseFinetuning`` adds a parameter group when it thaws a layer, which schedules with one entry for
    each group cannot follow. Here every group is there from the first step; a layer that is frozen for now is in its
    group and has no gradient.

    Args:
        source: a run directory, whose tested weights are taken, or a file with a state dict.
        statistics: what scales the inputs. ``source``, where it brought its statistics: to frozen layers an image of
            the same brightness must look the same as before. ``data``: those of the new training split, for data
            measured in other units. A source without statistics leaves the data's.
        new_output: ``auto`` begins with a new output layer where the source's has another shape, or other class names
            if the source tells them; True always, False only where the shape differs.

    Attributes:
        record: primitives for ``results.json``; it travels in the checkpoint, so a resumed run needs no source.
    """

    def __init__(self, source: str, statistics: Statistics = "source", new_output: NewOutput = "auto") -> None:
        if not isinstance(source, str) or not source:
            raise UserError(
                f"transfer.source must be a run directory or a file of weights; received {source}: "
                "try transfer.source=runs/RUN"
            )
        if statistics not in get_args(Statistics):
            raise UserError(
                f"transfer.statistics must be source or data; received {statistics}: try transfer.statistics=source"
            )
        if not (isinstance(new_output, bool) or new_output == "auto"):
            raise UserError(
                f"transfer.new_output must be auto, true or false; received {new_output}: try transfer.new_output=auto"
            )
        self.source = source
        self.statistics = statistics
        self.new_output = new_output
        self.record: dict[str, Any] = {}
        self._parts: list[Part] = []
        self._plan: dict[str, tuple[int | None, float]] = {}

    @abstractmethod
    def begins(self, depth: int) -> int | None:
        """Return the epoch, from 0, in which a reused layer with ``depth`` ≥ 1 layers above it begins to learn.

        None is never.
        """

    @abstractmethod
    def share(self, depth: int) -> float:
        """Return that layer's share of the optimizer's rate, in (0, 1]."""

    def watch(self, module: pl.LightningModule) -> None:
        """Take ``module.network`` for the one whose layers are frozen and thawed; a checkpoint will say which."""
        self._parts = parts_of(module.network)  # type: ignore[arg-type]

    def adopt(self, module: pl.LightningModule) -> None:
        """Load the source's weights into ``module.network``, and its statistics into ``module.normaliser``, in place.

        ``module`` also has ``spec``, the facts about the new data. Raises ``UserError`` when the source cannot be
        read, does not fit, or was trained on inputs in other units.
        """
        self.watch(module)
        normaliser: Any = module.normaliser
        spec: Any = module.spec
        source = read_weights(self.source)
        others = source.spec is not None and source.spec.class_names != spec.class_names
        new_output = others if self.new_output == "auto" else bool(self.new_output)
        reused = load_fitting(self._parts, source, new_output, spec.input_shape)
        adopted = self.statistics == "source" and bool(source.normaliser)
        if adopted:
            _adopt_statistics(normaliser, source, spec)
        self.record |= {
            "source": self.source,
            "strategy": type(self).__name__,
            "statistics": "source" if adopted else "data",
            "reused": reused,
            "new": [part.name for part in self._parts if part.name not in reused],
        }
        self._settle()
        self._say()

    def grouped(self, make: MakeOptimizer) -> Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]:
        """Return ``make`` with the parameters in one group for each rate, the highest, the optimizer's own, first.

        Where all learn at that rate there is one group, as without transfer.
        """

        def make_grouped(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
            shares = {
                p: self._plan[part.name][1] for part in self._parts for p in part.module.parameters(recurse=False)
            }
            groups: dict[float, list[nn.Parameter]] = {1.0: []}
            for parameter in parameters:
                groups.setdefault(shares[parameter], []).append(parameter)
            if len(groups) == 1:
                return make(groups[1.0])
            ordered = sorted(groups.items(), reverse=True)
            optimizer = make([{"params": members} for _, members in ordered])
            for group, (share, _) in zip(optimizer.param_groups, ordered, strict=True):
                group["lr"] *= share
            return optimizer

        return make_grouped

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Freeze what has to wait; raises ``UserError`` where several processes would thaw layers on their own."""
        if trainer.world_size > 1 and any(begin for begin, _ in self._plan.values()):
            raise UserError(
                f"layers thaw in one process only: others would not learn of their gradients; received "
                f"{trainer.world_size} processes: try trainer.devices=1, transfer=frozen or transfer=fine_tuned"
            )
        end = trainer.max_epochs
        late = [name for name, (begin, _) in self._plan.items() if begin and end not in (None, -1) and begin >= end]
        if late:
            log.info("transfer: %s never thaw within trainer.max_epochs=%s", ", ".join(late), end)
        self._hold(trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Thaw what begins in this epoch."""
        self._hold(trainer.current_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return the record."""
        return self.record

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what was reused when the run began."""
        self.record |= state_dict
        self._settle()

    def _settle(self) -> None:
        """Plan every part's first epoch and rate, and freeze at once what never learns: no optimizer sees it."""
        for part in self._parts:
            waits = part.depth > 0 and part.name in self.record["reused"]
            self._plan[part.name] = (self.begins(part.depth), self.share(part.depth)) if waits else (0, 1.0)
            if self._plan[part.name][0] is None:
                for parameter in part.module.parameters(recurse=False):
                    parameter.requires_grad_(False)
        self.record["begins"] = {name: begin for name, (begin, _) in self._plan.items()}
        self.record["share_of_rate"] = {name: share for name, (_, share) in self._plan.items()}

    def _hold(self, epoch: int) -> None:
        for part in self._parts:
            begin, _ = self._plan[part.name]
            learns = begin is not None and epoch >= begin
            for parameter in part.module.parameters(recurse=False):
                parameter.requires_grad_(learns)
            if isinstance(part.module, _NormBase):
                part.module.train(learns)

    @rank_zero_only
    def _say(self) -> None:
        told = [f"reused {', '.join(self.record['reused'])}"]
        if self.record["new"]:
            told.append(f"new {', '.join(self.record['new'])}")
        frozen = [name for name, (begin, _) in self._plan.items() if begin is None]
        if frozen:
            told.append(f"frozen {', '.join(frozen)}")
        slower = [
            f"{name} {f'from epoch {begin + 1} ' if begin else ''}at {share:.3g} of the rate"
            for name, (begin, share) in self._plan.items()
            if begin is not None and (begin or share != 1)
        ]
        if slower:
            told.append(f"learning later or slower: {', '.join(slower)}")
        whose = "the source's" if self.record["statistics"] == "source" else "the new data's"
        told.append(f"inputs scaled by {whose} statistics")
        log.info("transfer from %s: %s", self.source, "; ".join(told))


def _adopt_statistics(normaliser: nn.Module, source: SourceWeights, spec: DataSpec) -> None:
    known = source.spec
    if known is not None and known.value_range != spec.value_range:
        raise UserError(
            f"the source's statistics fit inputs in the source's range; {source.name} had {known.value_range}, these "
            f"data have {spec.value_range}: try transfer.statistics=data"
        )
    scale = getattr(normaliser, "scale", torch.ones(()))
    # what this run hides by data.masked_region stays hidden
    hidden = scale == 0
    try:
        normaliser.load_state_dict(source.normaliser)
    except RuntimeError as error:
        raise UserError(
            f"the source's statistics fit inputs of the source's shape; those of {source.name} do not fit "
            f"{spec.input_shape}: try transfer.statistics=data"
        ) from error
    scale[hidden] = 0.0
