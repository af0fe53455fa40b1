"""What a result depends on, as digests: source code without docstrings and comments, followed through its imports."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmbench.errors import UserError
from mmbench.given.files import read_text
from mmbench.given.texts import told
from mmbench.plugins.catalog import package_folder
from mmbench.plugins.remembered import remembered
from mmbench.plugins.source import tree_digest

FOLDERS = ("methods", "datasets", "reports")


def digest(value: Any) -> str:
    """SHA-256 (first 16 digits) of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def place(root: Path) -> str:
    """Digest of where a data root is, by which folders of one name are told apart: records hold no paths, nor keys."""
    return digest(str(root.resolve()))


def source_digest(path: Path, module: str) -> str:
    """Digest of a plug-in's source and of every ``mmbench`` module and sibling it imports, directly or not.

    Formatting, comments and docstrings do not count. Raises UserError where one of them cannot be read.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    folder, parts = path.parent, {}
    queue = [(path, module)]
    while queue:
        file, name = queue.pop()
        if name in parts:
            continue
        parts[name], imports = _read(file, name)
        for imported in imports:
            if not imported.startswith(("mmbench", package)):
                continue
            if (found := _locate(imported, package, folder)) is not None:
                queue.append((found, imported))
    return digest(parts)


def _read(file: Path, module: str) -> tuple[str, list[str]]:
    """Digest of a file's code, and what it imports; both are kept, since methods share most of what they import."""
    kept = remembered("digests", Path(__file__), Path(__file__).with_name("source.py"))
    code, imports = kept.of(file, module, lambda: _parsed(read_text(file), file, module))
    return code, imports


@functools.cache
def _parsed(source: str, file: Path, module: str) -> tuple[str, list[str]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{file}: cannot be read as Python ({told(error)})") from error
    return tree_digest(tree), list(_imports(tree, module, file.name == "__init__.py"))


def _imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[str]:
    """Dotted names of all that a module imports; of ``from a import b`` both ``a`` and ``a.b``."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (stem, *(f"{stem}.{alias.name}" for alias in node.names))


@functools.cache
def _locate(module: str, package: str, folder: Path) -> Path | None:
    """The source of a module of mmbench, or of the plug-in's own ``package``, which lies in ``folder``."""
    parts = module.split(".")
    if parts[0] != "mmbench":
        if not f"{module}.".startswith(f"{package}.") or not package:
            return None
        root, rest = folder, parts[len(package.split(".")) :]
    elif len(parts) > 1 and parts[1] in FOLDERS:
        root, rest = package_folder(parts[1]), parts[2:]
    else:
        root, rest = Path(__file__).parents[1], parts[1:]
    stem = root.joinpath(*rest) if rest else root
    for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
