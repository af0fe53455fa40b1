"""The papers' numbers (published_results.csv) and which of our rows each may stand beside."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

SOURCES = ("thesis", "cvpr2018")  # where both print a number, the later one counts
CASCADES = ("cascade", "cascade-skip", "pix2pix-cascade")  # their published rows run through the anchor
ALPHA = "0.8,0.2"  # thesis 4.6.2: the anchor's latent has weight 1 - alpha = 0.8
ALPHA_NOT_STATED = ("flowers-opponent",)  # thesis 4.5.3 prints multi-modal numbers without it
ALIASES = {"oracle-multimodal": "oracle"}  # one name in the papers' tables


def load() -> pd.DataFrame:
    """All numbers: source, table, dataset, inputs, output, method, label, group, side_information, metric, cls, value.

    IoUs and accuracies are in percent, deltas are fractions, ``rmse_linear`` is in metres.
    """
    with (files(__package__) / "published_results.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype={"table": str}, keep_default_na=False)


def comparable(row: pd.Series) -> bool:
    """Whether a row of the results table follows the papers' protocol, so that a published number may stand beside it.

    It does with the statistics BN was trained with, the last checkpoint, nothing chosen on validation images, no
    intermediate modality except in a cascade, and in multi-modal translation the papers' weights (where stated) and the
    anchor's (the first input's) side information.
    """
    one_input = "+" not in row["inputs"]
    stated = row["inputs"].count("+") == 1 and row["published_dataset"] not in ALPHA_NOT_STATED
    return bool(
        row["bn"] in ("", "trained")
        and row["checkpoint"] in ("", "last")
        and not row.get("selection", "")
        and (not row["via"] or row["base_method"] in CASCADES)
        and (one_input or not stated or row["weights"] in ("", ALPHA))
        and row["side_from"] in ("", row["inputs"].split("+")[0])
    )


def lookup(published: pd.DataFrame, row: pd.Series, metric: str, cls: str = "") -> tuple[float, str]:
    """The published number for a row of the results table, and where it stands (``thesis, table 4.4``).

    (nan, "") where the papers have none for this data set, inputs, output, method and metric, where the row is
    another experiment (:func:`comparable`), or where a paper prints several numbers under this key (its ablations).
    """
    nothing = float("nan"), ""
    if published.empty or not row["published_dataset"] or not comparable(row):
        return nothing
    wanted = {
        "dataset": row["published_dataset"],
        **{column: row[column] for column in ("inputs", "output")},
        "method": ALIASES.get(row["base_method"], row["base_method"]),
        "metric": metric,
        "cls": cls,
    }
    found = published
    for column, value in wanted.items():
        found = found[found[column] == value]
    for source in SOURCES:
        here = found[found["source"] == source]
        if len(here) == 1:
            return float(here["value"].iloc[0]), f"{source}, table {here['table'].iloc[0]}"
        if len(here):
            return nothing
    return nothing
