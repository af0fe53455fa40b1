"""SceneNet RGB-D: ray length to z by hand and on real views, the wire format, both protocols, bad files in one line."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmbench.datasets.scenenet import CHOICES, SETTINGS, VARIANTS, SceneNet, parts
from mmbench.datasets.scenenet.frames import Video, find_videos, ray_factor, read_depth, to_z
from mmbench.datasets.scenenet.trajectories import read_instances
from mmbench.datasets.scenenet.wnid import CLASS_OF, UNKNOWN, class_of, table
from PIL import Image

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.plugins import catalog
from mmbench.task import Access, views
from mmbench.training.cache import open_cache

EVERYTHING = DataLimits()
HEIGHT, WIDTH = 18, 24
BED, CHAIR, LOST = "02920083", "17222", "99999999"  # the second without its leading zeros: an object
INSTANCES = {0: "", 1: "04546855", 7: BED, 300: CHAIR}
FIRST_VIDEOS = (0, 1, 2, 3, 4, 50)  # 0 and 50 are validation
SETS = {"train/0": FIRST_VIDEOS, "val/0": (0, 1, 2)}


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def trajectory(render_path: str, instances: dict[int, str]) -> bytes:
    """With fields that the reader has to step over: a layout, floats in fixed 32 and 64 bits, views."""
    held = b"".join(
        field(2, field(1, i) + (field(2, wnid.encode()) if wnid else b"") + field(4, 4) + varint(6 << 3 | 5) + b"abcd")
        for i, wnid in instances.items()
    )
    view = field(3, field(1, 7475) + field(2, varint(1 << 3 | 1) + b"12345678"))
    return field(1, field(1, field(2, b"model")) + held + view + field(4, render_path.encode()))


def stripes(video: int, frame: int) -> np.ndarray:
    """Instance ids in columns; 999 is an id that the protobuf lacks."""
    ids = np.repeat(np.array([0, 1, 7, 300, 999, 7], np.uint16), 4)
    return np.tile(np.roll(ids, video + frame // 25), (HEIGHT, 1))


def make_frame(video: Path, frame: int) -> None:
    for name in ("photo", "depth", "instance"):
        (video / name).mkdir(parents=True, exist_ok=True)
    number = int(video.name)
    rgb = np.full((HEIGHT, WIDTH, 3), (number * 7 + frame // 5) % 256, np.uint8)
    Image.fromarray(rgb).save(video / "photo" / f"{frame}.jpg")
    depth = np.linspace(0, 9000 + number, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    Image.fromarray(depth).save(video / "depth" / f"{frame}.png")
    Image.fromarray(stripes(number, frame)).save(video / "instance" / f"{frame}.png")


def make_tree(
    tree: Path, sets: dict[str, tuple[int, ...]] = SETS, frames: tuple[int, ...] = (0, 25, 100, 7475)
) -> Path:
    """The official tree and its protobufs; frame 7475 is in no protocol."""
    for shelf, videos in sets.items():
        for video in videos:
            for frame in frames:
                make_frame(tree / shelf / str(video), frame)
        write_protobuf(tree, shelf, videos)
    return tree


def protobuf_of(tree: Path, shelf: str) -> Path:
    release, number = shelf.split("/")
    if release == "val":
        return tree / "scenenet_rgbd_val.pb"
    return tree / "train_protobufs" / f"scenenet_rgbd_train_{number}.pb"


def write_protobuf(tree: Path, shelf: str, videos: tuple[int, ...]) -> None:
    path = protobuf_of(tree, shelf)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(trajectory(f"{shelf.split('/')[1]}/{video}", INSTANCES) for video in videos))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("whole") / "scenenet_rgbd").parent


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two frames of two training videos and a test frame."""
    return make_tree(tmp_path / "few", {"train/0": (0, 1), "val/0": (0,)}, (0, 25))


def opened(root: Path, **settings: Any) -> SceneNet:
    return SceneNet(root, EVERYTHING, {**SETTINGS, **settings})


