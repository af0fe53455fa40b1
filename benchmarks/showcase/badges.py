"""Badges of what ``pyproject.toml`` says, as files of this repository: a badge of a host tells that host who reads."""

from __future__ import annotations

import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

LETTER, PADDING, HEIGHT = 6.6, 6, 20  # pixels: about a character's width, beside a text, of a badge
VERSION = "Programming Language :: Python :: 3."


def badges(project: Path) -> dict[str, str]:
    """File name -> SVG: the versions of Python, and the licence."""
    said = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    versions = [f"3.{name.removeprefix(VERSION)}" for name in said["classifiers"] if name.startswith(VERSION)]
    return {
        "badge-python.svg": badge("python", " | ".join(versions)),
        "badge-licence.svg": badge("licence", said["license"]),
    }


def badge(name: str, value: str) -> str:
    """A name on grey and its value on blue."""
    left, right = (round(2 * PADDING + LETTER * len(text)) for text in (name, value))
    said = escape(f"{name}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" '
        f'aria-label="{said}">\n<title>{said}</title>\n'
        f'<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="#0b57b0"/>\n'
        f'<path d="M{left} 0H3a3 3 0 0 0-3 3v{HEIGHT - 6}a3 3 0 0 0 3 3H{left}z" fill="#4a4d55"/>\n'
        f'<g fill="#fff" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11" text-anchor="middle">\n'
        f'<text x="{left / 2}" y="14">{escape(name)}</text>\n'
        f'<text x="{left + right / 2}" y="14">{escape(value)}</text>\n</g>\n</svg>\n'
    )
