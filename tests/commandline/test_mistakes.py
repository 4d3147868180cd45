"""Every mistake a user makes gives one message that says what to do, exit code 2, and leaves nothing behind.

A row is the arguments of ``train.py`` and what the message must hold. Mistakes that show on the command line alone
are ``ON_THE_COMMAND_LINE``: nothing heavy is imported for them and no directory is created. Mistakes that show only
when data and network are built belong in ``WHEN_BUILT``.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lit_tricks.commandline.entry import main

REPOSITORY = Path(__file__).resolve().parents[2]

ON_THE_COMMAND_LINE = [
    (["data=csv"], ["data.path must name your file;", "try data.path=FILE.csv"]),
    (["data=npz"], ["data.path must name your file;", "try data.path=FILE.npz"]),
    (["data=image_folder"], ["data.path must name your folder;", "try data.path=FOLDER"]),
    (["data=custom"], ["data._target_=my_package.MyData allow_targets=[my_package]"]),
    (["model=custom"], ["model._target_=my_package.MyNet allow_targets=[my_package]"]),
    # groups and words
    (["optimiser=adam"], ["there is no 'optimiser'", "did you mean optimizer?"]),
    (["optmizer/foo=adam"], ["no group 'optmizer/foo'", "did you mean optimizer?"]),
    (["optimizer=adm"], ["optimizer has no word 'adm'", "did you mean optimizer=adam?", "adamw"]),
    (["+experimnt=dropout"], ["there is no 'experimnt'", "did you mean +experiment?"]),
    (["experiment=dropout"], ["try +experiment=dropout"]),
    (["++experiment=dropout"], ["one + at most", "try experiment=dropout"]),
    (["+experiment=drpout"], ["experiment has no word 'drpout'", "did you mean +experiment=dropout?"]),
    (
        ["+experiment=[dropout,batchnrom]"],
        ["has no word 'batchnrom'", "did you mean +experiment=batchnorm?"],
    ),
    (["+model=cnn"], ["model already has a word", "try model=cnn"]),
    (["model=[mlp,cnn]"], ["model takes one word", "try model=mlp"]),
    (["model=null"], ["model has no word 'null'", "mlp"]),
    (["~model"], ["every run needs a word for model", "model=WORD"]),
    (["trainer=_base"], ["trainer has no word '_base'", "cpu"]),
    # keys
    (["sed=1"], ["there is no 'sed'", "did you mean seed?"]),
    (["++sed=1"], ["there is no 'sed'", "did you mean seed?"]),
    (["+seed=1"], ["seed is there already", "try seed=1"]),
    (["lr=0.1"], ["there is no 'lr'", "did you mean optimizer.lr?"]),
    (["epochs=3"], ["did you mean trainer.max_epochs?"]),
    (["experiment=dropot"], ["did you mean +experiment=dropout?"]),
    (["optimizer.learning_rate=0.1"], ["did you mean optimizer.lr?"]),
    (["learning_rate=0.1"], ["did you mean optimizer.lr?"]),
    (["dropout=0.3"], ["did you mean model.dropout or +experiment=dropout?"]),
    (["model=linear", "dropout=0.3"], ["model=linear has no dropout", "words with it: cnn, mlp"]),
    (["momentum=0.9"], ["optimizer=adam has no momentum", "words with it: momentum"]),
    (["optimizer=sgd", "momentum=0.9"], ["did you mean optimizer.momentum or +experiment=momentum?"]),
    (["batchnorm=true"], ["did you mean +experiment=batchnorm?"]),
    (["cnn=true"], ["did you mean model=cnn?"]),
    (["gpus=1"], ["did you mean trainer=gpu?"]),
    (["data.num_workers=4"], ["data lies in memory", "threads=4"]),
    (["network=cnn"], ["did you mean model?"]),
    (["model.width=8"], ["there is no 'model.width'"]),
    (["trainer.barebones=true"], ["there is no 'trainer.barebones'"]),
    (["model.dropuot=0.3"], ["there is no 'model.dropuot'", "did you mean model.dropout?"]),
    (["+trainer.epochs=3"], ["there is no 'trainer.epochs'", "did you mean trainer.max_epochs?"]),
    (["~callbacks.progres_bar"], ["did you mean ~callbacks.progress_bar?"]),
    (
        ["++callbacks.early_stoping.patience=5"],
        ["early_stoping has no _target_", "callbacks.early_stopping?"],
    ),
    (["callbacks.early_stopping.patience=5"], ["not part of this run", "add +experiment=early_stopping"]),
    (["+experiment=early_stopping", "+callbacks.early_stopping.patince=5"], ["callbacks.early_stopping.patience?"]),
    (
        ["model=linear", "+experiment=dropout"],
        ["model=linear has no dropout", "+experiment=dropout", "words with it: ", "mlp"],
    ),
    (["model=linear", "model.hidden=[3]"], ["model=linear has no hidden", "words with it: ", "mlp"]),
    (["optimizer=lbfgs", "+experiment=weight_decay"], ["optimizer=lbfgs has no weight_decay", "adamw"]),
    (["+optimizer@second=sgd"], ["there is no 'second'"]),
    # types and ranges
    (["optimizer.lr=0"], ["optimizer.lr must be a number greater than 0", "received 0", "try optimizer.lr=0.001"]),
    (["optimizer.lr=fast"], ["optimizer.lr must be a number greater than 0", "received fast"]),
    (["optimizer.betas=[0.9]"], ["optimizer.betas must be a list of 2 numbers", "received [0.9]"]),
    (["model.dropout=1"], ["model.dropout must be a number at least 0 and less than 1", "received 1"]),
    (["model.dropout=true"], ["model.dropout must be a number", "received true"]),
    (["model.hidden=128"], ["model.hidden must be a list of whole numbers at least 1", "try model.hidden=[128]"]),
    (["model.activation=rleu"], ["model.activation must be sigmoid, tanh, relu", "received rleu"]),
    (["batch_size=0"], ["batch_size must be a whole number at least 1", "received 0"]),
    (["batch_size=32.5"], ["batch_size must be a whole number", "received 32.5"]),
    (["seed=-1"], ["seed must be a whole number at least 0", "received -1"]),
    (["threads=0"], ["threads must be a whole number at least 1, or auto", "received 0"]),
    (["compile=maybe"], ["compile must be true or false", "received maybe"]),
    (["data.val_size=1.5"], ["data.val_size must be", "received 1.5", "try data.val_size=0.1"]),
    (["data.normalise=zscore"], ["data.normalise must be minmax, standard or none", "received zscore"]),
    (["loss.label_smoothing=1"], ["loss.label_smoothing must be", "less than 1", "received 1"]),
    (["trainer.max_epochs=0"], ["trainer.max_epochs must be", "received 0", "try trainer.max_epochs=20"]),
    (["init.scheme=foo"], ["received foo: try init.scheme=default"]),
    (["init.scheme=he_norml"], ["received he_norml: try init.scheme=he_normal"]),
    (["trainer.log_every_n_steps=0"], ["at least 1", "received 0", "try trainer.log_every_n_steps=50"]),
    (["data=breast_cancer", "data.malignant_share=0.4"], ["at most 0.372, or null", "received 0.4"]),
    (["trainer.precision=15"], ["trainer.precision must be", "bf16-mixed", "received 15"]),
    # rules between knobs
    (["data.fold=1"], ["data.fold=1 needs the number of folds", "try data.folds=5"]),
    (["data.folds=5", "data.fold=5"], ["data.fold must be less than data.folds=5", "received 5"]),
    (["model.hidden=[8,8]", "model.dropout=[0.1]"], ["one value per hidden layer (2)", "received 1"]),
    (
        ["+experiment=dropout", "+experiment=[l1,l2]"],
        ["one list", "received +experiment=dropout +experiment=[l1,l2]", "try '+experiment=[dropout,l1,l2]'"],
    ),
    (["--experiment=dropout"], ["no dashes", "received '--experiment=dropout'", "try +experiment=dropout"]),
    (["optimizer=lbfgs", "+experiment=accumulation"], ["accumulate_grad_batches=1", "received 4", "larger batch_size"]),
    (["optimizer=lbfgs", "trainer.gradient_clip_val=1"], ["gradient_clip_val=null", "received 1", "leave it out"]),
    (["optimizer=nesterov", "optimizer.momentum=0"], ["greater than 0", "received 0", "try optimizer.momentum=0.9"]),
    (["optimizer=momentum", "+optimizer.nesterov=true"], ["optimizer=momentum has no nesterov", "nesterov"]),
    (["model=cnn", "model.kernel_size=4"], ["must be odd", "received 4", "try model.kernel_size=5"]),
    (["trainer.min_epochs=30"], ["trainer.min_epochs must not exceed trainer.max_epochs", "30 and 20"]),
    (["callbacks.checkpoint.monitor=val/acc"], ["should rise", "add callbacks.checkpoint.mode=max"]),
    # classical classifiers
    (["model=svm", "model.kernel=rbff"], ["model.kernel must be rbf, linear", "received rbff: try model.kernel=rbf"]),
    (["model=svm", "model.C=0"], ["model.C must be a number greater than 0", "received 0: try model.C=1.0"]),
    (["model=svm", "model.gamma=-1"], ["greater than 0, or scale or auto", "received -1: try model.gamma=scale"]),
    (["model=svm_grid", "model.C=3"], ["model.C must be a list of at least 1 numbers", "try model.C=[1,10,100]"]),
    (["model=svm_grid", "model.gamma=[1,-1]"], ["model.gamma must be a list", "received [1,-1]"]),
    (["model=svm_grid", "model.folds=1"], ["model.folds must be a whole number at least 2", "received 1"]),
    (["model=svm_grid", "model.estimator.kernel=rfb"], ["model.estimator.kernel must be", "kernel=rbf"]),
    (["model=svm", "optimizer=adam"], ["model=svm is fitted at once and reads no optimizer", "leave it out"]),
    (["model=svm", "optimizer.lr=0.1"], ["reads no optimizer; received 'optimizer.lr=0.1'", "model=mlp"]),
    (["model=majority", "trainer.max_epochs=3"], ["reads no trainer; received 'trainer.max_epochs=3'"]),
    (["model=svm", "~callbacks.progress_bar"], ["reads no callbacks; received '~callbacks.progress_bar'"]),
    (["model=svm", "batch_size=8"], ["reads no batch_size; received 'batch_size=8'"]),
    (["model=svm", "+experiment=label_smoothing"], ["reads no loss; received +experiment=label_smoothing"]),
    (["model=svm", "+experiment=[baseline,early_stopping]"], ["no callbacks; received +experiment=early_stopping"]),
    (["model=svm", "+experiment=dropout"], ["model=svm has no dropout", "+experiment=dropout"]),
    (["-m", "model=mlp,svm", "loss=mse"], ["model=svm is fitted at once and reads no loss"]),
    (["model._target_=sklearn.svm.SVC", "init=zeros"], ["model=custom is fitted at once and reads no init"]),
    (["model=custom", "model._target_=sklearn.pipeline.Pipeline"], ["may not name 'sklearn.pipeline.Pipeline'"]),
    # classes
    (["augmentation=mixup", "augmentation.mixup.alpha=-1"], ["alpha must be a number at least 0", "mixup.alpha=0.2"]),
    (["augmentation=full", "augmentation.affine.degrees=200"], ["at most 180", "augmentation.affine.degrees=10.0"]),
    (["augmentation.mixup.alpha=1"], ["augmentation=none has no mixup.alpha: words with it: mixup"]),
    (["augmentation._target_=torch.nn.Identity"], ["has a name", "+augmentation.NAME={_target_:package.Class}"]),
    (["optimizer._target_=os.system"], ["optimizer._target_ may not name 'os.system'"]),
    (["optimizer._target_=torch.hub.load"], ["optimizer._target_ may not name 'torch.hub.load'"]),
    (["model._target_=my_package.Net"], ["'my_package.Net' is not on the allow-list", "allow_targets=[my_package]"]),
    (["+callbacks.x={_target_:builtins.eval}"], ["callbacks.x._target_ may not name 'builtins.eval'"]),
    (["+hydra.callbacks.x={_target_:os.system}"], ["hydra.callbacks.x._target_ may not name 'os.system'"]),
    (["optimizer._target_=lit_tricks.cli.main"], ["optimizer._target_ may not name 'lit_tricks.cli.main'"]),
    (["optimizer._target_=torch.optim.adam.adam"], ["optimizer._target_ must name a public class"]),
    (["+hydra.callbacks.x={_target_:hydra.utils.call}"], ["hydra.callbacks.x._target_ may not name"]),
    (["allow_targets=[torch]"], ["allow_targets takes packages of your own", "received 'torch'"]),
    (["allow_targets=[os]"], ["never admits Python's standard library", "'os'"]),
    (["allow_targets=my_package"], ["allow_targets must be a list", "allow_targets=[my_package]"]),
    # sweeps, resuming, syntax
    (["seed=0,1"], ["several values", "add -m", "[0,1]"]),
    (["seed=range(0,3)"], ["is a sweep", "add -m"]),
    (["-m", "seed=0,1,-1"], ["seed must be", "received -1"]),
    (["-m", "optimizer=sgd,adm"], ["optimizer has no word 'adm'", "optimizer=adam?"]),
    (["-m", "optimizer.lr=choice(0.1,0)"], ["optimizer.lr must be", "received 0"]),
    (["-m", "hydra.job.name=a,b"], ["Hydra's own keys cannot be swept"]),
    (["resume=nowhere"], ["resume must be a run directory", "nowhere is no folder"]),
    (["-m", "resume=nowhere", "seed=0,1"], ["resume continues one run"]),
    (["resume=nowhere", "model=cnn"], ["resume continues the run with its own words", "remove 'model=cnn'"]),
    (["seed=???"], ["seed has no value", "seed=VALUE"]),
    (["seed='${nope}'"], ["seed is ${nope}, which leads nowhere"]),
    (["dropout"], ["each argument is a group=word or a key=value", "'dropout': did you mean +experiment=dropout?"]),
    (["mnits"], ["received 'mnits': did you mean data=mnist?"]),
    (["xyzzy"], ["received 'xyzzy'\n"]),
    (["model={"], ["cannot read 'model={'", "quote"]),
    (["--epochs=3"], ["a choice has no dashes", "try trainer.max_epochs=3"]),
    (["--hepl"], ["unknown option '--hepl'", "did you mean --help?"]),
    (["--config-dir", "nowhere"], ["--config-dir must be a folder"]),
    (["--resolve"], ["--resolve"]),
    (["hydra/launcher=jobli"], ["hydra/launcher/jobli", "joblib"]),
    (["hydra.run.dri=x"], ["hydra.run.dri"]),
]

WHEN_BUILT: list[tuple[list[str], list[str]]] = [
    (["data=csv", "data.path=absent.csv"], ["absent.csv"]),
    (["data=csv", "data.path=one_class.csv"], ["2 classes"]),
    (["data=csv", "data.path=few.csv", "data.folds=5"], ["folds", "rare"]),
    (["data=csv", "data.path=ragged.csv"], ["ragged.csv", "line 4"]),
    (["data=csv", "data.path=few.csv", "data.label=colour"], ["colour"]),
    (["data=npz", "data.path=nan.npz"], ["NaN"]),
    (["data=npz", "data.path=labels.npz"], ["label"]),
    (["data=npz", "data.path=few.csv"], ["few.csv"]),
    (["data=image_folder", "data.path=empty"], ["empty"]),
    (["data=digits", "data.val_size=1437"], ["val_size"]),
    (["data=digits", "data.train_size=5"], ["train_size"]),
    (["data=moons", "model=cnn"], ["model=cnn needs images", "model=mlp"]),
    (["data=moons", "augmentation=flip_crop"], ["augmentation.flip changes images", "augmentation=mixup"]),
    (["+augmentation.m={_target_:kornia.augmentation.RandomMixUpV2}"], ["holds RandomMixUpV2", "augmentation=mixup"]),
    (["+augmentation.l={_target_:torch.nn.L1Loss}"], ["augmentation.l (L1Loss) said", "leave it out"]),
    (
        ["augmentation=random_erasing", "augmentation.random_erasing.scale=[0.4,0.1]"],
        ["augmentation.random_erasing.scale must be", "try augmentation.random_erasing.scale=[0.02,0.33]"],
    ),
    (
        ["augmentation=full", "augmentation.colour.brightness=0", "augmentation.colour.contrast=0"],
        ["augmentation.colour.saturation and hue need images with 3 channels"],
    ),
    (["sampler=balanced", "batch_size=4"], ["sampler=balanced needs a place", "batch_size=10"]),
    (["+experiment=early_stopping", "data.val_size=0"], ["early stopping needs validation", "data.val_size=0.1"]),
    (["scheduler=plateau", "data.val_size=0"], ["needs validation", "data.val_size=0.1"]),
    (["optimizer=sgd", "optimizer.lr=1e12"], ["the training loss must stay finite", "optimizer.lr"]),
    (["trainer=tpu"], ["tpu was not found", "trainer=cpu"]),
    (["model=custom", "model._target_=nets.Softmax", "allow_targets=[nets]"], ["expects logits", "Softmax"]),
    (["model=custom", "model._target_=nets.Narrow", "allow_targets=[nets]"], ["shape (batch, 10)"]),
    (["model=custom", "model._target_=nets.Absent", "allow_targets=[nets]"], ["has no 'Absent'"]),
    (["resume=absent"], ["absent"]),
    (["model=svm_grid", "model.folds=200"], ["every fold needs", "rarest class has 125", "try model.folds=125"]),
    (["model=svm_grid", "data=csv", "data.path=few.csv"], ["model.folds=3, and the rarest class has 1"]),
    (["model=svm", "data=csv", "data.path=one_class.csv"], ["2 classes"]),
    (["model=nearest_neighbours", "model.n_neighbors=2000"], ["KNeighborsClassifier said", "n_samples_fit = 1294"]),
    (["model._target_=sklearn.svm.SVR"], ["model._target_ must be a classifier; received SVR", "try model=svm"]),
    (["model._target_=sklearn.tree.DecisionTreeClassifier", "model.max_dpth=3"], ["'max_dpth'"]),
]

FILES = {
    "one_class.csv": "a,b,label\n" + "1,2,x\n" * 40,
    "few.csv": "a,b,label\n" + "1,2,x\n2,1,y\n" * 30 + "3,3,rare\n4,4,rare\n5,5,rare\n",
    "ragged.csv": "a,b,label\n1,2,x\n2,1,y\n2,1\n",
    "nets.py": """
