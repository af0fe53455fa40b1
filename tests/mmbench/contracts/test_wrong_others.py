"""Typical mistakes in data sets, metrics and reports are caught by the check that is named for them.

Every wrong plug-in is the template with one change; data sets have more rules, see tests/datasets/.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.commands.new import rendered
from mmbench.contracts.plugins import problems

DATASETS = {
    "overlap": ('parts["validation"], parts["test"]', 'parts["validation"], parts["rgb+depth"]', "split", "share the"),
    "int64": ("np.ones((SIZE, SIZE), np.uint8)", "np.ones((SIZE, SIZE), np.int64)", "samples", "uint8 (H, W), class"),
    "millimetres": ('"depth": depth,', '"depth": depth * 1000,', "samples", "half of it is beyond 5"),
    "not-measured": ("= 0.0\n        return", "= np.nan\n        return", "samples", "an adapter gives 0; here float"),
}  # fmt: skip
METRICS = {
    "void": ("error.flatten(1).sum(1)", "error.flatten(1).sum(1) / valid.flatten(1).sum(1)", "void", "divide in"),
    "fails-on-void": (
        "    error = torch", "    assert valid.any()\n    error = torch", "void", "update fails (AssertionError: )"
    ),
    "first-axis": ("sums[..., 0] / sums[..., 1]", "sums[0] / sums[1]", "sums", "along the last axis"),
    "one-row": (".double()], 1).cpu()", ".double()], 1).mean(0, True).cpu()", "rows", "gave 1 rows for 5 images"),
    "float32": (".double()], 1).cpu()", ".double()], 1).float().cpu()", "rows", "expected float64 or int64"),
    "edits": ("valid = modality.valid(truth)", "valid = modality.valid(truth.clamp_(min=1))", "inputs", "copy"),
    "zero": ("sums[..., 1]}", "np.maximum(sums[..., 1], 1)}", "no images", "expected nan"),
    "early-torch": ("import numpy as np\n", "import numpy as np\nimport torch\n", "torch", "import it in update"),
    "no-such-kind": ('("depth",)', '("deep",)', "functions", "KINDS: unknown kind 'deep'"),
}  # fmt: skip
REPORTS = {
    "changes": ("    rows = results.rows\n", "    rows = results.rows\n    rows['value'] = 0\n", "unchanged", "rows"),
    "no-results": (
        "    if main.empty:\n        return []\n", "    main['title'].iloc[0]\n", "no results", "IndexError"
    ),
    "damaged": (
        'pd.to_numeric(main["value"], errors="coerce")', 'main["value"].astype(float)', "damaged results", "convert"
    ),
    "dated": ("title=TITLE,", "title=f\"{TITLE} {__import__('time').perf_counter()}\",", "again", "no dates"),
    "twice": ("    return [\n", "    return 2 * [\n", "one row", "several items are named"),
}  # fmt: skip
EVERYTHING = {"dataset": DATASETS, "metric": METRICS, "report": REPORTS}


def write(kind: str, name: str, folder: Path, old: str = "", new: str = "") -> None:
    """The template, with one change where one is given."""
    changed = False
    for path, text in rendered(kind, name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        changed |= old in text
        (folder / path).write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    assert changed, old


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, wrong in EVERYTHING.items() for name in wrong])
def test_a_mistake_is_caught_by_name(kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, rule, text = EVERYTHING[kind][name]
    write(kind, f"wrong-{name}", tmp_path, old, new)
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    found = dict(problem.split(": ", 1) for problem in problems(f"{kind}s", f"wrong-{name}"))
    assert rule in found
    assert text in found[rule]


def test_the_command_prints_a_line_per_check_and_exits_by_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write("metric", "kept", tmp_path)
    write("metric", "broken", tmp_path, *METRICS["one-row"][:2])
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    assert main(["check", "kept"]) == 0
    head, *lines, last = capsys.readouterr().out.splitlines()
    assert head == f"metric kept (depth), {tmp_path / 'metrics' / 'kept.py'}"
    assert {line.split()[0] for line in lines} == {"ok"} and len(lines) == 9
    assert last == "no checks broken"
    assert main(["check", "broken"]) == 1
    printed = capsys.readouterr().out
    assert "  WRONG rows            depth, 5 images: metric 'broken': update gave 1 rows for 5 images\n" in printed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["segmentaton"], "no plug-in named 'segmentaton' (did you mean 'segmentation'?)"),
        (["slurm"], "'slurm' is one of launchers, for which there are no contract tests"),
        (["laptop"], "'laptop' is one of profiles"),
        (["judge-domains"], "'judge-domains' is a judge"),
        (["flowers"], "data set 'flowers' needs its images: give --data-root"),
        (["dice", "--kind", "method"], "no method named 'dice'; leave --kind out"),
    ],
)
def test_what_cannot_be_checked_is_one_line(
    arguments: list[str], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MMBENCH_DATA", raising=False)
    assert main(["check", *arguments]) == 2
    line = capsys.readouterr().err
    assert text in line and line.count("\n") == 1


def test_a_package_that_is_not_here_is_no_mistake_of_the_plug_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write("metric", "far", tmp_path, 'TITLE = "Far"', 'TITLE = "Far"\nREQUIRES = {"no_such": "no-such"}')
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    assert main(["check", "far"]) == 2
    assert "far needs the package no_such, which is not installed: pip install 'no-such'" in capsys.readouterr().err


def test_a_card_that_cannot_be_read_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write("metric", "unread", tmp_path, 'TITLE = "Unread"', "TITLE = 3")
    monkeypatch.setenv("MMBENCH_PLUGINS", str(tmp_path))
    assert main(["check", "unread"]) == 1
    assert "WRONG card            TITLE: expected a text that is not empty, got 3" in capsys.readouterr().out
