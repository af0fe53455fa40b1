"""The harness's part in every number: no file of it is edited without the question whether results change."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from mmbench.plugins import protocol


def test_nobody_edited_the_harness_without_looking_whether_results_change() -> None:
    assert protocol.present_digest() == protocol.pinned_digest(), protocol.QUESTION


@pytest.fixture
def harness(tmp_path: Path) -> Path:
    """A copy of the files that results depend on."""
    for path in protocol.files():
        target = tmp_path / path.relative_to(protocol.HARNESS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def test_every_file_of_the_list_counts_by_its_code_alone(harness: Path) -> None:
    before = protocol.present_digest(harness)
    assert before == protocol.present_digest()
    for path in protocol.files(harness):
        text = path.read_text()
        path.write_text(text + "\n# a comment\n")
        assert protocol.present_digest(harness) == before
        path.write_text(text + "\nCHANGED = 1\n")
        assert protocol.present_digest(harness) != before, path
        path.write_text(text)


def test_training_evaluation_and_metrics_are_on_the_list() -> None:
    listed = {path.relative_to(protocol.HARNESS).as_posix() for path in protocol.files()}
    assert {"training/loop.py", "training/loader.py", "training/cache.py", "evaluation/aligned.py"} <= listed
    assert not {path for path in listed if path.startswith(("plugins/", "store/", "commands/", "publishing/"))}


def test_a_file_that_moved_is_missed(harness: Path) -> None:
    (harness / "training" / "loop.py").unlink()
    with pytest.raises(ValueError, match=r"no file .*training/loop\.py: it was moved; correct FILES"):
        protocol.present_digest(harness)


def test_renewing_writes_the_digest_and_keeps_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = tmp_path / "protocol.toml"
    pinned.write_text('number = 41\ndigest = "old"\n')
    monkeypatch.setattr(protocol, "PINNED", pinned)
    protocol.renew()
    assert tomllib.loads(pinned.read_text()) == {"number": 41, "digest": protocol.present_digest()}
    protocol.renew()
    assert pinned.read_text().startswith("# Renewed by")
