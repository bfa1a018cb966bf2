"""The pieces of the HTML page: everything is text in, escaped HTML out."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { --ink: #1d1f21; --soft: #5c6166; --line: #dfe3e6; --tint: #f4f7f9; --accent: #0b4a80; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.4rem 4rem; max-width: 76rem; color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
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
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums;
  margin: .6rem 0; }
th, td { padding: .36rem .75rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; vertical-align: bottom; }
th { font-weight: 600; border-bottom: 2px solid var(--ink); white-space: normal; }
th:first-child, td:first-child, .text td, .text th { text-align: left; }
.text td { white-space: normal; vertical-align: top; }
tr.strong td { font-weight: 650; background: var(--tint); }
figure { margin: 1.2rem 0 2rem; }
figure img { max-width: 100%; height: auto; display: block; }
pre { background: var(--tint); padding: .9rem 1.1rem; overflow-x: auto; font-size: .84rem;
  line-height: 1.45; }
details { margin: .5rem 0; }
summary { cursor: pointer; font-weight: 600; }
nav a { margin-right: 1.1rem; }
a { color: var(--accent); }
@media print { body { max-width: none; padding: 0; font-size: 11px; } details { display: none; }
  figure { break-inside: avoid; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole page that needs nothing else: styles inside, no links out."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
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
    text: bool = False,
) -> str:
    """A table; the first column is text, the others are numbers unless `text` says otherwise."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = []
    for i, row in enumerate(rows):
        mark = ' class="strong"' if i < len(strong) and strong[i] else ""
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        body.append(f"<tr{mark}>{cells}</tr>")
    kind = ' class="text"' if text else ""
    return (
        f'<div class="wide"><table{kind}><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def picture(title: str, caption: str, png: bytes) -> str:
    """A figure with the image inside the page."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'{heading(title, 3)}<figure><img alt="{escape(title)}" '
        f'src="data:image/png;base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def folded(title: str, content: str, preformatted: bool = True) -> str:
    """Something long that opens on a click."""
    inner = f"<pre>{escape(content)}</pre>" if preformatted else content
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def contents(links: Sequence[tuple[str, str]]) -> str:
    """Links to anchors of the same page."""
    items = "".join(f'<a href="#{escape(anchor)}">{escape(text)}</a>' for anchor, text in links)
    return f"<nav>{items}</nav>"
