"""Reports of a hundred malicious or damaged results, and of pipes: one page, nothing obeyed, nothing waited for."""

from __future__ import annotations

import csv
import html.parser
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from odd_results import odd_results

from mmbench.commands.main import main

GOOD = Path(__file__).parents[2] / "data" / "older-runs" / "runs" / "synthetic" / "smoke" / "mmnet" / "seed-0"
COUNT, SEED = 100, 16
OWN = [{"type": "application/json", "id": "pictures"}, {}]  # the page's scripts, in order
NUMBER = re.compile(r"-|-inf|[+-]?[\d.]+(e[+-]?\d+)?")


class Tags(html.parser.HTMLParser):
    """Tags and addresses that no report writes."""

    def __init__(self) -> None:
        super().__init__()
        self.strange: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and dict(attrs) in OWN[self.scripts : self.scripts + 1]:
            self.scripts += 1
        elif tag in ("script", "iframe", "object", "embed", "base", "form"):
            self.strange.append(tag)
        for name, value in attrs:
            near = re.fullmatch(r"data:.*|#.*|[\w.+^-]+\.(png|svg|csv|md|tex|txt)", value or "", re.DOTALL)
            if name.startswith("on") or (name in ("src", "href") and not near):
                self.strange.append(f"{tag} {name}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the report."""
    runs = tmp_path_factory.mktemp("runs")
    good = json.loads((GOOD / "result.json").read_text(encoding="utf-8"))
    for number, (name, content) in enumerate(odd_results(good, COUNT, SEED)):
        cell = runs / "synthetic" / "smoke" / "mmnet" / f"seed-{number}"
        shutil.copytree(GOOD, cell)
        (cell / name).write_bytes(content)
        if name != "result.json":
            (cell / "result.json").unlink()
    for number, name in enumerate(("result.json", "cell.json", "log.jsonl", "per_image.npz", "failed.json")):
        cell = runs / "synthetic" / "smoke" / "prior" / f"seed-{number}"
        shutil.copytree(GOOD, cell)
        (cell / name).unlink(missing_ok=True)
        os.mkfifo(cell / name)
    assert main(["report", "--runs", str(runs)]) == 0
    return runs / "report"


def test_no_file_holds_an_escape_sequence(report: Path) -> None:
    for path in [path for path in report.iterdir() if path.suffix in (".txt", ".md", ".tex", ".csv")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", text), path.name


def test_damaged_cells_are_named(report: Path) -> None:
    notes = (report / "notes.txt").read_text(encoding="utf-8")
    assert re.search(r"\(ValueError: 100\d\d metrics of one translation, expected at most", notes)
    assert len(re.findall(r"^synthetic/smoke/mmnet/seed-\d+: (damaged|interrupted)", notes, re.MULTILINE)) > 10
    assert "cannot be shown" not in notes, "every table is made"
    assert not re.search(r"^report ", notes, re.MULTILINE), "and every report"


def test_the_page_has_no_tag_and_no_address_of_theirs(report: Path) -> None:
    tags = Tags()
    tags.feed((report / "report.html").read_text(encoding="utf-8"))
    assert not tags.strange


def test_markdown_and_csv_are_plain(report: Path) -> None:
    for path in report.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<[A-Za-z/!]|(?<!\\)!\[|\]\(", text), path.name
    for path in report.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [c for c in cells if c[:1] in ("=", "+", "-", "@") and c != "-" and not NUMBER.fullmatch(c)], (
            path.name
        )
