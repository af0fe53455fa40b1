"""The command ``translate``."""

from __future__ import annotations

import argparse

from mmbench.commands.arguments import (
    add_data_root,
    add_translation,
    read_names,
    read_path,
    read_run,
    read_weights,
)
from mmbench.errors import UserError
from mmbench.store.processors import PRECISIONS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.description = (
        "Translate image files with a trained cell. They are read, cropped to the centre square and resized to the "
        "cell's size as those that it was trained on. Written per file: rgb: PNG; depth: PNG with 16-bit millimetres, "
        "PNG in colours; segmentation: PNG with class ids and palette, PNG in colours; scalar: 8-bit PNG, .npy. "
        "See docs/translate.md."
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=read_path,
        help="one per modality of --from and sample, sample by sample; or a folder of each modality; or a video",
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
    parser.add_argument(
        "--tile",
        action="store_true",
        help="translate images at their own size, in overlapping tiles of the cell's size that are blended",
    )
    parser.add_argument("--overlap", type=int, help="of tiles, in pixels (default: a quarter of a tile)")
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that are there already")
    add_data_root(parser, "folder of the data set, where the cell does not record its modalities or how files are read")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help="auto: as the cell was evaluated")
    parser.set_defaults(function=_translate)


def _translate(options: argparse.Namespace) -> int:
    from mmbench.inference.files import Request, group_files, translate_files
    from mmbench.inference.load import load_translator
    from mmbench.inference.stated import readings

    sources, streamed = read_names(options.sources), _streamed(options)
    samples = () if streamed else group_files(sources, options.files, options.input)
    weights = read_weights(options.weights) if options.weights is not None else None
    if options.overlap is not None and not options.tile:
        raise UserError("--overlap is of tiles: add --tile")
    translator = load_translator(options.run, options.data_root, options.device, options.precision)
    translator.readings = readings(options.read, translator.modalities, translator.readings, options.depth_unit)
    overlap = translator.size // 4 if options.overlap is None else options.overlap
    request = Request(
        options.output, options.via, weights, options.side_from, options.bn, options.sample,
        options.size == "input", overlap if options.tile else None,
    )  # fmt: skip
    if not streamed:
        translate_files(translator, request, samples, options.out, options.overwrite)
        return 0

    from mmbench.inference.streams import translate_folders, translate_video

    if streamed == "video":
        (video,), (source,) = options.files, sources
        broken = translate_video(translator, request, source, video, options.out, options.overwrite)
    else:
        broken = translate_folders(translator, request, sources, options.files, options.out, options.overwrite)
    return 1 if broken else 0


def _streamed(options: argparse.Namespace) -> str:
    """``folders`` or ``video`` where that is what is to be translated; empty for files."""
    from mmbench.inference.sequences import is_video

    folders = [path for path in options.files if path.is_dir()]
    videos = [path for path in options.files if path.is_file() and is_video(path)]
    if not folders and not videos:
        return ""
    sources = read_names(options.sources)
    if options.input or (len(folders) < len(options.files) and len(videos) < len(options.files)):
        raise UserError(f"{(folders + videos)[0]}: give files, or folders, or a video, not several of these")
    if not sources:
        raise UserError(f"{options.files[0]}: of which modality? Give --from")
    if videos and (len(videos), len(sources)) != (1, 1):
        raise UserError(f"{videos[0]}: give one video, and one modality with --from")
    return "video" if videos else "folders"