import torch
from torch import nn


class Softmax(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(64, num_classes), nn.Softmax(dim=1))


class Narrow(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(64, 3))
""",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a working folder with files that are wrong in one way each."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    y = np.arange(60) % 3
    np.savez(tmp_path / "labels.npz", x=x, y=y + 0.5)
    x[7, 1] = np.nan
    np.savez(tmp_path / "nan.npz", x=x, y=y)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("nets", None)
    sys.path[:] = [place for place in sys.path if place != str(tmp_path)]


def _identify(row: object) -> str | None:
    return " ".join(row) if isinstance(row, list) and row and isinstance(row[0], str) else None


def _check_message(stderr: str, parts: list[str]) -> None:
    assert stderr.startswith("error: "), stderr
    assert len(stderr.splitlines()) == 1, stderr
    assert "Traceback" not in stderr
    for part in parts:
        assert part in stderr


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(("arguments", "parts"), ON_THE_COMMAND_LINE, ids=_identify)
def test_a_mistake_on_the_command_line(
    arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(arguments) == 2
    _check_message(capsys.readouterr().err, parts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "parts"), WHEN_BUILT, ids=_identify)
def test_a_mistake_that_shows_when_built(
    arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    _check_message(error[error.index("error: ") :], parts)
    for path in folder.rglob("results.json"):
        assert json.loads(path.read_text())["status"] == "failed"


PROBE = """
import sys
from lit_tricks.commandline.entry import main
code = main(sys.argv[1:])
heavy = [name for name in ("torch", "numpy", "pandas", "sklearn", "pytorch_lightning") if name in sys.modules]
print("imported", heavy)
raise SystemExit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["optimizer.lr=-1"], 2),
        (["-m", "+experiment=dropout,drpout"], 2),
        (["model=linear", "+experiment=dropout"], 2),
        (["--help"], 0),
        (["--cfg", "job", "+experiment=dropout"], 0),
    ],
)
def test_nothing_heavy_is_imported(arguments: list[str], code: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == "imported []"
    assert list(tmp_path.iterdir()) == []
