"""The studies as the lecture rows pin them."""

from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir

from lit_tricks.instantiation import build_node
from lit_tricks.studies import Findings, Study

CONF = Path(__file__).resolve().parents[2] / "conf"


def build(*overrides: str) -> Study:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return build_node(compose("config", list(overrides)).study, "study")


@cache
def findings(row: str) -> Findings:
    return build(f"+experiment=lecture/{row}").run(0)
