"""The command ``config``: what it prints is read back to what a cell is trained with."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import pytest

from mmbench.commands.main import main
from mmbench.planning import config
from mmbench.plugins import catalog
from mmbench.typed import build

DATASETS = {"cross-modal": "synthetic", "cross-channel": "flowers", "cross-domain": "colored-objects"}


def read_back(text: str) -> tuple[config.Profile, config.MethodConfig]:
    values = tomllib.loads(text)
    resolved = {key: values[key] for key in ("settings", "stages")}
    return build(config.Profile, values["profile"], "profile"), build(config.MethodConfig, resolved, "method")


@pytest.mark.parametrize("profile", config.profiles())
def test_every_method_is_read_back_as_it_is_resolved(
    profile: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "cards", functools.cache(catalog.cards))  # two hundred times the same files
    for name, card in catalog.cards("methods").items():
        for kind in card["KINDS"]:
            assert main(["config", name, "--dataset", DATASETS[kind], "--profile", profile]) == 0
            chosen = config.profile(profile, kind)
            assert read_back(capsys.readouterr().out) == (chosen, config.resolve(card, chosen, kind, {})), (name, kind)


def test_it_says_what_set_makes_of_method_profile_and_data(capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["stage.align.lr=0.5", "stage.align.frozen=[]", "side_information=skip", "profile.network.width=5",
               "profile.data.train=7", "data.nir=true"]  # fmt: skip
    assert main(["config", "mmnet", "--profile", "smoke", *(part for key in changes for part in ("--set", key))]) == 0
    text = capsys.readouterr().out
    values = tomllib.loads(text)
    assert (values["method"], values["dataset"], values["kind"]) == ("mmnet", "synthetic", "cross-modal")
    assert values["data"] == {"nir": True, "draw": 0, "tied_colours": 0.0}
    profile, method = read_back(text)
    assert (profile.network.width, profile.data.train, method.settings["side_information"]) == (5, 7, "skip")
    assert [(stage.name, stage.lr, stage.frozen) for stage in method.stages][1] == ("align", 0.5, ())
    assert text.startswith(f"# {method.steps} steps in all")


def test_without_a_data_set_it_is_the_embedded_one_as_run_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "mmnet-pp"]) == 0
    values = tomllib.loads(capsys.readouterr().out)
    assert (values["dataset"], values["profile"]["name"]) == ("synthetic", "laptop")


def test_a_folder_of_own_images_is_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    assert main(["config", "mmnet", "--dataset", str(tmp_path / "mine"), "--profile", "smoke"]) == 0
    assert tomllib.loads(capsys.readouterr().out)["dataset"] == "folder-mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mmnett"], "no method named 'mmnett' (did you mean 'mmnet'?)"),
        (["mmnet", "--dataset", "flower"], "(did you mean 'flowers'?)"),
        (["mmnet", "--dataset", "flowers,synthetic"], "expected one name or folder"),
        (["mmnet", "--profile", "papper"], "no profile named 'papper' (did you mean 'paper'?)"),
        (["mmnet", "--dataset", "colored-objects"], "method 'mmnet' cannot do cross-domain tasks"),
        (["mmnet", "--set", "sied_information=skip"], "(did you mean 'side_information'?)"),
        (["mmnet", "--set", "data.nri=true"], "unknown key 'nri' (did you mean 'nir'?)"),
        (["mmnet", "--set", "profile.stepps=3"], "unknown key 'stepps' (did you mean 'steps'?)"),
        (["mmnet-pp", "--set", "schedule=thesis"], "fixed in mmnet-pp"),
    ],
)
def test_what_is_unknown_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert err.startswith("mmbench: ") and message in err
