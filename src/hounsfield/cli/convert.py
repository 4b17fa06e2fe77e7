"""`hounsfield convert`: medical images to PNG or NIfTI."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "medical images to PNG or NIfTI"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("input", type=Path, metavar="IN", help="a file, a DICOM series' folder, or a tree of images")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a file, or a folder")
    parser.add_argument("--format", choices=("png", "nifti"), help="default: told from OUT's name, else png")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8, help="of a PNG (default: 8)")
    parser.add_argument(
        "--window", metavar="W",
        help="centre,width; or the place (0, 1 …) or name of one of the file's windows; on CT also brain, soft, "
        "mediastinum, lung, bone; or full, the whole range (default: the file's first, else full)",
    )  # fmt: skip
    parser.add_argument(
        "--series", metavar="UID", help="which series of IN, or that IN was drawn on, by the beginning of its UID"
    )
    parser.add_argument(
        "--image", type=Path, metavar="PATH",
        help="what IN was drawn on, of a DICOM segmentation or structure set that becomes NIfTI of numbers (default: "
        "looked for beside it)",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: one per core for many images)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when every image was written, 1 when some were not.

    Raises:
        UsageError: Words that make no sense together.
        FormatError: There is no image at all.
    """
    from hounsfield.datasets.listing import counted, some
    from hounsfield.errors import UsageError
    from hounsfield.formats.convert import Options, Target, convert
    from hounsfield.formats.folder import survey
    from hounsfield.formats.structures import drawings_at
    from hounsfield.formats.window import parse_window
    from hounsfield.progress import say

    if arguments.jobs is not None and arguments.jobs < 1:
        raise UsageError(f"--jobs {arguments.jobs}: at least one process is needed")
    named: Target = "nifti" if arguments.output.name.lower().endswith((".nii", ".nii.gz")) else "png"
    kind: Target = arguments.format or named
    if kind == "nifti" and (arguments.window is not None or arguments.bits != 8):
        raise UsageError("--window and --bits are for PNG; NIfTI keeps the image's own values")
    if arguments.image is not None and not (arguments.input.is_file() and drawings_at(arguments.input)):
        raise UsageError(f"--image is for a DICOM segmentation or structure set; {arguments.input} is none")
    window = None if arguments.window is None else parse_window(arguments.window)
    options = Options(format=kind, bits=arguments.bits, window=window, series=arguments.series, image=arguments.image)
    results = convert(arguments.input, arguments.output, options, jobs=arguments.jobs)
    failed = [result for result in results if result.error]
    for note in (note for result in results for note in result.notes):
        say(f"note: {note}")
    left_out = survey(arguments.input).drawings if arguments.input.is_dir() else ()
    if left_out:
        what = counted(len(left_out), "DICOM segmentation or structure set")
        names = some([str(path) for path in left_out])
        say(f"note: {what} of the folder left out; convert each by itself to NIfTI of numbers: {names}")
    for result in failed:
        say(f"not converted: {result.error}")
    written = [result for result in results if not result.error]
    if arguments.json:
        document = {
            "written": [
                {"source": str(result.source), "target": str(result.target), "notes": list(result.notes)}
                for result in written
            ],
            "left_out": [str(path) for path in left_out],
            "failed": [{"source": str(result.source), "error": result.error} for result in failed],
        }
        print(json.dumps(document, indent=2))
    else:
        place = written[0].target if len(results) == 1 and written else arguments.output
        print(f"{len(written)} of {len(results)} images written to {place}")
    return 1 if failed else 0
