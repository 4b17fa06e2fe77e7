"""`Worksheet`: a lesion's size, its margins, and the answer to every criterion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError
from hounsfield.findings.margin import Margin, Spread, measure_margin
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
    lesions = (lesion, *outlines)
    sizes = [measure_size(one, affine) for one in lesions]
    margins: dict[str, list[Margin]] = {}
    missing: dict[str, str] = {}
    for name, mask in structures.items():
        try:
            own = measure_margin(lesion, mask, affine, name=name)
            others = [measure_margin(one, mask, affine, name=name, side=own.side) for one in outlines]
            margins[name] = [own, *others]
        except ImageError as error:
            missing[name] = str(error)
    asked = criteria.criterion if criteria else ()
    answers = tuple(_answer(one, lesions, structures, affine, sizes, margins, missing) for one in asked)
    return Worksheet(sizes[0], tuple(map(_of_all, margins.values())), tuple(missing.items()), answers)


def _of_all(each: Sequence[Margin]) -> Margin:
    """The margin of the lesion, with the spread of its outlines'."""
    if len(each) == 1:
        return each[0]
    return replace(each[0], spread=Spread(tuple(one.minimum_mm for one in each)))


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
        margins: To each structure, of each of the lesions.
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
    try:
        each = [
            _of_outline(criterion, lesion, structures[name], affine, margin)
            for lesion, margin in zip(lesions, margins[name], strict=True)
        ]
    except ImageError as error:
        return unanswered(criterion, str(error))
    return answered(criterion, widened(each))


def _of_outline(
    criterion: Distance | Contact | Arc | RemainingVolume,
    lesion: BoolArray,
    structure: BoolArray,
    affine: FloatArray,
    margin: Margin,
) -> Measured:
    """What one outline of the lesion says.

    Raises:
        ImageError: There is nothing of an organ besides the lesion.
    """
    if isinstance(criterion, Distance | Contact) and criterion.side != margin.side:
        margin = measure_margin(lesion, structure, affine, name=margin.structure, side=criterion.side)
    if isinstance(criterion, Distance):
        return distance(margin)
    if isinstance(criterion, Contact):
        return contact(margin)
    if isinstance(criterion, Arc):
        return arc(lesion, structure, affine, margin)
    return remaining(lesion, structure, affine, margin, criterion.margin_mm)
