"""Which methods, variants, data sets, reports, metrics, launchers, sinks and profiles exist, read without an import.

A plug-in is a Python file with a literal ``NAME`` in one of the folders ``methods``, ``datasets``, ``reports``,
``mmbench/evaluation/metrics``, ``mmbench/launching/launchers`` and ``mmbench/tracking/sinks``; in a folder of the same
name below ``$MMBENCH_PLUGINS``; or a module named by an entry point of the group ``mmbench.methods``
(``mmbench.datasets``, ``mmbench.reports``, ``mmbench.metrics``, ``mmbench.launchers``, ``mmbench.sinks``). Its card is
the file's literal module-level assignments, so a plug-in that cannot be imported is still listed, with the reason.

A profile is a TOML file in ``mmbench/profiles``, in ``$MMBENCH_PLUGINS/profiles``, or beside a module that an entry
point of the group ``mmbench.profiles`` names.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import expect_folder, path_of, read_toml
from mmbench.given.packages import installed
from mmbench.given.texts import told
from mmbench.plugins.literals import kept_literals
from mmbench.plugins.remembered import stamp
from mmbench.plugins.rules import problem_of

PLUGINS_VARIABLE = "MMBENCH_PLUGINS"
METHODS, PROFILES = "methods", "profiles"
# Of the folders that are no package of their own.
PACKAGES = {
    "metrics": "mmbench.evaluation.metrics",
    "launchers": "mmbench.launching.launchers",
    "sinks": "mmbench.tracking.sinks",
}


@dataclass(frozen=True)
class Card:
    """What a plug-in says of itself.

    Attributes:
        name: as typed on the command line.
        folder: ``methods``, ``datasets``, ``reports``, ``metrics``, ``launchers``, ``sinks`` or
            ``profiles``.
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


def cards(folder: str) -> dict[str, Card]:
    """All plug-ins of a folder (see :class:`Card`) by name, with variants, sorted.

    What cannot be used is among them, with its ``problem``: one that breaks a rule (``rules.py``), or has a name that
    another file has taken, and then stands under its file's.
    """
    found: dict[str, Card] = {}
    read = [
        (_profile(path, stamp(path)),) if folder == PROFILES else _read(folder, path, module)
        for path, module in _sources(folder)
    ]
    for card in chain(*read, _entered(folder, importlib.metadata.entry_points)[1]):
        taken = found.setdefault(card.name, card)
        if taken.path != card.path:
            own = replace(card, name=f"{card.path.stem} ({card.path.parent})")
            problem = card.problem or f"NAME {card.name!r} is taken by {taken.path}"
            found.setdefault(own.name, _broken(own, problem))
    if folder == METHODS:
        found = {name: _with_parents(card, found) for name, card in found.items()}
    return dict(sorted(found.items()))


def _with_parents(card: Card, known: Mapping[str, Card]) -> Card:
    """The card; with a problem where those that it starts from are not there, cannot be used, or lead in a circle."""
    seen, problem = [card.name], ""
    while not problem and (name := known[seen[-1]].get("PARENT")):
        if name in seen:
            problem = f"PARENT: starts from itself ({' -> '.join([*seen, name])})"
        elif name not in known:
            problem = f"PARENT: no method named {name!r}{did_you_mean(name, known)}"
        elif known[name].problem:
            problem = f"PARENT: {name!r} cannot be read: {known[name].problem}"
        seen.append(name)
    return _broken(card, problem) if problem and not card.problem else card


def _broken(card: Card, problem: str) -> Card:
    """A card that says nothing but why it cannot be used: what it held may be anything."""
    return replace(card, values={}, spec={}, problem=problem)


def find(folder: str, name: str) -> Card:
    """One plug-in by name. Raises UserError with the near match, or with the reason it cannot be read."""
    known = cards(folder)
    if name not in known:
        raise UserError(f"no {folder.rstrip('s')} named {name!r}{did_you_mean(name, known)}")
    if known[name].problem:
        raise UserError(f"{folder.rstrip('s')} {name!r} cannot be read: {known[name].problem}")
    return known[name]


def load(card: Card, attribute: str) -> Any:
    """Import a plug-in and return one of its attributes.

    Raises:
        UserError: it cannot be imported, or lacks the attribute or a package; names the file, the line and the reason.
    """
    if missing := lacking(card):
        raise UserError(f"{card.name} {missing}")
    try:
        module = import_module(card)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in is anybody's code, sys.exit() included
        raise blamed(card, "cannot be imported", error) from error
    if not hasattr(module, attribute):
        raise UserError(f"{card.path}: {card.name!r} has no {attribute!r}")
    return getattr(module, attribute)


def blamed(card: Card, what: str, error: BaseException) -> UserError:
    """What a plug-in's own code raised, as one line that names its file and, where it was raised there, the line."""
    line = line_of(error, card.path)
    where = f"{card.path}:{line}" if line else str(card.path)
    return UserError(f"{where}: {card.name!r} {what}: {told(error)}")


