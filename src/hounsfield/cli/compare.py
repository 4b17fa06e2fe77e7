"""`hounsfield compare`: two bundles on the same cases."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hounsfield.cli.runtimes import add_runtime, runtime_words

if TYPE_CHECKING:
    from hounsfield.evaluation.comparison import Comparison
    from hounsfield.evaluation.evidence import Evidence
    from hounsfield.evaluation.shared import Asked
    from hounsfield.plan import Plan

HELP = "two bundles on the same cases: is one better?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("first", type=Path, metavar="A", help="a folder made by train")
    parser.add_argument("second", type=Path, metavar="B", help="another one, for the same classes, landmarks or labels")
    parser.add_argument(
        "data", type=Path, nargs="?", metavar="DATA",
        help="cases to read with both; without, the validation figures in the bundles are compared",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="folder for report.html")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draws (default: 0)")
    add_runtime(parser)
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when all cases were read, 1 when some could not be.

    Raises:
        HounsfieldError: A bundle or the data cannot be used, or the two have no case in common.
    """
    from hounsfield.atomic import write_text
    from hounsfield.cli.output import require_folder
    from hounsfield.errors import UsageError
    from hounsfield.evaluation.comparison import compare
    from hounsfield.reporting.comparison_report import comparison_page

    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    if arguments.output:
        require_folder(arguments.output)
    require_comparable(both(arguments))
    (first, failed), (second, failed_too) = (evidence_of(folder, arguments) for folder in both(arguments))
    comparison = compare(first, second, seed=arguments.seed)
    if arguments.output:
        write_text(arguments.output / "report.html", comparison_page(comparison, command=command(arguments)))
    if arguments.json:
        print(json.dumps(as_json(comparison), indent=2))
    else:
        print_comparison(comparison)
        if arguments.output:
            print(f"report: {arguments.output / 'report.html'}")
    return 1 if failed or failed_too else 0


def require_comparable(folders: Sequence[Path]) -> None:
    """Accept bundles that answer the same, before any is asked anything.

    Raises:
        BundleError: One is no bundle.
        EvaluationError: Two answer something else.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.evaluation.shared import require_same

    plans = [(str(folder), read_bundle(folder).plan) for folder in folders]
    require_same([(name, asked_by(plan)) for name, plan in plans])


def asked_by(plan: Plan) -> Asked:
    """What a model of this plan answers."""
    if plan.task == "localization":
        return "landmarks", tuple(sorted(plan.localization.landmarks))
    if plan.task == "segmentation":
        return "labels", tuple(sorted(plan.segmentation.labels))
    return "classes", plan.classes


def both(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """The two bundles' folders."""
    return arguments.first, arguments.second


def evidence_of(folder: Path, arguments: argparse.Namespace) -> tuple[Evidence, bool]:
    """What is measured of a bundle on the data, or was on its validation cases; and whether some could not be read.

    Raises:
        BundleError, DatasetError, FormatError: It cannot be measured.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.words import say_not_read
    from hounsfield.datasets import open_dataset
    from hounsfield.evaluation.store import read_evidence
    from hounsfield.reading.evaluate import evaluate

    bundle = read_bundle(folder)
    if arguments.data is None:
        return read_evidence(folder / "evidence.json"), False
    dataset = open_dataset(arguments.data, root=arguments.root)
    measured = evaluate(bundle, dataset, runtime=arguments.runtime)
    say_not_read(measured.failures)
    return measured.evidence, bool(measured.failures)


def print_comparison(comparison: Comparison) -> None:
    """The differences on stdout, and what must be known of them on stderr."""
    from hounsfield.progress import say
    from hounsfield.reporting import score_words, wording
    from hounsfield.reporting.comparison_report import p_words, verdict

    names = [comparison.first.name, comparison.second.name]
    within = f"; distances in {comparison.unit}" if comparison.unit else ""
    print(
        f"{names[0]} and {names[1]}: {comparison.cases} cases of {comparison.patients} patients, {comparison.split}"
        f"{within}"
    )
    for name in score_words.ordered(list(comparison.differences)):
        found = comparison.differences[name]
        print(
            f"{score_words.label(name)}: {wording.number(found.first)} and {wording.number(found.second)}, difference "
            f"{wording.number(found.difference.value)} ({wording.interval(found.difference)}), "
            f"p {p_words(found.p_value)}"
        )
    if comparison.named:
        print_named(comparison)
    print(verdict(comparison))
    for note in comparison.notes:
        say(f"note: {note}")


def print_named(comparison: Comparison) -> None:
    """A line for each score of each landmark or label on stdout."""
    from hounsfield.evaluation.paired import SHARES
    from hounsfield.reporting.score_words import label

    one, other = (model.name[:14] for model in (comparison.first, comparison.second))
    print(f"{'':<18}{'score':<18}{one:>15}{other:>15}{'difference':>12}   {'95 % interval':<18}{'p':<7}images")
    for name, scores in comparison.named.items():
        for score, found in scores.items():
            digits, gap = 3 if score in SHARES else 2, found.difference
            cells = (f"{value:.{digits}f}" for value in (found.first, found.second, gap.value))
            first, second, apart = cells
            interval = f"{gap.low:.{digits}f} to {gap.high:.{digits}f}"
            print(
                f"{name[:17]:<18}{label(score):<18}{first:>15}{second:>15}{apart:>12}   {interval:<18}"
                f"{found.p_value:<7.3f}{found.cases}"
            )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Plain values; of DeLong's test the interval and p value too."""
    from dataclasses import asdict

    plain = asdict(comparison)
    if comparison.areas:
        areas = comparison.areas
        plain["areas"] |= {"difference": areas.value, "interval": areas.interval, "p_value": areas.p_value}
    return plain


def command(arguments: argparse.Namespace) -> str:
    """The command that compares the same again."""
    words = ["hounsfield", "compare", *map(str, both(arguments))]
    words += [str(arguments.data)] if arguments.data else []
    words += ["--root", str(arguments.root)] if arguments.root else []
    words += ["--seed", str(arguments.seed)] if arguments.seed else []
    words += runtime_words(arguments)
    return shlex.join([*words, "-o", str(arguments.output)])
