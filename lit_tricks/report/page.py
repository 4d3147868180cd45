"""Self-contained HTML pages: one skeleton, one style, every string escaped.

Light and dark follow the reader's system; the page is readable on a phone and when printed. Nothing is
loaded from anywhere and no script runs but the page's own, which the content security policy enforces.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from lit_tricks.files import write_atomically

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #5c5c5c; --line: #dcdcdc; --paper: #ffffff;
  --card: #f6f7f9; --accent: #0072B2; --warn: #a84300; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --soft: #a9a9a9; --line: #3a3d42; --paper: #17191c;
  --card: #202327; --accent: #56B4E9; --warn: #E69F00; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); } .warn { color: var(--warn); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .9rem .28rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 500; }
pre, code { font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--card); border-radius: 6px; padding: .8rem 1rem; overflow-x: auto; margin: .4rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .9rem; margin-bottom: .3rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
.finding { border-left: 4px solid var(--line); background: var(--card); padding: .6rem 1rem; margin: .7rem 0;
  border-radius: 0 6px 6px 0; } .finding.warning, .finding.critical { border-color: var(--warn); }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 1.2rem; }
summary { cursor: pointer; color: var(--accent); }
dl { margin: .3rem 0; display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) { body { padding-top: 1rem; } h1 { font-size: 1.15rem; }
  table { font-size: .9rem; } th, td { padding-right: .5rem; }
  figure { overflow-x: auto; } figure img { max-width: none; width: 36rem; } }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --card: #f4f4f4; }
  body { max-width: none; padding: 0; font-size: 11pt; } figure, table, .finding { break-inside: avoid; }
  figure img { max-height: 240mm; } h2, figcaption { break-after: avoid; } }
"""

_SKELETON = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
$scripts</body>
</html>
""")


def page(title: str, body: Iterable[str], scripts: Sequence[str] = (), style: str = "") -> str:
    """Return a complete document; ``title`` is text, ``body`` is HTML.

    ``scripts`` are modules that run at the end, ``style`` stands before the page's own, which therefore wins.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    if scripts:
        digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
        policy += "; script-src " + " ".join(f"'sha256-{digest}'" for digest in digests)
    return _SKELETON.substitute(
        title=escape(title),
        style=style + _STYLE,
        policy=policy,
        body="\n".join(body),
        scripts="".join(f'<script type="module">{script}</script>\n' for script in scripts),
    )


def section(heading: str, *parts: str) -> str:
    """Return a section; ``heading`` is text, ``parts`` are HTML."""
    return f"<section><h2>{escape(heading)}</h2>\n" + "\n".join(parts) + "\n</section>"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of text, ``kind`` being ``soft`` or ``warn``."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def preformatted(text: str) -> str:
    """Return text as it stands, in a box."""
    return f"<pre>{escape(text)}</pre>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table whose first column names the row; cells are text or numbers, see ``number``."""
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(number(cell))}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{escape(str(first))}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>"
    )


def figure(name: str, picture: bytes) -> str:
    """Return a PNG under its name."""
    source = base64.b64encode(picture).decode("ascii")
    return (
        f"<figure><figcaption>{escape(name)}</figcaption>"
        f'<img alt="{escape(name)}" src="data:image/png;base64,{source}"></figure>'
    )


def folded(heading: str, *parts: str) -> str:
    """Return HTML that opens under its heading."""
    return f"<details><summary>{escape(heading)}</summary>\n" + "\n".join(parts) + "\n</details>"


def definitions(pairs: Mapping[str, Any]) -> str:
    """Return names with their values, one a line."""
    lines = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(number(v))}</dd>" for k, v in pairs.items())
    return f"<dl>{lines}</dl>"


def number(value: Any) -> str:
    """Return a value as people read it: thousands apart, four digits after the point, a dash for None."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.1e}" if 0 < abs(value) < 0.001 else f"{value:,.4f}"


def write_page(path: Path, document: str) -> Path:
    """Write ``document`` so that ``path`` holds either its old content or all of the new one."""
    write_atomically(path, document)
    return path
