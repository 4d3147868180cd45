"""What the strict check lets through: everything Hydra can say about words and knobs that exist."""

from pathlib import Path

import pytest

from lit_tricks.commandline.options import composer_for, parse_options
from lit_tricks.commandline.strict import check_command_line, check_options
from lit_tricks.errors import UserError

RIGHT = [
    [],
    ["+experiment=dropout"],
    ["+experiment=[dropout,batchnorm,early_stopping]", "callbacks.early_stopping.patience=7"],
    ["+experiment=[]"],
    ["++seed=3"],
    ["model.dropout=[0.1,0.2]", "model.hidden=[8,8]"],
    ["+model={hidden:[3]}"],
    ["~callbacks.progress_bar"],
    ["callbacks=none", "logger=none"],
    ["data.folds=5", "data.fold=4"],
    ["data=csv", "data.path='a file.csv'"],
    ["seed='${batch_size}'"],
    ["data_dir='${oc.env:HOME}'"],
    ["data_dir='runs/${hydra:job.num}'"],
    ["callbacks.checkpoint.monitor=val/acc", "callbacks.checkpoint.mode=max"],
    ["trainer=cpu", "trainer.max_epochs=-1", "trainer.max_steps=10", "trainer.min_epochs=3"],
    ["hydra.run.dir=elsewhere", "hydra.job.name=other", "hydra/launcher=basic"],
    ["-m", "seed=0,1", "+experiment=dropout,[batchnorm,wider]", "optimizer=glob(ad*)", "optimizer.lr=choice(0.1,0.2)"],
    ["-m", "hydra/sweeper=random", "optimizer.lr=interval(0.001,0.1)"],
    ["hydra.mode=MULTIRUN", "seed=range(0,3)"],
    # classes of the user's own choice take whatever they take
    ["model._target_=my_package.Net", "+model.width=3", "allow_targets=[my_package]"],
    ["optimizer._target_=torch.optim.NAdam", "+optimizer.momentum_decay=0.004"],
    ["optimizer._target_=torch.optim.NAdam", "optimizer.momentum_decay=0.004"],
    ["data=breast_cancer", "data.malignant_share=null"],
    ["scheduler=one_cycle", "scheduler.pct_start=0"],
    ["+experiment=lecture/d1_optimizer_race", "study.only=[sgd,adam]", "study.steps=3", "seed=3", "threads=2"],
    ["study=optimizer_race", "optimizer@study.contenders.sgd.optimizer=rmsprop", "logger=none"],
    ["-m", "study=optimizer_race,activations", "seed=0,1"],
    ["study._target_=my_package.Study", "study.width=3", "allow_targets=[my_package]"],
    # what is only shown may lack values
    ["data=csv", "--cfg", "job"],
    ["data=custom", "model=custom", "model.width=8", "--cfg", "job"],
    ["+callbacks.bar={_target_:pytorch_lightning.callbacks.RichProgressBar,refresh_rate:5}"],
    ["+logger.csv={_target_:pytorch_lightning.loggers.CSVLogger,save_dir:x}"],
]


@pytest.mark.parametrize("arguments", RIGHT, ids=" ".join)
def test_what_is_right_passes_and_creates_nothing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_command_line(arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["model=custom", "model._target_=a.Net", "model.width=8", "allow_targets=[a]"], "+model.width=8"),
        (["model.width=8", "model._target_=a.Net", "allow_targets=[a]"], "+model.width=8"),
        (["-m", "model.width=8,9", "model._target_=a.Net", "allow_targets=[a]"], "+model.width=8,9"),
        (["+model.width=8", "model._target_=a.Net", "allow_targets=[a]"], "+model.width=8"),
        (["model.hidden=[8]", "model._target_=a.Net", "allow_targets=[a]"], "model.hidden=[8]"),
    ],
)
def test_new_keys_of_a_users_class_get_the_plus_that_hydra_wants(arguments: list[str], expected: str) -> None:
    options = parse_options(arguments)
    check_options(options)
    assert expected in options.overrides


