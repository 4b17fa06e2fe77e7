"""What a page says of a segmentation: how well each label is outlined, and pictures, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup

from hounsfield.evaluation.evidence import LabelScores, OutlinedImage, Score, SegmentationEvidence
from hounsfield.image import Image, Mask
from hounsfield.reporting import wording
from hounsfield.reporting.charts.intervals import interval_track
from hounsfield.reporting.evidence_tables import SubgroupTables, subgroup_tables
from hounsfield.reporting.examples import ends_and_middle
from hounsfield.reporting.gallery import ImageCard
from hounsfield.reporting.pictures import MAX_SIDE, encode
from hounsfield.reporting.planes import middle_of, outlined_pixels

_PLANE = 360
"""Pixels along the longer side of each of three planes."""


@dataclass(frozen=True, eq=False)
class OutlinedExample:
    """An image to show, with what was outlined on it."""

    result: OutlinedImage
    image: Image
    """As it is stored."""
    found: Mask
    truth: Mask


@dataclass(frozen=True)
class LabelRow:
    """A label of the table."""

    name: str
    size: str
    track: Markup
    dice: str
    dice_interval: str
    surface_dice: str
    hausdorff: str
    distance: str
    volume: str
    lesions: str


@dataclass(frozen=True)
class SegmentationPart:
    """The part of a page."""

    unit: str
    tolerance: str
    rows: tuple[LabelRow, ...]
    subgroups: SubgroupTables
    cards: tuple[ImageCard, ...]


def segmentation_part(found: SegmentationEvidence, *, examples: Sequence[OutlinedExample] = ()) -> SegmentationPart:
    """The segmentation as a page shows it."""
    whole, *single = found.labels
    return SegmentationPart(
        unit=found.unit,
        tolerance=f"{found.tolerance:g} {found.unit}",
        rows=tuple(_row(one) for one in (found.labels if len(single) > 1 else single or [whole])),
        subgroups=subgroup_tables(found.subgroups, "dice", title="Dice", counted="image"),
        cards=tuple(_card(example, found.unit) for example in examples),
    )


def choose_outlined(results: Sequence[OutlinedImage], *, each: int = 2) -> list[OutlinedImage]:
    """Images worth a look: those with the lowest Dice, those in the middle, and those with the highest, so many of
    each."""
    shown = [one for one in results if any(label.there for label in one.labels)]
    return ends_and_middle(sorted(shown, key=_mean_dice), each)


def _mean_dice(one: OutlinedImage) -> float:
    return fmean(label.dice for label in one.labels if label.there)


def _row(one: LabelScores) -> LabelRow:
    dice = one.scores["dice"]
    return LabelRow(
        name=one.name,
        size=f"{wording.plural(one.images, 'image')}, {wording.plural(one.patients, 'patient')}",
        track=interval_track(f"{one.name}: Dice", dice),
        dice=wording.number(dice.value, 3),
        dice_interval=wording.interval(dice, 3),
        surface_dice=_figure(one.scores.get("surface_dice"), 3),
        hausdorff=_figure(one.scores.get("hausdorff"), 1),
        distance=_figure(one.scores.get("surface_distance"), 2),
        volume=_figure(one.scores.get("volume_error"), 2),
        lesions=_figure(one.scores.get("lesion_f1"), 2),
    )


def _figure(score: Score | None, digits: int) -> str:
    return wording.number(score.value, digits) if score else wording.UNDEFINED


def _card(example: OutlinedExample, unit: str) -> ImageCard:
    result, image = example.result, example.image
    side = MAX_SIDE if image.planar else _PLANE
    centre = middle_of(example.truth if example.truth.labels.any() else example.found)
    words = ", ".join(
        f"{label.label} Dice {wording.number(label.dice, 2)}"
        + (f", {wording.number(label.hausdorff, 1)} {unit} apart" if label.hausdorff is not None else "")
        for label in result.labels
        if label.there
    )
    pixels = outlined_pixels(image, example.found, example.truth, centre=centre, max_side=side)
    film = encode(pixels, alt=f"Image of case {result.case}: {words or 'no label'}")
    return ImageCard(result.case, film, words or "no label")
