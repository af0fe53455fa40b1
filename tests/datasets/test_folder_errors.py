"""A folder of one's own images: every kind of bad input gives one clear line that names the file."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmbench.datasets.folder import Folder, describe
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.modality import Segmentation

EVERYTHING = DataLimits()
HEIGHT, WIDTH = 16, 20


@pytest.fixture
def root(own_images: Path) -> Path:
    return own_images


def toml(root: Path, text: str) -> None:
    (root / "dataset.toml").write_text(text)


def line(root: Path, look: Callable[[Folder], Any] | None = None) -> str:
    """The one line that a user gets."""
    with pytest.raises(UserError) as caught:
        data = Folder(root, EVERYTHING)
        (look or (lambda d: d.split()))(data)
    assert "\n" not in str(caught.value)
    assert str(root) in str(caught.value)
    return str(caught.value)


def sample(name: str) -> Callable[[Folder], Any]:
    return lambda data: data.sample(name)


def test_missing_folders(tmp_path: Path, root: Path) -> None:
    assert "no such folder" in line(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    assert "no folder rgb/ for the anchor's images (found no folder)" in line(tmp_path / "empty")
    shutil.move(root / "rgb", root / "color")
    assert "no folder rgb/" in line(root)
    assert "found color/, depth/, segmentation/" in line(root)
    shutil.move(root / "color", root / "rgb")
    shutil.move(root / "depth", root / "distance")
    assert "found rgb, segmentation: zero-pair translation needs two modalities beside rgb" in line(root)
    (root / "depth").mkdir()
    assert "depth: no images; expected files ending in .png" in line(root)
    (root / "depth" / "a.exr").write_bytes(b"")
    assert "depth: no images, only files such as a.exr" in line(root)
    with pytest.raises(UserError, match="--data-root"):
        Folder(None, EVERYTHING)


def test_a_folder_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "depth":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "depth: cannot be read (Permission denied)" in line(root)


def test_names_that_do_not_match(root: Path) -> None:
    for path in list((root / "depth").iterdir()):
        path.rename(path.with_name(f"{path.stem}_depth.png"))
    assert "such as depth/room0_000_depth.png and rgb/room0_000.jpg; files of one sample need equal names" in line(root)


def test_two_files_of_one_name(root: Path, write_image: Callable[..., None]) -> None:
    write_image(root, "rgb", "room0_000.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    write_image(root, "rgb", "room0_001.PNG", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert "named alike: rgb/room0_000.jpg and rgb/room0_000.png (and 1 more)" in line(root)


def test_notes_of_other_programs_are_left_alone(root: Path) -> None:
    (root / "rgb" / "._room0_000.jpg").write_bytes(b"mac")
    (root / "rgb" / "Thumbs.db").write_bytes(b"windows")
    data = Folder(root, EVERYTHING)
    assert "40 rgb" in data.note
    assert "1 other files ignored" in data.note
    assert list(data.verify()) == []


DAMAGES: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "truncated JPEG": ("rgb/room0_000.jpg", lambda p: p.write_bytes(p.read_bytes()[:-60]), "decoded.*truncated"),
    "truncated PNG": ("depth/room0_000.png", lambda p: p.write_bytes(p.read_bytes()[:-80]), "cannot be decoded"),
    "no image": ("segmentation/room0_000.png", lambda p: p.write_bytes(b"<html>"), "cannot be decoded"),
    "empty": ("depth/room0_000.png", lambda p: p.write_bytes(b""), "cannot be decoded"),
    "8-bit depth": ("depth/room0_000.png", lambda p: Image.new("L", (20, 16), 9).save(p), "8-bit depth, where 16-bit"),
    "colour depth": ("depth/room0_000.png", lambda p: Image.new("RGB", (20, 16)).save(p), "expected depth in one"),
    "unknown id": (
        "segmentation/room0_000.png",
        lambda p: Image.fromarray(np.where(np.arange(320).reshape(16, 20) == 45, 9, 1).astype(np.uint8)).save(p),
        r"class id 9 at row 2, column 5 \(1 such pixels\).*ids 1, 2, 3",
    ),
    "colours among ids": ("segmentation/room0_000.png", lambda p: Image.new("RGB", (20, 16)).save(p), "a colour image"),
    "other size": (
        "depth/room0_000.png",
        lambda p: Image.fromarray(np.full((8, 10), 900, np.uint16)).save(p),
        "10 x 8 pixels, but rgb/room0_000.jpg has 20 x 16",
    ),
    "16-bit rgb": (
        "rgb/room0_000.jpg",
        lambda p: Image.fromarray(np.zeros((16, 20), np.uint16)).save(p, "png"),
        "expected 8-bit colours",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_files(kind: str, root: Path) -> None:
    path, damage, expected = DAMAGES[kind]
    toml(root, '[modalities.segmentation]\nclasses = ["a", "b", "c"]\n')
    damage(root / path)
    with pytest.raises(UserError, match=f"{path}: .*{expected}"):
        Folder(root, EVERYTHING).sample("room0_000")
    (problem,) = Folder(root, EVERYTHING).verify()
    assert problem.path == path


@pytest.mark.parametrize("content", ["pickle", "objects", "truncated", "text", "wrong shape"])
def test_damaged_arrays(content: str, root: Path) -> None:
    (root / "depth" / "room0_000.png").unlink()
    path = root / "depth" / "room0_000.npy"
    if content == "pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    elif content == "objects":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif content == "truncated":
        np.save(path, np.ones((HEIGHT, WIDTH), np.float32))
        path.write_bytes(path.read_bytes()[:-100])
    elif content == "text":
        np.save(path, np.full((HEIGHT, WIDTH), "far"))
    else:
        np.save(path, np.ones((2, HEIGHT, WIDTH, 1), np.float32))
    data = Folder(root, EVERYTHING)
    expected = {
        "pickle": "not an array written by numpy", "objects": "pickled Python objects, which are never read",
        "truncated": "cannot be decoded", "text": "expected numbers", "wrong shape": r"shape \(2, 16, 20, 1\)",
    }  # fmt: skip
    with pytest.raises(UserError, match=rf"room0_000\.npy: .*{expected[content]}"):
        data.sample("room0_000")


def test_verify_goes_on(root: Path, add_sample: Callable[..., None]) -> None:
    toml(root, '[modalities.segmentation]\nclasses = ["a", "b", "c"]\n')
    for kind, number in (("truncated JPEG", 3), ("8-bit depth", 7), ("unknown id", 11), ("other size", 5)):
        path, damage, _ = DAMAGES[kind]
        damage(root / path.replace("room0_000", f"room{number // 4}_{number:03d}"))
    add_sample(root, "lost", "depth")
    found = {problem.path for problem in Folder(root, EVERYTHING).verify()}
    assert found == {
        "rgb/room0_003.jpg", "depth/room1_007.png", "segmentation/room2_011.png", "depth/room1_005.png",
        "depth/lost.png",
    }  # fmt: skip


def test_unknown_colour(root: Path, write_image: Callable[..., None]) -> None:
    toml(root, '[modalities.segmentation]\nclasses = ["a", "b"]\npalette = [[200, 0, 0], [0, 0, 9]]\n')
    assert "one channel; expected colours" in line(root, sample("room0_000"))
    array = np.full((HEIGHT, WIDTH, 3), (200, 0, 0), np.uint8)
    array[3, 7] = (12, 3, 4)
    write_image(root, "segmentation", "room0_000.png", array)
    assert "colour (12, 3, 4) at row 3, column 7 (1 such pixels)" in line(root, sample("room0_000"))


def test_what_cannot_be_guessed(root: Path, write_image: Callable[..., None]) -> None:
    for path in (root / "depth").iterdir():
        Image.fromarray(np.full((HEIGHT, WIDTH), 60, np.uint16)).save(path)
    assert 'depth: uint16 depth from 60 to 60: which unit? Write unit = "millimetre"' in line(root)
    for path in (root / "depth").iterdir():
        Image.fromarray(np.full((HEIGHT, WIDTH), 9, np.uint8)).save(path)
    assert "depth/room0_000.png: 8-bit depth" in line(root)
    for path in list((root / "depth").iterdir()):
        path.unlink()
        write_image(root, "depth", f"{path.stem}.npy", np.full((HEIGHT, WIDTH), 2500.0))
    assert "which unit?" in line(root)


def test_photographs_are_no_labels(root: Path) -> None:
    draw = np.random.default_rng(0)
    for path in (root / "segmentation").iterdir():
        Image.fromarray(draw.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(path)
    assert "more than 64 colours; write classes and palette under [modalities.segmentation]" in line(root)
    for path in list((root / "segmentation").iterdir()):
        path.rename(path.with_suffix(".jpg"))
    assert "JPEG changes the values" in line(root)


def test_a_class_that_the_first_look_missed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.datasets.folder.look.LOOK", 10)  # of 40: the second image is not looked at
    array = np.ones((HEIGHT, WIDTH), np.uint8)
    array[0, 0] = 77
    Image.fromarray(array).save(root / "segmentation" / "room0_001.png")
    assert "room0_001.png: class id 77 at row 0, column 0" in line(root, sample("room0_001"))
    toml(root, describe(root))
    labels = Folder(root, EVERYTHING).task.modality("segmentation")
    assert isinstance(labels, Segmentation) and labels.classes[-1] == "class 77"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anchor = ", "cannot be read as TOML"),
        ('ancor = "rgb"', "unknown key 'ancor' (did you mean 'anchor'?)"),
        ("[modalities.depth]\nunits = 1", "[modalities.depth]: unknown key 'units' (did you mean 'unit'?)"),
        ('[modalities.depth]\nunit = "millimeter"', "unknown unit 'millimeter' (did you mean 'millimetre'?)"),
        ("[modalities.depth]\nunit = -1", "expected one of millimetre"),
        ("[modalities.depth]\nclasses = ['a']", "unknown key 'classes'"),
        ("[modalities.heat]\nfolder = 'depth'", "'kind' is missing; expected one of rgb, depth, segmentation, scalar"),
        ("[modalities.heat]\nkind = 'scalr'", "unknown kind 'scalr' (did you mean 'scalar'?)"),
        ("[modalities.heat]\nkind = ['scalar', 'depth']", "unknown kind ['scalar', 'depth']"),
        ("[modalities.label]\nkind = 'scalar'", "a modality's name"),
        ("[modalities.depth]\nfolder = '../secret'", "expected a folder beside dataset.toml"),
        ("[modalities.nir]\nfolder = 'infrared'", "infrared: no such folder, but dataset.toml names it"),
        ("[modalities.nir]\nrange = [1, 0]", "range: expected [lowest, highest]"),
        ("[modalities.nir]\nrange = [0, inf]", "range: expected [lowest, highest], got [0.0, inf]"),
        ("[modalities.nir]\nrange = [-inf, 0]", "range: expected [lowest, highest], got [-inf, 0.0]"),
        ("[modalities.nir]\nfolder = 'depth'", "[modalities.nir]: folder, pattern: depth/room0_000.png would be"),
        ("[modalities.heat]\nkind = 'rgb'\nfolder = './rgb'", "[modalities.heat]: folder, pattern: rgb/room0_000.jpg"),
        ("[modalities.depth]\nfolder = 'segmentation'", "[modalities.depth]: folder, pattern: segmentation/room0_000"),
        ("[modalities.segmentation]\nclasses = ['a', 'b']\nids = [1]", "1 ids for 2 classes"),
        ("[modalities.segmentation]\nclasses = ['a', 'b']\nids = [1, 1]", "1 stands for two classes"),
        ("[modalities.segmentation]\nclasses = ['a']\nvoid = [1]", "1 stands for two classes, or for a class and void"),
        ("[modalities.segmentation]\nclasses = ['a']\nvoid = [[0, 0, 0]]", "void: expected ids such as [0, 255]"),
        ("[modalities.segmentation]\nclasses = ['a']\npalette = [[0, 300, 0]]", "is no colour"),
        ("[modalities.segmentation]\nvoid = [[0, 0, 0]]", "void: the labels hold class ids"),
        ("groups = ['rgb+dept', 'rgb+segmentation']", "no folder 'dept' (did you mean 'depth'?)"),
        ("groups = ['depth', 'rgb+segmentation']", "expected 'rgb' (the anchor) and others"),
        ("groups = ['rgb+depth+segmentation', 'rgb+depth']", "never in one group"),
        ("groups = ['rgb+depth', 'rgb+segmentation', 'rgb+depth']", "'rgb+depth' holds the same as 'rgb+depth'"),
        ("groups = ['rgb+depth', 'rgb+segmentation', 'depth+rgb']", "groups: 'depth+rgb' holds the same as"),
        ("scene = '(room'", "is no regular expression"),
        ("scene = 'room[0-9]+'", "lacks (parentheses)"),
        ("scene = '^(flat[0-9]+)'", "does not match the sample 'room0_000'"),
        ("scene = '^(room)'", "too few scenes for"),
        ("[split]\ntest = 20", "expected a share such as 0.2"),
        ("[split]\ntest = 0.6\nvalidation = 0.4", "leave nothing to train on"),
        ("[split]\ntest = 'absent.txt'", "absent.txt: cannot be read (No such file"),
        ("[split]\ntest = '../secret.txt'", "'../secret.txt': expected a text file inside the folder"),
        ("[split]\ntest = '/etc/hostname'", "'/etc/hostname': expected a text file inside the folder"),
        ("[split]\ntest = 'rgb/../../x'", "'rgb/../../x': expected a text file inside the folder"),
        ("[split.train]\n'rgb+depth' = '/dev/zero'", "'/dev/zero': expected a text file inside the folder"),
        ("[split]\ntest = 'rgb'", "rgb: cannot be read (Is a directory)"),
        ("a = " + "[" * 5000, "cannot be read as TOML (too deeply nested)"),
        ("[split]\ntest = ['room9']", "'room9' is no sample of this folder"),
        ("[split.train]\n'rgb+dept' = []", "unknown group 'rgb+dept'"),
        ("scene = '^(room.)'\n[split]\ntest = ['room0_000']\nvalidation = ['room0_001']", "share the scene 'room0'"),
    ],
)
def test_mistakes_in_the_description(text: str, expected: str, root: Path) -> None:
    toml(root, text)
    assert expected in line(root)


def test_too_few_samples(tmp_path: Path, add_sample: Callable[..., None]) -> None:
    for number in range(3):
        add_sample(tmp_path, f"a{number}")
    assert "too few samples for rgb+depth (rgb+segmentation 1, rgb+depth 0, test 1, validation 1)" in line(tmp_path)
    for number in range(30):
        add_sample(tmp_path, f"b{number}", "rgb", "depth")
    toml(tmp_path, "[split]\ntest = ['b0']\n")
    assert "test: 'b0' lacks a modality" in line(tmp_path)


def test_a_list_that_is_a_link_out_of_the_folder_or_a_pipe_is_not_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("TOP-SECRET\n")
    (root / "list.txt").symlink_to(tmp_path / "secret.txt")
    toml(root, "[split]\ntest = 'list.txt'")
    assert "expected a text file inside the folder" in line(root)
    (root / "list.txt").unlink()
    os.mkfifo(root / "list.txt")
    assert "list.txt: cannot be read (not a regular file" in line(root)
