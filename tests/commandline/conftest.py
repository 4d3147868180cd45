"""A stand-in for the heavy part, so that the command line is tested without it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

Job = Callable[[DictConfig], float | None]


class Jobs:
    """Records every configuration that reached ``run_job``; ``act`` is what a job does."""

    def __init__(self) -> None:
        self.configs: list[dict[str, Any]] = []
        self.directories: list[str] = []
        self.act: Job = lambda cfg: 0.5

    def run_job(self, cfg: DictConfig) -> float | None:
        self.configs.append(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
        self.directories.append(HydraConfig.get().runtime.output_dir)
        return self.act(cfg)


class Interrupted(Exception):
    """Stands for the exception of the same name."""


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Jobs]:
    """Replace ``lit_tricks.run`` and work in an empty folder."""
    stand_in, recorded = ModuleType("lit_tricks.run"), Jobs()
    stand_in.run_job = recorded.run_job  # type: ignore[attr-defined]
    stand_in.Interrupted = Interrupted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lit_tricks.run", stand_in)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    yield recorded
    GlobalHydra.instance().clear()
