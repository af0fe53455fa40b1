"""The scorecard: verdicts on results made for each, the two sides of each claim, and missing or damaged input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mmbench.reports import claims
from mmbench.reports.claims import FAILS, HOLDS, UNDECIDED, UNTESTED, Comparison, decisive, verdict
from mmbench.reports.scores import TABLE_BASELINES, growth

from mmbench.reporting import COLUMNS, SWEEP, Results

SEEDS = (-0.1, 0.0, 0.1)  # what seeds 0, 1, 2 add to a method's value
DS: dict[str, Any] = {"inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "metric": "miou"}
DS_PAIR = ("depth", "segmentation")
SD: dict[str, Any] = {"inputs": "segmentation", "output": "depth", "output_kind": "depth", "metric": "delta_1.25"}
BASELINE: dict[str, Any] = {"group": "baselines"}
CASCADE: dict[str, Any] = {"group": "baselines", "via": "rgb"}
FAIR: dict[str, Any] = {**CASCADE, "bn": "re-estimated"}
COMMON = {"dataset": "rooms", "profile": "laptop", "state": "done", "group": "zero-pair", "bn": "trained",
          "checkpoint": "last", "pretrained": False, "cls": ""}  # fmt: skip


def row(method: str, mean: float, noise: Sequence[float] = SEEDS, **fields: Any) -> list[dict[str, Any]]:
    values = {**COMMON, **DS, "method": method, "title": method, **fields}
    return [{**values, "seed": seed, "value": mean + extra} for seed, extra in enumerate(noise)]


def cards(*rows: list[dict[str, Any]], runs: Path | None = None) -> pd.DataFrame:
    frame = pd.DataFrame([record for part in rows for record in part], columns=list(COLUMNS))
    made = claims.build(Results(frame, runs=runs or Path("nowhere")), pd.DataFrame())
    names = [f"claims-{name}-laptop" for name in sorted({*frame["dataset"]})]
    assert [table.name for table in made[::2]] == names
    assert all(table.name.startswith("claims-comparisons-") for table in made[1::2])
    assert all(table.text() and table.markdown() and table.csv() for table in made)
    return pd.concat([table.frame for table in made[::2]]).set_index("claim")


def baselines(values: float = 10.0, **fields: Any) -> list[dict[str, Any]]:
    return [
        record
        for name in TABLE_BASELINES
        for record in row(name, values, (0.0, 0.1, -0.1), **{**(CASCADE if "cascade" in name else BASELINE), **fields})
    ]


def compare(first: Sequence[float], second: Sequence[float], *bounds: float) -> Comparison:
    return Comparison("", "", dict(enumerate(first)), dict(enumerate(second)), *bounds)


@pytest.mark.parametrize(
    ("first", "second", "bounds", "expected"),
    [
        ((5.0, 5.1, 5.2), (1.0, 1.2, 1.1), (), HOLDS),
        ((1.0, 1.2, 1.1), (5.0, 5.1, 5.2), (), FAILS),
        ((5.0, 1.0, 3.0), (1.0, 4.0, 2.5), (), UNDECIDED),
        ((5.0,), (1.0,), (), UNDECIDED),
        ((), (1.0, 2.0), (), UNTESTED),
        ((1.0, 1.0), (1.0, 1.0), (), UNDECIDED),
        ((5.0, 5.1), (5.1, 5.2), (-2.0, 2.0), HOLDS),
        ((5.0, 5.1, 5.2), (1.0, 1.1, 1.2), (-2.0, 2.0), FAILS),
        ((1.0, 1.1, 1.2), (5.0, 5.1, 5.2), (-2.0, 2.0), FAILS),
        ((5.0, 5.9), (5.1, 4.2), (-2.0, 2.0), UNDECIDED),
        ((2.0, 2.1), (0.0, 0.1), (float("-inf"), 3.0), HOLDS),
        ((9.0, 9.1), (0.0, 0.1), (float("-inf"), 3.0), FAILS),
    ],
)
def test_a_comparison_is_decided_by_its_interval_only(
    first: tuple[float, ...], second: tuple[float, ...], bounds: tuple[float, ...], expected: str
) -> None:
    assert compare(first, second, *bounds).verdict == expected


def test_a_claim_holds_only_if_all_do_and_fails_if_one_does() -> None:
    holds, fails = compare((5.0, 5.0), (1.0, 1.0)), compare((1.0, 1.0), (5.0, 5.0))
    single, none = compare((5.0,), (1.0,)), compare((), ())
    assert verdict([holds, holds]) == HOLDS
    assert verdict([holds, none]) == verdict([holds, single]) == verdict([none, single]) == UNDECIDED
    assert verdict([holds, fails, single, none]) == FAILS
    assert verdict([none, none]) == verdict([]) == UNTESTED


def test_the_decisive_comparison_is_the_least_favourable() -> None:
    barely, clearly = compare((1.1, 1.1), (1.0, 1.0)), compare((5.0, 5.0), (1.0, 1.0))
    single, none, fails = compare((9.0,), (1.0,)), compare((), ()), compare((0.0, 0.0), (1.0, 1.0))
    assert decisive([clearly, barely]) is barely
    assert decisive([none, single, barely]) is single
    assert decisive([none, barely]) is none
    assert decisive([barely, fails, none]) is fails
    assert decisive([]) is None


def test_the_effect_and_interval_are_paired_by_seed() -> None:
    # Differences 2, 3, 4: mean 3, standard deviation 1, t(2, 97.5 %) = 4.3027, so 3 ± 2.4842.
    card = cards(row("mmnet-pp", 40.0, (2.0, 13.0, 24.0)), row("mmnet-control", 40.0, (0.0, 10.0, 20.0))).loc["C2"]
    assert (card["effect"], card["seeds"], card["verdict"]) == (pytest.approx(3.0), 3, HOLDS)
    assert (card["low"], card["high"]) == (pytest.approx(0.5158, abs=1e-4), pytest.approx(5.4842, abs=1e-4))


def test_every_claim_that_concerns_a_data_set_is_listed_once_and_untested_without_its_methods() -> None:
    card = cards(row("prior", 5.0, group="chance"))
    concern = [claim.id for claim in claims.CLAIMS if claim.about and claim.about[:2] == DS_PAIR]
    assert list(card.index) == concern
    assert set(card["verdict"]) == {UNTESTED}


def test_c1_needs_every_baseline_of_the_papers_and_the_fair_cascades() -> None:
    ours = row("mmnet", 40.0, (0.1, 0.0, -0.1))
    assert cards(ours, baselines()).loc["C1", "verdict"] == HOLDS
    some = [record for record in baselines() if record["method"] != "stargan-paired"]
    card = cards(ours, some).loc["C1"]
    assert (card["verdict"], card["comparison"], card["held"]) == (UNDECIDED, "mmnet - stargan-paired", "5 of 6")
    card = cards(ours, baselines(), row("cascade", 50.0, **FAIR)).loc["C1"]
    assert (card["verdict"], card["comparison"]) == (FAILS, "mmnet - cascade, BN re-estimated")
    card = cards(ours, baselines(), row("mmnet", 50.0, **CASCADE)).loc["C1"]
    assert (card["verdict"], card["comparison"]) == (FAILS, "mmnet - mmnet via rgb")
    assert cards(ours, baselines(), row("mmnet-pp", 50.0, **CASCADE)).loc["C1", "verdict"] == HOLDS


def test_a_changed_method_is_judged_apart() -> None:
    """Methods that a change does not concern stand beside it as they are; two changes are never one."""
    ours = row("mmnet", 40.0)
    changed: dict[str, Any] = {"base_method": "mmnet"}
    low = row("mmnet+1", 1.0, change="latent_noise=9", **changed)
    high = row("mmnet+2", 90.0, change="latent_noise=0.1", **changed)
    card = cards(ours, low, high, baselines()).loc["C1"].set_index("where")["verdict"]
    assert card.to_dict() == {
        "rooms, profile laptop": HOLDS,
        "rooms, profile laptop, latent_noise=0.1 where it concerns a method": HOLDS,
        "rooms, profile laptop, latent_noise=9 where it concerns a method": FAILS,
    }


@pytest.mark.parametrize(
    ("claim", "better", "worse"),
    [
        ("C2", ["mmnet-pp"], ["mmnet-control"]),
        ("C5", ["mmnet", "mmnet-none"], ["mmnet-none", "mmnet-skip"]),
        ("C6", ["mmnet", "mmnet-no-noise", "mmnet-autoencoders"], ["mmnet-no-noise", "mmnet-autoencoders",
                                                                   "mmnet-translations"]),
        ("C8", ["mmnet"], ["mmnet-rgb-indices"]),
    ],
)  # fmt: skip
def test_orders_of_variants(claim: str, better: list[str], worse: list[str]) -> None:
    order = list(dict.fromkeys([*better, *worse]))
    noise = ((0.1, 0.0, -0.1), (0.0, 0.1, 0.0))
    right = [row(name, 40.0 - 5 * place, noise[place % 2]) for place, name in enumerate(order)]
    wrong = [row(name, 40.0 + 5 * place, noise[place % 2]) for place, name in enumerate(order)]
    assert cards(*right).loc[claim, "verdict"] == HOLDS
    assert cards(*wrong).loc[claim, "verdict"] == FAILS
    assert cards(*right[:1]).loc[claim, "verdict"] == UNTESTED


def test_c3_compares_two_inputs_with_each_of_them() -> None:
    both = row("mmnet", 45.0, inputs="rgb+depth", group="multi-modal", weights="0.8,0.2")
    depth, rgb = row("mmnet", 42.0), row("mmnet", 44.0, inputs="rgb", group="seen")
    swept = row("mmnet", 10.0, inputs="rgb+depth", group="multi-modal", weights="0,1", selection=SWEEP)
    card = cards(both, depth, rgb, swept).loc["C3"]
    assert (card["verdict"], card["effect"], card["held"]) == (HOLDS, pytest.approx(1.0), "2 of 2")


def test_c4_covers_pseudo_pairs_and_several_inputs() -> None:
    mixed: dict[str, Any] = {"inputs": "rgb+depth", "group": "multi-modal"}
    oracle = row("oracle", 60.0, group="oracle"), row("oracle-multimodal", 65.0, group="oracle", inputs="rgb+depth")
    ours = row("mmnet", 50.0), row("mmnet-pp", 55.0), row("mmnet", 52.0, **mixed)
    assert cards(*oracle, *ours, row("mmnet-pp", 56.0, **mixed)).loc["C4", "verdict"] == HOLDS
    assert cards(*oracle, *ours, row("mmnet-pp", 70.0, **mixed)).loc["C4", "verdict"] == FAILS


def test_c7_is_about_pretrained_encoders_only() -> None:
    scratch = row("mmnet-scratch", 40.0)
    assert cards(row("mmnet", 45.0, pretrained=True), scratch).loc["C7", "verdict"] == HOLDS
    assert cards(row("mmnet", 45.0, pretrained=False), scratch).loc["C7", "verdict"] == UNTESTED


def test_c9_takes_the_fair_cascades_and_its_tolerance() -> None:
    cascade, skip = row("cascade", 8.0, **FAIR), row("cascade-skip", 25.0, **FAIR)
    unfair = row("cascade-skip", 1.0, **CASCADE)
    close, far = row("pix2pix-cascade", 26.0, **CASCADE), row("pix2pix-cascade", 29.0, **CASCADE)
    assert cards(cascade, skip, unfair, close).loc["C9", "verdict"] == HOLDS
    card = cards(cascade, skip, unfair, far).loc["C9"]
    assert (card["verdict"], card["effect"]) == (FAILS, pytest.approx(-4.0))


def test_c10_is_the_order_of_the_other_direction_in_percent() -> None:
    mixed: dict[str, Any] = {**SD, "inputs": "rgb+segmentation", "group": "multi-modal"}
    parts = [
        row("mmnet", 0.6, (0.0, 0.0), **SD), row("mmnet-control", 0.61, (0.0, 0.0), **SD),
        row("mmnet-pp", 0.65, (0.0, 0.0), **SD), row("mmnet", 0.7, (0.0, 0.0), **mixed),
        row("mmnet-pp", 0.72, (0.0, 0.0), **mixed), row("oracle", 0.8, (0.0, 0.0), **{**SD, "group": "oracle"}),
        row("oracle-multimodal", 0.9, (0.0, 0.0), **{**mixed, "group": "oracle"}),
        [{**record, "value": 0.2} for record in baselines(**SD)],
    ]  # fmt: skip
    card = cards(*parts).loc["C10"]
    assert (card["verdict"], card["comparison"]) == (HOLDS, "mmnet-pp - mmnet-control")
    assert (card["unit"], card["effect"]) == ("δ < 1.25, %", pytest.approx(4.0))
    assert cards(*parts, row("cascade", 0.62, (0.0, 0.0), **{**SD, **FAIR})).loc["C10", "verdict"] == FAILS


def test_c11_is_on_flowers_against_the_control() -> None:
    place: dict[str, Any] = {"dataset": "flowers", "inputs": "theta2", "output": "theta3", "output_kind": "rgb"}
    place |= {"metric": "classification_accuracy"}
    card = cards(row("mmnet-pp", 57.0, **place), row("mmnet-control", 37.0, **place), row("mmnet", 90.0, **place))
    assert (card.loc["C11", "verdict"], card.loc["C11", "where"]) == (HOLDS, "flowers, profile laptop")
    assert "C1" not in card.index


def test_c14_has_a_tolerance_above_the_papers_lowest_row() -> None:
    lowest, fair = row("cascade", 10.0, **CASCADE), row("cascade", 1.0, **FAIR)
    low = [row(name, 12.0, **BASELINE) for name in claims.ADVERSARIAL]
    assert cards(lowest, fair, *low).loc["C14", "verdict"] == HOLDS
    assert cards(lowest, fair, *low[:2], row("stargan-paired", 20.0, **BASELINE)).loc["C14", "verdict"] == FAILS
    below = [row(name, 1.0, **BASELINE) for name in claims.ADVERSARIAL]
    assert cards(lowest, fair, *below).loc["C14", "verdict"] == HOLDS, (
        "far below the cascade is at most that much above"
    )


def _log(runs: Path, method: str, seed: int, *lines: Any) -> None:
    folder = runs / "rooms" / "laptop" / method / f"seed-{seed}"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{}")
    entries = (line if isinstance(line, str) else {"stage": line[0], "total_step": 1, **line[1]} for line in lines)
    texts = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    (folder / "log.jsonl").write_text("\n".join(texts))


def pair(first: float, second: float) -> dict[str, Any]:
    """Alignment of two pairs of modalities, in a line of the log."""
    return {"alignment/a-b": first, "alignment/a-c": second, "latent_std/a": 9.0}


def test_c13_reads_the_alignment_at_each_stages_end(tmp_path: Path) -> None:
    for seed in (0, 1):
        rise = 0.01 * seed
        before = ("translate", pair(0.9, 0.9)), ("translate", pair(0.3, 0.5))
        nothing: dict[str, Any] = {"losses": {}}
        after = ("align", pair(0.8 + rise, 0.9)), ("align", nothing), ("re-estimate", pair(0.0, 0.0))
        broken = (
            '{"stage": "align", "alignment/a-b": 0.1',
            '["alignment/"]',
            '{"stage": "align", "total_step": 2, "alignment/a-b": "x"}',
        )
        _log(tmp_path, "mmnet", seed, *before, *after, *broken)
        _log(tmp_path, "mmnet-pp", seed, ("pseudo-pairs", pair(0.84 + rise, 0.9)))
    (tmp_path / "rooms/laptop/mmnet/seed-x").mkdir()
    card = cards(row("mmnet", 40.0), runs=tmp_path).loc["C13"]
    # Means of two pairs: 0.4, then 0.85, then 0.87 (seed 1: 0.855 and 0.875).
    assert (card["verdict"], card["comparison"]) == (HOLDS, "rise in stage 3")
    assert card["effect"] == pytest.approx(2.0)


def test_c12_reads_how_networks_grow(tmp_path: Path) -> None:
    counts = [("mmnet-domains", n, 2 * n) for n in (2, 3, 4, 5, 11)] + [("cyclegan", n, n * n - n) for n in range(2, 9)]
    file = tmp_path / "scaling.csv"
    pd.DataFrame(counts, columns=["method", "domains", "encoders"]).to_csv(file, index=False)
    assert growth(file) == {"mmnet-domains": 1.0, "cyclegan": 2.0}
    domains: dict[str, Any] = {"output_kind": "domain", "metric": "classification_accuracy", "inputs": "a"}
    card = cards(row("stargan", 40.0, **domains))
    assert card["verdict"].to_dict() == {"C12": HOLDS}, "it is counted, whatever was trained"
    assert "C12" not in cards(row("mmnet", 40.0)).index
    file.write_text("method,domains\nmmnet-domains,2\n")
    assert growth(file) == {}
    assert growth(tmp_path / "absent.csv") == {}


def test_stale_values_count_and_are_named_failed_ones_do_not() -> None:
    results = [*row("mmnet-pp", 45.0, state="stale"), *row("mmnet-control", 40.0), *row("oracle", 90.0, state="failed")]
    table, _ = claims.build(Results(pd.DataFrame(results, columns=list(COLUMNS))), pd.DataFrame())
    assert table.frame.set_index("claim").loc["C2", "verdict"] == HOLDS
    assert table.note.endswith("3 of the values were made with other code (stale).")


@pytest.mark.parametrize("results", [pd.DataFrame(), pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame({"value": [1]})])
def test_nothing_without_results(results: pd.DataFrame) -> None:
    assert claims.build(Results(results), pd.DataFrame()) == []


@pytest.mark.parametrize("missing", [column for column in COLUMNS if column != "metric"])
def test_a_missing_column_does_not_crash(missing: str) -> None:
    results = pd.DataFrame([*row("mmnet-pp", 45.0), *row("mmnet-control", 40.0)], columns=list(COLUMNS))
    results.loc[0, "value"] = float("nan")
    for table in claims.build(Results(results.drop(columns=missing)), pd.DataFrame()):
        assert table.text()
