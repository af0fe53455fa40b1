"""The command ``export``: one translation of a trained cell as a file that needs no mmbench."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmbench.commands.arguments import add_data_root, add_translation, read_names, read_path, read_run, read_weights
from mmbench.errors import UserError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.description = (
        "Write one translation of a finished cell as a graph that runs without mmbench: an ONNX file for ONNX Runtime, "
        "or torch's exported program (.pt2). Arrays go in and an array comes out, depth in metres and class ids; what "
        "they mean stands in the file. It is held against the method before it is written. See docs/use.md."
    )
    parser.add_argument(
        "run",
        type=read_run,
        help="folder of a finished cell, .../<method>/seed-<n>, or a packed one; owner/name of a hub",
    )
    add_translation(parser, "modality that goes in; several: rgb,depth")
    parser.add_argument("--format", default="onnx", choices=("onnx", "torch"), help="onnx (default) or torch (.pt2)")
    parser.add_argument("--out", type=read_path, help="the file (default: <method>-<from>-to-<to>.onnx or .pt2, here)")
    parser.add_argument(
        "--batch", default="dynamic", metavar="N", help="images at a time (default: dynamic, any number)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")
    add_data_root(parser, "folder of the data set, where the cell does not record its modalities")
    parser.set_defaults(function=_export)


def _export(options: argparse.Namespace) -> int:
    batch = _batch(options.batch)
    sources = read_names(options.sources)
    if not sources:
        raise UserError("of which modality? Give --from")
    weights = read_weights(options.weights) if options.weights is not None else None

    from mmbench.inference import export
    from mmbench.inference.files import described
    from mmbench.inference.graph import Graph, probes, traced
    from mmbench.inference.load import load_cell, translator_of

    export.expect_packages(options.format)
    cell = load_cell(options.run, options.data_root, "cpu", "fp32")
    translator = translator_of(cell)
    how = {"via": options.via, "weights": weights, "side_from": options.side_from, "bn": options.bn}
    steps = translator.path(sources, options.output, **how)
    ending = export.ENDINGS[options.format]
    out = options.out or Path(f"{translator.name}-{'+'.join(sources)}-to-{options.output}{ending}")
    if out.suffix != ending:
        raise UserError(f"--out {out}: a file of --format {options.format} ends in {ending}")
    if out.exists() and not options.overwrite:
        raise UserError(f"--out {out}: exists already; name another file, or add --overwrite")
    images = probes([translator.modalities[name] for name in sources], translator.size, 1)
    translator.translate(dict(zip(sources, images, strict=True)), options.output, **how)  # says what it cannot do
    graph = Graph(translator.method, translator.modalities, steps, options.sample)
    about = export.facts(graph, translator.size, batch, export.origin(cell.about))
    said = export.write(traced(graph, translator.size, batch), options.format, about, graph, out)
    print(f"{out}: {translator.name}, {described(steps)}; {out.stat().st_size / 1e6:.1f} MB, {options.batch} batch")
    print(export.told(about))
    print(said)
    if (own := cell.about["hardware"]["precision"]) != "fp32":
        print(f"computed in fp32, the cell evaluated in {own}: `translate --precision fp32` gives what this file gives")
    return 0


def _batch(text: str) -> int | None:
    """A fixed number of images; None for any."""
    if text == "dynamic":
        return None
    if not (text.isdigit() and int(text) > 0):
        raise UserError(f"--batch {text!r}: expected dynamic, or a number of images from 1")
    return int(text)
