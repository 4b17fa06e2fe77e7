"""Images with masks, prepared once and kept on disk, each of its own size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray, VoxelArray
from hounsfield.atomic import atomic_file, write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_order
from hounsfield.datasets.segmentation import mask_of
from hounsfield.errors import GeometryError, HounsfieldError
from hounsfield.learning.inputs import Inputs, inputs_key
from hounsfield.learning.stored import STORED_TYPE, no_memory, require_half, require_in_range
from hounsfield.plan import Plan
from hounsfield.plan.network_input import known_spacing, prepare
from hounsfield.plan.task import task_of
from hounsfield.progress import say, track
from hounsfield.tasks.segmentation import Segmentation

_TURNED = 1e-3
"""Voxels by which an axis may lean over the whole image."""

_EVEN = 1e-6
"""Shares of a voxel that differ by less are the same."""


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
    own = plan.segmentation
    key = inputs_key(cases, plan.input, labels=repr((own.numbers, own.instances, own.unlabelled)))
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
        closing(in_order(lambda case: _or_error(case, plan, task), cases, threads=threads)) as results,
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
    require_half(failed, cases, dataset)
    index = {"key": key, "failed": failed, "placed": placed}
    write_text(paths[2], json.dumps(index))
    return _open(paths, cases, index, key)


def _task(plan: Plan) -> Segmentation:
    task = task_of(plan)
    if not isinstance(task, Segmentation):
        raise TypeError(f"a {plan.task} has no masks")
    return task


def _or_error(case: Case, plan: Plan, task: Segmentation) -> Masked | HounsfieldError:
    try:
        return masked_case(case, plan, task)
    except HounsfieldError as error:
        return error
    except MemoryError as error:
        raise no_memory(case.image.path) from error


def masked_case(case: Case, plan: Plan, task: Segmentation) -> Masked:
    """A case with its mask on the grid that the network is shown.

    Raises:
        DatasetError: The mask is not on the image's grid, or has no whole numbers.
        HounsfieldError: The image cannot be read, or a step refuses it.
    """
    stored = load(case.image)
    prepared = prepare(stored, plan.input)
    require_in_range(prepared.voxels, case.image.path)
    onto = np.linalg.inv(stored.affine) @ prepared.affine
    numbers = mask_of(case)
    there = (numbers > 0) & (numbers != task.unlabelled) if task.by_grid else np.isin(numbers, task.known)
    _tell_of_labels_outside(case, there, onto, prepared.shape)
    codes = (
        task.codes(nearest(numbers, onto, prepared.shape), prepared.spacing_mm)
        if task.by_grid
        else resampled(task.codes(numbers), onto, prepared.shape)
    )
    return Masked(prepared.voxels.astype(STORED_TYPE), codes, onto, known_spacing(stored))


def _tell_of_labels_outside(case: Case, there: BoolArray, onto: FloatArray, shape: Sequence[int]) -> None:
    """A warning where labelled voxels lie in a part of the image that a step cut away."""
    inside = []
    for axis, side in enumerate(shape):
        ends = onto[axis, axis] * (np.array([-0.5, side - 0.5])) + onto[axis, 3]
        inside.append(slice(max(0, round(float(ends.min()) + 0.5)), max(0, round(float(ends.max()) + 0.5))))
    labelled = np.count_nonzero(there)
    outside = labelled - np.count_nonzero(there[tuple(inside)])
    if outside:
        say(
            f"warning: {case.image.path}: {outside} of {labelled} labelled voxels lie where a step cut the image away "
            "and nothing is outlined there; take such a step out of input.steps if they are needed"
        )


def resampled(codes: IntArray, onto: FloatArray, shape: Sequence[int]) -> IntArray:
    """Codes (d, h, w) on another grid: in every voxel the one that takes most of it, 0 outside.

    Of codes that take as much of a voxel the lower one is taken.

    Args:
        codes: uint8, on their own grid.
        onto: (4, 4), from array index (d, h, w) of the other grid to that of the codes; axes stay.
        shape: Of the other grid.

    Raises:
        GeometryError: The grids are turned against each other.
    """
    from scipy import ndimage

    _require_along_axes(onto, shape)
    shares = [_shares(onto[axis, axis], onto[axis, 3], side, codes.shape[axis]) for axis, side in enumerate(shape)]
    if all(np.isin(share, (0, 1)).all() for share in shares):  # voxels on voxels
        return nearest(codes, onto, shape)
    found, most, taken = (np.zeros(tuple(shape), dtype=kind) for kind in (codes.dtype, np.float32, np.float32))
    for code, box in enumerate(ndimage.find_objects(codes), start=1):
        if box is None:
            continue
        own = (codes[box] == code).astype(np.float32)
        target = []
        for axis, (share, side) in enumerate(zip(shares, box, strict=True)):
            rows = np.flatnonzero(share[:, side].any(axis=1))
            target.append(slice(rows[0], rows[-1] + 1) if len(rows) else slice(0, 0))
            own = np.moveaxis(np.tensordot(share[target[-1], side], own, axes=(1, axis)), 0, axis)
        place = tuple(target)
        larger = own > most[place] + _EVEN
        found[place][larger], most[place][larger] = code, own[larger]
        taken[place] += own
    deep, high, wide = (share.sum(axis=1) for share in shares)
    whole = deep[:, None, None] * high[:, None] * wide  # what of a voxel lies in the codes' grid
    found[most <= whole - taken + _EVEN] = 0
    return found


def nearest(numbers: IntArray, onto: FloatArray, shape: Sequence[int]) -> IntArray:
    """Numbers (d, h, w) on another grid: in every voxel the one in its middle, 0 outside.

    The arguments and errors are those of `resampled`.
    """
    _require_along_axes(onto, shape)
    chosen, inside = [], np.ones((1, 1, 1), dtype=bool)
    for axis, side in enumerate(shape):
        places = np.rint(onto[axis, axis] * np.arange(side) + onto[axis, 3]).astype(np.int64)
        there = (places >= 0) & (places < numbers.shape[axis])
        chosen.append(np.where(there, places, 0))
        inside = inside & there.reshape([-1 if other == axis else 1 for other in range(3)])
    return np.where(inside, numbers[np.ix_(*chosen)], 0).astype(numbers.dtype)


def _require_along_axes(onto: FloatArray, shape: Sequence[int]) -> None:
    """Accept grids that are not turned against each other.

    Raises:
        GeometryError: They are.
    """
    turned = onto[:3, :3] - np.diag(np.diag(onto[:3, :3]))
    if np.abs(turned * np.array(shape)).max() > _TURNED:
        raise GeometryError(
            "a step turned the image, and its mask cannot follow voxel by voxel: leave out steps that rotate"
        )


def _shares(step: float, first: float, side: int, length: int) -> FloatArray:
    """(side, length) float32: how much of each voxel of one axis lies in each of another, as shares of the former.

    Args:
        step: Voxels of the other axis between neighbours of the one; below 0 where it runs the other way.
        first: Where the one's first voxel has its middle, counted in the other's.
        side: Voxels of the one.
        length: Of the other.
    """
    middle, half = first + step * np.arange(side), abs(step) / 2
    low, high = (middle - half)[:, None], (middle + half)[:, None]
    edges = np.arange(length + 1) - 0.5
    shared = (np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])).clip(min=0) / abs(step)
    rounded = np.where(np.abs(shared - np.rint(shared)) < 1e-6, np.rint(shared), shared)
    found: FloatArray = rounded.astype(np.float32)
    return found


def _open(paths: Sequence[Path], cases: Sequence[Case], index: Mapping[str, Any], key: str) -> Inputs:
    failed: dict[str, str] = index["failed"]
    placed: Sequence[Mapping[str, Any]] = index["placed"]
    kept = tuple(case for case in cases if case.id not in failed)
    shapes = [tuple(one["shape"]) for one in placed]
    images = _parts(np.memmap(paths[0], dtype=STORED_TYPE, mode="r"), shapes)
    codes = _parts(np.memmap(paths[1], dtype=np.uint8, mode="r"), [shape[1:] for shape in shapes])
    return Inputs(
        voxels=np.zeros((len(kept), 0), dtype=STORED_TYPE),
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
