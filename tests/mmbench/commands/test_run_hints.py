"""What ``run`` says below its tables: the page shows the last set of cells alone; what to do about damaged images."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mmbench.commands.run import _hints


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
