"""What is read from a source, what fits, and what is said where nothing does."""

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training import make_module

from lit_tricks.data import DigitsDataModule
from lit_tricks.data.spec import DataSpec
from lit_tricks.errors import UserError
from lit_tricks.models import CNN, MLP
from lit_tricks.module import LitClassifier
from lit_tricks.transfer import FineTuned, Frozen, Gradual
from lit_tricks.transfer.layers import parts_of


def module_of(network: nn.Module | None = None, **knobs: Any) -> LitClassifier:
    return make_module(DigitsDataModule(train_size=200, **knobs), network=network)


def saved(path: Path, content: Any) -> str:
    torch.save(content, path)
    return str(path)


def checkpoint(path: Path, network: nn.Module, spec: DataSpec, shift: float = 3.0) -> str:
    """Write what a run's checkpoint holds of its network, its data and its statistics."""
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    statistics = {"shift": torch.full((1, *spec.input_shape), shift), "scale": torch.ones(1, *spec.input_shape)}
    state |= {f"normaliser.{name}": value for name, value in statistics.items()}
    return saved(path, {"state_dict": state, "hyper_parameters": {"data_spec": spec.to_dict()}})


def test_layers_are_counted_from_the_output_and_norms_belong_to_the_layer_before() -> None:
    network = CNN((1, 8, 8), 10, channels=[2], hidden=[3], norm="batch")
    depths = {part.name: part.depth for part in parts_of(network)}
    assert depths == {
        "blocks.0.conv": 2,
        "blocks.0.norm": 2,
        "layers.0.linear": 1,
        "layers.0.norm": 1,
        "output": 0,
    }


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
@pytest.mark.parametrize("inside", [False, True], ids=["state dict", "checkpoint"])
def test_the_weights_of_a_file_are_the_sources(prefix: str, inside: bool, tmp_path: Path) -> None:
    theirs = MLP((1, 8, 8), 10, hidden=[16])
    state = {f"{prefix}{name}": value for name, value in theirs.state_dict().items()}
    module = module_of(MLP((1, 8, 8), 10, hidden=[16]))
    transfer = FineTuned(saved(tmp_path / "w.pt", {"state_dict": state} if inside else state))
    transfer.adopt(module)
    for name, value in module.network.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name])
    assert transfer.record["reused"] == ["layers.0.linear", "output"]
    assert transfer.record["new"] == []
    assert transfer.record["statistics"] == "data"


def test_an_output_for_other_classes_is_new(tmp_path: Path) -> None:
    theirs = MLP((1, 8, 8), 10, hidden=[16])
    spec = module_of().spec
    others = DataSpec.from_dict({**spec.to_dict(), "class_names": tuple("abcdefghij")})
    same, other = checkpoint(tmp_path / "same.ckpt", theirs, spec), checkpoint(tmp_path / "o.ckpt", theirs, others)
    wider = saved(tmp_path / "wider.pt", MLP((1, 8, 8), 11, hidden=[16]).state_dict())
    cases = {
        (same, "auto"): True,
        (same, True): False,
        (other, "auto"): False,
        (other, False): True,
        (wider, "auto"): False,
        (wider, False): False,
    }
    for (source, new_output), reused in cases.items():
        module = module_of(MLP((1, 8, 8), 10, hidden=[16]))
        before = module.network.output.weight.clone()
        transfer = Frozen(source, new_output=new_output)
        transfer.adopt(module)
        assert ("output" in transfer.record["reused"]) == reused
        assert torch.equal(module.network.output.weight, theirs.output.weight if reused else before)


def test_a_part_takes_all_of_its_tensors_or_none(tmp_path: Path) -> None:
    # without batch norm a layer has a bias, which this network's lacks
    source = saved(tmp_path / "w.pt", MLP((1, 8, 8), 10, hidden=[16, 9], norm="none").state_dict())
    network = MLP((1, 8, 8), 10, hidden=[16, 9], norm="batch")
    with pytest.raises(UserError, match=r"layers\.0\.linear\.bias \(16,\)"):
        Frozen(source).adopt(module_of(network))


