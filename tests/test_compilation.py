"""A compiled run is the same run: same weights to evaluate, same checkpoint, its compile time told apart."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lit_tricks.commandline.entry import main
from lit_tricks.compilation import CompiledPass
from lit_tricks.errors import UserError
from lit_tricks.evaluate import evaluate_run
from lit_tricks.functional.training_pass import logits_and_loss

# torch's own, when its compiler is imported
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")

# a short last batch, running statistics and random numbers
WORDS = ["model.norm=batch", "model.dropout=0.3", "model.hidden=[16]", "trainer.max_epochs=2", "logger=none"]


@pytest.fixture(autouse=True)
def _graphs_of_its_own() -> Iterator[None]:
    yield
    torch.compiler.reset()


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def run(folder: Path, *words: str) -> dict:
    assert main([*WORDS, *words, f"hydra.run.dir={folder}"]) == 0
    return results_of(folder)


class TellsItsWay(nn.Module):
    """Doubles its logits where it is compiled, and works in place on what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.linear = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.drop(self.norm(x.add_(1.0)))) * (2.0 if torch.compiler.is_compiling() else 1.0)


def batch(size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(size)
    return torch.randn(size, 6, generator=generator), torch.arange(size) % 3


def test_whole_batches_are_compiled_and_others_are_not() -> None:
    network, objective = TellsItsWay().eval(), nn.CrossEntropyLoss()
    compiled = CompiledPass(logits_and_loss, "eager", 16)
    factors = []
    # the last batch of an epoch is shorter, or longer by the one example that was left over
    for size in (16, 16, 5, 16, 17, 16):
        x, y = batch(size)
        logits, loss = compiled(network, objective, x.clone(), y)
        factors.append(round(float((logits / network(x)).detach().mean())))
        assert torch.equal(loss, objective(logits, y))
    assert factors == [2, 2, 1, 2, 1, 2]


@pytest.mark.parametrize("first", [5, 17])
def test_a_run_that_resumes_at_an_epochs_last_batch_compiles_whole_ones_later(first: int) -> None:
    network, objective = TellsItsWay().eval(), nn.CrossEntropyLoss()
    compiled = CompiledPass(logits_and_loss, "eager", 16)
    for size, factor in ((first, 1), (16, 2)):
        x, y = batch(size)
        logits, _ = compiled(network, objective, x.clone(), y)
        assert torch.allclose(logits, factor * network(x))


def test_compiling_leaves_weights_statistics_gradients_and_random_state_alone() -> None:
    plain, objective, (x, y) = TellsItsWay(), nn.CrossEntropyLoss(), batch(8)
    network = copy.deepcopy(plain)
    torch.manual_seed(1)
    logits, _ = logits_and_loss(plain, objective, x.clone(), y)
    expected_state = torch.get_rng_state()
    torch.manual_seed(1)
    found, _ = CompiledPass(logits_and_loss, "aot_eager", 8)(network, objective, x, y)
    assert torch.equal(found, 2 * logits)
    assert torch.equal(torch.get_rng_state(), expected_state)
    assert all(parameter.grad is None for parameter in network.parameters())
    for name, value in plain.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name


def test_a_hook_that_comes_later_is_heard_and_one_that_goes_is_not() -> None:
    network, objective, (x, y) = TellsItsWay(), nn.CrossEntropyLoss(), batch(8)
    compiled = CompiledPass(logits_and_loss, "eager", 8)
    compiled(network, objective, x, y)
    heard: list[int] = []
    hook = network.linear.register_forward_hook(lambda *_: heard.append(1))
    compiled(network, objective, x, y)
    assert heard == [1]
    hook.remove()
    compiled(network, objective, x, y)
    assert heard == [1]


@pytest.mark.parametrize(("backend", "stepping"), [("aot_eager", "auto"), ("eager", "single")])
def test_a_backend_without_arithmetic_of_its_own_changes_no_bit(backend: str, stepping: str, tmp_path: Path) -> None:
    plain = run(tmp_path / "plain", f"stepping={stepping}")
    compiled = run(tmp_path / "compiled", f"stepping={stepping}", f"compile={backend}")
    assert compiled["metrics"] == plain["metrics"]
    assert compiled["stepping"] == plain["stepping"]
    assert compiled["seconds"]["compile"] > 0
    assert "compile" not in plain["seconds"]
    states = [
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("plain", "compiled")
    ]
    assert states[0].keys() == states[1].keys()


def test_without_a_compiler_there_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # nothing that was compiled before
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    compiled = CompiledPass(logits_and_loss, "inductor", 8)
    message = r"compile=inductor must compile .* InvalidCxxCompiler: .*: install g\+\+ .* or try compile=false"
    without = torch._inductor.config.patch({"cpp.cxx": (None, "no-such-compiler")})
    with without, pytest.raises(UserError, match=message):
        compiled(TellsItsWay(), nn.CrossEntropyLoss(), *batch(8))


@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
def test_inductor_trains_the_same_network_and_the_checkpoint_repeats_its_figures(tmp_path: Path) -> None:
    words = ["model=linear", "batch_size=64", "trainer.max_epochs=2", "logger=none"]
    assert main([*words, f"hydra.run.dir={tmp_path / 'plain'}"]) == 0
    assert main([*words, "compile=true", f"hydra.run.dir={tmp_path / 'compiled'}"]) == 0
    plain, compiled = results_of(tmp_path / "plain")["metrics"], results_of(tmp_path / "compiled")["metrics"]
    assert compiled == pytest.approx(plain, rel=1e-4)
    test = {name: value for name, value in compiled.items() if name.startswith("test")}
    assert evaluate_run(str(tmp_path / "compiled")) == test
