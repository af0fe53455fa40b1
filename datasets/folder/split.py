"""Which sample is in which part: two or more training groups, validation and test, disjoint by scene."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import read_text
from mmbench.schedule import DataLimits
from mmbench.task import Split

from .description import FILE, Description
from .files import Files, normal

EVALUATED = ("test", "validation")
USUAL_PARTS = {"test": ("test", "testing", "tests"), "validation": ("val", "valid", "validation", "dev")}
"""Subfolders that other programs keep the parts of a split in."""
PART_FOLDERS = {"train", "training", "trainval", *(name for names in USUAL_PARTS.values() for name in names)}

Parts = dict[str, list[str]]


def scenes(samples: Sequence[str], pattern: str, where: str) -> dict[str, str]:
    """Scene of each sample: by the pattern; without one its subfolder, and outside of subfolders the sample itself.

    A subfolder such as ``train`` is no scene: samples right in it are each their own.

    Raises:
        UserError: a sample's name does not match the pattern.
    """
    if not pattern:
        folders = {sample: sample.rpartition("/")[0] for sample in samples}
        return {
            sample: sample if folder.lower() in PART_FOLDERS else folder or sample for sample, folder in folders.items()
        }
    found = {}
    for sample in samples:
        match = re.search(pattern, sample)
        if match is None or not match[1]:
            raise UserError(f"{where}: scene: {pattern!r} does not match the sample {sample!r}")
        found[sample] = match[1]
    return found


def make_split(description: Description, files: Files, limits: DataLimits) -> Split:
    """Everything that the description lists, the rest by a hash of the scenes' names.

    Test and validation take samples that have every modality. Their shares are of all samples if each group has samples
    of its own that lack a modality (two recordings, thesis 4.6.4), else of the complete ones. Where no sample is
    complete, they take their shares of each group's: then seen translations alone can be scored. A scene goes to the
    group in which most of its samples can be used, among equals to the one that is the smallest so far.

    Raises:
        UserError: a part has no sample, or a list names what cannot be there.
    """
    where = str(files.root / FILE)
    samples = list(files.images[description.anchor])
    scene = scenes(samples, description.scene, where)
    needs = {group: set(group.split("+")) for group in description.groups}
    needs |= {part: set(description.modalities) for part in EVALUATED}
    _refuse_parts(description, samples, where)
    holds = {sample: set(files.holds(sample)) for sample in samples}
    fits = {part: [sample for sample in samples if need <= holds[sample]] for part, need in needs.items()}
    in_groups = {group: fits[group] for group in description.groups}
    apart = not fits["test"]
    if apart:
        some = list(dict.fromkeys(itertools.chain(*in_groups.values())))
        fits |= dict.fromkeys(EVALUATED, some)
    wanted = _wanted(description, where)
    parts = _listed(wanted, fits, files.root)
    taken = {scene[sample] for listed in parts.values() for sample in listed}
    kept = tuple(normal(value) for value in wanted.values() if isinstance(value, str) and value.endswith("/"))
    taken |= {scene[sample] for sample in samples if sample.startswith(kept)}
    free: dict[str, dict[str, list[str]]] = {}
    for part, candidates in fits.items():
        for sample in candidates:
            if scene[sample] not in taken:
                free.setdefault(scene[sample], {}).setdefault(part, []).append(sample)
    complete = set(fits["test"])
    own = all(set(of) - complete for of in in_groups.values())
    base = len(set().union(*in_groups.values())) if own else len(complete)
    for count, among in [(len(of), set(of)) for of in in_groups.values()] if apart else [(base, complete)]:
        _evaluated(parts, free, among, wanted, count)
    open_groups = [group for group in description.groups if group not in wanted]
    for name in sorted(free, key=_draw):
        usable = [group for group in open_groups if free[name].get(group)]
        if usable:
            group = min(usable, key=lambda g: (-len(free[name][g]), len(parts[g])))
            parts[group] += free[name][group]
    _check(parts, fits, files.root, bool(description.scene))
    try:
        return Split(
            {group: _cut(parts[group], limits.train) for group in description.groups},
            _cut(parts["validation"], limits.validation),
            _cut(parts["test"], limits.test),
            scene,
        )
    except ValueError as error:
        raise UserError(f"{where}: split: {error}") from error


def _refuse_parts(description: Description, samples: Sequence[str], where: str) -> None:
    """Raises UserError where subfolders have the names of parts, and nothing says whether they are meant as such."""
    if description.scene or not isinstance(description.split.test, float):
        return
    tops = sorted({sample.split("/")[0] for sample in samples if "/" in sample})
    if not (there := [name for name in tops if name.lower() in PART_FOLDERS]):
        return
    lines = [f'{part} = "{name}/"' for part, names in USUAL_PARTS.items() for name in there if name.lower() in names]
    if len(lines) == 1:
        lines = [f"test = {lines[0].split(' = ')[1]}"]
    meant = f"write {' and '.join(lines)} under [split], or " if lines else "write "
    shown = " and ".join(f"{description.anchor}/{name}/" for name in there)
    raise UserError(
        f"{where}: {shown}: parts of a split, or scenes? {meant[0].upper()}{meant[1:]}scene = '^(.*)$' if each image "
        "is a scene whatever its folder"
    )


def _wanted(description: Description, where: str) -> dict[str, Any]:
    """Part -> a share, a list of samples or the name of a file; groups only where they are listed."""
    split = description.split
    for group in split.train:
        if group not in description.groups:
            raise UserError(f"{where}: split.train: unknown group {group!r}{did_you_mean(group, description.groups)}")
    wanted = {"test": split.test, "validation": split.validation, **split.train}
    for part, value in wanted.items():
        share = isinstance(value, float) and 0 < value < 1 and part in EVALUATED
        names = isinstance(value, list) and all(isinstance(name, str) for name in value)
        if not share and not names and not isinstance(value, str):
            raise UserError(
                f"{where}: split: {part} = {value!r}: expected {'a share such as 0.2, ' if part in EVALUATED else ''}"
                'a list of samples, the name of a text file, or a subfolder such as "val/"'
            )
    if sum(value for value in wanted.values() if isinstance(value, float)) >= 1:
        raise UserError(f"{where}: split: test and validation leave nothing to train on")
    return wanted


def _listed(wanted: Mapping[str, Any], fits: Mapping[str, Sequence[str]], root: Path) -> Parts:
    """The samples that lists and files name."""
    parts: Parts = {part: [] for part in fits}
    everything = set().union(*fits.values())
    for part, value in wanted.items():
        if isinstance(value, float):
            continue
        source, names = str(root / FILE), value
        if isinstance(value, str) and value.endswith("/"):
            names = [name for name in fits[part] if name.startswith(normal(value))]
            if not names:
                raise UserError(
                    f"{source}: split: {part} = {value!r}: no sample that fits there is in such a subfolder"
                )
        elif isinstance(value, str):
            source, names = str(root / value), _lines(root, value, f"{source}: split: {part}")
        able = set(fits[part])
        names = [normal(name) for name in names]
        for name in names:
            if name not in able:
                what = "lacks a modality that is needed there" if name in everything else "is no sample of this folder"
                raise UserError(f"{source}: {part}: {name!r} {what}")
        parts[part] = list(dict.fromkeys(names))
    return parts


def _lines(root: Path, name: str, where: str) -> list[str]:
    """The lines of a text file below the folder: a description that came with images must not read other files."""
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{where}: {name!r}: expected a text file inside the folder, or a list of samples")
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def _evaluated(
    parts: Parts, free: dict[str, dict[str, list[str]]], among: set[str], wanted: Mapping[str, Any], base: int
) -> None:
    """Move whole scenes of ``among`` from ``free`` to test and validation: by the hash of their names, as many as fit
    the share of ``base``.
    """
    sizes = {part: value * base for part, value in wanted.items() if isinstance(value, float)}
    shrink = min(1.0, len(among) / max(1.0, sum(sizes.values())))
    for part, size in sizes.items():
        target = max(1, round(size * shrink))
        sizes_here = {
            name: len(free[name][part])
            for name in sorted(free, key=_draw)
            if among.intersection(free[name].get(part, ()))
        }
        chosen, count = [], 0
        for name, length in sizes_here.items():
            if count + length <= target:
                chosen.append(name)
                count += length
        # Where every scene is larger than the share, the smallest one is the nearest to it.
        for name in chosen or sorted(sizes_here, key=sizes_here.__getitem__)[:1]:
            parts[part] += free.pop(name)[part]


def _check(parts: Parts, fits: Mapping[str, Sequence[str]], root: Path, by_scene: bool) -> None:
    empty = [part for part, samples in parts.items() if not samples]
    if not empty:
        return
    if not fits[empty[0]]:
        raise UserError(
            f"{root}: no sample has every modality that the group {empty[0]} needs; "
            "`data verify` names files without a partner"
        )
    sizes = ", ".join(f"{part} {len(samples)}" for part, samples in parts.items())
    what = "scenes" if by_scene else "samples"
    raise UserError(f"{root}: too few {what} for {' and '.join(empty)} ({sizes}); add images or see split in {FILE}")


def _draw(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _cut(samples: Sequence[str], limit: int) -> tuple[str, ...]:
    """In the order of the hashes, so that a limit takes some of every scene."""
    return tuple(sorted(samples, key=_draw)[: limit or None])
