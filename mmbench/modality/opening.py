"""Image files opened in one place: formats that are known to be harmless, a limit on their size, checksums compared.

Pillow on its own starts other programs for some formats, such as Ghostscript for a PostScript file, whatever its name,
and compares no checksum of a PNG's pixels: one flipped bit is then other labels, or another depth.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from mmbench.errors import UserError
from mmbench.given.files import NotAFileError, opened, read_bytes

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM")
VARIABLE = "MMBENCH_MAX_PIXELS"
PIXELS = 100_000_000
"""Larger images are refused before they are decoded, unless the variable says otherwise: a file of a few kilobytes can
ask for all memory."""

# The limit here takes its place: it can be set, and it never lets anything pass with a warning.
Image.MAX_IMAGE_PIXELS = None


class BrokenImageError(OSError):
    """Not an image that can be read; the message is one line, and lacks the path."""


def open_image(source: Path | io.BytesIO) -> Image.Image:
    """An image as its file holds it, decoded to its end; how its camera was held is not applied.

    Raises:
        BrokenImageError: the file cannot be read, is of another format, too large or damaged.
        UserError: the variable that limits the size is no number of pixels.
    """
    content = source.getvalue() if isinstance(source, io.BytesIO) else _content(source)
    try:
        image = _header(content)
        if image.format == "PNG":
            # Compares the checksums of all that follows the header, and leaves the image closed.
            image.verify()
            image = _header(content)
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


def _header(content: bytes) -> Image.Image:
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


def _most() -> int:
    text = os.environ.get(VARIABLE, "").strip() or str(PIXELS)
    if not text.isascii() or not text.isdigit() or not int(text):
        raise UserError(f"{VARIABLE}={text!r}: expected a number of pixels, such as {PIXELS}")
    return int(text)
