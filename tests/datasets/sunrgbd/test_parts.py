"""SUN RGB-D: the official split, and the thesis' blocks and sizes."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from mmbench.datasets.sunrgbd import SETTINGS, SunRgbd, parts
from scipy.io import savemat
from sunrgbd_tree import TEST, TRAIN, ids37, opened

from mmbench.dataset import DataLimits
from mmbench.errors import UserError
from mmbench.planning.plan import make_plan, open_dataset


def test_official_split(whole: Path) -> None:
    data = opened(whole)
    parts_of = data.split().parts()
    assert data.published == opened(whole, split="thesis").published == "sunrgbd"
    assert set(parts_of["test"]) == set(TEST)
    assert {part: len(ids) for part, ids in parts_of.items()} == {
        "rgb+segmentation": 29, "rgb+depth": 29, "validation": 2, "test": 12,
    }  # fmt: skip
    assert sorted(i for part, ids in parts_of.items() if part != "test" for i in ids) == sorted(TRAIN)
    few = SunRgbd(whole, DataLimits(train=5, validation=1, test=4), SETTINGS).split().parts()
    assert {part: list(ids) for part, ids in few.items()} == {
        part: list(ids[:n]) for (part, ids), n in zip(parts_of.items(), (5, 5, 1, 4), strict=True)
    }


def test_absent_frames_move_no_other(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "part")
    for frame in (*TRAIN[::3], *TEST[::5]):
        shutil.rmtree(tmp_path / "part" / "sunrgbd" / "SUNRGBD" / frame)
    for split in ("official", "thesis"):
        before, after = opened(whole, split=split), opened(tmp_path / "part", split=split)
        assert after.note.startswith("49 of 10335 frames;")
        assert after.manifest() != before.manifest()
        for part, ids in after.split().parts().items():
            assert ids == tuple(i for i in before.split().parts()[part] if i in after.frames)


def test_thesis_split_alone_needs_no_lists(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "sunrgbd" / "SUNRGBD", tmp_path / "SUNRGBD")
    with pytest.raises(
        UserError, match=r"allsplit\.mat not found at .*SUNRGBDtoolbox\.zip.*sunrgbd-thesis.*data\.split=thesis"
    ):
        opened(tmp_path)
    data = opened(tmp_path, split="thesis")
    assert data.note == "72 of 10335 frames, 72 of them incomplete; labels: none"
    assert str(next(iter(data.verify()))).startswith("labels: none found")
    for frame in TRAIN:
        savemat(tmp_path / "SUNRGBD" / frame / "seg.mat", {"names": ["bed"], "seglabel": ids37(frame) % 2})
    assert all(opened(tmp_path, split="thesis").split().parts().values())


@pytest.mark.parametrize("split", ["official", "thesis"])
def test_without_a_validation_frame_blocks_of_training_take_its_place(whole: Path, tmp_path: Path, split: str) -> None:
    before = opened(whole, split=split)
    shutil.copytree(whole, tmp_path / "part")
    for frame in before.split().validation:
        shutil.rmtree(tmp_path / "part" / "sunrgbd" / "SUNRGBD" / frame)
    after = opened(tmp_path / "part", split=split)
    had, has = before.split().parts(), after.split().parts()
    assert has["validation"] == opened(tmp_path / "part", split=split).split().validation
    assert 0 < len(has["validation"]) <= 3
    assert after.note.endswith(
        f"; validation is absent, in its place {len(has['validation'])} of the training frames that are there"
    )
    assert "validation" not in before.note
    assert has["test"] == had["test"]
    for group in ("rgb+segmentation", "rgb+depth"):
        assert has[group] == tuple(frame for frame in had[group] if frame not in has["validation"]) != ()


def test_validation_is_drawn_in_whole_blocks() -> None:
    frames = real_lists()
    drawn = parts.thesis(frames)
    present = {frame for frame in frames if "NYUdata" in frame} - set(drawn.validation)
    redrawn = parts.with_validation(drawn, present)
    trained = {drawn.scenes[frame] for half in redrawn.halves for frame in half}
    assert 20 <= len(redrawn.validation) <= 0.03 * len(present)
    assert set(redrawn.validation) <= present and not {drawn.scenes[frame] for frame in redrawn.validation} & trained
    assert parts.with_validation(drawn, set(frames)) is drawn
    block = redrawn.validation[:1]
    assert parts.with_validation(drawn, set(block)) is drawn  # it would leave nothing to train on


def test_the_thesis_split_is_a_data_set_of_its_own_name(whole: Path, tmp_path: Path) -> None:
    plan = make_plan(["prior"], "sunrgbd-thesis", "smoke", [0], tmp_path, data_root=whole)
    assert [cell.name for cell in plan.cells] == ["sunrgbd-thesis/smoke/prior/seed-0"]
    opened_by_name = open_dataset("sunrgbd-thesis", DataLimits(), whole)
    assert opened_by_name.published == "sunrgbd"
    assert opened_by_name.split() == opened(whole, split="thesis").split()
    set_by_hand = make_plan(
        ["prior"], "sunrgbd", "smoke", [0], tmp_path, data_root=whole, overrides={"data.split": "thesis"}
    )
    assert [cell.key for cell in set_by_hand.cells] == [cell.key for cell in plan.cells]


def test_a_part_without_frames_is_a_line_that_says_what_is_there(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "part")
    shutil.rmtree(tmp_path / "part" / "sunrgbd" / "SUNRGBD" / "xtion")
    with pytest.raises(UserError) as caught:
        make_plan(["prior"], "sunrgbd", "smoke", [0], tmp_path, data_root=tmp_path / "part")
    assert str(caught.value) == (
        "data set 'sunrgbd': no images for test (found: rgb+segmentation 6, rgb+depth 6, validation 2; "
        "60 of 10335 frames; labels: toolbox); `data verify sunrgbd` shows what is there"
    )


def real_lists() -> tuple[str, ...]:
    """10335 names as the official ones are built, in their numbers per subset."""
    rig = [f"{9 + n // 60:02d}-{n % 60:02d}-07" for n in range(150)]
    return (
        *(f"kv2/kinect2data/{n:06d}_x" for n in range(3485)),
        *(f"kv1/NYUdata/NYU{n:04d}" for n in range(1, 1450)),
        *(f"kv1/b3dodata/img_{n:04d}" for n in range(554)),
        *(f"realsense/lg/2014_10_24-{n:06d}" for n in range(1309)),
        *(f"xtion/sun3ddata/place_{n % 207}/scan/{n:07d}" for n in range(3238)),
        *(f"kv2/align_kv2/2014-12-18_{time}_260595134347" for time in rig),
        *(f"xtion/xtion_align_data/2014_12_18_{time.replace('-0', '-').replace('-', '_')}" for time in rig),
    )


def test_thesis_sizes_blocks_and_the_rig() -> None:
    frames = real_lists()
    drawn = parts.thesis(frames)
    assert len(frames) == parts.FRAMES and len(drawn.test) == 335 and len(drawn.validation) == 300
    assert abs(len(drawn.halves[0]) - len(drawn.halves[1])) < 100
    owner = {frame: n for n, part in enumerate((*drawn.halves, drawn.validation, drawn.test)) for frame in part}
    assert len(owner) == parts.FRAMES
    neighbours = [(f"kv1/NYUdata/NYU{n:04d}", f"kv1/NYUdata/NYU{n + 1:04d}") for n in range(1, 1449)]
    assert sum(owner[a] != owner[b] for a, b in neighbours) < 1449 / 20
    places: dict[str, set[int]] = {}
    for frame in frames:
        if "sun3ddata" in frame:
            places.setdefault(frame.split("/")[2], set()).add(owner[frame])
    assert {len(owners) for owners in places.values()} == {1}
    # Two sensors of the rig at the same minute: together, but for the ends of blocks.
    rig = [frame for frame in frames if "align_kv2" in frame]
    twins = [(a, b) for a, b in zip(rig, frames[-150:], strict=True)]
    assert sum(owner[a] != owner[b] for a, b in twins) <= 5
    subsets = [Counter(frame.split("/")[1] for frame in half) for half in drawn.halves]
    assert all(abs(subsets[0][name] - subsets[1][name]) <= 80 for name in subsets[0])
