"""What decoders read of side information, and whether they read the latent at all: a look into a finished method.

Not a part of a cell's evaluation. Most of it is no translation that the zero-pair setting allows: RGB's pooling indices
show what RGB shows, those of the truth are the truth's. What is made here is handed to nobody but the report on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmbench.errors import UserError
from mmbench.evaluation.aligned import evaluate_rows
from mmbench.method import Method
from mmbench.task import Split, Task, Translation
from mmbench.training.cache import Cache
from mmbench.training.device import Compute

ZERO_PAIR, NOT_ZERO_PAIR, SEEN, PROBE = "zero-pair", "not zero-pair", "seen", "probe"  # values of a row's ``group``
INPUT, RANDOM, FIXED, ANOTHER = "input", "random", "fixed", "another scene"
INDICES = "pooling-indices"


class Pooled(NamedTuple):
    """What one pooling of an encoder made: maxima and their indices in the plane, both ``(B, C, h, w)``."""

    maxima: Tensor
    indices: Tensor


@dataclass(frozen=True)
class Looked:
    """A finished method with what it is looked at on.

    Attributes:
        side_information: as the method's settings name it.
        test: ids of the test images. ``scenes`` in the split says which of them are of one scene; without it each is
            of its own.
    """

    method: Method
    task: Task
    images: Cache
    split: Split
    compute: Compute
    batch_size: int
    side_information: str


def look(looked: Looked) -> dict[str, Any]:
    """Scores with exchanged side information and latents, and how far the indices of two encoders agree.

    Returns:
        ``rows``: fields ``inputs``, ``output``, ``output_kind``, ``side`` (whose side information: ``input``, a
        modality's of the same scene, ``random``, ``fixed`` or, without any, empty), ``latent`` (``input`` or ``another
        scene``), ``group``, ``metrics``. ``agreement``: a dict per pair of encoders, level and kind of scenes, empty
        without pooling indices; see :func:`agreements`.

    Raises:
        UserError: the method has no encoder per modality that hands a decoder a latent and side information.
    """
    encoders = encoders_of(looked.method, looked.task)
    rows = []
    for translation, side, latent, group in probes(looked.task, looked.side_information):
        # Looked up among the images of the row that evaluate_rows will take.
        held = _held(looked, (*translation.inputs, translation.output))
        partners = other_scenes([looked.images.ids[row] for row in held], looked.split.scenes)
        if latent == ANOTHER and partners is None:
            continue
        others = held[partners] if latent == ANOTHER else None
        method = _Exchanged(looked, encoders, side, others) if side in (RANDOM, FIXED) or latent == ANOTHER else None
        made, _, _ = evaluate_rows(
            method or looked.method, looked.task, looked.images, looked.split.test, looked.compute,
            batch_size=looked.batch_size, translations=[translation],
        )  # fmt: skip
        about = {"inputs": translation.inputs[0], "output": translation.output, "side": side, "latent": latent}
        rows += [about | {"group": group, "output_kind": r["output_kind"], "metrics": r["metrics"]} for r in made]
    agreement = agreements(looked, encoders) if looked.side_information == INDICES else []
    return {"side_information": looked.side_information, "rows": rows, "agreement": agreement}


def encoders_of(method: Method, task: Task) -> dict[str, nn.Module]:
    """The encoder of each modality. Raises UserError where there is not one, with a decoder, for each."""
    roles = method.networks()
    names = [modality.name for modality in task.modalities]
    if lacking := [role for name in names for role in (f"encoder/{name}", f"decoder/{name}") if role not in roles]:
        raise UserError(f"it has no {lacking[0]}: side information is exchanged between an encoder and a decoder")
    return {name: roles[f"encoder/{name}"] for name in names}


def probes(task: Task, side_information: str) -> Iterator[tuple[Translation, str, str, str]]:
    """Translation, side, latent and group of every row, the method's own first of each translation.

    A second input of weight 0 gives its side information and nothing else.
    """
    has_side = side_information in (INDICES, "skip")
    own = INPUT if has_side else FIXED if side_information == FIXED else ""
    for translation in task.unseen:
        (source,), output = translation.inputs, translation.output
        yield translation, own, INPUT, ZERO_PAIR
        if side_information == INDICES:
            yield translation, RANDOM, INPUT, PROBE
            yield translation, FIXED, INPUT, PROBE
        yield translation, own, ANOTHER, PROBE
        for name in dict.fromkeys((task.anchor, output)) if has_side else ():
            if name != source:
                yield Translation((source, name), output, None, (1.0, 0.0), name), name, INPUT, NOT_ZERO_PAIR
    ends = {translation.output for translation in task.unseen}
    for translation in task.seen:
        if translation.inputs == (task.anchor,) and translation.output in ends:
            yield translation, own, INPUT, SEEN
            yield translation, own, ANOTHER, PROBE


def other_scenes(ids: Sequence[str], scenes: Mapping[str, str]) -> np.ndarray | None:
    """For each sample the place of the next one, round the end, of another scene; None where there is but one."""
    of = [scenes.get(sample_id, sample_id) for sample_id in ids]
    if len(set(of)) < 2:
        return None
    count = len(of)
    return np.array([next(j % count for j in range(i + 1, i + count) if of[j % count] != of[i]) for i in range(count)])


def agreeing(one: Pooled, other: Pooled) -> tuple[int, int]:
    """How many windows of two poolings have one index, and how many are compared: those where both are not all zero.

    An all-zero window names its top-left, whatever the image is, so that over all windows chance is above a quarter.
    """
    compared = (one.maxima != 0) & (other.maxima != 0)
    return int((compared & (one.indices == other.indices)).sum()), int(compared.sum())


@torch.inference_mode()
def agreements(looked: Looked, encoders: Mapping[str, nn.Module]) -> list[dict[str, Any]]:
    """Of every pair of encoders and every level, over the test images that hold all modalities.

    Returns:
        Dicts with ``modalities`` (``rgb,depth``), ``level`` (1 is the finest), ``scenes`` (``one``: both encoders look
        at the same image; ``different``: the second at one of another scene), ``agreeing``, ``compared`` and
        ``windows`` (all of them, all-zero ones too).
    """
    looked.method.eval()
    names = list(encoders)
    held = _held(looked, names)
    partners = other_scenes([looked.images.ids[row] for row in held], looked.split.scenes)
    counts: dict[tuple[str, int, str], np.ndarray] = {}
    for start in range(0, len(held), looked.batch_size):
        places = np.arange(start, min(start + looked.batch_size, len(held)))
        kinds = {"one": held[places]} | ({} if partners is None else {"different": held[partners[places]]})
        seen = {kind: {n: _poolings(looked, encoders[n], n, rows) for n in names} for kind, rows in kinds.items()}
        for kind in kinds:
            for first, second in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
                for level, pair in enumerate(zip(seen["one"][first], seen[kind][second], strict=True), start=1):
                    found = np.array([*agreeing(*pair), pair[0].indices.numel()])
                    key = (f"{first},{second}", level, kind)
                    counts[key] = counts.get(key, 0) + found
    return [
        {"modalities": modalities, "level": level, "scenes": kind}
        | dict(zip(("agreeing", "compared", "windows"), map(int, found), strict=True))
        for (modalities, level, kind), found in counts.items()
    ]


class _Watch(TorchDispatchMode):
    """Keeps what every max-pooling with indices made, so that nothing of an encoder's inside need be known."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Pooled] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        if function is torch.ops.aten.max_pool2d_with_indices.default:
            self.seen.append(Pooled(*made))
        return made


