"""The documentation site: ``sphinx-build -W -c docs . build/site``.

Sphinx, because it checks every link between pages and every name in the API's docstrings, has a check of outside links
and a search without a server; MyST reads the Markdown that also stands on its own in a checkout, and runs the notebook.
The source folder is the whole checkout, so that links from one page to any other file are the same in both.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sphinx.application import Sphinx

import mmbench

project = "mmbench"
author = "the mmbench authors"
version = release = mmbench.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "method_pages",
    "report_pages",
]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**",
    "benchmarks/*.md",
    "reports/reference/*.md",
]
templates_path = ["templates"]

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # tables that reports write begin at the third level of headings

napoleon_custom_sections = [("Each kind fixes", "Attributes")]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

# A tutorial that stops working stops the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 1200
nb_execution_in_temp = True
nb_merge_streams = True

highlight_language = "text"  # of literal blocks in docstrings; fences say theirs

html_theme = "furo"
html_title = "mmbench"
html_additional_pages = {"index": "to_front_page.html"}

linkcheck_timeout = 20


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("doctree-read", leave_out_of_contents)


def leave_out_of_contents(app: Sphinx, _: object) -> None:
    """The reference tables are many; their index is a page, and the contents need not list them."""
    if app.env.docname.startswith("reports/reference/") and not app.env.docname.endswith("README"):
        app.env.metadata[app.env.docname]["orphan"] = True
