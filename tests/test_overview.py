"""docs/overview.md names every source file once, in the table of its folder, and nothing that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "overview.md"
TREES = (
    "mmbench", "methods", "datasets", "reports", "benchmarks",
    "tests/helpers", "tests/drills", "tests/golden", "tests/mutations",
)  # fmt: skip
ENDINGS = (".py", ".toml", ".csv", ".css", ".jinja", ".md", ".ini", ".cff", "/")
QUOTED = re.compile(r"`([^`\n]+)`")


def folders() -> dict[str, str]:
    """Folder as a heading of the page names it -> the text below; what stands under other headings is left out."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings = zip(parts[1::2], parts[2::2], strict=True)
    return {named[1]: text for heading, text in headings if (named := re.match(r"`(\S+/)`", heading))}


def named() -> list[str]:
    """The files in the first columns of the tables, as paths from the root."""
    found = []
    for folder, text in folders().items():
        for column in re.findall(r"^\| (`[^|]+) \|", text, flags=re.MULTILINE):
            found += [folder + name for name in QUOTED.findall(column)]
    return found


def sources() -> list[str]:
    """Python and TOML files; those that say one line about their folder need no line of their own."""
    paths = [path for tree in TREES for path in (ROOT / tree).rglob("*") if path.suffix in (".py", ".toml")]
    paths += (ROOT / "tests").glob("*.py")
    return [str(path.relative_to(ROOT).as_posix()) for path in paths if not says_one_line(path)]


def says_one_line(path: Path) -> bool:
    return path.name == "__init__.py" and len(ast.parse(path.read_text(encoding="utf-8")).body) <= 1


def test_every_source_file_is_named_once() -> None:
    listed = [name for name in named() if Path(name).suffix in (".py", ".toml")]
    assert sorted(listed) == sorted(sources())


def test_every_name_in_a_table_exists() -> None:
    assert not [name for name in named() if not (ROOT / name).exists()]


def test_every_path_in_the_text_exists() -> None:
    """Whole paths from the root, wherever they stand; a path has a slash or an ending."""
    quoted = {name for line in lines_outside_tables() for name in QUOTED.findall(line)}
    paths = {name for name in quoted if name.endswith(ENDINGS)}
    assert len(paths) > 10
    assert not sorted(name for name in paths if not (ROOT / name).exists())


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (PAGE.parent / link).exists()]


def lines_outside_tables() -> list[str]:
    return [line for line in PAGE.read_text(encoding="utf-8").splitlines() if not line.startswith("|")]
