"""Artworks: photographs once, numbers that repeat, official and drawn parts, the thesis' counts, damaged files."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artworks_tree import EVERYTHING, PHOTOS, make_root, write_style
from mmbench.datasets.artworks import STYLES, THESIS, Artworks
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.modality.reading import RgbReading


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def opened(root: Path | None, limits: DataLimits = EVERYTHING, **settings: Any) -> Artworks:
    return Artworks(root, limits, settings)


def test_photographs_are_taken_once(root: Path) -> None:
    data = opened(root)
    photos = [i for ids in data.split().parts().values() for i in ids if i.startswith("photo/")]
    assert sorted(photos) == sorted("photo/" + name.removesuffix(".jpg").replace(" ", "_") for name in PHOTOS)
    assert data.note == "photo 30, monet 26, ukiyoe 26, cezanne 26 images, none of vangogh"
    assert list(data.verify()) == []


def test_numbers_repeat_across_painters(root: Path) -> None:
    data = opened(root)
    for style in ("monet", "cezanne"):
        ((name, array),) = data.sample(f"{style}/00003").items()
        path = root / "artworks" / f"{style}2photo" / "trainA" / "00003.jpg"
        np.testing.assert_array_equal(array, np.asarray(Image.open(path)))
        assert (name,) == data.holds(f"{style}/00003") == (data.labels[data.label(f"{style}/00003")],)


def test_images_are_read_as_translate_reads_them(root: Path) -> None:
    """Turned as their camera noted; grey of 16 bits, which would all be white, is refused."""
    path = root / "artworks" / "monet2photo" / "trainA" / "00003.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright
    Image.open(path).resize((16, 12)).save(path, exif=exif)
    array = opened(root).sample("monet/00003")["monet"]
    assert array.shape == (16, 12, 3)
    np.testing.assert_array_equal(array, RgbReading().read(path))
    Image.fromarray(np.full((16, 16), 300, np.uint16)).save(path, "png")
    with pytest.raises(UserError, match=r"00003\.jpg: I;16 pixels; expected 8-bit colours; get the file again"):
        opened(root).sample("monet/00003")


def test_task_is_of_the_styles_that_are_there(root: Path) -> None:
    task = opened(root).task
    assert task.anchor == "photo" and task.kind == "cross-domain"
    assert [group.name for group in task.groups] == ["photo+monet", "photo+ukiyoe", "photo+cezanne"]
    assert {(row.inputs[0], row.output) for row in task.unseen} == set(task.unseen_pairs())
    assert len(task.unseen) == 6 and len(task.seen) == 6
    write_style(root, "vangogh")
    assert opened(root).labels == ("photo", *STYLES)
    assert len(opened(root).task.unseen) == 12


def test_official_parts(root: Path) -> None:
    data = opened(root)
    parts = data.split().parts()
    assert Counter(map(data.label, parts["test"])) == dict.fromkeys(range(4), 6)
    assert {i.split("/")[1][:3] for i in parts["test"] if "photo" not in i} == {"009"}
    assert Counter(map(data.label, parts["validation"])) == dict.fromkeys(range(4), 1)  # 5 % of 20 and of 24
    held = [Counter(map(data.label, parts[group.name])) for group in data.task.groups]
    assert held == [{1: 19, 0: 8}, {2: 19, 0: 8}, {3: 19, 0: 7}]


def test_limits_take_some_of_every_domain(root: Path) -> None:
    whole, cut = opened(root), opened(root, DataLimits(train=6, validation=2, test=9))
    parts = cut.split().parts()
    assert Counter(map(cut.label, parts["photo+ukiyoe"])) == {2: 3, 0: 3}
    assert (len(parts["validation"]), len(parts["test"])) == (4, 9)
    assert all(whole.split().parts()[part][: len(ids)] == ids for part, ids in parts.items())


@pytest.mark.parametrize("folder", ["trainA", "testA"])
def test_painter_of_one_part_is_divided(root: Path, folder: str) -> None:
    shutil.rmtree(root / "artworks" / "cezanne2photo" / folder)
    data = opened(root)
    here = 20 if folder == "testA" else 6
    parts = data.split().parts()
    held = [sum(i.startswith("cezanne/") for i in parts[part]) for part in ("photo+cezanne", "validation", "test")]
    assert held == ([14, 2, 4] if here == 20 else [4, 1, 1])
    assert data.note.endswith("parts of cezanne are drawn (70 % training, 10 % validation, 20 % test), not the owners'")


def test_painters_without_test_photographs(root: Path) -> None:
    for style in ("monet", "ukiyoe"):
        shutil.rmtree(root / "artworks" / f"{style}2photo" / "testB")
    shutil.rmtree(root / "artworks" / "monet2photo" / "trainA")
    shutil.rmtree(root / "artworks" / "monet2photo" / "testA")
    data = opened(root)
    assert data.labels == ("photo", "ukiyoe", "cezanne")
    assert "parts of photo are drawn" in data.note and "none of monet and vangogh" in data.note
    assert sum(i.startswith("photo/") for i in data.split().test) == 5  # 20 % of 24


def test_counts_of_the_thesis(root: Path) -> None:
    data = opened(root, counts="thesis", styles=3)
    parts = data.split().parts()
    # 26 images of Monet at 1000 : 200, 26 of Ukiyo-e at 700 : 100, 26 of Cezanne at 500 : 100, 30 photos at 3000 : 300.
    assert [Counter(map(data.label, parts["test"]))[label] for label in range(4)] == [3, 4, 3, 4]
    every = [i for ids in parts.values() for i in ids]
    assert len(every) == len(set(every)) == 108
    assert data.note == (
        "photo 30, monet 26, ukiyoe 26, cezanne 26 images; divided anew: 90 training, 4 validation, 14 test"
    )
    assert data.published == "artworks-4", "however few images: reports say what blocks a comparison"
    assert opened(root, styles=3).published == "", "the archives' own parts"
    assert THESIS["photo"] == (3000, 300) and opened(root).split() != data.split()


def test_image_in_training_and_test_is_test(root: Path) -> None:
    archive = root / "artworks" / "monet2photo"
    shutil.copy(archive / "testA" / "00900.jpg", archive / "trainA")
    data = opened(root)
    assert "monet/00900" in data.split().test
    assert [str(problem) for problem in data.verify()] == [
        "monet2photo/trainA/00900.jpg: monet/00900 is there twice; that in monet2photo/testA/00900.jpg is used"
    ]


def test_verify_goes_on(root: Path) -> None:
    folder = root / "artworks" / "monet2photo"
    for name in ("trainA/00003.jpg", "testA/00902.jpg"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-200])
    (folder / "trainA" / "00004.txt").write_text("mine")
    (folder / "trainC").mkdir()
    lines = [str(problem) for problem in opened(root).verify()]
    assert [line.split(":")[0] for line in lines] == [
        "monet2photo/trainA/00004.txt",
        "monet2photo/trainC",
        "monet/00003",
        "monet/00902",
    ]
    assert all("truncated" in line and "get the file again" in line for line in lines[2:])
    with pytest.raises(UserError, match=r"00003\.jpg: cannot be decoded .*truncated"):
        opened(root).sample("monet/00003")


def test_manifest_knows_content_but_no_path(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(root / "artworks", elsewhere, dirs_exist_ok=True)
    assert opened(elsewhere).manifest() == opened(root).manifest()
    (elsewhere / "cezanne2photo" / "testA" / "00900.jpg").unlink()
    assert opened(elsewhere).manifest() != opened(root).manifest()


def test_too_few_domains(root: Path) -> None:
    for style in ("ukiyoe", "cezanne"):
        shutil.rmtree(root / "artworks" / f"{style}2photo")
    with pytest.raises(UserError, match="images of photo and monet; expected the anchor photo and at least two of"):
        opened(root)
    for part in ("trainA", "testA"):
        shutil.rmtree(root / "artworks" / "monet2photo" / part)
    with pytest.raises(UserError, match="images of photo; expected the anchor photo"):
        opened(root)
    write_style(root, "cezanne")
    shutil.rmtree(root / "artworks" / "monet2photo")
    with pytest.raises(UserError, match=r"images of cezanne; expected the anchor photo.*get monet2photo\.zip"):
        opened(root)


def test_missing_data_says_what_where_and_whence(tmp_path: Path) -> None:
    for empty in (tmp_path, tmp_path / "not there"):
        with pytest.raises(UserError, match=r"no monet2photo .*get monet2photo\.zip.*https://people\.eecs") as caught:
            opened(empty)
        assert str(empty / "artworks") in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError, match="--data-root"):
        opened(None)


def test_commands(root: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli("data", "verify", "artworks-4", "--data-root", str(root))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "artworks-4: photo 30, monet 26" in done.stdout and "0 problems" in done.stdout
    sheet = tmp_path / "sheet.png"
    done = run_cli("data", "show", "artworks", "--data-root", str(root), "--out", str(sheet), "--size", "16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Image.open(sheet).width > 4 * 16


def test_real_images(real_data: Path) -> None:
    folder = real_data / "artworks"
    if not folder.is_dir():
        pytest.skip("no real artworks: set MMBENCH_DATA to the folder that holds artworks")
    data = opened(real_data)
    held = Counter(data.labels[data.label(i)] for ids in data.split().parts().values() for i in ids)
    there = {style: {path.name for path in folder.glob(f"{style}2photo/*A/*.jpg")} for style in STYLES}
    there["photo"] = {path.name for path in folder.glob("*2photo/*B/*.jpg")}
    assert held == {name: len(files) for name, files in there.items() if files}
    official = Counter(data.labels[data.label(i)] for i in data.split().test)
    assert official["monet"] == len(list(folder.glob("monet2photo/testA/*.jpg")))
    sample = data.sample(next(i for i in data.split().test if i.startswith("ukiyoe/")))
    assert sample["ukiyoe"].shape == (256, 256, 3)


def test_the_main_job(root: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    given = ("--data-root", str(root), "--profile", "smoke", "--runs", str(tmp_path / "runs"))
    done = run_cli("run", "--methods", "mmnet-domains", "--dataset", "artworks-4", *given)
    assert done.returncode == 0, done.stderr
    assert "UNSEEN PAIRS" in done.stdout
    assert (tmp_path / "runs" / "report" / "matrix-artworks-4-smoke-mmnet-domains.png").exists()


def test_what_a_method_may_not_see_can_be_noise(root: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench_of("artworks", root).check_guard("mmnet-domains", tmp_path)
