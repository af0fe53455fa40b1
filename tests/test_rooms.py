"""Who may know whom: every import in the house, type-checking and local ones among them, is held against one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Room -> the rooms it may import from, besides itself. "top" are the files of mmbench/ and mmbench/modality/.
MAY_KNOW = {
    "top": set(),
    "plugins": {"top"},
    "store": {"top", "plugins"},
    "planning": {"top", "plugins", "store"},
    "launching": {"top", "plugins", "store", "planning"},
    "tracking": {"top", "plugins", "store"},
    "training": {"top", "plugins", "store", "tracking"},
    "evaluation": {"top", "plugins", "store", "training"},
    "ranks": {"top", "plugins", "store", "planning", "training"},
    "cells": {"top", "plugins", "store", "planning", "tracking", "training", "evaluation", "ranks"},
    "publishing": {"top", "plugins", "store"},
    "inference": {"top", "plugins", "store", "planning", "training"},
    "contracts": {"top", "plugins", "store", "planning", "training", "evaluation", "publishing"},
    "commands": {
        "top", "plugins", "store", "planning", "launching", "tracking", "training", "evaluation", "publishing",
        "inference", "contracts",
    },
    "methods": {"top"},
    "datasets": {"top"},
    "reports": {"top"},
}  # fmt: skip

# Programs and the package's own face: they are entered from outside, and nothing in the house imports them.
DOORS = {"mmbench", "mmbench.__main__", "mmbench.cell"}


def modules() -> dict[str, Path]:
    """Dotted name -> file of everything that is installed, but templates: they are copied, not imported."""
    found = {}
    for folder in ("mmbench", "methods", "datasets", "reports"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.parent == ROOT / "mmbench" / "templates":
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts if folder == "mmbench" else ("mmbench", *parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    """The room of a module: ``mmbench.store.files`` is in ``store``, ``mmbench.task`` on top."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_KNOW else "top"


def imports(module: str) -> Iterator[str]:
    """The house's modules that a module imports, wherever the statement stands."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            inner = [f"{stem}.{alias.name}" for alias in node.names]
            wanted = [name if name in MODULES else stem for name in inner]
        else:
            continue
        yield from (name for name in wanted if name in MODULES and name != module)


@pytest.mark.parametrize("module", sorted(MODULES.keys() - DOORS))
def test_a_module_imports_only_from_rooms_it_may_know(module: str) -> None:
    allowed = {*MAY_KNOW[room(module)], room(module)}
    strange = sorted(name for name in imports(module) if room(name) not in allowed)
    assert not strange, f"{module} ({room(module)}) may know {sorted(allowed)}, and imports {strange}"


def test_nothing_imports_a_program_or_the_package_itself() -> None:
    allowed = {("mmbench.__main__", "mmbench.commands.main")}
    found = [(one, two) for one in MODULES for two in imports(one) if two in DOORS]
    assert not [pair for pair in found if pair not in allowed]


def test_imports_have_no_circle() -> None:
    """Depth-first: a module met again before it is finished closes a circle, which the message shows."""
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in finished:
            for name in imports(module):
                visit(name, (*path, module))
            finished.add(module)

    for module in MODULES:
        visit(module, ())


def test_the_top_room_is_small() -> None:
    assert len(list((ROOT / "mmbench").glob("*.py"))) <= 16


def test_no_file_is_longer_than_350_lines() -> None:
    folders = ("mmbench", "methods", "datasets", "reports", "tests", "benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert not {path: lines for path, lines in lengths.items() if lines > 350}
