"""What names on the command line stand for: methods, suites, data sets, the default profile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from mmbench.errors import UserError
from mmbench.planning.plan import make_plans
from mmbench.planning.selection import (
    choose_datasets,
    choose_methods,
    default_profile,
    in_suite,
    own_label,
    suites,
)
from mmbench.plugins import catalog, keys
from mmbench.store.files import write_json


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


def test_the_suite_all_is_every_suite(tmp_path: Path) -> None:
    for kind in ("cross-modal", "cross-channel", "cross-domain"):
        every = {card.name for card in choose_methods([], kind, "all")[0]}
        assert every == {
            card.name
            for suite in suites()
            if any(in_suite(card, suite) and kind in card["KINDS"] for card in catalog.cards("methods").values())
            for card in choose_methods([], kind, suite)[0]
        }
    assert [source.label for source in choose_datasets([], "all")] == ["synthetic", "synthetic-nir"]


def test_scalability_is_the_methods_of_tables_6_3_and_6_4_and_of_cvpr_5_5() -> None:
    names = {card.name for card in choose_methods([], "cross-domain", "scalability")[0]}
    assert names == {"cyclegan-domains", "icgan", "mmnet-domains", "munit", "sdit", "stargan"}
    assert {"icgan", "munit"} <= {card.name for card in choose_methods([], "cross-domain", "tables")[0]}


def test_a_suite_for_other_tasks_says_which_data_sets_have_them(tmp_path: Path) -> None:
    fitting = r"it is for cross-domain tasks \(data sets artworks, .*colored-objects, colored-objects-4\)"
    with pytest.raises(UserError, match=f"suite 'scalability': name a data set with --dataset; {fitting}"):
        make_plans([], [], None, [0], tmp_path, suite="scalability")
    with pytest.raises(UserError, match=f"suite 'scalability' has no method for cross-modal tasks: {fitting}"):
        make_plans([], ["synthetic"], None, [0], tmp_path, suite="scalability")
    with pytest.raises(UserError, match=r"no suite named 'scalabilty' \(did you mean 'scalability'\?\)"):
        choose_datasets([], "scalabilty")
    assert [source.label for source in choose_datasets([], "cvpr2018")] == ["synthetic"]


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


def test_folders_of_one_name_have_results_of_their_own(tmp_path: Path) -> None:
    runs, kitchen, office = tmp_path / "runs", tmp_path / "kitchen/images", tmp_path / "office/images"
    for root in (kitchen, office, tmp_path / "!/images", tmp_path / "moved/images"):
        root.mkdir(parents=True)

    def named(root: Path, manifest: str, planned: Mapping[str, Path] = MappingProxyType({})) -> str:
        return own_label(choose_datasets([str(root)])[0], manifest, runs, planned)

    def done(label: str, **said: str) -> None:
        write_json(runs / label / "smoke/prior/seed-0/cell.json", said)

    assert named(kitchen, "a") == named(office, "b") == "folder-images"
    assert named(office, "b", {"folder-images": kitchen}) == "folder-office-images"
    done("folder-images+1f2e", manifest="older")
    assert named(office, "b") == "folder-images", "nobody knows whose results of older code are"
    done("folder-images", place=keys.place(kitchen), manifest="a")
    assert named(kitchen, "edited") == "folder-images"
    assert named(tmp_path / "moved/images", "a") == "folder-images"
    assert named(office, "b") == "folder-office-images"
    done("folder-office-images", place="another office's", manifest="c")
    assert named(office, "b") == f"folder-images-{keys.place(office)[:6]}"
    assert named(tmp_path / "!/images", "b") == f"folder-images-{keys.place(tmp_path / '!/images')[:6]}"


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
    assert [note.startswith("broken: left out, it cannot be read (SyntaxError") for note in notes] == [True]
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


def test_all_and_suites_leave_out_what_is_for_another_scale() -> None:
    def ablation(scale: str) -> set[str]:
        return {card.name for card in choose_methods([], "cross-modal", "ablation", scale)[0]}

    assert ablation("paper") - ablation("small") == {"mmnet-scratch", "mmnet-none-scratch", "mmnet-skip-scratch"}
    assert ablation("small") - ablation("paper") == {"mmnet-paper-noise"}
    assert [card.name for card in choose_methods(["mmnet-scratch"], "cross-modal", scale="small")[0]] == [
        "mmnet-scratch"
    ]
