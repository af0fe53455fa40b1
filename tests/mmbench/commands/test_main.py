"""The command line itself: versions, near matches, folders that are not there, errors of the system as one line."""

from __future__ import annotations

import errno
import importlib.metadata
import os
from pathlib import Path

import pytest
from PIL import Image

from mmbench.commands.main import main

Show = pytest.CaptureFixture[str]


def said(arguments: list[str], capsys: Show) -> str:
    """The one line of a command that is refused."""
    assert main(arguments) == 2
    line = capsys.readouterr().err
    assert line.startswith("mmbench: ")
    assert line.count("\n") == 1
    return line


def test_the_version_is_the_packages(capsys: Show) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"mmbench {importlib.metadata.version('mmbench')}\n"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["rnu"], "command 'rnu' is unknown (did you mean 'run'?)"),
        (["list", "method"], "what 'method' is unknown (did you mean 'methods'?)"),
        (["data", "verfy", "x"], "action 'verfy' is unknown (did you mean 'verify'?)"),
        (["run", "--precision", "bf61"], "--precision 'bf61' is unknown (did you mean 'bf16'?)"),
        (["run", "--profil", "smoke"], "unknown option '--profil' (did you mean '--profile'?)"),
        (["run", "--methdos", "x"], "unknown option '--methdos' (did you mean '--methods'?)"),
    ],
)
def test_a_mistyped_word_gets_the_near_match(arguments: list[str], near: str, capsys: Show) -> None:
    assert near in said(arguments, capsys)


def test_names_in_two_options_are_refused_and_not_half_of_them_taken(capsys: Show) -> None:
    line = said(["run", "--methods", "mmnet", "--methods", "prior", "--dry-run"], capsys)
    assert line == "mmbench: --methods stands there twice, and only one would count: give it once, as --methods a,b\n"


def test_a_single_name_given_twice_is_refused_without_a_list_as_advice(capsys: Show) -> None:
    line = said(["report", "--dataset", "a", "--dataset", "b"], capsys)
    assert line == "mmbench: --dataset stands there twice, and only one would count: give it once\n"


def test_of_one_value_given_twice_the_last_counts_as_a_wrapper_expects(capsys: Show) -> None:
    assert main(["run", "--profile", "laptop", "--methods", "prior", "--profile=smoke", "--dry-run"]) == 0
    assert "profile smoke" in capsys.readouterr().out


def test_an_option_that_is_repeatable_may_stand_there_twice(tmp_path: Path, capsys: Show) -> None:
    words = ["run", "--methods", "prior", "--profile", "smoke", "--runs", str(tmp_path), "--dry-run"]
    assert main([*words, "--set", "profile.steps=3", "--set", "profile.batch=3"]) == 0
    assert "1 cell" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan", "inf"])
@pytest.mark.parametrize("command", [["run", "--dry-run"], ["run"], ["config", "pseudo-label"]])
def test_a_number_out_of_its_range_is_said_before_anything_runs(
    command: list[str], value: str, tmp_path: Path, capsys: Show
) -> None:
    runs = [] if command[0] == "config" else ["--methods", "pseudo-label", "--runs", str(tmp_path / "runs")]
    line = said([*command, "--profile", "smoke", *runs, "--set", f"confidence={value}"], capsys)
    assert line == f"mmbench: --set: confidence expects a number from 0 to 1, got {float(value)}\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--data-root", "{}"], ["run", "--dataset", "{}"], ["papers", "--data-root", "{}"],
        ["report", "--runs", "{}"], ["data", "verify", "{}"], ["data", "verify", "flowers", "--data-root", "{}"],
        ["data", "init", "{}"], ["translate", "--run", "{}", "--to", "rgb", "--out", "x", "--from", "depth", "x.png"],
    ],
)  # fmt: skip
def test_a_folder_that_is_not_there_is_said(arguments: list[str], tmp_path: Path, capsys: Show) -> None:
    missing = tmp_path / "images"
    (tmp_path / "image").mkdir()
    line = said([argument.format(missing) for argument in arguments], capsys)
    assert str(missing) in line
    assert "no such folder" in line or "is no folder" in line


def test_the_command_that_data_init_names_can_be_pasted(tmp_path: Path, capsys: Show) -> None:
    folder = tmp_path / "my images"
    for name, image in (
        ("rgb", Image.new("RGB", (4, 4), (200, 0, 0))),
        ("depth", Image.new("I;16", (4, 4), 1000)),
        ("segmentation", Image.frombytes("L", (4, 4), bytes([0, 1, 1, 1, 2, 2, 2, 2] * 2))),
    ):
        (folder / name).mkdir(parents=True)
        image.save(folder / name / "a.png")
    assert main(["data", "init", str(folder)]) == 0
    assert f"`python -m mmbench data verify '{folder}'`" in capsys.readouterr().out


def test_a_file_where_a_folder_of_images_is_expected_is_said(tmp_path: Path, capsys: Show) -> None:
    (tmp_path / "images.zip").touch()
    assert "images.zip: a file, expected a folder of own images" in said(
        ["data", "verify", str(tmp_path / "images.zip")], capsys
    )


@pytest.mark.parametrize("variable", ["MMBENCH_DATA", "MMBENCH_PLUGINS"])
def test_a_variable_that_names_no_folder_is_said(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    assert f"{variable} {tmp_path / 'nowhere'}: no such folder" in said(["data", "verify", "flowers"], capsys)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/y"), "/x/y: No space left on device; make room"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device; make room"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "/x"), "/x: Read-only file system; make room, or name another"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x"), "/x: Permission denied; change its perm"),
        (OSError(errno.ELOOP, os.strerror(errno.ELOOP), "a\x1b[1m"), "a\\x1b[1m: Too many levels of symbolic links"),
        (OSError("only words"), "only words; name another file or folder"),
    ],
)
def test_an_error_of_the_system_is_one_line(
    error: OSError, line: str, monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    def fail(options: object) -> int:
        raise error

    monkeypatch.setattr("mmbench.commands.list._list", fail)
    assert f"mmbench: {line}" in said(["list"], capsys)


def test_a_plan_for_a_gpu_that_is_not_here_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    monkeypatch.setattr("mmbench.commands.prospect.cuda_present", lambda: False)
    plan = ["run", "--dry-run", "--methods", "prior", "--profile", "smoke", "--runs", str(tmp_path)]
    assert main([*plan, "--device", "cuda"]) == 0
    assert "No GPU is to be seen here" in capsys.readouterr().out
    assert main(plan) == 0
    assert "No GPU is to be seen here" not in capsys.readouterr().out


def test_a_run_on_a_gpu_that_is_not_here_is_refused_before_any_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Show
) -> None:
    monkeypatch.setattr("mmbench.launching.benchmark.cuda_present", lambda: False)
    wanted = ["run", "--methods", "prior", "--profile", "smoke", "--runs", str(tmp_path), "--device", "cuda:1"]
    assert "--device cuda:1: no GPU is to be seen here; use --device cpu, or auto" in said(wanted, capsys)
    assert not list(tmp_path.iterdir())
