"""Tables that a reader sorts and filters, by DataTables as the package itables carries it."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

# the bundle leaves jQuery with DataTables on the window; each table has its options in its attributes
_START = 'window.$("table.sortable").DataTable();'
# longer tables come in parts
MOST_ROWS = 60

# DataTables' own colours do not know the page's
_STYLE = """
:root { --dt-html-background: var(--paper) !important; }
table.sortable .text, table.sortable th:first-child { text-align: left !important; }
table.sortable > thead > tr > th { white-space: normal; min-width: 4rem; vertical-align: bottom; }
table.dataTable { width: 100% !important; margin: 0 !important; }
table.dataTable > thead > tr > th, table.dataTable > tbody > tr > td, table.dataTable > tbody > tr > th {
  border-color: var(--line) !important; }
div.dt-container { color: var(--ink); } div.dt-container .dt-input, div.dtsb-searchBuilder button,
div.dtsb-searchBuilder select, div.dtsb-searchBuilder input { background: var(--card) !important;
  color: var(--ink) !important; border: 1px solid var(--line) !important; border-radius: 5px; padding: .25rem .5rem; }
div.dt-container .dt-paging .dt-paging-button { color: var(--ink) !important; }
div.dtsb-searchBuilder div.dtsb-titleRow { color: var(--soft); }
@media print { .dt-search, .dt-paging, .dt-length, .dtsb-searchBuilder { display: none !important; } }
"""


def sortable_table(head: Sequence[str], rows: Iterable[Sequence[Any]], name: str, conditions: bool = False) -> str:
    """Return a table whose columns sort by their numbers and which a search box filters.

    Args:
        head: titles, text.
        rows: cells as text, or as pairs (text, number) that are shown as the one and sorted by the other.
        name: of the table, a word without spaces.
        conditions: whether readers may filter by conditions, such as an accuracy above a number.
    """
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    lines = [f"<tr>{_cell(first, 'th')}{''.join(_cell(cell, 'td') for cell in rest)}</tr>" for first, *rest in rows]
    options: dict[str, Any] = {"order": [], "paging": len(lines) > MOST_ROWS, "page-length": 25, "auto-width": False}
    layout: dict[str, Any] = {"topStart": "search", "topEnd": None, "bottomStart": "info", "bottomEnd": None}
    if options["paging"]:
        layout |= {"topEnd": "pageLength", "bottomEnd": "paging"}
    if conditions:
        layout["top1"] = "searchBuilder"
        options["language"] = {"searchBuilder": {"title": {"0": "Filter by conditions", "_": "Conditions (%d)"}}}
    options["layout"] = layout
    attributes = "".join(f" data-{key}='{escape(json.dumps(value))}'" for key, value in options.items())
    return (
        f'<div class="scroll"><table id="{escape(name)}" class="sortable"{attributes}>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )


@cache
def scripts() -> tuple[str, ...]:
    """Return the modules that bring the tables of a page to life, in their order."""
    bundle = files("itables").joinpath("html", "dt_bundle.js").read_text(encoding="utf-8")
    return bundle, _START


@cache
def style() -> str:
    """Return the style sheet of the tables."""
    return files("itables").joinpath("html", "dt_bundle.css").read_text(encoding="utf-8") + _STYLE


def _cell(cell: Any, tag: str) -> str:
    scope = ' scope="row"' if tag == "th" else ""
    if not isinstance(cell, tuple):
        return f'<{tag}{scope} class="text">{escape(str(cell))}</{tag}>'
    text, value = cell
    # what has no number goes to one end
    return f'<{tag}{scope} data-order="{"" if value is None else format(value, ".10g")}">{escape(str(text))}</{tag}>'
