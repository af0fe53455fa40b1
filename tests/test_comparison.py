"""docs/comparison.md: every word leads to its evidence, and every *no* of mmbench has its reason."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "comparison.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| | ")
]
WORD = re.compile(r"\[([\w.-]+)\](?:\[([\w-]+)\]|\(([^)]+)\))")
LINKS = dict(re.findall(r"^\[([\w-]+)\]: (https://\S+)$", TEXT, flags=re.MULTILINE))


def test_every_word_leads_to_evidence() -> None:
    assert len(ROWS) > 20
    used = set()
    for name, *cells in ROWS:
        assert len(cells) == 6, name
        for cell in cells:
            words = WORD.findall(cell)
            assert words and not WORD.sub("", cell).strip(), f"{name}: {cell}"
            assert words[0][0] in ("yes", "no", "partly") or name == "licence", f"{name}: {cell}"
            used |= {reference for _, reference, _ in words if reference}
            paths = [path for _, _, path in words if path and not path.startswith("#")]
            assert all((PAGE.parent / path.partition("#")[0]).is_file() for path in paths), f"{name}: {cell}"
    assert used == LINKS.keys(), "none is missing, none is idle"


def test_every_no_of_ours_has_its_reason() -> None:
    reasons = re.findall(r"^\*\*(.+?)\.\*\* ", TEXT.partition("## Why not")[2], flags=re.MULTILINE)
    without = [name for name, ours, *_ in ROWS if ours.startswith("[no]")]
    assert without
    assert {name.lower() for name in without} <= {reason.lower() for reason in reasons}
    assert all("(#why-not)" in ours for _, ours, *_ in ROWS if ours.startswith("[no]"))
