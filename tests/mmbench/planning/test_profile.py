"""Profiles: the built-in ones, those of others, and wrong ones in one line."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from mmbench.errors import UserError
from mmbench.modality.augmentation import Augmentation
from mmbench.planning import config
from mmbench.planning.config import Profile
from mmbench.planning.profile import numeric
from mmbench.plugins import catalog, keys
from mmbench.typed import build

OWN = 'title = "Mine"\nscale = "small"\nsize = 24\nbatch = 2\nsteps = 9\nextra_steps = 3\nobserve_steps = 1\n'


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ``profiles`` folder of a folder of plug-ins."""
    folder = tmp_path / "profiles"
    folder.mkdir()
    monkeypatch.setenv(catalog.PLUGINS_VARIABLE, str(tmp_path))
    return folder


@pytest.mark.parametrize("kind", ["cross-modal", "cross-channel", "cross-domain"])
@pytest.mark.parametrize("name", config.profiles())
def test_every_profile_can_be_read(name: str, kind: str) -> None:
    assert config.profile(name, kind).name == name


def test_a_profiles_table_for_the_kind_of_task_wins_and_set_wins_over_it() -> None:
    """The paper: 256 x 256, batches of 6, 5 poolings; A.3.3: 128 x 128, batches of 4, 3 poolings, width kept."""
    modal, channel = config.profile("paper", "cross-modal"), config.profile("paper", "cross-channel")
    assert (modal.size, modal.batch, modal.network.poolings, modal.network.width) == (256, 6, 5, 64)
    assert (channel.size, channel.batch, channel.network.poolings, channel.network.width) == (128, 4, 3, 64)
    changed = config.profile("paper", "cross-channel", {"network.poolings": 2, "steps": 5})
    assert (changed.network.poolings, changed.network.width, changed.steps) == (2, 64, 5)


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("papper", {}, r"no profile named 'papper' \(did you mean 'paper'\?\)"),
        ("smoke", {"stepps": 3}, r"unknown key 'stepps' \(did you mean 'steps'\?\)"),
        ("smoke", {"network.widht": 3}, r"unknown key 'widht' \(did you mean 'width'\?\)"),
        ("smoke", {"steps": "many"}, "steps: expected int, got 'many'"),
        ("smoke", {"steps": True}, "steps: expected int, got True"),
        ("smoke", {"network.convs": 3}, "convs: expected a list, got 3"),
        ("smoke", {"flips": 1}, "flips: expected bool, got 1"),
        ("smoke", {"augmentation.crop": 0}, "augmentation: crop expects a share of the side above 0, up to 1, got 0"),
        ("smoke", {"augmentation.hue": 0.6}, r"augmentation: hue expects 0 to 0\.5, got 0\.6"),
        ("smoke", {"augmentation.contrast": float("nan")}, "augmentation: contrast expects 0 to 1, got nan"),
        ("smoke", {"augmentation.croop": 1}, r"augmentation: unknown key 'croop' \(did you mean 'crop'\?\)"),
        ("smoke", {"augmentation": True}, "augmentation: expected a table, got True"),
        ("smoke", {"data.train": -1}, "^--set profile: data.train expects 0 or more, got -1"),
        ("smoke", {"data.test": -3}, "data.test expects 0 or more, got -3"),
        ("smoke", {"network.width": 0}, "^--set profile: network.width expects more than 0, got 0"),
        ("smoke", {"network.poolings": 0}, "network.poolings expects more than 0, got 0"),
        ("smoke", {"network.blocks": -1}, "network.blocks expects 0 or more, got -1"),
        ("smoke", {"network.kernel": -7}, "network.kernel expects more than 0, got -7"),
        ("smoke", {"network.convs": [1, 0]}, "network.convs expects more than 0, got 0"),
        ("smoke", {"step_ms": float("nan")}, "step_ms expects more than 0, got nan"),
        ("smoke", {"step_ms": float("inf")}, r"step_ms expects at most 1e\+09, got inf"),
        ("smoke", {"step_ms": 10**400}, "^--set profile: a number is too large"),
        ("smoke", {"steps": 10**400}, r"steps expects at most 1e\+09, got 1000"),
    ],
)
def test_a_wrong_profile_is_a_line(name: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        config.profile(name, "cross-modal", overrides)


def test_none_means_all_images_or_no_residual_blocks_and_a_billion_steps_mean_never() -> None:
    changes = {"data.train": 0, "data.validation": 0, "data.test": 0, "network.blocks": 0, "checkpoint_every": 10**9}
    made = config.profile("smoke", "cross-modal", changes)
    assert (made.data.train, made.network.blocks, made.checkpoint_every) == (0, 0, 10**9)


# Digests of what keys hold of a profile, from before there was augmentation.
@pytest.mark.parametrize(
    ("name", "kind", "digest"),
    [
        ("smoke", "cross-modal", "bbb75ab6cdfedf5c"),
        ("laptop", "cross-modal", "220a98e8663a075e"),
        ("laptop", "cross-domain", "4e9f571ddc1e3710"),
        ("short", "cross-channel", "09462383e54291ff"),
        ("paper", "cross-modal", "0187e43e96a61a37"),
    ],
)
def test_augmentation_that_is_off_is_in_no_key(name: str, kind: str, digest: str) -> None:
    assert keys.digest(numeric(config.profile(name, kind))) == digest
    assert keys.digest(numeric(config.profile(name, kind, {"augmentation.crop": 1.0}))) == digest
    cropped = numeric(config.profile(name, kind, {"augmentation.crop": 0.5}))
    assert keys.digest(cropped) != digest and cropped["augmentation"]["crop"] == 0.5


def test_colours_are_for_cross_modal_tasks(plugins: Path) -> None:
    with pytest.raises(UserError, match="changes colours, which are what cross-channel tasks are about; put it under"):
        config.profile("smoke", "cross-channel", {"augmentation.hue": 0.1})
    (plugins / "mine.toml").write_text(OWN + "[augmentation]\ncrop = 0.7\n[kind.cross-modal.augmentation]\nhue = 0.1\n")
    modal, domain = (config.profile("mine", kind).augmentation for kind in ("cross-modal", "cross-domain"))
    assert (modal, domain) == (Augmentation(crop=0.7, hue=0.1), Augmentation(crop=0.7))


def test_build_names_what_is_missing() -> None:
    with pytest.raises(UserError, match="here: 'size' is missing"):
        build(Profile, {"name": "x", "title": "", "scale": "small"}, "here")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", 3),
        ("steps.x", 3),
        ("batch", 0),
        ("steps", -4),
        ("size", 0),
        ("evaluate_batch", 0),
        ("log_every", 0),
        ("checkpoint_every", 0),
        ("name", "x"),
    ],
)
def test_a_malformed_profile_override_is_a_line(key: str, value: Any) -> None:
    with pytest.raises(UserError):
        config.profile("smoke", "cross-modal", {key: value})


