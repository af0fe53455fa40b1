"""A metric from outside is one file; what is wrong with it costs its own numbers, one line each, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench.commands.main import main
from mmbench.evaluation.aligned import evaluate_rows
from mmbench.method import Context, Method, NetworkSize
from mmbench.modality import Depth, Rgb
from mmbench.plugins import catalog, metrics
from mmbench.plugins.metrics import load_metrics, outside, problem_of
from mmbench.task import Group, Task, Translation
from mmbench.training.device import Compute

CPU = Compute(torch.device("cpu"), "fp32")
TASK = Task(
    "t", "cross-modal", (Rgb("rgb"), Depth("depth"), Rgb("other")), "rgb",
    (Group(("rgb", "depth")), Group(("rgb", "other"))), (Translation(("depth",), "other"),),
)  # fmt: skip

GOOD = '''
"""The mean absolute difference."""

from mmbench.metric import Score

NAME = "difference"
TITLE = "Mean absolute difference"
KINDS = ("rgb",)
SCORES = (Score("difference", "difference", ".3f", lower=True),)


def columns(modality):
    return ("sum", "pixels")


def update(prediction, truth, modality):
    import torch

    error = (prediction - truth).abs().double().flatten(1)
    return torch.stack([error.sum(1), torch.full_like(error[:, 0], error.shape[1])], 1).numpy()


def compute(sums, images, modality):
    return {"difference": sums[..., 0] / sums[..., 1]}
'''


class Images:
    """Five test images."""

    def index(self, ids: Any) -> np.ndarray:
        return np.array([int(i) for i in ids])

    def holding(self, rows: np.ndarray, modalities: Any) -> np.ndarray:
        return np.ones(len(rows), bool)

    def read(self, modality: str, rows: np.ndarray) -> np.ndarray:
        if modality == "depth":
            return np.broadcast_to(1.0 + rows[:, None, None], (len(rows), 12, 12)).astype(np.float32)
        chance = np.random.default_rng(1)
        return chance.integers(64, 192, (5, 12, 12, 3)).astype(np.uint8)[rows]


MADE = torch.rand(5, 3, 12, 12, generator=torch.Generator().manual_seed(2)) * 2 - 1


class Noise(Method):
    """Whatever it is given, it answers with noise: a depth of 1 m with the first, of 2 m with the second."""

    def forward(self, batch: Any, stage: Any) -> None: ...

    def translations(self) -> tuple[Translation, ...]:
        return TASK.unseen

    def translate(self, inputs: Any, translation: Translation, *, sample: int = 0) -> Tensor:
        return MADE[inputs["depth"][:, 0, 0, 0].round().long() - 1]


def run() -> tuple[dict[str, float], dict[str, np.ndarray]]:
    method = Noise(Context(TASK, 12, NetworkSize(), {}))
    rows, statistics, _ = evaluate_rows(method, TASK, Images(), list("01234"), CPU, batch_size=2)  # type: ignore[arg-type]
    return rows[0]["metrics"], statistics


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """``metrics/`` in a folder of plug-ins; what was said and imported before is forgotten."""
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    metrics._say.cache_clear()
    (tmp_path / "metrics").mkdir()
    yield tmp_path / "metrics"
    for name in [name for name in sys.modules if name.startswith("mmbench_plugins.metrics")]:
        del sys.modules[name]


def test_its_numbers_and_statistics_stand_beside_the_others(folder: Path) -> None:
    before, _ = run()
    (folder / "difference.py").write_text(GOOD)
    numbers, statistics = run()
    truth = TASK.modality("other").to_tensor(Images().read("other", np.arange(5)))
    assert numbers == {**before, "difference": pytest.approx(float((truth - MADE).abs().mean()), rel=1e-6)}
    assert statistics.keys() == {"0/image", "0/difference"}
    assert statistics["0/difference"].shape == (5, 2)
    assert outside().keys() == {"difference"}
    assert load_metrics()["difference"].scores[0].lower


def test_it_cannot_change_what_others_see(folder: Path) -> None:
    before, _ = run()
    changing = GOOD.replace("    import torch\n", "    import torch\n\n    prediction.zero_()\n    truth.zero_()\n")
    (folder / "changing.py").write_text(changing.replace('NAME = "difference"', 'NAME = "a-first-one"'))
    (folder / "difference.py").write_text(GOOD.replace('"difference"', '"z"'))
    numbers, _ = run()
    assert {key: numbers[key] for key in before} == before
    assert numbers["difference"] == 0.0 < numbers["z"]


def test_it_is_listed_with_its_title_or_with_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "difference.py").write_text(GOOD)
    (folder / "widthless.py").write_text(GOOD.replace("def columns", "def width").replace('"difference"', '"w"', 1))
    assert main(["list", "metrics"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "Mean absolute difference" in lines["difference"]
    assert "cannot be read: lacks columns" in lines["w"]
    assert {"segmentation", "depth", "image"} <= lines.keys()


BROKEN = {
    "no columns": (("def columns", "def width"), "lacks columns"),
    "no scores": (("SCORES =", "OTHER ="), "lacks SCORES"),
    "scores of another form": (("SCORES = (", 'SCORES = ("x", '), "SCORES: expected"),
    "a kind that is none": (('("rgb",)', '("rbg",)'), "unknown kind 'rbg' (did you mean 'rgb'?)"),
    "a name that is taken": (('NAME = "difference"', 'NAME = "correct"'), "NAME 'correct' is taken"),
    "import fails": (("from mmbench.metric import", "from mmbench.nothing import"), "ModuleNotFoundError"),
    "other width": (('("sum", "pixels")', '("sum",)'), "expected float64 or int64 (images, 1), as its columns"),
    "other dtype": (("1).numpy()", "1).float().numpy()"), "float32 statistics"),
    "other number of images": (("1).numpy()", "1).numpy()[:1]"), "update gave 1 rows for 2 images"),
    "update raises": (("    import torch\n", "    raise RuntimeError('two\\nlines')\n"), "RuntimeError: two lines"),
    "compute raises": (("sums[..., 0] /", "sums[..., 9] /"), "IndexError"),
    "a number without a score": (('return {"difference"', 'return {"surprise"'), "'surprise', which is none of SCORES"),
    "many values": (("sums[..., 0] / sums[..., 1]", "sums"), "more values than sums"),
    "another's number": (
        ('Score("difference", "difference"', 'Score("psnr", "difference"'), "which is none of SCORES"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_one_is_left_out_with_one_line(fault: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    before, own = run()
    (old, new), reason = BROKEN[fault]
    assert old in GOOD
    path = folder / f"broken_{list(BROKEN).index(fault)}.py"
    path.write_text(GOOD.replace(old, new))
    caplog.clear()
    for _ in range(2):
        numbers, statistics = run()
        assert numbers == before
        assert statistics.keys() - {"0/difference"} == own.keys()
    (line,) = caplog.messages
    assert str(path) in line and reason in line


def test_a_number_that_another_metric_has_is_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    before, _ = run()
    for key in ("psnr", "classification_accuracy"):
        (folder / f"{key}.py").write_text(GOOD.replace('"difference"', f'"{key}"'))
    numbers, _ = run()
    assert numbers == before
    lines = caplog.messages
    assert len(lines) == 2 and all("which is another's number" in line for line in lines)


def test_what_is_not_python_is_listed_and_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "unfinished.py").write_text("def update(")
    assert problem_of(catalog.cards("metrics")["unfinished"]).startswith("SyntaxError")
    assert outside() == {}
    run()
    assert "unfinished.py: metric 'unfinished' is left out: SyntaxError" in caplog.text


def test_an_error_of_the_metric_that_a_kind_names_is_the_cells_own(monkeypatch: pytest.MonkeyPatch) -> None:
    module = catalog.import_module(catalog.find("metrics", "image"))

    def fail(*_: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(module, "update", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        run()
