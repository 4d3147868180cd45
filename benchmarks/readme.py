"""Regenerates everything in README.md that is measured, drawn or listed: ``python -m benchmarks.readme``.

It runs the README's own command for five seeds, copies the first run's picture, and writes figures and the
table of words between the markers ``<!-- name -->`` and ``<!-- /name -->``.
"""

import json
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from lit_tricks.commandline.composition import Composer
from lit_tricks.commandline.locate import conf_dir
from lit_tricks.commandline.words import Word, vocabulary

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
PICTURE = REPOSITORY / "docs" / "pictures" / "dropout_on_digits.png"
WORDS = ["+experiment=dropout"]
SEEDS = range(5)


def measured() -> str:
    """Run the README's command for every seed and return the sentence with its figures."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            place = Path(folder) / str(seed)
            command = [sys.executable, str(REPOSITORY / "train.py"), *WORDS, f"seed={seed}", f"hydra.run.dir={place}"]
            subprocess.run(command, check=True, cwd=folder)
            results.append(json.loads((place / "results.json").read_text(encoding="utf-8")))
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_bytes((Path(folder) / "0" / "figures" / "learning_curves.png").read_bytes())
    accuracies = [result["metrics"]["test/acc"] for result in results]
    seconds = statistics.median(result["seconds"]["fit"] for result in results)
    return (
        f"Test accuracy {statistics.mean(accuracies):.3f} ± {statistics.stdev(accuracies):.3f} "
        f"over {len(results)} seeds (mean ± standard deviation), {seconds:.0f} s of training each "
        f"on a 2-core machine without a GPU "
        f"(Python {platform.python_version()}, torch {results[0]['versions']['torch']})."
    )


def words() -> str:
    """Return the table of groups and their words, as the configuration folder holds them."""
    lines = ["| group | words |", "|---|---|"]
    for group, members in vocabulary(Composer(str(conf_dir()))).items():
        prefix = "+" if group == "experiment" else ""
        for folder, inside in _by_folder(members):
            names = " ".join(f"**`{word.name}`**" if word.default else f"`{word.name}`" for word in inside)
            if folder == "lecture/":
                names = f"the {len(inside)} systems of five lectures: [docs/lectures.md](docs/lectures.md)"
            lines.append(f"| `{prefix}{group}={folder}` | {names.replace(f'`{folder}', '`')} |")
    return "\n".join(lines)


def _by_folder(members: Sequence[Word]) -> Iterator[tuple[str, list[Word]]]:
    """Group words by the folder in their names, those outside one first."""
    folders = sorted({_folder(word) for word in members})
    for folder in folders:
        yield folder, [word for word in members if _folder(word) == folder]


def _folder(word: Word) -> str:
    path, slash, _ = word.name.rpartition("/")
    return path + slash


def put(text: str, name: str, content: str) -> str:
    """Return ``text`` with ``content`` between the markers of ``name``."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda match: f"{match[1]}{content}\n{match[2]}", text, flags=re.DOTALL)


def main() -> None:
    """Rewrite README.md and its picture."""
    text = put(README.read_text(encoding="utf-8"), "words", words())
    README.write_text(put(text, "measured", measured()), encoding="utf-8")


if __name__ == "__main__":
    main()