def test_ray_factor_by_hand() -> None:
    factor = ray_factor(240, 320)
    assert factor.shape == (240, 320)
    # fx = 160 / tan 30 degrees, fy = 120 / tan 22.5 degrees; the corner pixel's centre is 159.5 and 119.5 pixels away.
    assert factor[0, 0] == pytest.approx(math.sqrt(1 + (159.5 / 277.1281) ** 2 + (119.5 / 289.7056) ** 2), rel=1e-6)
    # The image's very corner: sqrt(1 + tan^2 30 + tan^2 22.5) = sqrt(1 + 0.33333 + 0.17157) = 1.2267.
    assert factor[0, 0] == pytest.approx(1.227, abs=2e-3)
    assert ray_factor(1200, 1600)[-1, [0, -1]] == pytest.approx([1.2267, 1.2267], abs=3e-4)
    assert factor[119:121, 159:161] == pytest.approx(1.0, abs=1e-5)
    # Half a picture to the right alone is 30 degrees, half a picture down 22.5 degrees.
    assert factor[120, -1] == pytest.approx(1 / math.cos(math.radians(30)), abs=2e-3)
    assert factor[-1, 160] == pytest.approx(1 / math.cos(math.radians(22.5)), abs=2e-3)
    np.testing.assert_allclose(factor, factor[::-1, ::-1])


def test_a_wall_is_flat_after_conversion() -> None:
    ray = (3.0 * ray_factor(240, 320)).astype(np.float32)
    ray[7, 9] = 0
    z = to_z(ray)
    assert z.dtype == np.float32 and z[7, 9] == 0
    np.testing.assert_allclose(np.delete(z.ravel(), 7 * 320 + 9), 3.0, rtol=1e-6)


def test_sample_by_hand(whole: Path) -> None:
    ray, z = opened(whole, crop="centre"), opened(whole, crop="centre", depth="z")
    sample = ray.sample("train/0/3/100")
    assert {name: (array.dtype.name, array.shape) for name, array in sample.items()} == {
        "rgb": ("uint8", (HEIGHT, WIDTH, 3)),
        "depth": ("float32", (HEIGHT, WIDTH)),
        "segmentation": ("uint8", (HEIGHT, WIDTH)),
    }
    by_hand = {0: 0, 1: 12, 7: 1, 300: 7, 999: 0}  # wall, bed, object; the background and an unknown id are void
    np.testing.assert_array_equal(sample["segmentation"], np.vectorize(by_hand.get)(stripes(3, 100)))
    millimetres = np.linspace(0, 9003, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    np.testing.assert_allclose(sample["depth"], millimetres / 1000, rtol=1e-6)
    assert sample["rgb"] == pytest.approx(41, abs=2)
    # Half the height, half the width and so on are the same angles at any size.
    across, down = 11.5 / 12 * math.tan(math.radians(30)), 8.5 / 9 * math.tan(math.radians(22.5))
    far = z.sample("train/0/3/100")["depth"][-1, -1]
    assert far == pytest.approx(9.003 / math.sqrt(1 + across**2 + down**2), rel=1e-6)


def test_left_square_is_cut_after_conversion(whole: Path) -> None:
    for depth in ("ray", "z"):
        full = opened(whole, depth=depth, crop="centre").sample("val/0/2/0")
        left = opened(whole, depth=depth, crop="left").sample("val/0/2/0")
        for name, array in full.items():
            np.testing.assert_array_equal(left[name], array[:, :HEIGHT])


def test_published_only_for_what_the_authors_code_reads(whole: Path) -> None:
    assert opened(whole).published == "scenenet-51k"
    assert (
        SceneNet(whole, EVERYTHING, {**SETTINGS, **VARIANTS["scenenet-170k"]["SETTINGS"]}).published == "scenenet-170k"
    )
    assert [opened(whole, **{k: v}).published for k, v in (("depth", "z"), ("crop", "centre"))] == ["", ""]
    assert all(SETTINGS[key] in values for key, values in CHOICES.items())
    cards = [catalog.find("datasets", name) for name in ("scenenet-51k", "scenenet-170k")]
    assert [len(card["DOWNLOADS"]) for card in cards] == [4, 19] and cards[1]["TERMS"] == cards[0]["TERMS"]


def test_protobuf_is_read_and_the_rest_skipped(tmp_path: Path) -> None:
    path = tmp_path / "x.pb"
    path.write_bytes(trajectory("0/223", INSTANCES) + trajectory("0/1/", {5: BED}))
    assert read_instances(path, "there") == {"0/223": INSTANCES, "0/1": {5: BED}}


def test_truncated_protobuf_is_one_line(tmp_path: Path) -> None:
    path, content = tmp_path / "x.pb", trajectory("0/223", INSTANCES)
    for length in range(1, len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"x\.pb: no whole protobuf .*cut off.*get it again from there") as caught:
            read_instances(path, "there")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404 Not Found</html>",
        b"\xff" * 40,
        field(1, 5),
        field(1, field(4, b"\xff\xfe")),
        field(1, field(2, field(1, b"one"))),
        field(1, field(2, field(1, 3))),
    ],
)
def test_other_files_are_no_protobuf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pb"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.pb: no whole protobuf of trajectories"):
        read_instances(path, "there")


