"""No number of any method changes unnoticed: losses, gradients, trained weights and result rows against recorded ones.

The values are in ``values/``, a file per case (``measure.py``: every card on every kind of task that it knows, with the
overlays of ``smoke`` and, where they decide something else, of ``paper``). On a machine as ``machine.json`` describes
they have to be the same bits, elsewhere about the same (``compare.py``).

Renew them with ``python tests/golden/renew.py`` when, and only when, numbers are meant to change: a method's
mathematics, its defaults, its schedule, the harness' batches or metrics; a new or a removed card; or a new torch. All
files are of one machine. The message of the commit that changes a value must say why it changes; a commit that only
moves or renames code changes none. A new card's values may be recorded on another machine (``elsewhere.json``); they
are then compared loosely until the machine of all others has renewed them.
"""

from __future__ import annotations

import compare
import measure
import pytest

CASES = {case.name: case for case in measure.cases()}
SHOWN = 12  # differences of a case that are printed


def test_every_case_of_every_card_is_recorded_and_no_other() -> None:
    recorded = {path.stem for path in compare.FOLDER.glob("*.json")}
    missing, extra = sorted(set(CASES) - recorded), sorted(recorded - set(CASES))
    assert not missing, f"no golden values of {missing}; record them with: {compare.RENEW}"
    assert not extra, f"golden values of cases that are gone: {extra}; remove them with: {compare.RENEW}"


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_as_recorded(name: str) -> None:
    assert compare.path_of(name).exists(), f"no golden values of {name}; record them with: {compare.RENEW}"
    exact = compare.same_machine() and name not in compare.elsewhere()
    found = compare.differences(compare.read(name), measure.measure(CASES[name]), exact)
    how = "bit by bit" if exact else f"loosely; this machine is {compare.machine()}"
    more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    assert not found, "\n".join(
        [f"{name}, compared {how}:", *found[:SHOWN], *more, f"If that is meant, say why and run: {compare.RENEW}"]
    )


@pytest.mark.parametrize(
    ("path", "recorded", "near", "far"),
    [
        ("steps/0/losses/rgb", 0.5, 0.50004, 0.5001),
        ("steps/1/losses/rgb", 0.5, 0.504, 0.51),
        ("after all/encoder/norm", 2.0, 2.01, 2.03),
        ("rows/0/metrics/miou", 20.0, 29.0, 31.0),
        ("rows/0/metrics/classification_accuracy", 25.0, 75.0, 100.0),
    ],
)
def test_elsewhere_numbers_may_be_about_the_same(path: str, recorded: float, near: float, far: float) -> None:
    def found(measured: float, exact: bool) -> list[str]:
        return compare.differences({path: recorded}, {path: measured}, exact)

    assert not found(recorded, exact=True)
    assert found(near, exact=True)
    assert not found(near, exact=False)
    assert found(far, exact=False)


def test_not_a_number_equals_itself_only() -> None:
    assert not compare.differences({"a": None}, {"a": float("nan")}, exact=False)
    assert compare.differences({"a": None}, {"a": 0.0}, exact=False)
    assert compare.differences({"a": 0.0}, {}, exact=False)
    assert compare.differences({}, {"a": 0.0}, exact=False)
