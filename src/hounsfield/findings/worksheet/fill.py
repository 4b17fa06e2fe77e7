"""`Worksheet`: a lesion's size, its margins, and the answer to every criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError
from hounsfield.findings.margin import Margin, measure_margin
from hounsfield.findings.measure import Size, measure_size
from hounsfield.findings.worksheet.answer import CriterionAnswer, Measured, answered, unanswered
from hounsfield.findings.worksheet.criteria import (
    Arc,
    Contact,
    Criteria,
    Criterion,
    DiameterLimit,
    Distance,
    RemainingVolume,
    Volume,
)
from hounsfield.findings.worksheet.quantities import (
    arc,
    contact,
    diameter,
    distance,
    remaining,
    volume,
    widened,
)


@dataclass(frozen=True)
class Worksheet:
    """What was measured of a lesion, and what its surgeon wanted to know. There is no verdict on the whole."""

    size: Size
    margins: tuple[Margin, ...]
    """To each structure, in the order in which they were given."""
    missing: tuple[tuple[str, str], ...]
    """Structures to which there is no distance, and why."""
    answers: tuple[CriterionAnswer, ...]
    """In the order of the criteria; none without criteria."""

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def fill_worksheet(
    criteria: Criteria | None,
    lesion: BoolArray,
    structures: Mapping[str, BoolArray],
    affine: FloatArray,
    *,
    outlines: Sequence[BoolArray] = (),
) -> Worksheet:
    """Measure a lesion and answer the criteria.

    Args:
        criteria: None measures only.
        lesion: (depth, height, width).
        structures: Normal structures, and organ or body around the lesion, by name, on the same grid.
        affine: (4, 4), array index to LPS mm.
        outlines: Other outlines of the same lesion; how far what is asked differs on them counts as uncertainty.

    Raises:
        ShapeError: Not masks, or of different shapes.
        ImageError: There is no lesion.
    """
    sizes = [measure_size(one, affine) for one in (lesion, *outlines)]
    margins: dict[str, Margin] = {}
    others: dict[str, list[Margin]] = {}
    missing: dict[str, str] = {}
    asked = criteria.criterion if criteria else ()
    compared = {one.structure for one in asked if isinstance(one, Contact | Arc | RemainingVolume)}
    for name, mask in structures.items():
        try:
            margins[name] = measure_margin(lesion, mask, affine, name=name, outlines=outlines)
            if name in compared:
                others[name] = [measure_margin(one, mask, affine, name=name) for one in outlines]
        except ImageError as error:
            missing[name] = str(error)
    each = {name: (margin, *others.get(name, ())) for name, margin in margins.items()}
    answers = [_answer(one, (lesion, *outlines), structures, affine, sizes, each, missing) for one in asked]
    return Worksheet(sizes[0], tuple(margins.values()), tuple(missing.items()), tuple(answers))


def _answer(
    criterion: Criterion,
    lesions: Sequence[BoolArray],
    structures: Mapping[str, BoolArray],
    affine: FloatArray,
    sizes: Sequence[Size],
    margins: Mapping[str, Sequence[Margin]],
    missing: Mapping[str, str],
) -> CriterionAnswer:
    """The line of a criterion.

    Args:
        criterion: That is asked.
        lesions: The lesion, and its other outlines.
        structures: By name.
        affine: (4, 4).
        sizes: Of each of the lesions.
        margins: To each structure, of the lesion; where outlines count for themselves, of each of them as well.
        missing: Why there is no distance to a structure.
    """
    if isinstance(criterion, DiameterLimit):
        return answered(criterion, diameter(criterion.measure, sizes))
    if sizes[0].planar and isinstance(criterion, Volume | Contact | RemainingVolume):
        return unanswered(criterion, "the image is planar, and there are no volumes or surfaces in it")
    if isinstance(criterion, Volume):
        return answered(criterion, volume(sizes))
    name = criterion.structure
    if name not in structures:
        given = ", ".join(structures) or "none"
        return unanswered(criterion, f"no mask was given for {name}; given: {given}")
    if name in missing:
        return unanswered(criterion, missing[name])
    if isinstance(criterion, Distance):
        return answered(criterion, distance(margins[name][0]))
    try:
        each = [
            _of_outline(criterion, lesion, structures[name], affine, margin)
            for lesion, margin in zip(lesions, margins[name], strict=True)
        ]
    except ImageError as error:
        return unanswered(criterion, str(error))
    return answered(criterion, widened(each))


def _of_outline(
    criterion: Contact | Arc | RemainingVolume,
    lesion: BoolArray,
    structure: BoolArray,
    affine: FloatArray,
    margin: Margin,
) -> Measured:
    """What one outline of the lesion says.

    Raises:
        ImageError: There is nothing of an organ besides the lesion.
    """
    if isinstance(criterion, Contact):
        return contact(margin)
    if isinstance(criterion, Arc):
        return arc(lesion, structure, affine, margin)
    return remaining(lesion, structure, affine, margin, criterion.margin_mm)
