"""The documentation site without building it: examples in docstrings, the notebook as committed, the contents.

``tox -e docs`` builds it, runs the notebook, and fails on a link or a name that leads nowhere.
"""

from __future__ import annotations

import doctest
import importlib
import json
import re

import documents
import pytest

from mmbench.plugins import catalog

DOCS = documents.ROOT / "docs"
MODULES = re.findall(r"automodule:: ([\w.]+)", (DOCS / "api.md").read_text(encoding="utf-8"))


def test_examples_in_docstrings() -> None:
    """Of every module that the page on the API shows."""
    outcomes = [doctest.testmod(importlib.import_module(name)) for name in [*MODULES, "mmbench.errors"]]
    assert sum(outcome.failed for outcome in outcomes) == 0
    assert sum(outcome.attempted for outcome in outcomes) >= 5


def test_notebook_is_committed_as_written() -> None:
    """Its outputs are made when the site is built: none can be of another version."""
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells and not any(cell["outputs"] or cell["execution_count"] for cell in cells)


@pytest.mark.parametrize("name", [card.name for card in catalog.cards("datasets").values() if not card.problem])
def test_every_data_set_has_a_page_in_the_contents(name: str) -> None:
    """The name stands on a page that the front page lists."""
    listed = re.findall(r"^([\w-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [(DOCS / f"{page}.md").read_text(encoding="utf-8") for page in listed if (DOCS / f"{page}.md").is_file()]
    assert any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page) for page in pages)
