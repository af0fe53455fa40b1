"""Tables that sort and filter, pictures that are read pixel by pixel, addresses that bring a view back."""

from __future__ import annotations

import base64
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from browsing import Reader, browse, chromium, read
from matplotlib.figure import Figure as Canvas

from mmbench.pictures import png
from mmbench.publishing import gallery
from mmbench.publishing.write import PAGE, write_reports
from mmbench.reporting import Example, Figure, Gallery, Panel, Table

METHODS = ("alpha", "beta", "gamma", "delta", "epsilon")
SCORES = (30.0, 4.0, None, 200.5, 10.0)
GREEN, RED, GREY = (0, 255, 0), (255, 0, 0), (7, 8, 9)


def table() -> Table:
    frame = pd.DataFrame(
        {"method": METHODS, "group": ["chance", *["zero-pair"] * 4], "mIoU, %": SCORES, "mIoU, % low": SCORES,
         "mIoU, % high": SCORES, "seeds": ["0-2", "-", "10", "9", "0"]}
    )  # fmt: skip
    return Table("scores-rooms-laptop", "Scores", frame, "", "group", formats={"mIoU, %": ",.1f"})


def picture(*colours: tuple[int, int, int]) -> bytes:
    """One row of pixels."""
    return png(np.array([colours], np.uint8))


def examples() -> list[Example]:
    made = []
    for rank, (method, image) in enumerate(itertools.product(("A", "B </script>"), ("one", "two"))):
        first = GREEN if method == "A" else RED
        panels = [
            Panel("truth", picture(GREEN, RED, GREY), "classes"),
            Panel(f"by {method}", picture(first, GREY, RED), "rgb"),
        ]
        made.append(Example({"image": image, "method": method}, panels, rank))
    return made


def drawn() -> Figure:
    canvas = Canvas(figsize=(6, 2))
    canvas.add_subplot().imshow([[0, 1], [1, 0]])
    meanings = {"classes": {"00ff00": "grass", "ff0000": "<roof>"}, "rgb": {}}
    return Figure("pictures-rooms-laptop", "Pictures", canvas, gallery=Gallery(examples(), meanings))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    few = Table("few-rooms-laptop", "Few", pd.DataFrame({"a": [1]}))
    assert write_reports([table(), few, drawn()], [], folder)
    return folder / PAGE


def elements(reader: Reader, tag: str) -> list[dict[str, str]]:
    return [values for name, values in reader.tags if name == tag]


def test_without_a_script_all_stands_there_and_no_control_does(page: Path) -> None:
    reader = read(page.read_text(encoding="utf-8"))
    hidden = [(tag, values["class"]) for tag, values in reader.tags if "hidden" in values]
    assert hidden == [("p", "tools"), ("div", "gallery")], "the few rows of the second table have nothing to filter"
    assert len(elements(reader, "tr")) == 2 + 5 + 2 + 1
    assert not elements(reader, "button")


def test_every_part_says_what_it_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    reader = read(text)
    assert {values["scope"] for values in elements(reader, "th")} == {"col", "row", "rowgroup"}
    assert [values["aria-label"] for values in elements(reader, "table")] == ["Scores", "Few"]
    assert text.count("<tbody>") == 2 + 1, "a group of rows has a body of its own, which its heading is for"
    assert all(f"<label>{word} <" in text for word in ("Filter rows", "Image", "Method"))
    (filters,) = elements(reader, "input")
    assert filters["aria-label"] == "Filter rows of Scores", "of which table, where controls are listed"
    assert text.count("<label>") == len(elements(reader, "input") + elements(reader, "select"))
    panels = [values for values in elements(reader, "div") if values["class"] == "panels"]
    assert [(one["role"], one["tabindex"], "arrow keys" in one["aria-label"]) for one in panels] == [
        ("application", "0", True)
    ]
    (skip,) = (values for values in elements(reader, "a") if values.get("class") == "skip")
    assert skip["href"] == "#section-0"
    assert [values["alt"] for values in elements(reader, "img")] == ["Pictures"]


