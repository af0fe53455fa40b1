"""The command ``translate``."""

from __future__ import annotations

import argparse

from mmbench.commands.arguments import (
    add_data_root,
    add_translation,
    check_device,
    read_names,
    read_path,
    read_run,
    read_weights,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.description = (
        "Translate image files with a trained cell. They are read, cropped to the centre square and resized to the "
        "cell's size as those that it was trained on. Written per file: rgb: PNG; depth: PNG with 16-bit millimetres, "
        "PNG in colours; segmentation: PNG with class ids and palette, PNG in colours; scalar: 8-bit PNG, .npy. "
        "See docs/translate.md."
    )
    parser.add_argument(
        "files", nargs="*", type=read_path, help="one per modality of --from and sample, sample by sample"
    )
    parser.add_argument(
        "--run",
        type=read_run,
        required=True,
        help="folder of a finished cell, .../<method>/seed-<n>, or a packed one; owner/name of a hub",
    )
    add_translation(parser, "modality of the files; several: rgb,depth")
    parser.add_argument("--out", type=read_path, required=True, help="folder to write to")
    parser.add_argument("--input", action="append", default=[], metavar="MODALITY=FILE", help="in place of files")
    parser.add_argument(
        "--read",
        action="append",
        default=[],
        metavar="MODALITY.KEY=VALUE",
        help="how files are read that are unlike the cell's own: depth.unit, .invalid, .far, <scalar>.range, .clip, "
        "segmentation.ids, .palette, .void as in dataset.toml; MODALITY=written: in the form that translate writes",
    )
    parser.add_argument("--depth-unit", help="short for --read depth.unit=...")
    parser.add_argument(
        "--size",
        default="cell",
        choices=("cell", "input"),
        help="of what is written: the cell's (default), or enlarged to that of the input",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that are there already")
    add_data_root(parser, "folder of the data set, where the cell does not record its modalities or how files are read")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--precision", default="auto", choices=("auto", "bf16", "fp32"), help="auto: as the cell was evaluated"
    )
    parser.set_defaults(function=_translate)


def _translate(options: argparse.Namespace) -> int:
    from mmbench.inference.files import Request, group_files, translate_files
    from mmbench.inference.load import load_translator
    from mmbench.inference.stated import readings

    check_device(options.device)
    samples = group_files(read_names(options.sources), options.files, options.input)
    weights = read_weights(options.weights) if options.weights is not None else None
    request = Request(
        samples, options.output, options.via, weights, options.side_from, options.bn, options.sample,
        options.size == "input",
    )  # fmt: skip
    translator = load_translator(options.run, options.data_root, options.device, options.precision)
    translator.readings = readings(options.read, translator.modalities, translator.readings, options.depth_unit)
    translate_files(translator, request, options.out, options.overwrite)
    return 0
