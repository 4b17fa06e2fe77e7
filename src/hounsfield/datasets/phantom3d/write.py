"""`write_phantom3d`: a folder of volumes as DICOM series and NIfTI, with masks, exact distances and descriptions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.atomic import atomic_folder
from hounsfield.datasets.phantom.write import write_table
from hounsfield.datasets.phantom3d.descriptions import descriptions
from hounsfield.datasets.phantom3d.dicom import SeriesWriter
from hounsfield.datasets.phantom3d.grid import Grid, choose_grid
from hounsfield.datasets.phantom3d.looks import LOOKS, Look, image_slabs
from hounsfield.datasets.phantom3d.paint import number_parts
from hounsfield.datasets.phantom3d.patient import Patient, draw_patient
from hounsfield.datasets.phantom3d.truth import (
    DISTANCE_COLUMNS,
    LABEL_COLUMNS,
    PATIENT_COLUMNS,
    TUMOUR_COLUMNS,
    Row,
    label_rows,
    patient_row,
    tumour_rows,
)
from hounsfield.errors import StorageError, UsageError
from hounsfield.progress import track

SPACING_MM = (4.0, 2.4, 2.4)
"""Of the voxels along depth, height and width, where none is asked for: 64 x 160 x 160 of them."""
_VERSION = 1
"""Goes into every UID; raised when the same seed gives other volumes."""
_BYTES_A_VOXEL = 5
"""Image, mask, and the copy of the image that is packed."""
_ONE_AT_A_TIME = 20_000_000
"""Voxels of a volume above which patients are not written side by side, for the memory they take."""


def write_phantom3d(
    folder: Path,
    *,
    patients: int = 20,
    look: Look = "ct",
    seed: int = 0,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    size: tuple[int, int, int] | None = None,
    workers: int | None = None,
) -> Path:
    """The path of `volumes.toml`, the description of a phantom data set of volumes that was written to `folder`.

    The folder holds `images/*.nii.gz` and the same voxels as DICOM in `series/*/`, `masks/*.nii.gz` (named in
    `labels.csv`), `tumours/*.nii.gz` (tumour k has the value k), `patients.csv`, `tumours.csv`, `distances.csv`,
    `volumes.toml` and `series.toml`. The same arguments give the same bytes on the same versions of the libraries,
    whatever the number of workers. Of one seed, bodies and tumours are the same on CT and MR and on every grid.

    Args:
        folder: Must not exist yet, or be empty.
        patients: How many, 1 or more.
        look: "ct" (Hounsfield units) or "mr" (T1-weighted).
        seed: Chooses everything that is random, 0 or more.
        spacing_mm: Of the voxels, along (depth, height, width), 0.3 to 8 mm.
        size: (depth, height, width) in voxels; as many as cover 256 x 384 x 384 mm when None.
        workers: Threads; by default one a core, at most 4, and a single one for large volumes.

    Raises:
        UsageError: An argument is out of its range.
        StorageError: The folder is not empty, the disk refuses, or a volume does not fit into memory.
    """
    from hounsfield.formats.capacity import check_memory

    _check(patients, look, seed)
    grid = choose_grid(spacing_mm, size)
    check_memory(folder, grid.shape, _BYTES_A_VOXEL)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageError(f"{folder} exists and is not empty; choose another folder for the phantom")
    large = int(np.prod(grid.shape)) > _ONE_AT_A_TIME
    workers = workers or (1 if large else min(4, os.cpu_count() or 1))
    with atomic_folder(folder) as building:
        work = partial(_write_patient, building, look=look, seed=seed, grid=grid)
        rows = list(track(_in_order(work, patients, workers), "drawing the phantom", total=patients))
        tables = (
            ("patients.csv", [row.patient for row in rows], PATIENT_COLUMNS),
            ("tumours.csv", [tumour for row in rows for tumour in row.tumours], TUMOUR_COLUMNS),
            ("distances.csv", [distance for row in rows for distance in row.distances], DISTANCE_COLUMNS),
            ("labels.csv", label_rows(), LABEL_COLUMNS),
        )
        for name, table, columns in tables:
            write_table(building / name, table, columns)
        for name, text in descriptions(look).items():
            (building / name).write_text(text, encoding="utf-8")
    return folder / "volumes.toml"


@dataclass(frozen=True)
class _Rows:
    """What the tables say of a patient."""

    patient: Row
    tumours: list[Row]
    distances: list[Row]


def _check(patients: int, look: str, seed: int) -> None:
    if patients < 1:
        raise UsageError(f"a phantom needs at least one patient, not {patients}")
    if look not in LOOKS:
        raise UsageError(f"the look of the phantom must be {' or '.join(LOOKS)}, not {look!r}")
    if seed < 0:
        raise UsageError(f"the seed must be 0 or more, not {seed}")


def _in_order(work: partial[_Rows], patients: int, workers: int) -> Iterator[_Rows]:
    """The rows of every patient, drawn in parallel, in the order of their numbers."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(work, range(1, patients + 1))


def _write_patient(folder: Path, number: int, *, look: Look, seed: int, grid: Grid) -> _Rows:
    """Draw and write a patient."""
    patient = draw_patient(np.random.default_rng([seed, number]), number)
    _write_volumes(patient, folder, look=look, grid=grid, seed=seed, number=number)
    tumours, distances = tumour_rows(patient, grid)
    return _Rows(patient_row(patient, look), tumours, distances)


def _write_volumes(patient: Patient, folder: Path, *, look: Look, grid: Grid, seed: int, number: int) -> None:
    """The image twice, its mask, and the mask of its tumours."""
    voxels = np.empty(grid.shape, dtype=np.int16 if look == "ct" else np.uint16)
    labels = np.empty(grid.shape, dtype=np.uint8)
    size = "x".join(f"{count}@{step:g}" for count, step in zip(grid.shape, grid.spacing_mm, strict=True))
    series = SeriesWriter(
        patient, look, grid, folder / "series" / patient.id, f"hounsfield phantom3d {_VERSION} {seed} {size}"
    )
    for stored, slab in image_slabs(patient, look, grid, (seed, number)):
        for place, plane in enumerate(stored, start=slab.first):
            series.write(place, plane)
        slices = slice(slab.first, slab.first + len(stored))
        voxels[slices], labels[slices] = stored, slab.labels
    for name, array in (("images", voxels), ("masks", labels)):
        _write_nifti(array, grid, folder / name / f"{patient.id}.nii.gz")
    parts = number_parts([tumour.solid for tumour in patient.tumours], grid)
    _write_nifti(parts, grid, folder / "tumours" / f"{patient.id}.nii.gz")


def _write_nifti(array: VoxelArray, grid: Grid, path: Path) -> None:
    from hounsfield.formats import write_nifti
    from hounsfield.image import Image

    write_nifti(Image(array[np.newaxis], grid.affine, spacing_kind="patient"), path)