def content(page: Path) -> dict[str, dict[str, dict[str, list[list[list[str]]]]]]:
    found = re.search('id="pictures">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def test_each_picture_is_stored_once_and_as_it_was(page: Path) -> None:
    held = content(page)
    files = {base64.b64decode(str(image)) for image in held["images"]}
    assert len(held["images"]) == len(files) == 3
    assert files == {panel.png for example in examples() for panel in example.panels}
    shown = held["galleries"]["item-pictures-rooms-laptop"]["examples"]
    assert [choices for choices, _ in shown] == [list(example.choices.values()) for example in examples()]


def test_where_there_is_no_room_the_lowest_ranks_stay() -> None:
    whole = Gallery(examples())
    lengths = [len(gallery.stored({"a": whole}, room).text) for room in range(0, 2000, 20)]
    left = [gallery.stored({"a": whole}, room).left_out for room in range(0, 2000, 20)]
    assert left[0] == 4 and left[-1] == 0 and left == sorted(left, reverse=True)
    assert len(set(left)) == 5, "one more after the other"
    assert all(length < room + 100 for length, room in zip(lengths, range(0, 2000, 20), strict=True))
    together = gallery.stored({"a": whole, "b": whole}, 900)
    kept = {name: len(one["examples"]) for name, one in json.loads(together.text)["galleries"].items()}
    assert kept["a"] == kept["b"] < 4, "examples of one rank stay together"


def test_what_is_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.publishing.page.LIMIT", 0)
    write_reports([drawn()], [], tmp_path)
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "<li>4 translations are not shown pixel by pixel" in text
    assert content(tmp_path / PAGE)["galleries"]["item-pictures-rooms-laptop"]["examples"] == []


@pytest.fixture(scope="module")
def browser() -> str:
    return chromium()


SORTED: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({}, ["alpha", "beta", "gamma", "delta", "epsilon"]),
    ({"sort": "mIoU, %", "order": "descending"}, ["alpha", "delta", "epsilon", "beta", "gamma"]),
    ({"sort": "mIoU, %", "order": "ascending"}, ["alpha", "beta", "epsilon", "delta", "gamma"]),
    ({"sort": "method", "order": "descending"}, ["alpha", "gamma", "epsilon", "delta", "beta"]),
    ({"sort": "seeds", "order": "ascending"}, ["alpha", "epsilon", "delta", "gamma", "beta"]),
    ({"sort": "no such column"}, ["alpha", "beta", "gamma", "delta", "epsilon"]),
    ({"filter": "ZERO lt"}, ["delta"]),
    ({"sort": "mIoU, %", "order": "descending", "filter": "zero"}, ["delta", "epsilon", "beta", "gamma"]),
)
OPENED: tuple[tuple[dict[str, str], list[str], list[str]], ...] = (
    ({}, ["truth", "by A"], ["", ""]),
    ({"method": "B </script>", "pixel": "1,0"}, ["truth", "by B </script>"], ["&lt;roof&gt;", "R 7, G 8, B 9"]),
    ({"image": "two", "pixel": "0,0"}, ["truth", "by A"], ["grass", "R 0, G 255, B 0"]),
    ({"image": "gone", "pixel": "99,99"}, ["truth", "by A"], ["R 7, G 8, B 9", "R 255, G 0, B 0"]),
)


