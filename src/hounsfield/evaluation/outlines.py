"""How well labels were outlined on one image: overlap, distances of surfaces, volume, and lesions one by one.

Each label is measured in the smallest box around what both masks hold of it, so that a small lesion on a large image
takes no longer than on a small one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hounsfield.arrays import BoolArray, IntArray
from hounsfield.errors import ShapeError
from hounsfield.evaluation.evidence import OutlinedLabel
from hounsfield.evaluation.surface_distance import surface_distances

Box = tuple[slice, ...]


def compare_labels(
    found: IntArray,
    truth: IntArray,
    labels: Mapping[str, Sequence[int]],
    spacing: Sequence[float],
    *,
    tolerance: float,
    unlabelled: int | None = None,
) -> tuple[OutlinedLabel, ...]:
    """What each label of a segmentation is worth, in the order of `labels`.

    Args:
        found: (d, h, w) whole numbers, what was said of each voxel.
        truth: As large, what it is.
        labels: By name the numbers that count as it, so that regions that hold others can be measured too.
        spacing: Between voxels along (d, h, w), in the unit of all distances.
        tolerance: Of the surface Dice, in that unit.
        unlabelled: A number of `truth` where nobody knows: nothing counts there.

    Raises:
        ShapeError: The two are of different shapes.
    """
    if found.shape != truth.shape:
        raise ShapeError(f"a segmentation of {found.shape} and a mask of {truth.shape} cannot be compared")
    if unlabelled is not None:
        found = np.where(truth == unlabelled, 0, found)
    boxes = [_boxes(found), _boxes(truth)]
    return tuple(
        _compare(name, numbers, found, truth, _around(boxes, numbers), spacing, tolerance)
        for name, numbers in labels.items()
    )


def _compare(
    name: str,
    numbers: Sequence[int],
    found: IntArray,
    truth: IntArray,
    box: Box | None,
    spacing: Sequence[float],
    tolerance: float,
) -> OutlinedLabel:
    size = float(np.prod(spacing[1:] if found.shape[0] == 1 else spacing))
    if box is None:
        return OutlinedLabel(name, 1.0, 1.0, None, None, 0.0, 0.0)
    ours, theirs = (_as_one(numbers, part[box]) for part in (found, truth))
    both, one, other = (int(np.count_nonzero(mask)) for mask in (ours & theirs, ours, theirs))
    flat = found.shape[0] == 1
    apart = surface_distances(
        ours[0] if flat else ours, theirs[0] if flat else theirs, spacing[1:] if flat else spacing
    )
    missing = one == 0 or other == 0
    lesions, hits, false = _lesions(ours, theirs)
    return OutlinedLabel(
        name,
        dice=2 * both / (one + other),
        surface_dice=apart.surface_dice(tolerance),
        hausdorff=None if missing else apart.hausdorff(95),
        surface_distance=None if missing else apart.mean,
        volume=other * size,
        found_volume=one * size,
        lesions=lesions,
        lesions_found=hits,
        false_lesions=false,
    )


def _as_one(numbers: Sequence[int], part: IntArray) -> BoolArray:
    mask: BoolArray = part == numbers[0]
    for number in numbers[1:]:
        mask = mask | (part == number)
    return mask


def _lesions(found: BoolArray, truth: BoolArray) -> tuple[int, int, int]:
    """Parts of a mask that hang together, also over corners: how many there are, how many of these were touched, and
    how many parts that were found touch none."""
    from scipy import ndimage

    around = np.ones((3,) * truth.ndim)
    there, count = ndimage.label(truth, around)
    seen, parts = ndimage.label(found, around)
    touched = set(np.unique(there[found]).tolist()) - {0}
    right = set(np.unique(seen[truth]).tolist()) - {0}
    return int(count), len(touched), int(parts) - len(right)


def _boxes(numbers: IntArray) -> dict[int, Box]:
    """The smallest box around each number but 0."""
    from scipy import ndimage

    found = ndimage.find_objects(numbers.astype(np.int32, copy=False))
    return {number: box for number, box in enumerate(found, start=1) if box is not None}


def _around(boxes: Sequence[Mapping[int, Box]], numbers: Sequence[int]) -> Box | None:
    """The smallest box around some numbers on two masks; None where they are on neither."""
    own = [side[number] for side in boxes for number in numbers if number in side]
    if not own:
        return None
    return tuple(
        slice(min(box[axis].start for box in own), max(box[axis].stop for box in own)) for axis in range(len(own[0]))
    )
