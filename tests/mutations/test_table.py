"""The table of mutations fits the code, and the runner works on a repository of two files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.delitem(sys.modules, "run", raising=False)
    import run

    return run


def test_every_change_can_be_made(run: ModuleType) -> None:
    mutations = run.read()
    assert not [problem for mutation in mutations if (problem := mutation.problem(run.ROOT))]
    assert len({mutation.name for mutation in mutations}) == len(mutations)


def test_the_runner_tells_what_is_noticed_from_what_is_not(
    run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "repository"
    files = {
        "mmbench/__init__.py": "def double(x):\n    return 2 * x\n\n\ndef triple(x):\n    return 3 * x\n",
        "tests/test_it.py": "import mmbench\n\n\ndef test_double():\n    assert mmbench.double(2) == 4\n",
        "table.toml": "".join(
            f'[[mutation]]\nname = "{name}"\nfile = "mmbench/__init__.py"\nold = "{old}"\nnew = "{new}"\n'
            'tests = ["tests/test_it.py"]\n'
            for name, old, new in (("doubled", "2 * x", "x"), ("tripled", "3 * x", "x"))
        ),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.setattr(run, "ROOT", root)
    monkeypatch.setattr(run, "read", lambda table=root / "table.toml", read=run.read: read(table))
    out = tmp_path / "results.md"
    assert run.main(["--out", str(out)]) == 1
    rows = [line.split(" | ") for line in out.read_text().splitlines() if "`mmbench/__init__.py`" in line]
    assert [row[2] for row in rows] == ["`tests/test_it.py::test_double`", run.LIVES]
    assert (root / "mmbench" / "__init__.py").read_text() == files["mmbench/__init__.py"], "the repository is untouched"
    (root / "mmbench" / "__init__.py").write_text("")
    assert run.main([]) == 2
    assert "doubled: mmbench/__init__.py holds its old text 0 times instead of once" in capsys.readouterr().err
