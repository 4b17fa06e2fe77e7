"""`hounsfield demo`: the whole loop on the built-in phantom, in minutes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hounsfield.evaluation.evidence import Evidence

HELP = "the whole loop on the built-in phantom, in minutes"

_NEW_WOMEN = 3
"""Women of a second phantom, whose masses are read as new ones."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="OUT", help="(default: demo)")
    parser.add_argument("--women", type=int, default=120, metavar="N", help="in the phantom (default: 120)")
    parser.add_argument("--minutes", type=float, default=4.0, metavar="M", help="of training (default: 4)")
    parser.add_argument("--height", type=int, default=1024, metavar="H", help="of a film, pixels (default: 1024)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")
    parser.add_argument("--json", action="store_true", help="print the evidence as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when the loop went through; parts that an earlier, stopped demo finished are kept.

    Raises:
        HounsfieldError: As the verbs of the loop.
    """
    from hounsfield.cli.output import require_folder
    from hounsfield.cli.words import print_scores
    from hounsfield.evaluation.store import read_evidence
    from hounsfield.progress import say

    out: Path = arguments.output
    require_folder(out)
    require_same_choices(arguments)
    steps = [
        (f"1 of 4: digital mammograms of {arguments.women} women into {out / 'phantom'}", _phantom),
        (f"2 of 4: learning to tell benign from malignant masses, into {out / 'reader'}", _train),
        (f"3 of 4: measuring on women kept apart, into {out / 'evidence'}", _evaluate),
        (f"4 of 4: reading the masses of {_NEW_WOMEN} new women, into {out / 'readings'}", _read),
    ]
    for words, step in steps:
        say(words)
        step(arguments)
    evidence: Evidence = read_evidence(out / "evidence" / "evidence.json")
    reports = {name: out / name / "report.html" for name in ("evidence", "reader", "readings")}
    if arguments.json:
        paths = {name: str(path) for name, path in reports.items()}
        print(json.dumps({"evidence": evidence.as_json(), "reports": paths}, indent=2))
        return 0
    print_scores(evidence)
    print("A phantom is for trying things out: these figures say nothing about mammograms.")
    print(f"Open {reports['evidence']} (the figures), {reports['reader']} (the training), {reports['readings']}.")
    return 0


def require_same_choices(arguments: argparse.Namespace) -> None:
    """Accept an empty place, or an earlier demo of the same choices, which is gone on with; note the choices there.

    Raises:
        StorageError: The folder holds something else.
    """
    from hounsfield.atomic import write_text
    from hounsfield.errors import StorageError

    out: Path = arguments.output
    note = out / "demo.json"
    choices = {name: getattr(arguments, name) for name in ("women", "minutes", "height", "seed")}
    text = json.dumps(choices) + "\n"
    if note.is_file() and note.read_text(encoding="utf-8") == text:
        return
    if out.is_dir() and any(out.iterdir()):
        held = "a demo with other choices" if note.is_file() else "other things"
        raise StorageError(f"{out} holds {held}; choose another -o, or delete it")
    write_text(note, text)


def _phantom(arguments: argparse.Namespace) -> None:
    from hounsfield.datasets.phantom import write_phantom

    size = (arguments.height, arguments.height * 3 // 4)
    for name, women, seed in (
        ("phantom", arguments.women, arguments.seed),
        ("new-films", _NEW_WOMEN, arguments.seed + 1),
    ):
        if not (arguments.output / name).exists():
            write_phantom(arguments.output / name, women=women, seed=seed, size=size)


def _train(arguments: argparse.Namespace) -> None:
    from hounsfield.bundle import unfinished_folder

    bundle = arguments.output / "reader"
    if not bundle.exists() or unfinished_folder(bundle).exists():
        _verb(
            "train",
            [
                str(arguments.output / "phantom" / "masses.toml"),
                f"-o{bundle}",
                f"--minutes={arguments.minutes}",
                f"--seed={arguments.seed}",
            ],
        )


def _evaluate(arguments: argparse.Namespace) -> None:
    out = arguments.output
    _verb("evaluate", [str(out / "reader"), str(out / "phantom" / "masses.toml"), f"-o{out / 'evidence'}"])


def _read(arguments: argparse.Namespace) -> None:
    out = arguments.output
    _verb("read", [str(out / "reader"), str(out / "new-films" / "masses.toml"), f"-o{out / 'readings'}"])


def _verb(name: str, words: list[str]) -> None:
    """Do what `hounsfield NAME WORDS` does, its results to stderr, for stdout is the demo's own."""
    import contextlib
    import importlib
    import sys

    verb = importlib.import_module(f"hounsfield.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"hounsfield {name}")
    verb.add_arguments(parser)
    with contextlib.redirect_stdout(sys.stderr):
        verb.run(parser.parse_args(words))
