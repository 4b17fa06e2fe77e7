"""`hounsfield read`: a bundle's readings of new images."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.cli.runtimes import add_runtime, runtime_words

if TYPE_CHECKING:
    from hounsfield.findings import Reading
    from hounsfield.reading.batch import Item

HELP = "a bundle's readings of new images"

_MOST_FOUND = 3
"""Findings of an image that its line names."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder made by train")
    parser.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGES",
        help="files, folders (searched through), or a TOML description of a data set, whose boxes are then used; for a "
        "model of several channels, files that end in their names or numbers",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder for the results")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument(
        "--answer-all", action="store_true",
        help="answer images too that are unlike those the model learned from, inverted or turned; they are called "
        "doubtful",
    )  # fmt: skip
    parser.add_argument(
        "--heat", choices=("auto", "grad_cam", "hires_cam", "integrated_gradients", "occlusion"), default="auto",
        help="method of the heat maps (default: auto, that which passed the bundle's tests)",
    )  # fmt: skip
    parser.add_argument("--no-heat", action="store_true", help="no heat maps and no figures: faster")
    add_runtime(parser)
    parser.add_argument("--json", action="store_true", help="print readings.json")


def run(arguments: argparse.Namespace) -> int:
    """0 when every image got an answer, 1 when some could not be read or got none.

    Raises:
        HounsfieldError: The bundle cannot be used, there is nothing to read, or the disk refused.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.output import filled_at_once, require_folder
    from hounsfield.cli.readings import Batch
    from hounsfield.cli.words import say_not_read
    from hounsfield.progress import say, track
    from hounsfield.reading.batch import inputs_expected, read_many
    from hounsfield.reading.reader import Reader

    require_folder(arguments.output)
    bundle = read_bundle(arguments.bundle)
    items = find_items(arguments.images, arguments.root, channels=bundle.plan.input.channel_names)
    with filled_at_once(arguments.output) as folder:
        explain = not arguments.no_heat
        batch = Batch(folder, figures=explain, examples=bundle.remembered().examples)
        images = inputs_expected(bundle, items, explain=explain)
        reader = Reader(
            bundle,
            runtime=arguments.runtime,
            images=images,
            answer_all=arguments.answer_all,
            heat=None if arguments.heat == "auto" else arguments.heat,
        )
        read = read_many(reader, items, explain=explain)
        for item, image, result in track(read, "reading", total=len(items)):
            batch.take(item, image, result)
        document = batch.write(bundle, command(arguments), earlier=arguments.output, runtime=reader.runtime)
    unanswered = [reading for reading in batch.readings if reading.abstained]
    say_not_read(batch.failures)
    for reading in unanswered:
        say(f"no answer: {reading.path}: {reading.abstained}")
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        print_readings(batch.readings)
        print(f"{len(batch.readings)} of {len(items)} images read; report: {arguments.output / 'report.html'}")
    return 1 if batch.failures or unanswered else 0


def find_items(paths: list[Path], root: Path | None, *, channels: tuple[str, ...] = ()) -> list[Item]:
    """What there is to read.

    Args:
        paths: Files, folders and descriptions.
        root: Where the data of descriptions lie.
        channels: Names of those that the model looks at, where it looks at several.

    Raises:
        HounsfieldError: A path is missing, or holds no image, or of several channels none.
    """
    from hounsfield.datasets import open_dataset
    from hounsfield.errors import FormatError
    from hounsfield.formats import list_images
    from hounsfield.reading.batch import items_of_cases, items_of_channels, items_of_paths, told_apart

    named: list[Item] = []
    found: list[Path] = []
    for path in paths:
        if path.suffix == ".toml" and path.is_file():
            named += items_of_cases(open_dataset(path, root=root).cases, channels)
        else:
            found += list_images(path)
    if found:
        named += items_of_channels(found, channels) if channels else items_of_paths(found)
    items = told_apart(named)
    if not items:
        raise FormatError(f"there is no image in {', '.join(map(str, paths))}; give files or folders of images")
    return items


def print_readings(readings: list[Reading]) -> None:
    """A line for each reading on stdout."""
    for reading in readings:
        doubt = "" if reading.quality.verdict == "good" else f"  [{'; '.join(reading.quality.reasons)}]"
        print(f"{reading.case}: {answer_words(reading)}{'' if reading.abstained else doubt}")


def answer_words(reading: Reading) -> str:
    """What a reading answers, for instance "malignant 0.805 ≥ 0.470"."""
    if reading.abstained:
        return f"no answer ({reading.abstained})"
    if not reading.answers:
        from hounsfield.reporting.reading_report import landmark_lines, verdict_words

        if reading.outlined:
            return verdict_words(reading)
        return "; ".join(f"{name} {where}" for name, where in landmark_lines(reading))
    answer = reading.answers[0]
    if reading.scanned:
        return f"most suspicious square {answer.label} {answer.probability:.3f} (not validated for whole images)"
    if len(reading.answers) > 1:
        return f"{answer.label} {answer.probability:.3f}, the most probable of {len(reading.answers)}"
    told = f"{answer.label} {answer.probability:.3f} {'≥' if answer.positive else '<'} {answer.threshold:.3f}"
    return f"{told}; {found_words(reading)}" if reading.looked_for else told


def found_words(reading: Reading) -> str:
    """What was found on an image, the surest findings each with its kinds and size."""
    from hounsfield.reporting.reading_report import found_lines

    lines = found_lines(reading)
    more = [f"and {len(lines) - _MOST_FOUND} more"] if len(lines) > _MOST_FOUND else []
    return "; ".join([*lines[:_MOST_FOUND], *more]) or "nothing found"


def command(arguments: argparse.Namespace) -> str:
    """The command that reads the same again."""
    words = ["hounsfield", "read", str(arguments.bundle), *map(str, arguments.images)]
    if arguments.root:
        words += ["--root", str(arguments.root)]
    words += [f"--{name.replace('_', '-')}" for name in ("answer_all", "no_heat") if getattr(arguments, name)]
    words += ["--heat", arguments.heat] if arguments.heat != "auto" else []
    words += runtime_words(arguments)
    return shlex.join([*words, "-o", str(arguments.output)])
