"""The fenced blocks of the pages, what kind each is, and the folder in which they can be run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import artworks_tree
import colored_objects_tree
import flowers_tree
import freiburg_tree
import numpy as np
import nyuv2_tree
import own_images
import scenenet_tree
import sunrgbd_tree
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```([\w.-]*)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
PLUG_IN = re.compile(r"\$MMBENCH_PLUGINS/(\w+/\S+\.\w+)`")
FOLDER = re.compile(r"\$MMBENCH_PLUGINS/(\w+)/`")
TEXT, SHELL, PYTHON, WHOLE, TOML, JSON = "text", "shell", "python", "plug-in", "toml", "json"
DOWNLOADERS = ("wget", "curl")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: name of the file; line: of its fence, from 1.
        language: behind the fence; empty for none.
        text: between the fences.
        before: the paragraph above it.
    """

    page: str
    line: int
    language: str
    text: str
    before: str

    @property
    def name(self) -> str:
        """``adding.md:33``."""
        return f"{self.page}:{self.line}"

    @property
    def plug_in(self) -> str:
        """Where below ``$MMBENCH_PLUGINS`` the page says that this file lies; empty for other blocks."""
        if not self.before.endswith(":"):
            return ""
        if found := PLUG_IN.search(self.before):
            return found[1]
        name = re.search(r'^NAME = "(.+)"$', self.text, re.MULTILINE)
        folder = FOLDER.search(self.before)
        return f"{folder[1]}/{name[1].replace('-', '_')}.py" if name and folder else ""

    @property
    def kind(self) -> str:
        """What can be done with it. Raises ValueError for a block of no known kind."""
        if self.plug_in:
            return WHOLE
        kinds = {"": TEXT, "sh": SHELL, "python": PYTHON, "toml": TOML, "json": JSON}
        if self.language not in kinds:
            raise ValueError(f"{self.name}: a block of the kind {self.language!r}: nothing here runs it")
        if self.language == "python" and re.search(r"^NAME = ", self.text, re.MULTILINE):
            raise ValueError(f"{self.name}: a whole plug-in, but the line above it does not name its file")
        return kinds[self.language]

    def lines(self) -> list[list[str]]:
        """A shell block's commands as words: one line each, ``&&`` apart, comments left out."""
        joined = self.text.replace("\\\n", " ")
        words = (shlex.split(part, comments=True) for line in joined.splitlines() for part in line.split("&&"))
        return [command for command in words if command]

    def downloads(self) -> bool:
        """Whether it fetches something with the shell's own tools."""
        return any(word in DOWNLOADERS for command in self.lines() for word in command)


def blocks() -> Iterator[Block]:
    """Of all pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            line = text[: found.start()].count("\n") + 1
            paragraph = text[: found.start()].rstrip().rpartition("\n\n")[2]
            yield Block(page.name, line, found[2], found[3], paragraph)


def make_data(root: Path) -> Path:
    """``DATA``: every data set of the pages, small."""
    makers: tuple[Callable[[Path], object], ...] = (
        artworks_tree.make_root, colored_objects_tree.make_root, flowers_tree.make_root, freiburg_tree.make_root,
        nyuv2_tree.make_root, sunrgbd_tree.make_root, make_rooms, make_brain,
    )  # fmt: skip
    for make in makers:
        make(root)
    sets = {"train/0": (0, 1, 2, 3, 50), "train/15": (15000,), "val/0": (0, 1)}
    scenenet_tree.make_tree(root / "scenenet_rgbd", sets, (0, 25, 750, 6750))
    return root


def make_rooms(root: Path) -> None:
    """The PNG files that the data set of ``adding.md`` reads."""
    draw = np.random.default_rng(0)
    images: dict[str, Callable[[], np.ndarray]] = {
        "rgb": lambda: draw.integers(0, 256, (24, 32, 3), dtype=np.uint8),
        "depth": lambda: draw.integers(500, 4000, (24, 32), dtype=np.uint16),
        "segmentation": lambda: draw.integers(0, 4, (24, 32), dtype=np.uint8),
    }
    for part in ("rgb+segmentation", "rgb+depth", "validation", "test"):
        for modality in part.split("+") if "+" in part else images:
            folder = root / "myrooms" / part / modality
            folder.mkdir(parents=True)
            for number in range(6):
                Image.fromarray(images[modality]()).save(folder / f"{number}.png")


def make_brain(root: Path) -> None:
    """Slices of ten patients, described as ``brain-mri.md`` says."""
    draw, folder = np.random.default_rng(0), root / "lgg_mri"
    for number in range(40):
        for name, most in (("flair", 256), ("t1_pre", 256), ("t1_post", 256), ("mask", 2)):
            slice_of = f"TCGA_XX_{number // 4:04d}_{number:02d}.png"
            own_images.write(folder, name, slice_of, draw.integers(0, most, (24, 24), dtype=np.uint8))
    (described,) = (block.text for block in blocks() if block.page == "brain-mri.md" and block.kind == TOML)
    (folder / "dataset.toml").write_text(described, encoding="utf-8")


def make_own(root: Path) -> Path:
    """``my-images``, with the thermal camera that is an example there."""
    own_images.make_root(root)
    for path in sorted((root / "rgb").iterdir()):
        kelvin = np.linspace(7000, 9500, own_images.HEIGHT * own_images.WIDTH).astype(np.uint16)
        own_images.write(root, "flir", f"{path.stem}.png", kelvin.reshape(own_images.HEIGHT, own_images.WIDTH))
    return root
