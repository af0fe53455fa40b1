"""The results of all cells below a runs folder, as reports are handed them."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pandas as pd

from mmbench.given.weights import brief
from mmbench.plugins import catalog
from mmbench.plugins.metrics import load_metrics
from mmbench.reporting import COLUMNS, Listed, Results
from mmbench.store import digests, journal
from mmbench.store.files import read_json
from mmbench.store.folder import PROGRESS, CellFolder, cell_folders, identity
from mmbench.store.kept import Kept
from mmbench.store.sources import contradicting, present

NAMED = ("dataset", "profile", "method")  # what --set can change, and then has another name in the runs folder
AGAIN = "to have it made again, delete its result.json"
CHANGED = "made with other code; `run` makes it again"
NOT_HERE = f"its method is not here to compare with; is {catalog.PLUGINS_VARIABLE} the folder of your plug-ins?"
KEPT = "report-cache"  # a folder below runs
MOST = 2048  # metrics of one translation; 255 classes are the most that labels have
MEASURED = COLUMNS[-3:]  # metric, cls and value, which the values of a translation do not share


def collect(runs: Path, current: Callable[[str], str | None] | None = None) -> tuple[Results, list[str]]:
    """All finished cells, and a line per cell that is not just done, or not as those that it stands beside.

    A damaged folder gives a line, never an error.

    Args:
        current: a method's name to the digest of its source as it is now, by default of the plug-in of that name; a
            result with another one is stale, and one of another protocol or another source of its data set.
    """
    cards, datasets = catalog.cards("methods"), catalog.cards("datasets")
    current = current or functools.cache(lambda name: present(cards.get(name)))
    harness = functools.cache(lambda name: present(datasets.get(name)))
    rows: list[tuple[Any, ...]] = []
    cells: list[Mapping[str, Any]] = []
    agreeing: dict[str, Mapping[str, Any]] = {}
    folders = cell_folders(runs)
    was_done, notes = journal.finished(runs)
    notes += _vanished(was_done, {folder.name for folder in folders})
    for folder in folders:
        who, (state, result, known) = identity(folder), folder.examine()
        if state != "done":
            before = "" if folder.name not in was_done or state == "running" else "; it was done once"
            notes.append(f"{folder.name}: {state}{_reason(folder, state, result)}{before}")
            continue
        if wrong := digests.wrong_sizes(folder.path, known):
            notes.append(f"{folder.name}: {', '.join(wrong)} damaged or gone; {AGAIN}")
        try:
            base = {name: str(result.get(name) or who[name]) for name in NAMED}
            shared = harness(base["dataset"])
            other = "harness" in result and shared is not None and result["harness"] != shared
            stale = other or result.get("source") != current(base["method"])
            title = (base["method"] in cards and cards[base["method"]].get("TITLE")) or result["title"]
            told = {"base_method": base["method"], "change": _change(result, who["method"], base["method"])}
            rows += _rows(result, {**who, **told, "title": title, "state": "stale" if stale else state})
            needs_root = base["dataset"] in datasets and datasets[base["dataset"]].get("NEEDS_ROOT", True)
            facts = {name: value for name, value in result.items() if name != "rows"}
            cells.append({**facts, **who, "base": base, "needs_root": needs_root})
            agreeing[folder.name] = {**result, **base}
            if stale:
                notes.append(f"{folder.name}: stale ({CHANGED if base['method'] in cards else NOT_HERE})")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            notes.append(f"{folder.name}: damaged result.json ({type(error).__name__}: {error})")
    odd = contradicting(agreeing)
    notes += [f"{name}: stands beside cells of another making ({what})" for name, what in odd.items()]
    remarks = _remarks(cells, datasets, tuple(odd))
    return Results(
        _frame(rows), tuple(cells), runs, remarks, kept=Kept(runs / KEPT), metrics=load_metrics(),
        known_methods=listed(cards), known_datasets=listed(datasets),
    ), notes  # fmt: skip


def listed(cards: Mapping[str, catalog.Card]) -> tuple[Listed, ...]:
    """Methods or data sets as reports are handed them: those that can be used, without judges."""
    usable = [card for card in cards.values() if not card.problem and card.get("ROLE") != "judge"]
    return tuple(Listed(card.name, card["TITLE"], tuple(card.get("KINDS") or [card["KIND"]])) for card in usable)


def _change(result: Mapping[str, Any], name: str, base: str) -> str:
    """What ``--set`` changed of the method, such as ``side_information=skip``; of results that do not record it the
    digest in the folder's name.
    """
    changed = result.get("changed")
    if isinstance(changed, Mapping) and isinstance(changed.get("method"), Mapping):
        return ", ".join(f"{key}={brief(value)}" for key, value in sorted(changed["method"].items()))
    return name.removeprefix(base).lstrip("+")


def _remarks(
    cells: Sequence[Mapping[str, Any]], datasets: Mapping[str, catalog.Card], odd: Sequence[str] = ()
) -> dict[str, str]:
    """The remark of each data set, under the names that it and its changed forms have in the runs folder.

    Args:
        odd: cells that differ in code, data or settings from others that they are averaged or compared with.
    """
    remarks = {name: card.get("REMARK", "") for name, card in datasets.items()}
    remarks |= {cell["dataset"]: remarks.get(cell["base"]["dataset"], "") for cell in cells}
    for dataset, names in itertools.groupby(sorted(odd), key=lambda name: name.partition("/")[0]):
        first, *more = names
        others = f" and {len(more)} more" if more else ""
        said = f"Of other code, data or settings than most cells of {dataset}: {first}{others} (see the notes)."
        remarks[dataset] = f"{remarks[dataset]} {said}".strip()
    for cell in cells:
        skipped = cell.get("skipped")
        if isinstance(skipped, list) and skipped:
            said = f"Damaged files of {cell['dataset']} that were left out: {len(skipped)}, such as {skipped[0]}."
            if said not in remarks[cell["dataset"]]:
                remarks[cell["dataset"]] = f"{remarks[cell['dataset']]} {said}".strip()
    return remarks


def _rows(result: Mapping[str, Any], who: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """A row per metric value of a cell's translations and, without inputs and output, of what it cost."""
    about = {
        **who,
        "published_dataset": result.get("published_dataset", ""),
        "pretrained": bool(result.get("pretrained", False)),
    }
    parts = [(row, row["metrics"]) for row in result["rows"]]
    # A method whose translations have no test image has no rows, but it has a cost.
    parts.append(({"group": result["rows"][0]["group"] if result["rows"] else ""}, _costs(result)))
    rows = []
    for fields, metrics in parts:
        if len(metrics) > MOST:
            raise ValueError(f"{len(metrics)} metrics of one translation, expected at most {MOST}")
        whole = {**fields, **about}
        shared = [whole.get(column, float("nan")) for column in COLUMNS[: -len(MEASURED)]]
        for name, value in metrics.items():
            metric, _, cls = name.partition("/")
            rows.append((*shared, metric, cls, float("nan") if value is None else value))
    return rows


