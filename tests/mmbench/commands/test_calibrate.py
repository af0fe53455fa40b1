"""The program that times methods: sizes, extrapolation, and its answers in process."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from mmbench.commands import calibrate
from mmbench.commands.calibrate import Scale, at_full_size, scale_of
from mmbench.planning import config
from mmbench.planning.order import order_of
from mmbench.planning.plan import make_plan


def test_a_laptops_step_is_timed_as_it_is() -> None:
    """8 x 48^2 x 24^2 = 1.1e7."""
    assert scale_of(config.profile("laptop", "cross-modal"), "cpu") == Scale(8, 48, 1.0)


def test_a_papers_step_is_timed_smaller_on_a_cpu_and_as_it_is_on_a_gpu() -> None:
    """256 px are halved while at least 2 x 2 are left behind five poolings: 64 px; then 6 images to 2."""
    profile = config.profile("paper", "cross-modal")
    assert scale_of(profile, "cpu") == Scale(2, 64, 6 * 256**2 / (2 * 64**2))
    assert scale_of(profile, "cuda") == Scale(6, 256, 1.0)


@pytest.mark.parametrize(
    ("times", "factor", "expected"),
    [
        ([3.0], 1.0, 3.0),
        ([3.0, 5.0], 48.0, 1.0 + 48 * 2.0),  # 1 s of the optimizer, 2 s that grow
        ([3.0, 6.0], 48.0, 144.0),  # all of it grows
        ([4.0, 3.9], 48.0, 4.0 + 47 * 1.0),  # noise
    ],
)
def test_a_step_at_full_size(times: list[float], factor: float, expected: float) -> None:
    assert at_full_size(times, factor) == pytest.approx(expected)


def test_answers_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibrate, "LARGEST", {"cpu": 1e3})  # so that a smoke cell is too large as it is
    plan = make_plan(["mmnet", "prior"], "synthetic", "smoke", [0], tmp_path)
    questions = [
        {"key": cell.method, "samples": "s" if cell.method == "mmnet" else "",
         "order": order_of(cell, cache_folder=tmp_path, device="cpu", threads=1).to_json()}
        for cell in plan.cells
    ]  # fmt: skip
    broken = {**questions[0], "key": "broken", "order": questions[0]["order"].replace('"mmnet"', '"none"')}
    lines = "".join(json.dumps(question) + "\n" for question in [*questions, broken])
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert calibrate.main() == 0
    first, mmnet, prior, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(first) == {"devices", "start_seconds"} and first["start_seconds"] > 0
    assert (mmnet["key"], mmnet["samples"]) == ("mmnet", "s") and mmnet["sample_seconds"] > 0
    by_name = {cell.method: cell for cell in plan.cells}
    for found in (mmnet, prior):
        speed, stages = found["speed"], by_name[found["key"]].config.stages
        assert list(speed["stages"]) == [stage.name for stage in stages]
        assert all(value > 0 for value in speed["stages"].values())
        assert speed["translations"] > 0 and speed["translate_ms"] >= 0
    assert mmnet["speed"]["parameters"] > 1000
    assert "samples" not in prior
    assert last["key"] == "broken" and "no method named 'none'" in last["problem"]
