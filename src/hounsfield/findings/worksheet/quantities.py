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
    """The smallest distance, ± half a voxel's diagonal for each surface."""
    seen = Range(max(0.0, margin.minimum_mm - margin.uncertainty_mm), margin.minimum_mm + margin.uncertainty_mm)
    hidden = margin.beyond_the_image_mm
    return Measured(
        value=margin.minimum_mm,
        seen=seen,
        possible=seen if hidden is None else Range(min(seen.low, hidden), seen.high),
        border=margin.beyond,
        note=" ".join(filter(None, (margin.note, _other_side(margin)))),
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
        border=margin.beyond,
        note=f"{_apart(margin)}; up to {margin.uncertainty_mm:.1f} mm, a voxel's diagonal, counts as touching. "
        + " ".join(filter(None, (margin.note, _in_holes(margin), _other_side(margin)))),
        from_mm=margin.closest.lesion_mm,
        to_mm=margin.closest.structure_mm,
    )


def arc(lesion: BoolArray, structure: BoolArray, affine: FloatArray, margin: Margin) -> Measured:
    """Degrees of the structure's circumference that touch: from as drawn to what pixels can hide.

    What is not seen of a circumference that the border cuts only makes it longer, and the share that touches less.
    """
    found = measure_contact_arc(lesion, structure, affine)
    seen = Range(found.degrees_as_drawn, found.degrees)
    hidden = margin.beyond_the_image_mm
    reaches = hidden is not None and hidden <= margin.uncertainty_mm
    possible = Range(0.0 if found.cut else seen.low, 360.0 if reaches else seen.high)
    border = f"{margin.structure} is cut by the border of the slice" if found.cut else margin.beyond
    return Measured(
        value=found.degrees,
        seen=seen,
        possible=possible,
        border=border,
        doubt=_in_vessel(margin, within=found.within),
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
        who = "lesion or " if hidden == 0 else ""
        border = f"{who}{margin.structure} goes on beyond the border of the image, so that not all of it is seen"
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
        possible=Range(seen.low, math.inf) if any(size.cut for size in sizes) else seen,
        border=_LESION_CUT,
        from_mm=shown.from_mm,
        to_mm=shown.to_mm,
        slice_index=None if name == "longest" else first.slice_index,
    )


def volume(sizes: Sequence[Size]) -> Measured:
    """The volume in ml, ± half of the voxels at its surface; other outlines of the lesion widen the range."""
    ends = [
        Range(max(0.0, size.volume - size.volume_uncertainty) / 1000, (size.volume + size.volume_uncertainty) / 1000)
        for size in sizes
    ]
    seen = _over(ends)
    return Measured(
        value=sizes[0].volume / 1000,
        seen=seen,
        possible=Range(seen.low, math.inf) if any(size.cut for size in sizes) else seen,
        border=_LESION_CUT,
    )


def widened(each: Sequence[Measured]) -> Measured:
    """What was measured of a lesion, in the range of all that was measured of its outlines.

    Args:
        each: Of every outline, the lesion's own first.
    """
    seen, possible = _over([one.seen for one in each]), _over([one.possible for one in each])
    border, doubt = (
        next(filter(None, said), "") for said in zip(*((one.border, one.doubt) for one in each), strict=True)
    )
    return replace(each[0], seen=seen, possible=possible, border=border, doubt=doubt)


def _over(ranges: Sequence[Range]) -> Range:
    """The range that holds all."""
    return Range(min(one.low for one in ranges), max(one.high for one in ranges))


def _other_side(margin: Margin) -> str:
    """A sentence where the lesion lies on the other side of what it was measured from; else empty."""
    if margin.lies == margin.side:
        return ""
    if margin.lies == "inside":
        return f'{_in_it(margin)}: write from = "inside" for the distance to its surface.'
    return f'{_in_it(margin)}: leave out from = "inside" for the distance from outside.'


def _in_it(margin: Margin) -> str:
    """How much of the lesion lies in the structure."""
    return f"{100 * margin.overlap:.0f} % of the lesion lies in {margin.structure}"


def _apart(margin: Margin) -> str:
    if margin.meets:
        return "The surfaces meet"
    return f"At the closest the surfaces are {margin.minimum_mm:.1f} mm apart"


def _in_holes(margin: Margin) -> str:
    if margin.contact_area_with_holes == margin.contact_area:
        return ""
    return f"With what touches these holes, it is up to {margin.contact_area_with_holes:.1f} mm²."


def _in_vessel(margin: Margin, *, within: bool) -> str:
    """Why there is no arc."""
    if margin.lies == "inside":
        return _in_it(margin)
    return f"Some of the lesion lies within {margin.structure}, where there is no circumference" if within else ""