def test_the_sources_statistics_scale_the_inputs_unless_the_datas_are_asked_for(tmp_path: Path) -> None:
    theirs = MLP((1, 8, 8), 10, hidden=[16])
    spec = module_of().spec
    source = checkpoint(tmp_path / "w.ckpt", theirs, spec)
    for statistics, shift in (("source", 3.0), ("data", 0.0)):
        module = module_of(MLP((1, 8, 8), 10, hidden=[16]))
        transfer = Frozen(source, statistics=statistics)
        transfer.adopt(module)
        assert (module.normaliser.shift == shift).all()
        assert transfer.record["statistics"] == statistics
    bytes_ = DataSpec.from_dict({**spec.to_dict(), "value_range": (0.0, 255.0)})
    other = checkpoint(tmp_path / "bytes.ckpt", theirs, bytes_)
    with pytest.raises(UserError, match=r"had \(0.0, 255.0\).*\(0.0, 16.0\): try transfer.statistics=data"):
        Frozen(other).adopt(module_of(MLP((1, 8, 8), 10, hidden=[16])))
    Frozen(other, statistics="data").adopt(module_of(MLP((1, 8, 8), 10, hidden=[16])))


def test_convolutions_fit_images_of_another_size_but_statistics_do_not(tmp_path: Path) -> None:
    larger = DataSpec.from_dict({**module_of().spec.to_dict(), "input_shape": (1, 12, 12)})
    source = checkpoint(tmp_path / "w.ckpt", CNN((1, 12, 12), 10, channels=[4], hidden=[]), larger)
    with pytest.raises(UserError, match=r"do not fit \(1, 8, 8\): try transfer.statistics=data"):
        Frozen(source).adopt(module_of(CNN((1, 8, 8), 10, channels=[4], hidden=[])))
    transfer = Frozen(source, statistics="data")
    transfer.adopt(module_of(CNN((1, 8, 8), 10, channels=[4], hidden=[])))
    assert transfer.record["reused"] == ["blocks.0.conv", "blocks.0.norm"]


def test_what_does_not_fit_is_told_with_names_and_shapes(tmp_path: Path) -> None:
    source = saved(tmp_path / "w.pt", MLP((1, 8, 8), 10, hidden=[7]).state_dict())
    message = "layers.0.linear.weight (7, 64), layers.0.linear.bias (7,), output.weight (10, 7)"
    with pytest.raises(UserError, match=f"{re.escape(message)}.*this network blocks.0.conv.weight"):
        Frozen(source).adopt(module_of(CNN((1, 8, 8), 10)))


def test_another_input_shape_is_told_with_a_remedy(tmp_path: Path) -> None:
    larger = DataSpec.from_dict({**module_of().spec.to_dict(), "input_shape": (1, 28, 28)})
    source = checkpoint(tmp_path / "w.ckpt", MLP((1, 28, 28), 10, hidden=[16]), larger)
    with pytest.raises(UserError, match=r"takes \(1, 28, 28\), these data have \(1, 8, 8\).*data.image_size"):
        Frozen(source).adopt(module_of(MLP((1, 8, 8), 10, hidden=[16])))


class Malice:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("touched"),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"not weights", "cannot be read"),
        (pickle.dumps(Malice()), "cannot be read"),
        ({"epoch": 3}, "must hold a state dict"),
        ([torch.ones(2)], "must hold a state dict"),
        (Malice(), "cannot be read"),
    ],
)
def test_a_file_without_weights_is_refused_and_runs_nothing(
    content: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(UserError, match=message):
        Frozen(str(path)).adopt(module_of())
    assert not (tmp_path / "touched").exists()


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="received nowhere, which is neither: list runs/"):
        Frozen("nowhere").adopt(module_of())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Frozen(""), "transfer.source must be"),
        (lambda: Frozen("a", statistics="both"), "transfer.statistics must be source or data"),
        (lambda: Frozen("a", new_output="yes"), "transfer.new_output must be auto, true or false"),
        (lambda: FineTuned("a", body_lr=0), "transfer.body_lr"),
        (lambda: Gradual("a", epochs_each=0), "transfer.epochs_each"),
        (lambda: Gradual("a", lr_divisor=0.5), "transfer.lr_divisor"),
    ],
)
def test_knobs_out_of_range_are_refused(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()
