"""The parts of a GPU day: what each does, from the settings files beside this one, and the command that does it."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.store.files import read_json, set_aside
from mmbench.typed import build

FILES = Path(__file__).with_name("parts")
ROOT = Path(__file__).parents[2]
STEP_TIMES = "step-times.json"  # in the folder of the day
KINDS = ("tests", "steps", "train")


@dataclass(frozen=True)
class Part:
    """One part of the series.

    Attributes:
        name: of its file, without the number that orders the files.
        title: for people.
        kind: ``tests`` (those marked ``gpu``), ``steps`` (timed, see ``steps.py``) or ``train`` (``mmbench run``).
        share: the most of the whole budget that it may take, so that what follows has its turn.
        profile, dataset, methods, seeds: as ``mmbench run`` has them.
        steps: timed steps of each stage, of kind ``steps``.
        names: words of which a test file's name holds one, of kind ``tests``; none: every file with such tests.
        rehearse: what is otherwise in a rehearsal.
    """

    name: str
    title: str
    kind: str
    share: float = 1.0
    profile: str = "short"
    dataset: str = "synthetic"
    methods: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    steps: int = 8
    names: tuple[str, ...] = ()
    rehearse: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Where:
    """What all parts share.

    Attributes:
        out: the folder of the day.
        device: ``cuda``, or ``cpu`` in a rehearsal.
        data_root: folder of the data sets that have files, or None.
        offline: nothing is asked of the network.
    """

    out: Path
    device: str
    data_root: Path | None = None
    offline: bool = False


def kept(path: Path) -> dict[str, Any]:
    """What an earlier call left in a file, empty where there is none; a damaged one is set aside, with a line."""
    try:
        return read_json(path) or {}
    except ValueError as error:
        print(f"{error}: set aside as {set_aside(path).name}, not done", flush=True)
        return {}


def read(rehearse: bool, dataset: str = "") -> list[Part]:
    """All parts in their order, as in a rehearsal or not.

    Args:
        dataset: takes the place of the data set that has files, where it is named.

    Raises:
        UserError: a settings file with an unknown key or kind; an unknown data set.
    """
    if dataset:
        catalog.find("datasets", dataset)
    made = []
    for path in sorted(FILES.glob("*.toml")):
        values = {"name": path.stem.partition("-")[2], **tomllib.loads(path.read_text(encoding="utf-8"))}
        if rehearse:
            values |= values.get("rehearse", {})
        part: Part = build(Part, values, str(path))
        if part.kind not in KINDS:
            raise UserError(f"{path}: kind cannot be {part.kind!r}{did_you_mean(part.kind, KINDS)}")
        if dataset and needs_files(part):
            part = replace(part, dataset=dataset)
        made.append(part)
    return made


def choose(parts: Sequence[Part], names: Sequence[str]) -> list[Part]:
    """Those named, or all. Raises UserError for a name that no part has."""
    known = [part.name for part in parts]
    for name in names:
        if name not in known:
            raise UserError(f"--only {name}: no such part{did_you_mean(name, known)}")
    return [part for part in parts if not names or part.name in names]


def needs_files(part: Part) -> bool:
    """Whether the part's data set is read from files, which somebody has to point at."""
    return part.kind == "train" and bool(catalog.find("datasets", part.dataset).get("NEEDS_ROOT", True))


def command(part: Part, where: Where, sets: Mapping[str, Any], jobs: int) -> list[str]:
    """The command line of a part.

    Args:
        sets: what ``--set`` changes of a training part's profile.
        jobs: cells at a time of a training part.
    """
    python = [sys.executable, "-m"]
    if part.kind == "tests":
        options = ["-m", "gpu", "-v", "-p", "no:cacheprovider", f"--junitxml={where.out / part.name}.xml"]
        if importlib.util.find_spec("xdist") and where.device == "cuda":
            options += ["-n", "4"]
        return [*python, "pytest", *options, *(str(path.relative_to(ROOT)) for path in test_files(part.names))]
    if part.kind == "steps":
        options = ["--profile", part.profile, "--methods", ",".join(part.methods), "--steps", str(part.steps)]
        options += ["--device", where.device, "--out", str(where.out / STEP_TIMES)]
        return [*python, "benchmarks.gpu_day.steps", *options]
    options = ["--methods", ",".join(part.methods), "--dataset", part.dataset, "--profile", part.profile]
    options += ["--seeds", ",".join(map(str, part.seeds)), "--device", where.device, "--jobs", str(jobs)]
    options += ["--runs", str(where.out / "runs"), "--cache", str(where.out / "cache")]
    if where.data_root and needs_files(part):
        options += ["--data-root", str(where.data_root)]
    for key, value in sets.items():
        options += ["--set", f"profile.{key}={value}"]
    return [*python, "mmbench", "run", *options]


def test_files(words: Sequence[str]) -> list[Path]:
    """The files that hold tests marked ``gpu``; pytest would import all others too."""
    found = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.gpu" in path.read_text("utf-8")]
    return [path for path in found if not words or any(word in path.stem for word in words)]


def cells(part: Part) -> list[tuple[str, int]]:
    """(method, seed) of a training part."""
    return [(method, seed) for method in part.methods for seed in part.seeds]


def seconds_of_training(part: Part, times: Mapping[tuple[str, str], float]) -> dict[tuple[str, str, int], float]:
    """Seconds on the GPU that each cell of a training part takes with its profile's own number of steps.

    Args:
        times: (method, stage) -> milliseconds per step; what was not measured takes the profile's rough guess.

    Returns:
        (data set, method, seed) -> seconds.
    """
    kind = catalog.find("datasets", part.dataset)["KIND"]
    profile = config.profile(part.profile, kind)
    made = {}
    for name, seed in cells(part):
        card = catalog.find("methods", name)
        stages = config.resolve(card, profile, kind, {}).stages
        guess = profile.step_ms * float(card.get("COST", 1.0))
        milliseconds = sum(stage.steps * times.get((name, stage.name), guess) for stage in stages)
        made[part.dataset, name, seed] = milliseconds / 1000
    return made