def test_every_byte_of_a_protobuf_may_be_wrong(tmp_path: Path, rng: np.random.Generator) -> None:
    path, right = tmp_path / "x.pb", bytearray(trajectory("0/223", INSTANCES))
    for place in range(len(right)):
        broken = right.copy()
        broken[place] = int(rng.integers(256))
        path.write_bytes(broken)
        try:
            for instances in read_instances(path, "there").values():
                table(instances)
        except UserError as error:
            assert str(error).isprintable()


def test_wnids() -> None:
    assert len(CLASS_OF) == 258 and all(len(wnid) == 8 for wnid in CLASS_OF)
    assert [class_of(wnid) for wnid in (BED, "00017222", CHAIR, "03876519", "", LOST)] == [1, 7, 7, 8, 0, UNKNOWN]
    assert table({1: BED, 2: LOST, -1: BED, 2**40: BED}).tolist() == [0, 1, UNKNOWN, UNKNOWN]
    assert table({3: BED}).tolist() == [0, UNKNOWN, UNKNOWN, 1, UNKNOWN]
    assert table({}).tolist() == [0, UNKNOWN]


def test_wnids_are_the_releases(real_data: Path) -> None:
    path = real_data / "scenenet_rgbd" / "wnid_to_nyu13.json"
    if not path.is_file():
        pytest.skip("no table of wnids: set MMBENCH_DATA to the folder that holds scenenet_rgbd/")
    assert json.loads(path.read_text()) == CLASS_OF


def videos(release: str, count: int) -> list[Video]:
    return [Video(f"{release}/{n // 1000}/{n}", Path()) for n in range(count)]


@pytest.mark.parametrize(
    ("name", "sizes", "frames", "tested"),
    [
        ("51k", [490, 490, 20, 1000], (0, 25, 1225), (0, 0, 0)),
        ("170k", [7500, 7500, 1000, 1000], (0, 750, 6750), (0, 750, 6750)),
    ],
)
def test_protocols_have_the_papers_sizes(name: str, sizes: list[int], frames: tuple, tested: tuple) -> None:
    protocol = parts.PROTOCOLS[name]
    owners = [protocol.part(video) for video in (*videos("train", 16865), *videos("val", 1000))]
    assert [owners.count(part) for part in parts.PARTS] == sizes
    counts = (sizes[0] + sizes[1], *sizes[2:])
    assert tuple(protocol.sizes.values()) == counts
    for part, ends in ((parts.FIRST, frames), (parts.TEST, tested)):
        numbers = [view * 25 for view in protocol.views_of(part)]
        assert (numbers[0], numbers[1 % len(numbers)], numbers[-1]) == ends
    used = {int(video.id.split("/")[1]) for video in videos("train", 16865) if protocol.part(video)}
    assert used == set(protocol.folders)
    # Folders whose videos start again at 0 are the same release.
    anew = [Video(f"train/{n // 1000}/{n % 1000}", Path()) for n in range(16865)]
    assert [protocol.part(video) for video in anew] == owners[:16865]