def _poolings(looked: Looked, encoder: nn.Module, name: str, rows: np.ndarray) -> list[Pooled]:
    with looked.compute.autocast(), _Watch() as watch:
        encoder(_images(looked, name, rows))
    return watch.seen


class _Exchanged(Method):
    """A method whose input's encoder hands on other pooling indices, or latents of other images.

    Args:
        side: ``random`` or ``fixed``; anything else leaves the indices as they are.
        others: the images whose latents are taken, in the order of those that are translated; None leaves the latents.
    """

    def __init__(self, looked: Looked, encoders: Mapping[str, nn.Module], side: str, others: np.ndarray | None) -> None:
        super().__init__(looked.method.context)
        self.inner, self._looked, self._encoders = looked.method, looked, encoders
        self._side, self._others = side, others
        self._done = 0

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """As the method itself does it. Batches come in the order of the row's images, each once."""
        (name,) = inputs
        first, self._done = self._done, self._done + len(inputs[name])
        encoder, latent = self._encoders[name], None
        if self._others is not None:
            latent = encoder(_images(self._looked, name, self._others[first : self._done])).latent
        generator = torch.Generator().manual_seed(first)

        def exchange(_module: nn.Module, _inputs: Any, code: Any) -> Any:
            side = code.side
            if self._side in (RANDOM, FIXED):
                side = tuple(_placed(level, generator if self._side == RANDOM else None) for level in side)
            return code._replace(latent=code.latent if latent is None else latent, side=side)

        hook = encoder.register_forward_hook(exchange)
        try:
            return self.inner.translate(inputs, translation, sample=sample)
        finally:
            hook.remove()


def _placed(indices: Tensor, generator: torch.Generator | None) -> Tensor:
    """Pooling indices like others, at a random place in each 2 x 2 window or, without a generator, at its top-left."""
    height, width = indices.shape[-2:]
    place = torch.zeros(indices.shape, dtype=torch.int64)
    if generator is not None:
        place = torch.randint(4, indices.shape, generator=generator)
    down = 2 * torch.arange(height).unsqueeze(1) + place // 2
    return torch.empty_like(indices).copy_(down * (2 * width) + 2 * torch.arange(width) + place % 2)


def _held(looked: Looked, modalities: Sequence[str]) -> np.ndarray:
    rows = looked.images.index(looked.split.test)
    return rows[looked.images.holding(rows, modalities)]


def _images(looked: Looked, name: str, rows: np.ndarray) -> Tensor:
    modality = looked.task.modality(name)
    return modality.to_network(modality.to_tensor(looked.images.read(name, rows)).to(looked.compute.device))
