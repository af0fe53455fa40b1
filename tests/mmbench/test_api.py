"""The functions that a notebook calls stay functions, whatever module is imported beside them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

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


def test_a_listing_loads_neither_pandas_nor_matplotlib() -> None:
    code = "import sys; from mmbench.commands.main import main; main(['list']); "
    code += "print(sorted({'pandas', 'matplotlib', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
