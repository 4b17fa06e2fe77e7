"""`hounsfield read`: a bundle's readings of new images."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hounsfield.bundle import Bundle
    from hounsfield.findings import Reading
    from hounsfield.image import Image
    from hounsfield.reading.batch import Failure, Item
    from hounsfield.reporting.reading_report import StudyPictures

HELP = "a bundle's readings of new images"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder made by train")
    parser.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGES",
        help="files, folders (searched through), or a TOML description of a data set, whose boxes are then used",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder for the results")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument("--no-heat", action="store_true", help="no heat maps and no figures: faster")
    parser.add_argument("--json", action="store_true", help="print readings.json")


def run(arguments: argparse.Namespace) -> int:
    """0 when every image was read, 1 when some could not be.

    Raises:
        HounsfieldError: The bundle cannot be used, or there is nothing to read.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.progress import say, track
    from hounsfield.reading.batch import read_many
    from hounsfield.reading.reader import Reader

    bundle = read_bundle(arguments.bundle)
    items = find_items(arguments.images, arguments.root)
    batch = Batch(arguments.output, figures=not arguments.no_heat)
    read = read_many(Reader(bundle), items, explain=not arguments.no_heat)
    for item, image, result in track(read, "reading", total=len(items)):
        batch.take(item, image, result)
    for failure in batch.failures:
        say(f"not read: {failure.path}: {failure.reason}")
    document = batch.write(bundle, command(arguments))
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        print_readings(batch.readings)
        print(f"{len(batch.readings)} of {len(items)} images read; report: {arguments.output / 'report.html'}")
    return 1 if batch.failures else 0


def find_items(paths: list[Path], root: Path | None) -> list[Item]:
    """What there is to read.

    Raises:
        HounsfieldError: A path is missing, or holds no image.
    """
    from hounsfield.datasets import open_dataset
    from hounsfield.errors import FormatError
    from hounsfield.formats import list_images
    from hounsfield.reading.batch import items_of_cases, items_of_paths

    items: list[Item] = []
    for path in paths:
        if path.suffix == ".toml" and path.is_file():
            items += items_of_cases(open_dataset(path, root=root).cases)
        else:
            items += items_of_paths(list_images(path))
    if not items:
        raise FormatError(f"there is no image in {', '.join(map(str, paths))}")
    return items


class Batch:
    """Collects readings, writes a figure for each as it comes, and the rest at the end."""

    def __init__(self, folder: Path, *, figures: bool) -> None:
        """Nothing is written yet."""
        self.folder = folder
        self.readings: list[Reading] = []
        self.failures: list[Failure] = []
        self._figures = figures
        self._pictures: dict[str, StudyPictures | Image] = {}
        self._names: set[str] = set()

    def take(self, item: Item, image: Image | None, result: Reading | Failure) -> None:
        """Keep a result, and draw it."""
        from dataclasses import replace

        from hounsfield.findings import Reading
        from hounsfield.reporting.case_figure import write_case_figure
        from hounsfield.reporting.reading_report import study_pictures

        if not isinstance(result, Reading):
            self.failures.append(result)
            return
        if self._figures and image is not None:
            self._pictures[result.case] = study_pictures(result, image)
            boxes = [finding.box for finding in result.findings[:1] if finding.box is not None]
            write_case_figure(
                self.folder / f"{self._file_name(item.case)}.png",
                image,
                result.heat,
                result.answers[0] if result.answers else None,
                title=item.case,
                subtitle=f"{result.model.name} · {result.model.sha256[:12]}",
                reason=result.abstained,
                boxes=boxes,
            )
        self.readings.append(replace(result, heat=None))

    def write(self, bundle: Bundle, command_line: str) -> dict[str, Any]:
        """Write readings.json and report.html; what readings.json holds."""
        from hounsfield.atomic import write_text
        from hounsfield.reporting.reading_report import write_reading_page

        document = {
            "format": "1",
            "model": {
                "name": bundle.identity.name,
                "version": bundle.identity.version,
                "sha256": bundle.identity.sha256,
            },
            "readings": [reading.as_json() for reading in self.readings],
            "failed": [{"path": failure.path, "reason": failure.reason} for failure in self.failures],
        }
        write_text(self.folder / "readings.json", json.dumps(document, indent=2))
        problems = [(failure.path, failure.reason) for failure in self.failures]
        write_reading_page(self.folder / "report.html", self.readings, self._pictures, problems, command=command_line)
        return document

    def _file_name(self, case: str) -> str:
        plain = re.sub(r"[^\w.\-]+", "_", case).strip("._") or "image"
        name, number = plain, 2
        while name in self._names:
            name, number = f"{plain}-{number}", number + 1
        self._names.add(name)
        return name


def print_readings(readings: list[Reading]) -> None:
    """A line for each reading on stdout."""
    for reading in readings:
        if reading.abstained:
            print(f"{reading.case}: no answer ({reading.abstained})")
            continue
        answer = reading.answers[0]
        doubt = "" if reading.quality.verdict == "good" else f"  [{'; '.join(reading.quality.reasons)}]"
        mark = "≥" if answer.probability >= answer.threshold else "<"
        print(f"{reading.case}: {answer.label} {answer.probability:.3f} {mark} {answer.threshold:.3f}{doubt}")


def command(arguments: argparse.Namespace) -> str:
    """The command that reads the same again."""
    words = ["hounsfield read", str(arguments.bundle), *map(str, arguments.images)]
    if arguments.root:
        words += ["--root", str(arguments.root)]
    return " ".join([*words, "-o", str(arguments.output)])
