"""The page of all reports: one file that asks for nothing else, for phones, paper, light and dark screens.

No script, no font and no address: styles stand in the page, images are data URIs, and the page's content policy
forbids everything else.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmbench.reporting import Figure, Line, Table

LONG = 40  # rows of a table beyond which it scrolls by itself, below its headers
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
SPECIAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff&<>\"']")
STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1b1b1f; --weak: #5c5f66; --rule: #d4d6db; --band: #f2f3f6;
  --link: #0b57b0; }
@media (prefers-color-scheme: dark) { :root { --page: #16171b; --text: #e6e7ea; --weak: #a3a7b0; --rule: #3a3d45;
  --band: #22242a; --link: #8ab8ff; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1rem; max-width: 110rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .5rem;
  border-top: 2px solid var(--rule); }
a { color: var(--link); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; font-size: .9rem; }
.facts dt { color: var(--weak); } .facts dd { margin: 0; }
h3 { font-size: 1rem; margin: 0; }
nav ul { padding-left: 1.2rem; margin: .2rem 0; } nav { font-size: .9rem; } nav li { margin: .25rem 0; }
nav ul ul { columns: 24rem; column-gap: 2rem; }
figure { margin: 1.5rem 0; } figcaption { margin-bottom: .4rem; }
.scroll { overflow-x: auto; width: fit-content; max-width: 100%; border: 1px solid var(--rule); border-radius: 4px; }
.long { overflow-y: auto; max-height: 85vh; } .long thead th { position: sticky; top: 0; background: var(--page); }
.long thead th:first-child { z-index: 2; }
.scroll:focus-visible { outline: 2px solid var(--link); }
table { width: max-content; border-collapse: separate; border-spacing: 0; font-size: .85rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .25rem .6rem; text-align: left; vertical-align: top; white-space: nowrap; }
thead th { border-bottom: 1px solid var(--rule); color: var(--weak); font-weight: 600; vertical-align: bottom; }
td:not(.right) { max-width: 24rem; white-space: normal; }
tbody th { font-weight: 400; } tbody tr:nth-child(even) > * { background: var(--band); }
tr > :first-child:not(.group) { position: sticky; left: 0; z-index: 1; background: var(--page);
  border-right: 1px solid var(--rule); max-width: min(26rem, 45vw); white-space: normal; }
tbody tr:nth-child(even) > :first-child { background: var(--band); }
th.group { font-weight: 600; border-top: 1px solid var(--rule); background: var(--page) !important; }
th.group span { position: sticky; left: .6rem; }
.right { text-align: right; } td small { display: block; color: var(--weak); font-size: .75rem; }
.note, .files { color: var(--weak); font-size: .85rem; margin: .4rem 0; max-width: 60rem; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; padding: .3rem; }
ul.cells { font-size: .85rem; }
@media print { @page { size: A4 landscape; margin: 12mm; } body { padding: 0; max-width: none; font-size: 10pt; }
  :root { --page: #fff; --text: #000; --weak: #444; --rule: #999; --band: #f2f3f6; --link: #000; }
  .scroll { overflow: visible; border: 0; max-height: none; }
  table { width: auto; font-size: 6.5pt; } th, td { padding: .1rem .25rem; }
  tr > :first-child:not(.group) { position: static; } thead { display: table-header-group; }
  tr, figure.picture { break-inside: avoid; } figcaption { break-after: avoid; } .files { display: none; }
  img { max-height: 170mm; } }
"""


@dataclass(frozen=True)
class Entry:
    """A table or figure on the page: where it stands, its title, its fragment, and the files beside the page."""

    name: str
    title: str
    body: str
    files: Sequence[str] = ()


def page(title: str, facts: Mapping[str, str], sections: Mapping[str, Sequence[Entry]], notes: Sequence[str]) -> str:
    """The whole page.

    Args:
        facts: what the page was made from and when, as label and text.
        sections: heading -> what stands in it, in order.
        notes: a line per cell without numbers and per report that could not be made.
    """
    parts = [f"<h1>{text(title)}</h1>", _facts(facts), _contents(sections, notes)]
    for number, (heading, entries) in enumerate(sections.items()):
        parts.append(f'<section id="section-{number}">\n<h2>{text(heading)}</h2>')
        parts += [_entry(entry) for entry in entries]
        parts.append("</section>")
    if not sections:
        parts.append("<p>No results yet.</p>")
    if notes:
        lines = "\n".join(f"<li>{text(note)}</li>" for note in notes)
        parts.append(f'<section id="notes">\n<h2>Notes</h2>\n<ul class="cells">\n{lines}\n</ul>\n</section>')
    head = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    return head + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"


