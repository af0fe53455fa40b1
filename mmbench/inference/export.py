"""A graph as one file that others run without mmbench: ONNX, or torch's own exported program."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.export import ExportedProgram

from mmbench.errors import UserError
from mmbench.given.packages import installed
from mmbench.inference.files import described
from mmbench.inference.graph import BATCH, Graph, probes, quiet
from mmbench.modality import Modality
from mmbench.store.files import write_bytes

Format = Literal["onnx", "torch"]

DYNAMIC = "dynamic"

ENDINGS: dict[Format, str] = {"onnx": ".onnx", "torch": ".pt2"}
NEEDED: dict[Format, tuple[str, ...]] = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "torch": ()}
DESCRIBED = "mmbench.json"  # the description's name in a file of either format

# ScatterElements adds at repeated indices from opset 16 on, and 18 is the least that torch's exporter writes by itself.
# Runtimes of three years ago read it; nothing that these networks do asks for a later one.
OPSET = 18

# What two runtimes that add in another order may differ by. A label flips where two classes score alike, and a level
# of colour where a value lies between two.
LABELS = 0.002  # share of pixels with another class, or with a colour that is another by more than one level
RELATIVE = 1e-3  # of depth and scalar values, and in their unit


@dataclass(frozen=True)
class Port:
    """An input or the output, for who has the file alone.

    Attributes:
        dtype: numpy's name.
        shape: dimensions by name or number.
        values: what they mean, in words.
        classes: class names by id, void first; empty for what has no classes.
    """

    name: str
    kind: str
    dtype: str
    shape: tuple[str | int, ...]
    values: str
    classes: tuple[str, ...] = ()


def facts(graph: Graph, size: int, batch: int | None, origin: dict[str, Any]) -> dict[str, Any]:
    """All that is to be known of a file, as JSON's types.

    Args:
        origin: which cell it comes from.
    """
    return {
        **origin,
        "translation": described(graph.steps),
        "sample": graph.sample,
        "size": size,
        "batch": batch or DYNAMIC,
        "preparation": f"the largest square in the middle of each image, resized to {size} x {size}: colours, depth "
        "and grey averaged over areas (depth over what was measured), labels by nearest neighbour; inputs are aligned",
        "inputs": [asdict(_port(modality, size, batch)) for modality in graph.inputs],
        "output": asdict(_port(graph.output, size, batch)),
    }


def origin(about: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a cell's result says, what tells where a network comes from."""
    return {name: about.get(name) for name in ("method", "dataset", "profile", "seed", "key", "commit", "manifest")}


def expect_packages(form: Format) -> None:
    """Raise UserError where what writes and checks a format is not installed."""
    if missing := [name for name in NEEDED[form] if not installed(name)]:
        verb = "is" if len(missing) == 1 else "are"
        raise UserError(f"--format {form}: {', '.join(missing)} {verb} not installed: pip install 'mmbench[export]'")


def write(program: ExportedProgram, form: Format, about: dict[str, Any], graph: Graph, path: Path) -> str:
    """Write a program with its description, once it is known to compute what the method does.

    Returns:
        What was compared, in words.

    Raises:
        UserError: the format cannot hold it, or gives other images, or the file cannot be written.
    """
    content = _onnx(program, about) if form == "onnx" else _torch(program, about)
    said = _compared(content, form, about, graph)
    try:
        write_bytes(path, content)
    except OSError as error:
        raise UserError(f"--out {path}: cannot be written ({error.strerror})") from error
    return said


def differing(modality: Modality, made: np.ndarray, expected: np.ndarray) -> float:
    """The share of pixels by which two batches of arrays of a modality are not the same (see LABELS, RELATIVE)."""
    if modality.dtype != np.uint8:
        return float((~np.isclose(made, expected, rtol=RELATIVE, atol=RELATIVE)).mean())
    levels = np.abs(made.astype(int) - expected.astype(int))
    return float((levels > (1 if modality.is_colour else 0)).mean())


def run_onnx(content: bytes, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """What ONNX Runtime makes of arrays, in the order of the model's inputs, on a CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    feed = {port.name: array for port, array in zip(session.get_inputs(), arrays, strict=True)}
    (made,) = session.run(None, feed)
    return np.asarray(made)


def _onnx(program: ExportedProgram, about: dict[str, Any]) -> bytes:
    names = [port["name"] for port in about["inputs"]]
    output = about["output"]["name"]
    with quiet():
        made = torch.onnx.export(
            program, dynamo=True, opset_version=OPSET, input_names=names, output_names=[_apart(output, names)]
        )
    assert made is not None
    proto = made.model_proto
    _cleaned(proto, about["batch"] == DYNAMIC)
    for key, value in {"mmbench": json.dumps(about), "description": told(about)}.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    proto.doc_string = told(about)
    return bytes(proto.SerializeToString())


def _cleaned(proto: Any, dynamic: bool) -> None:
    """Drop where in the code each node came from, paths of this machine among it; name the open dimension."""
    graph = proto.graph
    values = (*graph.input, *graph.output, *graph.value_info)
    for item in (graph, *values, *graph.node, *graph.initializer):
        item.ClearField("metadata_props")
    if dynamic:
        symbol = graph.input[0].type.tensor_type.shape.dim[0].dim_param
        for dimension in (dimension for value in values for dimension in value.type.tensor_type.shape.dim):
            if dimension.dim_param == symbol:
                dimension.dim_param = BATCH


def _torch(program: ExportedProgram, about: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={DESCRIBED: json.dumps(about)})
    return buffer.getvalue()


def _compared(content: bytes, form: Format, about: dict[str, Any], graph: Graph) -> str:
    count = about["batch"] if about["batch"] != DYNAMIC else 3  # another number than it was recorded with
    arrays = probes(graph.inputs, about["size"], count)
    with torch.no_grad():
        expected = graph(*map(torch.from_numpy, arrays)).numpy()
    if form == "onnx":
        made, who = run_onnx(content, arrays), "ONNX Runtime"
    else:
        loaded = torch.export.load(io.BytesIO(content)).module()
        made, who = loaded(*map(torch.from_numpy, arrays)).numpy(), "torch.export.load"
    share = differing(graph.output, made, expected)
    if made.shape != expected.shape or made.dtype != expected.dtype or share > LABELS:
        raise UserError(f"--format {form}: {who} gives other images than the method ({share:.2%} of pixels)")
    return f"checked: {who} gives the method's own {graph.output.name} ({share:.2%} of made-up pixels differ)"


def told(about: dict[str, Any]) -> str:
    """The description in a few lines for people."""
    ports = [("input", port) for port in about["inputs"]] + [("output", about["output"])]
    lines = [
        f"{role} {port['name']}: {port['dtype']} ({', '.join(map(str, port['shape']))}), "
        + ": ".join(filter(None, [port["values"], ", ".join(f"{i} {name}" for i, name in enumerate(port["classes"]))]))
        for role, port in ports
    ]
    return "\n".join([f"{about['method']}: {about['translation']}", about["preparation"], *lines])


def _port(modality: Modality, size: int, batch: int | None) -> Port:
    shape = (batch or BATCH, *modality.shape(size, size))
    classes = ("void", *(name for name, _ in modality.legend)) if modality.legend else ()
    return Port(modality.name, modality.kind, modality.dtype.name, shape, modality.values, classes)


def _apart(name: str, taken: Sequence[str]) -> str:
    """A name that no input has: a translation of a modality to itself has one for both."""
    return f"{name}_out" if name in taken else name
