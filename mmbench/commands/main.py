"""The command line: arguments in, exit code out. Exit codes: 0 fine, 1 some cell did not finish, 2 bad input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from mmbench.commands import (
    check,
    completion,
    config,
    data,
    export,
    merge,
    new,
    pack,
    papers,
    reference,
    report,
    run,
    side_information,
    status,
    translate,
)
from mmbench.commands import list as listing
from mmbench.commands.terminal import guarded
from mmbench.errors import UserError, did_you_mean
from mmbench.given.files import NO_ROOM
from mmbench.given.texts import shown
from mmbench.launching import messages
from mmbench.store.living import sigterm_as_ctrl_c

EXAMPLES = """examples:
  python -m mmbench run                                    every method on the embedded set (minutes)
  python -m mmbench run --dry-run                          what that would do, and how long it takes
  python -m mmbench run --methods mmnet,mmnet-pp --dataset flowers --data-root ~/data
  python -m mmbench run --methods mmnet --set side_information=skip --seeds 0,1,2
  python -m mmbench run --methods mmnet,oracle --log tensorboard --save benchmark.toml
  python -m mmbench run benchmark.toml                     all of it again, or from another machine
  python -m mmbench run --suite ablation                   the papers' ablations, rows of tables 4.2 and 4.3
  python -m mmbench papers                                 the papers' tables: what each needs, what is done
  python -m mmbench run --table thesis-4.6 --data-root ~/data
  python -m mmbench run --suite scalability --dataset colored-objects --data-root ~/data
  python -m mmbench run --methods mmnet,oracle --dataset ~/my-images
  python -m mmbench status --watch                         what is done, by whom, and how long it takes
  python -m mmbench report                                 tables and pictures of all that is in runs/
  python -m mmbench report --runs here --runs there        one table of two machines' results
  python -m mmbench translate --run runs/synthetic/laptop/mmnet/seed-0 --from depth --to segmentation a.png --out made
  python -m mmbench export runs/synthetic/laptop/mmnet/seed-0 --from depth --to segmentation
  python -m mmbench list methods --dataset flowers
  python -m mmbench config mmnet-pp --dataset flowers --profile short
  python -m mmbench data verify flowers --data-root ~/data
  python -m mmbench data show synthetic --out rooms.png
"""


BEGIN = """mmbench: name a command. Three to begin with:
  mmbench run --profile smoke --methods prior,mmnet,oracle   does it work here? (seconds, numbers that say nothing)
  mmbench run                                                every method on the embedded set, then the tables
  mmbench list                                               methods, data sets, reports, metrics, profiles
mmbench --help names all commands, mmbench COMMAND --help the options of one."""


class _Version(argparse.Action):
    """Looks the version up where it is asked for: every command would wait for that otherwise."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        import importlib.metadata

        print(f"mmbench {importlib.metadata.version('mmbench')}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """One line on errors, with the near match for a mistyped option, command or choice."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})
        self.color = False  # Python 3.14 colours help, and no escape sequence passes terminal.py

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest).lower()
            raise UserError(f"{name} {value!r} is unknown{did_you_mean(str(value), action.choices)}")

    def error(self, message: str) -> NoReturn:
        _, marker, rest = message.partition("unrecognized arguments: ")
        if marker and rest.startswith("-"):
            given = rest.split()[0].partition("=")[0]
            options = {
                name: {option for action in parser._actions for option in action.option_strings}
                for name, parser in [("", self), *self._commands().items()]
            }
            if elsewhere := [name for name, known in options.items() if name and given in known]:
                message = f"{given} is an option of {', '.join(elsewhere)}: write it after that command"
            else:
                message = f"unknown option {given!r}{did_you_mean(given, set().union(*options.values()))}"
        raise UserError(message)

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        """``run``, ``data``, ``data verify`` and so on."""
        found: dict[str, argparse.ArgumentParser] = {}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, parser in action.choices.items():
                    found[name] = parser
                    found |= {f"{name} {inner}": own for inner, own in parser._commands().items()}
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code; bad input is one line on standard error and 2."""
    messages.show()
    with sigterm_as_ctrl_c():
        return _answered(arguments)


def _answered(arguments: Sequence[str] | None) -> int:
    """The exit code of one command, once what it raised is told."""
    with guarded():
        try:
            parser = _parser()
            completion.complete(parser)
            if not (sys.argv[1:] if arguments is None else arguments):
                print(BEGIN, file=sys.stderr)
                return 2
            options = parser.parse_args(arguments)
            return int(options.function(options))
        except UserError as error:
            return _refused(str(error))
        except ModuleNotFoundError as error:
            if error.name != "fcntl":
                raise
            return _refused("runs on Linux and macOS; on Windows use it in WSL, which has file locks")
        except KeyboardInterrupt:
            print("mmbench: stopped; the same command goes on from what is saved", file=sys.stderr)
            return 130
        except BrokenPipeError:
            return 1
        except OSError as error:
            what = error.strerror or str(error) or type(error).__name__
            where = [str(name) for name in (error.filename, error.filename2) if name is not None]
            return _refused(": ".join([" -> ".join(where)] * bool(where) + [f"{what}; {_remedy(error)}"]))


def _refused(text: str) -> int:
    print(f"mmbench: {shown(text)}", file=sys.stderr)
    return 2


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "change its permissions, or name another folder"
    return "make room, or name another folder" if error.errno in NO_ROOM else "name another file or folder"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mmbench",
        description="Benchmark harness for zero-pair image translation.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command, text in (
        ("run", run, "train and evaluate methods on a data set, then print the tables"),
        ("status", status, "what runs do on a results folder, from any machine that has it"),
        ("report", report, "write tables and pictures of all results"),
        ("merge", merge, "the finished cells of several results folders, such as of several machines, in one"),
        ("reference", reference, "committed numbers: add cells, make their tables, check whether others are equal"),
        ("papers", papers, "the papers' tables and figures: the command, the data and the time that each needs"),
        ("translate", translate, "translate image files with a trained cell"),
        ("export", export, "one translation of a trained cell as a file that runs without mmbench: ONNX, torch"),
        ("pack", pack, "a trained cell as one folder for others: weights, configuration, card"),
        ("side-information", side_information, "look into finished cells: what their decoders read"),
        ("list", listing, "what there is: methods, datasets, reports, metrics, profiles"),
        ("config", config, "a method's settings and stages as it would be trained with, as TOML"),
        ("new", new, "write a plug-in that works, and its test: a method, data set, metric or report of your own"),
        ("check", check, "a plug-in held against its contract: a line per check, and what to do"),
        ("completion", completion, "what a shell needs to complete names: bash, zsh or fish"),
        ("data", data, "look after data sets: verify, prepare, show, download, init"),
    ):
        command.add_options(commands.add_parser(name, help=text))
    return parser