def test_the_built_in_profiles_say_their_scale() -> None:
    scales = {name: config.profile(name, "cross-modal").scale for name in ("smoke", "laptop", "short", "paper")}
    assert scales == {"smoke": "small", "laptop": "small", "short": "paper", "paper": "paper"}


def test_a_profile_from_outside_is_one_file(plugins: Path) -> None:
    (plugins / "mine.toml").write_text(
        OWN + "network.width = 6\n[kind.cross-domain]\nsize = 12\nnetwork.poolings = 1\n"
    )
    (plugins / "laptop.toml").write_text(OWN)
    made = config.profile("mine", "cross-modal")
    assert (made.name, made.size, made.scale, made.network.width, made.network.poolings) == ("mine", 24, "small", 6, 5)
    other = config.profile("mine", "cross-domain", {"steps": 4})
    assert (other.size, other.network.width, other.network.poolings, other.steps) == (12, 6, 1, 4)
    assert config.profiles()["mine"]["TITLE"] == "Mine"
    assert config.profile("laptop", "cross-modal").size == 48, "the package's own wins over one of the same name"


def test_every_method_can_be_resolved_in_a_profile_of_ones_own_at_either_scale(plugins: Path) -> None:
    """And takes the settings of its scale, not the papers' schedule unasked: those of a known profile of its sizes."""
    cards = catalog.cards("methods")
    for known in ("laptop", "paper"):
        (plugins / "copy.toml").write_bytes(catalog.find("profiles", known).path.read_bytes())
        for kind in ("cross-modal", "cross-channel", "cross-domain"):
            copied, original = (config.profile(profile, kind) for profile in ("copy", known))
            for name, card in cards.items():
                if kind in card["KINDS"]:
                    assert config.resolve(card, copied, kind, {}) == config.resolve(card, original, kind, {}), name


