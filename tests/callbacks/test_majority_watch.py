"""A network that answers with the majority alone is named once, beside the dummy's figures."""

import re
from pathlib import Path

import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from torch import nn
from training import make_trainer

from lit_tricks.callbacks import MajorityWatch
from lit_tricks.data import MoonsDataModule
from lit_tricks.data.class_samplers import ClassAwareSampler
from lit_tricks.data.class_sizes import TwoClassShare
from lit_tricks.module import LitClassifier
from lit_tricks.objectives import CrossEntropy
from lit_tricks.validation_figures import ValidationFigures

pytestmark = pytest.mark.filterwarnings("ignore:The number of training batches")


def fit(
    folder: Path,
    bias: tuple[float, float],
    epochs: int = 3,
    share: float = 0.1,
    n_samples: int = 1000,
    resume: bool = False,
    sampler: type | None = None,
) -> MoonsDataModule:
    """Train hardly at all from a layer that answers by its bias."""
    data = MoonsDataModule(
        n_samples=n_samples, val_size=0.3, imbalance=TwoClassShare(share, splits="all"), sampler=sampler
    )
    data.setup()
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor(bias))
    module = LitClassifier(
        network=layer,
        objective=CrossEntropy(2),
        normaliser=data.normaliser,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e-6),
        spec=data.spec,
    )
    last = str(folder / "checkpoints" / "last.ckpt") if resume else None
    make_trainer(folder, epochs, [MajorityWatch()]).fit(module, datamodule=data, ckpt_path=last)
    return data


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "majority collapse" in record.getMessage()]


def test_it_is_named_once_with_the_dummys_figures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = fit(tmp_path, (1.0, -1.0))
    (message,) = said(caplog)
    truth = data.val.y.numpy()
    dummy = DummyClassifier(strategy="most_frequent").fit(data.train.x.numpy(), data.train.y.numpy())
    answers = dummy.predict(data.val.x.numpy())
    accuracy, balanced = accuracy_score(truth, answers), balanced_accuracy_score(truth, answers)
    rare = int((truth == 1).sum())
    assert message.startswith(f"majority collapse in epoch 1: none of {rare} validation examples of rare classes")
    assert f"always answering {data.spec.class_names[0]!r} has {accuracy:.3f} and {balanced:.3f}" in message
    assert re.search(rf"; accuracy {accuracy:.3f}, balanced accuracy {balanced:.3f};", message)
    assert message.endswith("if it stays, try sampler=class_aware")
    caplog.clear()
    fit(tmp_path, (1.0, -1.0), epochs=4, resume=True)
    assert not said(caplog)


def test_a_run_that_favours_rare_classes_already_gets_another_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit(tmp_path, (1.0, -1.0), epochs=1, sampler=ClassAwareSampler)
    (message,) = said(caplog)
    assert message.endswith("try more trainer.max_epochs or another optimizer.lr")


@pytest.mark.parametrize(
    ("bias", "share", "n_samples"),
    [((-1.0, 1.0), 0.1, 1000), ((1.0, -1.0), 0.5, 1000), ((1.0, -1.0), 0.1, 200)],
    ids=["rare class answered", "equal classes", "too few to judge"],
)
def test_nothing_is_said_without_evidence(
    bias: tuple[float, float], share: float, n_samples: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit(tmp_path, bias, 1, share, n_samples)
    assert not said(caplog)


def test_a_confusion_summed_over_processes_may_be_asked_for_twice() -> None:
    figures = ValidationFigures(2, torch.device("cpu"))
    figures.note(torch.ones(3), torch.eye(2)[[0, 0, 1]], torch.tensor([0, 1, 1]))

    def doubled(value: torch.Tensor) -> torch.Tensor:
        return value.mul_(2)

    assert figures.confusion(doubled).tolist() == [[2, 0], [2, 2]]
    assert figures.confusion(doubled).tolist() == [[2, 0], [2, 2]]
