"""What a source file assigns, as far as it is written out: its card, read without importing it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mmbench.given.files import read_text
from mmbench.plugins.remembered import remembered


def literals(path: Path) -> dict[str, Any]:
    """The module-level assignments of literals in a source file.

    Raises:
        OSError, UserError: the file cannot be read.
        SyntaxError, ValueError, RecursionError, MemoryError: it is no Python, or so deeply nested that Python gives up.
        TypeError: an assignment that Python could not make, such as a list as a key.
    """
    found: dict[str, Any] = {}
    for node in ast.parse(read_text(path), str(path)).body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                try:
                    found[target.id] = ast.literal_eval(value)
                except ValueError:
                    continue  # computed, hence not part of the card
    return found


def kept_literals(path: Path) -> dict[str, Any]:
    """The same, kept between processes; as text, since JSON has no tuples."""
    try:
        kept = remembered("cards", Path(__file__)).of(path, "literals", lambda: repr(literals(path)))
        found: dict[str, Any] = ast.literal_eval(kept)
    except (ValueError, SyntaxError):  # no literal says infinity, an ellipsis or a number of thousands of digits
        found = literals(path)
    return found
