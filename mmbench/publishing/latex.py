"""A table for LaTeX: booktabs rules, headings of groups, arrows and signs in math mode."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mmbench.given.texts import shown
from mmbench.reporting import MISSING

if TYPE_CHECKING:
    from mmbench.reporting import Table

WIDE = 8  # columns beyond which letters and gaps are set smaller
SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "[": "{[}",  # behind the end of a row it would open an optional argument
    "<": "$<$", ">": "$>$", "|": "$|$", "±": r"$\pm$", "·": r"$\cdot$", "²": "$^2$", "³": "$^3$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{MINUS SIGN}": "$-$", "≤": r"$\leq$", "≥": r"$\geq$",
    "→": r"$\rightarrow$", "←": r"$\leftarrow$", "↔": r"$\leftrightarrow$",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$", "δ": r"$\delta$", "θ": r"$\theta$"
}  # fmt: skip
TABLE = str.maketrans(SPECIAL)
SIGNED = re.compile(r"[+-][\d.]+(?:e[+-]?\d+)?")


def escape(text: str) -> str:
    """Text as LaTeX prints it, in text mode."""
    return shown(text).translate(TABLE)


def table(item: Table) -> str:
    """A ``table`` environment with caption, label ``tab:<name>`` and the note below; needs booktabs only."""
    titles = item.titles()
    sides = "".join(side[0] for side in item.align()) or "l"
    body: list[str] = []
    for line in item.lines:
        if line.heading:
            body += [r"\midrule"] * (len(body) > 0)
            body.append(rf"\multicolumn{{{len(sides)}}}{{l}}{{\textit{{{escape(line.heading)}}}}} \\")
        else:
            cells = [_cell(cell, best) for cell, best in zip(line.cells, line.best, strict=True)]
            body.append(" & ".join(cells) + r" \\")
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        *([r"\scriptsize", r"\setlength{\tabcolsep}{3pt}"] if len(titles) > WIDE else []),
        rf"\caption{{{escape(item.title)}}}",
        rf"\label{{tab:{re.sub(r'[^A-Za-z0-9.-]', '-', item.name)}}}",
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        " & ".join(map(escape, titles)) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *([rf"\par\smallskip{{\footnotesize {escape(item.note)}\par}}"] if item.note else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str, best: bool) -> str:
    if text == MISSING:
        return "--"
    if text.isascii() and text.isalnum() and not best:
        return text
    value, sign, spread = text.partition(" ± ")
    shown = f"${value}$" if SIGNED.fullmatch(value) else escape(value)
    return (rf"\textbf{{{shown}}}" if best else shown) + escape(sign + spread)
