"""A folder of one's own images: subfolders by modality, files of one sample named alike (docs/your-own-images.md).

::

    <root>/rgb/kitchen_01.jpg            colour
    <root>/depth/kitchen_01.png          16-bit millimetres, or .npy in metres
    <root>/segmentation/kitchen_01.png   class ids or colours
    <root>/nir/kitchen_01.png            grey
    <root>/dataset.toml                  optional; says what cannot be told from the images

A sample may lack a modality (thesis 4.6.4: labels in one recording, depth and near infrared in another); it then trains
the group that does not need it. Samples that have everything are tested and validated on first.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import DataLimits, Dataset, Problem, Sample
from mmbench.errors import UserError
from mmbench.modality.reading import Reading
from mmbench.modality.reading.stored import DamagedError, UndescribedError
from mmbench.task import Group, Split, Task, Translation

from . import description, discover, files, look, text
from .split import make_split

NAME = "folder"
TITLE = "A folder of your own images"
KIND = "cross-modal"
CLASS = "Folder"
NEEDS_ROOT = True
SETTINGS = {"damaged": "refuse"}
CHOICES = {"damaged": ["refuse", "skip"]}
SOURCE = "your own images; see docs/your-own-images.md"
CITATION = "your own images"

ANCHOR_WEIGHT = 0.8  # thesis 4.6.2: 1 - alpha; the other inputs share the rest


class Folder(Dataset):
    """Images below a root folder, described by its ``dataset.toml`` and by themselves.

    Attributes:
        skipped: paths of damaged files that the setting ``damaged = skip`` left out; their samples lack the modality.

    Raises:
        UserError: the folder lacks images, or what they are cannot be told; one line that names the file.
    """

    def __init__(self, root: Path | None, limits: DataLimits, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__(root, limits, {**SETTINGS, **(settings or {})})
        if root is None:
            raise UserError(f"folder: give --data-root, a folder of images; {files.LAYOUT}")
        described = description.read(root)
        found = files.scan(root, described)
        seen = look.Look(found)
        self.description = discover.complete(described, seen)
        self._forms = seen.forms(self.description.modalities)
        self._guessed = _guesses(described, self.description)
        used = {name: images for name, images in found.images.items() if name in self.description.modalities}
        self.files = dataclasses.replace(found, images=used)
        self.task = make_task(self.description)
        self.skipped: tuple[str, ...] = ()
        if self.settings["damaged"] == "skip":
            self._leave_out([problem.path for problem in self._damaged()])

    @property
    def note(self) -> str:
        """What was found, and what was guessed: ``9 rgb, 9 depth, 9 samples with all of them, ...``."""
        images = self.files.images
        complete = sum(len(self.files.holds(sample)) == len(images) for sample in images[self.task.anchor])
        counts = [f"{len(of)} {name}" for name, of in images.items()]
        more = [f"{len(self._alone())} without a partner"] if self._alone() else []
        more += [f"{self.files.ignored} other files ignored"] if self.files.ignored else []
        if self.skipped:
            more.append(f"{discover.plural(len(self.skipped), 'damaged file')} skipped, such as {self.skipped[0]}")
        more += [f"{', '.join(unused)} not used"] if (unused := self._other_folders()) else []
        if self.limits == DataLimits():
            left = len(images[self.task.anchor]) - sum(map(len, self._split.parts().values()))
            more += [f"{discover.plural(left, 'sample')} in no part of the split"] if left else []
        whole = f"{discover.plural(complete, 'sample')} with all of them"
        whole += "" if complete else " (only translations inside a training group can be scored)"
        return ", ".join([*counts, whole, *more, *self._guessed])

    def split(self) -> Split:
        """See ``split.py``."""
        return self._split

    def manifest(self) -> str:
        """SHA-256 of the description and of every image's name and size; ``data init`` does not change it."""
        facts = [json.dumps(dataclasses.asdict(self.description), sort_keys=True)]
        for name, images in sorted(self.files.images.items()):
            facts += [f"{name} {files.normal(image.path)} {image.size}" for image in images.values()]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def paths(self) -> dict[str, Path]:
        """Every image by its path below the root."""
        return self.files.paths()

    def holds(self, sample_id: str) -> tuple[str, ...]:
        """The modalities that have a file of that name."""
        return self.files.holds(sample_id)

    def readings(self) -> dict[str, Reading]:
        """As ``dataset.toml`` says, and as was found."""
        return dict(self._readings)

    def in_files(self) -> dict[str, tuple[Any, ...]]:
        """By modality: the ids or colours of its classes in the files, or the two values that become -1 and 1."""
        made: dict[str, tuple[Any, ...]] = {}
        for name, table in self.description.modalities.items():
            if isinstance(table, description.Segmentation):
                made[name] = table.ids or table.palette
            elif isinstance(table, description.Scalar):
                made[name] = table.range
        return made

    def sample(self, sample_id: str) -> Sample:
        """What the sample holds, at the size of its files, which must be the same for all of them."""
        made = {}
        for name in self.holds(sample_id):
            path = self.files.root / self.files.images[name][sample_id].path
            try:
                made[name] = self._readings[name].read(path)
            except DamagedError as error:
                raise UserError(f"{path}: {_told(error, name)}") from error
        if wrong := self._sizes_differ(sample_id, made):
            raise UserError(f"{self.files.root / wrong.path}: {wrong.what}")
        return made

    def verify(self) -> Iterator[Problem]:
        """Open every file: damaged ones, other values than described, other sizes, depth and labels without rgb."""
        for path in self._alone():
            yield Problem(path, f"no image of that name in {self.description.modalities[self.task.anchor].folder}/")
        yield from self._damaged()

    def _damaged(self) -> Iterator[Problem]:
        for sample_id in self.files.samples():
            made = {}
            for name in self.holds(sample_id):
                image = self.files.images[name][sample_id]
                try:
                    made[name] = self._readings[name].read(self.files.root / image.path)
                except DamagedError as error:
                    yield Problem(image.path, _told(error, name))
            if wrong := self._sizes_differ(sample_id, made):
                yield wrong

    def _leave_out(self, paths: Sequence[str]) -> None:
        wrong = set(paths)
        images = {
            name: {sample: image for sample, image in of.items() if image.path not in wrong}
            for name, of in self.files.images.items()
        }
        if empty := [name for name, of in images.items() if not of]:
            raise UserError(f"{self.files.root}: every image of {empty[0]} is damaged, such as {paths[0]}")
        self.files = dataclasses.replace(self.files, images=images)
        self.skipped = tuple(paths)

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        tables = self.description.modalities
        plain = {name: table.reading() for name, table in tables.items()}
        return plain | {name: tables[name].reading(form) for name, form in self._forms.items()}

    @cached_property
    def _split(self) -> Split:
        return make_split(self.description, self.files, self.limits)

    def _other_folders(self) -> list[str]:
        """Folders beside those of the modalities."""
        used = {Path(table.folder).parts[0] for table in self.description.modalities.values() if table.folder != "."}
        names = (path.name for path in self.files.root.iterdir() if path.is_dir() and path.name not in used)
        return sorted(f"{name}/" for name in names if not name.startswith("."))

    def _alone(self) -> list[str]:
        """Files of samples that have no anchor."""
        anchors = self.files.images[self.task.anchor]
        return [
            image.path
            for images in self.files.images.values()
            for sample, image in images.items()
            if sample not in anchors
        ]

    def _sizes_differ(self, sample_id: str, made: dict[str, np.ndarray]) -> Problem | None:
        names = list(made)
        for name in names[1:]:
            (height, width), (other_height, other_width) = made[name].shape[:2], made[names[0]].shape[:2]
            if (height, width) != (other_height, other_width):
                path, other = (self.files.images[n][sample_id].path for n in (name, names[0]))
                return Problem(
                    path,
                    f"{width} x {height} pixels, but {other} has {other_width} x {other_height}; "
                    "the images of a sample must be aligned and of one size",
                )
        return None


