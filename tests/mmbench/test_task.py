from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.modality import Depth, Rgb, Scalar
from mmbench.task import Access, Group, Split, Task, Translation, views

NAMES = ("a", "b", "c", "d")


def make_task(groups: list[tuple[str, ...]]) -> Task:
    names = sorted({"anchor", *(name for group in groups for name in group)})
    modalities = tuple(Scalar(name) for name in names)
    first, second = groups[0][0], groups[1][0]
    return Task(
        "random",
        "cross-channel",
        modalities,
        "anchor",
        tuple(Group(("anchor", *group)) for group in groups),
        (Translation((first,), second),),
        judged="anchor",
    )


@st.composite
def tasks_and_splits(draw: st.DrawFn) -> tuple[Task, Split]:
    """Groups with disjoint modalities beside the anchor, ids dealt out by scene."""
    names = draw(st.permutations(NAMES))
    cut = draw(st.integers(1, 3))
    task = make_task([tuple(names[:cut]), tuple(names[cut:])])
    parts = [*(group.name for group in task.groups), "validation", "test"]
    scenes = draw(st.lists(st.sampled_from(parts), min_size=4, max_size=30))
    dealt: dict[str, list[str]] = {part: [] for part in parts}
    of: dict[str, str] = {}
    for number, part in enumerate(scenes):
        for view in range(draw(st.integers(1, 3))):
            dealt[part].append(f"s{number}-{view}")
            of[f"s{number}-{view}"] = f"s{number}"
    groups = {group.name: tuple(dealt[group.name]) for group in task.groups}
    return task, Split(groups, tuple(dealt["validation"]), tuple(dealt["test"]), of)


@given(tasks_and_splits())
def test_seen_groups_show_no_unseen_pair_and_no_test_image(drawn: tuple[Task, Split]) -> None:
    task, split = drawn
    held_out = {*split.validation, *split.test}
    shown: dict[str, set[str]] = {}
    for view in views(task, split, Access.SEEN_GROUPS):
        assert not held_out & set(view.ids)
        for sample in view.ids:
            shown.setdefault(sample, set()).update(view.modalities)
    for a, b in task.unseen_pairs():
        assert not any({a, b} <= modalities for modalities in shown.values())


@given(tasks_and_splits())
def test_unpaired_views_hold_one_modality_and_only_images_that_have_it(drawn: tuple[Task, Split]) -> None:
    task, split = drawn
    for view in views(task, split, Access.UNPAIRED):
        assert len(view.modalities) == 1
        allowed = {i for g in task.groups if view.modalities[0] in g.modalities for i in split.groups[g.name]}
        assert set(view.ids) == allowed


@given(tasks_and_splits())
def test_oracles_and_judges_never_read_validation_or_test(drawn: tuple[Task, Split]) -> None:
    task, split = drawn
    for access in (Access.TRUE_PAIRS, Access.LABELLED):
        for view in views(task, split, access):
            assert not {*split.validation, *split.test} & set(view.ids)


@given(tasks_and_splits(), st.sampled_from(["validation", "test"]), st.data())
def test_a_scene_in_two_parts_is_refused(drawn: tuple[Task, Split], part: str, data: st.DataObject) -> None:
    _, split = drawn
    scene_owner = [i for ids in split.groups.values() for i in ids]
    if not scene_owner:
        return
    leaked = data.draw(st.sampled_from(scene_owner)) + "-again"
    scenes = {**split.scenes, leaked: split.scenes[leaked.removesuffix("-again")]}
    parts = {"validation": split.validation, "test": split.test}
    parts[part] = (*parts[part], leaked)
    with pytest.raises(ValueError, match="share the scene"):
        Split(split.groups, parts["validation"], parts["test"], scenes)


def test_hashes_follow_the_lists() -> None:
    one = Split({"g": ("1", "2")}, ("3",), ("4",))
    other = Split({"g": ("1", "2")}, ("3",), ("5",))
    assert one.hashes()["g"] == other.hashes()["g"]
    assert one.hashes()["test"] != other.hashes()["test"]


def test_a_seen_translation_cannot_be_listed_as_unseen() -> None:
    modalities = (Rgb("rgb"), Depth("depth"))
    with pytest.raises(ValueError, match="listed as unseen"):
        Task("t", "cross-modal", modalities, "rgb", (Group(("rgb", "depth")),), (Translation(("rgb",), "depth"),))
