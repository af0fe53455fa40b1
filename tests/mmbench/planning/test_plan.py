from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mmbench.errors import UserError
from mmbench.planning.plan import DATA_VARIABLE, SEEDS, Plan, make_plan
from mmbench.planning.settings import STEPS
from mmbench.plugins import catalog, keys, protocol
from mmbench.training.loop import _step_seed

DATASET = '''
"""A data set of files, told from another by their names."""
import hashlib
from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.modality import Rgb, Scalar
from mmbench.task import Group, Split, Task, Translation

NAME = "filed"
TITLE = "Filed"
KIND = "cross-channel"
CLASS = "Filed"
JUDGE = "judge-classifier"
SOURCE = "https://example.org/filed"
CITATION = "nobody"


class Filed(Dataset):
    labels = ("a", "b")
    task = Task(
        "filed", "cross-channel",
        (Scalar("theta1"), Scalar("theta2"), Rgb("theta3")), "theta1",
        (Group(("theta1", "theta2")), Group(("theta1", "theta3"))), (Translation(("theta2",), "theta3"),),
        judged="theta3",
    )

    def __init__(self, root, limits):
        super().__init__(root, limits)
        self.names = sorted(path.name for path in root.iterdir())
        if not self.names:
            raise UserError(f"{root}: no images")

    def split(self):
        return Split({"theta1+theta2": ("1",), "theta1+theta3": ("2",)}, ("3",), ("4",))

    def manifest(self):
        return hashlib.sha256(" ".join(self.names).encode()).hexdigest()

    def sample(self, sample_id):
        raise NotImplementedError
'''

METHOD = 'NAME = "{name}"\nTITLE = "T"\nCLASS = "C"\nACCESS = "seen-groups"\nGROUP = "zero-pair"\nKINDS = ("{kind}",)\n'


def plan(tmp_path: Path, *methods: str, **rest: Any) -> Plan:
    arguments = {"dataset": "synthetic", "profile_name": "smoke", "seeds": [0], "runs": tmp_path / "runs", **rest}
    return make_plan(methods, **arguments)


def keys_of(made: Plan) -> dict[str, str]:
    return {cell.name: cell.key for cell in made.cells}


@pytest.fixture
def filed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root; the data set ``filed`` is a plug-in."""
    folder = tmp_path / "plugins" / "datasets"
    folder.mkdir(parents=True)
    (folder / "filed.py").write_text(DATASET)
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(folder.parent))
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    root = tmp_path / "data"
    root.mkdir()
    (root / "image.png").touch()
    return root


def test_a_cell_lies_where_its_name_says(tmp_path: Path) -> None:
    (cell,) = plan(tmp_path, "mmnet", seeds=[3]).cells
    assert cell.name == "synthetic/smoke/mmnet/seed-3"
    assert cell.folder.path == tmp_path / "runs" / cell.name
    assert cell.steps == 8, "six steps and two that re-estimate"
    assert not (tmp_path / "runs").exists(), "planning writes nothing"


def test_parents_come_first_and_once(tmp_path: Path) -> None:
    made = plan(tmp_path, "mmnet-pp", "mmnet-control", "mmnet", seeds=[0, 1])
    assert [(cell.method, cell.seed) for cell in made.cells] == [
        (name, seed) for seed in (0, 1) for name in ("mmnet", "mmnet-pp", "mmnet-control")
    ]
    for cell in made.cells:
        if cell.method != "mmnet":
            assert cell.parent is not None
            assert (cell.parent.method, cell.parent.seed) == ("mmnet", cell.seed)
            assert cell.waits_for == (cell.parent,)


def test_one_judge_serves_every_seed(filed: Path, tmp_path: Path) -> None:
    made = plan(tmp_path, "mmnet", dataset="filed", seeds=[0, 1], data_root=filed)
    assert [(cell.method, cell.seed) for cell in made.cells] == [
        ("judge-classifier", 0), ("mmnet", 0), ("mmnet", 1),
    ]  # fmt: skip
    judge, *others = made.cells
    assert all(cell.judge is judge and cell.waits_for == (judge,) for cell in others)


def test_no_path_enters_a_key(filed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files below another root, results below another folder, called from another folder: the same keys."""
    other = tmp_path / "elsewhere" / "copy"
    other.mkdir(parents=True)
    (other / "image.png").touch()
    first = plan(tmp_path, "mmnet-pp", dataset="filed", data_root=filed)
    monkeypatch.chdir(other)
    second = plan(tmp_path, "mmnet-pp", dataset="filed", data_root=other, runs=Path("here"))
    assert keys_of(first) == keys_of(second)
    (other / "more.png").touch()
    third = plan(tmp_path, "mmnet-pp", dataset="filed", data_root=other)
    assert not set(keys_of(third).values()) & set(keys_of(first).values()), "other data, other keys"


