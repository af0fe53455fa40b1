"""The contract of a data set, rule by rule; run as a program it says what one process sees of some data sets.

Every rule that is broken raises :class:`ContractError`, which names the plug-in's file and the rule.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import DataLimits, Dataset
from mmbench.modality import Modality
from mmbench.planning.plan import open_dataset
from mmbench.plugins.catalog import Card
from mmbench.resize import fit

LIMITS = DataLimits(3, 3, 3)
SIZE = 8
HASH_SEEDS = ("1", "2")
CROSS_DOMAIN = "cross-domain"
FORMATS = {
    "rgb": ("uint8 (H, W, 3)", lambda array, _: array.dtype == np.uint8 and array.shape[2:] == (3,)),
    "scalar": (
        "float32 (H, W) in [-1, 1]",
        lambda array, _: array.dtype == np.float32 and array.ndim == 2 and (np.abs(array) <= 1).all(),
    ),
    "depth": (
        "float32 (H, W), metres, 0 = invalid",
        lambda array, _: (
            array.dtype == np.float32 and array.ndim == 2 and np.isfinite(array).all() and (array >= 0).all()
        ),
    ),
    "segmentation": (
        "uint8 (H, W), class ids, 0 = void",
        lambda array, modality: (
            array.dtype == np.uint8 and array.ndim == 2 and array.max(initial=0) <= len(modality.classes)
        ),
    ),
}  # fmt: skip


class ContractError(AssertionError):
    """A data set breaks a rule of the contract."""


@dataclass(frozen=True)
class Subject:
    """A data set, and the folder that its files are in (None: embedded)."""

    card: Card
    root: Path | None

    def open(self, root: Path | None = None) -> Dataset:
        """The adapter, over another folder where one is given."""
        with self.rule("is made by CLASS(root, limits), or CLASS(root, limits, settings) with SETTINGS in the card"):
            return open_dataset(self.card.name, LIMITS, root or self.root)

    @contextmanager
    def rule(self, text: str) -> Iterator[None]:
        """What goes wrong inside breaks this rule."""
        try:
            yield
        except ContractError:
            raise
        except Exception as error:
            raise ContractError(f"{self.card.path}: {text} ({type(error).__name__}: {error})") from error

    def demand(self, right: object, text: str) -> None:
        """Break the rule unless something is true."""
        if not right:
            raise ContractError(f"{self.card.path}: {text}")


def check(subject: Subject, seen: Iterable[Mapping[str, Any]], folder: Path, copies: bool = True) -> None:
    """Raise ContractError at the first rule that the data set breaks.

    Args:
        seen: what processes with different seeds of ``hash`` saw of it, see :func:`processes`.
        folder: an empty one, for a second copy of the data (a link to them without ``copies``).
    """
    dataset = subject.open()
    with subject.rule("split() gives lists without a common sample or scene"):
        parts = dataset.split().parts()
        check_split(subject, dataset)
    for part, ids in parts.items():
        for sample_id in chosen(ids):
            check_sample(subject, dataset, part, sample_id)
    check_held(subject, dataset)
    check_labels(subject, dataset)
    check_loading(subject, dataset, [i for ids in parts.values() for i in chosen(ids)])
    check_manifest(subject, dataset, folder, copies)
    check_processes(subject, *seen)


def chosen(ids: Sequence[str]) -> list[str]:
    """The first and the last."""
    return list(dict.fromkeys([*ids[:1], *ids[-1:]]))


def check_split(subject: Subject, dataset: Dataset) -> None:
    """Every list is there, and no two have a sample or a scene in common."""
    task, split = dataset.task, dataset.split()
    subject.demand(task.kind == subject.card["KIND"], f"the task is {task.kind}, the card's KIND another")
    groups = [group.name for group in task.groups]
    subject.demand(list(split.groups) == groups, f"split() has the groups {list(split.groups)}, the task {groups}")
    owner: dict[str, str] = {}
    for part, ids in split.parts().items():
        subject.demand(ids, f"split() leaves {part} empty")
        subject.demand(isinstance(ids, tuple) and all(isinstance(i, str) for i in ids), f"{part} is a tuple of texts")
        for key in {key for i in ids for key in (f"sample {i}", f"scene {split.scenes.get(i, i)}")}:
            subject.demand(owner.setdefault(key, part) == part, f"{owner[key]} and {part} share the {key}")


def check_sample(subject: Subject, dataset: Dataset, part: str, sample_id: str) -> None:
    """Arrays of the promised types, as large as each other, of what the sample says that it holds."""
    with subject.rule(f"sample({sample_id!r}) can be read"):
        sample, holds = dataset.sample(sample_id), dataset.holds(sample_id)
    subject.demand(set(sample) == set(holds), f"sample({sample_id!r}) has {sorted(sample)}, holds() {sorted(holds)}")
    shapes = {array.shape[:2] for array in sample.values()}
    subject.demand(len(shapes) == 1, f"the arrays of sample({sample_id!r}) are of one height and width")
    for name, array in sample.items():
        with subject.rule(f"sample({sample_id!r}) has modalities of the task only"):
            modality = dataset.task.modality(name)
        check_array(subject, modality, array, f"sample({sample_id!r})")


def check_array(subject: Subject, modality: Modality, array: np.ndarray, where: str) -> None:
    """An array is as ``mmbench/modality/`` says of its kind."""
    promised, right = FORMATS[modality.kind]
    subject.demand(
        right(array, modality),
        f"{modality.name} of {where} is {promised}; here {array.dtype} {array.shape}, {array.min()} to {array.max()}",
    )


def check_held(subject: Subject, dataset: Dataset) -> None:
    """Training samples hold their group's modalities, validation and test samples all that is evaluated.

    Of a task over domains each sample is an image of one: training, validation and test have images of all.
    """
    task, parts = dataset.task, dataset.split().parts()
    rows = (*task.unseen, *task.seen, *task.multi_modal)
    evaluated = {name for row in rows for name in (*row.inputs, row.output, *([row.via] if row.via else []))}
    needed = {group.name: set(group.modalities) for group in task.groups}
    if task.kind == CROSS_DOMAIN:
        trained = [sample_id for name in needed for sample_id in parts[name]]
        for part, ids in {"training": trained, "validation": parts["validation"], "test": parts["test"]}.items():
            lacking = evaluated.difference(*(dataset.holds(sample_id) for sample_id in ids))
            subject.demand(not lacking, f"{part} has no image of {sorted(lacking)}")
        return
    for part, ids in parts.items():
        for sample_id in ids:
            lacking = needed.get(part, evaluated).difference(dataset.holds(sample_id))
            subject.demand(not lacking, f"{sample_id} of {part} does not hold {sorted(lacking)}, which {part} needs")


def check_labels(subject: Subject, dataset: Dataset) -> None:
    """Labels count the names of :attr:`Dataset.labels`."""
    if dataset.labels:
        for ids in dataset.split().parts().values():
            for sample_id in chosen(ids):
                label = dataset.label(sample_id)
                inside = label in range(len(dataset.labels))
                subject.demand(inside, f"label({sample_id!r}) is {label}, labels are {len(dataset.labels)}")


def check_loading(subject: Subject, dataset: Dataset, ids: Sequence[str]) -> None:
    """``load`` gives ``fit(sample)``; one that renders may differ from it at other sizes than the native one."""
    native = min(next(iter(dataset.sample(ids[0]).values())).shape[:2])
    renders = type(dataset).load is not Dataset.load
    for size, of in ((native, ids[:1]), (SIZE, ids)):
        with subject.rule(f"load() gives samples of {size} x {size} pixels, one for each id"):
            loaded = list(dataset.load(of, size))
            alone = [next(iter(dataset.load([sample_id], size))) for sample_id in of]
        subject.demand(len(loaded) == len(of), f"load() gives {len(loaded)} samples for {len(of)} ids")
        for sample_id, made, other in zip(of, loaded, alone, strict=True):
            subject.demand(same(made, other), f"load() makes {sample_id} another one in other company")
            for name, array in made.items():
                subject.demand(array.shape[:2] == (size, size), f"load() makes {name} {array.shape}, asked for {size}")
                check_array(subject, dataset.task.modality(name), array, f"load() of {sample_id}")
            if size == native or not renders:
                with subject.rule(f"sample({sample_id!r}) can be resized"):
                    fitted = fit(dataset.sample(sample_id), dataset.task.modalities, size)
                subject.demand(same(made, fitted), f"load() of {sample_id} at {size} pixels equals fit(sample())")


def same(one: Mapping[str, np.ndarray], two: Mapping[str, np.ndarray]) -> bool:
    """Whether two samples are the same bytes."""
    return {name: fingerprint(array) for name, array in one.items()} == {n: fingerprint(a) for n, a in two.items()}


def check_manifest(subject: Subject, dataset: Dataset, folder: Path, copies: bool) -> None:
    """The manifest is a text that says nothing of where the files are."""
    manifest = dataset.manifest()
    subject.demand(isinstance(manifest, str) and manifest, "manifest() is a text")
    if subject.root is None:
        return
    subject.demand(str(subject.root) not in manifest, "manifest() holds no path")
    elsewhere = folder / "elsewhere"
    if copies:
        shutil.copytree(subject.root, elsewhere)
    else:
        elsewhere.symlink_to(subject.root.resolve(), target_is_directory=True)
    there = subject.open(elsewhere)
    subject.demand(there.manifest() == manifest, "manifest() is the same for the same files in another folder")
    same_lists = there.split().parts() == dataset.split().parts()
    subject.demand(same_lists, "split() is the same for the same files in another folder")


def check_processes(subject: Subject, one: Mapping[str, Any], two: Mapping[str, Any]) -> None:
    """Nothing depends on the process, such as hash() of a text or the order of a set; torch is not imported early."""
    for name, problem in (
        ("error", "can be opened in a process of its own"),
        ("torch", "does not import torch at module level, nor to find its files, its split and its manifest"),
    ):
        subject.demand(not one.get(name), f"{problem}{f' ({one[name]})' if name == 'error' and one.get(name) else ''}")
    for name in ("manifest", "split", "hashes", "samples", "loaded"):
        subject.demand(
            one[name] == two[name],
            f"the {name} are the same in every process; with another PYTHONHASHSEED they differ: use hashlib in place "
            "of hash(), and sort what comes from a set",
        )


def processes(subjects: Sequence[Subject]) -> list[dict[str, dict[str, Any]]]:
    """What two processes with different seeds of ``hash`` see of each data set, by name; they run side by side."""
    asked = json.dumps([[subject.card.name, subject.root and str(subject.root)] for subject in subjects])
    running = [
        subprocess.Popen(
            [sys.executable, __file__, asked], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        )
        for seed in HASH_SEEDS
    ]  # fmt: skip
    return [json.loads(process.communicate(timeout=240)[0]) for process in running]


def look(name: str, root: Path | None) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """What is seen of a data set without an image, and a function for the rest, which may import torch."""
    dataset = open_dataset(name, LIMITS, root)
    split = dataset.split()
    early: dict[str, Any] = {"manifest": dataset.manifest(), "split": {p: list(i) for p, i in split.parts().items()}}
    early |= {"hashes": split.hashes(), "torch": "torch" in sys.modules}

    def late() -> dict[str, Any]:
        ids = [i for part in split.parts().values() for i in chosen(part)]
        samples = {i: {m: fingerprint(a) for m, a in dataset.sample(i).items()} for i in ids[:2]}
        loaded = [{m: fingerprint(a) for m, a in sample.items()} for sample in dataset.load(ids, SIZE)]
        return {"samples": samples, "loaded": loaded}

    return early, late


def fingerprint(array: np.ndarray) -> str:
    """Type, shape and bytes."""
    held = np.ascontiguousarray(array)
    return f"{held.dtype} {held.shape} {hashlib.sha256(held.tobytes()).hexdigest()}"


def main(asked: str) -> None:
    """Print what is seen of each data set asked for, as JSON."""
    seen: dict[str, dict[str, Any]] = {}
    later: dict[str, Callable[[], dict[str, Any]]] = {}
    for name, root in json.loads(asked):
        try:
            seen[name], later[name] = look(name, root and Path(root))
        except Exception as error:
            seen[name] = {"error": f"{type(error).__name__}: {error}"}
    for name, late in later.items():
        try:
            seen[name] |= late()
        except Exception as error:
            seen[name]["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
