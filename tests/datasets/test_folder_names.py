"""Names and types of files as people have them: accents, endings of cameras, folders of other names, mixed types."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from mmbench.datasets.folder import Folder
from own_images import make_root, write
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError

EVERYTHING = DataLimits()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """24 samples, named kitchen_00 and so on."""
    folder = make_root(tmp_path / "images")
    for modality in ("rgb", "depth", "segmentation"):
        for number, path in enumerate(sorted((folder / modality).iterdir())):
            path.rename(path.with_name(f"küche_{number:02d}{path.suffix}")) if number < 24 else path.unlink()
    return folder


def renamed(folder: Path, form: str) -> None:
    for path in list(folder.iterdir()):
        path.rename(path.with_name(form.format(unicodedata.normalize("NFC", path.stem)) + path.suffix))


def test_one_name_in_two_forms_of_unicode(root: Path) -> None:
    for path in list((root / "rgb").iterdir()):
        path.rename(path.with_name(unicodedata.normalize("NFC", path.name)))
    for path in list((root / "depth").iterdir()):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    listed = unicodedata.normalize("NFD", "küche_03")
    (root / "dataset.toml").write_text(f'[split]\ntest = ["{listed}"]\n')
    data = Folder(root, EVERYTHING)
    assert "24 samples with all of them" in data.note
    assert data.split().test == (unicodedata.normalize("NFC", listed),)
    assert len(data.sample(data.split().test[0])) == 3


def test_names_with_the_modality_in_them(root: Path) -> None:
    renamed(root / "rgb", "{}.color")
    renamed(root / "depth", "{}.depth")
    with pytest.raises(UserError, match="files of one sample need equal names, or write") as refused:
        Folder(root, EVERYTHING)
    proposed = re.findall(r"(pattern = '[^']*') under (\[modalities\.\w+\])", str(refused.value))
    assert [table for _, table in proposed] == ["[modalities.rgb]", "[modalities.depth]"]
    (root / "dataset.toml").write_text("".join(f"{table}\n{line}\n" for line, table in proposed))
    data = Folder(root, EVERYTHING)
    assert "24 samples with all of them" in data.note
    assert len(data.sample("küche_03")) == 3


def test_time_stamps_and_one_folder_for_all(root: Path) -> None:
    for modality in ("rgb", "depth", "segmentation"):
        for number, path in enumerate(sorted((root / modality).iterdir())):
            path.rename(root / f"{modality}-{number:02d}-170000{len(modality)}.{number}{path.suffix}")
        (root / modality).rmdir()
    (root / "dataset.toml").write_text(
        "".join(
            f"[modalities.{name}]\nfolder = '.'\npattern = '^{name}-([0-9]+)-'\n"
            for name in ("rgb", "depth", "segmentation")
        )
    )
    data = Folder(root, EVERYTHING)
    assert "24 samples with all of them" in data.note
    assert len(data.sample("07")) == 3


def test_a_pattern_that_fits_nothing_or_two_files(root: Path) -> None:
    for pattern, said in (
        ("^(kitchen)", "names match"),
        ("^(küche)", "two files are the sample 'küche' by the pattern"),
        ("küche", "lacks \\(parentheses\\) around the part that names the sample"),
    ):
        (root / "dataset.toml").write_text(f"[modalities.depth]\npattern = '{pattern}'\n")
        with pytest.raises(UserError, match=said):
            Folder(root, EVERYTHING)


def test_depth_of_32_and_of_64_bits(root: Path) -> None:
    for number, path in enumerate(sorted((root / "depth").iterdir())):
        path.unlink()
        write(root, "depth", f"{path.stem}.npy", np.full((16, 20), 1.5, (np.float32, np.float64)[number % 2]))
    data = Folder(root, EVERYTHING)
    assert {float(data.sample(f"küche_{number:02d}")["depth"].max()) for number in range(4)} == {1.5}
    write(root, "depth", "küche_00.npy", np.full((16, 20), 1500, np.uint16))
    with pytest.raises(UserError, match="mixes"):
        Folder(root, EVERYTHING)


@pytest.mark.parametrize("mode", ["LA", "PA"])
def test_labels_with_an_alpha_channel(mode: str, root: Path) -> None:
    path = root / "segmentation" / "küche_00.png"
    plain = Folder(root, EVERYTHING).sample("küche_00")["segmentation"]
    ids = Image.open(path)
    alpha = Image.new("L", ids.size, 255)
    if mode == "LA":
        Image.merge("LA", (ids, alpha)).save(path)
    else:
        indexed = Image.fromarray(np.asarray(ids), mode="P")
        indexed.putpalette([value for index in range(256) for value in (index, 0, 0)])
        indexed.save(path, transparency=bytes([255] * 255 + [0]))
    np.testing.assert_array_equal(Folder(root, EVERYTHING).sample("küche_00")["segmentation"], plain)