def test_the_data_root_comes_from_the_environment_where_none_is_given(
    filed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=rf"needs its images.*{DATA_VARIABLE}.*https://example.org/filed"):
        plan(tmp_path, "prior", dataset="filed")
    monkeypatch.setenv(DATA_VARIABLE, str(filed))
    assert plan(tmp_path, "prior", dataset="filed").cells
    (filed / "empty").mkdir()
    with pytest.raises(UserError, match="no images"):
        plan(tmp_path, "prior", dataset="filed", data_root=filed / "empty")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"seeds": [1]}, False),
        ({"profile_name": "laptop"}, False),
        ({"overrides": {"side_information": "skip"}}, False),
        ({"overrides": {"stage.align.lr": 0.5}}, False),
        ({"overrides": {"profile.steps": 5}}, False),
        ({"overrides": {"profile.network.width": 5}}, False),
        ({"overrides": {"profile.log_every": 3}}, True),
        ({"overrides": {"profile.checkpoint_every": 3, "profile.align_every": 4}}, True),
        ({"overrides": {"profile.step_ms": 3.0, "profile.title": "x"}}, True),
    ],
)
def test_a_key_holds_what_numbers_depend_on(change: dict[str, Any], same: bool, tmp_path: Path) -> None:
    before, after = plan(tmp_path, "mmnet").cells[0].key, plan(tmp_path, "mmnet", **change).cells[0].key
    assert (before == after) == same


def test_a_key_follows_the_parent_and_the_judge(filed: Path, tmp_path: Path) -> None:
    def keys(**overrides: Any) -> dict[str, str]:
        made = plan(tmp_path, "mmnet-pp", "prior", dataset="filed", data_root=filed, overrides=overrides)
        return {cell.method: cell.key for cell in made.cells}

    before = keys()
    parents = keys(**{"stage.joint.lr": 0.5})
    assert parents["mmnet"] != before["mmnet"]
    assert parents["mmnet-pp"] != before["mmnet-pp"], "a child depends on its parent's training"
    assert parents["prior"] == before["prior"]


def test_a_key_holds_the_protocol_of_the_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys_of(plan(tmp_path, "mmnet-pp", "prior"))
    monkeypatch.setattr(protocol, "number", lambda: 10**6)
    after = keys_of(plan(tmp_path, "mmnet-pp", "prior"))
    assert not [name for name in before if before[name] == after[name]]


