"""The methods that a cell needs: its own, and the trained ones of the cells that it waits for."""

from __future__ import annotations

from pathlib import Path

from mmbench.dataset import Dataset
from mmbench.errors import UserError
from mmbench.method import Context, Method
from mmbench.planning import config
from mmbench.planning.order import Order
from mmbench.plugins import catalog
from mmbench.store.folder import CellFolder
from mmbench.training.build import build_method, load_trained, recorded_pretrained


class Methods:
    """Makes them at the size that the order's profile has."""

    def __init__(self, order: Order, profile: config.Profile, kind: str) -> None:
        self.order, self.profile, self.kind = order, profile, kind

    def initial(self, name: str, dataset: Dataset, weights_of: Path | None) -> tuple[Method, config.MethodConfig]:
        """A method with the seed's initial weights, and its settings; ``weights_of`` is whose weights it will have."""
        card = catalog.find("methods", name)
        overrides = config.for_role(card, self.order.overrides)
        settings = config.resolve(card, self.profile, self.kind, overrides)
        context = Context(
            dataset.task, self.profile.size, self.profile.network,
            config.placed(settings.settings, overrides), len(dataset.labels),
            recorded_pretrained(weights_of),
        )  # fmt: skip
        return build_method(card, context, self.order.seed), settings

    def finished(self, name: str, dataset: Dataset, folder: Path) -> Method:
        """Another cell's trained method (a parent or a judge).

        Raises UserError where its weights are damaged; the next run then does that cell again.
        """
        method, _ = self.initial(name, dataset, folder)
        try:
            load_trained(method, folder)
        except ValueError as error:
            other = CellFolder(folder)
            other.set_failed("damaged", str(error))
            raise UserError(f"{error}; the next run does {other.name} again") from error
        return method
