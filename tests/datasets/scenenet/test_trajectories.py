"""SceneNet RGB-D: the protobufs' wire format, WordNet ids to 13 classes, protobufs that are damaged or of others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mmbench.datasets.scenenet.trajectories import read_instances
from mmbench.datasets.scenenet.wnid import CLASS_OF, UNKNOWN, class_of, table
from scenenet_tree import BED, CHAIR, INSTANCES, LOST, field, opened, protobuf_of, trajectory

from mmbench.errors import UserError


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
