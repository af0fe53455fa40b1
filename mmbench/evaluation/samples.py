"""Sample translations of a cell, as pictures and as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.dataset import Dataset
from mmbench.pictures import grid, legend, png
from mmbench.store.files import write_arrays, write_bytes
from mmbench.training.cache import Cache


def sample_files(
    dataset: Dataset,
    cache: Cache,
    ids: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    drawn: Mapping[str, np.ndarray],
) -> dict[str, bytes | Mapping[str, np.ndarray]]:
    """One PNG per row (inputs, translation, truth, and what their colours mean), and ``samples.npz``.

    ``samples.npz`` holds the translations of each row as arrays (``<row number>``), and everything as uint8 RGB
    pictures ``(N, H, W, 3)``: ``picture/<row number>`` and, for every modality, ``truth/<modality>``. The picture of
    a modality that a sample lacks is black.
    """
    index, task = cache.index(ids), dataset.task
    truth = {}
    for modality in task.modalities:
        there = cache.holding(index, [modality.name])
        if there.any():
            made = np.stack([modality.picture(array) for array in cache.read(modality.name, index[there])])
            truth[modality.name] = np.zeros((len(index), *made.shape[1:]), np.uint8)
            truth[modality.name][there] = made
    arrays = {f"truth/{name}": pictures for name, pictures in truth.items()}
    files: dict[str, bytes | Mapping[str, np.ndarray]] = {}
    for number, row in enumerate(rows):
        target = task.modality(row["output"])
        translated = np.stack([target.picture(array) for array in drawn[str(number)]])
        arrays |= {str(number): drawn[str(number)], f"picture/{number}": translated}
        columns = {name: truth[name] for name in row["inputs"].split("+")}
        columns |= {"translated": translated, f"true {target.name}": truth[target.name]}
        path = [row["inputs"], *([row["via"]] if row["via"] else []), row["output"]]
        suffix = "" if row["bn"] == "trained" else f"-bn-{row['bn']}"
        suffix += f"-weights-{row['weights']}-side-{row['side_from']}" if row["weights"] else ""
        sheet = grid(columns)
        shown = [task.modality(name) for name in dict.fromkeys([*row["inputs"].split("+"), target.name])]
        legends = [legend(dict(m.swatches), sheet.shape[1]) for m in shown if m.swatches]
        files[f"{'-to-'.join(path)}{suffix}.png"] = png(np.concatenate([sheet, *legends]))
    return {**files, "samples.npz": arrays}


def write_pictures(folder: Path, pictures: Mapping[str, bytes | Mapping[str, np.ndarray]]) -> None:
    """Write each picture or set of arrays under its name."""
    for name, content in pictures.items():
        if isinstance(content, bytes):
            write_bytes(folder / name, content)
        else:
            write_arrays(folder / name, content)