def _told(error: DamagedError, name: str) -> str:
    """What is wrong with a file, and where other values would be described."""
    where = f", under [modalities.{name}] in {description.FILE}"
    return f"{error}{where if isinstance(error, UndescribedError) else ''}"


def make_task(about: description.Description) -> Task:
    """The task of a complete description: every direction between modalities that no group holds together is unseen.

    Multi-modal rows add the anchor to an unseen translation's input, and to all inputs with the same output that one
    group holds together.
    """
    modalities = tuple(table.modality(name) for name, table in about.modalities.items())
    known = {modality.name: modality for modality in modalities}
    groups = tuple(Group(tuple(group.split("+"))) for group in about.groups)
    others = [name for name in known if name != about.anchor]
    unseen = [
        Translation((source,), target)
        for source in others
        for target in others
        if source != target and not any({source, target} <= set(group.modalities) for group in groups)
    ]
    # Labels and depth first: their metrics say most, and tables keep this order.
    unseen.sort(key=lambda row: known[row.output].rank)
    inputs: dict[tuple[tuple[str, ...], str], None] = {(row.inputs, row.output): None for row in unseen}
    for group in groups:
        for target in dict.fromkeys(row.output for row in unseen):
            sources = tuple(name for name in group.modalities if ((name,), target) in inputs)
            if len(sources) > 1:
                inputs[sources, target] = None
    return Task(
        name=NAME,
        kind="cross-modal",
        modalities=modalities,
        anchor=about.anchor,
        groups=groups,
        unseen=tuple(unseen),
        seen=tuple(Translation((about.anchor,), name) for name in others),
        multi_modal=tuple(
            Translation(
                (about.anchor, *sources),
                target,
                weights=(ANCHOR_WEIGHT, *(round((1 - ANCHOR_WEIGHT) / len(sources), 6) for _ in sources)),
                side_from=about.anchor,
            )
            for sources, target in inputs
        ),
    )


def describe(path: Path, folders: Mapping[str, str] | None = None) -> str:
    """The text of a commented ``dataset.toml`` for a folder of images, written from all that is found in them.

    It describes the same data set as the folder without it. An existing ``dataset.toml`` is kept to.

    Args:
        folders: where the images of the usual modalities lie, if not in folders of their names.

    Raises:
        UserError: as :class:`Folder`.
    """
    described = description.read(path)
    named = {
        name: description.KINDS[description.USUAL[name]](folder=folder) for name, folder in (folders or {}).items()
    }
    described = dataclasses.replace(described, modalities={**described.modalities, **named})
    all_of_it = look.Look(files.scan(path, described), everything=True)
    return text.write(discover.complete(described, all_of_it), all_of_it)


def _guesses(described: description.Description, complete: description.Description) -> list[str]:
    """What a user should look at before believing a number: units and classes that nobody stated."""
    made = []
    for name, table in complete.modalities.items():
        stated = described.modalities.get(name)
        if isinstance(table, description.Depth) and not getattr(stated, "unit", ""):
            made.append(f"{name} taken to be in {table.unit}s")
        if isinstance(table, description.Segmentation) and not getattr(stated, "classes", ()):
            ids = ", ".join(map(str, table.ids if len(table.ids) <= 6 else (*table.ids[:3], "...", table.ids[-1])))
            void = " and ".join(map(str, table.void))
            told = f"ids {ids}; {void} is void" if table.ids else "black is void"
            made.append(f"{len(table.classes)} classes found in {name} ({told})")
    return made
