"""Writes docs/commands.md from the commands' own help. A test compares the two."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from unittest import mock

from hounsfield.cli.main import VERBS, main

PAGE = Path(__file__).parents[1] / "commands.md"
WIDTH = "100"
PYTHON = (3, 11)
"""Whose wording the page has: argparse lays out its help a little differently in each version."""

_HEAD = """\
# Commands

<!-- Written by docs/_scripts/commands.py from the commands' own help: change it there. -->

Each command prints its results on stdout, progress and warnings on stderr, and ends with a code that
[Errors and exit codes](errors.md) explains. `--json` gives the results as JSON.
"""


def page() -> str:
    """The page as it should be."""
    sections = [_HEAD, _section([])]
    sections += [_section([verb]) for verb in VERBS]
    return "\n".join(sections)


def _section(words: list[str]) -> str:
    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": WIDTH, "NO_COLOR": "1"}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main([*words, "--help"])
    return f"## {' '.join(['hounsfield', *words])}\n\n```text\n{printed.getvalue()}```\n"


if __name__ == "__main__":
    if sys.version_info[:2] != PYTHON:
        print(f"left as it is: the page has the wording of Python {PYTHON[0]}.{PYTHON[1]}", file=sys.stderr)
    else:
        PAGE.write_text(page(), encoding="utf-8")
