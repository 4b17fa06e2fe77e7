"""Images with masks, prepared once and kept on disk, each of its own size."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.atomic import atomic_file, write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.load import load
from hounsfield.datasets.segmentation import mask_of
from hounsfield.errors import HounsfieldError, ImageError, StorageError, TrainingError
from hounsfield.learning.inputs import Inputs, inputs_key
from hounsfield.plan import Plan
from hounsfield.plan.network_input import known_spacing, prepare
from hounsfield.plan.task import task_of
from hounsfield.progress import track
from hounsfield.tasks.segmentation import Segmentation

_STORED = np.dtype(np.float16)
_LARGEST = float(np.finfo(_STORED).max)


@dataclass(frozen=True, eq=False)
class Masked:
    """An image as the network is shown it, and what its voxels are."""

    voxels: VoxelArray
    """(channels, d, h, w) float16."""
    codes: IntArray
    """(d, h, w) uint8, as `tasks.segmentation` numbers labels."""
    onto: FloatArray
    """(4, 4), from array index (d, h, w) of `voxels` to that of the image as stored."""
    spacing_mm: tuple[float, ...]
    """Of the image as stored; empty where it does not know it."""


def prepare_masked(dataset: Dataset, cases: Sequence[Case], plan: Plan, folder: Path, *, threads: int) -> Inputs:
    """Every image that has a mask, prepared into `folder`, or taken from what an earlier call left there.

    Args:
        dataset: Where the cases come from.
        cases: With masks.
        plan: Whose input and labels.
        folder: Where the arrays are kept.
        threads: Cases prepared at once.

    Raises:
        TrainingError: Fewer than half of the cases can be read; the message shows the first reasons.
        StorageError: The disk refused.
    """
    key = inputs_key(cases, plan.input, labels=plan.segmentation.model_dump_json())
    paths = [folder / f"masked-{key[:16]}.{suffix}" for suffix in ("images", "codes", "json")]
    if all(path.is_file() for path in paths):
        index = json.loads(paths[2].read_text(encoding="utf-8"))
        if index["key"] == key:
            return _open(paths, cases, index, key)
    task = _task(plan)
    failed: dict[str, str] = {}
    placed: list[dict[str, object]] = []
    with (
        atomic_file(paths[0]) as images,
        atomic_file(paths[1]) as codes,
        images.open("wb") as image_stream,
        codes.open("wb") as code_stream,
        closing(_prepared(cases, plan, task, threads)) as results,
    ):
        for case, result in zip(cases, track(results, f"preparing {dataset.name}", total=len(cases)), strict=True):
            if isinstance(result, HounsfieldError):
                failed[case.id] = str(result)
                continue
            image_stream.write(result.voxels.tobytes())
            code_stream.write(result.codes.tobytes())
            placed.append(
                {
                    "shape": list(result.voxels.shape),
                    "onto": result.onto.tolist(),
                    "spacing_mm": list(result.spacing_mm),
                }
            )
    if len(failed) > len(cases) / 2:
        some = "; ".join(f"{case}: {reason}" for case, reason in list(failed.items())[:3])
        raise TrainingError(f"{len(failed)} of {len(cases)} cases of {dataset.root} cannot be read ({some})")
    index = {"key": key, "failed": failed, "placed": placed}
    write_text(paths[2], json.dumps(index))
    return _open(paths, cases, index, key)


def _task(plan: Plan) -> Segmentation:
    task = task_of(plan)
    if not isinstance(task, Segmentation):
        raise TypeError(f"a {plan.task} has no masks")
    return task


def _prepared(
    cases: Sequence[Case], plan: Plan, task: Segmentation, threads: int
) -> Generator[Masked | HounsfieldError, None, None]:
    """What `masked_case` gives of each case, in order; closing it stops the work."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(lambda case: _or_error(case, plan, task), cases)
    finally:
        pool.shutdown(cancel_futures=True)


def _or_error(case: Case, plan: Plan, task: Segmentation) -> Masked | HounsfieldError:
    try:
        return masked_case(case, plan, task)
    except HounsfieldError as error:
        return error
    except MemoryError as error:
        raise StorageError(
            f"{case.image.path}: there is not enough memory to prepare it; end other programs and give the command "
            "again"
        ) from error


def masked_case(case: Case, plan: Plan, task: Segmentation) -> Masked:
    """A case with its mask on the grid that the network is shown.

    Raises:
        DatasetError: The mask is not on the image's grid, or has no whole numbers.
        HounsfieldError: The image cannot be read, or a step refuses it.
    """
    stored = load(case.image)
    prepared = prepare(stored, plan.input)
    largest = float(np.abs(prepared.voxels).max())
    if not largest <= _LARGEST:
        raise ImageError(
            f"{case.image.path}: preprocessing gave values up to {largest:g}; networks learn from values near 0 … 1, "
            'end input.steps with "rescale" or "zscore"'
        )
    onto = np.linalg.inv(stored.affine) @ prepared.affine
    codes = nearest(task.codes(mask_of(case)), onto, prepared.shape)
    return Masked(prepared.voxels.astype(_STORED), codes, onto, known_spacing(stored))


def nearest(mask: IntArray, onto: FloatArray, shape: Sequence[int]) -> IntArray:
    """A mask (d, h, w) on another grid, the nearest voxel's number everywhere, 0 outside.

    Args:
        mask: On its own grid.
        onto: (4, 4), from array index (d, h, w) of the other grid to that of the mask; axes stay.
        shape: Of the other grid.
    """
    found = mask
    inside = np.ones(tuple(shape), dtype=bool)
    for axis, side in enumerate(shape):
        place = np.rint(onto[axis, axis] * np.arange(side) + onto[axis, 3] - 1e-6).astype(np.int64)
        there = (place >= 0) & (place < mask.shape[axis])
        found = found.take(np.clip(place, 0, mask.shape[axis] - 1), axis=axis)
        inside &= there.reshape([-1 if other == axis else 1 for other in range(3)])
    return np.where(inside, found, 0).astype(mask.dtype)


def _open(paths: Sequence[Path], cases: Sequence[Case], index: Mapping[str, Any], key: str) -> Inputs:
    failed: dict[str, str] = index["failed"]
    placed: Sequence[Mapping[str, Any]] = index["placed"]
    kept = tuple(case for case in cases if case.id not in failed)
    shapes = [tuple(one["shape"]) for one in placed]
    images = _parts(np.memmap(paths[0], dtype=_STORED, mode="r"), shapes)
    codes = _parts(np.memmap(paths[1], dtype=np.uint8, mode="r"), [shape[1:] for shape in shapes])
    return Inputs(
        voxels=np.zeros((len(kept), 0), dtype=_STORED),
        targets=np.zeros(len(kept), dtype=np.int64),
        cases=kept,
        failed=tuple(failed.items()),
        key=key,
        onto=np.array([one["onto"] for one in placed]),
        spacing_mm=tuple(tuple(one["spacing_mm"]) for one in placed),
        images=images,
        codes=codes,
    )


def _parts(flat: VoxelArray, shapes: Sequence[tuple[int, ...]]) -> tuple[VoxelArray, ...]:
    """Arrays of these shapes, one after another."""
    ends = np.cumsum([prod(shape) for shape in shapes]).tolist()
    starts = [0, *ends[:-1]]
    return tuple(flat[start:end].reshape(shape) for start, end, shape in zip(starts, ends, shapes, strict=True))
