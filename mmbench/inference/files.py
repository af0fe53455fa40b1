"""The command ``translate``: files in, files out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import path_of
from mmbench.inference import image_files, tiles
from mmbench.inference.image_files import Fitted
from mmbench.inference.translator import Bn, Translator
from mmbench.modality import Modality
from mmbench.resize import resize
from mmbench.task import Translation

Files = dict[str, Path]
"""The files of one sample by modality."""


@dataclass(frozen=True)
class Request:
    """What to translate, and how (see :meth:`mmbench.inference.translator.Translator.translate`).

    Attributes:
        input_size: write images of the inputs' own size; nothing is translated outside the square that was taken.
        overlap: translate whole images in tiles that overlap by so many pixels; None where the square is resized.
    """

    output: str
    via: str | None = None
    weights: tuple[float, ...] | None = None
    side_from: str | None = None
    bn: Bn = "trained"
    sample: int = 0
    input_size: bool = False
    overlap: int | None = None

    def path(self, translator: Translator, inputs: Sequence[str]) -> tuple[Translation, ...]:
        """See :meth:`mmbench.inference.translator.Translator.path`."""
        return translator.path(tuple(inputs), self.output, **self._how)

    def made(self, translator: Translator, fitted: Mapping[str, Fitted]) -> np.ndarray:
        """The translation of one sample, as it is written."""
        target = translator.modalities[self.output]
        arrays = {name: one.array for name, one in fitted.items()}
        if self.overlap is not None:
            return tiles.translated(
                arrays, target, translator.size, self.overlap,
                lambda batch: translator.translate(batch, self.output, sample=self.sample, **self._how),
            )  # fmt: skip
        made = translator.translate(arrays, self.output, sample=self.sample, **self._how)
        return _in_place(made, target, next(iter(fitted.values()))) if self.input_size else made

    @property
    def _how(self) -> dict[str, Any]:
        return {"via": self.via, "weights": self.weights, "side_from": self.side_from, "bn": self.bn}


def group_files(sources: Sequence[str], files: Sequence[Path], named: Sequence[str]) -> tuple[Files, ...]:
    """The files of each sample.

    Args:
        sources: the modalities of ``--from``.
        files: one per modality and sample, sample after sample, in the order of ``sources``.
        named: instead of them ``modality=file``, repeated for further samples.

    Raises:
        UserError: modalities and files do not come out even.
    """
    if len(set(sources)) < len(sources):
        raise UserError(f"--from {','.join(sources)}: a modality is named twice")
    if named and files:
        raise UserError(f"{files[0]}: give files either by --input modality=file or after the options, not both")
    if not named:
        if not files:
            raise UserError("no input: give files, or --input modality=file")
        if not sources:
            raise UserError(f"{files[0]}: of which modality? Give --from")
        if len(files) % len(sources):
            raise UserError(f"{len(files)} files for --from {','.join(sources)}: expected {len(sources)} per sample")
        starts = range(0, len(files), len(sources))
        return tuple(dict(zip(sources, files[start : start + len(sources)], strict=True)) for start in starts)
    found: dict[str, list[Path]] = {}
    for item in named:
        name, equals, path = item.partition("=")
        if not (name and equals and path):
            raise UserError(f"--input {item!r}: expected modality=file, such as depth=a.png")
        if sources and name not in sources:
            raise UserError(f"--input {item}: {name!r} is not in --from{did_you_mean(name, sources)}")
        found.setdefault(name, []).append(path_of(path))
    order = list(sources or found)
    counts = {name: len(found.get(name, [])) for name in order}
    if len(set(counts.values())) > 1:
        raise UserError(f"--input: expected as many files of every modality, got {_spoken(counts)}")
    return tuple(dict(zip(order, paths, strict=True)) for paths in zip(*(found[name] for name in order), strict=True))


def translate_files(
    translator: Translator, request: Request, samples: Sequence[Files], out: Path, overwrite: bool = False
) -> list[Path]:
    """Translate every sample, write what comes of it, and print a line per sample.

    All files are read, and all names of outputs looked at, before anything is translated or written.

    Raises:
        UserError: a translation that the method cannot do, a file that is missing, damaged or of another kind or size,
            an output that is there already and not to be overwritten, or a folder that cannot be written to.
    """
    steps = request.path(translator, tuple(samples[0]))
    target = translator.modalities[request.output]
    stems = _stems(samples)
    whole = request.overlap is not None
    written = []
    with room_for(out, [name for stem in stems for name in target.names_of(stem)], overwrite):
        read = [None if whole else one for one in (read_sample(translator, files, whole) for files in samples)]
        begun = time.perf_counter()
        for stem, files, fitted in zip(stems, samples, read, strict=True):
            # Whole images would fill memory, and are read again one by one.
            made = request.made(translator, fitted or read_sample(translator, files, whole))
            paths = image_files.save(out, target.files_of(stem, made))
            print(", ".join(str(path) for path in paths))
            written.extend(paths)
    tell(translator, request, steps, len(samples), time.perf_counter() - begun)
    return written


def tell(translator: Translator, request: Request, steps: Sequence[Translation], count: int, seconds: float) -> None:
    """Say how many images were translated, how, how fast, and what classes are."""
    side, target = translator.size, translator.modalities[request.output]
    size = f"{side} x {side} pixels" + (", enlarged to the inputs' size" if request.input_size else "")
    if request.overlap is not None:
        size = f"tiles of {side} x {side} pixels, {request.overlap} of them overlapping"
    speed = f"{count / max(seconds, 1e-9):.1f} images/s" if count else "nothing to time"
    print(f"{count} translated by {translator.name}: {described(steps)}; {size}; {speed}")
    if target.legend:
        print("classes: 0 void, " + ", ".join(f"{i} {name}" for i, (name, _) in enumerate(target.legend, 1)))


def described(steps: Sequence[Translation]) -> str:
    """``depth -> rgb -> segmentation``, with weights, side information and BN statistics where there are any."""
    text = " -> ".join([steps[0].name, *(step.output for step in steps[1:])])
    first = steps[0]
    if first.weights:
        text += f", weights {','.join(f'{weight:g}' for weight in first.weights)}"
    if len(first.inputs) > 1:
        text += f", side information of {first.side_from or first.inputs[0]}"
    return text + (f", {first.bn} BN statistics" if first.bn != "trained" else "")


def _stems(samples: Sequence[Files]) -> list[str]:
    """Each sample's name: that of its first file."""
    owners: dict[str, Path] = {}
    for files in samples:
        path = next(iter(files.values()))
        if path.stem in owners:
            both = f"{owners[path.stem]} and {path}"
            raise UserError(f"{both} would be written under the same name; translate them to two folders")
        owners[path.stem] = path
    return list(owners)