def test_a_judge_with_other_code_makes_other_keys_of_all_that_it_scores(
    filed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys_of(plan(tmp_path, "mmnet-pp", "prior", dataset="filed", data_root=filed))
    real = keys.source_digest
    monkeypatch.setattr(
        keys, "source_digest", lambda path, module: real(path, module) + "+" * (path.stem == "judge_classifier")
    )
    after = keys_of(plan(tmp_path, "mmnet-pp", "prior", dataset="filed", data_root=filed))
    assert set(before) == set(after)
    assert len(before) == 4
    assert not [name for name in before if before[name] == after[name]]
    alone = keys_of(plan(tmp_path, "prior"))
    monkeypatch.undo()
    assert keys_of(plan(tmp_path, "prior")) == alone, "where nothing is judged the judge does not count"


def test_a_change_of_what_is_judged_is_none_of_the_judge(filed: Path, tmp_path: Path) -> None:
    """A setting's name, or a stage's, may be the judge's too; one judge scores before and after."""
    (tmp_path / "plugins" / "methods").mkdir()
    card = METHOD.format(name="zooming", kind="cross-channel") + 'SETTINGS = {"zoom": 0.3}\n'
    (tmp_path / "plugins" / "methods" / "zooming.py").write_text(card)
    plain, changed = (
        plan(tmp_path, "zooming", "prior", dataset="filed", data_root=filed, overrides=overrides).cells
        for overrides in ({}, {"zoom": 0.1, "stage.train.lr": 0.5})
    )
    assert [cell.method for cell in plain] == ["judge-classifier", "zooming", "prior"]
    (judge, zooming, prior), (same, other, also) = plain, changed
    assert (judge.key, judge.folder, same.overrides) == (same.key, same.folder, {})
    assert zooming.key != other.key and zooming.folder.path != other.folder.path
    assert prior.key == also.key


def test_an_override_gives_the_cells_that_it_concerns_another_folder(tmp_path: Path) -> None:
    def names(overrides: dict[str, Any]) -> dict[str, str]:
        made = plan(tmp_path, "mmnet-pp", "prior", overrides=overrides)
        return {cell.method: cell.folder.path.parent.name for cell in made.cells}

    assert names({}) == {"mmnet": "mmnet", "mmnet-pp": "mmnet-pp", "prior": "prior"}
    first = names({"stage.align.lr": 0.5})
    assert first["prior"] == "prior"
    assert first["mmnet"].startswith("mmnet+")
    assert len(first["mmnet"]) == len("mmnet+") + 8
    assert first["mmnet-pp"].startswith("mmnet-pp+"), "the child of a changed parent is another cell"
    assert names({"stage.align.lr": 0.25}) != first


def test_a_changed_profile_or_data_set_has_another_name_and_the_methods_keep_theirs(tmp_path: Path) -> None:
    """A table of one data set and profile compares what was trained alike."""
    overrides = {"profile.steps": 5, "profile.log_every": 1, "data.nir": True, "stage.align.lr": 0.5}
    made = plan(tmp_path, "mmnet", "prior", overrides=overrides)
    dataset, profile, method, _ = made.cells[0].folder.path.parts[-4:]
    for name, base in ((dataset, "synthetic+"), (profile, "smoke+"), (method, "mmnet+")):
        assert name.startswith(base) and len(name) == len(base) + 8
    assert made.cells[1].name == f"{dataset}/{profile}/prior/seed-0"
    assert (made.dataset, made.profile_name) == (dataset, profile), "where the report of this run looks"
    assert (made.cells[0].dataset, made.cells[0].profile, made.cells[0].method) == ("synthetic", "smoke", "mmnet")
    assert made.cells[0].changed.method == {"stage.align.lr": 0.5}
    assert plan(tmp_path, "prior", overrides={"profile.log_every": 1}).profile_name == "smoke"
    assert plan(tmp_path, "prior", overrides={"profile.steps": 6}).profile_name not in ("smoke", profile)


def test_a_child_without_the_overridden_setting_still_follows_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    card = METHOD.format(name="kid", kind="cross-modal") + 'PARENT = "mmnet"\n'
    (tmp_path / "methods" / "kid.py").write_text(card)
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    plain = plan(tmp_path, "kid", "mmnet").cells[-1]
    changed = plan(tmp_path, "kid", "mmnet", overrides={"side_information": "skip"}).cells[-1]
    assert (plain.method, changed.method) == ("kid", "kid")
    assert plain.key != changed.key
    assert plain.folder.path != changed.folder.path, "two keys in one folder would move each other aside"


def test_an_override_that_concerns_no_chosen_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no chosen method has such a setting"):
        plan(tmp_path, "prior", overrides={"side_information": "skip"})


def test_a_data_sets_settings_are_set_and_make_another_cell(tmp_path: Path) -> None:
    plain, changed = plan(tmp_path, "prior"), plan(tmp_path, "prior", overrides={"data.nir": True})
    assert plain.cells[0].key != changed.cells[0].key
    assert plain.cells[0].folder.path != changed.cells[0].folder.path
    variant = plan(tmp_path, "prior", dataset="synthetic-nir")
    assert variant.cells[0].name == "synthetic-nir/smoke/prior/seed-0"
    assert variant.cells[0].key == plan(tmp_path, "prior", dataset="synthetic-nir").cells[0].key != plain.cells[0].key


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"data.nri": True}, "--set data (synthetic): unknown key 'nri' (did you mean 'nir'?)"),
        ({"data.nir": 3}, "--set data (synthetic): nir expects bool, got 3"),
    ],
)
def test_a_wrong_setting_of_a_data_set_is_a_line(overrides: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        plan(tmp_path, "prior", overrides=overrides)
    assert str(error.value) == message


def test_a_method_whose_package_is_not_installed_is_left_out_or_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    (tmp_path / "methods").mkdir()
    requires = 'REQUIRES = {"nobodys_package": "nobody[all]"}\nSUITES = ("followups",)\n'
    text = METHOD.format(name="asking", kind="cross-modal") + requires
    (tmp_path / "methods" / "asking.py").write_text(text)
    line = r"asking needs the package nobodys_package, which is not installed: pip install 'nobody\[all\]'"
    with pytest.raises(UserError, match=line):
        plan(tmp_path, "asking")
    with pytest.raises(UserError, match=line):
        catalog.load(catalog.find("methods", "asking"), "C")
    made = plan(tmp_path, suite="followups")
    assert "asking" not in {cell.method for cell in made.cells}
    assert [note for note in made.skipped if note.startswith("asking: left out, it needs the package nobodys_package")]
    (tmp_path / "methods" / "asking.py").write_text(text.replace("nobodys_package", "json"))
    assert "asking" in {cell.method for cell in plan(tmp_path, suite="followups").cells}


@pytest.mark.parametrize("seed", [-1, 10**4, 99999999999999999999])
def test_a_seed_that_training_cannot_draw_with_is_a_line(seed: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^--seeds {seed}: expected whole numbers from 0 to 9999$"):
        plan(tmp_path, "prior", seeds=[0, seed])
    assert plan(tmp_path, "prior", seeds=[9999]).cells[0].seed == 9999


def test_the_highest_seed_is_one_that_torch_takes() -> None:
    torch.manual_seed(_step_seed(SEEDS - 1, 99, STEPS - 1))
    assert _step_seed(0, 1, 0) > _step_seed(0, 0, STEPS - 1) and _step_seed(1, 0, 0) > _step_seed(0, 99, STEPS - 1)
