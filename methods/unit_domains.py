"""UNIT over N unpaired domains: a model for every pair, as pairwise CycleGANs have (thesis 4.3.3, figure 4.3).

Liu, Breuel, Kautz, NIPS 2017; recipe, networks, losses and deviations as in ``unit.py``, whose likelihood is L1 on
colour images. Any two domains have a model of their own, so N domains need N(N-1) encoders, generators and
discriminators, and **all** pairs are trained, those among them that are unseen for M&MNets. With ``pairs = "anchor"``
the anchor's pairs alone are; the others are cascaded through the decoded image.

Losses are sums over the pairs of a step, which are separate models. With ``pairs_per_step`` each step draws that many
pairs, so that the cost of a step does not grow with N.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from mmbench.task import Translation

from .domain_pairs import every_translation, hops, trained_pairs
from .networks.labels import some
from .unit import UNIT

NAME = "unit-domains"
TITLE = "UNIT, domains, every pair trained"
CLASS = "UNITDomains"
ACCESS = "unpaired"
GROUP = "baselines"
KINDS = ("cross-domain",)
BUDGET = "full"
IN_ALL = False  # N(N-1) generators: for few domains
CITATION = "Liu, Breuel, Kautz, NIPS 2017"


class UNITDomains(UNIT):
    """Two encoders, generators and discriminators for every trained pair of domains."""

    def trained_pairs(self) -> list[tuple[str, ...]]:
        """Every pair, or those with the anchor."""
        names = sorted(domain.name for domain in self.task.modalities)
        return list(trained_pairs(names, self.task.anchor, self.context.settings["pairs"]))

    def pairs_of_step(self) -> list[tuple[str, ...]]:
        """As many as ``pairs_per_step`` says, drawn anew in each step; 0 means all."""
        return some(self.pairs, self.context.settings["pairs_per_step"])

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """The pair's own model or, ``via`` a domain, two of them one after the other; see :func:`hops`."""
        ((source, image),) = inputs.items()
        for target in hops(self.task, translation, self._is_trained):
            source, image = target, super().translate({source: image}, Translation((source,), target))
        return image

    def translations(self) -> tuple[Translation, ...]:
        """Every pair: what has no model of its own by the anchor."""
        return every_translation(self.task, self._is_trained)

    def _is_trained(self, one: str, other: str) -> bool:
        return tuple(sorted((one, other))) in self.pairs