def table(item: Table) -> str:
    """A table with headings of groups in a box that scrolls by itself, and its note."""
    sides, titles = item.align(), item.titles()
    head = "".join(
        f'<th scope="col"{_side(side)}>{text(title)}</th>' for side, title in zip(sides, titles, strict=True)
    )
    rows = "\n".join(_row(line, sides) for line in item.lines)
    kind = "scroll long" if len(item.lines) > LONG else "scroll"
    box = f'<div class="{kind}" role="region" aria-label="{text(item.title)}" tabindex="0">'
    grid = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    return f"{box}{grid}</div>{_note(item.note)}"


def figure(item: Figure, png: bytes, svg: bytes) -> str:
    """A figure as an image inside the page: the SVG, or the PNG where the figure holds pictures."""
    kind, content = ("png", png) if item.has_images() else ("svg+xml", svg)
    data = base64.b64encode(content).decode()
    return f'<img src="data:image/{kind};base64,{data}" alt="{text(item.title)}">{_note(item.note)}'


def text(value: str) -> str:
    """Any text as content or attribute of the page; characters that HTML does not allow are replaced."""
    return html.escape(FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)) if SPECIAL.search(value) else value


def _facts(facts: Mapping[str, str]) -> str:
    lines = "\n".join(f"<dt>{text(label)}</dt><dd>{text(value)}</dd>" for label, value in facts.items())
    return f'<dl class="facts">\n{lines}\n</dl>'


def _contents(sections: Mapping[str, Sequence[Entry]], notes: Sequence[str]) -> str:
    items = []
    for number, (heading, entries) in enumerate(sections.items()):
        shorter = [(_anchor(entry.name), text(entry.title.replace(f": {heading}", ""))) for entry in entries]
        inner = "\n".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in shorter)
        items.append(f'<li><a href="#section-{number}">{text(heading)}</a>\n<ul>\n{inner}\n</ul></li>')
    if notes:
        items.append(f'<li><a href="#notes">Notes ({len(notes)})</a></li>')
    listed = "\n".join(items)
    return f'<nav aria-label="Contents">\n<h2>Contents</h2>\n<ul>\n{listed}\n</ul>\n</nav>'


def _entry(entry: Entry) -> str:
    kind = "picture" if entry.body.startswith("<img") else "table"
    links = " · ".join(f'<a href="{text(name)}">{text(name)}</a>' for name in entry.files)
    files = f'\n<p class="files">Beside this page: {links}</p>' if links else ""
    caption = f"<figcaption><h3>{text(entry.title)}</h3></figcaption>"
    return f'<figure class="{kind}" id="{_anchor(entry.name)}">\n{caption}\n{entry.body}{files}\n</figure>'


def _row(line: Line, sides: Sequence[str]) -> str:
    if line.heading:
        return (
            f'<tr><th class="group" colspan="{len(sides)}" scope="colgroup"><span>{text(line.heading)}</span></th></tr>'
        )
    cells = []
    for number, (cell, side) in enumerate(zip(line.cells, sides, strict=True)):
        shown = f"<strong>{text(cell)}</strong>" if line.best[number] else text(cell)
        interval = f"<small>{text(line.intervals[number])}</small>" if line.intervals[number] else ""
        tag = "td" if number else "th"
        scope = "" if number else ' scope="row"'
        cells.append(f"<{tag}{scope}{_side(side)}>{shown}{interval}</{tag}>")
    return f"<tr>{''.join(cells)}</tr>"


def _note(note: str) -> str:
    return f'\n<p class="note">{text(note)}</p>' if note else ""


def _side(side: str) -> str:
    return ' class="right"' if side == "right" else ""


def _anchor(name: str) -> str:
    return "item-" + re.sub(r"[^A-Za-z0-9_.-]", "-", name)
