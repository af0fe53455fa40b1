"""A benchmark as a TOML file: its keys, read and written.

The keys are the options' names, with ``_`` for ``-``. What stands at the top holds for all of it. Each ``[[run]]``
table is one more set of cells with keys of its own, as a command of its own would be::

    profile = "laptop"
    seeds = [0, 1, 2]
    log = ["tensorboard"]

    [[run]]
    methods = ["mmnet", "oracle"]

    [[run]]
    methods = ["mmnet"]
    seeds = [0]
    set.side_information = "skip"       # as --set: of this table's methods, and of those that they start from

Without such a table the file is one set. Relative paths are relative to the file.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import path_of, read_toml
from mmbench.given.weights import looks_like_file
from mmbench.launching.launcher import LOCAL
from mmbench.launching.progress import STALL_MINUTES
from mmbench.planning import papers
from mmbench.planning.selection import EVERYTHING, choose_datasets, default_profile
from mmbench.planning.spec import spec_of
from mmbench.plugins import catalog
from mmbench.store.files import write_bytes

RUN = "run"  # the tables
LAUNCHER, LAUNCHERS = "launcher", "launchers"  # its name; its options by its name, which the file has under the former
PATHS = ("runs", "cache", "data_root", "launcher_config")
DOTTED = ("profile", "data", "stage")  # what --set's keys may begin with


@dataclass(frozen=True)
class Part:
    """Cells that are asked for together; see :func:`mmbench.run` for what each key means."""

    methods: tuple[str, ...] = ()
    suite: str = ""
    table: str = ""
    dataset: tuple[str, ...] = ()
    profile: str = ""
    seeds: tuple[int, ...] = (0,)
    data_root: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """How all of it is done; see :func:`mmbench.run`.

    Attributes:
        reports: those that are written and printed in the end; none for all.
        launcher, launcher_config: as of ``--launcher`` and ``--launcher-config``.
    """

    runs: str = "runs"
    cache: str = ""
    jobs: int = 0
    device: str = "auto"
    precision: str = "auto"
    stall_minutes: float = STALL_MINUTES
    log: tuple[str, ...] = ()
    gpus_per_cell: int = 1
    reports: tuple[str, ...] = ()
    launcher: str = LOCAL
    launcher_config: str = ""


PART, WAY = (tuple(f.name for f in dataclasses.fields(kind)) for kind in (Part, Way))
LISTS = ("methods", "dataset", "seeds", "log", "reports")

Values = dict[str, Any]


def read(file: Path) -> tuple[Values, list[Values]]:
    """What a file says at its top, under ``launchers`` its tables of launchers, and its ``[[run]]`` tables.

    Values are as options give them: lists of one, ``set`` flat, paths as seen from here.

    Raises:
        UserError: no such file, no TOML, an unknown key.
    """
    if not file.exists() and str(file) in catalog.cards("methods"):
        raise UserError(f"{file}: no such file; methods are named with --methods {file}")
    found = read_toml(file)
    tables = found.pop(RUN, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UserError(f"{file}: {RUN}: expected tables [[{RUN}]]")
    options = found.pop(LAUNCHER) if isinstance(found.get(LAUNCHER), dict) else None
    if options is not None and len(options) != 1:
        raise UserError(f"{file}: {LAUNCHER}: expected one table, such as [launcher.slurm], or a name")
    values = _plain(found, (*PART, *WAY), file, str(file))
    if options is not None:
        values |= {LAUNCHER: next(iter(options)), LAUNCHERS: options}
    return values, [_plain(one, PART, file, f"{file}: [[{RUN}]] {n}") for n, one in enumerate(tables, start=1)]


def _plain(table: Values, known: Sequence[str], file: Path, where: str) -> Values:
    for key in table:
        if key not in known:
            top = key in WAY or key == RUN
            hint = "; it is for the top of the file" if top else did_you_mean(key, [*known, RUN])
            raise UserError(f"{where}: unknown key {key!r}{hint}")
    values = {key: [value] if key in LISTS and not isinstance(value, list) else value for key, value in table.items()}
    if "set" in values:
        if not isinstance(values["set"], dict):
            raise UserError(f"{where}: set: expected a table, got {values['set']!r}")
        values["set"] = _flat(values["set"])
    return _with_paths(values, file.parent, lambda text: str(file.parent / path_of(text)))


def _flat(table: Mapping[str, Any]) -> Values:
    """Keys as ``--set`` has them: ``profile.steps = 9`` below ``[set]`` is a table in a table to TOML.

    Behind a key with quoted dots a table stays the value that it is.
    """
    flat: Values = {}
    for key, value in table.items():
        flat |= _leaves(key, value) if key in DOTTED else {key: value}
    return flat


def _leaves(name: str, value: Any) -> Values:
    if not isinstance(value, dict):
        return {name: value}
    return {key: leaf for inner, one in value.items() for key, leaf in _leaves(f"{name}.{inner}", one).items()}


def _with_paths(values: Values, beside: Path, move: Callable[[str], str]) -> Values:
    """Every path in some values moved: keys of paths, folders of own images, files of weights."""

    def moved(key: str, value: Any) -> Any:
        if key in PATHS and isinstance(value, str):
            return move(value)
        if key == "dataset" and isinstance(value, list):
            return [_as_path(move(name)) if _is_folder(name, beside) else name for name in value]
        if key == "set":
            return {name: move(one) if name in files and looks_like_file(one) else one for name, one in value.items()}
        return value

    cards = catalog.cards(catalog.METHODS).values() if "set" in values else ()
    files = {key for card in cards if not card.problem for key in spec_of(card).get("files", ())}
    return {key: moved(key, value) for key, value in values.items()}


def _is_folder(name: Any, beside: Path) -> bool:
    """Whether the name of a data set is the path of own images."""
    if not isinstance(name, str) or name in catalog.cards("datasets"):
        return False
    return "/" in name or name.startswith((".", "~")) or (beside / name).is_dir()


def _as_path(text: str) -> str:
    return text if os.sep in text else f".{os.sep}{text}"  # no data set's name


def write(file: Path, parts: Sequence[Part], way: Way, launchers: Mapping[str, Any]) -> None:
    """Write what was asked for, with what is left to the machine otherwise (profile and data set) in words.

    Raises:
        UserError: the file is there already.
    """
    import tomli_w

    if os.path.lexists(file):
        raise UserError(f"--save {file}: is there already; name another file")
    made = [_words(_explicit(part), Part()) for part in parts]
    shared = {key: made[0][key] for key in PART if key in made[0] and all(one.get(key) == made[0][key] for one in made)}
    own = [{key: value for key, value in one.items() if key not in shared} for one in made]
    top = shared | _words(way, Way())
    if launchers:
        top[LAUNCHER] = dict(launchers)

    def move(text: str) -> str:
        return text if Path(text).is_absolute() else os.path.relpath(text, file.parent)

    tables = {RUN: [_with_paths(one, Path(), move) for one in own]} if len(own) > 1 else {}
    top = _with_paths(top, Path(), move)
    last = {key: top.pop(key) for key in ("set", LAUNCHER) if isinstance(top.get(key), dict)}
    text = tomli_w.dumps(top | last | tables)
    write_bytes(file, f"# python -m mmbench run {file.name}\n{text}".encode())


def _words(one: Part | Way, default: Part | Way) -> Values:
    """Its keys that are not as they would be anyway."""
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(one).items()}
    return {key: value for key, value in values.items() if getattr(one, key) != getattr(default, key) or key == "seeds"}


def _explicit(part: Part) -> Part:
    if part.table:
        return replace(part, profile=part.profile or papers.find(part.table).profile)
    dataset = part.dataset or tuple(source.card.name for source in choose_datasets((), part.suite))
    methods = part.methods or (() if part.suite else (EVERYTHING,))
    return replace(part, methods=methods, dataset=dataset, profile=part.profile or default_profile(bool(part.dataset)))
