"""The command ``data``: verify, prepare, show, download, init."""

from __future__ import annotations

import argparse
from math import inf
from pathlib import Path

from mmbench.commands.arguments import add_data_root, read_path
from mmbench.errors import UserError

LARGEST = 4096  # pixels of a picture's side: with eight samples, a sheet that few programs open
DONE = {"verify": "verified", "prepare": "prepared", "show": "shown"}
USUAL = ("rgb", "depth", "segmentation", "nir")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its actions and their options."""
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    parser.set_defaults(function=_data)
    verify = actions.add_parser("verify", help="open every file, name what is damaged or missing")
    prepare = actions.add_parser("prepare", help="decode everything a profile reads into the cache")
    show = actions.add_parser("show", help="a picture of aligned samples with the classes' colours")
    for action in (verify, prepare, show):
        action.add_argument("dataset", help="a name, or a folder of own images")
        add_data_root(action, "folder that holds the data set (or set MMBENCH_DATA)")
        action.add_argument("--set", action="append", default=[], metavar="data.KEY=VALUE", help="change a setting")
    verify.add_argument("--content", action="store_true", help="also read every byte, and compare with the last time")
    prepare.add_argument("--profile", default="laptop", help="whose image size and amount (default laptop)")
    prepare.add_argument("--cache", type=read_path, help="folder for decoded images (default ~/.cache/mmbench)")
    show.add_argument("--out", type=read_path, help="PNG to write (default <data set>.png)")
    show.add_argument("--count", type=int, default=8, help="samples (default 8)")
    show.add_argument("--size", type=int, default=128, help="pixels (default 128)")
    download = actions.add_parser("download", help="fetch and unpack the public archives of a data set")
    download.add_argument("dataset")
    download.add_argument("--data-root", type=read_path, help="where to (default data)")
    download.add_argument("--yes", action="store_true", help="agree to the terms, which are shown first")
    init = actions.add_parser("init", help="write a commented dataset.toml for a folder of own images")
    init.add_argument("folder", type=read_path)
    for modality in USUAL:
        init.add_argument(f"--{modality}", metavar="FOLDER", help=f"which of its folders holds {modality}")


def _data(options: argparse.Namespace) -> int:
    from mmbench.commands import data_sets as data
    from mmbench.planning.config import parse_overrides
    from mmbench.planning.plan import blaming
    from mmbench.planning.selection import choose_datasets

    if options.action == "init":
        named = {modality: getattr(options, modality) for modality in USUAL}
        data.init(options.folder, {modality: folder for modality, folder in named.items() if folder})
        return 0
    if options.action == "download":
        data.download(options.dataset, options.data_root or Path("data"), options.yes)
        return 0
    changes = parse_overrides(options.set)
    if options.action == "show":
        for option, number, most in (("--count", options.count, inf), ("--size", options.size, LARGEST)):
            if not 1 <= number <= most:
                raise UserError(f"{option} {number}: expected 1 {f'to {most}' if most < inf else 'or more'}")
    (source,) = choose_datasets([options.dataset])
    with blaming(source.card, f"cannot be {DONE[options.action]}"):
        if options.action == "verify":
            return 1 if data.verify(source, options.data_root, changes, options.content) else 0
        if options.action == "prepare":
            data.prepare(source, options.data_root, changes, options.profile, options.cache)
        else:
            out = options.out or Path(f"{Path(options.dataset).name}.png")
            data.show(source, options.data_root, changes, out, options.count, options.size)
    return 0
