"""A trained method from arrays to arrays: any encoder joined to any decoder, one's own images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch

from mmbench.errors import UserError, did_you_mean
from mmbench.inference.image_files import Fitted, read_fitted
from mmbench.method import Method
from mmbench.modality import Modality
from mmbench.modality.reading import Reading
from mmbench.resize import fit
from mmbench.task import Translation
from mmbench.training.device import Compute

Bn = Literal["trained", "re-estimated"]

LISTED = 12  # translations that a message names


class Translator:
    """A trained method with the way from arrays to arrays.

    Attributes:
        name: of the method.
        modalities: by name (see ``mmbench/modality/``: kinds, classes, palette).
        size: height and width of all outputs, in pixels.
        method: in eval mode, where it computes.
        translations: the rows that the method was evaluated on; a method with a common latent space can do more.
        readings: how image files are read, by modality: as those that the cell was trained on. Replace one to read
            others; modalities of which it is not known are missing.
    """

    def __init__(
        self,
        name: str,
        method: Method,
        size: int,
        compute: Compute,
        readings: Mapping[str, Reading] = MappingProxyType({}),
    ) -> None:
        self.name, self.size, self.compute = name, size, compute
        self.modalities: dict[str, Modality] = {modality.name: modality for modality in method.task.modalities}
        self.translations = tuple(method.translations())
        self.readings = dict(readings)
        self.method = method.to(compute.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        # A method that shows its latent codes has one encoder and one decoder per modality, which can all be joined.
        self._joins = type(method).encode is not Method.encode

    def read(self, path: str | Path, modality: str) -> np.ndarray:
        """An image file as the array of a modality, ``(size, size[, 3])``, as in training.

        Raises:
            UserError: no such file, one that is damaged or holds something else, or it is not known how files of the
                modality are read; one line that begins with the path.
        """
        return self.read_fitted(path, modality).array

    def read_fitted(self, path: str | Path, modality: str, whole: bool = False) -> Fitted:
        """As :meth:`read`, with the size of the file; ``whole``: the array at the file's own size."""
        if modality not in self.modalities:
            raise UserError(f"no modality named {modality!r}{did_you_mean(modality, self.modalities)}")
        return read_fitted(Path(path), self.modalities[modality], self.readings, None if whole else self.size)

    @torch.inference_mode()
    def translate(
        self,
        inputs: Mapping[str, np.ndarray],
        output: str,
        *,
        via: str | None = None,
        weights: Sequence[float] | None = None,
        side_from: str | None = None,
        bn: Bn = "trained",
        sample: int = 0,
    ) -> np.ndarray:
        """Translate one image, or a batch of them with the batch as first axis.

        Args:
            inputs: aligned arrays by modality, as ``mmbench/modality/`` says: rgb uint8 ``(H, W, 3)``; depth
                float ``(H, W)`` in metres, 0 invalid; segmentation class ids ``(H, W)``, 0 void; scalar float
                ``(H, W)`` in [-1, 1]. Cropped to the centre square and resized to :attr:`size`, as for training.
            output: the modality to make.
            via: first to this modality, then from what was made of it to ``output``.
            weights, side_from, bn: see :class:`~mmbench.task.Translation` and :meth:`path`.
            sample: seeds the noise of methods that have any.

        Returns:
            The output modality's array, ``(size, size[, 3])``, with the batch as first axis where the inputs have one.

        Raises:
            UserError: the method cannot do this, or an array is not what its modality wants; one line.
        """
        steps = self.path(tuple(inputs), output, via=via, weights=weights, side_from=side_from, bn=bn)
        batch, single = self._batch(inputs)
        for step in steps:
            batch = {step.output: self._call(step, {name: batch[name] for name in step.inputs}, sample)}
        arrays = self.modalities[output].to_array(batch[output])
        return arrays[0] if single else arrays

    def path(
        self,
        inputs: Sequence[str],
        output: str,
        *,
        via: str | None = None,
        weights: Sequence[float] | None = None,
        side_from: str | None = None,
        bn: Bn = "trained",
    ) -> tuple[Translation, ...]:
        """The method's own translations that this one takes: one, or two where it does not go ``via`` by itself.

        What is left open is as in the row that the method was evaluated on; without such a row, inputs weigh the same
        and the first gives the side information.

        Raises:
            UserError: unknown modalities, weights that do not fit, or a translation that the method cannot do.
        """
        shares = self._check(inputs, output, via, weights, side_from, bn)
        if len(inputs) == 1:
            shares = side_from = None
        wanted = Translation(tuple(inputs), output, via, shares, side_from, bn)
        for row in self.translations:
            if (set(row.inputs), row.output, row.via, row.bn) == (set(inputs), output, via, bn):
                ordered = tuple(dict(zip(inputs, shares, strict=True))[name] for name in row.inputs) if shares else None
                filled = replace(row, weights=ordered or row.weights, side_from=side_from or row.side_from)
                if filled != row and not self._joins:
                    raise self._cannot(
                        wanted, f"weights {row.weights} with side information of {row.side_from} are fixed"
                    )
                return (filled,)
        if bn != "trained":
            raise self._cannot(wanted, "it has no statistics re-estimated for that")
        if via is not None:
            first = self.path(inputs, via, weights=shares, side_from=side_from)
            return (*first, *self.path((via,), output))
        if len(inputs) > 1 and not self._joins:
            raise self._cannot(wanted)
        return (wanted,)

    def _check(
        self,
        inputs: Sequence[str],
        output: str,
        via: str | None,
        weights: Sequence[float] | None,
        side_from: str | None,
        bn: str,
    ) -> tuple[float, ...] | None:
        if not inputs:
            raise UserError(f"no input modality; {self.name} knows {', '.join(self.modalities)}")
        for name in (*inputs, output, *([via] if via is not None else [])):
            if name not in self.modalities:
                raise UserError(f"no modality named {name!r}{did_you_mean(name, self.modalities)}")
        if len(set(inputs)) < len(inputs):
            raise UserError(f"inputs {', '.join(inputs)}: a modality is named twice")
        if side_from is not None and side_from not in inputs:
            raise UserError(f"side information of {side_from!r}: not an input{did_you_mean(side_from, inputs)}")
        if bn not in ("trained", "re-estimated"):
            raise UserError(f"bn {bn!r}: expected trained or re-estimated")
        if weights is None:
            return None
        text = ", ".join(f"{weight:g}" for weight in weights)
        if len(weights) != len(inputs):
            raise UserError(f"weights {text}: expected one per input ({', '.join(inputs)})")
        if not (min(weights) >= 0 and abs(sum(weights) - 1) < 1e-6):
            raise UserError(f"weights {text}: expected none below 0 and a sum of 1, got {sum(weights):g}")
        return tuple(float(weight) for weight in weights)

    def _batch(self, inputs: Mapping[str, np.ndarray]) -> tuple[dict[str, torch.Tensor], bool]:
        arrays, single = {}, True
        for name, given in inputs.items():
            one_image = len(self.modalities[name].shape(1, 1))
            array = np.asarray(given)
            single = array.ndim == one_image
            if array.ndim not in (one_image, one_image + 1):
                raise UserError(f"{name}: an array of shape {array.shape}; expected one image, or a batch of them")
            try:
                arrays[name] = self.modalities[name].checked(array[None] if single else array)
            except ValueError as error:
                raise UserError(f"{name}: {error}") from error
        shapes = {name: array.shape[:3] for name, array in arrays.items()}
        if len(set(shapes.values())) > 1:
            raise UserError(f"inputs differ in number, height or width: {shapes}")
        modalities, count = tuple(self.modalities.values()), next(iter(shapes.values()))[0]
        rows = [fit({name: array[i] for name, array in arrays.items()}, modalities, self.size) for i in range(count)]
        return {
            name: self.modalities[name].to_tensor(np.stack([row[name] for row in rows])).to(self.compute.device)
            for name in arrays
        }, single

    def _call(self, step: Translation, inputs: Mapping[str, torch.Tensor], sample: int) -> torch.Tensor:
        try:
            with self.compute.autocast():
                return self.method.translate(inputs, step, sample=sample)
        except Exception as error:  # what a method raises for a direction it was not made for is its own choice
            if step in self.translations:
                raise
            plain = isinstance(error, LookupError | StopIteration | ValueError)  # no network, or inputs, of that name
            raise self._cannot(step, "" if plain else f"{type(error).__name__}: {error}") from error

    def _cannot(self, wanted: Translation, reason: str = "") -> UserError:
        names = list(dict.fromkeys(row.name for row in self.translations))
        more = f", ... ({len(names)} in all)" if len(names) > LISTED else ""
        able = ", ".join(names[:LISTED]) + more if names else "nothing"
        bn = "" if wanted.bn == "trained" else f" with {wanted.bn} BN statistics"
        because = f" ({reason})" if reason else ""
        return UserError(f"{self.name} cannot translate {wanted.name}{bn}{because}; it can do: {able}")
