"""Folders and videos translated image by image: what is broken is named and left out, and the rest is written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from mmbench.errors import UserError
from mmbench.given.texts import shown
from mmbench.inference import image_files, sequences
from mmbench.inference.files import Files, Request, read_sample, room_for, tell
from mmbench.inference.image_files import Fitted, frame_fitted
from mmbench.inference.sequences import Broken, Film
from mmbench.inference.translator import Translator

Named = tuple[str, dict[str, Fitted] | Broken]
"""An image's name, without an ending, and what was read of it by modality."""


def translate_folders(
    translator: Translator,
    request: Request,
    sources: Sequence[str],
    folders: Sequence[Path],
    out: Path,
    overwrite: bool,
) -> int:
    """Translate all images of a folder, or of several aligned ones by their names.

    Returns:
        How many could not be read.

    Raises:
        UserError: nothing can be translated: no such translation, no images, an output that is there already.
    """
    request.path(translator, sources)
    samples = list(sequences.folder_samples(sources, folders))
    target = translator.modalities[request.output]
    stems = [next(iter(one.values())).stem for one in samples if not isinstance(one, Broken)]
    read = (_read(translator, one, request.overlap is not None) for one in samples)
    told = tqdm(read, total=len(samples), unit="image", disable=None)
    with room_for(out, [name for stem in stems for name in target.names_of(stem)], overwrite):
        return _all(translator, request, sources, told, out, None)


def translate_video(
    translator: Translator, request: Request, source: str, video: Path, out: Path, overwrite: bool
) -> int:
    """Translate a video frame by frame: a file per frame, as of images, and a video of their pictures.

    Returns, Raises: as :func:`translate_folders`; also UserError where the modality is no colours, which videos hold.
    """
    request.path(translator, [source])
    modality, target = translator.modalities[source], translator.modalities[request.output]
    if not modality.is_colour:
        raise UserError(f"{video}: a video holds colours, no {source}; give a folder of frames as image files")
    rate = sequences.rate_of(video)
    film = out / f"{video.stem}-{target.name}.mp4"
    first, *_ = target.names_of(f"{video.stem}-*")
    size = None if request.overlap is not None else translator.size

    def read() -> Iterator[Named]:
        for number, frame in enumerate(sequences.frames(video), 1):
            if isinstance(frame, Broken):
                yield frame.name, frame
            else:
                fitted = frame_fitted(frame, modality, translator.readings.get(source), size)
                yield f"{video.stem}-{number:06d}", {source: fitted}

    names = [film.name, *(path.name for path in out.glob(first))]
    with room_for(out, names, overwrite), sequences.film(film, rate) as made:
        broken = _all(translator, request, [source], tqdm(read(), unit="frame", disable=None), out, made)
    if film.exists():
        print(film)
    return broken


def _read(translator: Translator, sample: Files | Broken, whole: bool) -> Named:
    if isinstance(sample, Broken):
        return sample.name, sample
    path = next(iter(sample.values()))
    try:
        return path.stem, read_sample(translator, sample, whole)
    except UserError as error:
        return str(path), Broken(str(path), str(error))


def _all(
    translator: Translator,
    request: Request,
    sources: Sequence[str],
    samples: Iterable[Named],
    out: Path,
    film: Film | None,
) -> int:
    target, done, broken, begun = translator.modalities[request.output], 0, 0, time.perf_counter()
    for stem, fitted in samples:
        why = fitted.told if isinstance(fitted, Broken) else ""
        if not isinstance(fitted, Broken):
            try:
                made = request.made(translator, fitted)
            except UserError as error:  # smaller than a tile
                why = f"{stem}: {error}"
        if why:
            broken += 1
            print(f"mmbench: left out: {shown(why)}", file=sys.stderr)
            continue
        image_files.save(out, target.files_of(stem, made))
        if film is not None:
            film.add(target.picture(made))
        done += 1
    tell(translator, request, request.path(translator, sources), done, time.perf_counter() - begun)
    if broken:
        others = f"; the others are in {out}" if done else ""
        print(f"{broken} left out, named above{others}")
    return broken
