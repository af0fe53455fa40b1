from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.errors import UserError
from mmbench.plugins import catalog
from mmbench.plugins.literals import literals
from mmbench.task import Access

CARD = (
    'NAME = "{name}"\nTITLE = "{name}!"\nCLASS = "C"\nACCESS = "seen-groups"\nGROUP = "x"\nKINDS = ("cross-modal",)\n'
)


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ``methods`` folder of a folder of plug-ins."""
    folder = tmp_path / "methods"
    folder.mkdir()
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    return folder


def write(path: Path, name: str, rest: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CARD.format(name=name) + rest)


def test_literals_are_the_capital_names_that_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        'NAME = "x"\nKINDS: tuple = ("a", "b")\nA = B = 3\nCOMPUTED = 1 + len("a")\nlower = 1\n'
        'def f():\n    INSIDE = 1\nDECLARED: int\nSETTINGS = {"a": [1, 2.5, None, True]}\n'
    )
    settings = {"a": [1, 2.5, None, True]}
    assert literals(path) == {"NAME": "x", "KINDS": ("a", "b"), "A": 3, "B": 3, "SETTINGS": settings}


def test_files_and_folders_with_a_name_are_plug_ins(plugins: Path) -> None:
    write(plugins / "one.py", "one")
    write(plugins / "two" / "__init__.py", "two")
    (plugins / "helper.py").write_text("X = 1\n")
    (plugins / "__init__.py").write_text('NAME = "package"\n')
    found = catalog.cards("methods")
    assert {"one", "two", "mmnet"} <= set(found)
    assert not {"helper", "package", "losses", "networks"} & set(found)
    assert list(found) == sorted(found)
    assert found["two"].path == plugins / "two" / "__init__.py"


def test_a_plug_in_is_listed_without_being_imported(plugins: Path) -> None:
    write(plugins / "explosive.py", "explosive", "raise RuntimeError('imported')\n")
    card = catalog.find("methods", "explosive")
    assert (card["TITLE"], card.problem) == ("explosive!", "")
    with pytest.raises(UserError, match=r"explosive\.py:7: 'explosive' cannot be imported: RuntimeError: imported"):
        catalog.load(card, "C")
    assert card.module not in sys.modules, "a half-imported module would be found by the next import"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("NAME = 'x'\ndef (", "SyntaxError"),
        (b"NAME = '\xff'", r".*broken\.py: is not UTF-8"),
        ("a\0b", "SyntaxError"),
    ],
)
def test_an_unreadable_plug_in_is_listed_with_the_reason(text: str | bytes, problem: str, plugins: Path) -> None:
    (plugins / "broken.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert re.match(problem, catalog.cards("methods")["broken"].problem)
    with pytest.raises(UserError, match=f"method 'broken' cannot be read: {problem}"):
        catalog.find("methods", "broken")


def test_a_damaged_toml_is_the_methods_problem(plugins: Path) -> None:
    write(plugins / "one.py", "one")
    (plugins / "one.toml").write_text("[settings\n")
    assert "one.toml: cannot be read as TOML" in catalog.cards("methods")["one"].problem


def test_a_toml_that_is_a_link_to_nothing_is_the_methods_problem(plugins: Path) -> None:
    """And no method without settings."""
    write(plugins / "one.py", "one")
    (plugins / "one.toml").symlink_to(plugins / "gone.toml")
    assert f"{plugins / 'one.toml'}: cannot be read (No such file" in catalog.cards("methods")["one"].problem


def test_variants_are_cards_of_their_own(plugins: Path) -> None:
    write(plugins / "one.py", "one", "COST = 1.0\n")
    (plugins / "one.toml").write_text(
        "[settings]\nx = 1\n[variants.plain]\nsettings.x = 2\n"
        '[variants.child]\ntitle = "Child"\nparent = "one"\nin_all = true\ncost = 2.0\n'
    )
    found = catalog.cards("methods")
    plain, child = found["plain"], found["child"]
    assert (plain["TITLE"], plain["IN_ALL"], plain.get("PARENT"), plain["COST"]) == ("one! (plain)", False, None, 1.0)
    assert (child["TITLE"], child["IN_ALL"], child["PARENT"], child["COST"]) == ("Child", True, "one", 2.0)
    assert {plain.variant, child.variant, found["one"].variant} == {"plain", "child", ""}
    assert plain["NAME"] == "plain"
    assert plain["CLASS"] == child["CLASS"] == "C"


def test_a_data_set_lists_its_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "big.py").write_text(
        'NAME = "big"\nTITLE = "Big"\nCLASS = "Big"\nKIND = "cross-modal"\n'
        'SETTINGS = {"frames": 10, "crop": "centre"}\n'
        'VARIANTS = {"small": {"TITLE": "Small", "SETTINGS": {"frames": 5}}}\n'
    )
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    small = catalog.find("datasets", "small")
    assert (small["TITLE"], small["SETTINGS"]) == ("Small", {"frames": 5, "crop": "centre"})
    assert catalog.find("datasets", "big")["SETTINGS"]["frames"] == 10


def test_the_packages_own_plug_in_wins_over_one_of_the_same_name(plugins: Path) -> None:
    write(plugins / "impostor.py", "mmnet")
    assert catalog.find("methods", "mmnet").module == "mmbench.methods.mmnet"


def test_an_unknown_name_is_a_line_with_the_near_match() -> None:
    for folder, wrong, near in (("methods", "mmnett", "mmnet"), ("datasets", "flower", "flowers")):
        with pytest.raises(UserError, match=rf"no {folder[:-1]} named '{wrong}' \(did you mean '{near}'\?\)"):
            catalog.find(folder, wrong)


def test_a_card_that_lacks_something_names_file_and_key() -> None:
    card = catalog.find("methods", "mmnet")
    assert card.get("NONE", "none") == "none"
    with pytest.raises(UserError, match=r"mmnet\.py: the card of 'mmnet' lacks NONE"):
        card["NONE"]


def test_a_plug_in_from_outside_is_imported_once(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(plugins / "outside_once.py", "outside-once", "from mmbench.method import Method\nclass C(Method): ...\n")
    card = catalog.find("methods", "outside-once")
    made = catalog.load(card, "C")
    assert catalog.load(card, "C") is made
    monkeypatch.delitem(sys.modules, card.module)


def test_entry_points_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "mmbench_test_plugin.py", "entered", "class C: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    points = importlib.metadata.EntryPoints(
        [
            importlib.metadata.EntryPoint("entered", "mmbench_test_plugin:C", "mmbench.methods"),
            importlib.metadata.EntryPoint("gone", "mmbench_no_such_package.module", "mmbench.methods"),
        ]
    )
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: points)
    card = catalog.find("methods", "entered")
    assert card.module == "mmbench_test_plugin"
    assert catalog.load(card, "C").__name__ == "C"
    monkeypatch.delitem(sys.modules, card.module)
    assert "gone" not in catalog.cards("methods")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("X = 1\nraise OSError('no\\nluck')\n", "py:2: 'theirs' ({value}) cannot be imported: OSError: no luck"),
        ("raise SystemExit(0)\n", "__init__.py:1: 'theirs' ({value}) cannot be imported: SystemExit: 0"),
        ("import mmbench_no_such_package\n", "ModuleNotFoundError: No module named 'mmbench_no_such_package'"),
        ("def (\n", "SyntaxError"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["methods", "datasets", "reports", "profiles"])
def test_a_package_that_fails_is_listed_with_the_reason(
    folder: str, text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    package = f"mmbench_test_{tmp_path.name}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = importlib.metadata.EntryPoint("theirs", f"{package}.module:C", f"mmbench.{folder}")
    points = importlib.metadata.EntryPoints([point])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: points)
    card = catalog.cards(folder)["theirs"]
    assert problem.format(value=point.value) in card.problem
    assert str(tmp_path / package / "__init__.py") in card.problem
    assert main(["list", folder]) == 0
    assert "theirs" in capsys.readouterr().out
    with pytest.raises(UserError, match="'theirs' cannot be read: "):
        catalog.find(folder, "theirs")


@pytest.mark.parametrize("name", catalog.cards("methods"))
def test_every_methods_card_is_whole(name: str) -> None:
    card = catalog.find("methods", name)
    for key in ("NAME", "TITLE", "CLASS", "ACCESS", "GROUP", "KINDS", "CITATION"):
        assert card[key], key
    Access(card["ACCESS"])
    assert set(card["KINDS"]) <= {"cross-modal", "cross-channel", "cross-domain"}
    assert card.get("BUDGET", "full") in ("first", "extra", "full")
    if card.get("PARENT"):
        assert set(card["KINDS"]) <= set(catalog.find("methods", card["PARENT"])["KINDS"])
    if card["GROUP"] == "oracle":
        assert card["ACCESS"] == Access.TRUE_PAIRS.value
    if card["ACCESS"] == Access.TRUE_PAIRS.value:
        assert card["GROUP"] == "oracle", "whatever trains on true pairs must be printed apart"


@pytest.mark.parametrize("name", catalog.cards("datasets"))
def test_every_data_sets_card_is_whole(name: str) -> None:
    card = catalog.find("datasets", name)
    for key in ("NAME", "TITLE", "CLASS", "KIND", "SOURCE", "CITATION"):
        assert card[key], key
    if card.get("JUDGE"):
        assert catalog.find("methods", card["JUDGE"])["ROLE"] == "judge"


def test_titles_are_told_apart() -> None:
    titles = [card["TITLE"] for card in catalog.cards("methods").values()]
    assert len(set(titles)) == len(titles)
