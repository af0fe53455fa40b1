"""One translation of a trained method as a graph of tensors: arrays in, an array out, nothing else needed."""

from __future__ import annotations

import builtins
import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.overrides import TorchFunctionMode

from mmbench.errors import UserError
from mmbench.method import Method
from mmbench.modality import Modality
from mmbench.task import Translation

BATCH = "batch"
TRACED = 2  # images that a graph for any number is recorded with: 1 would be taken for a constant


class Graph(nn.Module):
    """A translation from arrays to an array, as ``Translator.translate`` computes it at the network's own size.

    Inputs, one per modality: rgb uint8 ``(B, S, S, 3)``; depth float32 ``(B, S, S)`` in metres, what is not finite or
    not above 0 counts as not measured; segmentation uint8 class ids ``(B, S, S)``, 0 void; scalar float32 ``(B, S, S)``
    in [-1, 1]. The output has the same form. Scaling, one-hot, arg-max and the way back to metres are inside.

    Args:
        method: trained; put into eval mode.
        modalities: by name.
        steps: the method's own translations, one after the other.
        sample: seed of the noise of methods that have any; what it draws becomes a part of the graph.
    """

    def __init__(
        self, method: Method, modalities: Mapping[str, Modality], steps: Sequence[Translation], sample: int
    ) -> None:
        super().__init__()
        self.method = method.to(memory_format=torch.contiguous_format).eval()
        self.steps, self.sample = tuple(steps), sample
        self.inputs = tuple(modalities[name] for name in steps[0].inputs)
        self.output = modalities[steps[-1].output]
        self.known: list[Any] = []

    def forward(self, *arrays: Tensor) -> Tensor:
        """Arrays in the order of the first step's inputs."""
        tensors = [m.to_tensor(_cleaned(m, array)) for m, array in zip(self.inputs, arrays, strict=True)]
        # Channels-last, in which colours come, methods may go through images one by one: a fixed number of them.
        batch = {m.name: tensor.contiguous() for m, tensor in zip(self.inputs, tensors, strict=True)}
        with _Known(self.known):
            for step in self.steps:
                given = {name: batch[name] for name in step.inputs}
                batch = {step.output: self.method.translate(given, step, sample=self.sample).contiguous()}
        return _stored(self.output, batch[self.output.name])


def traced(graph: Graph, size: int, batch: int | None) -> ExportedProgram:
    """The graph as core ATen operators, for a fixed number of images or, with None, for any.

    Raises:
        UserError: the method does what a graph cannot hold; one line.
    """
    images = tuple(torch.from_numpy(array) for array in probes(graph.inputs, size, batch or TRACED))
    shapes = None if batch else (tuple({0: Dim(BATCH, min=1)} for _ in images),)
    for parameter in graph.parameters():
        parameter.requires_grad_(False)
    try:
        with torch.no_grad(), quiet():
            graph(*images)  # fills what is known
            with _lengths_left_open(graph):
                program = torch.export.export(graph, images, dynamic_shapes=shapes, strict=False)
            table = torch.export.default_decompositions()
            table[torch.ops.aten.max_pool2d_with_indices_backward.default] = _scattered
            table[torch.ops.aten.copy.default] = _spread
            program = program.run_decompositions(table)
    except Exception as error:  # torch refuses in many ways
        reason = " ".join(str(error).split())[:160]
        what, then = ("", "") if batch else (" for any number of images", "--batch 1 may do, and ")
        raise UserError(
            f"{type(graph.method).__name__} cannot be exported{what}: its translate() does what a graph cannot hold "
            f"({type(error).__name__}: {reason}); {then}`translate` runs it"
        ) from error
    for node in program.graph.nodes:  # paths of this machine
        node.meta = {key: value for key, value in node.meta.items() if key == "val"}
    return program


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Torch's exporters tell of each of their steps, and print whole graphs where they refuse one."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def probes(modalities: Sequence[Modality], size: int, count: int) -> tuple[np.ndarray, ...]:
    """Smooth made-up images ``(count, size, size[, 3])`` of some modalities, always the same, with holes and void."""
    draw, made = torch.Generator().manual_seed(0), []
    for modality in modalities:
        coarse = torch.rand(count, 3, 4, 4, generator=draw)
        shades = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
        values = shades.permute(0, 2, 3, 1).numpy() if len(modality.shape(1, 1)) == 3 else shades[:, 0].numpy()
        if modality.is_colour:
            values = values * 255
        elif modality.legend:
            values = values * modality.channels
        elif modality.holes:
            values = np.where(values < 0.2, 0, 6 * values)  # metres of a room
        else:
            values = 2 * values - 1
        made.append(np.ascontiguousarray(values.astype(modality.dtype)))
    return tuple(made)


