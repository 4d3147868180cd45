"""The allow-list for ``_target_``: by whole components, and by what a name really leads to."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from lit_tricks.errors import UserError
from lit_tricks.targets import check_all_targets, check_allow_targets, check_targets, is_allowed, resolve

GOOD = [
    "lit_tricks.models.MLP",
    "lit_tricks.data.DigitsDataModule",
    "torch.nn.Linear",
    "torch.optim.Adam",
    "torch.optim.lr_scheduler.StepLR",
    "pytorch_lightning.Trainer",
    "pytorch_lightning.LightningDataModule",
    "pytorch_lightning.callbacks.TQDMProgressBar",
    "pytorch_lightning.loggers.CSVLogger",
    "torchmetrics.Accuracy",
    "imblearn.over_sampling.SMOTE",
]
BAD_NAMES = [
    "os.system",
    "builtins.eval",
    "subprocess.Popen",
    "torch.hub.load",
    "torch.load",
    "torch.nnx.Linear",
    "torch",
    "lit_tricks_evil.Net",
    "pytorch_lightning.cli.LightningCLI",
    "hydra.utils.instantiate",
    "torch.nn.Module.__init__",
    "torch..nn",
    "torch.nn.Linear ",
    "",
]
BAD_HOMES = [
    "lit_tricks.callbacks.checkpoint.Path",
    "lit_tricks.run_directory.os.system",
    "lit_tricks.run_directory.json.loads",
    "torch.nn.modules.module.OrderedDict",
    "torch.nn.modules.module.torch.hub.load",
    "torch.nn.functional.relu",
    "torch.nn.modules",
    "lit_tricks.targets.importlib.import_module",
]


@pytest.mark.parametrize("path", GOOD)
def test_what_is_named_is_allowed_and_resolved(path: str) -> None:
    assert is_allowed(path)
    assert resolve(path).__name__ == path.rpartition(".")[2]


def test_kornias_augmentations_are_allowed() -> None:
    pytest.importorskip("kornia")
    assert resolve("kornia.augmentation.RandomAffine").__name__ == "RandomAffine"


@pytest.mark.parametrize("path", BAD_NAMES)
def test_other_names_are_refused_without_import(path: str) -> None:
    assert not is_allowed(path)
    with pytest.raises(UserError, match=r"may not name|allow-list|dotted path"):
        resolve(path)


@pytest.mark.parametrize("path", BAD_HOMES)
def test_an_allowed_name_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UserError, match=r"is defined in|must name a class|has no"):
        resolve(path)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    source = "import os\nfrom pathlib import Path\nclass Net: ...\ndef make(): ...\n"
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "nets.py").write_text(source)
    (tmp_path / "my_package_evil.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield "my_package"
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        del sys.modules[name]


def test_a_users_package_is_admitted_by_whole_components(package: str) -> None:
    assert resolve("my_package.nets.Net", [package]).__name__ == "Net"
    assert resolve("my_package.nets.make", [package]).__name__ == "make"
    assert resolve("my_package.nets.Net", ["my_package.nets"]).__name__ == "Net"
    with pytest.raises(UserError, match="not on the allow-list"):
        resolve("my_package_evil.Net", [package])
    with pytest.raises(UserError, match="not on the allow-list"):
        resolve("my_package.nets.Net", ["my_package.net"])
    with pytest.raises(UserError, match="must name a class"):
        resolve("my_package.nets.os.system", [package])
    with pytest.raises(UserError, match="is defined in 'pathlib"):
        resolve("my_package.nets.Path", [package])


def test_a_wrong_name_gets_the_nearest(package: str) -> None:
    with pytest.raises(UserError, match=r"has no 'Nte': did you mean Net\?"):
        resolve("my_package.nets.Nte", [package])
    with pytest.raises(UserError, match="cannot import 'absent_package'"):
        resolve("absent_package.Net", ["absent_package"])
    with pytest.raises(UserError, match=r"'torch.nn' has no 'Linaer': did you mean Linear\?"):
        resolve("torch.nn.Linaer")


@pytest.mark.parametrize(
    "packages", [["os"], ["sys.modules"], ["builtins"], ["a b"], ["a..b"], [".a"], [3], "my", [""]]
)
def test_allow_targets_takes_dotted_names_of_no_standard_module(packages: object) -> None:
    with pytest.raises(UserError, match="allow_targets"):
        check_allow_targets(packages)


@pytest.mark.parametrize(
    ("node", "place"),
    [
        ({"a": {"_target_": "os.system"}}, "a._target_"),
        ({"a": {"_target_": "torch.nn.Linear", "_args_": [{"_target_": "os.system"}]}}, r"a._args_\[0\]._target_"),
        ({"a": [[{"b": {"_target_": "os.system"}}]]}, r"a\[0\]\[0\].b._target_"),
        ({"_target_": {"_target_": "os.system"}}, "_target_"),
        ({"a": {"_target_": 3}}, "a._target_"),
    ],
)
def test_every_nested_target_is_checked(node: object, place: str) -> None:
    with pytest.raises(UserError, match=f"^{place}"):
        check_all_targets(node)


def test_a_whole_configuration_is_resolved() -> None:
    check_targets(OmegaConf.create({"model": {"_target_": "torch.nn.Linear"}, "allow_targets": []}))
    aliased = OmegaConf.create({"model": {"_target_": "lit_tricks.run_directory.os.system"}, "allow_targets": []})
    with pytest.raises(UserError, match=r"model\._target_ must name a class"):
        check_targets(aliased)
