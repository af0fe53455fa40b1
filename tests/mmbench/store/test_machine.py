"""What is kept of a machine: whole on the same one, nothing of another's or of a damaged file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from mmbench.store import machine
from mmbench.store.machine import Identity, Machine, Speed

THIS = Identity("2 x CPU (no bf16)", (), "", "2.9.0")
KNOWN = Machine(True, ("GPU A",), 4.5, {"k": Speed({"train": 100.0}, 2.0, 3, 4000)}, {"rooms/48": 0.01})


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "identity", lambda: THIS)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    machine.write(tmp_path, KNOWN)
    assert machine.read(tmp_path) == KNOWN


def test_without_a_file_nothing_is_known_and_nothing_is_wrong(tmp_path: Path) -> None:
    assert machine.read(tmp_path) == Machine()


@pytest.mark.parametrize(
    "change", [{"cpu": "4 x CPU (no bf16)"}, {"gpus": ("GPU B",)}, {"visible": "1"}, {"torch": "2.10.0"}]
)
def test_of_another_machine_nothing_is_taken_and_that_is_said(
    change: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write(tmp_path, KNOWN)
    monkeypatch.setattr(machine, "identity", lambda: dataclasses.replace(THIS, **change))  # type: ignore[arg-type]
    why = f"{tmp_path / machine.FILE} is of another machine (2 x CPU (no bf16), torch 2.9.0)"
    assert machine.read(tmp_path) == Machine(why=why)


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: "{",
        lambda made: "[]",
        lambda made: json.dumps({"identity": made["identity"]}),
        lambda made: json.dumps({**made, "known": {**made["known"], "asked": "yes"}}),
        lambda made: json.dumps({**made, "known": {**made["known"], "start_seconds": -1.0}}),
        lambda made: json.dumps({**made, "known": {**made["known"], "more": 1}}),
        lambda made: json.dumps({**made, "known": {**made["known"], "samples": {"x": None}}}),
        lambda made: json.dumps({**made, "known": {**made["known"], "speeds": {"k": {"stages": {"train": -1.0}}}}}),
        lambda made: json.dumps({**made, "identity": 3}),
    ],
)
def test_a_damaged_file_is_as_none_and_that_is_said(damage: object, tmp_path: Path) -> None:
    machine.write(tmp_path, KNOWN)
    path = tmp_path / machine.FILE
    path.write_text(damage(json.loads(path.read_text())))  # type: ignore[operator]
    found = machine.read(tmp_path)
    assert found == Machine(why=found.why)
    assert found.why.startswith(f"{path} is damaged")


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    machine.write(tmp_path / "file", KNOWN)
    assert machine.read(tmp_path / "file").speeds == {}


def test_devices_in_words() -> None:
    assert Machine().gpu == "GPU: not asked yet"
    assert Machine(asked=True).gpu == "GPU: none"
    assert Machine(asked=True, devices=("A", "B")).gpu == "GPU: A, B"
