"""Log records between a cell's process, the scheduler and the user."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.launching.messages import Message, parse
from mmbench.plugins import catalog

SAYS = """
import logging, sys
from mmbench.launching import messages
messages.emit()
messages.emit()
log = logging.getLogger("mmbench.methods.mine")
log.info("not shown")
log.warning("no %s:\\n  gone", "weights")
log.error("worse")
print("a plug-in's own print", file=sys.stderr)
"""
METHOD = '''
"""A prior that warns, and prints."""
import logging
import os

from mmbench.methods.prior import Prior

NAME = "warns"
TITLE = "Warns"
CLASS = "Warns"
ACCESS = "seen-groups"
GROUP = "chance"
KINDS = ("cross-modal",)


class Warns(Prior):
    def __init__(self, context):
        super().__init__(context)
        logging.getLogger(__name__).warning("its weights cannot be had")
        os.write(1, b"\\xff\\xfe is no text\\n")  # would end a strict reader, and the cell would wait for it for ever
        print("a print of its own")
'''


def test_a_cells_records_are_read_back_and_prints_are_none() -> None:
    done = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    found = [parse(line) for line in done.stderr.splitlines()]
    assert found == [
        Message("WARNING", "mmbench.methods.mine", "no weights:\n  gone"),
        Message("ERROR", "mmbench.methods.mine", "worse"),
        None,
    ]
    assert found[0] is not None and found[0].line == "warning: no weights: gone"


@pytest.mark.parametrize(
    "line", ["", "{", "3", "null", "[" * 10**5, '{"level": "WARNING"}', '{"level": 1, "logger": "a", "message": "b"}']
)
def test_other_lines_are_no_records(line: str) -> None:
    assert parse(line) is None


def test_a_commands_own_records_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["list", "profiles"]) == 0
    logging.getLogger("mmbench.inference.load").warning("made with %s", "other code")
    assert capsys.readouterr().err == "mmbench: warning: made with other code\n"


def test_a_cells_warning_reaches_the_user_with_the_cells_name(
    run_cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "plugins" / "methods").mkdir(parents=True)
    (tmp_path / "plugins" / "methods" / "warns.py").write_text(METHOD)
    settings = catalog.find("methods", "prior").path.with_suffix(".toml").read_text().partition("[variants")[0]
    (tmp_path / "plugins" / "methods" / "warns.toml").write_text(settings)
    done = run_cli(
        "run", "--profile", "smoke", "--methods", "warns", "--runs", str(tmp_path / "runs"),
        plugins=tmp_path / "plugins",
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert "synthetic/smoke/warns/seed-0: warning: its weights cannot be had" in lines
    assert "a print of its own" in lines
    assert any(line.startswith("synthetic/smoke/warns/seed-0: done") for line in lines), done.stdout
