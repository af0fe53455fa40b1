"""What shells are told to complete: asked as bash asks, and in bash, zsh and fish where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmbench.commands.main import main

pytest.importorskip("argcomplete")

PROGRAM = "import sys; from mmbench.commands.main import main; sys.argv[0] = 'mmbench'; sys.exit(main())"
PLUGIN = (
    'NAME = "my-own"\nTITLE = "x"\nCLASS = "X"\nACCESS = "unpaired"\nGROUP = "baselines"\nKINDS = ("cross-modal",)\n'
)
STUBS = """
compdef() { : }
_describe() { print -l -- ${(P)2} }
eval "$(mmbench completion zsh)"
BUFFER="$1"; CURSOR=${#BUFFER}; words=(${=BUFFER}); CURRENT=${#words}
_python_argcomplete mmbench
"""
BASH = """
eval "$(mmbench completion bash)"
COMP_LINE="$1"; COMP_POINT=${#1}; COMP_TYPE=9; COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_python_argcomplete mmbench
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with a method from outside."""
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "own.py").write_text(PLUGIN)
    return tmp_path


def asked(line: str, plugins: Path, program: str = PROGRAM) -> list[str]:
    """The answer to the shell's question, from a file in place of its descriptor."""
    answer = plugins / "answer"
    environment = {
        **os.environ, "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line, "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer), "MMBENCH_PLUGINS": str(plugins),
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=plugins, check=True, timeout=120)
    return [word.strip() for word in answer.read_text().split("\n") if word.strip()]


@pytest.mark.parametrize(
    ("line", "some", "none"),
    [
        ("mmbench ru", ["run"], ["report"]),
        ("mmbench run --meth", ["--methods"], ["--set"]),
        ("mmbench run --methods my", ["my-own"], ["mmnet"]),
        ("mmbench run --methods mmnet,cycle", ["mmnet,cyclegan", "mmnet,cyclegan-residual"], ["mmnet,mmnet"]),
        ("mmbench run --methods judge", [], ["judge-classifier"]),
        ("mmbench run --dataset syn", ["synthetic", "synthetic-nir"], ["sunrgbd"]),
        ("mmbench run --dataset meth", ["methods/"], []),
        ("mmbench run --profile la", ["laptop"], ["paper"]),
        ("mmbench run --suite ab", ["ablation"], ["tables"]),
        ("mmbench run --table thesis-4.4", ["thesis-4.4"], ["thesis-4.6"]),
        ("mmbench run --precision b", ["bf16"], ["fp32"]),
        ("mmbench config judge", ["judge-classifier", "judge-domains"], ["mmnet"]),
        ("mmbench check lead", ["leaderboard"], []),
        ("mmbench data show flow", ["flowers"], []),
        ("mmbench new me", ["method", "metric"], ["report"]),
        ("mmbench new method mmn", [], ["mmnet"]),
        ("mmbench report segm", ["segmentation"], ["cost"]),
    ],
)
def test_names_are_completed(line: str, some: list[str], none: list[str], plugins: Path) -> None:
    found = asked(line, plugins)
    assert set(some) <= set(found)
    assert not set(none) & set(found)
    prefix = line.split()[-1]
    assert all(word.startswith(prefix) for word in found)


def test_nothing_that_takes_long_is_imported(plugins: Path) -> None:
    """argcomplete ends the process itself; what was imported by then is looked at there."""
    program = (
        "import os, sys\n"
        "def leave(code):\n"
        "    assert not {'torch', 'pandas', 'matplotlib', 'scipy'} & sys.modules.keys()\n"
        "    open('ended', 'w').close()\n"
        "    end(code)\n"
        f"end, os._exit = os._exit, leave\n{PROGRAM}"
    )
    assert asked("mmbench run --methods mmnet,dc", plugins, program)
    assert (plugins / "ended").is_file()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_in_the_shell_itself(shell: str, plugins: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program = plugins / "bin" / "mmbench"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{PROGRAM}\n")
    program.chmod(0o755)
    line = "mmbench run --methods mmnet,my"
    scripts = {
        "bash": [shell, "--norc", "-c", BASH, shell, line],
        "zsh": [shell, "-f", "-c", STUBS, shell, line],
        "fish": [shell, "--no-config", "-c", f"mmbench completion fish | source; complete -C '{line}'"],
    }
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MMBENCH_PLUGINS": str(plugins), "HOME": str(plugins)}
    done = subprocess.run(
        scripts[shell], env=environment, cwd=plugins, capture_output=True, text=True, check=False, timeout=120
    )
    # zsh's `_describe` is told `<name>:<explanation>`.
    assert [word.removesuffix(":") for word in done.stdout.split()] == ["mmnet,my-own"], done.stderr


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "csh"]) == 2
    assert "shell 'csh' is unknown" in capsys.readouterr().err


def test_without_argcomplete_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)
    assert main(["completion", "bash"]) == 2
    assert capsys.readouterr().err == "mmbench: completion needs the package argcomplete: pip install argcomplete\n"
