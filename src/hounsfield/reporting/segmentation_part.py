"""What a page says of a segmentation: how well each label is outlined, and pictures, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.evidence import LabelScores, OutlinedImage, OutlinedLabel, Score, SegmentationEvidence
from hounsfield.evaluation.instances import AVERAGE_PRECISION, INSTANCE_SCORES
from hounsfield.evaluation.segmentation import head_score, quality
from hounsfield.image import Image, Mask
from hounsfield.reporting import wording
from hounsfield.reporting.charts.intervals import interval_track
from hounsfield.reporting.evidence_tables import SubgroupTables, subgroup_tables
from hounsfield.reporting.examples import ends_and_middle
from hounsfield.reporting.gallery import ImageCard
from hounsfield.reporting.outline_views import outline_views
from hounsfield.reporting.pictures import MAX_SIDE, encode, middling
from hounsfield.reporting.planes import joined, middle_of, outlined_pixels
from hounsfield.reporting.surroundings import surroundings

SURFACES = {
    "elements": "surfaces made of the polygons between voxels, weighted by their area",
    "edge voxels": "surfaces made of the voxels that have a neighbour outside, all of one weight",
}
"""What surfaces are, in words."""

_PLANE = 520
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
class Column:
    """Of the table: a score of labels."""

    score: str
    head: str
    short: str
    """The head where there is little room."""
    digits: int
    small: str = ""
    """Below the head."""


@dataclass(frozen=True)
class LabelRow:
    """A label of the table."""

    name: str
    size: str
    track: Markup
    interval: str
    """Of the first score."""
    figures: tuple[str, ...]
    """One a column."""


@dataclass(frozen=True)
class SegmentationPart:
    """The part of a page."""

    explained: str
    """What the figures are."""
    ranked: str
    """What images are ranked by, in a sentence."""
    columns: tuple[Column, ...]
    """The first of them is drawn."""
    rows: tuple[LabelRow, ...]
    subgroups: SubgroupTables
    cards: tuple[ImageCard, ...]
    ratio: float
    """Height over width of their pictures."""
    volumes: bool
    """Whether these have several planes, and are given more room."""


def segmentation_part(found: SegmentationEvidence, *, examples: Sequence[OutlinedExample] = ()) -> SegmentationPart:
    """The segmentation as a page shows it."""
    columns = columns_of(found)
    head = columns[0]
    cards = tuple(_card(example, found.unit) for example in examples)
    return SegmentationPart(
        explained=_explained(found),
        ranked=f"First the images with the lowest {words_of(head)}, then some in the middle, then the highest.",
        columns=columns,
        rows=tuple(_row(one, columns) for one in shown_labels(found)),
        subgroups=subgroup_tables(found.subgroups, head.score, title=head.head, counted="image"),
        cards=cards,
        ratio=middling([card.film for card in cards]),
        volumes=any(not example.image.planar for example in examples),
    )


def columns_of(found: SegmentationEvidence) -> tuple[Column, ...]:
    """The scores that are shown of labels, or of instances."""
    if of_instances(found):
        return (
            Column(AVERAGE_PRECISION, "Average precision", "AP", 3, "IoU .5 to .95"),
            Column("instance_f1_50", "F1", "F1 .5", 3, "IoU above .5"),
            Column("instance_f1_70", "F1", "F1 .7", 3, "IoU above .7"),
            Column("panoptic_quality", "Panoptic quality", "PQ", 3),
            Column("aggregated_jaccard", "Aggregated Jaccard", "AJI", 3),
            Column("count_error", "Count error", "count", 2),
            Column("dice", "Dice", "Dice", 3, "of all together"),
        )
    return (
        Column("dice", "Dice", "Dice", 3),
        Column("iou", "IoU", "IoU", 3),
        Column("surface_dice", "Surface Dice", "surface", 3, f"within {found.tolerance:g} {found.unit}"),
        Column("hausdorff", "95 % of surfaces", "95 %", 1, f"within, {found.unit}"),
        Column("surface_distance", "Mean distance", "mean", 2),
        Column("volume_error", "Volume error", "volume", 2),
        Column("lesion_f1", "Lesions, F1", "lesions", 2),
    )


def shown_labels(found: SegmentationEvidence) -> tuple[LabelScores, ...]:
    """All labels together, and each; of a single one that alone."""
    return found.labels if len(found.labels) > 2 else found.labels[-1:]


def of_instances(found: SegmentationEvidence) -> bool:
    """Whether each object was outlined by itself."""
    return head_score(found.labels[0].scores) == AVERAGE_PRECISION


def words_of(column: Column) -> str:
    """A column's head within a sentence."""
    return column.head if column.score == "dice" else column.head.lower()


def _explained(found: SegmentationEvidence) -> str:
    if of_instances(found):
        return (
            "An object is found where one that was outlined shares more than a part of what both take together (IoU). "
            "Average precision: found, over found, missed and false, mean over ten such parts from .5 to .95. Means "
            "over images on which an object is or was found; intervals resample patients."
        )
    return (
        "Dice: what is outlined and is there, twice, over both; IoU: the same once, over what both take together. "
        f"Distances in {found.unit} between {SURFACES[found.surface]}. Means over images on which a label is or was "
        "found; intervals resample patients."
    )


def choose_outlined(results: Sequence[OutlinedImage], *, each: int = 2) -> list[OutlinedImage]:
    """Images worth a look: those with the lowest Dice, or average precision of instances, those in the middle, and
    those with the highest, so many of each."""
    shown = [one for one in results if any(label.there for label in one.labels)]
    return ends_and_middle(sorted(shown, key=quality), each)


def _row(one: LabelScores, columns: Sequence[Column]) -> LabelRow:
    head = one.scores[columns[0].score]
    return LabelRow(
        name=one.name,
        size=f"{wording.plural(one.images, 'image')}, {wording.plural(one.patients, 'patient')}",
        track=interval_track(f"{one.name}: {columns[0].head}", head),
        interval=wording.interval(head, 3),
        figures=tuple(_figure(one.scores.get(column.score), column.digits) for column in columns),
    )


def _figure(score: Score | None, digits: int) -> str:
    return wording.number(score.value, digits) if score else wording.UNDEFINED


def _card(example: OutlinedExample, unit: str) -> ImageCard:
    result, image = example.result, example.image
    side = MAX_SIDE if image.planar else _PLANE
    words = ", ".join(_label_words(label, unit) for label in result.labels if label.there)
    near, (found, truth) = surroundings(image, (example.found, example.truth))
    centre = middle_of(truth if truth.labels.any() else found)
    pixels = outlined_pixels(near, found, truth, centre=centre, max_side=side)
    views = outline_views(image, example.found, example.truth)
    pixels = pixels if views is None else joined([pixels, views], axis=0)
    film = encode(pixels, alt=f"Image of case {result.case}: {words or 'no label'}")
    return ImageCard(result.case, film, words or "no label")


def _label_words(label: OutlinedLabel, unit: str) -> str:
    """How well a label was outlined on one image, or how many of its objects were."""
    own = label.instances
    if own is not None:
        precision = wording.number(INSTANCE_SCORES[AVERAGE_PRECISION](own), 2)
        return (
            f"{label.label}: {own.matched[0]} of {own.instances} found, {own.found - own.matched[0]} false; average "
            f"precision {precision}, Dice {wording.number(label.dice, 2)}"
        )
    apart = "" if label.hausdorff is None else f", {wording.number(label.hausdorff, 1)} {unit} apart"
    return f"{label.label} Dice {wording.number(label.dice, 2)}{apart}"