def test_split(whole: Path) -> None:
    data = opened(whole)
    assert data.note == "4 of 980 training, 2 of 20 validation and 3 of 1000 test videos"
    split = data.split()
    held = {part: sorted({i.rpartition("/")[0] for i in ids}) for part, ids in split.parts().items()}
    assert held == {
        "rgb+segmentation": ["train/0/1", "train/0/3"],
        "rgb+depth": ["train/0/2", "train/0/4"],
        "validation": ["train/0/0", "train/0/50"],
        "test": ["val/0/0", "val/0/1", "val/0/2"],
    }
    assert sorted(i for i in split.validation if "/50/" in i) == ["train/0/50/0", "train/0/50/100", "train/0/50/25"]
    assert sorted(split.test) == ["val/0/0/0", "val/0/1/0", "val/0/2/0"]
    assert split.scenes["train/0/50/25"] == "train/0/50"
    few = SceneNet(whole, DataLimits(train=3, validation=2, test=1), SETTINGS).split().parts()
    assert {part: list(ids) for part, ids in few.items()} == {
        part: list(ids[:n]) for (part, ids), n in zip(split.parts().items(), (3, 3, 2, 1), strict=True)
    }


def test_views_of_170k(tmp_path: Path) -> None:
    sets = {"train/0": (0, 1), "train/15": (15000,), "val/0": (9,)}
    data = opened(make_tree(tmp_path, sets, (0, 25, 750, 6750, 7475)), protocol="170k")
    assert {part: sorted(ids) for part, ids in data.split().parts().items()} == {
        "rgb+segmentation": ["train/0/0/0", "train/0/0/6750", "train/0/0/750"],
        "rgb+depth": ["train/0/1/0", "train/0/1/6750", "train/0/1/750"],
        "validation": ["train/15/15000/0", "train/15/15000/6750", "train/15/15000/750"],
        "test": ["val/0/9/0", "val/0/9/6750", "val/0/9/750"],
    }
    assert data.sample("train/15/15000/750")["segmentation"].any()
    assert not [problem for problem in data.verify() if "void" not in problem.what]


def test_videos_are_sorted_by_number(tmp_path: Path) -> None:
    for name in ("10", "9", "100", "1", ".cache", "notes"):
        (tmp_path / "train" / "0" / name).mkdir(parents=True)
    assert [video.id.split("/")[2] for video in find_videos(tmp_path, ["train/0", "train/1"])] == [
        "1",
        "9",
        "10",
        "100",
    ]


@pytest.mark.parametrize("place", ["scenenet_rgbd", "."])
def test_finds_the_tree_and_the_protobufs_at_every_level(whole: Path, place: str, tmp_path: Path) -> None:
    assert opened(whole / place).manifest() == opened(whole).manifest()
    shutil.copytree(whole / "scenenet_rgbd", tmp_path / "flat")
    for path in (tmp_path / "flat" / "train_protobufs").iterdir():
        path.rename(tmp_path / "flat" / path.name)
    assert opened(tmp_path / "flat").manifest() == opened(whole).manifest()


def test_absent_videos_move_no_other(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "part")
    for video in ("train/0/1", "train/0/50", "val/0/0"):
        shutil.rmtree(tmp_path / "part" / "scenenet_rgbd" / video)
    before, after = opened(whole), opened(tmp_path / "part")
    assert after.note.startswith("3 of 980 training, 1 of 20 validation and 2 of 1000")
    assert after.manifest() != before.manifest()
    for part, ids in after.split().parts().items():
        kept = ("train/0/1/", "train/0/50/", "val/0/0/")
        assert ids == tuple(i for i in before.split().parts()[part] if not i.startswith(kept))


def damage_truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_8bit(path: Path) -> None:
    Image.fromarray(np.full((HEIGHT, WIDTH), 9, np.uint8)).save(path)


def damage_colours(path: Path) -> None:
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 9, np.uint8)).save(path)


def damage_size(path: Path) -> None:
    Image.fromarray(np.full((9, 9), 7, np.uint16)).save(path)


