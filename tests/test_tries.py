"""The tries of the baselines: settings that exist, as many for every method, scores by hand, what is kept."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mmbench.errors import UserError
from mmbench.planning import config
from mmbench.planning.overrides import data_settings
from mmbench.plugins import catalog
from mmbench.task import Access

METHODS = ("unit", "stargan-unpaired", "stargan-paired", "cyclegan", "sdit", "mmnet")


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    return importlib.import_module("benchmarks.tries.__main__")


def module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.tries.{name}")


@pytest.mark.parametrize("method", METHODS)
def test_every_try_changes_what_the_method_is_trained_with(tries: ModuleType, method: str) -> None:
    made = tries.read(method)
    card, data = catalog.find("methods", method), catalog.find("datasets", made.dataset)
    assert Access(card["ACCESS"]) is not Access.TRUE_PAIRS
    assert len(made.tries) == module("series").MOST, "no method is tuned more than another"
    profile = config.profile("laptop", data["KIND"])
    series = module("series")

    def resolved(*lists: tuple[str, ...]) -> Any:
        given = config.parse_overrides(series.merged(*lists))
        config.check_overrides([card], given)
        found = config.resolve(card, profile, data["KIND"], given)
        return found.settings, [stage for stage in found.stages if stage.players]

    for what in made.tries:
        assert resolved(made.before, what.set) != resolved(made.before), what
    earlier = {item.partition("=")[0] for item in made.before}
    kept = [what.set for what in made.tries if earlier.issuperset(item.partition("=")[0] for item in what.set)]
    assert resolved(made.before, *kept) == resolved(), "the method has what was kept"
    scenes = config.parse_overrides(made.scenes)
    assert data_settings(data, scenes) != data["SETTINGS"], "no image that a result is reported for"


def test_a_method_without_a_series_and_a_seventh_try_are_a_line(tries: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is to be tried on 'unot' \(did you mean 'unit'\?\)"):
        tries.read("unot")
    assert tries.main(["unot", "--dry-run"]) == 2
    one = '{ set = ["lr=1"], why = "x" }'
    (tmp_path / "t.toml").write_text(f'[m]\ndataset = "synthetic"\nscenes = []\ntries = [{", ".join([one] * 7)}]\n')
    with pytest.raises(UserError, match="m has 7 tries; expected at most 6"):
        module("series").read("m", tmp_path / "t.toml")


def test_a_tilde_is_the_home_folder(
    tries: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def stop(method: str, series: Any, options: Any, *, train: bool) -> None:
        asked.extend((options.runs, options.data_root))
        raise UserError("enough")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tries, "Tries", stop)
    assert tries.main(["unit", "--runs", "~/runs", "--data-root", "~/data"]) == 2
    assert asked == [tmp_path / "runs", tmp_path / "data"]
    assert tries.main(["unit", "--runs", "~nobody-of-that-name/runs"]) == 2
    assert "no home folder is known for '~nobody-of-that-name'" in capsys.readouterr().err


def test_scores_are_those_of_direct_unseen_translations() -> None:
    row = {"inputs": "depth", "output": "segmentation", "output_kind": "segmentation", "via": ""}
    back = {"inputs": "segmentation", "output": "depth", "output_kind": "depth", "via": ""}
    result = {
        "task": {
            "kind": "cross-modal",
            "unseen": [
                {"inputs": ["depth"], "output": "segmentation"},
                {"inputs": ["segmentation"], "output": "depth"},
            ],
        },
        "rows": [
            {**row, "via": "rgb", "metrics": {"miou": 90.0}},
            {**row, "inputs": "rgb", "metrics": {"miou": 80.0}},
            {**row, "metrics": {"miou": 30.0}},
            {**back, "metrics": {"delta_1.25": 0.5}},
        ],
    }
    series = module("series")
    found = series.scores(result)
    assert list(found.values()) == pytest.approx([0.3, 0.5])
    assert [name.partition(":")[0] for name in found] == ["depth → segmentation", "segmentation → depth"]
    assert series.mean(found) == pytest.approx(0.4)
    metrics = [{"classification_accuracy": a, "sample_diversity": d} for a, d in ((20.0, 0.1), (60.0, 0.3))]
    domains = series.scores({"task": {"kind": "cross-domain"}, "rows": [{"metrics": one} for one in metrics]})
    assert list(domains.values()) == pytest.approx([0.4, 0.2])
    assert series.mean(domains) == pytest.approx(0.4), "diversity decides nothing"
    without = [{**one, "sample_diversity": None} for one in metrics]
    left = series.scores({"task": {"kind": "cross-domain"}, "rows": [{"metrics": one} for one in without]})
    assert left == {"judge's accuracy": pytest.approx(0.4)}, "without AlexNet's weights"


def test_what_is_kept_stays_in_the_tries_after_it(tries: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 as it is; a gain of a point is kept, of less is not; what failed decides nothing."""
    series = module("series")
    values = {"": 0.5, "a=1": 0.52, "a=1 b=1": 0.525, "a=2": None, "a=1 c=1": 0.54}
    trained: list[dict[str, Any]] = []

    class Known(tries.Tries):  # type: ignore[name-defined]
        def _cell(self, tried: Any) -> Any:
            value = values[" ".join(item for item in tried.given if not item.startswith("data."))]
            look = ("failed", {"reason": "out of luck"}) if value is None else ("done", {"value": value})
            return SimpleNamespace(folder=SimpleNamespace(look=lambda key: look), key="")

    monkeypatch.setattr(tries, "scores", lambda result: {"x": result["value"], "(y)": 9.0})
    monkeypatch.setattr(tries.mmbench, "run", lambda *given, jobs: trained.append(given[-1]))
    options = SimpleNamespace(profile="laptop", seed=0, runs=Path("r"), data_root=None)
    what = tuple(series.Try((item,), "why") for item in ("a=1", "b=1", "a=2", "c=1"))
    plan = series.Series("synthetic", ("data.draw=4",), what)
    made = Known("unit", plan, options, train=True).run()
    assert [one.kept for one in made] == ["-", "yes", "no", "failed out of luck", "yes"]
    assert trained[-1] == {"data.draw": 4, "a": 1, "c": 1} and len(trained) == 5
    table = tries.table("unit", plan, made, "laptop", 0)
    assert list(table.frame["score"].iloc[[0, 1, 2, 4]]) == [0.5, 0.52, 0.525, 0.54]
    assert "failed out of luck" in table.text()
