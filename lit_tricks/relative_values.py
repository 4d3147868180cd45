"""Values that a run states relative to others of its own, carried out before it trains."""

import copy
import logging

from omegaconf import DictConfig, OmegaConf

from lit_tricks.accelerators import check_accelerator
from lit_tricks.instantiation import build_node, partial_node
from lit_tricks.optim import rate_factor
from lit_tricks.optim.batch_scaling import Rule
from lit_tricks.targets import check_targets

log = logging.getLogger("lit_tricks")


def carried_out(cfg: DictConfig, rate_is_searched: bool = False) -> DictConfig:
    """Return the configuration with the numbers that its factors lead to, and without the factors.

    ``batch_size`` and ``trainer.max_epochs`` become the nearest whole number of at least 1. ``lr_scaling`` multiplies
    ``optimizer.lr`` by what the examples of one optimizer step, over all processes and accumulated batches, ask for
    against ``base_batch_size``, the ``batch_size`` before its factor where that is null; not so for a rate that
    ``rate_is_searched`` with these very batches. Carried out once more, the result stays as it is. Configurations
    without these knobs do too.
    """
    found = copy.deepcopy(cfg)
    base = cfg.get("base_batch_size") or cfg.batch_size
    if cfg.get("batch_factor", 1) != 1:
        found.batch_size = max(1, round(cfg.batch_size * cfg.batch_factor))
        found.batch_factor = 1
        log.info("batch_size: %g · %d = %d", cfg.batch_factor, cfg.batch_size, found.batch_size)
    if cfg.get("epoch_factor", 1) != 1:
        found.trainer.max_epochs = max(1, round(cfg.trainer.max_epochs * cfg.epoch_factor))
        found.epoch_factor = 1
        log.info("max_epochs: %g · %d = %d", cfg.epoch_factor, cfg.trainer.max_epochs, found.trainer.max_epochs)
    rule = cfg.get("lr_scaling", "none")
    if rule != "none":
        found.lr_scaling = "none"
        if rate_is_searched:
            log.info("lr_scaling=%s: left out, since the rate is searched with this batch size", rule)
        else:
            _scale_rate(found, rule, base)
    return found


def _scale_rate(cfg: DictConfig, rule: Rule, base: int) -> None:
    check_targets(cfg)
    optimizer = partial_node(cfg.optimizer, "optimizer").func
    examples = cfg.batch_size * cfg.trainer.accumulate_grad_batches * _processes(cfg)
    factor = rate_factor(rule, examples, base, optimizer)
    before = cfg.optimizer.lr
    OmegaConf.update(cfg, "optimizer.lr", before * factor)
    log.info(
        "learning rate: %g · %g = %g, for %d examples a step instead of %d",
        factor,
        before,
        cfg.optimizer.lr,
        examples,
        base,
    )


def _processes(cfg: DictConfig) -> int:
    """Return how many processes will train: ``auto`` devices are known only to Lightning."""
    check_accelerator(cfg.trainer)
    trainer = build_node({**cfg.trainer, "logger": False, "enable_checkpointing": False}, "trainer")
    return int(trainer.world_size)