@contextlib.contextmanager
def room_for(out: Path, names: Sequence[str], overwrite: bool) -> Iterator[None]:
    """A folder for files of these names; one that was made here and stays empty is taken away again.

    Raises:
        UserError: it cannot be made, or a file is there and not to be overwritten.
    """
    there = [out / name for name in names if (out / name).exists()]
    if there and not overwrite:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise UserError(f"{there[0]}{more}: exists already; name another --out, or add --overwrite")
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be made a folder ({error.strerror})") from error
    try:
        yield
    finally:
        if made:
            with contextlib.suppress(OSError):  # it is not empty
                out.rmdir()


def read_sample(translator: Translator, files: Mapping[str, Path], whole: bool) -> dict[str, Fitted]:
    """One sample at the translator's size, so that many large images fit into memory, or at its own.

    Raises:
        UserError: a file is missing, damaged or of another kind, or they are of different sizes.
    """
    read = {name: translator.read_fitted(path, name, whole) for name, path in files.items()}
    first, one = next(iter(files.values())), next(iter(read.values()))
    for name, other in read.items():
        if (other.height, other.width) != (one.height, one.width):
            raise UserError(
                f"{files[name]}: {other.width} x {other.height} pixels, but {first} has {one.width} x {one.height}; "
                "the images of one sample must be aligned and of one size"
            )
    return read


def _in_place(made: np.ndarray, modality: Modality, source: Fitted) -> np.ndarray:
    """A translation where it belongs in an image of its source's size: zeros (void, not measured) around the square."""
    side = min(source.height, source.width)
    top = (source.height - side) // 2
    left = 0 if source.crop == "left" else (source.width - side) // 2
    whole = np.zeros(modality.shape(source.height, source.width), made.dtype)
    whole[top : top + side, left : left + side] = resize(made, modality, side)
    return whole


def _spoken(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
