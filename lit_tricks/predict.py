"""``lit-tricks predict``: class names and probabilities for new files."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from lit_tricks.arguments import FORMS, packages, take
from lit_tricks.data.inputs import read_inputs
from lit_tricks.errors import UserError
from lit_tricks.files import write_atomically
from lit_tricks.restore import restore

HEADER = ("input", "class", "probability", "second_class", "second_probability")


def predict_files(run: str, source: str, output: str, batch_size: int = 256, allow_targets: Sequence[str] = ()) -> int:
    """Write one row per example of ``source`` to the CSV file ``output`` and return how many there were.

    A row holds the input's name, the class that is answered with its probability in [0, 1], and the second
    choice with its own; the answer is the most probable class, unless the run has a decision threshold. Both
    probabilities are empty for a classifier that gives none. Inputs are encoded and normalised, and outputs
    corrected, by what the run directory stores.

    Raises ``UserError`` when the run, the input or the place of the output is not usable; an existing
    output file is never overwritten.
    """
    target = Path(output).expanduser()
    if target.exists():
        raise UserError(f"predict never overwrites; {output} exists: choose another name or remove it")
    if not target.parent.is_dir():
        raise UserError(f"output must lie in an existing folder; {target.parent} is none: create it first")
    module = restore(run, allow_targets).module
    inputs = read_inputs(source, module.spec)
    names = module.spec.class_names
    told = module.objective.probabilistic
    rows: list[tuple[str, str, str, str, str]] = []
    with torch.inference_mode():
        for start in range(0, len(inputs.x), batch_size):
            probabilities = module.objective.probabilities(module(inputs.x[start : start + batch_size]))
            # the answer comes first, which need not be the most probable class
            first = probabilities.scatter(1, module.decide(probabilities)[:, None], float("inf"))
            # stable, so that the first of equals is the class, as in every other place
            classes = first.argsort(dim=1, descending=True, stable=True)
            values = probabilities.gather(1, classes)
            for offset, (value, choice) in enumerate(zip(values.tolist(), classes.tolist(), strict=True)):
                rows.append(
                    (
                        inputs.names[start + offset],
                        names[choice[0]],
                        f"{value[0]:.6f}" if told else "",
                        names[choice[1]],
                        f"{value[1]:.6f}" if told else "",
                    )
                )
    _write(target, rows)
    return len(rows)


def _write(target: Path, rows: list[tuple[str, str, str, str, str]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(HEADER)
    writer.writerows(rows)
    try:
        write_atomically(target, buffer.getvalue(), replace=False)
    except FileExistsError as error:
        raise UserError(f"predict never overwrites; {target} appeared meanwhile: choose another name") from error


def predict_command(arguments: Mapping[str, str]) -> None:
    """Run ``run=DIR input=FILE_OR_FOLDER output=FILE.csv`` and say how many rows were written."""
    values = take(arguments, "predict", *FORMS["predict"])
    allowed = packages(values.get("allow_targets"))
    count = predict_files(values["run"], values["input"], values["output"], allow_targets=allowed)
    print(f"{count} prediction{'' if count == 1 else 's'} written to {values['output']}")