@pytest.mark.parametrize(
    ("file", "damage", "line"),
    [
        ("photo/25.jpg", damage_truncate, r"photo/25\.jpg: cannot be decoded"),
        ("depth/25.png", damage_truncate, r"depth/25\.png: cannot be decoded"),
        ("instance/25.png", damage_truncate, r"instance/25\.png: cannot be decoded"),
        ("depth/25.png", damage_8bit, r"depth/25\.png: image mode L, expected 16-bit"),
        ("instance/25.png", damage_colours, r"instance/25\.png: image mode RGB, expected grey instance ids"),
        ("instance/25.png", damage_size, r"frame 25: sizes differ: photo 24 x 18 and depth 24 x 18 and instance 9 x 9"),
    ],
)
def test_damaged_images_are_named_in_one_line(tree: Path, file: str, damage: Callable[[Path], None], line: str) -> None:
    damage(tree / "train/0/1" / file)
    data = opened(tree)
    with pytest.raises(UserError, match=line) as caught:
        data.sample("train/0/1/25")
    assert "\n" not in str(caught.value)
    assert [problem.path for problem in data.verify() if "void" not in problem.what] == ["rgb+depth", "train/0/1/25"]


def test_missing_modalities_are_problems_and_the_frame_is_left_out(tree: Path) -> None:
    (tree / "train/0/1/depth/0.png").unlink()
    (tree / "train/0/0/photo/25.jpg").unlink()
    shutil.rmtree(tree / "val/0/0/instance")
    data = opened(tree)
    assert {problem.path: problem.what for problem in data.verify() if "void" not in problem.what} == {
        "rgb+depth": "no video of it is there; get https://www.doc.ic.ac.uk/~bjm113/scenenet_data/train_split/"
        "train_0.tar.gz",
        "train/0/1/0": "no depth/0.png; the frame belongs to no part",
        "train/0/0/25": "no photo/25.jpg; the frame belongs to no part",
        "val/0/0/0": "no instance/0.png; the frame belongs to no part",
    }
    assert {i for ids in data.split().parts().values() for i in ids} == {"train/0/1/25", "train/0/0/0"}
    assert data.holds("train/0/1/0") == ("rgb", "segmentation") and set(data.sample("train/0/1/0")) == {
        "rgb", "segmentation",
    }  # fmt: skip


def test_unknown_instances_are_void_and_a_problem(tree: Path) -> None:
    protobuf_of(tree, "val/0").write_bytes(trajectory("0/0", {**INSTANCES, 7: LOST}))
    (found,) = [problem for problem in opened(tree).verify() if problem.path == "val/0/0/0"]
    assert found.what.startswith("void: instances [7, 999] are not in scenenet_rgbd_val.pb")


def test_protobufs_that_are_missing_cut_off_or_of_others(tree: Path) -> None:
    path = protobuf_of(tree, "train/0")
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    with pytest.raises(UserError, match=r"scenenet_rgbd_train_0\.pb: .*cut off.*train_protobufs\.tar\.gz") as caught:
        opened(tree).sample("train/0/1/0")
    assert "\n" not in str(caught.value)
    assert {problem.path for problem in opened(tree).verify()} >= {"train/0/1/0", "train/0/0/0", "val/0/0/0"}
    path.write_bytes(trajectory("0/0", INSTANCES))
    with pytest.raises(UserError, match=r"scenenet_rgbd_train_0\.pb: no trajectory 0/1; get it again"):
        opened(tree).sample("train/0/1/0")
    path.unlink()
    with pytest.raises(UserError, match=r"scenenet_rgbd_train_0\.pb .*is not in .*few; get it .*train_protobufs\.tar"):
        opened(tree)
    path.write_bytes(content)
    protobuf_of(tree, "val/0").unlink()
    with pytest.raises(UserError, match=r"scenenet_rgbd_val\.pb .* get it from .*/scenenet_rgbd_val\.pb"):
        opened(tree)


