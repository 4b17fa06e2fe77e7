"""What criteria ask for, each with the range in which it may lie: by what is seen, and with what the border hides.

Whatever lies beyond the border of the image can only bring a structure closer, add contact, or make a lesion larger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.contact_arc import measure_contact_arc
from hounsfield.findings.margin import Margin
from hounsfield.findings.measure import Size, diagonal_mm
from hounsfield.findings.remaining import measure_remaining
from hounsfield.findings.worksheet.answer import Measured, Range

_LESION_CUT = "the lesion reaches the border of the image, and may go on beyond it"


def distance(margin: Margin) -> Measured:
    """The smallest distance, ± half a voxel's diagonal for each surface; other outlines widen the range."""
    lows, highs = [margin.minimum_mm], [margin.minimum_mm]
    if margin.spread:
        lows.append(margin.spread.low)
        highs.append(margin.spread.high)
    seen = Range(max(0.0, min(lows) - margin.uncertainty_mm), max(highs) + margin.uncertainty_mm)
    hidden = margin.beyond_the_image_mm
    return Measured(
        value=margin.minimum_mm,
        seen=seen,
        possible=seen if hidden is None else Range(min(seen.low, hidden), seen.high),
        border=_beyond(margin),
        note=margin.note,
        from_mm=margin.closest.lesion_mm,
        to_mm=margin.closest.structure_mm,
    )


def contact(margin: Margin) -> Measured:
    """Area of the lesion that touches: from where voxels are neighbours as drawn to what voxels can hide, and holes in
    the structure's mask, that were filled, do."""
    seen = Range(margin.contact_area_as_drawn, margin.contact_area_with_holes)
    hidden = margin.beyond_the_image_mm
    reaches = hidden is not None and hidden <= margin.uncertainty_mm
    return Measured(
        value=margin.contact_area,
        seen=seen,
        possible=Range(seen.low, math.inf) if reaches else seen,
        border=_beyond(margin),
        note=f"{_apart(margin)}; up to {margin.uncertainty_mm:.1f} mm, a voxel's diagonal, counts as touching. "
        + " ".join((margin.note, _in_holes(margin))).strip(),
        from_mm=margin.closest.lesion_mm,
        to_mm=margin.closest.structure_mm,
    )


def arc(lesion: BoolArray, structure: BoolArray, affine: FloatArray, margin: Margin) -> Measured:
    """Degrees of the structure's circumference that touch: from as drawn to what pixels can hide. Holes in the
    structure's mask are left as they are.

    What is not seen of a circumference that the border cuts only makes it longer, and the share that touches less.
    """
    found = measure_contact_arc(lesion, structure, affine)
    seen = Range(found.degrees_as_drawn, found.degrees)
    hidden = margin.beyond_the_image_mm
    reaches = hidden is not None and hidden <= margin.uncertainty_mm
    possible = Range(0.0 if found.cut else seen.low, 360.0 if reaches else seen.high)
    border = f"{margin.structure} is cut by the border of the slice" if found.cut else _beyond(margin)
    return Measured(
        value=found.degrees,
        seen=seen,
        possible=possible,
        border=border,
        from_mm=margin.closest.lesion_mm,
        to_mm=margin.closest.structure_mm,
        slice_index=found.slice_index if found.degrees else None,
    )


def remaining(lesion: BoolArray, organ: BoolArray, affine: FloatArray, margin: Margin, margin_mm: float) -> Measured:
    """Per cent of an organ, whose mask's holes are no part of it; what is not seen of it remains, unless the margin
    around the lesion reaches the border."""
    found = measure_remaining(lesion, organ, affine, margin_mm=margin_mm)
    seen = Range(found.percent_low, found.percent_high)
    hidden, possible, border = margin.beyond_the_image_mm, seen, ""
    if hidden is not None:
        half = diagonal_mm(affine, planar=lesion.shape[0] == 1) / 2
        possible = Range(0.0 if hidden <= margin_mm + half else seen.low, 100.0)
        border = f"{margin.structure} goes on beyond the border of the image, so that all of it is not seen"
    return Measured(
        value=found.percent,
        seen=seen,
        possible=possible,
        border=border,
        from_mm=margin.closest.lesion_mm,
        to_mm=margin.closest.structure_mm,
    )


def diameter(measure: str, sizes: Sequence[Size]) -> Measured:
    """A diameter, ± half a voxel's diagonal at each end; other outlines of the lesion widen the range."""
    first = sizes[0].axes
    name = {"long_axis": "long", "short_axis": "short"}.get(measure, "longest")
    lengths = [getattr(size.axes, name).length_mm for size in sizes]
    half = sizes[0].longest_uncertainty_mm if name == "longest" else sizes[0].axis_uncertainty_mm
    seen = Range(max(0.0, min(lengths) - half), max(lengths) + half)
    shown = getattr(first, name)
    return Measured(
        value=lengths[0],
        seen=seen,
        possible=Range(seen.low, math.inf) if sizes[0].cut else seen,
        border=_LESION_CUT,
        from_mm=shown.from_mm,
        to_mm=shown.to_mm,
        slice_index=None if name == "longest" else first.slice_index,
    )


def volume(sizes: Sequence[Size]) -> Measured:
    """The volume in ml, ± half of the voxels at its surface; other outlines of the lesion widen the range."""
    half = sizes[0].volume_uncertainty / 1000
    volumes = [size.volume / 1000 for size in sizes]
    seen = Range(max(0.0, min(volumes) - half), max(volumes) + half)
    return Measured(
        value=volumes[0],
        seen=seen,
        possible=Range(seen.low, math.inf) if sizes[0].cut else seen,
        border=_LESION_CUT,
    )


def widened(each: Sequence[Measured]) -> Measured:
    """What was measured of a lesion, in the range of all that was measured of its outlines.

    Args:
        each: Of every outline, the lesion's own first.
    """
    seen, possible = (
        Range(min(one.low for one in ranges), max(one.high for one in ranges))
        for ranges in ([one.seen for one in each], [one.possible for one in each])
    )
    border = next((one.border for one in each if one.border), "")
    return replace(each[0], seen=seen, possible=possible, border=border)


def _apart(margin: Margin) -> str:
    if margin.meets:
        return "The surfaces meet"
    return f"At the closest the surfaces are {margin.minimum_mm:.1f} mm apart"


def _in_holes(margin: Margin) -> str:
    if margin.contact_area_with_holes == margin.contact_area:
        return ""
    return f"With what touches these holes, it is up to {margin.contact_area_with_holes:.1f} mm²."


def _beyond(margin: Margin) -> str:
    hidden = margin.beyond_the_image_mm
    if hidden is None:
        return ""
    if hidden == 0.0:
        return f"lesion or {margin.structure} go on beyond the border of the image, where they may be closer"
    return (
        f"{margin.structure} goes on beyond the border of the image, {hidden:.1f} mm from the lesion, where it may be "
        "closer"
    )
