"""From a foreign folder, each way to have the package gives the same commands and the same groups."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

APP = """
import hydra
from omegaconf import OmegaConf

@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def app(cfg):
    print(OmegaConf.to_yaml(cfg))

app()
"""

OPTIMIZER = "torch.optim.AdamW"


@pytest.fixture
def third_party(tmp_path: Path) -> Path:
    """Write a Hydra app that knows nothing of this project but its name."""
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "mlp.yaml").write_text("owner: third party\n")
    (tmp_path / "conf" / "config.yaml").write_text("defaults:\n  - lit_tricks/optimizer: adam\n  - _self_\nmine: 1\n")
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def test_the_wheel_carries_words_and_plugin_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "lit_tricks/conf/config.yaml" in names
    assert "lit_tricks/conf/experiment/dropout.yaml" in names
    assert "hydra_plugins/lit_tricks_search_path/__init__.py" in names
    assert "hydra_plugins/lit_tricks_search/__init__.py" in names
    assert "lit_tricks/conf/hydra/sweeper/random.yaml" in names
    assert "hydra_plugins/__init__.py" not in names
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"lit_tricks", "hydra_plugins"}


def test_every_word_of_the_checkout_is_in_the_wheel(wheel: Path, checkout: Path) -> None:
    packed = {name.removeprefix("lit_tricks/") for name in zipfile.ZipFile(wheel).namelist()}
    files = {path.relative_to(checkout).as_posix() for path in (checkout / "conf").rglob("*.yaml")}
    assert files
    assert files <= packed


def test_help_and_configuration(installation: Any, tmp_path: Path) -> None:
    shown = installation.run(tmp_path, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "adam*" in shown.stdout
    composed = installation.run(tmp_path, "--cfg", "job", "+experiment=dropout", "optimizer=adamw")
    assert (composed.returncode, composed.stderr) == (0, "")
    assert f"_target_: {OPTIMIZER}" in composed.stdout
    assert "dropout: 0.3" in composed.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_mistake(installation: Any, tmp_path: Path) -> None:
    done = installation.run(tmp_path, "optimizer=adm")
    assert done.returncode == 2
    assert done.stderr.startswith("error: optimizer has no word 'adm': did you mean optimizer=adam?")
    assert list(tmp_path.iterdir()) == []


def test_a_third_party_app_uses_the_namespace(installation: Any, third_party: Path) -> None:
    done = installation.run_python(
        third_party, "app.py", "lit_tricks/optimizer=adamw", "+lit_tricks/experiment=dropout", "hydra.run.dir=out"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.index("lit_tricks:") < done.stdout.index(f"    _target_: {OPTIMIZER}")
    assert "  model:\n    dropout: 0.3" in done.stdout
    assert "mine: 1" in done.stdout


def test_a_third_party_app_uses_plain_groups_and_keeps_its_own(installation: Any, third_party: Path) -> None:
    done = installation.run_python(
        third_party, "app.py", "+optimizer=adamw", "+experiment=early_stopping", "+model=mlp", "hydra.run.dir=out"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\noptimizer:\n  _target_: {OPTIMIZER}" in done.stdout
    assert "callbacks:\n  early_stopping:" in done.stdout
    assert "owner: third party" in done.stdout
    assert "hidden" not in done.stdout


def test_the_primary_configuration_stays_hidden_from_other_apps(installation: Any, third_party: Path) -> None:
    (third_party / "conf" / "config.yaml").unlink()
    done = installation.run_python(third_party, "app.py", "hydra.run.dir=out")
    assert done.returncode == 1
    assert "Cannot find primary config 'config'" in done.stderr


def test_the_plugin_imports_nothing_heavy(installation: Any, tmp_path: Path) -> None:
    code = (
        "import sys, hydra_plugins.lit_tricks_search_path; "
        "print([name for name in ('torch', 'numpy', 'pandas', 'rich') if name in sys.modules])"
    )
    done = installation.run_python(tmp_path, "-c", code)
    assert done.stdout == "[]\n", done.stderr


def test_an_editable_install_follows_the_checkout(editable: Any, checkout: Path, tmp_path: Path) -> None:
    word = checkout / "conf" / "optimizer" / "brand_new.yaml"
    word.write_text("# Written after the installation\n_target_: torch.optim.SGD\nlr: 0.5\n")
    try:
        done = editable.run(tmp_path, "--cfg", "job", "optimizer=brand_new")
    finally:
        word.unlink()
    assert (done.returncode, done.stderr) == (0, "")
    assert "lr: 0.5" in done.stdout
