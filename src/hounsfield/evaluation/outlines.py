"""How well labels were outlined on one image: overlap, distances of surfaces, volume, and lesions one by one.

Each label is measured in the smallest box around what both masks hold of it, so that a small lesion on a large image
takes no longer than on a small one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hounsfield.arrays import BoolArray, IntArray
from hounsfield.errors import ShapeError
from hounsfield.evaluation.evidence import OutlinedImage, OutlinedLabel
from hounsfield.evaluation.instances import match_instances
from hounsfield.evaluation.surface_distance import Surface, surface_distances
from hounsfield.image import Mask

Box = tuple[slice, ...]


def compare_outline(
    outline: Mask,
    truth: IntArray,
    numbers: Sequence[Sequence[int]],
    spacing: Sequence[float],
    *,
    tolerance: float,
    surface: Surface = "elements",
    unlabelled: int = 0,
    case: str = "",
    patient: str = "",
) -> OutlinedImage:
    """How well each label of an image was outlined.

    Args:
        outline: What was said of each voxel.
        truth: (d, h, w) whole numbers, what it is.
        numbers: Of each label of the outline, those of `truth` that count as it; of instances every number does.
        spacing: Between voxels along (d, h, w) in mm; empty where the image does not know it.
        tolerance: Of the surface Dice, in mm, or pixels.
        surface: What surfaces are.
        unlabelled: A number of `truth` where nobody knows, so that nothing counts there; 0 where there is none.
        case: The image's id.
        patient: Whose it is.

    Raises:
        ShapeError: The two are of different shapes.
    """
    found = outline.labels
    if found.shape != truth.shape:
        raise ShapeError(f"a segmentation of {found.shape} and a mask of {truth.shape} cannot be compared")
    if unlabelled:
        outline = replace(outline, labels=np.where(truth == unlabelled, 0, found))
    if outline.instances:
        return _compare_instances(
            outline, truth, spacing, tolerance, surface, unlabelled=unlabelled, case=case, patient=patient
        )
    apart = spacing or (1.0, 1.0, 1.0)
    ours = _boxes(outline.labels) if outline.exclusive else None
    theirs = _boxes(truth)
    labels = []
    for place, (name, own) in enumerate(zip(outline.names, numbers, strict=True)):
        if ours is None:
            box: Box | None = tuple(slice(0, side) for side in truth.shape)
        else:
            box = _around([ours, theirs], [(place + 1,), own])
        parts = _part(outline, place, box), _part_of(truth, own, box)
        labels.append(_compare(name, *parts, apart, tolerance, surface, flat=truth.shape[0] == 1))
    return OutlinedImage(case, patient, tuple(labels), "mm" if spacing else "pixels")


def _compare_instances(
    outline: Mask,
    truth: IntArray,
    spacing: Sequence[float],
    tolerance: float,
    surface: Surface,
    *,
    unlabelled: int,
    case: str,
    patient: str,
) -> OutlinedImage:
    """Objects one by one, and all of them together as one label."""
    there = np.where((truth > 0) & (truth != unlabelled), truth, 0)
    together = Mask((outline.labels > 0).astype(np.uint8), outline.names)
    image = compare_outline(
        together,
        (there > 0).astype(np.uint8),
        ((1,),),
        spacing,
        tolerance=tolerance,
        surface=surface,
        case=case,
        patient=patient,
    )
    (label,) = image.labels
    return replace(image, labels=(replace(label, instances=match_instances(outline.labels, there)),))


def _part(outline: Mask, place: int, box: Box | None) -> BoolArray:
    """Where a label is, inside a box."""
    own = outline.labels[box] if box is not None else outline.labels[:0]
    mask: BoolArray = own == place + 1 if outline.exclusive else (own >> place) & 1 == 1
    return mask


def _part_of(truth: IntArray, numbers: Sequence[int], box: Box | None) -> BoolArray:
    return _as_one(numbers, truth[box] if box is not None else truth[:0])


def _compare(
    name: str,
    ours: BoolArray,
    theirs: BoolArray,
    spacing: Sequence[float],
    tolerance: float,
    surface: Surface,
    *,
    flat: bool,
) -> OutlinedLabel:
    """Two masks of one label, (d, h, w)."""
    both, one, other = (int(np.count_nonzero(mask)) for mask in (ours & theirs, ours, theirs))
    if not one and not other:
        return OutlinedLabel(name, 1.0, 1.0, None, None, 0.0, 0.0)
    size = float(np.prod(spacing[1:] if flat else spacing))
    cut = (ours[0], theirs[0], spacing[1:]) if flat else (ours, theirs, spacing)
    apart = surface_distances(*cut, surface=surface)
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
    both = found & truth
    touched, right = (np.count_nonzero(np.bincount(each[both])) for each in (there, seen))
    return int(count), int(touched), int(parts) - int(right)


def _boxes(numbers: IntArray) -> dict[int, Box]:
    """The smallest box around each number but 0."""
    from scipy import ndimage

    found = ndimage.find_objects(numbers)
    return {number: box for number, box in enumerate(found, start=1) if box is not None}


def _around(boxes: Sequence[Mapping[int, Box]], numbers: Sequence[Sequence[int]]) -> Box | None:
    """The smallest box around some numbers on each of several masks; None where they are on none."""
    own = [side[number] for side, each in zip(boxes, numbers, strict=True) for number in each if number in side]
    if not own:
        return None
    return tuple(
        slice(min(box[axis].start for box in own), max(box[axis].stop for box in own)) for axis in range(len(own[0]))
    )
