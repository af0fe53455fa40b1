"""The functions that a notebook calls stay functions, whatever module is imported beside them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmbench


@pytest.mark.parametrize("name", mmbench.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert hasattr(mmbench, name)


def test_functions_are_not_replaced_by_modules_of_their_name(tmp_path: Path) -> None:
    for name in ("report", "results", "run", "load_translator"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"mmbench.{name}")
    for name in ("publishing.write", "store.collect", "inference.load", "planning.plan", "launching.scheduler"):
        importlib.import_module(f"mmbench.{name}")
    (tmp_path / "synthetic/smoke/mmnet/seed-0").mkdir(parents=True)
    for _ in range(2):
        assert mmbench.results(tmp_path).empty
        assert isinstance(mmbench.report(tmp_path), list)


def test_results_of_a_folder_that_is_not_there_are_an_error_and_no_empty_table(tmp_path: Path) -> None:
    with pytest.raises(mmbench.UserError, match="no such folder"):
        mmbench.results(tmp_path / "rnus")


def test_a_tilde_is_the_home_folder_as_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    asked: dict[str, Any] = {"profile": "smoke", "jobs": 1, "device": "cpu", "cache": "~/cache", "data_root": "~"}
    assert mmbench.run(["prior"], runs="~/runs", **asked) == {"synthetic/smoke/prior/seed-0": "done"}
    (home / "b.toml").write_text('methods = ["prior"]\nprofile = "smoke"\nruns = "runs"\n')
    assert mmbench.run("~/b.toml", jobs=1) == {"synthetic/smoke/prior/seed-0": "found done"}
    assert set(mmbench.results("~/runs")["method"]) == {"prior"}
    assert home / "runs" / "report" / "report.html" in mmbench.report("~/runs")
    with pytest.raises(mmbench.UserError, match=f"{home / 'runs'}: not the folder of a run"):
        mmbench.load_translator("~/runs", data_root="~/data")
    calls: tuple[Callable[[str], Any], ...] = (mmbench.results, mmbench.report, mmbench.load_translator, mmbench.run)
    for call in calls:
        with pytest.raises(mmbench.UserError, match="no home folder is known for '~nobody-of-that-name'"):
            call("~nobody-of-that-name/runs")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_listing_loads_neither_pandas_nor_matplotlib() -> None:
    code = "import sys; from mmbench.commands.main import main; main(['list']); "
    code += "print(sorted({'pandas', 'matplotlib', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