@pytest.fixture(scope="module")
def figures(browser: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A page of as many tables and galleries as there are states, as its script left it for one address of them all."""
    tables = [replace(table(), name=f"table{number}") for number in range(len(SORTED))]
    drawings = [replace(drawn(), name=f"drawn{number}") for number in range(len(OPENED))]
    folder = tmp_path_factory.mktemp("report")
    write_reports([*tables, *drawings], [], folder)
    views = [{"table": f"table{number}", **state} for number, (state, _) in enumerate(SORTED)]
    views += [{"pictures": f"drawn{number}", **state} for number, (state, *_) in enumerate(OPENED)]
    done = browse(browser, "--dump-dom", f"{(folder / PAGE).as_uri()}#{'&'.join(map(urlencode, views))}")
    assert "CONSOLE" not in done.stderr, done.stderr
    return dict(re.findall(r'<figure[^>]* id="item-(\w+)">(.*?)</figure>', done.stdout, re.DOTALL))


def column(text: str) -> list[str]:
    """First cells of a table as they stand there, without those that are not shown."""
    return re.findall(r'<tr[^>]*><th scope="row">(\w+)', re.sub('<tr hidden="">.*?</tr>', "", text))


@pytest.mark.parametrize("number", range(len(SORTED)))
def test_an_address_sorts_and_filters_a_table(figures: dict[str, str], number: int) -> None:
    """Within groups of rows; missing values stand last; numbers are told from their digits."""
    text, (state, rows) = figures[f"table{number}"], SORTED[number]
    assert column(text) == rows
    sorted_by = re.findall(r'aria-sort="(\w+)"[^>]*><button[^>]*>([^<]*)', text)
    assert sorted_by == ([(state["order"], state["sort"])] if "order" in state else [])
    filtered = "filter" in state
    assert f"<output>{f'{len(rows)} of 5 rows' if filtered else ''}</output>" in text
    assert text.count('<tr hidden=""') == (5 - len(rows) + 1 if filtered else 0), "rows, and the heading of chance"


def chosen(text: str) -> tuple[list[str], list[str]]:
    """Captions and values of the pictures that are shown."""
    captions = re.findall(r'<canvas[^>]*aria-label="([^"]*)"', text)
    return captions, re.findall(r"<strong>([^<]*)</strong>", text)


@pytest.mark.parametrize("number", range(len(OPENED)))
def test_an_address_opens_pictures_at_a_pixel(figures: dict[str, str], number: int) -> None:
    text, (state, captions, values) = figures[f"drawn{number}"], OPENED[number]
    assert chosen(text.replace("&lt;/script&gt;", "</script>")) == (captions, values)
    assert text.count('class="mark" hidden') == (0 if "pixel" in state else 2)
    assert 'class="gallery" role="group" aria-label="Pictures, pixel by pixel">' in text, "not hidden any more"


CLICKS = """<script>addEventListener("load", () => {
  const [table, few, pictures] = document.querySelectorAll("figure");
  table.querySelectorAll("th button")[1].click();
  const filter = table.querySelector("input");
  filter.value = "zero";
  filter.dispatchEvent(new Event("input"));
  setTimeout(() => {
    const panels = pictures.querySelector(".panels");
    const press = (key) => panels.dispatchEvent(new KeyboardEvent("keydown", { key }));
    ["ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowUp"].forEach(press);
    setTimeout(() => { document.body.dataset.address = location.hash; }, 500);
  }, 500);
});</script>"""


def test_what_is_clicked_and_typed_stands_in_the_address(browser: str, page: Path) -> None:
    """Done by a second script, in a copy of the page without its policy."""
    text = re.sub('<meta http-equiv="Content-Security-Policy".*?>', "", page.read_text(encoding="utf-8"))
    copy = page.with_name("clicked.html")
    copy.write_text(text.replace("</body>", f"{CLICKS}</body>"), encoding="utf-8")
    text = browse(browser, "--dump-dom", copy.as_uri()).stdout
    found = re.search('data-address="([^"]*)"', text)
    assert found
    views = (
        {"table": "scores-rooms-laptop", "sort": "mIoU, %", "order": "descending", "filter": "zero"},
        {"pictures": "pictures-rooms-laptop", "image": "one", "method": "A", "pixel": "1,0"},
    )
    assert found[1].replace("&amp;", "&") == "#" + "&".join(map(urlencode, views))
    assert column(text) == ["delta", "epsilon", "beta", "gamma"]
    links = [found.replace("&amp;", "&") for found in re.findall('<a class="link"[^>]* href="([^"]*)"', text)]
    assert links == [f"#{urlencode(view)}" for view in views], "each leads to its own view"
    assert "Column 1, row 0. truth: &lt;roof&gt;; by A: R 7, G 8, B 9</p>" in text
