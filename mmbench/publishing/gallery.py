"""Pictures that the page shows pixel by pixel, as JSON inside it: each stored once, as many as there is room for."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mmbench.given.texts import shown
from mmbench.reporting import Example, Gallery

AROUND = 120  # characters that an example and its pictures' captions take in JSON beside what they say


@dataclass(frozen=True)
class Stored:
    """Galleries as the page holds them.

    Attributes:
        text: a JSON object that may stand in a ``script`` element. ``images`` are PNG files in base64; of each gallery
            ``examples`` have the choices' values and, of every panel, caption, number of the image and name of the
            meaning.
        left_out: how many examples there was no room for.
    """

    text: Markup
    left_out: int


def stored(galleries: Mapping[str, Gallery], room: int) -> Stored:
    """Galleries by name, in at most about ``room`` characters.

    Examples of one rank stay together, in all galleries: where there is no room for them, neither they nor any of a
    higher rank are there.
    """
    images: dict[bytes, int] = {}
    every = [(name, example) for name, gallery in galleries.items() for example in gallery.examples]
    most = -1
    for rank in sorted({example.rank for _, example in every}):
        some = [example for _, example in every if example.rank == rank]
        new = {panel.png for example in some for panel in example.panels} - images.keys()
        room -= sum(map(_length, some)) + sum(len(png) * 4 // 3 + 8 for png in new)
        if room < 0:
            break
        images |= {png: len(images) + number for number, png in enumerate(sorted(new))}
        most = rank
    content = {
        "images": [base64.b64encode(png).decode() for png in images],
        "galleries": {name: _gallery(gallery, images, most) for name, gallery in galleries.items()},
    }
    # In a script element only "<" could end it; JSON may write it as an escape.
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).replace("<", r"\u003c")
    return Stored(Markup(text), sum(example.rank > most for _, example in every))


def _gallery(gallery: Gallery, images: Mapping[bytes, int], most: int) -> dict[str, Any]:
    return {
        "meanings": {shown(str(name)): dict(meaning) for name, meaning in gallery.meanings.items()},
        "examples": [
            [
                [shown(str(value)) for value in example.choices.values()],
                [[shown(str(panel.caption)), images[panel.png], shown(str(panel.meaning))] for panel in example.panels],
            ]
            for example in gallery.examples
            if example.rank <= most
        ],
    }


def _length(example: Example) -> int:
    return AROUND + sum(
        len(str(text)) for text in [*example.choices.values(), *(panel.caption for panel in example.panels)]
    )
