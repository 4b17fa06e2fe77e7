"""`hounsfield phantom`: images made by the package itself, with their truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELP = "images to try things on, made here, with their truth"

_PATIENTS = {"films": 100, "volumes": 20}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a new folder")
    parser.add_argument(
        "--kind", choices=tuple(_PATIENTS), default="films",
        help="films: mammograms with benign and malignant masses; volumes: abdomens with tumours, their masks and "
        "their exact distances to organs, vessels and bones (default: films)",
    )  # fmt: skip
    parser.add_argument("--patients", type=int, metavar="N", help="(default: 100 of films, 20 of volumes)")
    parser.add_argument("--look", choices=("ct", "mr"), help="of volumes (default: ct)")
    parser.add_argument(
        "--size", type=int, nargs="+", metavar="N",
        help="height and width of films (default: 1024 768), or depth, height and width of volumes (default: as many "
        "voxels as cover 256 × 384 × 384 mm)",
    )  # fmt: skip
    parser.add_argument(
        "--spacing", type=float, nargs=3, metavar="MM",
        help="of the voxels of volumes along depth, height and width (default: 4 2.4 2.4)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed, the same images (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the descriptions' paths as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when the folder was written.

    Raises:
        UsageError: Words that make no sense together, or an argument out of its range.
        StorageError: The folder is not empty, or the disk refuses.
    """
    patients = _PATIENTS[arguments.kind] if arguments.patients is None else arguments.patients
    target = _films(arguments, patients) if arguments.kind == "films" else _volumes(arguments, patients)
    found = sorted(target.parent.glob("*.toml"), key=lambda path: (path != target, path.name))
    if arguments.json:
        print(json.dumps({"patients": patients, "descriptions": [str(path) for path in found]}, indent=2))
        return 0
    who = "1 patient" if patients == 1 else f"{patients} patients"
    print(f"{arguments.kind} of {who} written to {target.parent}; each of these opens them as a data set:")
    for path in found:
        print(f"  {path}")
    return 0


def _films(arguments: argparse.Namespace, patients: int) -> Path:
    from hounsfield.datasets.phantom import write_phantom
    from hounsfield.errors import UsageError

    if arguments.look is not None or arguments.spacing is not None:
        raise UsageError("--look and --spacing are for --kind volumes; films are mammograms of 240 mm height")
    size = arguments.size or [1024, 768]
    if len(size) != 2:
        raise UsageError(f"--size of films takes two numbers, height and width, not {len(size)}")
    return write_phantom(arguments.output, women=patients, seed=arguments.seed, size=(size[0], size[1]))


def _volumes(arguments: argparse.Namespace, patients: int) -> Path:
    from hounsfield.datasets.phantom3d import write_phantom3d
    from hounsfield.datasets.phantom3d.write import SPACING_MM
    from hounsfield.errors import UsageError

    if arguments.size is not None and len(arguments.size) != 3:
        raise UsageError(f"--size of volumes takes three numbers, depth, height and width, not {len(arguments.size)}")
    return write_phantom3d(
        arguments.output,
        patients=patients,
        look=arguments.look or "ct",
        seed=arguments.seed,
        spacing_mm=tuple(arguments.spacing or SPACING_MM),
        size=None if arguments.size is None else tuple(arguments.size),
    )
