"""What every kind of modality can do; each kind says how, in a file of its own."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from PIL import Image

from .score import Score

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["rgb", "scalar", "depth", "segmentation"]
Loss = Literal["l2", "berhu", "cross-entropy"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Modality(ABC):
    """One kind of image.

    Attributes:
        name: ``rgb``, ``depth``, ``segmentation``, ``nir``, ``theta1``, ...
        kind: the name of the class in what is recorded.
        loss: the translation loss of eq. 4.1-4.8, by default the kind's own; thesis 4.6.4 trains NIR with Berhu, A.3.3
            theta1 and theta2 with L2.

    Each kind fixes:
        dtype: of its arrays.
        default_loss: of a translation into it.
        is_colour: whether it is a colour image. Those have discriminators, may start from weights that were trained on
            photographs, and have a decoder of their own.
        metric: name of the metric that scores its translations.
        main: the one of that metric's scores that a translation is judged by.
        lossless: whether JPEG would change what the values mean.
        reach: of network representation, the greatest absolute value that an image is taken to have.
        unit: of its values, as people write it; empty where they have none.
        values: what the numbers of its arrays mean.
        holes: whether 0 stands for a pixel that was not measured.
        hub_task: what the Hugging Face Hub calls a network that makes it.
        limits: the values that a recording is clipped to; empty where there are none.
        rank: where translations into it stand in tables; lower is first.
    """

    name: str
    kind: Kind = field(init=False)
    loss: Loss | None = field(default=None, kw_only=True)

    dtype: ClassVar[np.dtype]
    default_loss: ClassVar[Loss]
    is_colour: ClassVar[bool] = False
    metric: ClassVar[str]
    main: ClassVar[Score]
    lossless: ClassVar[bool] = False
    reach: ClassVar[float] = 1.0
    unit: ClassVar[str] = ""
    values: ClassVar[str]
    holes: ClassVar[bool] = False
    hub_task: ClassVar[str] = "image-to-image"
    limits: ClassVar[tuple[float, ...]] = ()
    rank: ClassVar[int]

    @property
    def channels(self) -> int:
        """Channels inside a network (table A.3: rgb 3, depth 1, NIR 1, segmentation 13 + void = 14)."""
        return 1

    @property
    def loss_name(self) -> Loss:
        """The loss used for this modality as an output."""
        return self.loss or self.default_loss

    @property
    def legend(self) -> tuple[tuple[str, Colour], ...]:
        """Names and colours of the real classes 1..K; empty where there are none."""
        return ()

    @property
    def minimum(self) -> float:
        """The least value that metrics tell from lesser ones; of most kinds there is none."""
        return -math.inf

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest value of a translation, as a tensor."""
        return -1.0, 1.0

    @property
    def swatches(self) -> tuple[tuple[str, Colour], ...]:
        """What colours of :meth:`picture` mean, for a legend below it; empty where a picture needs none."""
        return ()

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of one array."""
        return (height, width)

    def to_tensor(self, array: np.ndarray | Tensor) -> Tensor:
        """Batch of arrays ``(B, H, W[, 3])`` to the tensor representation, on the device where they are.

        ``array`` may be a tensor of the same shape and dtype: stored values are smaller than what they become.
        """
        return stored(array).float().unsqueeze(1)

    def to_array(self, tensor: Tensor) -> np.ndarray:
        """Tensor representation ``(B, ...)`` back to a batch of arrays."""
        return tensor.float()[:, 0].cpu().numpy()

    def to_network(self, tensor: Tensor) -> Tensor:
        """Tensor representation to what a network sees, ``(B, channels, H, W)`` float."""
        return tensor

    def from_network(self, raw: Tensor) -> Tensor:
        """A decoder's raw output to the tensor representation."""
        return raw.float().clamp(-1.0, 1.0)

    def present(self, raw: Tensor) -> Tensor:
        """A generator's raw output as an image in network representation, for a discriminator or a second generator."""
        return raw.float().tanh()

    def from_generator(self, raw: Tensor) -> Tensor:
        """A generator's raw output, of which :meth:`present` makes images, to the tensor representation."""
        return self.from_network(self.present(raw))

    def valid(self, tensor: Tensor) -> Tensor:
        """Boolean ``(B, H, W)``: pixels that carry a loss and are evaluated (neither void nor invalid)."""
        import torch

        return torch.ones_like(tensor[:, 0], dtype=torch.bool)

    def missing(self, array: np.ndarray) -> np.ndarray:
        """Boolean, of the shape of the array: where it says nothing; of most kinds nowhere."""
        return np.zeros(array.shape, np.bool_)

    @property
    def tally_channels(self) -> int:
        """Channels of :meth:`tally`'s ``total``."""
        return self.channels + 1

    def tally(self, total: Tensor, tensor: Tensor) -> None:
        """Count a batch into ``total``, float64 ``(tally_channels, H, W)``, of which :meth:`typical` makes an image.

        Here: sums of values and, as the last channel, how many there were.
        """
        import torch

        total += torch.cat([tensor, torch.ones_like(tensor[:, :1])], 1).double().sum(0)

    def typical(self, total: Tensor) -> Tensor:
        """Chance level: the image that a tally says is the best guess, tensor representation without the batch."""
        mean = total[:-1] / total[-1:].clamp(min=1)
        return mean.float()

    @abstractmethod
    def resize(self, array: np.ndarray, size: int) -> np.ndarray:
        """One square array ``(S, S[, 3])`` to ``(size, size[, 3])``, same dtype; S is another than ``size``."""

    @abstractmethod
    def picture(self, array: np.ndarray) -> np.ndarray:
        """One array as uint8 RGB ``(H, W, 3)`` for people."""

    @abstractmethod
    def checked(self, array: np.ndarray) -> np.ndarray:
        """A batch of arrays ``(N, H, W[, 3])`` in exactly this modality's representation.

        Raises:
            ValueError: another shape, type or range of values; the message lacks the name.
        """

    @abstractmethod
    def encode(self, array: np.ndarray) -> tuple[bytes, ...]:
        """An array ``(H, W[, 3])`` as the contents of the files that :meth:`names_of` names."""

    def names_of(self, stem: str) -> tuple[str, ...]:
        """Files that hold one image: ``a-depth.png`` (the values), ``a-depth-colours.png`` and the like."""
        return (f"{stem}-{self.name}.png", f"{stem}-{self.name}-colours.png")

    def files_of(self, stem: str, array: np.ndarray) -> dict[str, bytes]:
        """An array ``(H, W[, 3])`` as files: name -> content."""
        return dict(zip(self.names_of(stem), self.encode(array), strict=True))

    def _check_shape(self, array: np.ndarray) -> None:
        expected = self.shape(1, 1)
        if array.ndim != 1 + len(expected) or 0 in array.shape or array.shape[3:] != expected[2:]:
            form = ", ".join(["height", "width", *map(str, expected[2:])])
            raise ValueError(f"an array of shape {array.shape[1:]}; expected ({form})")


def stored(array: np.ndarray | Tensor) -> Tensor:
    """A batch of arrays as a tensor of the same values and dtype; a tensor as it is."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)) if isinstance(array, np.ndarray) else array


def box(array: np.ndarray, size: int) -> np.ndarray:
    """A float32 array ``(S, S)`` averaged over areas to ``(size, size)``."""
    return np.asarray(Image.fromarray(array, mode="F").resize((size, size), Image.Resampling.BOX))
