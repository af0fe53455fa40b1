"""Files around the package: the container, the versions of the reference results, the environments of tox."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "reports" / "reference"


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_constraints_are_what_the_first_table_was_made_with_and_others_are_said() -> None:
    pages = {page.stem: page for page in REFERENCE.glob("*provenance*.md")}
    sections = (REFERENCE / "README.md").read_text(encoding="utf-8").split("\n## ")
    assert packages(pages["provenance-synthetic-laptop"]) == constraints()
    for name, page in pages.items():
        (section,) = (text for text in sections if f"({page.name})" in text)
        for package, version in packages(page).items() - constraints().items():
            assert f"{package} {version}" in section, name


def packages(page: Path) -> dict[str, str]:
    """Name: version of what a provenance table was made with, by its last line."""
    found = page.read_text(encoding="utf-8").strip().splitlines()[-1]
    assert "Python 3.11" in found
    return dict(part.split() for part in found.partition("mmbench 0.1.0, ")[2].split(", "))


def test_constraints_are_not_below_what_is_needed() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    least = dict(requirement.split(">=") for requirement in needed)
    for name, version in constraints().items():
        assert numbers(version) >= numbers(least[name]), name


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_the_container_copies_what_there_is_and_what_the_package_is_made_of() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for name in line.split()}
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert set(setuptools["package-dir"].values()) <= copied
    assert all((ROOT / name).exists() for name in copied)
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(kept) and kept[0] == "*"
    assert [line for line in text.splitlines() if line.startswith("USER ")] == ["USER 10001"]


def test_the_container_is_linted() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run(["hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_container_builds_and_runs() -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker daemon answers")
    name = "mmbench-test"
    subprocess.run(["docker", "build", "-t", name, str(ROOT)], check=True)
    run = ["docker", "run", "--rm", "--user", "0", name, "run", "--profile", "smoke", "--methods", "prior"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 done" in done.stdout


def test_tox_checks_one_python_unless_asked_for_all() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    assert tox["tox"]["envlist"].split() == ["check"]
    label, _, names = tox["tox"]["labels"].strip().partition(" = ")
    assert label == "all-pythons" and names.split(", ") == ["py311", "py312", "py313", "py314"]
