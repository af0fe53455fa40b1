"""The peers of our training steps compute what our steps compute, with as much work; how fast is not asked here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from mmbench.method import Stage
from mmbench.training.device import Compute
from mmbench.training.loop import LossSums, make_optimizers, train_step

CPU = Compute(torch.device("cpu"), "fp32")
TINY = {"size": 16, "network.width": 4, "batch": 2}
METHODS = ("pix2pix-cascade", "cyclegan", "stargan-unpaired", "unit", "mmnet")
LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])


def module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


def both(name: str) -> list[tuple[Any, Stage, Any]]:
    """Our method ready to be trained and its peer, with the same weights, for every stage that trains."""
    made = []
    ready = module("peers.compare").published(name, "laptop", CPU, TINY)
    for stage in (stage for stage in ready.stages if stage.players):
        peer = module("peers.compare").PEERS[name](ready.method.context, stage)
        peer.start(CPU, torch.channels_last)
        made.append((ready, stage, peer))
    return made


def same_weights(ours: torch.nn.Module, theirs: torch.nn.Module) -> None:
    with torch.no_grad():
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert own.shape == other.shape
            other.copy_(own)
    norms = [[m for m in networks.modules() if isinstance(m, torch.nn.BatchNorm2d)] for networks in (ours, theirs)]
    for one, another in zip(*norms, strict=True):
        another.load_state_dict(one.state_dict())


def test_every_reference_loop_of_the_goal_has_a_peer() -> None:
    assert set(module("peers.compare").PEERS) == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_equal_work(name: str) -> None:
    """As many weights in as many layers of the same shapes, and floating point operations within 1 %."""
    compare, timing = module("peers.compare"), module("timing")
    for ready, stage, peer in both(name):
        shapes = [[p.shape for p in networks.parameters()] for networks in (ready.method, peer)]
        assert shapes[0] == shapes[1]
        ours = timing.flops(module("step").training(ready, stage, CPU))
        for layout in LAYOUTS:
            theirs = timing.flops(compare.plain(name, ready, stage, CPU, layout))
            assert theirs == pytest.approx(ours, rel=0.01), (stage.name, layout)


@pytest.mark.parametrize("name", METHODS)
def test_equal_objectives_from_equal_weights(name: str) -> None:
    """In the second step too, which the first one's gradients have changed, and with the same random numbers."""
    for ready, stage, peer in both(name):
        same_weights(ready.method, peer)
        optimizers = make_optimizers(ready.method, stage, CPU)
        for number in range(2):
            sums = LossSums({})
            torch.manual_seed(number)
            train_step(ready.method, stage, number, [ready.batch] * stage.rounds, optimizers, CPU, sums)
            for group in (group for adam in peer.adams.values() for group in adam.param_groups):
                group["lr"] = stage.lr_at(number)
            torch.manual_seed(number)
            theirs = {player: float(value) for player, value in peer.step(ready.batch).items()}
            assert theirs == pytest.approx(objectives(sums, stage), rel=2e-3, abs=1e-5), (stage.name, number)


def test_as_many_discriminator_steps_as_the_stage_says() -> None:
    compare, timing = module("peers.compare"), module("timing")
    ((ready, stage, _),) = both("stargan-unpaired")
    thrice = replace(stage, players={"discriminator": 3, "generator": 1})
    ours = timing.flops(module("step").training(ready, thrice, CPU))
    theirs = timing.flops(compare.plain("stargan-unpaired", ready, thrice, CPU, torch.channels_last))
    assert theirs == pytest.approx(ours, rel=0.01)


def objectives(sums: LossSums, stage: Stage) -> dict[str, float]:
    """Weighted sums of a step's losses by player."""
    totals: dict[str, float] = {}
    for key, value in sums.means().items():
        player, _, name = key.rpartition("/")
        player = player or "generator"
        totals[player] = totals.get(player, 0.0) + stage.weights.get(name, 1.0) * value
    return totals


def test_works_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves only when something works: 2 s a turn for one, 3 s for the other."""
    timing = module("timing")
    clock, done = [0.0], []

    def work(name: str, takes: float) -> Callable[[], None]:
        def call() -> None:
            clock[0] += takes
            done.append(name)

        return call

    monkeypatch.setattr(timing.time, "process_time", lambda: clock[0])
    taken = timing.in_turn({"one": work("one", 2.0), "two": work("two", 3.0)}, 2, CPU)
    assert done == ["one", "two", "one", "two"]
    assert taken == {"one": [2.0, 2.0], "two": [3.0, 3.0]}


def comparison(**changes: Any) -> Any:
    """Turns of 1, 2 and 4 s of ours; the peer takes 3 times that in NCHW and twice that in NHWC."""
    compare = module("peers.compare")
    ours = compare.Form("ours", "fp32", "NHWC")
    turns = [1.0, 2.0, 4.0]
    taken = {
        ours: turns,
        compare.SHIPPED: [3 * turn for turn in turns],
        compare.Form("peer", "fp32", "NHWC"): [2 * turn for turn in turns],
    }
    values = {"method": "unit", "stage": "train", "ours": 1e9, "theirs": 2e9, "default": ours, "fast_bf16": False}
    return compare.Comparison(**{**values, "taken": taken, **changes})


def test_ratios_by_hand() -> None:
    one = comparison()
    assert one.at("fp32") == (2.0, 2.0, 2.0), "the better of the two memory formats"
    assert one.shipped() == (3.0, 3.0, 3.0), "NCHW, also where it is the slower one"
    assert one.per_flop(one.shipped()) == 1.5, "half of that time goes into twice the work"
    assert one.at("bf16") is None and one.gate() == "not measured here"


def test_a_row_always_has_all_columns() -> None:
    main = module("peers.__main__")
    cells = main.row(comparison())
    assert len(cells) == len(main.HEADERS)
    assert cells[8:10] == ("not measured here", "not measured here")
    assert main.row(comparison(fast_bf16=True, theirs=1e9))[-1] == "met (>= 2.0)"
    assert main.row(comparison(fast_bf16=True, theirs=1e9, method="mmnet"))[-1] == "met (>= 2.5)"
    assert main.row(comparison(fast_bf16=True))[-1] == "unequal work"


@pytest.mark.parametrize("precisions", [("fp32",), ("fp32", "bf16")])
def test_every_form_has_networks_of_its_own(precisions: tuple[str, ...]) -> None:
    compare = module("peers.compare")
    ready = module("step").prepare("unit", "laptop", "synthetic", CPU, TINY)
    before = [parameter.clone() for parameter in ready.method.parameters()]
    works = compare.forms("unit", ready, ready.stages[0], CPU.device, precisions)
    assert [tuple(form) for form in works] == [
        form for p in precisions for form in (("ours", p, "NHWC"), ("peer", p, "NCHW"), ("peer", p, "NHWC"))
    ]
    for work in works.values():
        work()
    assert all(torch.equal(a, b) for a, b in zip(before, ready.method.parameters(), strict=True))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--methods", "cyclegam"), "--methods cyclegam: has no peer (did you mean 'cyclegan'?)"),
        (("--steps", "0"), "--steps 0: expected at least 1"),
        (("--size", "40"), "--size 40: expected a multiple of 16"),
        (("--batch", "1"), "--batch 1: expected at least 2"),
        (("--profile", "laptob"), "did you mean 'laptop'?"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module("peers.__main__").device, "use_threads", lambda count: None)
    with pytest.raises(SystemExit) as ended:
        module("peers.__main__").main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and said in error and error.count("\n") == 1
