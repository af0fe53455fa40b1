from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import UserError
from mmbench.planning.plan import DATA_VARIABLE, Plan, make_plan, make_plans
from mmbench.planning.selection import choose_datasets, choose_methods, default_profile, suites
from mmbench.plugins import catalog

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
    assert names({"profile.steps": 5})["prior"].startswith("prior+")


def test_a_child_without_the_overridden_setting_still_follows_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    card = 'NAME = "kid"\nTITLE = "Kid"\nCLASS = "C"\nACCESS = "seen-groups"\nGROUP = "zero-pair"\nPARENT = "mmnet"\n'
    (tmp_path / "methods" / "kid.py").write_text(card + 'KINDS = ("cross-modal",)\n')
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    plain = plan(tmp_path, "kid", "mmnet").cells[-1]
    changed = plan(tmp_path, "kid", "mmnet", overrides={"side_information": "skip"}).cells[-1]
    assert (plain.method, changed.method) == ("kid", "kid")
    assert plain.key != changed.key
    assert plain.folder.path != changed.folder.path, "two keys in one folder would move each other aside"


def test_an_override_that_concerns_no_chosen_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no chosen method has such a setting"):
        plan(tmp_path, "prior", overrides={"side_information": "skip"})


def test_all_means_what_can_run_and_says_so_of_itself() -> None:
    cards = {name: c for name, c in catalog.cards("methods").items() if not c.problem}
    for kind in ("cross-modal", "cross-channel"):
        chosen, notes = choose_methods(["all", "prior"], kind)
        names = [card.name for card in chosen]
        assert len(set(names)) == len(names)
        assert notes == []
        expected = {
            n for n, c in cards.items() if kind in c["KINDS"] and c.get("IN_ALL", True) and "ROLE" not in c.values
        }
        assert set(names) == expected


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


def test_a_suite_is_what_the_cards_say(tmp_path: Path) -> None:
    assert {"tables", "ablation"} <= set(suites())
    ablation = [card.name for card in choose_methods([], "cross-modal", "ablation")[0]]
    assert {"mmnet", "mmnet-skip", "mmnet-none"} <= set(ablation)
    assert "cascade" not in ablation
    tables = [card.name for card in choose_methods([], "cross-modal", "tables")[0]]
    assert tables == [card.name for card in choose_methods(["all"], "cross-modal")[0]]
    assert [card.name for card in choose_methods(["prior"], "cross-modal", "ablation")[0]] == ["prior", *ablation]
    with pytest.raises(UserError, match=r"no suite named 'ablations' \(did you mean 'ablation'\?\)"):
        make_plans([], [], "smoke", [0], tmp_path, suite="ablations")


def test_a_suite_runs_on_the_embedded_sets_that_name_it(tmp_path: Path) -> None:
    assert [source.label for source in choose_datasets([], "tables")] == ["synthetic", "synthetic-nir"]
    assert [source.label for source in choose_datasets([], "ablation")] == ["synthetic"]
    assert [source.label for source in choose_datasets(["flowers"], "tables")] == ["flowers"]
    assert [source.label for source in choose_datasets([])] == ["synthetic"]
    plans = make_plans(["prior"], ["synthetic", "synthetic-nir"], "smoke", [0], tmp_path)
    assert [plan.cells[0].name for plan in plans] == [f"synthetic{x}/smoke/prior/seed-0" for x in ("", "-nir")]


def test_a_folder_is_a_data_set_of_own_images(tmp_path: Path) -> None:
    (tmp_path / "my images!").mkdir()
    (source,) = choose_datasets([str(tmp_path / "my images!")])
    assert (source.card.name, source.label, source.root) == ("folder", "folder-my-images", tmp_path / "my images!")


def test_methods_left_out_of_all_can_be_named() -> None:
    assert [card.name for card in choose_methods(["mmnet-skip"], "cross-modal")[0]] == ["mmnet-skip"]
    assert "mmnet-skip" not in [card.name for card in choose_methods(["all"], "cross-modal")[0]]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("mmnett", "cross-modal", r"no method named 'mmnett' \(did you mean 'mmnet'\?\)"),
        ("judge-classifier", "cross-channel", "no method named 'judge-classifier'"),
        ("mmnet", "cross-domain", r"method 'mmnet' cannot do cross-domain tasks \(it can do cross-modal"),
    ],
)
def test_a_method_that_cannot_run_is_a_line(name: str, kind: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_methods([name], kind)


def test_a_plug_in_that_cannot_be_read_is_a_note_among_all_and_an_error_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "broken.py").write_text("def (")
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    chosen, notes = choose_methods(["all"], "cross-modal")
    assert chosen
    assert [note.startswith("broken: cannot be read (SyntaxError") for note in notes] == [True]
    with pytest.raises(UserError, match="'broken' cannot be read"):
        choose_methods(["broken"], "cross-modal")


def test_the_default_profile_is_laptop_unless_a_data_set_is_named_on_a_gpu_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for present, named, expected in (
        (False, False, "laptop"), (False, True, "laptop"), (True, False, "laptop"), (True, True, "short"),
    ):  # fmt: skip
        monkeypatch.setattr("mmbench.planning.selection.cuda_present", lambda present=present: present)
        assert default_profile(dataset_named=named) == expected
