"""What an image of a modality is: channels, value range, invalid value, how it enters a network and leaves it.

Three representations exist, and nothing else in the house may invent a fourth:

=============  ==============================  ====================================  ==========================
kind           array (adapter, cache)          tensor (batches, ``translate``)       network (inside a method)
=============  ==============================  ====================================  ==========================
rgb            uint8 ``(H, W, 3)``             float ``(B, 3, H, W)`` in [-1, 1]     the same
scalar         float32 ``(H, W)`` in [-1, 1]   float ``(B, 1, H, W)`` in [-1, 1]     the same
depth          float32 ``(H, W)`` metres,      float ``(B, 1, H, W)`` metres,        ``(B, 1, H, W)``, see
               0 = invalid                     0 = invalid                           :attr:`Modality.encoding`
segmentation   uint8 ``(H, W)`` class ids,     int64 ``(B, H, W)`` class ids,        one-hot ``(B, K + 1, H, W)``
               0 = void                        0 = void                              with the void channel first
=============  ==============================  ====================================  ==========================

This file imports no torch at module level, so that the catalog and the plan stay fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["rgb", "scalar", "depth", "segmentation"]
Loss = Literal["l2", "berhu", "cross-entropy"]

DEFAULT_LOSS: dict[Kind, Loss] = {"rgb": "l2", "scalar": "l2", "depth": "berhu", "segmentation": "cross-entropy"}
MINIMUM_DEPTH = 0.1  # metres; predictions are clamped to it before ratios and logarithms are taken


@dataclass(frozen=True)
class Modality:
    """One kind of image.

    Attributes:
        name: ``rgb``, ``depth``, ``segmentation``, ``nir``, ``theta1``, ...
        kind: decides representation, output layer and default loss.
        classes: names of the real classes 1..K (segmentation only); id 0 is void.
        palette: K + 1 RGB colours, void first (segmentation only).
        encoding: depth only: ``linear`` enters a network as ``(z - centre) / scale``, ``log`` as
            ``log(z / centre)``; an invalid pixel enters as the code of 0 m (linear) or of the minimum (log).
        centre, scale: metres.
        loss: the translation loss of eq. 4.1-4.8; thesis 4.6.4 trains NIR with Berhu, A.3.3 theta1 and theta2 with L2.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    encoding: Literal["linear", "log"] = "linear"
    centre: float = 3.0
    scale: float = 2.0
    loss: Loss | None = None

    def __post_init__(self) -> None:
        if (self.kind == "segmentation") != bool(self.classes):
            raise ValueError(f"modality {self.name!r}: classes are for segmentation, and needed there")
        if self.classes and len(self.palette) != len(self.classes) + 1:
            raise ValueError(f"modality {self.name!r}: the palette needs {len(self.classes) + 1} colours, void first")

    @property
    def channels(self) -> int:
        """Channels inside a network (table A.3: rgb 3, depth 1, NIR 1, segmentation 13 + void = 14)."""
        return {"rgb": 3, "segmentation": len(self.classes) + 1}.get(self.kind, 1)

    @property
    def loss_name(self) -> Loss:
        """The loss used for this modality as an output."""
        return self.loss or DEFAULT_LOSS[self.kind]

    def to_tensor(self, array: np.ndarray) -> Tensor:
        """Batch of arrays ``(B, H, W[, 3])`` to the tensor representation."""
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self.kind == "rgb":
            return tensor.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
        if self.kind == "segmentation":
            return tensor.long()
        return tensor.float().unsqueeze(1)

    def to_network(self, tensor: Tensor) -> Tensor:
        """Tensor representation to what a network sees, ``(B, channels, H, W)`` float."""
        import torch

        if self.kind == "segmentation":
            one_hot = torch.zeros(tensor.shape[0], self.channels, *tensor.shape[1:], device=tensor.device)
            return one_hot.scatter_(1, tensor.unsqueeze(1), 1.0)
        if self.kind == "depth":
            if self.encoding == "log":
                return tensor.clamp(min=MINIMUM_DEPTH).div(self.centre).log()
            return (tensor - self.centre) / self.scale
        return tensor

    def from_network(self, raw: Tensor) -> Tensor:
        """A decoder's raw output to the tensor representation; the arg-max runs over real classes only."""
        raw = raw.float()
        if self.kind == "segmentation":
            return raw[:, 1:].argmax(1) + 1
        if self.kind == "depth":
            metres = raw.exp() * self.centre if self.encoding == "log" else raw * self.scale + self.centre
            return metres.clamp(min=MINIMUM_DEPTH)
        return raw.clamp(-1.0, 1.0)

    def valid(self, tensor: Tensor) -> Tensor:
        """Boolean ``(B, H, W)``: pixels that carry a loss and are evaluated (neither void nor invalid)."""
        import torch

        if self.kind == "segmentation":
            return tensor > 0
        if self.kind == "depth":
            return tensor[:, 0] > 0
        return torch.ones_like(tensor[:, 0], dtype=torch.bool)

    def picture(self, array: np.ndarray, near: float = 0.5, far: float = 8.0) -> np.ndarray:
        """One array as uint8 RGB ``(H, W, 3)`` for people: palette colours; depth from ``near`` (bright) to ``far``."""
        if self.kind == "rgb":
            return np.asarray(array, np.uint8)
        if self.kind == "segmentation":
            return np.asarray(self.palette, np.uint8)[array]
        if self.kind == "depth":
            from matplotlib import colormaps

            span = math.log(far / near)
            shade = 1.0 - np.log(np.clip(array, near, far) / near) / span
            coloured = (colormaps["viridis"](shade)[..., :3] * 255).astype(np.uint8)
            coloured[array <= 0] = 0
            return coloured
        grey = np.clip((np.asarray(array) + 1.0) * 127.5, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)

    def to_array(self, tensor: Tensor) -> np.ndarray:
        """Tensor representation ``(B, ...)`` back to a batch of arrays."""
        if self.kind == "rgb":
            scaled = tensor.float().add(1.0).mul(127.5).round().clamp(0, 255)
            return scaled.permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)
        if self.kind == "segmentation":
            return tensor.cpu().numpy().astype(np.uint8)
        return tensor.float()[:, 0].cpu().numpy()
