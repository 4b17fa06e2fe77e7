"""`hounsfield measure`: a lesion's size and its distance to normal tissue, and a surgeon's criteria answered."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hounsfield.arrays import BoolArray
    from hounsfield.findings.worksheet import Worksheet
    from hounsfield.image import Image, Window
    from hounsfield.reporting.margin_panels import Panel

HELP = "a lesion's size and its distance to normal tissue"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a file, or the folder of a DICOM series")
    parser.add_argument(
        "--lesion", required=True, metavar="MASK[:LABEL]",
        help="its outline on the image's grid; without a label all that is not 0; of a DICOM segmentation or structure "
        "set the name of a structure; 1+2 takes both",
    )  # fmt: skip
    parser.add_argument(
        "--structure", action="append", default=[], metavar="NAME=MASK[:LABEL]",
        help="a normal structure, or the organ or body that the lesion lies in; IMAGE:above=200 takes what is brighter "
        "than 200 in an image, as bone in CT, and below=… what is darker; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--outline", action="append", default=[], metavar="MASK[:LABEL]",
        help="another outline of the same lesion, by another person or network; how far they differ counts as "
        "uncertainty; may be given several times",
    )  # fmt: skip
    parser.add_argument("--series", metavar="UID", help="which series of IMAGE, by the beginning of its UID")
    parser.add_argument("--criteria", type=Path, metavar="FILE", help="what is wanted, as TOML (docs: measuring)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder for the results")
    parser.add_argument(
        "--window", metavar="W",
        help="of the pictures: centre,width; or the place or name of one of the file's windows; or full (default: the "
        "file's first, else one that fits the tissue around the lesion)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print worksheet.json")


def run(arguments: argparse.Namespace) -> int:
    """0 when all was measured, whatever the criteria's answers.

    Raises:
        UsageError: Words that make no sense, or criteria that cannot be used.
        HounsfieldError: A file cannot be read, lies on another grid, or there is no lesion in it.
    """
    from hounsfield import formats
    from hounsfield.cli.output import require_folder
    from hounsfield.errors import GeometryError
    from hounsfield.findings.worksheet import fill_worksheet, read_criteria
    from hounsfield.formats.window import choose_window, parse_window

    require_folder(arguments.output)
    named = [structure_words(text) for text in arguments.structure]
    require_different([name for name, _ in named])
    criteria = read_criteria(arguments.criteria) if arguments.criteria else None
    window = parse_window(arguments.window) if arguments.window is not None else None
    image = formats.read(arguments.image, series=arguments.series)
    if image.spacing_kind == "none":
        raise GeometryError(
            f"{arguments.image} does not say how large its pixels are, so nothing can be measured in mm; "
            "give the file it was made from, or a NIfTI or DICOM file with its spacing"
        )
    chosen = choose_window(image, window) if window is not None else None
    notes: list[str] = []
    lesion = read_lesion(arguments.lesion, image, notes)
    structures = {name: read_part(text, image, notes) for name, text in named}
    outlines = [read_lesion(text, image, notes) for text in arguments.outline]
    worksheet = fill_worksheet(criteria, lesion, structures, image.affine, outlines=outlines)
    write_results(arguments, worksheet, image, lesion, structures, chosen, notes)
    if arguments.json:
        print(json.dumps(document(arguments, worksheet, notes), indent=2))
    else:
        print_worksheet(worksheet)
        print(f"report: {arguments.output / 'report.html'}")
    return 0


def structure_words(text: str) -> tuple[str, str]:
    """Name and mask of `NAME=MASK[:LABEL]`.

    Raises:
        UsageError: One of them is missing.
    """
    from hounsfield.errors import UsageError

    name, _, mask = text.partition("=")
    if not name.strip() or not mask:
        raise UsageError(
            f"--structure {text}: expected NAME=MASK, for instance bone=bone.nii.gz or liver=organs.nii.gz:5"
        )
    return name.strip(), mask


def require_different(names: list[str]) -> None:
    """Accept names of which each is given once.

    Raises:
        UsageError: One is given twice.
    """
    from hounsfield.errors import UsageError

    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--structure {twice}=…: the name is given twice; give each structure another name")


def read_part(text: str, image: Image, notes: list[str]) -> BoolArray:
    """The mask of `MASK[:LABEL]`; what was not taken as it was drawn is said on stderr and added to the notes.

    Raises:
        HounsfieldError: As `formats.mask.read_outline`.
    """
    from hounsfield.formats.mask import read_outline
    from hounsfield.progress import say

    path, label = mask_words(text)
    inside, found = read_outline(path, image, label=label)
    for note in found:
        if note not in notes:
            say(f"note: {note}")
            notes.append(note)
    return inside


def read_lesion(text: str, image: Image, notes: list[str]) -> BoolArray:
    """The same of an outline of the lesion, in which there has to be something.

    Raises:
        HounsfieldError: Nothing is in it, or as `read_part`.
    """
    from hounsfield.errors import ImageError

    inside = read_part(text, image, notes)
    if not inside.any():
        raise ImageError(f"{text}: the lesion's mask is empty: there is nothing to measure; give the one that is meant")
    return inside


def mask_words(text: str) -> tuple[Path, int | str | None]:
    """File and label of `MASK[:LABEL]`; files and labels may have colons in their names, and what is there counts."""
    from hounsfield.formats.mask import named

    ends = [len(text), *(place for place, letter in enumerate(text) if letter == ":" and place)]
    end = next((end for end in ends if Path(text[:end]).exists()), ends[-1])
    words = text[end + 1 :].strip()
    return Path(text[:end]), named(words) if words else None


def write_results(
    arguments: argparse.Namespace,
    worksheet: Worksheet,
    image: Image,
    lesion: BoolArray,
    structures: dict[str, BoolArray],
    window: Window | None,
    notes: list[str],
) -> None:
    """Write worksheet.json, report.html, a picture for each criterion that was measured, planes.png of the lesion with
    what is around it, and of a volume surface.png of the same from outside."""
    from hounsfield.atomic import write_text
    from hounsfield.cli.output import filled_at_once
    from hounsfield.reporting.lesion_planes import lesion_planes
    from hounsfield.reporting.lesion_views import lesion_views
    from hounsfield.reporting.margin_figure import write_margin_figure
    from hounsfield.reporting.margin_panels import margin_panels
    from hounsfield.reporting.page import Fact
    from hounsfield.reporting.pictures import write_picture
    from hounsfield.reporting.worksheet_report import worksheet_page

    facts = [
        Fact("Image", str(arguments.image), image.modality),
        Fact("Lesion", arguments.lesion),
        *(Fact("Other outline", text) for text in arguments.outline),
        *(Fact("Structure", text.replace("=", ": ", 1)) for text in arguments.structure),
        *([Fact("Criteria", str(arguments.criteria))] if arguments.criteria else []),
        *(Fact("Note", note) for note in notes),
    ]
    with filled_at_once(arguments.output) as folder:
        panels: dict[int, list[Panel]] = {}
        for place, answer in enumerate(worksheet.answers):
            if answer.value is not None:
                panels[place] = margin_panels(image, lesion, structures.get(answer.structure), answer, window=window)
                write_margin_figure(folder / f"criterion-{place + 1:02d}.png", answer, panels[place])
        planes = lesion_planes(image, lesion, structures, window=window)
        write_picture(folder / "planes.png", planes)
        views = lesion_views(image, lesion, structures, worksheet.margins)
        if views is not None:
            write_picture(folder / "surface.png", views)
        write_text(folder / "worksheet.json", json.dumps(document(arguments, worksheet, notes), indent=2) + "\n")
        page = worksheet_page(
            worksheet,
            panels,
            name=arguments.image.name,
            planes=planes,
            views=views,
            facts=facts,
            command=command(arguments),
        )
        write_text(folder / "report.html", page)


def document(arguments: argparse.Namespace, worksheet: Worksheet, notes: list[str]) -> dict[str, object]:
    """The worksheet as JSON, with what it was measured on."""
    from hounsfield import __version__

    return {
        "version": __version__,
        "image": str(arguments.image),
        "series": arguments.series or "",
        "lesion": arguments.lesion,
        "outlines": list(arguments.outline),
        "structures": dict(structure_words(text) for text in arguments.structure),
        "notes": notes,
        **worksheet.as_json(),
    }


def print_worksheet(worksheet: Worksheet) -> None:
    """Size, margins and answers on stdout."""
    from hounsfield.findings.worksheet.answer import UNITS

    size, axes = worksheet.size, worksheet.size.axes
    volume = f"area {size.volume:.1f} mm²" if size.planar else f"volume {size.volume / 1000:.1f} ml"
    print(
        f"lesion: {volume}, {axes.long.length_mm:.1f} × {axes.short.length_mm:.1f} mm in slice {axes.slice_index + 1}"
    )
    for note in size.notes:
        print(f"  {note}")
    for margin in worksheet.margins:
        side = " (from inside)" if margin.side == "inside" else ""
        print(
            f"{margin.structure}{side}: {margin.minimum_mm:.1f} ± {margin.uncertainty_mm:.1f} mm at the closest, "
            f"median {margin.median_mm:.1f} mm"
        )
        for note in margin.notes:
            print(f"  {note}")
        if margin.lacks_lesion:
            print(f"  labels of one file are joined by a plus: --structure {margin.structure}=MASK:1+2")
    for _, why in worksheet.missing:
        print(why)
    for answer in worksheet.answers:
        value = "" if answer.value is None else f" {answer.value:.1f}{UNITS[answer.unit]};"
        print(f"{answer.verdict:<11} {answer.name}:{value} wanted {answer.limit}")


def command(arguments: argparse.Namespace) -> str:
    """The command that measures the same again."""
    words = ["hounsfield", "measure", str(arguments.image), "--lesion", arguments.lesion]
    for text in arguments.structure:
        words += ["--structure", text]
    for text in arguments.outline:
        words += ["--outline", text]
    words += ["--series", arguments.series] if arguments.series else []
    words += ["--criteria", str(arguments.criteria)] if arguments.criteria else []
    words += ["--window", arguments.window] if arguments.window is not None else []
    return shlex.join([*words, "-o", str(arguments.output)])
