"""The wheel and the source archive: what is in them, what an installation of the wheel can do, outside the checkout.

It leaves a top-level package ``datasets`` (Hugging Face's) alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = (
    "mmbench", "methods", "datasets", "reports", "tests", "benchmarks", "docs", "pyproject.toml", "README.md",
    "LICENSE", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md", "MANIFEST.in", "constraints.txt", "tox.ini",
)  # fmt: skip
NUMBERS = "reports/reference/numbers"  # of committed cells: megabytes that no installed command reads
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, f'build_{sys.argv[1]}')(sys.argv[2]))"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, built by the project's own back end from a copy, so that nothing is left in the checkout."""
    setuptools = pytest.importorskip("setuptools", reason="the build back end is not installed")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip(f"pyproject.toml asks for setuptools 77, here is {setuptools.__version__}")
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    (source / NUMBERS).mkdir(parents=True, exist_ok=True)
    (source / NUMBERS / "result.json").write_text("{}")
    return built("sdist", source, tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in the source archive."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source archive, as package indexes expect."""
    return built("wheel", unpacked, tmp_path_factory.mktemp("wheel"))


def built(what: str, source: Path, out: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, what, str(out)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``mmbench`` of an environment in which the wheel is installed; what it needs is taken from this one."""
    pytest.importorskip("pip", reason="pip is not installed")
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    # A path in a .pth file comes behind the environment's own, and .pth files in it, such as of editable installations,
    # are not read.
    (site,) = place.glob("lib/python*/site-packages")
    (site / "needs.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return place / "bin" / "mmbench"


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


def test_citation_and_licence_are_in_both(unpacked: Path, names: set[str]) -> None:
    for name in ("CITATION.cff", "LICENSE"):
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()
        assert [path for path in names if path.endswith(f".dist-info/licenses/{name}")]


def test_the_source_archive_has_what_a_check_of_it_needs(unpacked: Path) -> None:
    for name in ("tests/conftest.py", "tests/data/tables/papers.txt", "docs/adding.md", "constraints.txt", "tox.ini"):
        assert (unpacked / name).is_file(), name
    assert not list(unpacked.rglob("__pycache__"))


def test_what_is_installed_runs_outside_the_checkout(program: Path, tmp_path: Path) -> None:
    """A run with its tables; a plug-in from a template, held against its contract without a tests/ folder."""
    cache = {"MMBENCH_CACHE": str(tmp_path / "cache"), "MMBENCH_PLUGINS": "", "OMP_NUM_THREADS": "1"}
    for words, said in (
        (["run", "--profile", "smoke", "--methods", "prior"], "1 done. Results: runs/synthetic/smoke"),
        (["new", "metric", "mine", "--out", "own"], "wrote own/metrics/mine.py"),
        (["check", "mine"], "no checks broken"),
    ):
        environment = {**os.environ, **cache} | ({"MMBENCH_PLUGINS": "own"} if words[0] == "check" else {})
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [str(program), *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    where = subprocess.run(
        [str(program.with_name("python")), "-c", "import mmbench.methods; print(mmbench.methods.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(program.parents[1]), "the checkout was run instead of the wheel"
