"""Every pair of tricks trains together, or is refused with a reason that stands here."""

from itertools import combinations
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from lit_tricks.build import build
from lit_tricks.commandline.cards import tricks
from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.stacking import check_stack
from lit_tricks.commandline.strict import check_command_line
from lit_tricks.errors import UserError
from lit_tricks.models import MLP
from lit_tricks.run_directory import RunDirectory
from tests.covering import MOST_OVERLAYS, Word, covering_rows

CONF = Path(__file__).resolve().parents[1] / "conf"
SHORT = [
    "data.train_size=64", "batch_size=16", "model.hidden=[8]", "trainer.max_epochs=2", "trainer.limit_train_batches=2",
    "logger=none", "trainer.enable_progress_bar=false", "scheduler.warmup_steps=1",
]  # fmt: skip
COMPOSER = Composer(str(conf_dir()))
WORDS: list[Word] = tricks(COMPOSER)
WITHOUT_MOMENTUM = ("adadelta", "adagrad", "adam", "adamax", "adamw", "lbfgs")
REFUSED = (
    {
        frozenset({("experiment", "momentum"), ("optimizer", word)}): f"optimizer={word} has no momentum"
        for word in WITHOUT_MOMENTUM
    }
    | {
        frozenset({("experiment", word), ("optimizer", "lbfgs")}): reason
        for word, reason in {
            "weight_decay": "optimizer=lbfgs has no weight_decay",
            "accumulation": "needs trainer.accumulate_grad_batches=1",
            "gradient_clipping": "needs the loss's own gradient",
            "bigger_batch": "lr_scaling=auto has nothing to scale",
            "smaller_batch": "lr_scaling=auto has nothing to scale",
            "lr_finder": "lr_finder finds optimizer.lr; it cannot be used with optimizer=lbfgs",
        }.items()
    }
    | {
        frozenset({("experiment", f"after_training/{word}"), ("sampler", "smote")}): "made-up ones shift more than"
        for word in ("prior", "logit_adjustment")
    }
    | {
        frozenset({("experiment", "ema"), ("experiment", "swa")}): "a run can hand back one average of its weights",
    }
)


def undoes(pair: tuple[Word, Word]) -> bool:
    """Return whether both are experiments of which one would undo the other, which tests of the stack look at."""
    (group, name), (other_group, other) = pair
    if not group == other_group == "experiment":
        return False
    try:
        check_stack([name, other], [], COMPOSER)
    except UserError:
        return True
    return False


UNDOING = {frozenset(pair) for pair in combinations(WORDS, 2) if undoes(pair)}
ROWS = covering_rows(WORDS, UNDOING | REFUSED.keys())


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of weights for what begins with another network's, by their norm."""
    folder = tmp_path_factory.mktemp("sources")
    for norm in ("none", "batch", "layer"):
        torch.save(MLP([64], 10, hidden=[8], norm=norm).state_dict(), folder / norm)
    return folder


def arguments(row: list[Word], sources: Path | None = None) -> list[str]:
    overlays = [name for group, name in row if group == "experiment"]
    chosen = [f"{group}={name}" for group, name in row if group != "experiment"]
    norm = "batch" if "batchnorm" in overlays else "layer" if "layernorm" in overlays else "none"
    begins = {"transfer", "deferred/classifier_retraining"} & set(overlays)
    needed = [f"transfer.source={sources}/{norm}"] if begins else []
    needed += ["data.classes=[0,1]"] if "after_training/threshold" in overlays else []
    return [*chosen, f"+experiment=[{','.join(overlays)}]", *needed, *SHORT]


def label(row: list[Word]) -> str:
    return " ".join(f"{group}={name}" for group, name in row)


@pytest.mark.filterwarnings("ignore:The number of training batches")
@pytest.mark.parametrize("row", ROWS, ids=[str(number) for number in range(len(ROWS))])
def test_tricks_train_together(row: list[Word], sources: Path, tmp_path: Path) -> None:
    check_command_line(arguments(row, sources))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", arguments(row, sources))
    built = build(cfg, RunDirectory.claim(tmp_path / "run"))
    built.trainer.fit(built.module, datamodule=built.datamodule)
    weights = torch.cat([parameter.detach().flatten() for parameter in built.module.network.parameters()])
    assert built.trainer.global_step, label(row)
    assert torch.isfinite(weights).all(), label(row)


@pytest.mark.parametrize(("pair", "reason"), REFUSED.items(), ids=[label(sorted(pair)) for pair in REFUSED])
def test_an_impossible_pair_says_why(pair: frozenset[Word], reason: str) -> None:
    with pytest.raises(UserError) as raised:
        check_command_line(arguments(sorted(pair)))
    assert reason in str(raised.value)


def test_the_rows_hold_every_pair() -> None:
    held = {frozenset(pair) for row in ROWS for pair in combinations(row, 2)}
    wanted = {
        frozenset(pair)
        for pair in combinations(WORDS, 2)
        if pair[0][0] != pair[1][0] or pair[0][0] == pair[1][0] == "experiment"
    }
    assert held == wanted - UNDOING - REFUSED.keys()
    assert len(UNDOING) < len(wanted) / 20
    for row in ROWS:
        groups = [group for group, _ in row if group != "experiment"]
        assert len(groups) == len(set(groups))
        assert len(row) - len(groups) <= MOST_OVERLAYS
