"""The command ``side-information``: what a finished method's decoders read, beside its cell."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmbench.commands.arguments import add_data_root, read_path
from mmbench.errors import UserError
from mmbench.store.processors import check_device

FILE = "side_information.json"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.description = (
        "Look into finished cells: how far the pooling indices of two encoders agree, and what becomes of unseen "
        "translations with other indices, those of RGB and of the truth among them, or with the latent of another "
        f"scene. Written to {FILE} beside each cell's result, which stays as it is; shown by `report "
        "side-information`. See docs/results.md."
    )
    parser.add_argument(
        "runs", nargs="+", type=read_path, metavar="RUN",
        help="a finished cell, .../<method>/seed-<n>, or a folder above some: all that can be looked into",
    )  # fmt: skip
    add_data_root(parser, "folder of the data set")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.set_defaults(function=_side_information)


def _side_information(options: argparse.Namespace) -> int:
    check_device(options.device)
    for run in options.runs:
        below = [] if (run / "cell.json").exists() else _finished_below(run)
        for cell in below:
            try:
                _look_into(cell, options.data_root, options.device)
            except UserError as error:
                print(f"left out: {error}")
        if not below:
            _look_into(run, options.data_root, options.device)
    print("To read: python -m mmbench report side-information")
    return 0


def _finished_below(folder: Path) -> list[Path]:
    """Cells with a result."""
    from mmbench.store.folder import cell_folders

    return [cell.path for cell in cell_folders(folder, "**/seed-*") if (cell.path / "result.json").exists()]


def _look_into(run: Path, data_root: Path | None, device_name: str) -> None:
    import torch

    from mmbench.evaluation.side_information import Looked, look
    from mmbench.inference.load import dataset_of, load_cell
    from mmbench.plugins import catalog
    from mmbench.plugins.remembered import cache_folder
    from mmbench.store import digests
    from mmbench.store.files import write_sealed
    from mmbench.training import cache

    loaded = load_cell(run, data_root, device_name)
    # Taken first: numbers of another training must not stand beside a cell that is made again meanwhile.
    result = digests.of_file(run / "result.json")
    about, compute = loaded.about, loaded.compute
    dataset = dataset_of(loaded, data_root)
    images = cache.open_whole(
        dataset, catalog.find("datasets", about["dataset"]), about["profile_values"]["size"], cache_folder()
    )
    looked = Looked(
        loaded.method.to(compute.device, memory_format=torch.channels_last),  # type: ignore[call-overload]
        dataset.task, images, dataset.split(), compute, about["profile_values"]["evaluate_batch"],
        str(about["config"]["settings"].get("side_information", "")),
    )  # fmt: skip
    try:
        found = look(looked)
    except UserError as error:
        raise UserError(f"{run}: {error}") from error
    write_sealed(run / FILE, {"result": result, "precision": compute.precision, **found})
    print(f"{run / FILE}: {len(found['rows'])} rows, {len(found['agreement'])} counts of indices")
