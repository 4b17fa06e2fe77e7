"""`hounsfield compare`: two bundles on the same cases."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hounsfield.cli.runtimes import add_runtime, runtime_words

if TYPE_CHECKING:
    from hounsfield.evaluation.comparison import Comparison
    from hounsfield.evaluation.evidence import Evidence
    from hounsfield.evaluation.landmark_comparison import LandmarkComparison

HELP = "two bundles on the same cases: is one better?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("first", type=Path, metavar="A", help="a folder made by train")
    parser.add_argument("second", type=Path, metavar="B", help="another one, for the same classes")
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
    from dataclasses import asdict

    from hounsfield.atomic import write_text
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.output import require_folder
    from hounsfield.errors import UsageError
    from hounsfield.evaluation.comparison import compare
    from hounsfield.evaluation.landmark_comparison import compare_landmarks
    from hounsfield.reporting.comparison_report import comparison_page

    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    if arguments.output:
        require_folder(arguments.output)
    require_comparable(*both(arguments))
    if read_bundle(arguments.first).plan.task == "segmentation":
        raise UsageError("outlines are not compared yet: give hounsfield evaluate each, on the same data")
    if arguments.output and read_bundle(arguments.first).plan.task == "localization":
        raise UsageError("landmarks are compared on the screen, or with --json: leave out -o")
    (first, failed), (second, failed_too) = (evidence_of(folder, arguments) for folder in both(arguments))
    if first.localization is not None and second.localization is not None:
        compared = compare_landmarks(first, second, seed=arguments.seed)
        print(json.dumps(asdict(compared), indent=2)) if arguments.json else print_landmarks(compared)
        return 1 if failed or failed_too else 0
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


def print_landmarks(compared: LandmarkComparison) -> None:
    """A line for each landmark on stdout."""
    one, other = compared.first, compared.second
    print(
        f"{one} and {other}: {compared.images} images of {compared.patients} patients; median errors in {compared.unit}"
    )
    print(f"{'landmark':<18}{one[:14]:>15}{other[:14]:>15}{'difference':>12}   {'95 % interval':<18}p")
    for row in compared.landmarks:
        gap = row.difference
        interval = f"{gap.low:.2f} to {gap.high:.2f}"
        print(
            f"{row.name:<18}{row.first:>15.2f}{row.second:>15.2f}{gap.value:>12.2f}   {interval:<18}{row.p_value:.3f}"
        )


def require_comparable(first: Path, second: Path) -> None:
    """Accept two bundles that answer the same classes, before either is asked anything.

    Raises:
        BundleError: One is no bundle.
        EvaluationError: Their classes differ.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.errors import EvaluationError

    one, other = (read_bundle(folder).plan.classes for folder in (first, second))
    if one != other:
        raise EvaluationError(
            f"{first} answers {', '.join(one)}, {second} answers {', '.join(other)}: only models of the same "
            "classes can be compared"
        )


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
    print(f"{names[0]} and {names[1]}: {comparison.cases} cases of {comparison.patients} patients, {comparison.split}")
    for name in score_words.ordered(list(comparison.differences)):
        found = comparison.differences[name]
        print(
            f"{score_words.label(name)}: {wording.number(found.first)} and {wording.number(found.second)}, difference "
            f"{wording.number(found.difference.value)} ({wording.interval(found.difference)}), "
            f"p {p_words(found.p_value)}"
        )
    print(verdict(comparison))
    for note in comparison.notes:
        say(f"note: {note}")


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
