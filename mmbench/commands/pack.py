"""The command ``pack``: a trained cell as one folder for others."""

from __future__ import annotations

import argparse

from mmbench.commands.arguments import add_data_root, read_path, read_run
from mmbench.errors import UserError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.description = (
        "Write what was trained as one folder to hand to others: model.safetensors, config.json, digests.json and "
        "README.md, a card with data, split, scores, terms of the data and limits. `translate`, `export` and "
        "mmbench.load_translator open it on any machine, without the data. Of a hub it is owner/name. See docs/use.md."
    )
    parser.add_argument("run", type=read_run, help="folder of a finished cell, .../<method>/seed-<n>")
    parser.add_argument("--out", type=read_path, required=True, help="a new folder")
    add_data_root(parser, "folder of the data set, where the cell does not record its modalities or how files are read")
    parser.set_defaults(function=_pack)


def _pack(options: argparse.Namespace) -> int:
    out = options.out
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"--out {out}: exists already; name a new folder")

    from mmbench.given.files import read_bytes
    from mmbench.inference import card, packed
    from mmbench.inference.load import load_cell
    from mmbench.store.digests import of_bytes

    cell = load_cell(options.run, options.data_root, "cpu", "fp32")
    about = packed.content(cell.about, cell.method.task, cell.readings)
    weights = read_bytes(cell.weights)
    try:
        text = card.written(about, cell.method.task, {packed.WEIGHTS: (len(weights), of_bytes(weights))})
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"{cell.folder}: its result does not say what a card needs ({type(error).__name__}: {error}); `run` makes "
            "it again"
        ) from error
    for path in packed.pack(about, weights, out, text):
        print(f"{path}: {path.stat().st_size} bytes")
    print(f"To use: python -m mmbench translate --run {out} --from ... --to ... FILE --out FOLDER")
    return 0
