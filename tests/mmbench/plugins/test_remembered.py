"""What is kept of source files: the same answer as without, another one where the file or the code changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmbench.plugins import literals as of_literals
from mmbench.plugins.literals import kept_literals
from mmbench.plugins.remembered import Remembered, cache_folder


class Asked:
    """An answer that counts how often it was made."""

    def __init__(self, made: Any = "answer") -> None:
        self.made, self.times = made, 0

    def __call__(self) -> Any:
        self.times += 1
        return self.made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.py"
    path.write_text("X = 1\n")
    age(path, 60)
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], Remembered]:
    """As each new process opens it."""
    maker = tmp_path / "maker.py"
    maker.touch()
    return lambda: Remembered(tmp_path / "cache" / "kept.json", (maker,))


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def asked_again(kept: Callable[[], Remembered], source: Path, question: str = "q") -> int:
    """How often the answer is made by a second process."""
    answer = Asked()
    assert kept().of(source, question, answer) == "answer"
    return answer.times


def first(kept: Callable[[], Remembered], source: Path) -> None:
    made, answer = kept(), Asked()
    assert [made.of(source, "q", answer), made.of(source, "q", answer)] == ["answer", "answer"]
    made.save()


def test_another_process_does_not_make_it_again(kept: Callable[[], Remembered], source: Path) -> None:
    first(kept, source)
    assert asked_again(kept, source) == 0
    assert asked_again(kept, source, "another question") == 1


def test_a_file_of_another_size_or_time_is_read_again(kept: Callable[[], Remembered], source: Path) -> None:
    first(kept, source)
    found = source.stat()
    source.write_text("X = 22\n")
    os.utime(source, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert asked_again(kept, source) == 1
    source.write_text("X = 2\n")
    age(source, 30)
    assert asked_again(kept, source) == 1


def test_a_file_that_was_just_written_is_not_kept(kept: Callable[[], Remembered], source: Path) -> None:
    """It may be written again within the same tick of the clock."""
    source.write_text("X = 3\n")
    first(kept, source)
    assert asked_again(kept, source) == 1


def test_other_code_believes_nothing(kept: Callable[[], Remembered], source: Path, tmp_path: Path) -> None:
    first(kept, source)
    (tmp_path / "maker.py").write_text("changed = True\n")
    assert asked_again(kept, source) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"form": 1}', '{"form": [], "known": {}}'])
def test_a_damaged_file_is_as_none(text: str, kept: Callable[[], Remembered], source: Path, tmp_path: Path) -> None:
    first(kept, source)
    (tmp_path / "cache" / "kept.json").write_text(text)
    assert asked_again(kept, source) == 1


def test_one_changed_byte_is_as_none(kept: Callable[[], Remembered], source: Path, tmp_path: Path) -> None:
    """Whichever it is: most of them leave JSON, which would be believed."""
    first(kept, source)
    file = tmp_path / "cache" / "kept.json"
    whole = file.read_bytes()
    assert asked_again(kept, source) == 0
    for position, byte in enumerate(whole):
        file.write_bytes(whole[:position] + bytes([byte ^ 1]) + whole[position + 1 :])
        assert asked_again(kept, source) == 1, position


@pytest.mark.parametrize("answer", ["{'NAME': 'other'}", "{'NAME': 'mine'", "None", "{'NAME': inf}"])
def test_a_card_is_what_its_file_says_whatever_is_kept(
    answer: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write_text("NAME = 'mine'\n")
    age(source, 60)
    cards = Remembered(tmp_path / "cards.json", ())
    monkeypatch.setattr(of_literals, "remembered", lambda *_: cards)
    assert kept_literals(source) == {"NAME": "mine"}
    cards.save()
    text = (tmp_path / "cards.json").read_text()
    assert "'mine'" in text
    (tmp_path / "cards.json").write_text(text.replace("{'NAME': 'mine'}", answer))
    cards = Remembered(tmp_path / "cards.json", ())
    assert kept_literals(source) == {"NAME": "mine"}


def test_a_number_of_thousands_of_digits_is_read_from_its_file(source: Path) -> None:
    """Of which the text that is kept could not be read again."""
    source.write_text(f"NAME = 'mine'\nX = 0x{'f' * 5000}\n")
    age(source, 60)
    assert kept_literals(source) == {"NAME": "mine", "X": 16**5000 - 1}


def test_where_nothing_can_be_written_nothing_is_kept(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    first(lambda: Remembered(tmp_path / "file" / "kept.json", ()), source)


def test_what_an_answer_raises_is_not_kept(kept: Callable[[], Remembered], source: Path) -> None:
    def fails() -> None:
        raise SyntaxError("no")

    made = kept()
    with pytest.raises(SyntaxError):
        made.of(source, "q", fails)
    assert made.of(source, "q", Asked()) == "answer"


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MMBENCH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "mmbench"