def test_what_is_shown_is_still_checked() -> None:
    with pytest.raises(UserError, match=r"data\.val_size must be"):
        check_command_line(["data=csv", "data.val_size=7.5", "--cfg", "job"])


def test_each_choice_of_each_sweep_is_checked_with_the_others_at_their_first() -> None:
    check_command_line(["-m", "data.folds=5,3", "data.fold=0,4"])
    with pytest.raises(UserError, match=r"data\.fold must be less than data\.folds=3; received 4"):
        check_command_line(["-m", "data.folds=3,5", "data.fold=0,4"])


def test_what_a_users_sweep_file_sweeps_over_is_checked(tmp_path: Path) -> None:
    params = "hydra:\n  sweeper:\n    params:\n      seed: 0,1\n      optimizer.lr: choice(0.1,-1)\n"
    (tmp_path / "sweep.yaml").write_text(f"defaults:\n  - config\n  - _self_\n{params}")
    with pytest.raises(UserError, match=r"optimizer\.lr must be a number greater than 0; received -1"):
        check_command_line(["--config-dir", str(tmp_path), "--config-name", "sweep", "-m"])


def test_a_resumable_run_passes(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    check_command_line([f"resume='{tmp_path}'", "trainer.max_epochs=40", f"hydra.run.dir='{tmp_path}'"])
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(UserError, match=r"holds no config\.yaml"):
        check_command_line([f"resume='{tmp_path}'"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study=activations", "model=cnn"], "a study trains no classifier and reads no model; received"),
        (["study=activations", "model=mlp"], "reads no model; received 'model=mlp': leave it out"),
        (["trainer.max_epochs=3", "study=activations"], "reads no trainer; received 'trainer.max_epochs=3'"),
        (["study=activations", "batch_size=3"], "reads no batch_size; received 'batch_size=3'"),
        (["study=activations", "~callbacks.progress_bar"], "reads no callbacks; received '~callbacks.progress_bar'"),
        (["study=activations", "+optimizer.x=3"], r"there is no 'optimizer\.x'"),
        (["+experiment=[lecture/c2_activations,dropout]"], r"reads no model; received \+experiment=dropout: leave"),
        (["-m", "study=none,activations", "model=cnn"], "a study .* reads no model"),
        (
            ["study=optimizer_race", "study.contenders.sgd.optimizer.lr=-1"],
            r"study\.contenders\.sgd\.optimizer\.lr must be a number greater than 0; received -1",
        ),
        (
            ["study=optimizer_race", "study.contenders.sdg.optimizer.lr=1"],
            r"there is no 'study\.contenders\.sdg\.optimizer\.lr': did you mean study\.contenders\.sgd\.optimizer\.lr",
        ),
        (
            ["study=learning_rate_sweep", "optimizer@study.optimizer=adam", "study.optimizer.beta=1"],
            r"there is no 'study\.optimizer\.beta': did you mean study\.optimizer\.betas",
        ),
        (["study=optimizer_race", "steps=3"], r"there is no 'steps': did you mean study\.steps"),
        (["study.steps=3"], "study=none has no steps: words with it: gradient_descent, learning_rate_sweep"),
    ],
)  # fmt: skip
def test_what_a_study_does_not_read_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_command_line(arguments)


def test_a_study_may_be_told_where_the_data_lie() -> None:
    check_command_line(["study=activations", "data_dir=elsewhere"])


def test_an_experiment_that_chooses_words_is_what_its_file_says_beside_them(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    text = "# @package _global_\n# Mine\ndefaults:\n  - override /model: cnn\noptimizer:\n  lr: 0.5\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(text)
    composer = composer_for(parse_options(["--config-dir", str(tmp_path), "+experiment=mine"]))
    assert composer.own("experiment", "mine") == {"optimizer": {"lr": 0.5}}
    assert composer.compose(composer.overrides).choices["model"] == "cnn"