def line_of(error: BaseException, path: Path) -> int | None:
    """The line of a plug-in's file in which an error was raised, the innermost; None where it was raised elsewhere."""
    file = os.path.realpath(path)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if os.path.realpath(frame.filename) == file]  # fmt: skip
    return lines[-1] if lines else None


def lacking(card: Card) -> str:
    """What a card's REQUIRES names and is not installed, with what to do; empty where all of it is."""
    for package, install in card.get("REQUIRES", {}).items():
        if not installed(package):
            return f"needs the package {package}, which is not installed: pip install '{install}'"
    return ""


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
        place = expect_folder(path_of(extra), PLUGINS_VARIABLE)
        places.append((place / folder, f"mmbench_plugins.{folder}"))
    entered, _ = _entered(folder, importlib.metadata.entry_points)
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
    return [*sources, *entered]


@functools.cache  # to look through all that is installed takes long
def _points(entry_points: Callable[[], importlib.metadata.EntryPoints]) -> importlib.metadata.EntryPoints:
    return entry_points()


@functools.cache  # a package that fails would be imported again and again
def _entered(
    folder: str, entry_points: Callable[[], importlib.metadata.EntryPoints]
) -> tuple[list[tuple[Path, str]], list[Card]]:
    """Files and names of the modules that entry points name, and a card for each that cannot be found, with the reason.

    One that is not installed is left out.
    """
    sources, broken = [], []
    for point in _points(entry_points).select(group=f"mmbench.{folder}"):
        try:
            if path := _origin(point.module):
                sources.append((path, point.module))
        except (Exception, SystemExit) as error:  # the package that a module is in is imported, and is anybody's code
            module = point.value.partition(":")[0].strip()
            if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
                continue
            path = None
            with contextlib.suppress(Exception):
                path = _origin(module.partition(".")[0])
            card = Card(point.name, folder, path or Path(module), module)
            broken.append(replace(card, problem=str(blamed(card, f"({point.value}) cannot be imported", error))))
    return sources, broken


def _origin(module: str) -> Path | None:
    """A module's file, found without importing it; the packages that it is in are imported."""
    spec = importlib.util.find_spec(module)
    return Path(spec.origin) if spec is not None and spec.origin else None


def _read(folder: str, path: Path, module: str) -> tuple[Card, ...]:
    """The cards of a source file; parsed again only when it, or the TOML beside it, is another file."""
    return _parse(folder, path, module, stamp(path), stamp(path.with_suffix(".toml")))


@functools.lru_cache(maxsize=1024)
def _parse(folder: str, path: Path, module: str, *stamps: tuple[int, ...]) -> tuple[Card, ...]:
    fallback = module.rsplit(".", 1)[-1]
    beside = path.with_suffix(".toml")
    try:
        values = kept_literals(path)
        # A link to nothing is somebody's settings that are gone, not a method without any.
        spec = read_toml(beside) if folder == METHODS and os.path.lexists(beside) else {}
    except (SyntaxError, OSError, ValueError, TypeError, RecursionError, MemoryError, UserError) as error:
        return (Card(fallback, folder, path, module, problem=told(error)),)
    if "NAME" not in values:
        return ()
    if "suites" in spec:
        values["SUITES"] = spec["suites"]
    if problem := problem_of(folder, values, spec):
        name = values["NAME"] if isinstance(values["NAME"], str) and values["NAME"] else fallback
        return (Card(name, folder, path, module, problem=problem),)
    base = Card(values["NAME"], folder, path, module, values, spec)
    made = _dataset_variant if folder == "datasets" else _variant
    variants = values.get("VARIANTS", {}) if folder == "datasets" else spec.get("variants", {})
    return (base, *(_checked(made(base, name, own)) for name, own in variants.items()))


def _checked(card: Card) -> Card:
    """A variant or a profile, with the first rule that it breaks."""
    problem = problem_of(card.folder, card.values, {})
    return _broken(card, problem) if problem else card


@functools.lru_cache(maxsize=128)
def _profile(path: Path, when: tuple[int, ...]) -> Card:
    try:
        spec = read_toml(path)
    except UserError as error:
        return Card(path.stem, PROFILES, path, "", problem=str(error))
    values = {"NAME": path.stem, "TITLE": spec.get("title", "")}
    return _checked(Card(path.stem, PROFILES, path, "", values, spec))


def _dataset_variant(base: Card, name: str, own: Mapping[str, Any]) -> Card:
    mine = own.get("SETTINGS", {})
    settings = {**base.get("SETTINGS", {}), **mine} if isinstance(mine, Mapping) else mine
    values = {**base.values, **own, "NAME": name, "SETTINGS": settings}
    return Card(name, base.folder, base.path, base.module, values, base.spec, variant=name)


def _variant(base: Card, name: str, table: Mapping[str, Any]) -> Card:
    own = {key.upper(): value for key, value in table.items() if not isinstance(value, Mapping)}
    inherited = {key: value for key, value in base.values.items() if key != "SUITES"}
    values = {**inherited, "TITLE": f"{base['TITLE']} ({name})", "IN_ALL": False, **own, "NAME": name}
    return Card(name, base.folder, base.path, base.module, values, base.spec, variant=name)
