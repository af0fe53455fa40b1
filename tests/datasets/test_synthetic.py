"""The embedded rooms: geometry against hand-computed depths, repeatability, balance, and what colour gives away."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmbench.datasets.synthetic import BASE, DRAW, RENDERER_VERSION, Synthetic, furniture
from mmbench.datasets.synthetic.camera import draw_camera, look
from mmbench.datasets.synthetic.draw import Draw
from mmbench.datasets.synthetic.layout import draw_scene
from mmbench.datasets.synthetic.materials import material
from mmbench.datasets.synthetic.render import render, render_scenes
from mmbench.datasets.synthetic.scene import (
    CEILING,
    CLASSES,
    COLUMN,
    FLOOR,
    OBJECT,
    PICTURE,
    TABLE,
    TV,
    WALL,
    WINDOW,
    Item,
    Scene,
)
from mmbench.datasets.synthetic.tied import ALBEDOS, tie

from mmbench.dataset import DataLimits
from mmbench.errors import UserError

Images = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def many() -> Images:
    return {name: images.numpy() for name, images in render(range(300), 32).items()}


def empty_room() -> Scene:
    scene = Scene(5, (4.0, 6.0, 3.0))
    paint = material(Draw(3))
    scene.shell([paint] * 4, paint, paint)
    return scene


def shot(
    scene: Scene, x: float = 0.0, y: float = 0.0, z: float = 1.5, yaw: float = 0.0, fov: float = 90.0, size: int = 33
) -> tuple[np.ndarray, np.ndarray]:
    images = render_scenes([scene], [look((x, y, z), yaw, 0.0, 0.0, math.radians(fov))], size)
    return images["depth"][0].numpy(), images["segmentation"][0].numpy()


def test_empty_room_matches_depths_by_hand() -> None:
    depth, labels = shot(empty_room())
    # Eye in the middle of a 4 x 6 x 3 m room, looking along +x: the wall ahead is a plane at z-depth 2 everywhere.
    assert depth[16, 16] == pytest.approx(2.0, abs=1e-5)
    assert depth[16, 0] == pytest.approx(2.0, abs=1e-5) and labels[16, 16] == WALL
    # The lowest row of pixel centres falls 32/33 per metre: 1.5 m of eye height are used up after 1.5 / (32/33).
    assert depth[32, 16] == pytest.approx(1.5 * 33 / 32, rel=1e-5) and labels[32, 16] == FLOOR
    assert depth[0, 16] == pytest.approx(1.5 * 33 / 32, rel=1e-5) and labels[0, 16] == CEILING


def test_looking_along_y_meets_the_other_wall() -> None:
    depth, _ = shot(empty_room(), yaw=math.pi / 2, fov=30)
    np.testing.assert_allclose(depth, 3.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("box", 0.75), ("ball", 0.75), ("tube", 0.75)],
)
def test_primitives_are_met_at_their_front(shape: str, expected: float) -> None:
    scene, item = empty_room(), Item(0.5, 0.5, 0.5)
    getattr(item, shape)(OBJECT, material(Draw(1)), (-0.25, 0.25), (-0.25, 0.25), (0.0, 0.5))
    scene.put(item, 1.0, 0.0, 0.0, z=1.25)
    depth, labels = shot(scene)
    assert labels[16, 16] == OBJECT and depth[16, 16] == pytest.approx(expected, abs=1e-5)
    assert labels[16, 0] == WALL


def test_turned_box_shows_its_edge() -> None:
    scene, item = empty_room(), Item(0.5, 0.5, 0.5)
    item.box(OBJECT, material(Draw(1)), (-0.25, 0.25), (-0.25, 0.25), (0.0, 0.5))
    scene.put(item, 1.0, 0.0, math.pi / 4, z=1.25)
    depth, _ = shot(scene)
    assert depth[16, 16] == pytest.approx(1.0 - 0.25 * math.sqrt(2), abs=1e-4)


def test_sphere_off_the_axis() -> None:
    scene, item = empty_room(), Item(1.0, 1.0, 1.0)
    item.ball(OBJECT, material(Draw(1)), (-0.5, 0.5), (-0.5, 0.5), (0.0, 1.0))
    scene.put(item, 1.2, 0.0, 0.0, z=1.0)
    depth, labels = shot(scene)
    # Pixel 20 lies u = 8/33 to the right: |(t, u t) - (1.2, 0)| = 0.5 gives (1 + u^2) t^2 - 2.4 t + 1.19 = 0.
    u = 8 / 33
    expected = (2.4 - math.sqrt(2.4**2 - 4 * (1 + u * u) * 1.19)) / (2 * (1 + u * u))
    assert labels[16, 20] == OBJECT and depth[16, 20] == pytest.approx(expected, rel=1e-4)


def test_nearest_primitive_wins_whatever_the_order() -> None:
    depths = []
    for places in ((0.8, 1.5), (1.5, 0.8)):
        scene = empty_room()
        for x in places:
            item = Item(0.2, 0.2, 0.2)
            item.box(TABLE, material(Draw(1)), (-0.1, 0.1), (-0.1, 0.1), (0.0, 0.2))
            scene.put(item, x, 0.0, 0.0, z=1.4)
        depths.append(shot(scene)[0])
    np.testing.assert_array_equal(depths[0], depths[1])
    assert depths[0][16, 16] == pytest.approx(0.7, abs=1e-5)


def test_images_have_the_stated_form(many: Images) -> None:
    assert many["rgb"].dtype == np.uint8 and many["rgb"].shape == (300, 32, 32, 3)
    assert many["depth"].dtype == np.float32 and many["depth"].min() > 0.1 and many["depth"].max() < 9
    assert many["segmentation"].dtype == np.uint8 and many["segmentation"].min() == 1
    assert many["nir"].dtype == np.uint8 and many["nir"].shape == (300, 32, 32)


def test_every_class_occurs_as_often_as_indoors(many: Images) -> None:
    share = np.bincount(many["segmentation"].ravel(), minlength=14)[1:] / many["segmentation"].size
    assert dict(zip(CLASSES, share, strict=True))["wall"] == share.max() < 0.45
    assert 0.13 < share[FLOOR - 1] < 0.22 and 0.05 < share[CEILING - 1] < 0.13
    assert share.min() > 0.005


def test_images_do_not_depend_on_the_batch() -> None:
    together = render([3, 4, 5, 6], 24, view=[0, 1, 0, 2])
    for index, (seed, view) in enumerate(((3, 0), (4, 1), (5, 0), (6, 2))):
        alone = render([seed], 24, view=view)
        for name, image in alone.items():
            assert torch.equal(image[0], together[name][index]), (name, seed)


def test_same_scene_at_every_size(many: Images) -> None:
    large = render(range(20), 64)["segmentation"].numpy()
    small = many["segmentation"][:20]
    for label in (WALL, FLOOR):
        of_small, of_large = ((part == label).reshape(20, -1).mean(1) for part in (small, large))
        np.testing.assert_allclose(of_small, of_large, atol=0.03)
    odd = render([7], 37)["depth"]
    assert odd.mean().item() == pytest.approx(render([7], 64)["depth"].mean().item(), rel=0.02)


def test_views_differ_but_show_the_same_room() -> None:
    first, second = (render([11], 32, view=view) for view in (0, 1))
    assert not torch.equal(first["depth"], second["depth"])
    assert not np.allclose(draw_camera(draw_scene(11), 0).position, draw_camera(draw_scene(11), 1).position)


@pytest.mark.parametrize(("flat", "reach"), [(PICTURE, 0.03), (WINDOW, 0.1)])
def test_flat_things_are_nearly_invisible_in_depth(flat: int, reach: float) -> None:
    seen = 0
    for seed in range(60):
        scene = draw_scene(seed)
        camera = draw_camera(scene, 0)
        images = render_scenes([scene], [camera], 32)
        side = (np.arange(32) * 2 - 31) / 32 * camera.tangent
        rays = side[None, :, None] * camera.axes[0] - side[:, None, None] * camera.axes[1] + camera.axes[2]
        points = (camera.position + images["depth"][0].numpy()[..., None] * rays)[images["segmentation"][0] == flat]
        gap = np.minimum(scene.room[0] / 2 - abs(points[:, 0]), scene.room[1] / 2 - abs(points[:, 1]))
        assert (gap > 0).all() and (gap < reach).all()
        seen += len(points)
    assert seen > 200


def test_hung_televisions_are_flat() -> None:
    item = furniture.flat_television(Draw(4))
    ends = [(cy - hy, cy + hy) for _, label, _, cy, _, _, hy, *_ in item.parts if label == TV]
    assert min(low for low, _ in ends) == 0.0 and max(high for _, high in ends) <= 0.061


def test_cameras_stand_in_the_room_and_in_no_furniture() -> None:
    for seed in range(80):
        scene = draw_scene(seed)
        x, y, z = draw_camera(scene, seed % 3).position
        assert abs(x) < scene.room[0] / 2 and abs(y) < scene.room[1] / 2 and 1.2 <= z <= 1.8
        for x0, x1, y0, y1, top in scene.solids:
            assert not (x0 < x < x1 and y0 < y < y1 and top > z - 0.1), seed


def test_colour_tells_little_about_the_class(many: Images) -> None:
    """A nearest-mean classifier on colour, trained and tested on different rooms, against always saying "wall"."""
    pixels, labels = many["rgb"].astype(np.float32), many["segmentation"]
    means = np.stack([pixels[:200][labels[:200] == label].mean(0) for label in range(1, 14)])
    prior = np.log(np.bincount(labels[:200].ravel(), minlength=14)[1:] / labels[:200].size)
    spread = pixels[:200].reshape(-1, 3).var(0).mean()
    test, truth = pixels[200:].reshape(-1, 3), labels[200:].ravel()
    score = prior - ((test[:, None] - means) ** 2).sum(-1) / (2 * spread)
    correct = (score.argmax(1) + 1 == truth).mean()
    assert correct < (truth == WALL).mean() + 0.05


def by_colour(pixels: np.ndarray, labels: np.ndarray) -> float:
    """Share of pixels that a nearest-mean classifier tells by colour, trained and tested on different rooms."""
    half = len(pixels) // 2
    known = [label for label in range(1, 14) if (labels[:half] == label).any()]
    means = np.stack([pixels[:half][labels[:half] == label].mean(0) for label in known])
    nearest = ((pixels[half:].reshape(-1, 1, 3) - means) ** 2).sum(-1).argmin(1)
    return float((np.array(known)[nearest] == labels[half:].ravel()).mean())


def test_tied_colours_change_nothing_but_what_colour_tells_of_the_class(many: Images) -> None:
    told = [by_colour(many["rgb"][:80].astype(np.float32), many["segmentation"][:80])]
    for share in (0.5, 1.0):
        made = {name: images.numpy() for name, images in render(range(80), 32, tied_colours=share).items()}
        for name in ("depth", "segmentation", "nir"):
            np.testing.assert_array_equal(made[name], many[name][:80])
        told.append(by_colour(made["rgb"].astype(np.float32), made["segmentation"]))
    assert told[0] + 0.15 < told[1] < told[2] - 0.15, told
    assert told[2] > 0.8


def test_as_many_materials_are_painted_as_the_share_says() -> None:
    """With a larger share those of a smaller one too; at 0 none."""
    painted = []
    for share in (0.0, 0.25, 0.5, 1.0):
        scenes, before = [draw_scene(seed) for seed in range(40)], [draw_scene(seed) for seed in range(40)]
        for scene in scenes:
            tie(scene, share)
        rows, old = (np.concatenate([scene.table() for scene in some]) for some in (scenes, before))
        changed = (rows != old).any(1)
        expected = np.array(ALBEDOS)[rows[changed, COLUMN["class"]].astype(int)]
        first = COLUMN["r0"]
        np.testing.assert_array_equal(rows[changed, first : first + 9], np.tile(expected, (1, 3)))
        others = [n for n in range(rows.shape[1]) if not first <= n < first + 9]
        np.testing.assert_array_equal(rows[:, others], old[:, others])
        painted.append(changed)
    assert not painted[0].any() and painted[3].all()
    assert (painted[1] <= painted[2]).all()
    assert [np.mean(painted[n]) for n in (1, 2)] == pytest.approx([0.25, 0.5], abs=0.05)


def test_tied_colours_reach_the_images_and_the_digest() -> None:
    plain, tied = (Synthetic(None, DataLimits(train=2), {"tied_colours": share}) for share in (0.0, 1.0))
    assert plain.manifest() == Synthetic(None, DataLimits(train=2)).manifest() != tied.manifest()
    ids = tied.split().test[:1]
    expected = render([BASE + 600_000], 16, tied_colours=1.0)["rgb"].numpy()
    (image,) = tied.load(ids, 16)
    np.testing.assert_array_equal(image["rgb"], expected[0])
    with pytest.raises(UserError, match=r"data\.tied_colours=1\.5; expected 0 to 1"):
        Synthetic(None, None, {"tied_colours": 1.5})


def test_near_infrared_is_not_a_grey_copy(many: Images) -> None:
    grey = many["rgb"].mean(-1).reshape(300, -1)
    nir = many["nir"].reshape(300, -1).astype(float)
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(grey, nir, strict=True)]
    assert -0.2 < np.median(correlation) < 0.7


def test_split_is_disjoint_and_complete() -> None:
    data = Synthetic(None, DataLimits(train=5, validation=3, test=4))
    split = data.split()
    assert [len(ids) for ids in split.parts().values()] == [5, 5, 3, 4]
    everything = [i for ids in split.parts().values() for i in ids]
    assert len(set(everything)) == 17 and set(split.scenes) == set(everything)
    full = Synthetic().split()
    assert [len(ids) for ids in full.parts().values()] == [2000, 2000, 100, 300]
    assert full.test[:4] == split.test


def test_adapter_renders_what_its_ids_name() -> None:
    data = Synthetic(None, DataLimits(train=40, validation=1, test=1))
    ids = data.split().groups["rgb+depth"]
    loaded = list(data.load(ids, 16))
    assert len(loaded) == 40 and set(loaded[0]) == {"rgb", "depth", "segmentation"}
    expected = render([BASE + int(ids[-1].removeprefix("scene-"))], 16)
    np.testing.assert_array_equal(loaded[-1]["depth"], expected["depth"][0].numpy())
    assert data.sample(ids[0])["rgb"].shape == (256, 256, 3)


def test_manifest_changes_with_the_limits_only() -> None:
    one, same, other = (Synthetic(None, DataLimits(train=n)).manifest() for n in (5, 5, 6))
    assert one == same != other


def test_another_draw_is_other_scenes_in_every_part() -> None:
    """A million seeds apart, more than the four parts of a draw can take."""
    limits = DataLimits(train=200_000, validation=200_000, test=200_000)
    first, second = (Synthetic(None, limits, {"draw": draw}) for draw in (0, 1))
    last = int(first.split().test[-1].removeprefix("scene-"))
    assert last == 799_999 < DRAW
    assert first.manifest() != second.manifest() != Synthetic(None, limits, {"draw": 2}).manifest()
    ids = second.split().test[:2]
    expected = render([BASE + DRAW + 600_000, BASE + DRAW + 600_001], 16)
    for image, there in zip(second.load(ids, 16), expected["rgb"].numpy(), strict=True):
        np.testing.assert_array_equal(image["rgb"], there)


def test_the_first_draw_is_that_of_all_earlier_results() -> None:
    assert Synthetic().manifest() == "9a6c743c2c01eb4312f9a89bf67a9743c5fcdfffa78f8b54ab9f093a30c26fdb"
    with pytest.raises(UserError, match=r"data\.draw=-1; expected 0 to 999"):
        Synthetic(None, None, {"draw": -1})


@pytest.mark.parametrize("train", [-1, 200_001])
def test_limits_out_of_range(train: int) -> None:
    with pytest.raises(UserError, match="train"):
        Synthetic(None, DataLimits(train=train))


def test_unknown_id() -> None:
    with pytest.raises(UserError, match="room-3"):
        Synthetic().sample("room-3")


def test_bad_arguments() -> None:
    for seeds, size, view in (([], 8, 0), ([1], 0, 0), ([1, 2], 8, [0])):
        with pytest.raises(ValueError):
            render(seeds, size, view=view)


def test_adapter_imports_no_torch() -> None:
    code = "import sys, mmbench.datasets.synthetic as s; s.Synthetic().split(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu() -> None:
    here, there = render(range(16), 64), render(range(16), 64, device="cuda")
    same = here["segmentation"] == there["segmentation"].cpu()
    assert same.float().mean() > 0.998
    relative = ((there["depth"].cpu() - here["depth"]).abs() / here["depth"])[same]
    assert (relative < 1e-3).float().mean() > 0.999
    for name in ("rgb", "nir"):
        assert ((there[name].cpu().int() - here[name].int()).abs() <= 2).float().mean() > 0.99


def test_scenes_are_those_of_this_renderer_version() -> None:
    """Where this fails on purpose, raise RENDERER_VERSION and write down the new numbers."""
    assert RENDERER_VERSION == 1
    scene = draw_scene(0)
    assert scene.room == pytest.approx((3.226966185955665, 4.359100224516158, 2.7150258402551986), rel=1e-12)
    assert scene.table()[:, 3:6].sum() == pytest.approx(53.328281674381714, rel=1e-9)
    expected = (1.1553039440763149, 1.2044155834672645, 1.6028479190433025)
    assert draw_camera(scene, 0).position == pytest.approx(expected, rel=1e-9)
