"""Which methods, variants, data sets, reports, metrics and profiles exist, read without importing them.

A plug-in is a Python file with a literal ``NAME`` in one of the folders ``methods``, ``datasets``, ``reports`` and
``mmbench/evaluation/metrics``; in a folder of the same name below ``$MMBENCH_PLUGINS``; or a module named by an entry
point of the group ``mmbench.methods`` (``mmbench.datasets``, ``mmbench.reports``, ``mmbench.metrics``). Its card is the
file's literal module-level assignments, so a plug-in that cannot be imported is still listed, with the reason.

A profile is a TOML file in ``mmbench/profiles``, in ``$MMBENCH_PLUGINS/profiles``, or beside a module that an entry
point of the group ``mmbench.profiles`` names.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.plugins.remembered import remembered, stamp

PLUGINS_VARIABLE = "MMBENCH_PLUGINS"
PROFILES = "profiles"
PACKAGES = {"metrics": "mmbench.evaluation.metrics"}  # of the folders that are no package of their own


@dataclass(frozen=True)
class Card:
    """What a plug-in says of itself.

    Attributes:
        name: as typed on the command line.
        folder: ``methods``, ``datasets``, ``reports``, ``metrics`` or ``profiles``.
        path: the source file.
        module: its dotted name; empty for a profile.
        values: the card's literals (``TITLE``, ``ACCESS``, ...), a variant's own among them.
        spec: the TOML beside a method (settings, schedules, overlays, variants), or a profile's; empty without one.
        variant: name of the variant, empty for the method itself.
        problem: why the plug-in cannot be read; empty where it can.
    """

    name: str
    folder: str
    path: Path
    module: str
    values: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    problem: str = ""

    def __getitem__(self, key: str) -> Any:
        """One of the card's literals. Raises UserError where the file lacks it."""
        if key not in self.values:
            raise UserError(f"{self.path}: the card of {self.name!r} lacks {key}")
        return self.values[key]

    def get(self, key: str, default: Any = None) -> Any:
        """One of the card's literals or the default."""
        return self.values.get(key, default)


def literals(path: Path) -> dict[str, Any]:
    """The module-level assignments of literals in a source file. Raises SyntaxError, OSError, UnicodeDecodeError."""
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
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


def _literals(path: Path) -> dict[str, Any]:
    """The same, kept; as text, since JSON has no tuples."""
    kept = remembered("cards", Path(__file__)).of(path, "literals", lambda: repr(literals(path)))
    found: dict[str, Any] = ast.literal_eval(kept)
    return found


def cards(folder: str) -> dict[str, Card]:
    """All of ``methods``, ``datasets``, ``reports``, ``metrics`` or ``profiles`` by name, with variants, sorted."""
    found: dict[str, Card] = {}
    for path, module in _sources(folder):
        for card in (_profile(path, stamp(path)),) if folder == PROFILES else _read(folder, path, module):
            found.setdefault(card.name, card)
    return dict(sorted(found.items()))


def find(folder: str, name: str) -> Card:
    """One plug-in by name. Raises UserError with the near match, or with the reason it cannot be read."""
    known = cards(folder)
    if name not in known:
        raise UserError(f"no {folder.rstrip('s')} named {name!r}{did_you_mean(name, known)}")
    if known[name].problem:
        raise UserError(f"{folder.rstrip('s')} {name!r} cannot be read: {known[name].problem}")
    return known[name]


def load(card: Card, attribute: str) -> Any:
    """Import a plug-in and return one of its attributes."""
    return getattr(import_module(card), attribute)


def import_module(card: Card) -> ModuleType:
    """Import a plug-in's module, from its package or from its file."""
    if card.module in sys.modules:
        return sys.modules[card.module]
    if not card.module.startswith("mmbench_plugins."):
        return importlib.import_module(card.module)
    spec = importlib.util.spec_from_file_location(card.module, card.path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{card.path} is not a Python source file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[card.module] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[card.module]
        raise
    return module


def package_of(folder: str) -> str:
    """The package that mmbench's own plug-ins of a folder are in."""
    return PACKAGES.get(folder, f"mmbench.{folder}")


@functools.cache
def package_folder(folder: str) -> Path:
    """Where the package of a folder of plug-ins lies; only what it lies in is imported."""
    spec = importlib.util.find_spec(package_of(folder))
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"mmbench.{folder} is not installed: run `pip install -e .` in the repository")
    return Path(next(iter(spec.submodule_search_locations)))


