"""Depth in metres, with pixels that were not measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mmbench.pictures import png

from .base import Colour, Kind, Loss, Modality, box
from .score import Score

if TYPE_CHECKING:
    from torch import Tensor

MINIMUM_DEPTH = 0.1  # metres; see Depth.minimum
MINIMUM_SHARE = 0.1  # of the centre
NEAR, FAR = 0.5, 8.0  # metres: the brightest and the darkest of a picture
BINS = 400  # of a tally; the median is exact to half of one
BIN_MINIMA = 0.5  # a bin in minima: 5 cm in rooms


@dataclass(frozen=True)
class Depth(Modality):
    """A depth image: float32 metres, 0 = invalid.

    Attributes:
        encoding: ``linear`` enters a network as ``(z - centre) / scale``, ``log`` as ``log(z / centre)``; an invalid
            pixel enters as the code of 0 m (linear) or of the minimum (log).
        centre, scale: metres.
    """

    kind: Kind = field(init=False, default="depth")
    encoding: Literal["linear", "log"] = "linear"
    centre: float = 3.0
    scale: float = 2.0

    dtype: ClassVar[np.dtype] = np.dtype(np.float32)
    default_loss: ClassVar[Loss] = "berhu"
    metric: ClassVar[str] = "depth"
    main: ClassVar[Score] = Score("delta_1.25", "δ < 1.25", ".3f", "share", "share of pixels within 1.25")
    lossless: ClassVar[bool] = True
    reach: ClassVar[float] = 4.0  # 11 m with a centre of 3 m and a scale of 2 m
    unit: ClassVar[str] = "m"
    values: ClassVar[str] = "metres; 0, negative or not finite: not measured"
    holes: ClassVar[bool] = True
    hub_task: ClassVar[str] = "depth-estimation"
    rank: ClassVar[int] = 1

    @property
    def minimum(self) -> float:
        """Metres below which depths are not told apart: 0.1 m, or a tenth of :attr:`centre` where that is less.

        A network's raw output may be 0 m or less, of which there is neither a ratio nor a logarithm; so predictions
        have a floor. Eq. 4.15 and the papers state none. It must not reach into what a set measures: rooms begin at
        0.4 m, but what an endoscope sees lies within centimetres, and its centre says so. Metrics raise truths to the
        floor too, or a perfect prediction of what is nearer would count as wrong.
        """
        return min(MINIMUM_DEPTH, MINIMUM_SHARE * self.centre)

    @property
    def span(self) -> tuple[float, float]:
        """Metres from the minimum on."""
        return self.minimum, math.inf

    def to_network(self, tensor: Tensor) -> Tensor:
        """Scaled as :attr:`encoding` says."""
        if self.encoding == "log":
            return tensor.clamp(min=self.minimum).div(self.centre).log()
        return (tensor - self.centre) / self.scale

    def from_network(self, raw: Tensor) -> Tensor:
        """Metres, none below the minimum."""
        raw = raw.float()
        metres = raw.exp() * self.centre if self.encoding == "log" else raw * self.scale + self.centre
        return metres.clamp(min=self.minimum)

    def present(self, raw: Tensor) -> Tensor:
        """As it is: depth has no upper end."""
        return raw.float()

    def from_generator(self, raw: Tensor) -> Tensor:
        """As :meth:`from_network`."""
        return self.from_network(raw)

    def valid(self, tensor: Tensor) -> Tensor:
        """Where something was measured."""
        return tensor[:, 0] > 0

    def missing(self, array: np.ndarray) -> np.ndarray:
        """Where nothing was measured."""
        return array <= 0

    @property
    def tally_channels(self) -> int:
        """A histogram per pixel."""
        return BINS

    def tally(self, total: Tensor, tensor: Tensor) -> None:
        """Count valid pixels by distance."""
        bins = (tensor[:, 0] / self._bin).long().clamp(0, BINS - 1)
        total.scatter_add_(0, bins, self.valid(tensor).to(total.dtype))

    def typical(self, total: Tensor) -> Tensor:
        """The median."""
        share = total.cumsum(0) / total.sum(0).clamp(min=1)
        median = (share < 0.5).sum(0) + 0.5
        return (median * self._bin).float().unsqueeze(0)

    @property
    def _bin(self) -> float:
        """Metres of a tally's bin."""
        return BIN_MINIMA * self.minimum

    def resize(self, array: np.ndarray, size: int) -> np.ndarray:
        """Averaged over what was measured."""
        weight = box((array > 0).astype(np.float32), size)
        total = box(np.where(array > 0, array, 0).astype(np.float32), size)
        # A target pixel is valid where at least half of its area was measured; its depth averages only that half.
        return np.where(weight >= 0.5, total / np.maximum(weight, 1e-6), 0).astype(np.float32)

    @property
    def swatches(self) -> tuple[tuple[str, Colour], ...]:
        """Depths, a factor of two apart, and the colour of pixels without one."""
        metres = np.geomspace(NEAR, FAR, 5, dtype=np.float32)
        colours = self.picture(np.append(metres, np.float32(0))).tolist()
        labels = [*(f"{metre:g} m" for metre in metres), "no depth"]
        return tuple((label, (r, g, b)) for label, (r, g, b) in zip(labels, colours, strict=True))

    def picture(self, array: np.ndarray) -> np.ndarray:
        """Near is bright, invalid is black; the scale is logarithmic."""
        from matplotlib import colormaps

        span = math.log(FAR / NEAR)
        shade = 1.0 - np.log(np.clip(array, NEAR, FAR) / NEAR) / span
        coloured = (colormaps["viridis"](shade)[..., :3] * 255).astype(np.uint8)
        coloured[array <= 0] = 0
        return coloured

    def checked(self, array: np.ndarray) -> np.ndarray:
        """Floating point; what is negative or not finite becomes invalid."""
        self._check_shape(array)
        if array.dtype.kind != "f":
            raise ValueError(f"{array.dtype} values; expected floating point metres")
        values = array.astype(np.float32)
        return np.where(np.isfinite(values) & (values > 0), values, 0).astype(np.float32)

    def encode(self, array: np.ndarray) -> tuple[bytes, ...]:
        """16-bit millimetres, and colours."""
        millimetres = np.clip(np.rint(array * 1000.0), 0, 65535).astype(np.uint16)
        return png(millimetres), png(self.picture(array))
