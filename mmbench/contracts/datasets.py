"""The contract of a data set, rule by rule."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.contracts.checks import Check, ContractError, Held
from mmbench.contracts.processes import LIMITS, SIZE, chosen, fingerprint, processes
from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.modality import Modality
from mmbench.planning.plan import open_dataset
from mmbench.plugins.catalog import Card
from mmbench.resize import fit

CROSS_DOMAIN = "cross-domain"
# Depths beyond which half of an image's can hardly be metres; the lesser where all of them are whole numbers.
FAR, WHOLE = 1000.0, 50.0


@dataclass(frozen=True)
class Subject(Held):
    """A data set, and the folder that its files are in (None: embedded)."""

    root: Path | None

    def open(self, root: Path | None = None) -> Dataset:
        """The adapter, over another folder where one is given."""
        with self.rule("is made by CLASS(root, limits), or CLASS(root, limits, settings) with SETTINGS in the card"):
            try:
                return open_dataset(self.card.name, LIMITS, root or self.root)
            except UserError as error:
                raise self.broken(f"cannot be opened: {error}") from error

    @contextmanager
    def rule(self, text: str) -> Iterator[None]:
        """What goes wrong inside breaks this rule."""
        try:
            yield
        except ContractError:
            raise
        except Exception as error:
            raise self.broken(f"{text} ({type(error).__name__}: {error})") from error


def checks(
    subject: Subject, seen: Callable[[], Sequence[Mapping[str, Any]]], folder: Path, copies: bool = True
) -> tuple[Check, ...]:
    """The checks of a data set.

    Args:
        seen: what two processes with different seeds of ``hash`` saw of it, see :func:`processes`.
        folder: an empty one, for a second copy of the data (a link to them without ``copies``).
    """

    def of_it(look: Callable[[Subject, Dataset], None]) -> Callable[[], None]:
        return lambda: look(subject, subject.open())

    return (
        Check("class", "is made by CLASS(root, limits)", of_it(lambda _, dataset: None), vital=True),
        Check("split", "lists for every group, without a common sample or scene", of_it(check_split), vital=True),
        Check("samples", "arrays of the promised types, in the promised units", of_it(check_samples)),
        Check("held", "every sample has what its part needs", of_it(check_held)),
        Check("labels", "count the names of labels", of_it(check_labels)),
        Check("loading", "load() agrees with sample()", of_it(check_loading)),
        Check("manifest", "the same wherever the files are", lambda: check_manifest(subject, folder, copies)),
        Check("processes", "the same bytes in every process", lambda: check_processes(subject, *seen())),
    )


def checks_of(card: Card, root: Path | None, folder: Path) -> tuple[Check, ...]:
    """The checks of a data set of the catalog.

    Args:
        root: the folder that its files are in, None for an embedded one.
        folder: for what the checks write.
    """
    subject = Subject(card, root)
    return checks(subject, lambda: [one[card.name] for one in processes({card.name: root})], folder, copies=False)


def check_split(subject: Subject, dataset: Dataset) -> None:
    """Every list is there, and no two have a sample or a scene in common."""
    with subject.rule("split() gives lists without a common sample or scene"):
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


def check_samples(subject: Subject, dataset: Dataset) -> None:
    """The first and the last sample of each part."""
    for part, ids in dataset.split().parts().items():
        for sample_id in chosen(ids):
            check_sample(subject, dataset, part, sample_id)


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
    shape = ", ".join(("H", "W", *map(str, modality.shape(1, 1)[2:])))
    zeros = ", for all of which an adapter gives 0" if modality.holes else ""
    promised = f"{modality.dtype.name} ({shape}), {modality.values}{zeros}"
    subject.demand(
        _fits(modality, array),
        f"{modality.name} of {where} is {promised}; here {array.dtype} {array.shape}, {array.min()} to {array.max()}",
    )
    if modality.holes:
        measured = array[array > 0]
        middle = float(np.median(measured)) if measured.size else 0.0
        whole = bool((measured == np.round(measured)).all())
        subject.demand(
            middle < (WHOLE if whole else FAR),
            f"{modality.name} of {where} is {promised}; half of it is beyond {middle:g}, as if in millimetres: divide",
        )


def _fits(modality: Modality, array: np.ndarray) -> bool:
    """Whether an array is so already, not only after :meth:`Modality.checked`."""
    try:
        return array.dtype == modality.dtype and np.array_equal(modality.checked(array[None])[0], array)
    except ValueError:
        return False


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


def check_loading(subject: Subject, dataset: Dataset) -> None:
    """``load`` gives ``fit(sample)``; one that renders may differ from it at other sizes than the native one."""
    ids = [sample_id for part in dataset.split().parts().values() for sample_id in chosen(part)]
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


def check_manifest(subject: Subject, folder: Path, copies: bool) -> None:
    """The manifest is a text that says nothing of where the files are."""
    dataset = subject.open()
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
