"""The README's pictures: an animation says what was printed, in order; a picture shows what an address asks for."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from browsing import chromium
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = """<!DOCTYPE html><style>body { margin: 0 } div { height: 400px }</style><body>
<div style="background: rgb(200, 0, 0)"></div><div id="low" style="background: rgb(0, 0, 200)"></div>"""


@pytest.fixture
def animation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.showcase.animation")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.showcase.__main__")


def shown(text: str) -> list[tuple[str, float]]:
    """Lines of an animation, each with the seconds that it waits."""
    lines = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")
    waits = [(line, re.search(r"animation-duration: ([\d.]+)s", line.get("style", ""))) for line in lines]
    return [("".join(line.itertext()), float(wait[1]) if wait else 0.0) for line, wait in waits]


def test_lines_appear_in_order_and_long_waits_are_cut(animation: ModuleType) -> None:
    lines = [animation.Line(0.5, "a < b & c"), animation.Line(60.0, ""), animation.Line(60.5, "  x" * 80)]
    text = animation.svg("python -m it", lines)
    (typed, none), (first, soon), (last, later) = shown(text)
    assert (typed, none, first) == ("$ python -m it", 0.0, "a < b & c")
    assert len(last) == animation.WIDTH and last.startswith("  x  x") and last.endswith("…")
    assert soon == pytest.approx(animation.FIRST + 0.5)
    assert later == pytest.approx(soon + animation.LONGEST + 0.5)
    assert "prefers-reduced-motion: no-preference" in text, "who asked for no movement sees all lines"
    places = re.findall(r' y="(\d+)"', text)
    assert len(set(places)) == 3 and places == sorted(places, key=int)
    assert not re.search("<script|href|url[(]|@import", text)


def test_an_excerpt_has_the_first_blocks_and_the_last_line(animation: ModuleType) -> None:
    lines = [animation.Line(float(number), text) for number, text in enumerate(["a", "", "", "b", "", "c", "d", ""])]
    assert [line.text for line in animation.excerpt(lines, 1)] == ["a", "⋮", "d"]
    assert [line.text for line in animation.excerpt(lines, 2)] == ["a", "", "", "b", "⋮", "d"]
    assert animation.excerpt(lines, 9) == lines


def test_what_a_command_prints_is_recorded(
    animation: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    program = "import pathlib, sys; print('one', flush=True); print(pathlib.Path.cwd(), file=sys.stderr)"
    lines = animation.recorded([sys.executable, "-c", program], tmp_path)
    assert [line.text for line in lines] == ["one", "~"]
    assert 0 < lines[0].seconds <= lines[1].seconds
    with pytest.raises(subprocess.CalledProcessError):
        animation.recorded([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_the_readmes_animation_is_one_of_its_command(animation: ModuleType, command: ModuleType) -> None:
    lines = [text for text, _ in shown((ROOT / "docs" / "run.svg").read_text(encoding="utf-8"))]
    assert lines[0] == f"$ {command.TYPED}"
    assert sum("done in" in line for line in lines) == 3 and "3 done" in lines[-1]
    assert "/root" not in "".join(lines) and "/tmp" not in "".join(lines)


def test_the_readmes_badges_say_what_the_project_says(command: ModuleType, tmp_path: Path) -> None:
    assert command.main(["badges", "--out", str(tmp_path)]) == 0
    said = {}
    for path in sorted(tmp_path.iterdir()):
        text = path.read_text(encoding="utf-8")
        assert text == (ROOT / "docs" / path.name).read_text(encoding="utf-8"), path.name
        said[path.name] = [words for words, _ in shown(text)]
    facts = metadata("mmbench")
    versions = [name.rpartition(" ")[2] for name in facts.get_all("Classifier") or () if ":: Python :: 3." in name]
    assert said == {
        "badge-licence.svg": ["licence", facts["License-Expression"]],
        "badge-python.svg": ["python", " | ".join(versions)],
    }
    assert versions[0] == facts["Requires-Python"].removeprefix(">=")


def test_a_picture_shows_the_views_below_each_other(command: ModuleType, tmp_path: Path) -> None:
    chromium()
    page, out = tmp_path / "page.html", tmp_path / "out.png"
    page.write_text(PAGE, encoding="utf-8")
    views = ["--view", "100:low", "--view", "150:"]
    assert command.main(["report", str(page), *views, "--width", "500", "--out", str(out)]) == 0
    picture = Image.open(out).convert("RGB")
    assert picture.size == (500, 250 + command.GAP)
    assert [picture.getpixel((250, y)) for y in (2, 98)] == [(0, 0, 200)] * 2
    assert [picture.getpixel((250, y)) for y in (102 + command.GAP, 248 + command.GAP)] == [(200, 0, 0)] * 2


def test_bad_input_is_one_line(
    command: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "report.html"
    monkeypatch.setattr("benchmarks.showcase.browser.found", lambda: "chromium")
    for view, part in (("100:a", f"{page}: no such file"), ("tall:a", "--view tall:a: expected a number of pixels")):
        assert command.main(["report", str(page), "--view", view]) == 2
        said = capsys.readouterr().err
        assert part in said and said.count("\n") == 1
        page.touch()
    monkeypatch.setattr("benchmarks.showcase.browser.found", lambda: None)
    assert command.main(["report", str(page), "--view", "1:a"]) == 2
    assert "no browser: expected one of chromium," in capsys.readouterr().err
