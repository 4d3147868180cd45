"""What splits share, looked for before training where a run asks for it."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_only

from lit_tricks.data import ArrayDataModule, Examples
from lit_tricks.data.duplicates import Shared, find_duplicates
from lit_tricks.errors import UserError

log = logging.getLogger("lit_tricks")

SOUGHT = ("none", "exact", "near")


def check_duplicates(how: str, datamodule: pl.LightningDataModule) -> list[dict[str, Any]]:
    """Look for ``exact`` or ``near`` duplicates across the splits, say what was found, and return it as primitives.

    ``none`` looks for nothing. Raises ``UserError`` for another word, and for data whose splits are not made here.
    """
    if how not in SOUGHT:
        raise UserError(f"duplicates must be one of {', '.join(SOUGHT)}; received {how!r}: try duplicates=near")
    if how == "none":
        return []
    if not isinstance(datamodule, ArrayDataModule):
        raise UserError(
            f"duplicates needs data whose splits are made here; {type(datamodule).__name__} makes its own: "
            "try duplicates=none, and lit_tricks.data.duplicates.find_duplicates on its tensors"
        )
    began = time.perf_counter()
    # validation on the test split is the same examples
    validates = {} if datamodule.val_split == "test" else {"val": datamodule.val}
    splits = {"train": datamodule.train, **validates, "test": datamodule.test}
    found = find_duplicates(splits, datamodule.normaliser, datamodule.spec.kind, "near" if how == "near" else "exact")
    for shared in found:
        _warn(shared, len(splits[shared.split]))
    _say(how, found, splits, time.perf_counter() - began)
    return [shared.to_dict() for shared in found]


@rank_zero_only
def _warn(shared: Shared, total: int) -> None:
    if not shared.exact and not shared.near:
        return
    log.warning(
        "duplicates: %d of %d %s examples are in %s too%s%s: they make figures of %s too good; remove them from one of "
        "the splits",
        shared.exact,
        total,
        shared.split,
        shared.among,
        f", {shared.contradicting} with another label" if shared.contradicting else "",
        f", and of {shared.asked} another {shared.near} nearly" if shared.near else "",
        shared.split,
    )


@rank_zero_only
def _say(how: str, found: Sequence[Shared], splits: Mapping[str, Examples], seconds: float) -> None:
    sampled = how == "near" and any(
        each.asked < len(splits[each.split]) or each.searched < len(splits[each.among]) for each in found
    )
    log.info(
        "duplicates: looked for %s ones across %s in %.1f s%s",
        "exact" if how == "exact" else "exact and near",
        ", ".join(name for name, examples in splits.items() if len(examples)),
        seconds,
        ", for near ones in a sample" if sampled else "",
    )