def _sources(folder: str) -> list[tuple[Path, str]]:
    places = [(package_folder(folder), package_of(folder))]
    if extra := os.environ.get(PLUGINS_VARIABLE):
        places.append((Path(extra).expanduser() / folder, f"mmbench_plugins.{folder}"))
    entered = list(_entered(folder))
    if folder == PROFILES:
        folders = [*(place for place, _ in places), *(path.parent for path, _ in entered)]
        return [(path, "") for place in folders for path in sorted(place.glob("*.toml"))]
    sources = []
    for place, package in places:
        for path in sorted([*place.glob("*.py"), *place.glob("*/__init__.py")]):
            if path.stem == "__init__":
                if path.parent != place:
                    sources.append((path, f"{package}.{path.parent.name}"))
            else:
                sources.append((path, f"{package}.{path.stem}"))
    return sources + entered


@functools.cache  # to look through all that is installed takes long
def _points(entry_points: Callable[[], importlib.metadata.EntryPoints]) -> importlib.metadata.EntryPoints:
    return entry_points()


def _entered(folder: str) -> Iterator[tuple[Path, str]]:
    """Files and names of the modules that entry points name; one that is not installed is left out."""
    for point in _points(importlib.metadata.entry_points).select(group=f"mmbench.{folder}"):
        try:
            spec = importlib.util.find_spec(point.module)
        except ImportError:
            spec = None
        if spec is not None and spec.origin:
            yield Path(spec.origin), point.module


def _read(folder: str, path: Path, module: str) -> tuple[Card, ...]:
    """The cards of a source file; parsed again only when it, or the TOML beside it, is another file."""
    return _parse(folder, path, module, stamp(path), stamp(path.with_suffix(".toml")))


@functools.lru_cache(maxsize=1024)
def _parse(folder: str, path: Path, module: str, *stamps: tuple[int, ...]) -> tuple[Card, ...]:
    fallback = module.rsplit(".", 1)[-1]
    try:
        values = _literals(path)
        spec = _toml(path.with_suffix(".toml")) if folder == "methods" else {}
    except (SyntaxError, OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return (Card(fallback, folder, path, module, problem=f"{type(error).__name__}: {error}"),)
    if "NAME" not in values:
        return ()
    if "suites" in spec:
        values["SUITES"] = spec["suites"]
    base = Card(str(values["NAME"]), folder, path, module, values, spec)
    if folder == "datasets":
        return (base, *(_dataset_variant(base, name, own) for name, own in values.get("VARIANTS", {}).items()))
    variants = spec.get("variants", {})
    return (base, *(_variant(base, name, table) for name, table in variants.items()))


@functools.lru_cache(maxsize=128)
def _profile(path: Path, when: tuple[int, ...]) -> Card:
    try:
        spec = _toml(path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Card(path.stem, PROFILES, path, "", problem=f"{path}: {type(error).__name__}: {error}")
    return Card(path.stem, PROFILES, path, "", {"TITLE": spec.get("title", "")}, spec)


def _dataset_variant(base: Card, name: str, own: Mapping[str, Any]) -> Card:
    settings = {**base.get("SETTINGS", {}), **own.get("SETTINGS", {})}
    values = {**base.values, **own, "NAME": name, "SETTINGS": settings}
    return Card(name, base.folder, base.path, base.module, values, base.spec, variant=name)


def _variant(base: Card, name: str, table: Mapping[str, Any]) -> Card:
    own = {key.upper(): value for key, value in table.items() if not isinstance(value, Mapping)}
    inherited = {key: value for key, value in base.values.items() if key != "SUITES"}
    values = {**inherited, "TITLE": f"{base['TITLE']} ({name})", "IN_ALL": False, **own, "NAME": name}
    return Card(name, base.folder, base.path, base.module, values, base.spec, variant=name)


def _toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)
