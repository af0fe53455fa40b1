"""A data set at smoke size, and everything between it and a trained method; a cache in which the rest is noise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from mmbench.dataset import Dataset
from mmbench.evaluation.aligned import align
from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.store.folder import CellFolder
from mmbench.task import LABEL, Access, View
from mmbench.training.build import build_method
from mmbench.training.device import Compute
from mmbench.training.loader import Loader, held_views
from mmbench.training.loop import Intervals, train

SMOKE = "smoke"
INTERVALS = Intervals(log=1, checkpoint=2, observe=1)
CPU = Compute(torch.device("cpu"), "fp32")
BF16 = Compute(torch.device("cpu"), "bf16")

Scale = Literal["small", "paper"]


class NoisyCache:
    """A cache in which everything outside some views is noise."""

    def __init__(self, inner: Any, allowed: tuple[View, ...]) -> None:
        self.inner = inner
        self.allowed = {
            name: set(np.concatenate([inner.index(v.ids) for v in allowed if name in v.modalities]).tolist())
            for name in {name for view in allowed for name in view.modalities} - {LABEL}
        }
        self.replaced = 0

    def index(self, ids: tuple[str, ...]) -> np.ndarray:
        """As the cache's."""
        return np.asarray(self.inner.index(ids))

    def holding(self, rows: np.ndarray, modalities: tuple[str, ...]) -> np.ndarray:
        """As the cache's."""
        return np.asarray(self.inner.holding(rows, modalities))

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        """As the cache's, with noise in the rows that no view allows; :attr:`replaced` counts them."""
        array = np.asarray(self.inner.read(modality, rows))
        noise = np.random.default_rng(7)
        for position, row in enumerate(rows):
            if int(row) not in self.allowed.get(modality, set()):
                self.replaced += 1
                array[position] = noise.integers(0, 13, array[position].shape).astype(array.dtype)
        return array


@dataclass
class Bench:
    """A data set at smoke size, and everything between it and a trained method."""

    dataset: Dataset
    profile: config.Profile
    cache: Any

    def at_scale(self, scale: Scale) -> Bench:
        """The same sizes with the overlays of a scale: ``paper`` brings the adversarial terms."""
        name = SMOKE if scale == "small" else scale
        return dataclasses.replace(self, profile=dataclasses.replace(self.profile, name=name, scale=scale))

    def build(
        self, name: str, seed: int = 0, overrides: dict[str, Any] | None = None
    ) -> tuple[Method, config.MethodConfig]:
        """A method with initial weights, and its settings and stages."""
        card = catalog.find("methods", name)
        resolved = config.resolve(card, self.profile, self.dataset.task.kind, overrides or {})
        context = Context(self.dataset.task, self.profile.size, self.profile.network, resolved.settings, 0)
        method = build_method(card, context, seed)
        return method.to(memory_format=torch.channels_last), resolved

    def views(self, name: str) -> tuple[View, ...]:
        """What a method may see."""
        return held_views(self.dataset, self.dataset.split(), Access(catalog.find("methods", name)["ACCESS"]))

    def loader(self, name: str, seed: int = 0, through: Any = None) -> Loader:
        """A method's batches, read through another cache where one is given."""
        return Loader(
            self.dataset.task,
            self.views(name),
            through or self.cache,
            batch_size=self.profile.batch,
            seed=seed,
            flips=True,
            device=torch.device("cpu"),
        )

    def train(self, name: str, folder: Path, seed: int = 0, through: Any = None, looked_at: Any = None) -> Method:
        """Train through a cache; ``looked_at`` is the cache that the alignment factors are taken from."""
        method, resolved = self.build(name, seed)
        task, validation = self.dataset.task, self.dataset.split().validation
        observe = (lambda m: align(m, task, looked_at, validation, CPU)) if looked_at else None
        folder.mkdir(parents=True, exist_ok=True)
        loader = self.loader(name, seed, through)
        train(method, resolved.stages, loader, CellFolder(folder), CPU, seed=seed, intervals=INTERVALS, observe=observe)
        return method

    def check_guard(self, name: str, folder: Path, validates: bool = False) -> None:
        """Train with and without noise in place of all that a method may not see: the weights are the same bits.

        Args:
            validates: whether alignment factors are taken from validation images meanwhile.
        """
        noisy, validation = NoisyCache(self.cache, self.views(name)), NoisyCache(self.cache, ())
        plain = self.train(name, folder / "plain", looked_at=self.cache if validates else None).state_dict()
        seen = validation if validates else None
        guarded = self.train(name, folder / "noisy", through=noisy, looked_at=seen).state_dict()
        assert not validates or validation.replaced > 0, "alignment factors are taken from validation images"
        everything = sum(map(len, self.dataset.split().parts().values()))
        assert min(map(len, noisy.allowed.values())) < everything, "nothing is withheld"
        assert noisy.replaced == 0, "a loader read an image that the guard does not allow"
        differing = [key for key in plain if not torch.equal(plain[key], guarded[key])]
        assert not differing, f"with noise in place of what it may not see, {differing[0]} ends as something else"

    def read(self, ids: Any) -> dict[str, torch.Tensor]:
        """Samples that hold all modalities, in tensor representation."""
        rows = self.cache.index(ids)
        return {m.name: m.to_tensor(self.cache.read(m.name, rows)) for m in self.dataset.task.modalities}
