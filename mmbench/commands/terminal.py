"""What the command line prints, whatever names and titles hold: no escape sequence of theirs reaches the terminal."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from mmbench.given.texts import streamed


class _Stream:
    """A text stream that writes control characters out, such as ``\\x1b``; the rest is the stream's own.

    Args:
        bars: whether progress bars stand on it.
    """

    def __init__(self, stream: TextIO, bars: bool) -> None:
        self._stream, self._bars = stream, bars

    def write(self, text: str) -> int:
        """As of any text stream."""
        return self._stream.write(streamed(text, self._bars))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Inside, standard output and error are such streams, which also write what their encoding lacks as ``?``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # tables hold arrows and Greek letters, terminals may not
    out, err = (cast(TextIO, _Stream(stream, bars)) for stream, bars in ((sys.stdout, False), (sys.stderr, True)))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
