"""Source code in a form of its own, the same under every Python that can read it.

``ast.dump`` is written for people and changes with Python's versions (3.12 added fields, 3.13 leaves empty ones out),
and the same code would have another digest after an upgrade. Here a node is its type and those of its fields that say
something, in the order of their names.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import Any

IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def code_digest(source: str) -> str:
    """SHA-256 of a file's code; docstrings, comments and formatting do not count. Raises SyntaxError."""
    return tree_digest(ast.parse(source))


def tree_digest(tree: ast.AST) -> str:
    """The same of code that has been parsed."""
    return hashlib.sha256(" ".join(_words(tree)).encode("ascii")).hexdigest()


def _words(tree: ast.AST) -> Iterator[str]:
    """The canonical form. A stack of its own: a sum of a thousand terms is a tree deeper than Python's recursion."""
    stack: list[Any] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, _Mark):
            yield item
        elif isinstance(item, ast.Constant):
            yield f"{type(item.value).__name__}:{_written(item.value)}"
        elif isinstance(item, ast.AST):
            yield f"{type(item).__name__}("
            stack.append(_Mark(")"))
            for name, value in sorted(_fields(item), reverse=True):
                stack += [value, _Mark(f"{name}=")]
        elif isinstance(item, list):
            yield "["
            stack.append(_Mark("]"))
            stack += reversed(item)
        else:
            yield _written(item)


class _Mark(str):
    """A piece of the form itself, told from the texts of the code."""

    __slots__ = ()


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """The fields that say something: none that are empty, as those are that only newer Pythons have."""
    for name, value in ast.iter_fields(node):
        if name in IGNORED_FIELDS:
            continue
        if name == "body" and isinstance(node, DOCUMENTED) and value and _is_text(value[0]):
            value = value[1:]
        elif name == "values" and isinstance(node, ast.JoinedStr):
            value = _joined(value)
        elif name == "format_spec" and value is not None:  # 3.13 has a text that stands alone without its list
            value = _joined(value.values if isinstance(value, ast.JoinedStr) else [value])
        if value is not None and value != []:
            yield name, value


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """An f-string's parts, neighbouring texts as one: Pythons differ in where they cut them."""
    made: list[ast.expr] = []
    for part in parts:
        if isinstance(part, ast.Constant):
            text = str(part.value)
            if made and isinstance(made[-1], ast.Constant):
                text = f"{made.pop().value}{text}"  # type: ignore[attr-defined]
            if text:
                made.append(ast.Constant(text))
        else:
            made.append(part)
    return made


def _written(value: Any) -> str:
    """A constant or a name. Hexadecimal: Python refuses to write integers of very many digits in decimals."""
    return hex(value) if type(value) is int else ascii(value)
