"""What a run does about classes of unequal size, checked where the data and the objective meet."""

import logging
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.data import ArrayDataModule
from lit_tricks.data.imbalance import Imbalance
from lit_tricks.errors import UserError
from lit_tricks.instantiation import build_node

log = logging.getLogger("lit_tricks")


def build_imbalance(cfg: Any) -> Imbalance | None:
    """Return the imbalance that the configuration names, None for data as it is."""
    # runs from before there was such a word have none
    node = cfg.get("imbalance") or {}
    return build_node(node, "imbalance") if node.get("_target_") else None


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
