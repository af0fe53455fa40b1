"""How things stand in a runs folder: cells, runs and what is left, read off files alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmbench.given.texts import shown
from mmbench.launching.remaining import Remaining
from mmbench.launching.runfile import OPEN, Planned, RunFile, said
from mmbench.planning.words import duration
from mmbench.store.folder import PROGRESS, CellFolder, cell_folders

QUIET = ("done", "absent")  # of no interest beside those that run or have failed


def lines(runs: Path, everything: bool = False) -> list[str]:
    """What there is to say of a runs folder."""
    found = list(said(runs))
    planned = {cell.name: cell for about, _ in found for cell in about.cells}
    folders = {folder.name: folder for folder in cell_folders(runs)}
    folders |= {name: CellFolder(runs / name) for name in planned}
    if not folders:
        return [f"{runs}: nothing there yet"]
    jobs = _jobs(found, runs)
    states, progress, text = {}, {}, []
    for name, folder in sorted(folders.items()):
        key = planned[name].key if name in planned else None
        state, about = folder.look(key)
        states[name] = state
        progress[name] = folder.told(PROGRESS) if state in ("running", "interrupted") else {}
        detail = ", ".join(filter(None, (_detail(state, about, progress[name]), jobs.get(name, ""))))
        if everything or state not in QUIET or (name in jobs and state != "done"):
            text.append(f"{name:52} {'waiting' if state == 'absent' else state:11} {detail}".rstrip())
    text += [_run(about, lives) for about, lives in found]
    counts = Counter("waiting" if state == "absent" else state for state in states.values())
    text.append(f"{len(states)} cells: {', '.join(f'{count} {state}' for state, count in counts.most_common())}.")
    living = [about for about, lives in found if lives]
    if left := _left(living, states, progress):
        text.append(f"About {duration(left)} left.")
    return [shown(line) for line in text]


def _detail(state: str, about: dict[str, Any], progress: dict[str, Any]) -> str:
    if state in ("failed", "diverged", "damaged"):
        return str(about.get("reason", ""))
    if not progress:
        return ""
    done, total = progress.get("done", 0), progress.get("total", 0)
    parts = [f"{progress.get('what', '')} {done}/{total}" if total else str(progress.get("what", ""))]
    if state == "running":
        parts.append(f"on {progress.get('host', '?')}, process {progress.get('process', '?')}")
        if (silent := _since(progress.get("moved"))) is not None and silent > 60:
            parts.append(f"has not moved for {duration(silent)}")
        elif isinstance(left := progress.get("left"), int | float):
            parts.append(f"about {duration(left)} of it left")
    elif progress.get("ended"):
        parts.append(str(progress["ended"]))
    return ", ".join(parts)


def _jobs(found: list[tuple[RunFile, bool]], runs: Path) -> dict[str, str]:
    """Of cells that were handed to a launcher and are not done: their job, or what blocks them."""
    text: dict[str, str] = {}
    for about, _ in found:
        left = {cell.name for cell in about.left(runs)}
        for cell in about.cells:
            if cell.job and cell.name in left:
                text[cell.name] = f"{about.launcher} job {cell.job}"
            elif cell.job:
                broken = [name for name in cell.waits if name not in left and CellFolder(runs / name).state() != "done"]
                text[cell.name] = f"blocked by {broken[0]}" if broken else ""
    return text


def _run(about: RunFile, lives: bool) -> str:
    if about.launcher:
        word = "" if lives else ", none of which is left to do"
        return f"Jobs of {about.launcher}, submitted on {about.host}: {len(about.cells)} cells{word}."
    began = _since(about.begun)
    since = f", for {duration(began)}" if lives and began is not None else ""
    word = f"{about.jobs} at a time{since}" if lives else "it has died; the same command goes on from what is saved"
    return f"Run on {about.host}, process {about.process}: {len(about.cells)} cells, {word}."


def _left(living: list[RunFile], states: dict[str, str], progress: dict[str, dict[str, Any]]) -> float:
    """Seconds until the living runs have done what they plan; 0 where nothing is left."""
    cells: dict[str, Planned] = {cell.name: cell for about in living for cell in about.cells}
    open_ = {name: cell for name, cell in cells.items() if states[name] in OPEN}
    if not open_:
        return 0.0
    waits = {name: cell.waits for name, cell in open_.items()}
    left = Remaining({name: cell.seconds for name, cell in open_.items()}, waits, sum(about.jobs for about in living))
    running: dict[str, tuple[float, float | None]] = {}
    for name in open_:
        trains = progress[name].get("total") == cells[name].steps
        work = progress[name].get("left") if trains else None
        running[name] = (0.0, float(work) if isinstance(work, int | float) else None)
    return left.left(running)


def _since(text: object) -> float | None:
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(str(text))).total_seconds())
    except (ValueError, TypeError):
        return None