def test_no_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--data-root"):
        SceneNet(None, EVERYTHING, SETTINGS)
    with pytest.raises(UserError, match=rf"no train/<0\.\.16>/ or val/0/ in {tmp_path}.*train_0\.tar\.gz") as caught:
        opened(tmp_path)
    assert "\n" not in str(caught.value)
    (tmp_path / "train" / "0").mkdir(parents=True)
    with pytest.raises(UserError, match="no video"):
        opened(tmp_path)
    with pytest.raises(UserError, match=r"no frame 'train/0/7/0'; expected an id such as"):
        opened(make_tree(tmp_path, {"val/0": (0,)}, (0,))).sample("train/0/7/0")


def test_what_a_method_may_not_see_can_be_noise(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "noisy")
    plain = opened(whole)
    split, task = plain.split(), plain.task
    seen = {(i, name) for view in views(task, split, Access.SEEN_GROUPS) for i in view.ids for name in view.modalities}
    everyone = [i for ids in split.parts().values() for i in ids]
    for sample_id in everyone:
        video, _, frame = sample_id.rpartition("/")
        for name, folder in (("depth", "depth"), ("segmentation", "instance")):
            if (sample_id, name) not in seen:
                path = tmp_path / "noisy/scenenet_rgbd" / video / folder / f"{frame}.png"
                Image.fromarray(np.full((HEIGHT, WIDTH), 300, np.uint16)).save(path)
    noisy = opened(tmp_path / "noisy")
    assert noisy.split() == split
    changed = 0
    for sample_id in everyone:
        before, after = plain.sample(sample_id), noisy.sample(sample_id)
        for name in before:
            if (sample_id, name) in seen:
                np.testing.assert_array_equal(before[name], after[name])
            changed += not np.array_equal(before[name], after[name])
    assert changed == 12 + 2 * (6 + 3)  # one modality of training frames, two of validation and test


def test_goes_through_the_cache(whole: Path, tmp_path: Path) -> None:
    data = opened(whole)
    ids = data.split().test
    cache = open_cache(data, "source", ids, 8, tmp_path / "cache")
    for row, expected in enumerate(data.load(ids, 8)):
        for name, array in expected.items():
            np.testing.assert_array_equal(cache.read(name, np.array([row]))[0], array)


def test_main_job_runs(whole: Path, run_cli: Callable[..., Any], tmp_path: Path) -> None:
    done = run_cli(
        "run", "--dataset", "scenenet-51k", "--data-root", str(whole), "--methods", "mmnet,oracle",
        "--profile", "smoke", "--runs", str(tmp_path / "runs"), "--device", "cpu",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def plane_share(z: np.ndarray, seed: int = 0, trials: int = 300) -> float:
    """Share of back-projected points (every fourth) within 1 cm of the largest plane that RANSAC finds."""
    height, width = z.shape
    across = (np.arange(width) + 0.5 - 160) / 277.1281
    down = (np.arange(height) + 0.5 - 120) / 289.7056
    points = np.stack([z * across[None], z * down[:, None], z], -1)[::4, ::4].reshape(-1, 3)
    points = points[points[:, 2] > 0]
    draw = np.random.default_rng(seed)
    best = 0.0
    for _ in range(trials):
        a, b, c = points[draw.choice(len(points), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        if (length := np.linalg.norm(normal)) > 1e-6:
            best = max(best, float((np.abs((points - a) @ (normal / length)) < 0.01).mean()))
    return best


@pytest.mark.parametrize("frame", [2625, 7200])
def test_real_walls_are_flat_only_as_ray_lengths(real_data: Path, frame: int) -> None:
    path = real_data / "scenenet_rgbd" / f"traj_of_{frame}" / "depth" / f"{frame}.png"
    if not path.is_file():
        pytest.skip("no real SceneNet RGB-D: set MMBENCH_DATA to the folder that holds scenenet_rgbd/")
    raw = read_depth(path)
    assert raw.shape == (240, 320) and 1.5 < raw.min() < raw.max() < 20
    as_ray, as_z = plane_share(to_z(raw)), plane_share(raw)
    assert as_ray > 0.18 and as_z < 0.12, (as_ray, as_z)
