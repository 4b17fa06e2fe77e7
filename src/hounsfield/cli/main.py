"""Entry point: finds the verb, runs it, turns errors into one line and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped from the keyboard, 141 the reader of a pipe went away.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol, TextIO, cast

from hounsfield import __version__
from hounsfield.errors import HounsfieldError, UsageError

VERBS = {
    "demo": "the whole loop on the built-in phantom, in minutes",
    "phantom": "images to try things on, made here, with their truth",
    "doctor": "what this machine has, lacks, and how to mend it",
    "convert": "medical images to PNG or NIfTI",
    "inspect": "what a data set or an image holds, step by step",
    "train": "labelled images to a trained bundle",
    "evaluate": "a bundle's scores on labelled images, with intervals",
    "recalibrate": "a bundle's threshold and probabilities set on local cases",
    "compare": "two bundles on the same cases: is one better?",
    "seeds": "several trainings of one recipe as one result",
    "explain": "which explanations of a bundle's answers can be believed",
    "read": "a bundle's readings of new images",
    "measure": "a lesion's size and its distance to normal tissue",
    "export": "a bundle as ONNX or as a MONAI bundle, for other programs",
}
"""Each verb with its line of help, so that the list is printed without importing any of them. The verb's module is
`hounsfield.cli.<verb>`; a test holds its HELP against this table."""

_EPILOG = "`hounsfield COMMAND --help` says more about one of them. Research software: not a medical device."
_STOPPED = 130
_PIPE_CLOSED = 141


class Verb(Protocol):
    """What a verb's module offers."""

    HELP: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors take the same way out as all others."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, after the usage line on stderr.

        Raises:
            UsageError: Always.
        """
        self.print_usage(sys.stderr)
        raise UsageError(message)


class _Help(argparse.HelpFormatter):
    """Help in which every verb and its line stand side by side: argparse does not count how far verbs are indented."""

    def __init__(self, prog: str) -> None:
        """Leave room for the longest verb."""
        super().__init__(prog)
        self._action_max_length = max(map(len, VERBS)) + 4


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the command.

    Args:
        argv: The words after `hounsfield`; those of this process when None.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    name = verb_of(words)
    prog = f"hounsfield {name}" if name in VERBS else "hounsfield"
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            try:
                return _run(words, name)
            finally:
                sys.stdout.flush()
        except HounsfieldError as error:
            return _report(error, prog, as_json="--json" in words)
        except KeyboardInterrupt:
            print(f"\n{prog}: stopped from the keyboard; files already written are whole", file=sys.stderr)
            return _STOPPED
        except BrokenPipeError:
            # The interpreter flushes stdout once more at exit: give it somewhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _PIPE_CLOSED


def verb_of(words: Sequence[str]) -> str | None:
    """The first word that is not an option, which names the verb; None when there is none."""
    return next((word for word in words if not word.startswith("-")), None)


def verb_module(name: str) -> Verb:
    """The module of a verb in `VERBS`."""
    return cast(Verb, importlib.import_module(f"hounsfield.cli.{name}"))


def build_parser(name: str | None) -> Parser:
    """The parser of the whole command, with the arguments of the verb `name` only, so that only it is imported."""
    parser = Parser(
        prog="hounsfield",
        description="From labelled medical images to a reader one can trust.",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"hounsfield {__version__}")
    verbs = parser.add_subparsers(title="commands", dest="verb", metavar="COMMAND")
    for verb, line in VERBS.items():
        below = verbs.add_parser(verb, help=line, description=f"{line[0].upper()}{line[1:]}.", allow_abbrev=False)
        if verb == name:
            verb_module(verb).add_arguments(below)
    return parser


def _run(words: list[str], name: str | None) -> int:
    if name is not None and name not in VERBS:
        raise UsageError(_unknown(name))
    # Threads that wait for each other by spinning make training many times slower as soon as another program runs
    # beside it; OpenMP reads this when torch is imported, so it has to be said before.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = build_parser(name)
    arguments = parser.parse_args(words)
    if arguments.verb is None:
        parser.print_help()
        return 0
    return verb_module(arguments.verb).run(arguments)


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, VERBS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no command {name!r}; {hint}The commands are: {', '.join(VERBS)}"


def _report(error: HounsfieldError, prog: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
    print(f"{prog}: error: {error}", file=sys.stderr)
    return 2 if isinstance(error, UsageError) else 1


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """One line on stderr: the place in a library's source means nothing to the person who typed the command."""
    print(f"warning: {message}", file=sys.stderr)
