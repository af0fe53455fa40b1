"""The page of all reports: one file that asks for nothing else, for phones, paper, light and dark screens.

No font and no address: styles stand in the page, images are data URIs, and the page's content policy forbids everything
else. The one script sorts and filters tables, shows pictures pixel by pixel and keeps both in the address; the policy
names its digest, and where no script may run the page does without. What it looks like is in ``page.html.jinja`` and
``page.css``, what it does in ``tables.js``, ``pictures.js`` and ``page.js``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmbench.given.texts import lines_shown
from mmbench.publishing.gallery import stored
from mmbench.reporting import Figure, Gallery, Table

FEW = 5  # lines of a table below which there is nothing to filter
LONG = 40  # rows of a table beyond which it scrolls by itself, below its headers
LIMIT = 14_500_000  # characters of a page: it can be sent by mail
FRAME = 200_000  # of them, what stands around tables, figures and pictures
LEFT_OUT = "{} translations are not shown pixel by pixel: the page would pass 15 MB. They are in the cells' samples/."
HERE = Path(__file__).parent
SCRIPT = "".join((HERE / name).read_text(encoding="utf-8") for name in ("tables.js", "pictures.js", "page.js"))
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"
)


@dataclass(frozen=True)
class Entry:
    """A table or figure on the page: where it stands, its title, its fragment, the files beside the page, and what a
    reader looks at closely.
    """

    name: str
    title: str
    body: Markup
    files: Sequence[str] = ()
    gallery: Gallery | None = None

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return "item-" + re.sub(r"[^A-Za-z0-9_.-]", "-", self.name)

    @property
    def kind(self) -> str:
        """Which of the two it is."""
        return "picture" if '<div class="pane"' in self.body else "table"

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
    entries = [entry for some in sections.values() for entry in some]
    galleries = {entry.anchor: entry.gallery for entry in entries if entry.gallery}
    pictures = stored(galleries, LIMIT - FRAME - sum(len(entry.body) for entry in entries))
    if pictures.left_out:
        notes = [*notes, LEFT_OUT.format(pictures.left_out)]
    return str(TEMPLATE.document(title, facts, sections, notes, POLICY, Markup(SCRIPT), pictures.text))


def table(item: Table) -> Markup:
    """A table with headings of groups in a box that scrolls by itself, what filters it, and its note."""
    return Markup(TEMPLATE.table(item, item.titles(), item.align(), len(item.lines) > LONG, len(item.lines) >= FEW))


def figure(item: Figure, png: bytes, svg: bytes) -> Markup:
    """A figure as an image inside the page, below its gallery: the SVG, or the PNG where the figure holds pictures."""
    kind, content = ("png", png) if item.has_images() else ("svg+xml", svg)
    choices = item.gallery.examples[0].choices if item.gallery and item.gallery.examples else ()
    return Markup(TEMPLATE.figure(item, kind, base64.b64encode(content).decode(), list(choices)))


def _allowed(value: Any) -> Any:
    """Any text; the characters that HTML does not allow, or that show it as another one, are written out."""
    return value if isinstance(value, Markup) else lines_shown(str(value))


TEMPLATE: Any = (
    Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, finalize=_allowed,
        keep_trailing_newline=True,
    )
    .get_template("page.html.jinja")
    .module
)  # fmt: skip
