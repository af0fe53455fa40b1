"""The wheel: what is in it, and that it leaves a top-level package ``datasets`` (Hugging Face's) alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("mmbench", "methods", "datasets", "reports", "tests", "benchmarks", "pyproject.toml", "README.md", "LICENSE")
NUMBERS = "reports/reference/numbers"  # of committed cells: megabytes that no installed command reads
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the project's own back end from a copy, so that no build folder is left in the checkout."""
    setuptools = pytest.importorskip("setuptools", reason="the build back end is not installed")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip(f"pyproject.toml asks for setuptools 77, here is {setuptools.__version__}")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    (source / NUMBERS).mkdir(parents=True, exist_ok=True)
    (source / NUMBERS / "result.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, which for pure Python is what installing does, beside a package named ``datasets``."""
    target = tmp_path_factory.mktemp("site")
    (target / "datasets").mkdir()
    (target / "datasets" / "__init__.py").write_text("OWNER = 'somebody else'\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def python(installed: Path, tmp_path: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_source_file_is_in_the_wheel(names: set[str]) -> None:
    for folder, package in (("mmbench", "mmbench"), ("methods", "mmbench/methods"), ("datasets", "mmbench/datasets"),
                            ("reports", "mmbench/reports")):  # fmt: skip
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".toml", ".csv", ".typed") and "__pycache__" not in path.parts:
                assert f"{package}/{path.relative_to(ROOT / folder).as_posix()}" in names


def test_committed_tables_are_in_the_wheel_and_the_cells_behind_them_are_not(names: set[str]) -> None:
    assert "mmbench/reports/reference/README.md" in names
    assert not [name for name in names if NUMBERS in name]


@pytest.mark.parametrize(
    "name",
    ["mmbench/methods/mmnet.py", "mmbench/methods/mmnet.toml", "mmbench/methods/networks/segnet.py",
     "mmbench/plugins/protocol.toml", "mmbench/profiles/laptop.toml", "mmbench/profiles/paper.toml", "mmbench/py.typed",
     "mmbench/datasets/synthetic/__init__.py", "mmbench/reports/published_results.csv"],
)  # fmt: skip
def test_data_files_are_in_the_wheel(name: str, names: set[str]) -> None:
    assert name in names


def test_the_type_checker_finds_every_folder_under_the_name_it_is_imported_by() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    plug_ins = {name: folder for name, folder in setuptools["package-dir"].items() if name != folder}
    assert plug_ins
    for name, folder in plug_ins.items():
        link = ROOT / "typings" / name.replace(".", "/")
        if link.is_file():
            pytest.skip("this checkout has no symbolic links")
        assert link.resolve() == (ROOT / folder).resolve()


def test_nothing_but_mmbench_is_at_the_top(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mmbench"}
    assert not [name for name in names if "/tests/" in name or name.endswith(".pyc")]


def test_a_top_level_datasets_stays_what_it_is(installed: Path, tmp_path: Path) -> None:
    code = (
        "import datasets, mmbench.datasets, mmbench\n"
        "print(datasets.OWNER, mmbench.datasets.__name__, mmbench.__file__, sep='|')"
    )
    owner, ours, file = python(installed, tmp_path, "-c", code).strip().split("|")
    assert (owner, ours) == ("somebody else", "mmbench.datasets")
    assert Path(file).is_relative_to(installed), "the checkout was imported instead of the wheel"


def test_the_installed_package_finds_its_plug_ins_and_profiles(installed: Path, tmp_path: Path) -> None:
    listed = python(installed, tmp_path, "-m", "mmbench", "list")
    for name in ("mmnet-pp", "cascade-skip", "synthetic", "flowers", "laptop"):
        assert name in listed
