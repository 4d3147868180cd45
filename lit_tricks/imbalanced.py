"""What a run does about classes of unequal size, checked where the data and the objective meet."""

import logging
from functools import partial
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.data import ArrayDataModule
from lit_tricks.data.imbalance import Imbalance
from lit_tricks.errors import UserError
from lit_tricks.instantiation import build_node, partial_node

log = logging.getLogger("lit_tricks")


def build_imbalance(cfg: Any) -> Imbalance | None:
    """Return the imbalance that the configuration names, None for data as it is."""
    # runs from before there was such a word have none
    node = cfg.get("imbalance") or {}
    return build_node(node, "imbalance") if node.get("_target_") else None


def build_sampler(cfg: Any) -> partial[Any]:
    """Return the configured sampler; one with ``epochs`` of null is as long about it as the run."""
    make = partial_node(cfg.sampler, "sampler")
    if make.keywords.get("epochs", 0) is not None:
        return make
    if (cfg.trainer.max_epochs or -1) < 1:
        raise UserError(
            f"sampler.epochs=null is the run's length, which trainer.max_epochs={cfg.trainer.max_epochs} leaves open: "
            "try sampler.epochs=20"
        )
    return partial(make, epochs=cfg.trainer.max_epochs)


def check_imbalance(imbalance: Imbalance | None, datamodule: pl.LightningDataModule) -> None:
    """Raise ``UserError`` for an imbalance that the data module would pass over."""
    if imbalance is not None and not isinstance(datamodule, ArrayDataModule):
        raise UserError(
            f"imbalance needs data whose splits are made here; {type(datamodule).__name__} makes its own: "
            "try imbalance=none"
        )


@rank_zero_only
def warn_of_double_correction(objective: Any, datamodule: pl.LightningDataModule) -> None:
    """Say so when two parts of the run favour rare classes, each as if it were alone."""
    sampler = getattr(getattr(datamodule, "make_sampler", None), "func", None)
    found = [*getattr(objective, "rebalances", []), *(["the sampler"] if getattr(sampler, "rebalances", False) else [])]
    if len(found) > 1:
        log.warning(
            "%s all favour rare classes: what each corrects is corrected more than once; leave all but one out",
            " and ".join(found),
        )
