"""Colored objects: colours by the number of the file, unpaired domains around blue, drawn parts, damaged files."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colored_objects_tree import EVERYTHING, jpeg, make_root, write_folders, write_records, write_shards
from mmbench.datasets.colored_objects import COLOURS, FOUR, ColoredObjects
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.training.cache import open_cache


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def opened(root: Path | None, limits: DataLimits = EVERYTHING, **settings: Any) -> ColoredObjects:
    return ColoredObjects(root, limits, settings)


def test_number_of_the_file_is_the_colour(root: Path) -> None:
    data = opened(root)
    assert data.labels[2] == "black" and data.labels[10] == "yellow" and data.labels[0] == data.task.anchor == "blue"
    for colour in ("blue", "black", "yellow"):
        (name, array), = data.sample(f"{colour}/IMG_225").items()  # fmt: skip
        assert name == colour
        np.testing.assert_array_equal(array, np.asarray(Image.open(io.BytesIO(jpeg(colour, 225)))))
        assert data.holds(f"{colour}/IMG_225") == (colour,)
        assert data.labels[data.label(f"{colour}/IMG_225")] == colour


def test_task_has_the_anchor_in_every_group(root: Path) -> None:
    task = opened(root).task
    assert [group.name for group in task.groups] == [f"blue+{colour}" for colour in COLOURS[1:]]
    assert len(task.unseen) == 10 * 9 and len(task.seen) == 20
    assert {(row.inputs[0], row.output) for row in task.unseen} == set(task.unseen_pairs())
    assert {modality.kind for modality in task.modalities} == {"rgb"}


def test_drawn_parts_are_disjoint_and_balanced(root: Path) -> None:
    data = opened(root)
    parts = data.split().parts()
    every = [sample_id for ids in parts.values() for sample_id in ids]
    assert len(every) == len(set(every)) == 110
    assert Counter(map(data.label, parts["validation"])) == dict.fromkeys(range(11), 1)
    assert Counter(map(data.label, parts["test"])) == dict.fromkeys(range(11), 2)
    blue = 0
    for number, colour in enumerate(COLOURS[1:]):
        held = Counter(sample_id.split("/")[0] for sample_id in parts[f"blue+{colour}"])
        assert held[colour] == 7 and held["blue"] == (1 if number < 7 else 0) and len(held) <= 2
        blue += held["blue"]
    assert blue == 7
    assert data.note.startswith("110 images of 11 colours; parts of every domain are drawn (70 % training")
    assert data.published == ""


def test_validation_images_may_be_scored_in_place_of_test_images(root: Path) -> None:
    plain, swapped = (opened(root, scored=scored).split() for scored in ("test", "validation"))
    assert (swapped.validation, swapped.test) == (plain.test, plain.validation)
    assert swapped.groups == plain.groups
    assert [opened(root, colours=4, scored=scored).published for scored in ("test", "validation")] == [
        "colored-objects-4", ""
    ]  # fmt: skip


def test_official_parts_stay_apart(root: Path) -> None:
    write_shards(root, "train", 1, 20)
    data = opened(root)
    parts = data.split().parts()
    number = {part: {int(sample_id.rpartition("_")[2]) for sample_id in ids} for part, ids in parts.items()}
    assert number.pop("test") == set(range(221, 231)) and len(parts["test"]) == 110
    assert all(numbers <= set(range(1, 21)) for numbers in number.values())
    assert Counter(map(data.label, parts["validation"])) == dict.fromkeys(range(11), 1)  # 5 % of 20
    assert [len(parts[f"blue+{colour}"]) for colour in COLOURS[1:]] == [21] * 9 + [20]  # 19 and a share of 19
    assert data.note == "330 images of 11 colours"


def test_limits_take_some_of_every_colour(root: Path) -> None:
    whole = opened(root).split().parts()
    cut = opened(root, DataLimits(train=2, validation=3, test=13)).split().parts()
    assert {len(cut[part]) for part in cut if "+" in part} == {2}
    assert (len(cut["validation"]), len(cut["test"])) == (11, 13)  # one of every colour, whatever the limit
    assert all(whole[part][: len(ids)] == ids for part, ids in cut.items())


def test_folders_per_colour(tmp_path: Path) -> None:
    write_folders(tmp_path / "flat")
    (tmp_path / "flat" / "grey").rename(tmp_path / "flat" / "gray")
    (tmp_path / "flat" / "another data set").mkdir()
    data = opened(tmp_path / "flat")
    assert len(data.labels) == 11 and list(data.verify()) == []
    assert data.sample("grey/IMG_3")["grey"].shape == (12, 16, 3)
    for part in ("train", "test"):
        write_folders(tmp_path / "divided" / "color" / "dataset" / part, 2)
    with pytest.raises(UserError, match=r"2 images of blue are too few .*\(0, 1, 1\)"):
        opened(tmp_path / "divided").split()  # the same names in both, so all of them belong to test
    assert "blue/IMG_0 is there twice; that in test/blue/IMG_0.jpg is used" in [
        problem.what for problem in opened(tmp_path / "divided").verify()
    ]


def test_four_colours_of_the_thesis(root: Path) -> None:
    data = opened(root, colours=4)
    assert data.labels == FOUR == ("blue", "green", "orange", "yellow")
    assert data.published == "colored-objects-4", "however few images: reports say what blocks a comparison"
    assert len(data.task.unseen) == 6
    assert sum(map(len, data.split().parts().values())) == 40
    assert data.manifest() != opened(root).manifest()


def test_some_colours_will_do(root: Path) -> None:
    for index in (1, 5):
        (root / "colored_objects" / "test" / f"domain_{index}.tfrecords").unlink()
    data = opened(root)
    assert data.labels == tuple(colour for colour in COLOURS if colour not in ("brown", "orange"))
    assert data.note.startswith("90 images of 9 colours, none of brown and orange")
    three = opened(root, colours=4)
    assert three.labels == ("blue", "green", "yellow") and three.published == ""


def test_manifest_knows_content_but_no_path(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "color" / "dataset"
    shutil.copytree(root / "colored_objects", elsewhere)
    assert opened(elsewhere.parents[1]).manifest() == opened(root).manifest()
    write_records(elsewhere / "test" / "domain_3.tfrecords", {"IMG_221.jpg": jpeg("green", 1)})
    assert opened(elsewhere).manifest() != opened(root).manifest()


def test_damaged_shard_stops_the_split_and_not_verify(root: Path) -> None:
    folder = root / "colored_objects" / "test"
    for index, keep in ((3, -5), (6, 5)):
        path = folder / f"domain_{index}.tfrecords"
        path.write_bytes(path.read_bytes()[:keep])
    data = opened(root)
    assert [problem.path for problem in data.verify()] == ["test/domain_3.tfrecords", "test/domain_6.tfrecords"]
    with pytest.raises(UserError, match=r"domain_3\.tfrecords: no whole TFRecord file, it ends within record 9"):
        data.split()
    path = folder / "domain_0.tfrecords"
    path.write_bytes(path.read_bytes()[:5])
    with pytest.raises(UserError, match=r"domain_0\.tfrecords: .*record 0.*again") as caught:
        opened(root)
    assert "\n" not in str(caught.value)


def test_damaged_images_are_named_and_the_others_read(root: Path) -> None:
    folder = root / "colored_objects" / "test"
    images = {f"IMG_{n}.jpg": jpeg("green", n) for n in range(221, 231)}
    write_records(folder / "domain_3.tfrecords", {**images, "IMG_225.jpg": images["IMG_225.jpg"][:-150]})
    data = bytearray((folder / "domain_6.tfrecords").read_bytes())
    data[-100] ^= 1  # within the JPEG
    (folder / "domain_6.tfrecords").write_bytes(data)
    lines = [str(problem) for problem in opened(root).verify()]
    assert len(lines) == 2
    assert "domain_3.tfrecords: IMG_225: cannot be decoded (" in lines[0] and "truncated" in lines[0]
    assert "domain_6.tfrecords" in lines[1] and "record 9 does not have its CRC" in lines[1]
    with pytest.raises(UserError, match="IMG_225"):
        opened(root).sample("green/IMG_225")
    write_records(folder / "domain_3.tfrecords", {**images, "IMG_225.jpg": b"GIF, not"})
    with pytest.raises(UserError, match=r"IMG_225: cannot be decoded \(not an image of PNG, JPEG"):
        opened(root).sample("green/IMG_225")


@pytest.mark.parametrize("names", [("name", "encoded_image"), ("file_name", "encoded")])
def test_records_of_other_features(root: Path, names: tuple[str, str]) -> None:
    path = root / "colored_objects" / "test" / "domain_0.tfrecords"
    write_records(path, {"IMG_1.jpg": jpeg("blue", 1)}, names)
    with pytest.raises(UserError, match=r"domain_0\.tfrecords: record 0 has no feature 'image/.*; expected"):
        opened(root)


def test_wrong_files_are_reported(root: Path) -> None:
    folder = root / "colored_objects" / "test"
    (folder / "domain_11.tfrecords").write_bytes(b"")
    (folder / "notes.txt").write_text("mine")
    (folder / ".DS_Store").write_bytes(b"")
    write_folders(root / "own", 3)
    (root / "own" / "pink" / "Thumbs.db").write_bytes(b"")
    (root / "own" / "pink" / "IMG_1.jpg").write_text("no image")
    assert [problem.path for problem in opened(root).verify()] == ["test/domain_11.tfrecords", "test/notes.txt"]
    assert [problem.path for problem in opened(root / "own").verify()] == ["own/pink/Thumbs.db", "pink/IMG_1"]


@pytest.mark.parametrize("colours", [("blue",), ("blue", "red"), ("red", "white", "green")])
def test_too_few_colours(tmp_path: Path, colours: tuple[str, ...]) -> None:
    write_folders(tmp_path, 3, colours)
    with pytest.raises(UserError, match="expected the anchor blue and at least two of brown, black") as caught:
        opened(tmp_path)
    assert "https://github.com/yaxingwang" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_data_says_what_where_and_whence(tmp_path: Path) -> None:
    for empty in (tmp_path, tmp_path / "not there"):
        with pytest.raises(UserError, match=r"domain_<0 to 10>\.tfrecords.*https://github\.com") as caught:
            opened(empty)
        assert str(empty / "colored_objects") in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="--data-root"):
        opened(None)


def test_unknown_sample(root: Path) -> None:
    with pytest.raises(UserError, match="'blue/IMG_1' is no sample; expected an id such as black/IMG_221"):
        opened(root).sample("blue/IMG_1")


def test_goes_through_the_cache(root: Path, tmp_path: Path) -> None:
    data = opened(root)
    ids = data.split().test[:12]
    cache = open_cache(data, "source", ids, 6, tmp_path / "cache")
    row = ids.index(next(sample_id for sample_id in ids if sample_id.startswith("red")))
    (expected,) = data.load([ids[row]], 6)
    np.testing.assert_array_equal(cache.read("red", np.array([row]))[0], expected["red"])
    assert cache.labels(np.arange(12)).tolist() == [*range(11), 0]
    with pytest.raises(KeyError, match="has no red"):
        cache.read("red", np.array([0]))


def test_commands(root: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli("data", "verify", "colored-objects-4", "--data-root", str(root))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "colored-objects-4: 40 images of 4 colours" in done.stdout and "0 problems" in done.stdout
    sheet = tmp_path / "sheet.png"
    done = run_cli("data", "show", "colored-objects", "--data-root", str(root), "--out", str(sheet), "--size", "24")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Image.open(sheet).width > 11 * 24


def test_real_images(real_data: Path) -> None:
    if not (real_data / "colored_objects").is_dir():
        pytest.skip("no real colored objects: set MMBENCH_DATA to the folder that holds colored_objects")
    data = opened(real_data)
    assert data.labels == COLOURS
    ids = [sample_id for part in data.split().parts().values() for sample_id in part]
    counts = Counter(map(data.label, ids))
    assert len(counts) == 11 and min(counts.values()) >= 20
    means = {
        colour: np.mean([data.sample(i)[colour].mean((0, 1)) for i in ids if i.startswith(f"{colour}/")][:20], 0)
        for colour in ("blue", "red", "black", "white", "yellow")
    }
    assert means["blue"][2] - means["blue"][0] > 20 > -20 > means["red"][2] - means["red"][0]
    assert means["black"].mean() < means["white"].mean() - 40
    assert min(means["yellow"][:2]) > means["yellow"][2] + 40
    assert abs(means["black"][0] - means["black"][2]) < 10


def test_the_main_job(root: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    given = ("--data-root", str(root), "--profile", "smoke", "--runs", str(tmp_path / "runs"))
    done = run_cli("run", "--methods", "mmnet-domains", "--dataset", "colored-objects-4", *given)
    assert done.returncode == 0, done.stderr
    assert "UNSEEN PAIRS" in done.stdout
    assert (tmp_path / "runs" / "report" / "matrix-colored-objects-4-smoke-mmnet-domains.png").exists()


def test_what_a_method_may_not_see_can_be_noise(root: Path, bench_of: Callable[..., Any], tmp_path: Path) -> None:
    bench_of("colored-objects", root).check_guard("mmnet-domains", tmp_path)
