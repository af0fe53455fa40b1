"""A page for each method and variant, made when the site is built: what it is, what it is trained with, its source.

All of it comes from the method's own files: the docstring of its module, its card, its settings as ``mmbench config``
prints them. Nothing is kept in the checkout (``docs/made/`` is ignored).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from sphinx.application import Sphinx

from mmbench.commands.config import resolved
from mmbench.plugins import catalog
from mmbench.plugins.catalog import Card

MADE = Path("docs/made/methods")
PROFILES = ("laptop", "paper")
DATASETS = {"cross-modal": "synthetic", "cross-channel": "flowers", "cross-domain": "colored-objects"}  # one per kind


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}


def write_pages(app: Sphinx) -> None:
    """Write a page per method below the source folder, and their index."""
    folder = Path(app.srcdir) / MADE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cards = {name: card for name, card in sorted(catalog.cards("methods").items()) if not card.problem}
    for card in cards.values():
        (folder / f"{card.name}.md").write_text("\n".join(page(card)), encoding="utf-8")
    (folder / "index.md").write_text("\n".join(index(cards.values())), encoding="utf-8")


def page(card: Card) -> Iterator[str]:
    """The lines of one method's page, as Markdown."""
    yield f"# {card['TITLE']}"
    yield ""
    facts = {
        "name": f"`{card.name}`"
        + (f", a variant of [{base}]({base}.md)" if (base := card.get("NAME")) != card.name else ""),
        "tasks": ", ".join(card["KINDS"]),
        "sees": card["ACCESS"],
        "group": card["GROUP"],
        "suites": ", ".join(card.get("SUITES", ())) or "none",
        "source": card.get("CITATION", "none"),
        "file": f"[{card.path.name}](../../../methods/{card.path.name})",
    }
    yield from ("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items()), "")
    if not card.variant:
        yield from ("```{eval-rst}", f".. automodule:: {card.module}", f"   :members: {card['CLASS']}", "```", "")
    dataset = DATASETS[card["KINDS"][0]]
    for profile in PROFILES:
        yield f"## In the profile `{profile}`, on `{dataset}`"
        yield ""
        yield from ("```toml", resolved(card.name, [dataset], profile, {}).rstrip(), "```", "")


def index(cards: Iterable[Card]) -> Iterator[str]:
    """The lines of the index."""
    yield from ("# A page for each method", "", "| name | method | group | sees |", "|---|---|---|---|")
    names = []
    for card in cards:
        names.append(card.name)
        yield f"| [{card.name}]({card.name}.md) | {card['TITLE']} | {card['GROUP']} | {card['ACCESS']} |"
    yield from ("", "```{toctree}", ":hidden:", "", *names, "```", "")
