"""The command ``config``: everything that a method would be trained with, as TOML. Nothing is opened or built."""

from __future__ import annotations

import argparse

from mmbench.commands.arguments import Once, read_names


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options, and what it does."""
    parser.description = (
        "Print a method's settings and stages as they are after all overlays, with the profile and the data set's "
        "settings, as TOML. Judges and variants are methods too."
    )
    parser.add_argument("method", help="a method, a variant or a judge")
    parser.add_argument(
        "--dataset", action=Once, default="", help="a name or a folder of own images; default: synthetic"
    )
    parser.add_argument("--profile", default=None, help="as for run")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    parser.set_defaults(function=_config)


def _config(options: argparse.Namespace) -> int:
    from mmbench.errors import UserError
    from mmbench.planning.overrides import parse_overrides

    names = read_names(options.dataset)
    if len(names) > 1:
        raise UserError(f"--dataset {options.dataset}: expected one name or folder")
    print(resolved(options.method, names, options.profile, parse_overrides(options.set)), end="")
    return 0


def resolved(method: str, dataset: list[str], profile_name: str | None, overrides: dict[str, object]) -> str:
    """The TOML: ``method``, ``dataset``, ``kind``, and tables ``profile``, ``data``, ``settings`` and ``stages``.

    ``typed.build`` makes the same Profile of ``profile``, and the same MethodConfig of ``settings`` and ``stages``.

    Raises:
        UserError: an unknown name or key, a value that makes no sense, a method that cannot do the data set's task.
    """
    import tomli_w

    from mmbench.planning.overrides import check_overrides, data_settings, profile_overrides
    from mmbench.planning.profile import profile
    from mmbench.planning.selection import check_kind, choose_datasets, default_profile
    from mmbench.planning.settings import resolve
    from mmbench.plugins import catalog
    from mmbench.typed import as_dict

    card = catalog.find("methods", method)
    (source,) = choose_datasets(dataset)
    kind = source.card["KIND"]
    check_kind(card, kind)
    check_overrides([card], overrides)
    chosen = profile(profile_name or default_profile(bool(dataset)), kind, profile_overrides(overrides))
    made = resolve(card, chosen, kind, overrides)
    head = f"# {made.steps} steps in all; each takes a batch of every view. A loss without a weight has weight 1.\n"
    return head + tomli_w.dumps(
        {
            "method": card.name,
            "dataset": source.label,
            "kind": kind,
            "profile": as_dict(chosen),
            "data": data_settings(source.card, overrides),
            **as_dict(made),
        }
    )
