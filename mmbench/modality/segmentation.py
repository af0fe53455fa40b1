"""Class ids, with void for what belongs to no class."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image

from mmbench.pictures import png

from .base import Colour, Kind, Loss, Modality, stored
from .score import Score

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Segmentation(Modality):
    """A label image: class ids, 0 = void; one-hot with the void channel first inside a network.

    Attributes:
        classes: names of the real classes 1..K.
        palette: K + 1 RGB colours, void first.
    """

    kind: Kind = field(init=False, default="segmentation")
    classes: tuple[str, ...] = ()
    palette: tuple[Colour, ...] = ()

    dtype: ClassVar[np.dtype] = np.dtype(np.uint8)
    default_loss: ClassVar[Loss] = "cross-entropy"
    metric: ClassVar[str] = "segmentation"
    main: ClassVar[Score] = Score("miou", "mIoU", ".1f", "%")
    lossless: ClassVar[bool] = True
    values: ClassVar[str] = "class ids; 0 is void, which is never an output"
    hub_task: ClassVar[str] = "image-segmentation"
    rank: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not self.classes:
            raise ValueError(f"modality {self.name!r}: classes are for segmentation, and needed there")
        if len(self.palette) != len(self.classes) + 1:
            raise ValueError(f"modality {self.name!r}: the palette needs {len(self.classes) + 1} colours, void first")

    @property
    def channels(self) -> int:
        """Void and the classes."""
        return len(self.classes) + 1

    @property
    def legend(self) -> tuple[tuple[str, Colour], ...]:
        """Names and colours of classes 1..K."""
        return tuple(zip(self.classes, self.palette[1:], strict=True))

    @property
    def swatches(self) -> tuple[tuple[str, Colour], ...]:
        """The classes' colours, and that of void."""
        return (*self.legend, ("void", self.palette[0]))

    @property
    def span(self) -> tuple[float, float]:
        """Class ids, without void."""
        return 1.0, float(len(self.classes))

    def to_tensor(self, array: np.ndarray | Tensor) -> Tensor:
        """int64 ``(B, H, W)``."""
        return stored(array).long()

    def to_array(self, tensor: Tensor) -> np.ndarray:
        """uint8 ``(B, H, W)``."""
        return tensor.cpu().numpy().astype(np.uint8)

    def to_network(self, tensor: Tensor) -> Tensor:
        """One-hot."""
        import torch

        one_hot = torch.zeros(tensor.shape[0], self.channels, *tensor.shape[1:], device=tensor.device)
        return one_hot.scatter_(1, tensor.unsqueeze(1), 1.0)

    def from_network(self, raw: Tensor) -> Tensor:
        """The arg-max, over real classes only."""
        return raw.float()[:, 1:].argmax(1) + 1

    def present(self, raw: Tensor) -> Tensor:
        """One-hot of the arg-max over all channels, void included, with the soft-max's gradient.

        Straight-through (Bengio et al. 2013).
        """
        import torch

        soft = raw.float().softmax(1)
        hard = torch.zeros_like(soft).scatter_(1, soft.max(1, keepdim=True).indices, 1.0)
        return hard + soft - soft.detach()

    def from_generator(self, raw: Tensor) -> Tensor:
        """As :meth:`from_network`: void is shown to a discriminator, and is no translation."""
        return self.from_network(raw)

    def valid(self, tensor: Tensor) -> Tensor:
        """What is not void."""
        return tensor > 0

    def missing(self, array: np.ndarray) -> np.ndarray:
        """Where there is void."""
        return array == 0

    @property
    def tally_channels(self) -> int:
        """A count per class."""
        return self.channels

    def tally(self, total: Tensor, tensor: Tensor) -> None:
        """Count classes."""
        total.scatter_add_(0, tensor, self.valid(tensor).to(total.dtype))

    def typical(self, total: Tensor) -> Tensor:
        """The most frequent class."""
        return total[1:].argmax(0) + 1

    def resize(self, array: np.ndarray, size: int) -> np.ndarray:
        """The nearest pixel: classes have no mean."""
        return np.asarray(Image.fromarray(array).resize((size, size), Image.Resampling.NEAREST))

    def picture(self, array: np.ndarray) -> np.ndarray:
        """The palette's colours."""
        return np.asarray(self.palette, np.uint8)[array]

    def checked(self, array: np.ndarray) -> np.ndarray:
        """Whole numbers from 0 to K."""
        self._check_shape(array)
        if array.dtype.kind not in "bui":
            raise ValueError(f"{array.dtype} values; expected whole class ids")
        most = len(self.classes)
        if array.min() < 0 or array.max() > most:
            wrong = int(array.max() if array.max() > most else array.min())
            raise ValueError(f"class id {wrong}; expected 0 (void) to {most}, the classes of {self.name}")
        return array.astype(np.uint8)

    def encode(self, array: np.ndarray) -> tuple[bytes, ...]:
        """Class ids with the palette, and colours."""
        image = Image.fromarray(array)
        image.putpalette([value for colour in self.palette for value in colour])
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue(), png(self.picture(array))
