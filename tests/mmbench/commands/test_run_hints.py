"""What ``run`` writes of one set of cells and of several, and says below its tables."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from mmbench.commands import report
from mmbench.commands.run import _hints, _report
from mmbench.publishing import build, write
from mmbench.table import Table


def hints(
    runs: Path, images: Path | None = None, message: str = "", overrides: dict[str, str] | None = None
) -> list[str]:
    """Of one plan, the cells of synthetic in smoke, of which one ended with a message."""
    plan: Any = SimpleNamespace(dataset="synthetic", profile_name="smoke", root=images)
    ended: Any = SimpleNamespace(message=message, cell=SimpleNamespace(overrides=overrides or {}))
    asked: Any = SimpleNamespace(runs=runs)
    return list(_hints(asked, [plan], [ended]))


def test_a_page_that_leaves_results_out_says_so_and_how_to_have_all(tmp_path: Path) -> None:
    runs = tmp_path / "my runs"
    (runs / "synthetic/smoke/mmnet/seed-0").mkdir(parents=True)
    assert hints(runs) == []
    (runs / "synthetic/laptop/mmnet/seed-0").mkdir(parents=True)
    (line,) = hints(runs)
    assert line.startswith("report.html there shows synthetic, profile smoke alone; ")
    assert line.endswith(f": python -m mmbench report --runs '{runs}'")


def test_a_file_that_ends_a_run_leads_to_the_command_that_names_all(tmp_path: Path) -> None:
    images = tmp_path / "Küche 1"
    failed = f"mmbench: {images}/depth/a.png: cannot be decoded"
    verify = f"All files that cannot be used: python -m mmbench data verify '{images}'"
    assert hints(tmp_path, images, failed) == [f"{verify}; to leave damaged ones out: --skip-damaged"]
    assert hints(tmp_path, images, failed, {"data.damaged": "skip"}) == [verify]
    assert hints(tmp_path, images, "mmbench: something else") == []


def test_cells_of_several_plans_are_on_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[list[str]] = []

    def made(runs: Path, names: Any, dataset: str = "", profile: str = "", test_ids: Any = None) -> Any:
        return [Table(f"of {dataset or 'all'}", "", pd.DataFrame())], []

    monkeypatch.setattr(build, "build_reports", made)
    monkeypatch.setattr(write, "write_reports", lambda made, notes, folder: written.append([one.name for one in made]))
    monkeypatch.setattr(report, "print_tables", lambda made, notes, details: print(*(one.name for one in made)))
    (tmp_path / "a/laptop/mmnet/seed-0").mkdir(parents=True)
    plans: Any = [SimpleNamespace(dataset=name, profile_name="smoke", root=None, cells=()) for name in ("a", "b")]
    asked: Any = SimpleNamespace(runs=tmp_path, way=SimpleNamespace(reports=()))
    assert _report(asked, plans, []) == 0
    out = capsys.readouterr().out
    assert "of a\n" in out and "of b\n" in out and "alone" not in out
    assert written == [["of all"]]
    assert _report(asked, plans[:1], []) == 0
    assert written[1:] == [["of a"]] and "shows a, profile smoke alone" in capsys.readouterr().out
