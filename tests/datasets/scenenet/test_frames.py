"""SceneNet RGB-D: ray length to z by hand and on real views, what a frame holds, bad files in one line."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmbench.datasets.scenenet import CHOICES, SETTINGS, VARIANTS, SceneNet
from mmbench.datasets.scenenet.frames import ANGLES, read_depth
from PIL import Image
from scenenet_tree import EVERYTHING, HEIGHT, WIDTH, make_tree, opened, stripes

from mmbench.errors import UserError
from mmbench.modality.reading.depth import DepthReading, ray_factor, to_z
from mmbench.plugins import catalog
from mmbench.task import Access, views
from mmbench.training.cache import open_cache


def test_ray_factor_by_hand() -> None:
    factor = ray_factor(240, 320, *ANGLES)
    assert factor.shape == (240, 320)
    # fx = 160 / tan 30 degrees, fy = 120 / tan 22.5 degrees; the corner pixel's centre is 159.5 and 119.5 pixels away.
    assert factor[0, 0] == pytest.approx(math.sqrt(1 + (159.5 / 277.1281) ** 2 + (119.5 / 289.7056) ** 2), rel=1e-6)
    # The image's very corner: sqrt(1 + tan^2 30 + tan^2 22.5) = sqrt(1 + 0.33333 + 0.17157) = 1.2267.
    assert factor[0, 0] == pytest.approx(1.227, abs=2e-3)
    assert ray_factor(1200, 1600, *ANGLES)[-1, [0, -1]] == pytest.approx([1.2267, 1.2267], abs=3e-4)
    assert factor[119:121, 159:161] == pytest.approx(1.0, abs=1e-5)
    # Half a picture to the right alone is 30 degrees, half a picture down 22.5 degrees.
    assert factor[120, -1] == pytest.approx(1 / math.cos(math.radians(30)), abs=2e-3)
    assert factor[-1, 160] == pytest.approx(1 / math.cos(math.radians(22.5)), abs=2e-3)
    np.testing.assert_allclose(factor, factor[::-1, ::-1])


def test_a_wall_is_flat_after_conversion() -> None:
    ray = (3.0 * ray_factor(240, 320, *ANGLES)).astype(np.float32)
    ray[7, 9] = 0
    z = to_z(ray, *ANGLES)
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
    larger: dict[str, Any] = VARIANTS["scenenet-170k"]
    assert SceneNet(whole, EVERYTHING, {**SETTINGS, **larger["SETTINGS"]}).published == "scenenet-170k"
    assert [opened(whole, **{k: v}).published for k, v in (("depth", "z"), ("crop", "centre"))] == ["", ""]
    assert all(SETTINGS[key] in values for key, values in CHOICES.items())
    cards = [catalog.find("datasets", name) for name in ("scenenet-51k", "scenenet-170k")]
    assert [len(card["DOWNLOADS"]) for card in cards] == [4, 19] and cards[1]["TERMS"] == cards[0]["TERMS"]


@pytest.mark.parametrize("place", ["scenenet_rgbd", "."])
def test_finds_the_tree_and_the_protobufs_at_every_level(whole: Path, place: str, tmp_path: Path) -> None:
    assert opened(whole / place).manifest() == opened(whole).manifest()
    shutil.copytree(whole / "scenenet_rgbd", tmp_path / "flat")
    for path in (tmp_path / "flat" / "train_protobufs").iterdir():
        path.rename(tmp_path / "flat" / path.name)
    assert opened(tmp_path / "flat").manifest() == opened(whole).manifest()


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
    raw = read_depth(path, DepthReading())
    assert raw.shape == (240, 320) and 1.5 < raw.min() < raw.max() < 20
    as_ray, as_z = plane_share(to_z(raw, *ANGLES)), plane_share(raw)
    assert as_ray > 0.18 and as_z < 0.12, (as_ray, as_z)
