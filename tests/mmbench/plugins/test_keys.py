from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbench.plugins import catalog, keys

Digest = Callable[..., str]

METHOD = '''
"""Documentation."""
from mmbench.task import Task
from .shared import double

class Method:
    """More of it."""

    def run(self):
        """And more."""
        return double(2)  # why
'''
SHARED = '"""Parts."""\nfrom .deep.parts import two\n\ndef double(x):\n    return two() * x\n'
PARTS = "def two():\n    return 2\n"


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Digest]:
    """Digest of ``mmbench.methods.m`` where the methods' folder holds the given files, some of them changed."""
    keys._locate.cache_clear()
    monkeypatch.setattr(keys, "package_folder", lambda folder: tmp_path / folder)

    def of(**changed: str) -> str:
        texts = {"m": METHOD, "shared": SHARED, "deep__parts": PARTS, "deep____init__": "", "other": "X = 1"}
        for name, text in {**texts, **changed}.items():
            path = tmp_path / "methods" / (name.replace("__", "/", 1) + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return keys.source_digest(tmp_path / "methods" / "m.py", "mmbench.methods.m")

    yield of
    keys._locate.cache_clear()


def test_comments_docstrings_and_formatting_do_not_count(digest: Digest) -> None:
    before = digest()
    assert digest(m=METHOD.replace("Documentation", "Other words").replace("More of", "Less of")) == before
    assert digest(m=METHOD.replace('        """And more."""\n', "").replace("# why", "# because")) == before
    assert digest(m=METHOD.replace("double(2)", "(\n            double( 2 )\n        )")) == before
    assert digest(shared=SHARED.replace("Parts", "Pieces")) == before


def test_code_counts(digest: Digest) -> None:
    before = digest()
    assert digest(m=METHOD.replace("double(2)", "double(3)")) != before
    assert digest(m=METHOD.replace("return double(2)", 'return "text"')) != before
    texts = METHOD.replace("return double(2)", 'x = "{}"; return double(2)')
    assert digest(m=texts.format("a")) != digest(m=texts.format("b")), "only docstrings are left out, not every text"


def test_shared_modules_count_directly_and_indirectly(digest: Digest) -> None:
    before = digest()
    assert digest(shared=SHARED.replace("* x", "+ x")) != before
    assert digest(deep__parts=PARTS.replace("return 2", "return 3")) != before
    assert digest(deep____init__="X = 1") == before, "the package of an imported module is not imported by name"


def test_what_is_not_imported_does_not_count(digest: Digest) -> None:
    before = digest()
    assert digest(other="X = 2") == before
    assert digest(unrelated="Y = 1") == before


@pytest.mark.parametrize(
    "line",
    ["from . import other", "import mmbench.methods.other", "from mmbench.methods import other",
     "from mmbench.methods.other import X", "from .other import X as Y", "def f():\n    from .other import X"],
)  # fmt: skip
def test_every_way_to_import_is_followed(line: str, digest: Digest) -> None:
    text = METHOD + "\n" + line + "\n"
    before = digest(m=text)
    assert digest(m=text, other="X = 2") != before


def test_modules_that_import_each_other_end(digest: Digest) -> None:
    assert digest(deep__parts=PARTS + "\nfrom ..shared import double\n")


def test_the_harness_counts_too(digest: Digest) -> None:
    with_task = digest()
    assert digest(m=METHOD.replace("mmbench.task", "mmbench.modality")) != with_task


def test_no_key_depends_on_the_command_line_or_on_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """``from mmbench import modality`` follows ``mmbench/__init__.py``, and with it every room."""
    read: set[Path] = set()
    locate = keys._locate

    def noted(*wanted: Any) -> Path | None:
        found: Path | None = locate(*wanted)
        read.update([found] if found else [])
        return found

    monkeypatch.setattr(keys, "_locate", noted)
    for folder in ("methods", "datasets"):
        for card in catalog.cards(folder).values():
            keys.source_digest(card.path, card.module)
    house = catalog.package_folder("metrics").parents[1]
    assert {path.relative_to(house).parts[0] for path in read if house in path.parents} & {
        "__init__.py", "planning", "launching", "commands", "publishing",
    } == set()  # fmt: skip
    assert house / "task.py" in read


def test_where_a_file_lies_does_not_count(tmp_path: Path) -> None:
    made = []
    for place in ("here", "there"):
        path = tmp_path / place / "m.py"
        path.parent.mkdir()
        path.write_text("from mmbench.task import Task\nX = 1\n")
        made.append(keys.source_digest(path, "mmbench_plugins.methods.m"))
    assert made[0] == made[1]


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.floats(allow_nan=False)), min_size=2))
def test_digests_do_not_depend_on_the_order_of_keys(values: dict[str, object]) -> None:
    assert keys.digest(values) == keys.digest(dict(reversed(list(values.items()))))
    changed = {**values, next(iter(values)): "something else"}
    assert (keys.digest(changed) == keys.digest(values)) == (changed == values)


def test_parts_of_a_plug_in_from_outside_count(tmp_path: Path) -> None:
    folder = tmp_path / "methods" / "mine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('from .part import x\nNAME = "mine"\n')
    made = []
    for value in (1, 2):
        (folder / "part.py").write_text(f"x = {value}\n")
        made.append(keys.source_digest(folder / "__init__.py", "mmbench_plugins.methods.mine"))
    assert made[0] != made[1]