def test_the_profile_of_the_documentation_is_one(plugins: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "adding.md").read_text(encoding="utf-8")
    block = next(part for part in text.split("```toml\n") if part.startswith("title = ")).partition("```")[0]
    (plugins / "evening.toml").write_text(block)
    assert config.profiles()["evening"].problem == ""
    modal, domain = (config.profile("evening", kind) for kind in ("cross-modal", "cross-domain"))
    assert (modal.steps, domain.steps, domain.network.poolings, domain.network.width) == (12000, 6000, 2, 32)


def test_a_package_brings_profiles_beside_the_module_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "mmbench_test_profiles"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "theirs.toml").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = importlib.metadata.EntryPoint("theirs", "mmbench_test_profiles", "mmbench.profiles")
    points = importlib.metadata.EntryPoints([point])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: points)
    assert config.profile("theirs", "cross-modal").size == 24


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (OWN.replace('scale = "small"\n', ""), "'scale' is missing"),
        (OWN.replace("small", "smal"), "scale cannot be 'smal' (did you mean 'small'?)"),
        (OWN + "stepps = 3\n", "unknown key 'stepps' (did you mean 'steps'?)"),
        (OWN + "network.widht = 3\n", "network: unknown key 'widht' (did you mean 'width'?)"),
        (OWN + "[kind.cross-domain]\nstepps = 3\n", "unknown key 'stepps' (did you mean 'steps'?)"),
        (OWN + "[kind.cross-domains]\nsteps = 3\n", "[kind.cross-domains]: unknown kind of task (did you mean"),
        (OWN + "kind.cross-domain = 3\n", "kind.cross-domain: expected a table, got 3"),
        (OWN + "kind = 3\n", "kind: expected tables such as [kind.cross-channel], got 3"),
        (OWN + "[kind.cross-domain]\nsteps.x = 3\n", "steps: expected int, got {'x': 3}"),
        (OWN + 'name = "other"\n', "a profile is named by its file"),
        (OWN.replace("batch = 2", "batch = 0"), "batch expects more than 0, got 0"),
        ("[x\n", "cannot be read as TOML"),
        (OWN + "data.train = -1\n", "data.train expects 0 or more, got -1"),
        (OWN + f"step_ms = 1{'0' * 400}\n", "a number is too large"),
    ],
)
def test_a_file_that_breaks_a_rule_is_listed_with_it_and_refused_by_name(
    text: str, problem: str, plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mmbench.commands.main import main

    (plugins / "mine.toml").write_text(text)
    assert main(["list", "profiles"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  mine ")]
    assert "cannot be read: " in line and problem in line and str(plugins / "mine.toml") in line
    assert config.profile("laptop", "cross-modal").size == 48, "the others are as they were"
    assert main(["run", "--profile", "mine", "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mmbench: profile 'mine' can") and problem in line and str(plugins / "mine.toml") in line
