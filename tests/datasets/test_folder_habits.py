"""What other programs do to a folder of images: byte order marks, cameras held upside down, slips of copy and paste."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mmbench.datasets.folder import Folder, describe
from own_images import write
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.modality import Segmentation
from mmbench.typed import as_dict

EVERYTHING = DataLimits()
MARK = b"\xef\xbb\xbf"
ORIENTATION, UPSIDE_DOWN = 0x0112, 3


def test_a_byte_order_mark_is_no_part_of_a_text(own_images: Path) -> None:
    names = sorted(path.stem for path in (own_images / "rgb").iterdir())[:4]
    (own_images / "dataset.toml").write_bytes(MARK + b'[split]\r\ntest = "test.txt"\r\n')
    (own_images / "test.txt").write_bytes(MARK + "\r\n".join(names).encode() + b"\r\n")
    assert sorted(Folder(own_images, EVERYTHING).split().test) == names


def test_a_list_in_another_encoding_says_what_to_do(own_images: Path) -> None:
    (own_images / "dataset.toml").write_text('[split]\ntest = "test.txt"\n')
    (own_images / "test.txt").write_bytes("a\r\n".encode("utf-16"))
    with pytest.raises(UserError, match=r"test\.txt.*save it as UTF-8"):
        Folder(own_images, EVERYTHING).split()


@pytest.mark.parametrize(
    ("third", "shown"),
    [
        ((0, 0, 200), ((0, 0, 0), (128, 64, 128), (244, 35, 232), (0, 0, 200))),
        ((244, 35, 232), None),
        ((0, 0, 0), None),
    ],
)
def test_palette_labels_are_shown_in_their_own_colours(
    own_images: Path, third: tuple[int, int, int], shown: tuple[tuple[int, int, int], ...] | None
) -> None:
    """Unless two classes, or a class and void, would look alike: then in colours that are told apart."""
    for path in (own_images / "segmentation").iterdir():
        labels = Image.fromarray(np.asarray(Image.open(path)), mode="P")
        labels.putpalette([*(0, 0, 0), *(128, 64, 128), *(244, 35, 232), *third])
        labels.save(path)
    modality = Folder(own_images, EVERYTHING).task.modality("segmentation")
    assert isinstance(modality, Segmentation)
    assert modality.palette == shown if shown else len(set(modality.palette)) == 4


def test_every_image_is_turned_as_its_camera_noted(tmp_path: Path) -> None:
    """Colours, infrared and 16-bit depth of one head that hung upside down, and labels that were drawn upright."""
    exif = Image.Exif()
    exif[ORIENTATION] = UPSIDE_DOWN
    bright = np.zeros((64, 64), np.uint8)
    bright[:32, :32] = 255
    depth = np.where(bright, 3000, 1000).astype(np.uint16)
    for folder in ("rgb", "nir", "depth", "segmentation"):
        (tmp_path / folder).mkdir()
    for name in (f"{number:02d}" for number in range(12)):
        Image.fromarray(np.stack([bright] * 3, -1)).save(tmp_path / f"rgb/{name}.jpg", exif=exif, quality=95)
        Image.fromarray(bright).save(tmp_path / f"nir/{name}.jpg", exif=exif, quality=95)
        Image.fromarray(depth).save(tmp_path / f"depth/{name}.png", exif=exif)
        Image.fromarray(np.rot90(bright // 255 + 1, 2)).save(tmp_path / f"segmentation/{name}.png")
    sample = Folder(tmp_path, EVERYTHING).sample("00")
    for modality in ("nir", "depth", "segmentation"):
        assert sample[modality][48, 48] > sample[modality][8, 8], modality
    assert sample["rgb"][48, 48].min() > 200 > 50 > sample["rgb"][8, 8].max()


@pytest.mark.parametrize(
    ("classes", "said"),
    [('["chair", "table", "chair"]', "'chair' is there twice"), ('["chair", "", "table"]', "one has no name")],
)
def test_classes_have_names_of_their_own(classes: str, said: str, own_images: Path) -> None:
    (own_images / "dataset.toml").write_text(f"[modalities.segmentation]\nclasses = {classes}\n")
    with pytest.raises(UserError, match=said):
        Folder(own_images, EVERYTHING)


def labels(root: Path, ids: list[int]) -> None:
    """Label images with these ids in bands, in place of those that are there."""
    bands = np.repeat(np.array(ids, np.uint8), 16 // len(ids) + 1)[:16]
    for path in (root / "segmentation").iterdir():
        Image.fromarray(np.tile(bands[:, None], (1, 20))).save(path)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([0, 255], r"one class beside void: write classes = \[2 names\], ids = \[0, 255\] and void = \[\]"),
        ([0, 1], r"one class beside void: write classes = \[2 names\], ids = \[0, 1\] and void = \[255\]"),
        (
            [0] * 10 + [1] * 3 + [2] * 4,
            r"0 is 62 %.*write classes = \[3 names\], ids = \[0, 1, 2\] and void = \[255\].*or void = \[0\]",
        ),
        ([0, 1, 2, 255], r"hold 255.*write classes = \[3 names\], ids = \[0, 1, 2\] and void = \[255\].*dataset.toml"),
    ],
)
def test_a_guess_that_would_take_a_class_for_void_is_refused(ids: list[int], said: str, own_images: Path) -> None:
    labels(own_images, ids)
    with pytest.raises(UserError, match=said):
        Folder(own_images, EVERYTHING)


def test_what_is_written_as_proposed_is_taken(own_images: Path) -> None:
    labels(own_images, [0, 1, 2, 255])
    (own_images / "dataset.toml").write_text(
        '[modalities.segmentation]\nclasses = ["a", "b", "c"]\nids = [0, 1, 2]\nvoid = [255]\n'
    )
    assert np.unique(Folder(own_images, EVERYTHING).sample("room0_000")["segmentation"]).tolist() == [0, 1, 2, 3]


def test_one_class_is_no_task(own_images: Path) -> None:
    (own_images / "dataset.toml").write_text('[modalities.segmentation]\nclasses = ["road"]\nvoid = [0, 2, 3]\n')
    with pytest.raises(UserError, match=r"one class beside void.*name what lies around it as a class"):
        Folder(own_images, EVERYTHING)


@pytest.mark.parametrize(
    ("depth", "stated", "said"),
    [
        (np.array([1000, 65535], np.uint16), "", r"write invalid = \[0, 65535\], or far = 66 .*\[modalities\.depth\]"),
        (np.array([1000, 65535], np.uint16), "unit = 0.0002", r"write invalid = \[0, 65535\].*, or far = 14 "),
        (np.array([1000, 150000], np.int32), "", r'150 m, beyond 100 m.*unit = "metre".*, or far = 150 '),
        (np.array([1.5, 101.0], np.float32), "", r'101 m, beyond 100 m.*unit = "millimetre".*, or far = 101 '),
    ],
)
@pytest.mark.parametrize("at", [0, 1])
def test_depth_too_far_for_what_it_was_taken_for(
    at: int, depth: np.ndarray, stated: str, said: str, own_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an image that is looked at, and in one that is not."""
    monkeypatch.setattr("mmbench.datasets.folder.look.LOOK", 10)
    paths = sorted((own_images / "depth").iterdir())
    suffix = ".tif" if depth.dtype.itemsize > 2 else ".png"
    for number, path in enumerate(paths):
        path.unlink()
        values = depth if number == at else depth[:1].repeat(2)
        Image.fromarray(values.repeat(10)[None].repeat(16, 0)).save(path.with_suffix(suffix))
    toml = own_images / "dataset.toml"
    toml.write_text(f"[modalities.depth]\n{stated}\n")
    with pytest.raises(UserError, match=said) as refused:
        Folder(own_images, EVERYTHING).sample(paths[at].stem)
    far = str(refused.value).rpartition("far = ")[2].split()[0]
    toml.write_text(f"[modalities.depth]\n{stated}\nfar = {far}\n")
    unit = float(stated.rpartition(" ")[2] or (0.001 if depth.dtype.kind != "f" else 1))
    assert Folder(own_images, EVERYTHING).sample(paths[at].stem)["depth"].max() == pytest.approx(depth[1] * unit)


