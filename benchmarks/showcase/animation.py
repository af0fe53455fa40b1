"""A command in a terminal as an SVG: what it printed, line after line, in its own time but for long waits.

Where nothing moves (a viewer without animations, a reader who asked for none) all lines stand there at once.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH = 130  # characters of a line, beyond which it is cut
LONGEST = 1.2  # seconds that the picture waits for a line at most
FIRST = 1.0  # seconds before the first line
LETTER, HEIGHT, MARGIN = 7.25, 17, 14  # pixels: a character's width, a line's height, around all of it
STYLE = """text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #d6d8de; white-space: pre; }
.typed { fill: #8ab8ff; }
@keyframes wait { from, to { opacity: 0; } }
@media (prefers-reduced-motion: no-preference) { .line { animation: wait linear; } }"""


@dataclass(frozen=True)
class Line:
    """What was printed, and how many seconds after the command began."""

    seconds: float
    text: str


def recorded(command: Sequence[str], folder: Path) -> list[Line]:
    """Run a command in a folder until it ends. The user's home is written as ``~``.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    start, lines = time.monotonic(), list[Line]()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for text in process.stdout:
            lines.append(Line(time.monotonic() - start, text.rstrip("\n").replace(str(Path.home()), "~")))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, "\n".join(line.text for line in lines))
    return lines


def excerpt(lines: Sequence[Line], blocks: int) -> list[Line]:
    """The first blocks of lines, with empty ones between them, and the last line; dots stand for the rest."""
    printed = [line for line in lines if line.text]
    ends = [number for number, line in enumerate(lines) if number and not line.text and lines[number - 1].text]
    if len(ends) < blocks:
        return list(lines)
    shown = list(lines[: ends[blocks - 1]])
    return [*shown, Line(printed[-1].seconds, "⋮"), printed[-1]]


def svg(typed: str, lines: Sequence[Line]) -> str:
    """A command as it was typed, and its lines one after another."""
    shown = [Line(0.0, f"$ {typed}"), *(Line(line.seconds, _cut(line.text)) for line in lines)]
    width = round(2 * MARGIN + LETTER * max(len(line.text) for line in shown))
    height = 2 * MARGIN + HEIGHT * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{escape(typed)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" rx="6" fill="#16171b"/>',
    ]
    at, before = FIRST, 0.0
    for number, line in enumerate(shown):
        at += min(line.seconds - before, LONGEST)
        before = line.seconds
        look = 'class="typed"' if number == 0 else f'class="line" style="animation-duration: {at:.2f}s"'
        place = f'x="{MARGIN}" y="{MARGIN + HEIGHT * number + 13}"'
        if line.text:
            parts.append(f"<text {look} {place}>{escape(line.text)}</text>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
