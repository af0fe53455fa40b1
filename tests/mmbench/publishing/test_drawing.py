"""A second process draws the same bytes, and what it cannot draw is drawn here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure as Canvas

from mmbench.publishing import drawing as module
from mmbench.publishing.drawing import CELLS, Drawing, draw
from mmbench.reporting import Figure


def figure(name: str, label: Callable[[float, float], str] | None = None) -> Figure:
    canvas = Canvas(figsize=(2, 1))
    axis = canvas.subplots()
    axis.plot([0, 1], [1, 3])
    axis.set_title(name)
    if label:
        axis.xaxis.set_major_formatter(label)
    return Figure(name, name, canvas)


def test_a_second_process_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    here = draw(figure("curve"))
    unsendable = figure("odd", lambda value, position: f"{value:.3f}")
    with Drawing(CELLS) as drawing:
        drawing.begin([figure("curve"), unsendable])
        here_drawn: list[str] = []
        svg = Figure.svg

        def noted(item: Figure) -> bytes:
            here_drawn.append(item.name)
            return svg(item)

        monkeypatch.setattr(Figure, "svg", noted)
        assert drawing.drawn(figure("curve")) == here
        assert here_drawn == []
        assert drawing.drawn(unsendable)[0].startswith(b"\x89PNG")
        assert here_drawn == ["odd"]


def test_few_cells_need_no_second_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ProcessPoolExecutor", lambda *_, **__: pytest.fail("started"))
    with Drawing(CELLS - 1) as drawing:
        drawing.begin([figure("curve")])
        assert drawing.drawn(figure("curve")) == draw(figure("curve"))
