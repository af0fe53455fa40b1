"""Names and titles from outside, made safe to show on terminals, in Markdown, in CSV and on the page."""

from __future__ import annotations

import io
import re
import sys

import pandas as pd
import pytest

from mmbench.commands.terminal import guarded
from mmbench.given import texts
from mmbench.publishing import latex
from mmbench.reporting import Table

NASTY = (
    "\x1b[31mred", "\x1b]0;owned\x07", "\x9b31m", "\u202egnp.exe", "a\u2066b\u2069", "line\nbreak", "a\r\nb", "\u2028x",
    "\ud800", "\x00", "tab\there", "<script>alert(1)</script>", "<!-- x", "![x](http://x/y.png)", "[x](javascript:1)",
    "a|b", "a\\|b", "`code`", "&lt;b&gt;", "=1+1", "+PP beats", "-skip", "@x", "\t=1", "\uff1d1", "x\u200by",
)  # fmt: skip


def table() -> Table:
    """Nasty texts wherever a table holds texts."""
    frame = pd.DataFrame({"name": NASTY, "=sum": 1.5, "group": NASTY})
    return Table("t", "".join(NASTY), frame, note=" ".join(NASTY), group_column="group", headers={"=sum": "\x1b[1m|"})


@pytest.mark.parametrize("text", NASTY)
def test_what_is_shown_is_one_line_without_signs_that_cannot_be_seen(text: str) -> None:
    made = texts.shown(text)
    assert made.isprintable()
    assert texts.shown(made) == made


@pytest.mark.parametrize("text", ["M&MNets", "δ < 1.25", "café, 日本", "a_b * c", "[1, 2]", "50 %", "D → S"])
def test_usual_texts_stay_as_they_are(text: str) -> None:
    assert texts.shown(text) == texts.markdown(text) == texts.csv(text) == texts.streamed(text) == text


def test_no_rendering_of_a_table_holds_a_control_character() -> None:
    for text in (table().text(), table().markdown(), latex.table(table())):
        assert all(line.isprintable() for line in text.split("\n")), text
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", table().csv())


def test_markdown_has_no_html_no_link_and_even_rows() -> None:
    text = table().markdown()
    assert not re.search(r"<[A-Za-z/!?]", text)
    assert not re.search(r"(?<!\\)!\[|\]\(", text)
    assert "&amp;lt;b" in text, "what a name says is not what it would show as HTML"
    rows = [line for line in text.splitlines() if line.startswith("|")]
    bars = {len(re.findall(r"\|", re.sub(r"\\.", "", row))) for row in rows}
    assert bars == {3}, "a name's own bar, and a backslash before it, are escaped"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+PP beats", "'+PP beats"), ("-a", "'-a"), ("@a", "'@a"), ("\tx", "'\tx"),
        ("\r=1", "'\r=1"), ("\uff1d1", "'\uff1d1"), ("-1.5", "-1.5"), ("+0.25", "+0.25"), ("-1e-05", "-1e-05"),
        ("-", "-"), ("a=b", "a=b"), ("", ""), ("-1-2", "'-1-2"), ("\x1b[0m", "\\x1b[0m"),
    ],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_takes_for_a_formula_is_led_by_an_apostrophe(text: str, written: str) -> None:
    assert texts.csv(text) == written


def test_numbers_in_csv_are_numbers() -> None:
    frame = pd.DataFrame({"a": [-1.5, 2.0], "b": ["-1", "=1"], "=c": [1, 2]})
    assert Table("t", "", frame).csv() == "a,b,'=c\n-1.5,-1,1\n2.0,'=1,2\n"


def test_the_terminal_gets_no_escape_sequence_but_what_progress_bars_need(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with guarded():
        print("\x1b[31mred\x1b[A", "tab\t", end="\r\n")
        print("\x1b[31mred\x1b[A", file=sys.stderr)
    print("\x1b[0m")
    assert out.getvalue() == "\\x1b[31mred\\x1b[A tab\t\r\n\x1b[0m\n"
    assert err.getvalue() == "\\x1b[31mred\x1b[A\n"


def test_an_error_is_told_on_one_line_even_where_it_cannot_say_its_text() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert texts.told(OddError()) == "OddError"
    assert texts.told(ValueError("a\n  \x1b[1mb")) == "ValueError: a \\x1b[1mb"
