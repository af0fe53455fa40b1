"""Many images in a row: folders of files, and frames of a video. What is broken is named, and the others are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.errors import UserError
from mmbench.given.packages import installed

IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".npy")
VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
CODECS = ("libx264", "mpeg4")  # what players know; the second where the first was left out of ffmpeg


@dataclass(frozen=True)
class Broken:
    """What cannot be read: its name, and why."""

    name: str
    why: str

    @property
    def told(self) -> str:
        """One line that begins with the name."""
        return self.why if self.why.startswith(self.name) else f"{self.name}: {self.why}"


def is_video(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in VIDEOS


def folder_samples(sources: Sequence[str], folders: Sequence[Path]) -> Iterator[dict[str, Path] | Broken]:
    """The samples of a folder per modality, by the names of the first one's files, in their order.

    Raises:
        UserError: another number of folders than modalities, or one in which no image lies.
    """
    if len(folders) != len(sources):
        raise UserError(f"{len(folders)} folders for --from {','.join(sources)}: expected one of each modality")
    listed = [_images(folder) for folder in folders]
    for stem, path in listed[0].items():
        lacking = next((n for n, files in zip(sources, listed, strict=True) if stem not in files), "")
        if lacking:
            yield Broken(str(path), f"no file of {lacking} of that name")
        else:
            yield {name: files[stem] for name, files in zip(sources, listed, strict=True)}


def _images(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IMAGES and not path.name.startswith("."):
            if path.stem in found:
                raise UserError(f"{found[path.stem]} and {path.name}: of one name; which is meant?")
            found[path.stem] = path
    if not found:
        raise UserError(f"{folder}: no image in it; expected files ending in {', '.join(IMAGES)}")
    return found


def frames(path: Path) -> Iterator[np.ndarray | Broken]:
    """The frames of a video, uint8 ``(H, W, 3)``, in their order, decoded one after the other.

    Raises:
        UserError: it cannot be opened, holds no video, or PyAV is not installed.
    """
    av = _av()
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError(f"{path}: no video in it")
            for packet in container.demux(container.streams.video[0]):
                try:
                    for frame in packet.decode():
                        if frame.is_corrupt:
                            yield Broken(f"{path} at {frame.time or 0:.2f} s", "a damaged frame")
                        else:
                            yield upright(frame.to_ndarray(format="rgb24"), frame.rotation)
                except av.error.FFmpegError as error:
                    seconds = float((packet.pts or 0) * (packet.time_base or 0))
                    yield Broken(f"{path} at {seconds:.2f} s", f"a frame that cannot be decoded ({error.strerror})")
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a video ({error.strerror})") from error


def upright(frame: np.ndarray, rotation: int) -> np.ndarray:
    """A frame as its camera was held: turned counterclockwise by so many degrees, as its video says."""
    return np.ascontiguousarray(np.rot90(frame, round(rotation / 90)))


def rate_of(path: Path) -> Fraction:
    """Frames in a second. Raises UserError as :func:`frames`."""
    av = _av()
    try:
        with av.open(str(path)) as container:
            found = [stream.average_rate for stream in container.streams.video]
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a video ({error.strerror})") from error
    return Fraction((found and found[0]) or 25)


class Film:
    """A video for people of pictures uint8 ``(H, W, 3)``, all of one size; even sides, as its codec wants."""

    def __init__(self, container: Any, rate: Fraction) -> None:
        self._container, self._rate = container, rate
        self._stream: Any = None

    def add(self, picture: np.ndarray) -> None:
        """One more frame."""
        import av

        even = picture[: max(picture.shape[0] // 2 * 2, 2), : max(picture.shape[1] // 2 * 2, 2)]
        if self._stream is None:
            codec = next(name for name in CODECS if name in av.codecs_available)
            self._stream = self._container.add_stream(codec, rate=self._rate)
            self._stream.height, self._stream.width, self._stream.pix_fmt = *even.shape[:2], "yuv420p"
        self._write(av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24"))

    def _write(self, frame: Any) -> None:
        self._container.mux(self._stream.encode(frame))

    @property
    def begun(self) -> bool:
        """Whether there is a frame in it."""
        return self._stream is not None

    def close(self) -> None:
        """Write what the codec still holds."""
        if self._stream is not None:
            self._write(None)


@contextmanager
def film(path: Path, rate: Fraction) -> Iterator[Film]:
    """A video file that is written frame by frame, with so many in a second; whole, or, without any, not there."""
    av = _av()
    beside = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        with av.open(str(beside), "w") as container:
            made = Film(container, rate)
            yield made
            made.close()
        if made.begun:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _av() -> Any:
    if not installed("av"):
        raise UserError("a video: PyAV is not installed: pip install 'mmbench[video]'; or give a folder of its frames")
    import av

    av.logging.set_level(av.logging.PANIC)  # what is broken is named here
    return av
