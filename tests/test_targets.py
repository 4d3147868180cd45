"""The allow-list for ``_target_``: by whole components, and by what a name really leads to."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from lit_tricks.errors import UserError
from lit_tricks.targets import (
    check_all_targets,
    check_allow_targets,
    check_targets,
    is_allowed,
    is_classical,
    resolve,
)

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
    "sklearn.svm.SVC",
    "sklearn.model_selection.GridSearchCV",
    "lit_tricks.classical.GridSearch",
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
    # of this package only the rooms, and there only what looks like a public class
    "lit_tricks.cli.main",
    "lit_tricks.commandline.entry.main",
    "lit_tricks.commandline.composition.Composer",
    "lit_tricks.run.run_job",
    "lit_tricks.run.Interrupted",
    "lit_tricks.restore.restore",
    "lit_tricks.instantiation.build_node",
    "lit_tricks.targets.resolve",
    "lit_tricks.targets.importlib.import_module",
    "lit_tricks.report.page.Path",
    "lit_tricks.run_directory.RunDirectory",
    "lit_tricks.run_directory.os.system",
    "lit_tricks.run_directory.json.loads",
    "lit_tricks.errors.UserError",
    "lit_tricks.datax.Net",
    "lit_tricks.data",
    "lit_tricks.data.read_inputs",
    "lit_tricks.data.os.system",
    "lit_tricks.data.download.urllib.request.urlopen",
    "lit_tricks.models.gain",
    "lit_tricks.models.MLP.forward",
    "lit_tricks.models.blocks._LoneExampleNorm",
    # neither functions, methods nor modules of the others
    "torch.nn.functional.relu",
    "torch.nn.modules",
    "torch.nn.modules.module.os",
    "torch.nn.modules.module.torch.hub.load",
    "torch.nn.Module.load_state_dict",
    "torch.nn._reduction",
    "pytorch_lightning.LightningModule.load_from_checkpoint",
    "torch.serialization.load",
    "hydra.utils.call",
    "hydra.utils.get_method",
    "hydra._internal.utils._locate",
    "yaml.unsafe_load",
    # pipelines could be told to cache in pickles, and data sets to fetch
    "sklearn.pipeline.Pipeline",
    "sklearn.datasets.fetch_openml",
    "sklearn.svm._classes.SVC",
    "sklearn.utils.parallel.Parallel",
    "lit_tricks.classical.storage.skops.io.load",
    "numpy.load",
    "pickle.loads",
    "importlib.import_module",
    "${a}",
]
BAD_HOMES = [
    "lit_tricks.callbacks.checkpoint.Path",
    "lit_tricks.data.table.UserError",
    "lit_tricks.models.mlp.nn.Module",
    "lit_tricks.data.table.Any",
    "torch.nn.modules.module.OrderedDict",
    "pytorch_lightning.callbacks.model_checkpoint.Path",
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
    with pytest.raises(UserError, match=r"may not name|allow-list|dotted path|public class"):
        resolve(path)


@pytest.mark.parametrize("path", BAD_HOMES)
def test_an_allowed_name_that_leads_elsewhere_is_refused(path: str) -> None:
    assert is_allowed(path), "this one is for the check by name"
    with pytest.raises(UserError, match=r"is defined in|must name a class"):
        resolve(path)


def test_metrics_that_fetch_models_from_a_hub_are_refused() -> None:
    with pytest.raises(UserError, match=r"is defined in 'torchmetrics\.text"):
        resolve("torchmetrics.text.Perplexity")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    imported = "import os\nfrom pathlib import Path\nfrom shutil import rmtree\nfrom torch.nn import Linear\n"
    source = f"{imported}class Net: ...\ndef make(): ...\n"
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
    # what it merely imported: a function is refused, a known class is as good as by its own name
    with pytest.raises(UserError, match=r"is a function defined in 'shutil': name a class"):
        resolve("my_package.nets.rmtree", [package])
    assert resolve("my_package.nets.Linear", [package]).__module__ == "torch.nn.modules.linear"


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
    aliased = OmegaConf.create({"model": {"_target_": "lit_tricks.data.table.Path"}, "allow_targets": []})
    with pytest.raises(UserError, match=r"model\._target_: .* is defined in 'pathlib"):
        check_targets(aliased)


INSTALLED = ["torch", "torch.hub", "hydra", "hydra.utils", "hydra_plugins", "numpy", "omegaconf", "lit_tricks"]
INSTALLED += ["lit_tricks.cli", "pytorch_lightning", "lightning", "joblib", "sklearn", "torchmetrics", "yaml", "pip"]


@pytest.mark.parametrize("packages", INSTALLED)
def test_allow_targets_takes_no_package_that_is_installed_beside_us(packages: str) -> None:
    with pytest.raises(UserError, match=rf"allow_targets takes packages of your own; received '{packages}'"):
        check_allow_targets([packages])


MAIN = {"_target_": "lit_tricks.cli.main", "argv": ["train", "allow_targets=[torch]"]}
ATTACKS: dict[str, dict[str, object]] = {
    "a function of ours, which would run a command line": {"loss": MAIN},
    "in a list": {"model": {"_target_": "torch.nn.Sequential", "layers": [[MAIN]]}},
    "as a positional argument": {"model": {"_target_": "torch.nn.Sequential", "_args_": [MAIN]}},
    "as a partial": {"optimizer": {**MAIN, "_partial_": True}},
    "below a node that builds its inner ones later": {
        "callbacks": {"x": {"_target_": "pytorch_lightning.callbacks.Timer", "_recursive_": False, "y": MAIN}}
    },
    "by interpolation": {"a": "os.system", "loss": {"_target_": "${a}", "command": "true"}},
    "as a whole node by interpolation": {"a": MAIN, "loss": "${a}"},
    "made by a resolver": {"loss": "${oc.create:${oc.decode:'{_target_: os.system, command: true}'}}"},
    "by an escaped interpolation": {"a": "os.system", "loss": {"_target_": r"\${a}"}},
    "in a key that another one decides when built": {
        "loss": {"_target_": "${.t[${._convert_}]}", "t": {"none": "os.system"}, "_convert_": "none"}
    },
    "reading a pickle": {"loss": {"_target_": "torch.load", "f": "x", "weights_only": False}},
    "with packages of the configuration's own choice": {"loss": {"_target_": "torch.load"}, "allow_targets": ["torch"]},
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_strangers_configuration_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"may not name|dotted path|public class|takes packages of your own|once resol"):
        check_targets(OmegaConf.create({"allow_targets": [], **ATTACKS[name]}))


def test_what_is_checked_is_what_is_built() -> None:
    # building sets _convert_: a target that depends on it would be another one by then
    shifting = {"_target_": "${.t[${._convert_}]}", "t": {"none": "torch.nn.ReLU", "all": "os.system"}}
    config = OmegaConf.create({"loss": {**shifting, "_convert_": "none"}, "seed": 3, "twice": "${seed}"})
    check_targets(config)
    config.loss._convert_ = "all"
    config.seed = 4
    assert config.loss._target_ == "torch.nn.ReLU"
    assert config.twice == 3


def test_an_interpolation_that_leads_nowhere_is_one_message() -> None:
    with pytest.raises(UserError, match=r"must lead to a value; Interpolation key 'nowhere' not found"):
        check_targets(OmegaConf.create({"loss": "${nowhere}"}))


@pytest.mark.parametrize(
    ("target", "classical"),
    [
        ("sklearn.svm.SVC", True),
        ("lit_tricks.classical.GridSearch", True),
        ("lit_tricks.models.MLP", False),
        ("sklearnish.Net", False),
        ("???", False),
        (None, False),
    ],
)
def test_a_model_of_scikit_learn_is_fitted_at_once(target: object, classical: bool) -> None:
    assert is_classical(target) is classical
