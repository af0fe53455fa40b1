"""The contract of a method: one file in ``methods/``, one public ``nn.Module``.

The card stands at the top of the file as literal assignments, read without importing it::

    NAME = "mmnet"                    # as typed in --methods and printed in tables
    TITLE = "M&MNets"
    CLASS = "MMNet"
    ACCESS = "seen-groups"            # see mmbench.task.Access
    GROUP = "zero-pair"               # chance, baselines, zero-pair or oracle: its place in the tables
    KINDS = ("cross-modal", "cross-channel")     # kinds of task it can do
    CITATION = "Wang et al., CVPR 2018"
    IN_ALL = True                     # optional: whether --methods all means it too
    SUITES = ("tables", "ablation")   # optional: which --suite means it; by default tables, where --methods all does
    SCALES = ("paper",)               # optional: scales of profiles in which all and suites mean it; by default both
    PARENT = "mmnet"                  # optional: start from that method's finished cell of the same seed
    BUDGET = "full"                   # optional: first (the profile's steps), extra (its extra_steps: children) or both
    COST = 1.0                        # optional: time per step relative to mmnet, for the plan's estimate
    SETTINGS = {...}                  # optional: default settings, where there is no TOML beside the file
    STAGE = {...}                     # optional: likewise, defaults of its own switches per stage
    CHOICES = {...}                   # optional: likewise, all values that a setting or switch may have
    RANGES = {...}                    # optional: likewise, [least, greatest] value of a setting, or another's name
    SPLITS = True                     # optional: whether several GPUs can share a cell of it (--gpus-per-cell)
    REQUIRES = {...}                  # optional: package that is not mmbench's own -> what pip installs to have it
    STAGES = [...]                    # optional: likewise; without it one stage "train" takes the whole budget

Settings, stages, overlays and named variants can stand in a TOML file of the same name beside it, see
``mmbench/planning/settings.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mmbench.schedule import NetworkSize as NetworkSize
from mmbench.schedule import Stage as Stage
from mmbench.task import Task, Translation

Batch = dict[str, dict[str, Tensor]]
"""One training batch: view name (such as ``rgb+depth``) -> modality -> tensor representation."""

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Context:
    """All that a method is built from. It cannot reach the data set.

    Attributes:
        task: modalities, groups, translations.
        size: image height and width in pixels.
        network: the profile's network size.
        settings: the method's own settings, defaults < overlays < variant < ``--set``; every key is known to exist.
        labels: number of class labels (judges only).
        pretrained: what was decided for the weights that this method will take over (a checkpoint's, a parent's):
            whether they started from pretrained ones. None where training starts here and the method decides.
    """

    task: Task
    size: int
    network: NetworkSize
    settings: Mapping[str, Any]
    labels: int = 0
    pretrained: bool | None = None


class Method(nn.Module):
    """Base of every method: a module that trains in steps and translates."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.task = context.task

    def forward(self, batch: Batch, stage: Stage) -> Any:
        """Run once per batch, in training mode; what it returns is handed to :meth:`loss` of each player.

        A step has one batch, or as many as the player with the most optimizer steps takes per step. Where only the
        ``discriminator`` learns from a batch, there is no gradient here: what it is shown is detached anyway.

        In a stage without players it observes (under no_grad): running statistics, histograms, medians.
        Every method defines it; one that does not is refused before it trains.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def loss(self, player: str, batch: Batch, made: Any, stage: Stage) -> Losses:
        """Named scalar losses of one player, unweighted; the harness weighs, sums, logs and steps.

        Called once per optimizer step of the player; each call needs a graph of its own.
        """
        raise NotImplementedError(f"{type(self).__name__} has no player {player!r}")

    def translate(self, inputs: Mapping[str, Tensor], translation: Translation, *, sample: int = 0) -> Tensor:
        """Translate a batch of aligned images to the output modality.

        Called in eval mode without gradient, with nothing but the inputs in hand. Every method defines it; one that
        does not is refused before it trains.

        Args:
            inputs: modality -> tensor representation ``(B, ...)``, in the order of ``translation.inputs``.
            translation: what to make of them and how: one of :meth:`translations`, or another one that the method
                can do, such as a :meth:`mixes` row with other weights.
            sample: seeds any noise.

        Returns:
            The output modality's tensor representation ``(B, ...)``.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define translate()")

    def translate_each(
        self, inputs: Mapping[str, Tensor], translations: Sequence[Translation], *, sample: int = 0
    ) -> Iterator[Tensor]:
        """What :meth:`translate` makes of the same inputs for each of several translations, bit for bit.

        A method whose translations begin with the same work does that once, before it yields the first one.
        """
        for translation in translations:
            yield self.translate(inputs, translation, sample=sample)

    def translations(self) -> tuple[Translation, ...]:
        """The rows this method fills: by default the task's unseen translations."""
        return self.task.unseen

    def mixes(self) -> tuple[Translation, ...]:
        """Multi-modal rows of two inputs whose weights and side information may be varied (``evaluation/sweep.py``)."""
        return ()

    def encode(self, modality: str, tensor: Tensor) -> Tensor | None:
        """The latent code ``(B, ...)`` for the alignment factor (eq. 4.16); None where there is none."""
        return None

    def networks(self) -> dict[str, nn.Module]:
        """Role -> module: what is counted, trained and frozen, under the names that results and schedules use.

        By default every module that the method holds and that has parameters: those of a ``ModuleDict`` named in the
        plural by their key (``self.encoders["rgb"]`` is ``encoder/rgb``), others as ``shared`` (``self.generator`` is
        ``generator/shared``).
        """
        roles: dict[str, nn.Module] = {}
        for name, module in self.named_children():
            if next(module.parameters(), None) is None:
                continue
            if isinstance(module, nn.ModuleDict):
                roles |= {f"{name.removesuffix('s')}/{key}": network for key, network in module.items()}
            else:
                roles[f"{name}/shared"] = module
        return roles

    def player_of(self, role: str) -> str:
        """Which player trains a role's parameters."""
        return "discriminator" if role.startswith("discriminator/") else "generator"

    def start_from(self, parent: Method) -> None:
        """Take over a trained parent's state. By default its state dict must fit exactly."""
        self.load_state_dict(parent.state_dict())