@contextlib.contextmanager
def _lengths_left_open(graph: nn.Module) -> Iterator[None]:
    """Have ``len(tensor)`` in the code of methods be the tensor's first dimension, which may stand for any number.

    Python's own ``len`` makes a plain number of it, and a graph that is recorded with it takes that many images only.
    """
    names = {type(module).__module__ for module in graph.modules()}
    names |= {name for name in sys.modules if name.startswith("mmbench.methods.")}
    loaded = [vars(sys.modules[name]) for name in names if name in sys.modules and not name.startswith("torch.")]
    opened = [globals_of for globals_of in loaded if "len" not in globals_of]
    for globals_of in opened:
        globals_of["len"] = lambda value: value.shape[0] if isinstance(value, Tensor) else builtins.len(value)
    try:
        yield
    finally:
        for globals_of in opened:
            del globals_of["len"]


class _Known(TorchFunctionMode):
    """Keeps what does not depend on images, and hands it out in the same order while a graph is recorded.

    That is what seeded generators draw, of which a graph holds none, and whether counts that the method holds are above
    0 (have statistics been observed?), which Python asks.
    """

    def __init__(self, known: list[Any]) -> None:
        super().__init__()
        self.known, self.position = known, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        drawn = func is torch.randn and kwargs.get("generator") is not None
        counted = func is Tensor.gt and args[0].ndim == 0 and not args[0].is_floating_point()
        if not (drawn or counted):
            return func(*args, **kwargs)
        if self.position == len(self.known):
            made = func(*args, **kwargs)
            self.known.append(made if drawn else bool(made))
        self.position += 1
        return self.known[self.position - 1]


def _cleaned(modality: Modality, array: Tensor) -> Tensor:
    """What :meth:`Modality.checked` makes of an array, as far as it changes values."""
    if modality.holes:
        return torch.where(torch.isfinite(array) & (array > 0), array, 0.0)
    return array if modality.dtype == np.uint8 else array.clamp(-1.0, 1.0)


def _stored(modality: Modality, tensor: Tensor) -> Tensor:
    """:meth:`Modality.to_array`, in tensors."""
    if modality.is_colour:
        levels = tensor.float().add(1.0).mul(127.5).round().clamp(0, 255)
        return levels.permute(0, 2, 3, 1).to(torch.uint8)
    return tensor.to(torch.uint8) if modality.dtype == np.uint8 else tensor.float()[:, 0]


def _scattered(gradient: Tensor, plane: Tensor, *geometry: Any) -> Tensor:
    """Max-unpooling, which the networks compute as the gradient of max-pooling, in an operator that ONNX has."""
    indices: Tensor = geometry[-1]
    flat = torch.zeros_like(plane, memory_format=torch.contiguous_format).flatten(2)
    return flat.scatter_add(2, indices.flatten(2), gradient.flatten(2)).view(plane.shape)


def _spread(to: Tensor, value: Tensor, non_blocking: bool = False) -> Tensor:
    """What ``to[...] = value`` puts there; the ONNX exporter leaves a single value as it is, without its shape."""
    return value.to(to.dtype).expand_as(to).clone()
