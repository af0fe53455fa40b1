"""Chromium without a window: what a page looks like, and what its script made of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 120  # that one page may take
PATIENCE = 3000  # milliseconds, of a clock that runs ahead, that a page's script gets before it is looked at


def found() -> str | None:
    """The program on the PATH, None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def browse(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page, the last of the options, without the network's help; what its console says is on standard error."""
    fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--virtual-time-budget={PATIENCE}",
             "--disable-background-networking", "--enable-logging=stderr")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mmbench-") as profile:
        command = [program, *fixed, f"--user-data-dir={Path(profile)}", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
