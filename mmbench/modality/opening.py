"""Image files opened in one place: formats that are known to be harmless, a limit on their size, checksums compared.

Pillow on its own starts other programs for some formats, such as Ghostscript for a PostScript file, whatever its name,
and compares no checksum of a PNG's pixels: one flipped bit is then other labels, or another depth. Of some files it
gives other values than they hold, as are right for a picture and wrong for class ids, depth or a sensor's counts.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from mmbench.errors import UserError
from mmbench.given.files import NotAFileError, opened, read_bytes

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM")
VARIABLE = "MMBENCH_MAX_PIXELS"
PIXELS = 100_000_000
"""Larger images are refused before they are decoded, unless the variable says otherwise: a file of a few kilobytes can
ask for all memory."""
ALTERED = (
    (r"L;[24]", "grey of fewer than 8 bits"),
    (r"[1L];I", "grey whose 0 is white"),
    (r"[^I]*;1[56]", "several channels that have not 8 bits each"),
)
"""Beginnings of Pillow's names of how pixels lie in a file, of those that it scales, inverts or cuts to 8 bits."""

# The limit here takes its place: it can be set, and it never lets anything pass with a warning.
Image.MAX_IMAGE_PIXELS = None


class BrokenImageError(OSError):
    """Not an image that can be read; the message is one line, and lacks the path."""


class AlteredError(BrokenImageError):
    """An image of which other values would be read than those in its file; the message says what to do."""


def open_image(source: Path | io.BytesIO, exact: bool = False) -> Image.Image:
    """An image as its file holds it, decoded to its end; how its camera was held is not applied.

    Args:
        exact: refuse files of whose values Pillow makes others.

    Raises:
        BrokenImageError: the file cannot be read, is of another format, too large or damaged.
        AlteredError: see ``exact``.
        UserError: the variable that limits the size is no number of pixels.
    """
    content = source.getvalue() if isinstance(source, io.BytesIO) else _content(source)
    try:
        image = _header(content)
        if image.format == "PNG":
            # Compares the checksums of all that follows the header, and leaves the image closed.
            image.verify()
            image = _header(content)
        if exact and (form := _altered(image)):
            raise AlteredError(
                f"{form}: other values than the file's would be read; save the same values as 8- or 16-bit grey, as "
                "8-bit colours or as .npy"
            )
        image.load()
    except (BrokenImageError, UserError):
        raise
    except Exception as error:  # Pillow raises whatever the damaged bytes lead it to
        raise BrokenImageError(_told(error)) from error
    return image


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, as the file's header says. Raises BrokenImageError as :func:`open_image`."""
    try:
        with opened(path) as file:
            return Image.open(file, formats=FORMATS).size
    except Exception as error:  # as above
        raise BrokenImageError(_told(error)) from error


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise BrokenImageError(_told(error)) from error


def _told(error: Exception) -> str:
    if isinstance(error, NotAFileError | IsADirectoryError):
        return "neither a file nor a link to one"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split()) or type(error).__name__


def _header(content: bytes) -> ImageFile.ImageFile:
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BrokenImageError(f"not an image of {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from error
    most = _most()
    if image.width * image.height > most:
        raise BrokenImageError(
            f"{image.width} x {image.height} pixels, more than {most}; set {VARIABLE} if it is meant to be so large"
        )
    return image


def _altered(image: ImageFile.ImageFile) -> str:
    """What an image that is not yet decoded holds, where Pillow makes other values of it; else empty."""
    for codec, _, _, given in image.tile:
        form, *more = given if isinstance(given, tuple) else (given,)
        # PGM and PPM say which value is white, and Pillow scales it to the largest that its array takes.
        if codec.startswith("ppm") and more and more[0] != (65535 if image.mode == "I" else 255):
            return f"values of which {more[0]} is white"
        for beginning, told in ALTERED:
            if re.match(beginning, str(form)):
                return told
    return ""


def _most() -> int:
    text = os.environ.get(VARIABLE, "").strip() or str(PIXELS)
    if not text.isascii() or not text.isdigit() or not int(text):
        raise UserError(f"{VARIABLE}={text!r}: expected a number of pixels, such as {PIXELS}")
    return int(text)
