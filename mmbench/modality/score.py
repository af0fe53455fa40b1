"""One number of a metric, and how tables and figures show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A number that a metric computes.

    Attributes:
        key: its name in a row's ``metrics``; a number per class is ``<key>/<class>``.
        header: in tables.
        spec: format specification, such as ``.1f``.
        unit: ``%``, ``dB``, ``m``; ``share`` of 1.
        label: on an axis, where header and unit say too little.
        lower: whether less is better.
    """

    key: str
    header: str
    spec: str
    unit: str = ""
    label: str = ""
    lower: bool = False

    @property
    def axis(self) -> str:
        """What stands at an axis."""
        return self.label or (f"{self.header}, {self.unit}" if self.unit else self.header)

    @property
    def finer(self) -> str:
        """The format of a difference between two of them: one digit more."""
        return f".{int(self.spec[1:-1]) + 1}f"
