"""The page: nothing is fetched, one script runs, everything is escaped, and it reads on a phone and in the dark."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from browsing import browse, chromium, read
from markupsafe import Markup
from matplotlib.figure import Figure as Canvas
from PIL import Image

from mmbench.publishing.page import POLICY, Entry
from mmbench.publishing.write import PAGE, write_reports
from mmbench.reporting import Figure, Table

NASTY = "<script>alert('x')</script> & \x00 \ud800 \"quoted\""
DARK, LIGHT = (22, 23, 27), (255, 255, 255)  # the page's corner


def table(name: str = "scores-rooms-laptop", title: str = "Scores") -> Table:
    wide = {f"IoU {number}": [10.0 + number, 20.0 + number, 5.0] for number in range(20)}
    frame = pd.DataFrame(
        {
            "dataset": "rooms", "profile": "laptop", "group": ["chance", "zero-pair", "zero-pair"],
            "method": ["prior", "one with a rather long name, BN re-estimated", NASTY],
            "mIoU": [8.0, 40.0, 30.0], "mIoU std": [0.1, 0.5, 0.5], "mIoU low": [7.9, 38.0, 28.0],
            "mIoU high": [8.1, 42.0, 32.0], **wide,
        }
    )  # fmt: skip
    better: dict[str, Literal["higher", "lower"]] = {"mIoU": "higher", "IoU 1": "higher"}
    return Table(name, title, frame, "A note.", "group", hidden=("dataset", "profile"), better=better)


def drawn(name: str, picture: bool = False) -> Figure:
    canvas = Canvas(figsize=(6, 2))
    axis = canvas.add_subplot()
    axis.imshow([[0, 1], [1, 0]]) if picture else axis.plot([1, 3, 2])
    return Figure(name, f"Figure {name}", canvas)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    made: list[Table | Figure] = [
        table(), drawn("lines-rooms-laptop"), drawn("grid-rooms-laptop", picture=True), drawn("general"),
    ]  # fmt: skip
    write_reports(made, [f"rooms/laptop/x/seed-0: failed ({NASTY})"], tmp_path)
    return tmp_path / PAGE


def test_nothing_leaves_the_page(page: Path) -> None:
    tags = read(page.read_text(encoding="utf-8")).tags
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}) in tags
    assert not {"iframe", "object", "embed", "base", "form", "audio", "video"} & {tag for tag, _ in tags}
    scripts = [values for tag, values in tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "pictures"}, {}]
    (script,) = re.findall("<script>(.*?)</script>", page.read_text(encoding="utf-8"), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert re.findall("script-src (.*)", POLICY) == [f"'sha256-{digest}'"], "and no other one"
    names = {values["id"] for _, values in tags if "id" in values}
    for tag, values in tags:
        assert not [name for name in values if name.startswith("on") or name in ("srcset", "style", "background")]
        if "src" in values:
            assert values["src"].startswith("data:image/"), tag
        if tag == "link":
            assert values["href"] == "data:,"
        if tag == "a" and values.get("class") != "link":  # the script gives those their address
            target = values["href"]
            assert target[1:] in names if target.startswith("#") else (page.parent / target).is_file(), target
    assert "url(" not in page.read_text(encoding="utf-8").split("</style>")[0]


def test_every_text_is_escaped(page: Path) -> None:
    reader = read(page.read_text(encoding="utf-8"))
    assert page.read_text(encoding="utf-8").count("<script") == 2, "the page's own"
    shown = NASTY.replace("\x00", r"\x00").replace("\ud800", r"\ud800")
    assert shown in reader.words
    assert any(shown in words and words.startswith("rooms/laptop") for words in reader.words)


def test_sections_contents_and_images(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall("<h2>(.*?)</h2>", text) == ["Contents", "rooms, profile laptop", "All data sets", "Notes"]
    order = ["item-scores-rooms-laptop", "item-lines-rooms-laptop", "item-grid-rooms-laptop", "item-general"]
    assert re.findall('href="#(item-.*?)"', text) == order == re.findall('id="(item-.*?)"', text)
    assert re.findall('src="data:image/(.*?);', text) == ["svg+xml", "png", "svg+xml"], "pictures are PNG"


@pytest.mark.parametrize("title", ["Scores", "Scores: rooms, profile laptop", "Scores, rooms, profile laptop"])
def test_contents_name_a_section_once(title: str) -> None:
    assert Entry("scores", title, Markup()).title_in("rooms, profile laptop") == "Scores"


def test_the_best_value_is_bold_and_intervals_stand_below(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall("<strong>(.*?)</strong>", text) == ["40.0 ± 0.5"]
    assert '<td class="right"><strong>40.0 ± 0.5</strong><small>[38.0, 42.0]</small></td>' in text
    assert text.count("<small>") == 3


def test_a_page_of_nothing_and_of_items_that_cannot_be_drawn(tmp_path: Path) -> None:
    write_reports([], [], tmp_path)
    assert "No results yet." in read((tmp_path / PAGE).read_text(encoding="utf-8")).words
    broken = Table("broken", "Broken", pd.DataFrame({"a": [1.0]}), formats={"a": ".1f"}, headers={"a": 3})  # type: ignore[dict-item]
    odd = Table("odd", "Odd", pd.DataFrame({"a": [[1, 2], "x", None, 1.0]}), formats={"a": ".1f"})
    files = write_reports([broken, odd, table("../outside"), table("../outside")], [], tmp_path)
    assert {path.parent for path in files} == {tmp_path}
    assert {"_outside.tex", "_outside-2.tex", "odd.txt", "notes.txt"} <= {path.name for path in files}
    assert "broken: cannot be shown" in (tmp_path / "notes.txt").read_text()
    assert "[1, 2]" in read((tmp_path / PAGE).read_text(encoding="utf-8")).words


def test_a_page_for_others_does_not_say_where_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    notes = [f"a: failed ({tmp_path}/rgb/1.png: cut short)", "b: failed (/home/somebody/x.png: cut short)"]
    write_reports([], notes, tmp_path)
    for name in ("notes.txt", PAGE):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "(rgb/1.png:" in text and "(~/x.png:" in text and "somebody" not in text and str(tmp_path) not in text


@pytest.fixture(scope="session")
def browser() -> str:
    return chromium()


@pytest.fixture
def served(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The page's address on this machine, and what was asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(page.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{PAGE}", asked
        server.shutdown()


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize(("scheme", "corner"), [("1", LIGHT), ("0", DARK)])
def test_in_a_browser(
    browser: str, served: tuple[str, list[str]], tmp_path: Path, width: int, scheme: str, corner: tuple[int, int, int]
) -> None:
    address, asked = served
    shot = tmp_path / "shot.png"
    size, colours = f"--window-size={width},900", f"--blink-settings=preferredColorScheme={scheme}"
    done = browse(browser, size, colours, f"--screenshot={shot}", address)
    assert shot.is_file(), done.stderr
    assert "CONSOLE" not in done.stderr
    assert asked == [f"/{PAGE}"], "the page asks for nothing but itself"
    assert Image.open(shot).convert("RGB").getpixel((1, 1)) == corner


@pytest.mark.parametrize("width", [1400, 500, 390])
def test_only_the_tables_box_scrolls(browser: str, page: Path, width: int) -> None:
    """Measured by a script in a frame of the width, which takes a copy of the page without its policy."""
    inner = page.with_name("measured.html")
    script = "<script>onload = () => parent.postMessage([innerWidth, document.documentElement.scrollWidth, "
    script += "document.querySelector('.scroll').scrollWidth > innerWidth], '*')</script>"
    inner.write_text(page.read_text(encoding="utf-8").replace(POLICY, "") + script, encoding="utf-8")
    outer = page.with_name("outer.html")
    listen = "<script>onmessage = e => { document.body.dataset.widths = e.data.join(' ') }</script>"
    outer.write_text(f'<body>{listen}<iframe src="measured.html" width="{width}" height="800" frameborder="0">')
    done = browse(browser, "--window-size=1600,900", "--dump-dom", outer.as_uri())
    found = re.search(r'data-widths="(\d+) (\d+) (\w+)"', done.stdout)
    assert found, done.stderr
    assert found.groups() == (str(width), str(width), "true")


def test_headings_are_in_order_and_long_tables_scroll_by_themselves(tmp_path: Path) -> None:
    long = Table("long-rooms-laptop", "Long", pd.DataFrame({"a": range(41)}))
    short = Table("short-rooms-laptop", "Short", pd.DataFrame({"a": range(40)}))
    noted = Figure("noted", "Noted", drawn("noted").figure, "What <it> shows.")
    write_reports([table(), long, short, noted], [], tmp_path)
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    levels = [int(level) for level in re.findall(r"<h(\d)>", text)]
    assert levels == [1, 2, 2, 3, 3, 3, 2, 3], "contents, then each section with its items"
    assert dict(re.findall(r'class="(scroll[ \w]*)" role="region" aria-label="(\w+)"', text)) == {
        "scroll": "Short", "scroll long": "Long",
    }  # fmt: skip
    assert '<p class="note">What &lt;it&gt; shows.</p>' in text
