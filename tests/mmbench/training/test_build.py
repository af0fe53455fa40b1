"""A method is refused before it trains where its class lacks what every method defines."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_method import TASK

from mmbench.errors import UserError
from mmbench.method import Context, Method
from mmbench.plugins.catalog import Card
from mmbench.schedule import NetworkSize
from mmbench.training.build import build_method

HEAD = "from mmbench.method import Method\n\nclass Half({}):\n"
FORWARD, TRANSLATE = (
    f"    def {name}(self, *args, **options):\n        return None\n" for name in ("forward", "translate")
)
CONTEXT = Context(TASK, 8, NetworkSize(), {})


def build(file: Path, source: str) -> Method:
    file.write_text(source)
    return build_method(Card(file.stem, "methods", file, f"mmbench_plugins.{file.stem}", {"CLASS": "Half"}), CONTEXT)


@pytest.mark.parametrize(
    ("name", "source", "missing"),
    [
        ("half_translates", HEAD.format("Method") + TRANSLATE, "forward()"),
        ("half_trains", HEAD.format("Method") + FORWARD, "translate()"),
        ("half_empty", HEAD.format("Method") + "    pass\n", "forward() and translate()"),
        ("half_no_method", HEAD.format("") + FORWARD, "translate()"),
    ],
)
def test_a_class_that_lacks_a_function_is_a_line_with_the_file(
    tmp_path: Path, name: str, source: str, missing: str
) -> None:
    file = tmp_path / f"{name}.py"
    with pytest.raises(UserError) as caught:
        build(file, source)
    assert str(caught.value) == f"{file}: class Half must define {missing} (mmbench/method.py)"


def test_what_is_inherited_from_another_method_counts(tmp_path: Path) -> None:
    made = build(tmp_path / "half_whole.py", HEAD.format("Method") + FORWARD + TRANSLATE + "\nclass Heir(Half): ...\n")
    assert isinstance(made, Method)
    assert made.task is TASK
    heir = Card("heir", "methods", tmp_path / "half_whole.py", "mmbench_plugins.half_whole", {"CLASS": "Heir"})
    assert isinstance(build_method(heir, CONTEXT), Method)


def test_the_base_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match=r"Method does not define translate\(\)"):
        Method(CONTEXT).translate({}, TASK.unseen[0])
