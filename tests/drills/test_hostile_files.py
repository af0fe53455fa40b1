"""Malicious or damaged files from a seeded generator: nothing is run, leads out or hangs, and one line says it.

Of labels and depth the values count, too: what `data verify` calls sound decodes to what it was.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hostile_files as hostile
import numpy as np
import own_images
import pytest
from PIL import Image
from two_cells import TwoCells

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.store.download import unpack
from mmbench.store.files import SEAL, sha256_of

FEW, MANY = 12, 200
SECONDS = 60  # after which a command hangs


class Place:
    """A folder for one trial, what was printed, and what must not have happened."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], whole: TwoCells) -> None:
        self.path, self.capsys, self.whole = path, capsys, whole
        self.marker, self.secret = path / "marker", path / "secret"
        self.inside = path / "inside"
        self.inside.mkdir()
        self.secret.write_text(hostile.SECRET)

    def run(self, *arguments: object) -> tuple[int, str]:
        """A command's exit code and all it printed, which leaks nothing and has no control character."""
        code = main([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        said = captured.out + captured.err
        assert code in (0, 1, 2)
        assert "Traceback" not in said and hostile.SECRET not in said
        assert all(line.isprintable() for line in said.split("\n")), said
        assert code != 2 or captured.err.count("\n") == 1, "one line"
        return code, said

    def check(self) -> None:
        """Nothing was run, and nothing lies outside."""
        assert not self.marker.exists()
        assert {path.name for path in self.path.iterdir()} <= {"inside", "secret"}
        assert self.secret.read_text() == hostile.SECRET


def try_archive(place: Place, chance: random.Random) -> None:
    name, content = hostile.archive(chance)
    archive, into = place.inside / name, place.inside / "into"
    archive.write_bytes(content)
    try:
        unpack(archive, into)
    except UserError as error:
        assert "\n" not in str(error) and name in str(error)
        assert not into.exists() or not any(into.iterdir())
    else:
        found = [path for path in into.rglob("*") if not path.is_dir()]
        assert all(path.is_file() and not path.is_symlink() for path in found)
        assert all(path.read_bytes() == hostile.CONTENT for path in found)


def folder(place: Place, chance: random.Random) -> tuple[Path, Path]:
    """A data set of own images, and a label or depth image in it."""
    root = own_images.make_root(place.inside / "images")
    modality = chance.choice(("depth", "segmentation"))
    return root, root / modality / "room3_013.png"


def try_image(place: Place, chance: random.Random) -> None:
    root, path = folder(place, chance)
    good = path.read_bytes()
    before = np.asarray(Image.open(path))
    hostile.image(chance, good, path)
    code, said = place.run("data", "verify", root)
    if code == 0 and path.is_file():
        assert np.array_equal(before, np.asarray(Image.open(path))), "silent"
    assert code == 0 or "room3_013" in said or path.parent.name in said, said


def try_array(place: Place, chance: random.Random) -> None:
    root, path = folder(place, chance)
    path.unlink()
    hostile.array(chance, path.with_suffix(".npy"), hostile.Bomb(place.marker))
    code, said = place.run("data", "verify", root)
    assert code, said
    assert "room3_013" in said or f"{path.parent.name}/" in said, said


def try_description(place: Place, chance: random.Random) -> None:
    root, _ = folder(place, chance)
    os.mkfifo(root / "fifo")
    (root / "dataset.toml").write_bytes(hostile.description(chance, place.secret))
    place.run("data", "verify", root)


def try_checkpoint(place: Place, chance: random.Random) -> None:
    shutil.copytree(place.whole.path, place.inside / "cells")
    cells = TwoCells(place.inside / "cells")
    cell = cells.cells["mmnet"].folder
    step = cell.checkpoints / (cell.checkpoints / "latest").read_text()
    name = hostile.checkpoint(chance, step, hostile.Bomb(place.marker))
    where = step / "position.json"
    if chance.random() < 0.5 and name.endswith(("tensors", "pt")):  # somebody made new digests, too
        about: dict[str, Any] = json.loads(where.read_text())
        about.pop(SEAL), about.pop("sha256")
        where.write_text(json.dumps({**about, SEAL: sha256_of(about)}))
    own_images.write(place.inside, "in", "depth.npy", np.ones((16, 16), np.float32))
    code, said = place.run(
        "translate", "--run", cell.path, "--from", "depth", "--to", "segmentation", place.inside / "in" / "depth.npy",
        "--out", place.inside / "out",
    )  # fmt: skip
    assert code == 2 or name == "optimizers.pt", said  # of which a translation needs none
    (cell.path / "result.json").unlink()
    if set(cells.run().values()) != {"done"}:
        assert set(cells.run().values()) == {"done"}
    assert cells.made("mmnet") == place.whole.made("mmnet")


def try_names(place: Place, chance: random.Random) -> None:
    root, _ = folder(place, chance)
    names = [hostile.name(chance) for _ in range(3)]
    for modality, ending in (("rgb", ".jpg"), ("depth", ".png"), ("segmentation", ".png")):
        source = root / modality / f"room3_013{ending}"
        target = source.with_name(names[0].replace("/", "-")[:60] + ending)
        source.rename(target)
    listed = ", ".join(json.dumps(text) for text in dict.fromkeys(names))
    (root / "dataset.toml").write_text(f"[modalities.segmentation]\nclasses = [{listed}]\n", encoding="utf-8")
    place.run("data", "verify", root)
    place.run("data", "show", root, "--out", place.inside / "shown.png")
    place.run("run", "--dry-run", "--methods", "prior", "--dataset", root, "--profile", "smoke", "--runs", root / "r")


TRY: dict[str, Callable[[Place, random.Random], None]] = {
    "archive": try_archive, "image": try_image, "array": try_array, "description": try_description,
    "checkpoint": try_checkpoint, "names": try_names,
}  # fmt: skip


@pytest.fixture
def in_time() -> Iterator[None]:
    """What takes longer hangs."""

    def hangs(*_: object) -> None:
        raise AssertionError("hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def trials() -> list[Any]:
    few = [pytest.param(seed, id=f"{seed}-{hostile.kind_of(seed)}") for seed in range(FEW)]
    rest = [
        pytest.param(seed, id=f"{seed}-{hostile.kind_of(seed)}", marks=pytest.mark.slow) for seed in range(FEW, MANY)
    ]
    return few + rest


@pytest.mark.parametrize("seed", trials())
def test_a_hostile_file_does_no_harm(
    seed: int, whole: TwoCells, in_time: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path, capsys, whole)
    TRY[hostile.kind_of(seed)](place, random.Random(seed))
    place.check()
    shutil.rmtree(place.inside)