def _costs(result: Mapping[str, Any]) -> dict[str, float]:
    return {
        "parameters": result["parameters"],
        "train_seconds": result["timing"]["seconds"],
        "peak_memory_bytes": result["peak_memory_bytes"],
        **result.get("cost", {}),
    }


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    # A damaged result holds something else than numbers: shown as it is.
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        frame["value"] = frame["value"].astype(float)
    return frame


def _vanished(was_done: Mapping[str, Mapping[str, Any]], there: Set[str]) -> list[str]:
    """A note for each finished cell of the journal that has no folder any more."""
    return [
        f"{name}: gone (finished {entry.get('finished', 'once')}; if that is meant, delete its lines in {journal.FILE})"
        for name, entry in sorted(was_done.items())
        if name not in there
    ]


def _reason(folder: CellFolder, state: str, about: Mapping[str, Any]) -> str:
    """What the folder says of its state, in brackets."""
    if state in ("running", "interrupted"):
        with contextlib.suppress(ValueError, LookupError):
            now = read_json(folder.path / PROGRESS)
            if now is not None:
                at = f"{now['what']} {now['done']}/{now['total']}"
                word = now.get("ended") or f"process {now['process']} on {now['host']}"
                return f" ({at}, {word}, {now['time']})"
    return f" ({about['reason']})" if about.get("reason") else ""
