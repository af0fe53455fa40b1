"""The training loop on gradients that are known beforehand, against Adam in plain numbers.

Under a constant gradient Adam moves a weight by exactly the learning rate, which makes each step's rate visible.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_method import CPU, ROLES, Tiny, adam, run
from torch import nn

from mmbench.method import Method
from mmbench.schedule import Stage
from mmbench.training import loop
from mmbench.training.loop import DIVERGENCE_CHECK, LossSums, make_optimizers, set_modes, train_step

GENERATOR = ("encoder/a", "encoder/b", "decoder/c")
BOTH = {"generator": 1, "discriminator": 1}
RATES = [
    ({}, [1.0] * 8),
    ({"warmup": 4}, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]),
    ({"decay": 0.25}, [1.0] * 6 + [0.1] * 2),
    ({"anneal": 0.5}, [1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]),
    ({"warmup": 2, "decay": 0.5}, [0.5, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1]),
]


def constant(player: str, step: int) -> dict[str, float]:
    return {"only": 1.0}


def seen(after: list[dict[str, float]], role: str) -> list[float]:
    return [weights[role] for weights in after]


@pytest.mark.parametrize(("shape", "rates"), RATES)
def test_the_rate_of_each_step_reaches_every_optimizer(
    shape: dict[str, Any], rates: list[float], tmp_path: Path
) -> None:
    after = run(Tiny(constant), tmp_path, Stage("s", 0, 8, 0.01, players=BOTH, **shape))
    for role in ROLES:
        moved = [before - now for before, now in zip([0.0, *seen(after, role)], seen(after, role), strict=False)]
        assert moved == pytest.approx([0.01 * rate for rate in rates], rel=1e-4), role


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_adam_has_the_moments_of_the_stage(beta1: float, tmp_path: Path) -> None:
    gradients = [1.0, -2.0, 0.5, 0.0, 3.0, -0.25]
    method = Tiny(lambda player, step: {"only": gradients[step]})
    after = run(method, tmp_path, Stage("s", 0, 6, 0.01, beta1=beta1, players=BOTH))
    for role in ROLES:
        assert seen(after, role) == pytest.approx(adam(gradients, [0.01] * 6, beta1), rel=1e-4), role
    others = [beta for beta in (0.0, 0.5, 0.9) if beta != beta1]
    assert all(
        adam(gradients, [0.01] * 6, beta)[-1] != pytest.approx(after[-1]["decoder/c"], rel=0.1) for beta in others
    )


def test_weight_decay_is_added_to_each_gradient(tmp_path: Path) -> None:
    gradients, decay = [1.0, -2.0, 0.5, 0.0, 3.0], 10.0
    method = Tiny(lambda player, step: {"only": gradients[step]})
    after = run(method, tmp_path, Stage("s", 0, 5, 0.01, weight_decay=decay, players=BOTH))
    seen_gradients = [gradients[0]]
    for step in range(1, 5):
        weight = adam(seen_gradients, [0.01] * step, 0.9)[-1]
        seen_gradients.append(gradients[step] + decay * weight)
    expected = adam(seen_gradients, [0.01] * 5, 0.9)
    for role in ROLES:
        assert seen(after, role) == pytest.approx(expected, rel=1e-4), role
    assert expected[-1] != pytest.approx(adam(gradients, [0.01] * 5, 0.9)[-1], rel=0.05)


def test_a_player_may_have_a_rate_of_its_own(tmp_path: Path) -> None:
    stage = Stage("s", 0, 3, 0.01, warmup=2, players=BOTH, lr_factors={"discriminator": 0.25})
    after = run(Tiny(constant), tmp_path, stage)
    assert seen(after, "decoder/c") == pytest.approx([-0.005, -0.015, -0.025], rel=1e-4)
    assert seen(after, "discriminator/c") == pytest.approx([-0.00125, -0.00375, -0.00625], rel=1e-4)


def test_each_stage_begins_with_moments_of_its_own(tmp_path: Path) -> None:
    gradients = [1.0, -2.0, 0.5]
    stages = [Stage(name, index, 3, 0.01) for index, name in enumerate("xy")]
    after = seen(run(Tiny(lambda player, step: {"only": gradients[step]}), tmp_path, *stages), "encoder/a")
    path = adam(gradients, [0.01] * 3, 0.9)
    assert after == pytest.approx([*path, *(path[-1] + more for more in path)], rel=1e-4)


def test_losses_are_weighed_by_name_and_a_loss_without_a_name_has_weight_one(tmp_path: Path) -> None:
    named, unnamed = [1.0, -2.0, 0.5, 0.0], [0.3, 1.0, -4.0, 2.0]
    method = Tiny(lambda player, step: {"named": named[step], "unnamed": unnamed[step], "off": 100.0})
    after = run(method, tmp_path, Stage("s", 0, 4, 0.01, weights={"named": 3.0, "off": 0.0, "nowhere": 7.0}))
    total = [3.0 * a + b for a, b in zip(named, unnamed, strict=True)]
    assert seen(after, "decoder/c") == pytest.approx(adam(total, [0.01] * 4, 0.9), rel=1e-4)


@pytest.mark.parametrize(
    ("frozen", "roles"),
    [
        (("encoder/anchor",), ["encoder/a"]),
        (("encoder/",), ["encoder/a", "encoder/b"]),
        (("decoder/c", "encoder/b"), ["decoder/c", "encoder/b"]),
        ((), []),
    ],
)
def test_frozen_roles_stand_still_in_eval_mode_while_others_train(
    frozen: tuple[str, ...], roles: list[str], tmp_path: Path
) -> None:
    method = Tiny(constant)
    method.eval()
    after = run(method, tmp_path, Stage("s", 0, 3, 0.01, frozen=frozen, players=BOTH))
    assert method.modes == [{role: role not in roles for role in ROLES}] * 3
    for role, network in method.parts.items():
        linear, norm = network.linear, network.norm
        trains = role not in roles
        assert (after[-1][role] != 0.0) == trains, role
        assert linear.weight.requires_grad == trains, role
        assert trains or linear.weight.grad is None, role
        assert (norm.get_buffer("num_batches_tracked").item(), norm.get_buffer("running_mean").item() != 0.0) == (
            (3, True) if trains else (0, False)
        )


def test_the_next_stage_sets_free_what_it_does_not_freeze(tmp_path: Path) -> None:
    method = Tiny(constant)
    after = run(method, tmp_path, Stage("x", 0, 2, 0.01, frozen=("encoder/",)), Stage("y", 1, 2, 0.01))
    assert seen(after, "encoder/a") == pytest.approx([0.0, 0.0, -0.01, -0.02], rel=1e-4)
    assert [mode["encoder/a"] for mode in method.modes] == [False, False, True, True]
    assert not method.training, "a trained method is handed over in eval mode"


class Rounds(Tiny):
    """Whose losses were asked for on which batch, of which forward pass, and what its gradient was."""

    def loss(self, player: str, batch: Any, made: int, stage: Stage) -> dict[str, torch.Tensor]:
        assert made == batch["step"]["step"] == self.number - 1
        self.seen.append((player, made))
        return super().loss(player, batch, made, stage)

    def forward(self, batch: Any, stage: Stage) -> int:
        self.number = int(batch["step"]["step"]) + 1
        return super().forward(batch, stage)

    number: int
    seen: list[tuple[str, int]]


@pytest.mark.parametrize("players", [{"discriminator": 3, "generator": 1}, {"generator": 1, "discriminator": 3}])
def test_each_of_a_players_steps_has_a_batch_of_its_own_and_all_meet_on_the_last(
    players: dict[str, int], tmp_path: Path
) -> None:
    method = Rounds(constant)
    method.seen = []
    after = run(method, tmp_path, Stage("s", 0, 3, 0.01, players=players))
    last = [(player, 2) for player in players]
    one = [("discriminator", 0), ("discriminator", 1), *last]
    assert method.seen == [(player, 3 * step + batch) for step in range(3) for player, batch in one]
    assert method.gradients == [False, False, True] * 3, "only a generator needs to know how its images were made"
    assert seen(after, "discriminator/c") == pytest.approx([-0.03, -0.06, -0.09], rel=1e-4)
    assert seen(after, "decoder/c") == pytest.approx([-0.01, -0.02, -0.03], rel=1e-4)


def test_a_player_that_takes_no_steps_is_never_asked(tmp_path: Path) -> None:
    method = Tiny(constant)
    run(method, tmp_path, Stage("s", 0, 2, 0.01, players={"generator": 1, "discriminator": 0}))
    assert method.asked == ["generator"] * 2
    assert method.gradients == [True] * 2


def test_a_generator_with_several_steps_has_a_gradient_in_each(tmp_path: Path) -> None:
    method = Tiny(constant)
    run(method, tmp_path, Stage("s", 0, 1, 0.01, players={"generator": 2, "discriminator": 1}))
    assert method.asked == ["generator", "generator", "discriminator"]
    assert method.gradients == [True, True]


def test_a_step_with_too_few_batches_is_refused() -> None:
    method, stage = Tiny(constant), Stage("s", 0, 1, 0.01, players={"discriminator": 2})
    batches = [{"step": {"step": torch.tensor(0)}}]
    with pytest.raises(ValueError, match="shorter"):
        train_step(method, stage, 0, batches, make_optimizers(method, stage, CPU), CPU, LossSums({}))


@pytest.mark.parametrize(("player", "own"), [("generator", GENERATOR), ("discriminator", ("discriminator/c",))])
def test_a_player_moves_its_own_weights_only(player: str, own: tuple[str, ...], tmp_path: Path) -> None:
    """Every loss of the tiny method has a gradient with respect to all roles."""
    method = Tiny(constant)
    after = run(method, tmp_path, Stage("s", 0, 2, 0.01, players={player: 1}))
    assert {role for role in ROLES if after[-1][role] != 0.0} == set(own)
    assert {role for role, network in method.parts.items() if network.linear.weight.grad is not None} == set(own)


def test_gradients_of_one_step_and_player_do_not_add_to_the_next(tmp_path: Path) -> None:
    """Added up, gradients of 1 and -1 would be 0 at every second step, and the weight would stand still there."""
    signs = [1.0, -1.0, 1.0, -1.0]
    after = run(Tiny(lambda player, step: {"only": signs[step]}), tmp_path, Stage("s", 0, 4, 0.01, beta1=0.0))
    assert seen(after, "decoder/c") == pytest.approx([-0.01, 0.0, -0.01, 0.0], abs=1e-6)


class Halves(Tiny):
    """Two losses in float16 whose sum, and whose weighted value, float16 cannot hold."""

    def loss(self, player: str, batch: Any, made: Any, stage: Stage) -> dict[str, torch.Tensor]:
        zero = self.parts["decoder/c"].linear.weight.sum()
        return {name: (zero + 40_000.0).half() for name in ("first", "second")}


def test_losses_are_weighed_and_summed_in_fp32(tmp_path: Path) -> None:
    after = run(Halves(constant), tmp_path, Stage("s", 0, 1, 0.01, weights={"first": 2.0}))
    assert math.isfinite(after[-1]["decoder/c"])


def test_a_stage_without_players_observes_in_training_mode_without_gradient(tmp_path: Path) -> None:
    method = Tiny(constant)
    after = run(method, tmp_path, Stage("s", 0, 2, 0.01, players={}, frozen=("encoder/anchor",)))
    assert (method.asked, method.gradients) == ([], [False, False])
    assert set(after[-1].values()) == {0.0}
    assert {role for role, network in method.parts.items() if network.norm.num_batches_tracked} == {*ROLES[1:]}


def test_a_layer_that_two_roles_share_is_stepped_once(tmp_path: Path) -> None:
    method = Tiny(constant)
    method.parts["encoder/b"].linear = method.parts["encoder/a"].linear
    (optimizer,) = make_optimizers(method, Stage("s", 0, 1, 0.01), CPU).values()
    assert [len(group["params"]) for group in optimizer.param_groups] == [2]
    assert seen(run(method, tmp_path, Stage("s", 0, 2, 0.01)), "encoder/a") == pytest.approx([-0.01, -0.02], rel=1e-4)


def test_a_player_without_weights_to_train_is_named() -> None:
    stage = Stage("stuck", 0, 1, 0.01, players={"discriminator": 1}, frozen=("discriminator/",))
    with pytest.raises(ValueError, match="stage 'stuck': player 'discriminator' has no parameters"):
        make_optimizers(Tiny(constant), stage, CPU)


def test_a_step_says_whether_a_loss_is_finite_and_switches_modes_itself() -> None:
    method, stage = Tiny(lambda player, step: {"only": [1.0, math.inf][step]}), Stage("s", 0, 2, 0.01)
    optimizers = make_optimizers(method, stage, CPU)
    bad = []
    for step in range(2):
        method.eval()
        nn.init.constant_(method.parts["decoder/c"].linear.weight, 1.0)
        batch = {"step": {"step": torch.tensor(step)}}
        bad.append(bool(train_step(method, stage, step, [batch], optimizers, CPU, LossSums({}))))
    assert bad == [False, True]
    assert all(all(mode.values()) for mode in method.modes)
    set_modes(method, Stage("s", 0, 2, 0.01, frozen=("encoder/b",)))
    assert [role for role, network in method.networks().items() if not network.training] == ["encoder/b"]
    assert DIVERGENCE_CHECK <= 100, "a broken run is noticed within 100 steps"


def test_modes_are_set_once_in_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walking through all modules in every step keeps a GPU waiting."""
    asked: list[str] = []

    def setting(method: Method, stage: Stage) -> None:
        asked.append(stage.name)
        set_modes(method, stage)

    monkeypatch.setattr(loop, "set_modes", setting)
    method = Tiny(constant)
    run(method, tmp_path, Stage("x", 0, 3, 0.01, frozen=("encoder/b",)), Stage("y", 1, 3, 0.01))
    assert asked == ["x", "y"]
    assert [mode["encoder/b"] for mode in method.modes] == [False] * 3 + [True] * 3


def test_what_an_observer_does_to_the_modes_does_not_last(tmp_path: Path) -> None:
    """Back to training mode as a whole is too much where roles are frozen."""
    method, stage = Tiny(constant), Stage("x", 0, 4, 0.01, frozen=("encoder/b",))

    def observe(watched: Method) -> dict[str, float]:
        watched.eval()
        watched.train()
        return {}

    run(method, tmp_path, stage, observe=observe)
    assert [mode["encoder/b"] for mode in method.modes] == [False] * 4
