"""A page read without a browser, and in one where there is one."""

from __future__ import annotations

import importlib
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Reader(HTMLParser):
    """Elements of a page; fails where tags are not balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element, line {self.getpos()[0]}"

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(text: str) -> Reader:
    """A page's elements; fails where an id is taken twice."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    ids = [values["id"] for _, values in reader.tags if "id" in values]
    assert len(ids) == len(set(ids))
    return reader


with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parents[2])
    browser = importlib.import_module("benchmarks.showcase.browser")


def browse(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page, the last of the options; what its console says is on standard error."""
    done: subprocess.CompletedProcess[str] = browser.browse(program, *options)
    return done


def chromium() -> str:
    """The program, also where playwright has put it; skips the test without one."""
    if on_path := browser.found():
        return str(on_path)
    playwright = pytest.importorskip("playwright.sync_api", reason="neither Chromium on the PATH nor playwright")
    with playwright.sync_playwright() as started:
        path = started.chromium.executable_path
    if not Path(path).is_file():
        pytest.skip("no Chromium on the PATH, and playwright has not installed its own")
    return str(path)
