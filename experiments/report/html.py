"""The pieces of the HTML page: everything is text in, escaped HTML out."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape as escape_html

from ..common.printable import plain_text

STYLE = """
:root { --ink: #1d1f21; --soft: #5c6166; --line: #dfe3e6; --tint: #f4f7f9; --accent: #0b4a80; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.4rem 4rem; max-width: 76rem; color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.9rem; margin: 0 0 .2rem; line-height: 1.2; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; padding-top: .5rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
p, li { max-width: 62rem; }
.sub, figcaption, .note { color: var(--soft); font-size: .92rem; }
.verdict { border-left: 5px solid var(--accent); background: var(--tint); padding: .9rem 1.2rem;
  margin: 1.1rem 0; font-size: 1.06rem; max-width: 62rem; }
.warning { border-left: 5px solid #d55e00; background: #fdf3ec; padding: .8rem 1.2rem;
  margin: 1.1rem 0; max-width: 62rem; }
.warning ul { margin: .3rem 0 0; padding-left: 1.2rem; }
.lead { font-size: 1.12rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums;
  margin: .6rem 0; }
th, td { padding: .36rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { font-weight: 600; border-bottom: 2px solid var(--ink); vertical-align: bottom; }
th:first-child, td:first-child { padding-left: .3rem; }
td:not(.number) { min-width: 7rem; max-width: 22rem; overflow-wrap: anywhere; }
td:first-child { min-width: 9rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
tr.strong td { font-weight: 650; background: var(--tint); }
figure { margin: 1.2rem 0 2rem; }
figure img { max-width: 100%; height: auto; display: block; }
pre { background: var(--tint); padding: .9rem 1.1rem; overflow-x: auto; font-size: .84rem;
  line-height: 1.45; }
details { margin: .9rem 0; }
summary { cursor: pointer; font-weight: 600; }
nav a { margin-right: 1.1rem; }
a { color: var(--accent); }
@media (min-width: 641px) and (max-width: 1500px) { td.number { white-space: normal; } }
@media (max-width: 640px) {
  body { padding: 1.2rem .9rem 3rem; }
  .verdict, .warning { padding: .7rem .9rem; }
  table, thead, tbody, tr { display: block; }
  th { display: none; }
  th:first-child, .first th.result { display: block; border: 0; padding: 0 .3rem; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  tr.strong { background: var(--tint); }
  figure img { max-width: none; width: 42rem; }
  td, td.number, td:not(.number), td:first-child { display: flex; justify-content: space-between;
    gap: 1rem; border: 0; padding: .08rem .3rem; white-space: normal; text-align: right;
    min-width: 0; max-width: none; }
  td::before { content: attr(data-label); color: var(--soft); text-align: left; }
  td:first-child { display: block; text-align: left; font-weight: 600; overflow-wrap: anywhere; }
  td:first-child::before { content: none; }
  td.none { display: none; }
  .first tr { display: flex; flex-wrap: wrap; column-gap: .8rem; align-items: baseline; }
  .first td { font-size: .8rem; color: var(--soft); gap: .35rem; }
  .first td:first-child { flex: 1 1 0; font-size: .95rem; color: var(--ink); }
  .first td.result { flex: 0 0 auto; font-size: .95rem; color: var(--ink); }
  .first td.result::before, .first td.plain::before { content: none; }
  .first th { font-size: .8rem; }
  .first th:first-child { flex: 1 1 0; }
  .first td.minor { display: none; }
  .first tr::after { content: ""; order: 1; flex-basis: 100%; }
  .first td.more { order: 2; }
}
@media print { body { max-width: none; padding: 0; font-size: 11px; } details { display: none; }
  figure { break-inside: avoid; } }
"""


def escape(text: str) -> str:
    """Text as HTML; what can't be seen, or would turn the direction of writing, is spelled out."""
    return escape_html(plain_text(text))


def page(title: str, body: Iterable[str], refresh: int = 0) -> str:
    """A whole page that needs nothing else: styles inside, no links out.

    A browser loads it again after `refresh` seconds, where that is not 0.
    """
    again = f'<meta http-equiv="refresh" content="{refresh}">\n' if refresh else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{again}"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def heading(text: str, level: int = 2, anchor: str = "") -> str:
    """A heading, with an anchor to link to if there is one."""
    mark = f' id="{escape(anchor)}"' if anchor else ""
    return f"<h{level}{mark}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of some class."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{escape(text)}</p>"


def warning(lead: str, problems: Sequence[str]) -> str:
    """A box that stands out, with a list."""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<div class="warning"><strong>{escape(lead)}</strong><ul>{items}</ul></div>'


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    strong: Sequence[bool] = (),
    roles: Mapping[int, str] | None = None,
) -> str:
    """A table: text at the left, columns of numbers at the right; on a phone a block per row.

    Args:
        columns: their headings, beside each cell on a phone.
        rows: cells as text.
        strong: which rows stand out.
        roles: of some columns by place, for the table that is to be seen first on a phone too:
            `result` beside the first one, `plain more` and `more` below it, `minor` not at all.
    """
    roles = roles or {}
    places = range(len(columns))
    kinds = [roles.get(i, "") for i in places]
    for i in places[1:]:
        if all(_NUMBER.match(row[i]) for row in rows):
            kinds[i] = f"number {kinds[i]}".strip()
    head = "".join(_cell("th", kinds[i], "", columns[i]) for i in places)
    body = []
    for i, row in enumerate(rows):
        mark = ' class="strong"' if i < len(strong) and strong[i] else ""
        cells = "".join(_cell("td", kinds[j], columns[j], row[j]) for j in places)
        body.append(f"<tr{mark}>{cells}</tr>")
    first = ' class="first"' if roles else ""
    return (
        f'<div class="wide"><table{first}><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


_NUMBER = re.compile(
    r"(≥ |nearly )?[-+]?\d[\d,.]*( (million|billion))?( ?%)?( ?[\[(,].*)?$"
    r"|-$|tied$|this one$|not told apart$"
)
"""Cells of a column that is set at the right."""


_INTERVAL = re.compile(r"\[[^\]]*\]")


def _cell(tag: str, kind: str, column: str, text: str) -> str:
    label = f' data-label="{escape(column)}"' if column else ""
    kind = f"{kind} none".strip() if tag == "td" and text == "-" else kind
    mark = f' class="{kind}"' if kind else ""
    # The unit stays with its number, and an interval is one piece.
    text = _INTERVAL.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    text = escape(text.replace(" %", "\u00a0%"))
    return f"<{tag}{mark}{label}>{text}</{tag}>"


def picture(title: str, caption: str, png: bytes) -> str:
    """A figure with the image inside the page."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'{heading(title, 3)}<figure><div class="wide"><img alt="{escape(title)}" '
        f'src="data:image/png;base64,{data}"></div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def folded(title: str, content: str) -> str:
    """HTML that opens on a click."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def preformatted(text: str) -> str:
    """Text as it stands."""
    return f"<pre>{escape(text)}</pre>"


def contents(links: Sequence[tuple[str, str]]) -> str:
    """Links to anchors of the same page."""
    items = "".join(f'<a href="#{escape(anchor)}">{escape(text)}</a>' for anchor, text in links)
    return f"<nav>{items}</nav>"
