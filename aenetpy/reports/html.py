"""A report in Markdown as one HTML file that needs nothing else: figures inside, no script.

Reports are written in Markdown, which people read as it is. The few forms that they use are all
that is known here: headings, paragraphs, lists, tables, blocks of text, figures; `code`, **bold**
and [links](address).
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence

_FIGURE = re.compile(r"!\[(.*)\]\(([^()]+)\)")
_HEADING = re.compile(r"(#{1,6}) +(.+)")
_ITEM = re.compile(r"- (.+)")
_RULE = re.compile(r"\|( *:?-+:? *\|)+")
_CELLS = re.compile(r"(?<!\\)\|")
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^][]+)\]\((https?://[^()\s]+)\)")
_NUMBER = re.compile(r"[+−-]?\d[\d.,]*(e[+-]?\d+)?( *%)?( \[.*\])?|-")
_BRACKETS = re.compile(r"\[[^]]*\]$")
_UNBROKEN = r'<span class="whole">\g<0></span>'
"""An interval may stand below its value, where a table would be wider than the page."""

STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  color: #1a1a1a; background: #fff; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; margin: 2rem 0 0.5rem; }
h1 { margin-top: 0.5rem; }
code, pre { font: 0.9em ui-monospace, monospace; background: #f0f0f0; border-radius: 3px; }
code { padding: 0.1em 0.25em; }
pre { padding: 0.75rem; overflow-x: auto; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { position: sticky; left: 0; background: #fff; max-width: 14rem; }
td.number, th.number { text-align: right; }
.whole { white-space: nowrap; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 3px; }
figcaption { font-size: 0.9rem; }
@media print { table { font-size: 0.6rem; } th, td { padding-right: 0.3rem; } }
@media (prefers-color-scheme: dark) {
  body, th:first-child, td:first-child { color: #e0e0e0; background: #181818; }
  code, pre { background: #2a2a2a; }
  th, td { border-color: #444; }
  a { color: #8ab4f8; }
}
"""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def html_page(markdown: str, figure: Callable[[str], bytes]) -> str:
    """Return a report as a page that loads nothing."""
    blocks = list(_blocks(markdown.split("\n")))
    title = next((found[2] for block in blocks if (found := _HEADING.match(block[0]))), "report")
    body = "\n".join(_block(block, figure) for block in blocks)
    return PAGE.format(title=html.escape(title), style=STYLE, body=body)


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield lines that belong together: between blank lines, a heading or a figure alone."""
    block: list[str] = []
    fenced = False
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
            if fenced and block:
                yield block
                block = []
            block.append(line)
            if not fenced:
                yield block
                block = []
        elif fenced:
            block.append(line)
        elif not line.strip() or _HEADING.fullmatch(line) or _FIGURE.fullmatch(line):
            if block:
                yield block
            if line.strip():
                yield [line]
            block = []
        else:
            block.append(line)
    if block:
        yield block


def _block(lines: list[str], figure: Callable[[str], bytes]) -> str:
    """Return the element of one block."""
    if lines[0].startswith("```"):
        return f"<pre>{html.escape(chr(10).join(lines[1:-1]))}</pre>"
    if heading := _HEADING.fullmatch(lines[0]):
        level = len(heading[1])
        return f"<h{level}>{_text(heading[2])}</h{level}>"
    if picture := _FIGURE.fullmatch(lines[0]):
        return _figure(picture[1], figure(picture[2]))
    if len(lines) > 1 and _RULE.fullmatch(lines[1]):
        return _table(lines[0], lines[2:])
    if _ITEM.fullmatch(lines[0]):
        return _list(lines)
    if all(line.startswith("    ") for line in lines):
        return f"<pre>{html.escape(chr(10).join(line[4:] for line in lines))}</pre>"
    return f"<p>{_text(chr(10).join(lines))}</p>"


def _figure(text: str, png: bytes) -> str:
    """Return a figure, with its caption as the text for readers who cannot see it."""
    source = "data:image/png;base64," + b64encode(png).decode("ascii")
    return f'<figure><img src="{source}" alt="{html.escape(text)}"></figure>'


def _table(head: str, rows: Sequence[str]) -> str:
    """Return a table, numbers to the right, which scrolls by itself where it is too wide."""
    body = [_cells(row) for row in rows]
    lines = [_row("th", _cells(head), body[0] if body else []), *(_row("td", r, r) for r in body)]
    return '<div class="table"><table>\n' + "\n".join(lines) + "\n</table></div>"


def _row(kind: str, cells: Sequence[str], like: Sequence[str]) -> str:
    """Return a row, to the right where other cells, or these, are numbers."""
    right = [k < len(like) and bool(_NUMBER.fullmatch(like[k])) for k in range(len(cells))]
    elements = (
        f'<{kind} class="number">{_BRACKETS.sub(_UNBROKEN, _text(cell))}</{kind}>'
        if is_number
        else f"<{kind}>{_text(cell)}</{kind}>"
        for cell, is_number in zip(cells, right, strict=True)
    )
    return f"<tr>{''.join(elements)}</tr>"


def _cells(row: str) -> list[str]:
    """Return the cells of a row of a table."""
    return [cell.strip().replace(r"\|", "|") for cell in _CELLS.split(row.strip())[1:-1]]


def _list(lines: Sequence[str]) -> str:
    """Return a list; lines that begin no item continue the one before."""
    items: list[str] = []
    for line in lines:
        if item := _ITEM.fullmatch(line):
            items.append(item[1])
        else:
            items[-1] += "\n" + line.strip()
    return "<ul>\n" + "\n".join(f"<li>{_text(item)}</li>" for item in items) + "\n</ul>"


def _text(markdown: str) -> str:
    """Return the text of a paragraph, a cell or a heading."""
    parts, end = [], 0
    for found in _INLINE.finditer(markdown):
        parts.append(html.escape(markdown[end : found.start()]))
        code, bold, label, address = (html.escape(part or "") for part in found.groups())
        if code:
            parts.append(f"<code>{code}</code>")
        elif bold:
            parts.append(f"<strong>{bold}</strong>")
        else:
            parts.append(f'<a href="{address}">{label}</a>')
        end = found.end()
    return "".join([*parts, html.escape(markdown[end:])])
