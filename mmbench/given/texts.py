"""Texts that somebody else wrote, such as names and titles, made safe to show."""

from __future__ import annotations

import html
import re

from mmbench.errors import UserError

# Control characters (in 7 and 8 bits), what changes the direction of writing, separators of lines, signs that are not
# seen at all, halves of surrogate pairs: a terminal obeys some of them, and others make a text look like another one.
_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f"
)
UNSEEN = re.compile(f"[{_UNSEEN}]")
BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
CURSOR_UP = "\x1b[A"  # by which several progress bars stand below each other
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four: the same signs as wide as Chinese ones
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
MARKS = re.compile(r"[|`]|\\(?=[!-/:-@\[-`{-~])|(?<=!)\[|(?<=\])\(")
HTML = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")


def shown(text: str) -> str:
    """A text as a terminal, a file or a page may show it: on one line, signs that cannot be seen written out."""
    if text.isascii() and text.isprintable():
        return text
    return UNSEEN.sub(_written, BREAKS.sub(" ", text))


def told(error: BaseException) -> str:
    """An error's type and text on one line, whatever its text holds, and where it cannot say any."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # of an error of somebody's own
        text = ""
    kind = "" if isinstance(error, UserError) else type(error).__name__
    return shown(": ".join(filter(None, (kind, text))))


def lines_shown(text: str) -> str:
    """The same of each line of a text."""
    return "\n".join(map(shown, text.split("\n")))


def streamed(text: str, bars: bool = False) -> str:
    """A piece of what a program prints: ends of lines and tabs stay, and of what moves a terminal's cursor what
    progress bars need.

    Args:
        bars: whether several of them, below each other, are printed here too.
    """
    if bars and CURSOR_UP in text:
        return CURSOR_UP.join(map(streamed, text.split(CURSOR_UP)))
    return text if text.isascii() and text.isprintable() else UNSEEN.sub(_written_but_layout, text)


def markdown(text: str) -> str:
    """A text in which Markdown sees no HTML, no image, no link, no code and no end of a table's cell."""
    return HTML.sub(lambda found: html.escape(found[0]), MARKS.sub(r"\\\g<0>", shown(text)))


def csv(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe leads it. Numbers, and a sign alone, stay."""
    text = UNSEEN.sub(_written_but_layout, text)
    return f"'{text}" if text.startswith(FORMULA) and len(text) > 1 and not NUMBER.fullmatch(text) else text


def _written_but_layout(found: re.Match[str]) -> str:
    return found[0] if found[0] in "\n\r\t" else _written(found)


def _written(found: re.Match[str]) -> str:
    """``\\x1b``, ``\\u202e``."""
    return found[0].encode("ascii", "backslashreplace").decode() if ord(found[0]) > 0x9F else f"\\x{ord(found[0]):02x}"
