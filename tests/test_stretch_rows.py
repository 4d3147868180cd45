"""Stretches cut batches out of one piece of memory, at addresses that single batches never have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from training import make_module, make_trainer

from lit_tricks.data import ArrayDataModule
from lit_tricks.data.source import Examples, Loaded, Source
from lit_tricks.models import MLP
from lit_tricks.stretches import install_stretches

pytestmark = pytest.mark.filterwarnings("ignore:The number of training batches")

DEVICES = [
    "cpu",
    pytest.param("gpu", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


class Table(Source):
    """Random numbers in so many columns."""

    name, kind = "table", "table"

    def __init__(self, features: int) -> None:
        self.features = features

    def load(self) -> Loaded:
        x = torch.randn(600, self.features, generator=torch.Generator().manual_seed(0))
        return Loaded(Examples(x, (x.sum(1) > 0).long()), None, ("a", "b"))


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("features", "batch_size"), [(2, 7), (5, 7), (30, 7), (30, 10), (13, 33)])
@pytest.mark.parametrize("network", [{}, {"dropout": 0.4, "norm": "batch"}], ids=["plain", "dropout and batch norm"])
def test_rows_of_any_length_leave_the_bits_of_single_steps(
    device: str, features: int, batch_size: int, network: dict[str, Any], threads: int, tmp_path: Path
) -> None:
    found = []
    for stretches in (False, True):
        datamodule: Any = ArrayDataModule(Table(features), batch_size=batch_size, normalise="standard")
        datamodule.setup("fit")
        torch.manual_seed(3)
        module = make_module(datamodule, network=MLP((features,), 2, hidden=[30], **network))
        trainer = make_trainer(tmp_path / str(stretches), 2, accelerator=device)
        if stretches:
            install_stretches(trainer)
        torch.manual_seed(7)
        trainer.fit(module, datamodule=datamodule)
        weights = torch.cat([value.double().flatten().cpu() for value in module.state_dict().values()])
        found.append((weights, {name: float(value) for name, value in trainer.callback_metrics.items()}))
    assert torch.get_num_threads() == threads
    assert trainer.fit_loop.epoch_loop.reason is None
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
