"""``report.html``: one run on one page."""

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from lit_tricks.report.page import definitions, figure, page, paragraph, preformatted, section, table, write_page
from lit_tricks.report.run_files import has_events, read_config, read_diagnosis, read_json, read_metrics
from lit_tricks.report.summary import (
    class_table,
    command,
    correction_table,
    curves,
    judged_split,
    layer_table,
    measured,
    metric_table,
    sampling,
    sentence,
)

FIRST_FIGURES = ("learning_curves", "confusion_matrix", "misclassified")
TOLD = ("layer", "evidence", "cause", "prescription")
NO_METRICS = paragraph("No metrics were recorded.", "soft")
PNG = b"\x89PNG\r\n\x1a\n"


def write_run_report(run_dir: Path, results: Mapping[str, Any] | None = None) -> Path:
    """Write ``report.html`` into a run directory and return its path.

    ``results`` are shown instead of those in ``results.json``, for a run that is about to write its own.

    It reads nothing but the run directory: ``config.yaml``, ``results.json``, ``metrics.csv``,
    ``diagnosis.json`` and ``figures/*.png``, which it embeds. What is missing or damaged is said on the page.
    """
    config = read_config(run_dir)
    results = read_json(run_dir / "results.json") if results is None else results
    title = sentence(results, config)
    body = [f"<h1>{escape(title)}</h1>", *_state(run_dir, results)]
    head, rows = metric_table(results)
    weights = measured(results)
    said = [paragraph(f"Measured with the {weights}.", "soft")] if weights else []
    said += [paragraph(text, "soft") for text in (sampling(results),) if text]
    body.append(section("Results", table(head, rows), *said) if rows else section("Results", NO_METRICS))
    head, rows = correction_table(results)
    if rows:
        body.append(section("Corrected after training", table(head, rows)))
    head, rows = class_table(results)
    if rows:
        body.append(section(f"Classes of the {judged_split(results)} split", table(head, rows)))
    head, rows = layer_table(results)
    if rows:
        body.append(section("Network", table(head, rows)))
    body.append(section("Diagnosis", *_diagnosis(run_dir)))
    body.append(section("Figures", *(list(_figures(run_dir)) or [paragraph("No figures were drawn.", "soft")])))
    body.append(section("Repeat this run", preformatted(command(results))))
    if has_events(run_dir):
        body.append(section("Curves in TensorBoard", preformatted(curves(run_dir))))
    body.append(section("Made with", *_circumstances(results)))
    body.append(section("Configuration", *_configuration(run_dir)))
    return write_page(run_dir / "report.html", page(title, body))


def _state(run_dir: Path, results: Mapping[str, Any]) -> Iterator[str]:
    status = results.get("status")
    if not results:
        yield paragraph("results.json is absent or unreadable.", "warn")
    elif status != "completed":
        yield paragraph(f"{status or 'unknown state'}: {results.get('reason') or 'no reason was recorded'}", "warn")
    facts = []
    for key, unit in (("epochs", "epochs"), ("steps", "steps"), ("n_params", "parameters")):
        if isinstance(results.get(key), int):
            facts.append(f"{results[key]:,} {unit}")
    seconds = results.get("seconds")
    for stage, verb in (("fit", "trained"), ("study", "computed")):
        if isinstance(seconds, Mapping) and isinstance(seconds.get(stage), int | float):
            facts.append(f"{verb} in {seconds[stage]:,.1f} s")
    if not facts and (rows := read_metrics(run_dir)):
        facts.append(f"{len(rows)} epochs in metrics.csv")
    yield paragraph(" · ".join([*facts, run_dir.resolve().name]), "soft")


def _diagnosis(run_dir: Path) -> Iterator[str]:
    diagnosis = read_diagnosis(run_dir)
    if diagnosis is None:
        yield paragraph("No diagnosis was made.", "soft")
        return
    findings, checks = diagnosis
    if not findings and not checks:
        yield paragraph("Nothing was examined: no check applies to this run.")
    elif not findings:
        yield paragraph(f"Nothing suspicious was found (checks: {', '.join(checks)}).")
    for finding in findings:
        severity = finding["severity"]
        kind = severity if severity in ("warning", "critical") else "note"
        rest = {key: text for key, text in finding.items() if key in TOLD and text}
        heading = f"<strong>{escape(severity)}: {escape(finding['symptom'])}</strong>"
        yield f'<div class="finding {kind}">{heading}{definitions(rest)}</div>'


def _figures(run_dir: Path) -> Iterator[str]:
    def order(path: Path) -> tuple[int, str]:
        places = [k for k, stem in enumerate(FIRST_FIGURES) if path.stem.startswith(stem)]
        return (places[0] if places else len(FIRST_FIGURES), path.name)

    for path in sorted((run_dir / "figures").glob("*.png"), key=order):
        name = path.stem.replace("_", " ")
        content = path.read_bytes()
        if not content.startswith(PNG):
            yield paragraph(f"{path.name} is no readable picture.", "warn")
            continue
        yield figure(name, content)


def _configuration(run_dir: Path) -> Iterator[str]:
    try:
        text = (run_dir / "config.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        yield paragraph("config.yaml is absent.", "warn")
        return
    yield preformatted(text)


def _circumstances(results: Mapping[str, Any]) -> Iterator[str]:
    shown = False
    for name, unit in (("versions", ""), ("seconds", " s")):
        values = results.get(name)
        if isinstance(values, Mapping) and values:
            shown = True
            yield paragraph(name, "soft") + definitions({key: f"{value}{unit}" for key, value in values.items()})
    if not shown:
        yield paragraph("Versions were not recorded.", "soft")
