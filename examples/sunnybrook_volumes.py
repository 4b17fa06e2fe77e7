"""Makes volumes of Sunnybrook's frames: the slices of one heart at one moment, with the masks of its left ventricle.

The number of a frame counts through the slices and, in each, through 20 moments of a heartbeat. The ventricle is
outlined at two of them, the end of diastole and that of systole; slices that show none of it are not among the frames.
The frames do not know how large their pixels are, nor how far the slices lie apart, and so the volumes do not either.

    python examples/sunnybrook_volumes.py ../shared/data/sunnybrook_cardiac_lv -o hearts
    hounsfield train examples/sunnybrook_volumes.toml --root hearts --task segmentation --network recurrent -o outliner
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from hounsfield import formats, geometry
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.image import Image

MOMENTS = 20
"""Frames of a heartbeat in every slice."""

Frame = Mapping[str, str]
"""A row of the table."""


def main() -> int:
    """Write the volumes and their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder with frames.csv")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the volumes go")
    arguments = parser.parse_args()
    try:
        count = write_volumes(arguments.data, arguments.output)
    except (HounsfieldError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} volumes in {arguments.output}")
    return 0


def write_volumes(data: Path, folder: Path) -> int:
    """Volumes and masks of all patients, and a table of them; how many there are.

    Raises:
        DatasetError: A patient's frames are not of two moments, or a slice between others is missing.
        FormatError: A frame cannot be read.
    """
    with (data / "frames.csv").open(encoding="utf-8", newline="") as stream:
        frames = list(csv.DictReader(stream))
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for patient, phase, slices in stacks(frames):
        volume = f"{patient}-{phase}"
        for name, suffix in (("images", "jpg"), ("labels", "png")):
            paths = [data / name / f"{frame['frame']}.{suffix}" for frame in slices]
            formats.write_nifti(stacked(paths), folder / name / f"{volume}.nii.gz")
        rows.append([volume, patient, slices[0]["group"], phase, len(slices)])
    with (folder / "volumes.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([["volume", "patient", "group", "phase", "slices"], *rows])
    return len(rows)


def stacks(frames: Sequence[Frame]) -> Iterator[tuple[str, str, list[Frame]]]:
    """Of each patient and moment its name and the frames, from slice to slice.

    Raises:
        DatasetError: As `write_volumes`.
    """
    patients: dict[str, dict[int, list[Frame]]] = defaultdict(lambda: defaultdict(list))
    for frame in sorted(frames, key=number_of):
        patients[frame["patient"]][number_of(frame) % MOMENTS].append(frame)
    for patient, moments in sorted(patients.items()):
        if len(moments) != 2:
            raise DatasetError(f"{patient}: its frames are of {len(moments)} moments of a heartbeat, not of two")
        by_size = sorted(moments.values(), key=lambda slices: max(int(frame["lv_pixels"]) for frame in slices))
        for phase, slices in zip(("systole", "diastole"), by_size, strict=True):
            places = [number_of(frame) // MOMENTS for frame in slices]
            if places != list(range(places[0], places[0] + len(places))):
                raise DatasetError(f"{patient}: the slices {places} at the end of {phase} do not follow one another")
            yield patient, phase, slices


def number_of(frame: Frame) -> int:
    """The number of a frame, from 0."""
    return int(frame["instance"]) - 1


def stacked(paths: Sequence[Path]) -> Image:
    """Flat images as one volume that does not know its spacing.

    Raises:
        DatasetError: They differ in size.
        FormatError: One of them cannot be read.
    """
    slices = [formats.read(path).voxels for path in paths]
    if len({one.shape for one in slices}) > 1:
        raise DatasetError(f"{paths[0]} and the slices behind it differ in size")
    return Image(np.concatenate(slices, axis=1), geometry.planar_affine())


if __name__ == "__main__":
    sys.exit(main())
