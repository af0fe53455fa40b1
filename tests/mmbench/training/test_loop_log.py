"""What the training loop writes down, when it stops, and the random numbers of each step."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_method import Tiny, run

from mmbench.schedule import Stage
from mmbench.store.folder import CellFolder
from mmbench.training.loop import DivergedError, Intervals, LossSums

BOTH = {"generator": 1, "discriminator": 1}
NEVER = 10**6


class Told(Tiny):
    """Losses of given values, without any effect on a weight."""

    def loss(self, player: str, batch: Any, made: int, stage: Stage) -> dict[str, torch.Tensor]:
        zero = 0.0 * torch.stack([network.linear.weight.sum() for network in self.parts.values()]).sum()
        return {name: zero + value for name, value in self.script(player, made).items()}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in CellFolder(folder).log.read_text().splitlines()]


def test_a_line_holds_the_means_of_the_steps_since_the_last_one(tmp_path: Path) -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    method = Told(lambda player, step: {"x": values[step], "y": 1.0} if player == "generator" else {"x": -values[step]})
    stage = Stage("s", 0, 5, 0.01, decay=0.2, players=BOTH, weights={"x": 100.0})
    run(method, tmp_path, stage, Stage("t", 1, 1, 0.5, players=BOTH), intervals=Intervals(2, NEVER, NEVER))
    made = lines(tmp_path)
    assert [(line["stage"], line["step"], line["total_step"]) for line in made] == [
        ("s", 2, 2), ("s", 4, 4), ("s", 5, 5), ("t", 1, 6)
    ]  # fmt: skip
    assert [line["losses"] for line in made] == [
        {"x": mean, "y": 1.0, "discriminator/x": -mean} for mean in (1.5, 6.0, 16.0, 1.0)
    ]
    assert [line["lr"] for line in made] == pytest.approx([0.01, 0.01, 0.001, 0.5])


def test_a_players_losses_are_means_over_its_own_steps(tmp_path: Path) -> None:
    """Batches 0 to 4 are the first step's, 5 to 9 the second's; the generator sees 4 and 9."""
    method = Told(lambda player, batch: {"x": float(batch)})
    run(method, tmp_path, Stage("s", 0, 2, 0.01, players={"discriminator": 5, "generator": 1}),
        intervals=Intervals(2, NEVER, NEVER))  # fmt: skip
    assert [line["losses"] for line in lines(tmp_path)] == [{"x": 6.5, "discriminator/x": 4.5}]


def test_means_are_taken_in_fp32() -> None:
    """In bf16 a sum of ones stops at 256."""
    tally = LossSums({})
    for _ in range(600):
        tally.count += 1
        tally.add("generator", {"x": torch.ones((), dtype=torch.bfloat16)})
    assert tally.means() == {"x": 1.0}


def test_observations_come_at_their_intervals_and_at_a_stages_end(tmp_path: Path) -> None:
    run(
        Told(lambda player, step: {"x": 1.0}), tmp_path, Stage("s", 0, 7, 0.01),
        intervals=Intervals(2, NEVER, 4), observe=lambda method: {"alignment/a-b": 0.5},
    )  # fmt: skip
    assert [line["step"] for line in lines(tmp_path) if "alignment/a-b" in line] == [4, 7]


@pytest.mark.parametrize(("steps", "noticed"), [(5, 5), (60, 50), (120, 100)])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_training_and_is_named(
    steps: int, noticed: int, value: float, tmp_path: Path
) -> None:
    first = 3 if noticed < 100 else 53
    method = Told(lambda player, step: {"fine": 1.0, "broken": value if step >= first else 1.0})
    with pytest.raises(DivergedError, match=rf"^stage 's', by step {noticed}: broken is not finite$"):
        run(method, tmp_path, Stage("s", 0, steps, 0.01), intervals=Intervals(NEVER, NEVER, NEVER))


def test_a_players_loss_that_is_not_finite_is_named_with_the_player(tmp_path: Path) -> None:
    method = Told(lambda player, step: {"gan": math.nan if player == "discriminator" else 1.0})
    with pytest.raises(DivergedError, match="discriminator/gan is not finite"):
        run(method, tmp_path, Stage("s", 0, 4, 0.01, players=BOTH), intervals=Intervals(NEVER, NEVER, NEVER))


def draws(folder: Path, seed: int = 0, before: int = 0) -> list[float]:
    """The random numbers of two stages, each stage's first in every third place; ``before`` the global generator."""
    method = Tiny(lambda player, step: {"x": 1.0})
    torch.manual_seed(before)
    run(method, folder, Stage("s", 0, 3, 0.01), Stage("t", 1, 3, 0.01), seed=seed)
    return method.draws


def test_random_numbers_are_a_function_of_seed_stage_and_step(tmp_path: Path) -> None:
    zero, again, one = draws(tmp_path / "0"), draws(tmp_path / "again", before=9), draws(tmp_path / "1", seed=1)
    assert zero == again, "what was drawn before training has no part in it"
    assert len({*zero, *one}) == 12


def test_a_resumed_run_draws_what_is_left_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    stages = Stage("s", 0, 3, 0.01, warmup=2, beta1=0.5), Stage("t", 1, 3, 0.01, decay=0.5, beta1=0.5)
    script = [1.0, -2.0, 0.5]
    whole, first, second = (Tiny(lambda player, step: {"x": script[step]}) for _ in range(3))
    run(whole, tmp_path / "whole", *stages)

    def stop(stage: str, done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(first, tmp_path / "parts", *stages, intervals=Intervals(1, 1, NEVER), progress=stop)
    run(second, tmp_path / "parts", *stages, intervals=Intervals(1, 1, NEVER))
    assert whole.draws == first.draws + second.draws
    assert whole.weights() == second.weights()
    assert [line["total_step"] for line in lines(tmp_path / "parts")] == [1, 2, 3, 4, 5, 6]