def test_a_guessed_range_never_clips(own_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.datasets.folder.look.LOOK", 10)
    (own_images / "nir").mkdir()
    for path in (own_images / "rgb").iterdir():
        value = 5000 if path.stem == "room0_001" else 4000
        Image.fromarray(np.full((16, 20), value, np.uint16)).save(own_images / "nir" / f"{path.stem}.png")
    with pytest.raises(
        UserError, match=r"room0_001\.png: .*write range = \[0, 5000\], or clip = true beside.*\[modalities\.nir\]"
    ):
        Folder(own_images, EVERYTHING).sample("room0_001")
    (own_images / "dataset.toml").write_text("[modalities.nir]\nrange = [0, 4095]\n")
    assert Folder(own_images, EVERYTHING).sample("room0_001")["nir"].max() == 1


def parts_in_folders(root: Path) -> None:
    """The first ten samples moved to ``val/``, the others to ``train/``."""
    for modality in ("rgb", "depth", "segmentation"):
        for number, path in enumerate(sorted((root / modality).iterdir())):
            part = root / modality / ("val" if number < 10 else "train")
            part.mkdir(exist_ok=True)
            path.rename(part / path.name)


def test_folders_named_as_parts_are_no_scenes(own_images: Path) -> None:
    parts_in_folders(own_images)
    with pytest.raises(UserError, match=r'test = "val/" under \[split\], or scene = '):
        Folder(own_images, EVERYTHING).split()
    (own_images / "dataset.toml").write_text('[split]\ntest = "val/"\n')
    parts = Folder(own_images, EVERYTHING).split().parts()
    assert {name.split("/")[0] for name in parts.pop("test")} == {"val"}
    assert {name.split("/")[0] for names in parts.values() for name in names} == {"train"}
    assert all(parts.values())
    (own_images / "dataset.toml").write_text("scene = '^(.*)$'\n")
    assert {name.split("/")[0] for name in Folder(own_images, EVERYTHING).split().test} == {"val", "train"}


def test_what_lies_in_a_part_s_folder_is_in_no_other(own_images: Path) -> None:
    parts_in_folders(own_images)
    (own_images / "depth" / "val" / "room0_000.png").unlink()
    (own_images / "dataset.toml").write_text('[split]\ntest = "val/"\n')
    parts = Folder(own_images, EVERYTHING).split().parts()
    assert len(parts["test"]) == 9
    assert not any("val/room0_000" in names for names in parts.values())


@pytest.mark.parametrize(
    ("target", "said"), [("gone.png", "a link to what is not there"), ("room0_003.png", "cannot be read|a link to")]
)
def test_links_that_lead_nowhere(target: str, said: str, own_images: Path) -> None:
    link = own_images / "depth" / "room0_003.png"
    link.unlink()
    link.symlink_to(target)
    with pytest.raises(UserError, match=rf"room0_003\.png: ({said})"):
        Folder(own_images, EVERYTHING)


def test_a_description_that_is_a_link_to_nothing_is_named(own_images: Path) -> None:
    (own_images / "dataset.toml").symlink_to("gone.toml")
    with pytest.raises(UserError, match=r"dataset\.toml: cannot be read"):
        Folder(own_images, EVERYTHING)


OTHER_TYPES: dict[str, np.ndarray] = {
    "depth": np.full((16, 20), 1.5, np.float32),
    "nir": np.full((16, 20), 200, np.uint8),
}


@pytest.fixture
def sixteen_bits(own_images: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Depth and infrared of 16 bits, of which few are looked at."""
    monkeypatch.setattr("mmbench.datasets.folder.look.LOOK", 10)
    for path in (own_images / "rgb").iterdir():
        write(own_images, "nir", f"{path.stem}.png", np.full((16, 20), 4000, np.uint16))
    return own_images


def put(root: Path, modality: str, number: int) -> str:
    """A file of another type than the others; its path below the root."""
    path = sorted((root / modality).iterdir())[number]
    path.unlink()
    write(root, modality, f"{path.stem}.npy", OTHER_TYPES[modality])
    return f"{modality}/{path.stem}.npy"


@pytest.mark.parametrize("described", [False, True])
@pytest.mark.parametrize("modality", OTHER_TYPES)
def test_one_unit_or_range_is_of_one_type(modality: str, described: bool, sixteen_bits: Path) -> None:
    """In a file that is not looked at, and where nothing is left to be found."""
    if described:
        (sixteen_bits / "dataset.toml").write_text(describe(sixteen_bits))
    odd = put(sixteen_bits, modality, 1)
    data = Folder(sixteen_bits, EVERYTHING)
    said = rf"{odd}: \w+ values, where other files hold 16-bit ones: save all alike.*\[modalities\.{modality}\]"
    with pytest.raises(UserError, match=said):
        data.sample("room0_001")
    assert [problem.path for problem in data.verify()] == [odd]


@pytest.mark.parametrize("modality", OTHER_TYPES)
def test_mixed_types_are_found_where_everything_is_described(modality: str, sixteen_bits: Path) -> None:
    """Even in the first file, so that the others are not refused for it."""
    (sixteen_bits / "dataset.toml").write_text(describe(sixteen_bits))
    put(sixteen_bits, modality, 0)
    with pytest.raises(UserError, match=r"room2_008\.png: uint16 values, but .*room0_000\.npy holds .* mixes types"):
        Folder(sixteen_bits, EVERYTHING)


def test_damaged_files_say_nothing_of_the_others(sixteen_bits: Path) -> None:
    (sixteen_bits / "dataset.toml").write_text(describe(sixteen_bits))
    for path in (sixteen_bits / "depth").iterdir():
        path.write_bytes(b"")
    assert len(list(Folder(sixteen_bits, EVERYTHING).verify())) == 40


def test_depth_that_is_invalid_anyway_needs_no_telling(own_images: Path) -> None:
    (own_images / "dataset.toml").write_text("[modalities.depth]\ninvalid = [0, nan, -inf, 65535]\n")
    recorded = as_dict(Folder(own_images, EVERYTHING).readings())
    assert json.loads(json.dumps(recorded, allow_nan=False))["depth"]["invalid"] == [0, 65535]
