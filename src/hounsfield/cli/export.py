"""`hounsfield export`: a bundle as ONNX, or as a MONAI bundle."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "a bundle as ONNX or as a MONAI bundle, for other programs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder made by train")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="a folder that is not there yet"
    )
    parser.add_argument(
        "--format", choices=("onnx", "monai"), required=True,
        help="onnx: model.onnx, from prepared images to probabilities, and model.json, which says how to prepare them; "
        "monai: a MONAI bundle with the same network as TorchScript",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when the export was written.

    Raises:
        HounsfieldError: The bundle cannot be used, its network cannot be written in this format, something else is at
            OUT, or the disk refused.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.output import require_folder
    from hounsfield.exporting.monai_bundle import export_monai
    from hounsfield.exporting.network import description
    from hounsfield.exporting.onnx_file import export_onnx

    require_folder(arguments.output)
    bundle = read_bundle(arguments.bundle)
    export = {"onnx": export_onnx, "monai": export_monai}[arguments.format]
    export(bundle, arguments.output)
    if arguments.json:
        files = sorted(path for path in arguments.output.rglob("*") if path.is_file())
        document = {"format": arguments.format, "files": [str(path) for path in files], **description(bundle)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    spec = bundle.plan.input
    what = {"onnx": "model.onnx", "monai": "models/model.ts"}[arguments.format]
    print(
        f"{arguments.output / what}: images (n, {spec.shown_channels}, {', '.join(map(str, spec.shape))}) to "
        f"probabilities of {', '.join(bundle.plan.classes)}"
    )
    return 0
