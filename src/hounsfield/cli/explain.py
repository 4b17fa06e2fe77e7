"""`hounsfield explain`: which explanations of a bundle's answers can be believed."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hounsfield.bundle import Bundle
    from hounsfield.datasets.case import Dataset
    from hounsfield.evaluation.explanations import Explanations
    from hounsfield.reporting.explanation_report import ExplainedCase

HELP = "which explanations of a bundle's answers can be believed"

_SHOWN = 6
"""Cases that are drawn with the heat of every method."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder made by train")
    parser.add_argument(
        "data", type=Path, metavar="DATA",
        help="the data it was trained on, of which only cases held back from a network are explained by it; or others",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="folder for explanations.json and report.html")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument("--cases", type=int, default=24, metavar="N", help="explained at most (default: 24)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the choice of cases (default: 0)")
    parser.add_argument("--json", action="store_true", help="print explanations.json")


def run(arguments: argparse.Namespace) -> int:
    """0 when a method that is quick enough to be shown passed its tests, 1 when none did.

    Raises:
        HounsfieldError: The bundle or the data cannot be used.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.output import filled_at_once, require_folder
    from hounsfield.datasets import open_dataset
    from hounsfield.errors import UsageError
    from hounsfield.reading.explain.tested import try_explanations

    if arguments.seed < 0 or arguments.cases < 2:
        raise UsageError("--seed takes a whole number, 0 or more, and --cases 2 or more")
    if arguments.output:
        require_folder(arguments.output)
    bundle = read_bundle(arguments.bundle)
    dataset = open_dataset(arguments.data, root=arguments.root)
    found = try_explanations(bundle, dataset, cases=arguments.cases, seed=arguments.seed)
    if arguments.output:
        from hounsfield.atomic import write_text
        from hounsfield.reporting.explanation_report import explanation_page

        with filled_at_once(arguments.output) as folder:
            write_text(folder / "explanations.json", json.dumps(found.as_json(), indent=2) + "\n")
            shown = explained_cases(bundle, dataset, found, arguments.seed)
            page = explanation_page(found, bundle.identity, shown, command=command(arguments))
            write_text(folder / "report.html", page)
    if arguments.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print_tested(found)
        if arguments.output:
            print(f"report: {arguments.output / 'report.html'}")
    return 0 if found.default else 1


def explained_cases(bundle: Bundle, dataset: Dataset, found: Explanations, seed: int) -> list[ExplainedCase]:
    """A few cases with the heat of every method that was tested."""
    from hounsfield.reading.explain.tested import heats_of_cases
    from hounsfield.reporting.explanation_report import ExplainedCase

    methods = [one.method for one in found.tested]
    return [
        ExplainedCase(
            case.id, image, heats, case.boxes if all(ref.crop is None for ref in case.images.values()) else ()
        )
        for case, image, heats in heats_of_cases(bundle, dataset, methods, count=_SHOWN, seed=seed)
    ]


def print_tested(found: Explanations) -> None:
    """A line for each method on stdout."""
    from hounsfield.reporting.explanation_report import LABELS

    print(f"{found.dataset}: {found.tested[0].cases} cases" if found.tested else f"{found.dataset}: no method fits")
    print(
        f"{'method':<22}{'shuffled':>9}{'deletion':>10}{'insertion':>10}{'gain':>8}{'points':>8}{'chance':>8}   verdict"
    )
    for one in found.tested:
        pointing = f"{one.pointing.value:.2f}" if one.pointing else "–"
        chance = f"{one.pointing_by_chance:.2f}" if one.pointing_by_chance is not None else "–"
        print(
            f"{LABELS[one.method]:<22}{one.agreement:>9.2f}{one.deletion:>10.3f}{one.insertion:>10.3f}"
            f"{one.gain.value:>8.3f}{pointing:>8}{chance:>8}   {'; '.join(one.failed) or 'passed'}"
        )
    best = f"best: {LABELS[found.default]}" if found.default else "none passed"
    print(f"{best}, of those quick enough to be shown with an answer")


def command(arguments: argparse.Namespace) -> str:
    """The command that tests the same again."""
    words = ["hounsfield", "explain", str(arguments.bundle), str(arguments.data)]
    words += ["--root", str(arguments.root)] if arguments.root else []
    words += ["--cases", str(arguments.cases), "--seed", str(arguments.seed)]
    return shlex.join([*words, "-o", str(arguments.output)])
