"""The page of all reports: one file that asks for nothing else, for phones, paper, light and dark screens.

No script, no font and no address: styles stand in the page, images are data URIs, and the page's content policy
forbids everything else. What it looks like is in ``page.html.jinja`` and ``page.css``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmbench.given.texts import lines_shown
from mmbench.reporting import Figure, Table

LONG = 40  # rows of a table beyond which it scrolls by itself, below its headers
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Entry:
    """A table or figure on the page: where it stands, its title, its fragment, and the files beside the page."""

    name: str
    title: str
    body: Markup
    files: Sequence[str] = ()

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return "item-" + re.sub(r"[^A-Za-z0-9_.-]", "-", self.name)

    @property
    def kind(self) -> str:
        """Which of the two it is."""
        return "picture" if self.body.startswith('<div class="pane"') else "table"

    def title_in(self, heading: str) -> str:
        """Its title without the heading that it stands under."""
        return self.title.replace(f": {heading}", "").replace(f", {heading}", "")


def page(title: str, facts: Mapping[str, str], sections: Mapping[str, Sequence[Entry]], notes: Sequence[str]) -> str:
    """The whole page.

    Args:
        facts: what the page was made from and when, as label and text.
        sections: heading -> what stands in it, in order.
        notes: a line per cell without numbers and per report that could not be made.
    """
    return str(TEMPLATE.document(title, facts, sections, notes, POLICY))


def table(item: Table) -> Markup:
    """A table with headings of groups in a box that scrolls by itself, and its note."""
    return Markup(TEMPLATE.table(item, item.titles(), item.align(), len(item.lines) > LONG))


def figure(item: Figure, png: bytes, svg: bytes) -> Markup:
    """A figure as an image inside the page: the SVG, or the PNG where the figure holds pictures."""
    kind, content = ("png", png) if item.has_images() else ("svg+xml", svg)
    return Markup(TEMPLATE.figure(item, kind, base64.b64encode(content).decode()))


def _allowed(value: Any) -> Any:
    """Any text; the characters that HTML does not allow, or that show it as another one, are written out."""
    return value if isinstance(value, Markup) else lines_shown(str(value))


TEMPLATE: Any = (
    Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, finalize=_allowed,
        keep_trailing_newline=True,
    )
    .get_template("page.html.jinja")
    .module
)  # fmt: skip
