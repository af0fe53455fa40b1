"""Figures as PNG and SVG, of a large runs folder by a second process while the parent makes what follows.

Half of such a report's time is matplotlib's, which draws one figure at a time.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType

from mmbench.reporting import Figure, Table

CELLS = 200  # from here on the second process saves more time than its start takes


class Drawing:
    """In a ``with`` statement around the making and the writing of reports.

    Args:
        cells: how many cells the reports are of; a second process is started for many only.
    """

    def __init__(self, cells: int) -> None:
        # A fork would carry the threads' locks of numpy's libraries along.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_import) if cells >= CELLS else None
        self._begun: dict[str, Future[tuple[bytes, bytes]]] = {}

    def __enter__(self) -> Drawing:
        if self._pool:
            self._pool.submit(_import)  # starts the process, whose imports take as long as the reading of the cells
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def begin(self, made: Sequence[Table | Figure]) -> None:
        """Have figures drawn that :meth:`drawn` will be asked for. Nothing may change them any more."""
        for item in made:
            if self._pool and isinstance(item, Figure):
                self._begun[item.name] = self._pool.submit(draw, item)

    def drawn(self, figure: Figure) -> tuple[bytes, bytes]:
        """PNG and SVG of a figure. Raises what drawing it raises."""
        begun = self._begun.get(figure.name)
        # What the second process cannot do, such as a figure that cannot be sent to it, is done here.
        return draw(figure) if begun is None or begun.exception() else begun.result()


def draw(figure: Figure) -> tuple[bytes, bytes]:
    """PNG and SVG of a figure."""
    return figure.png(), figure.svg()


def _import() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg  # noqa: F401
