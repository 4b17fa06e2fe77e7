"""What a page says of a localization: how near each landmark is located, and pictures, the farthest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from hounsfield.evaluation.evidence import LandmarkErrors, LocalizationEvidence, LocatedImage
from hounsfield.evaluation.localization import pairs_of
from hounsfield.findings import Point
from hounsfield.image import Image
from hounsfield.reporting import wording
from hounsfield.reporting.charts.distances import distance_chart
from hounsfield.reporting.charts.intervals import interval_track
from hounsfield.reporting.evidence_tables import SubgroupTables, subgroup_tables
from hounsfield.reporting.examples import ends_and_middle
from hounsfield.reporting.gallery import ImageCard
from hounsfield.reporting.marks import Spot, draw_marks
from hounsfield.reporting.pictures import MAX_SIDE, encode, film_pixels
from hounsfield.reporting.score_table import HEAD_DISTANCE


@dataclass(frozen=True, eq=False)
class LocatedExample:
    """An image to show, with what was located on it."""

    result: LocatedImage
    image: Image
    """As it is stored."""
    paths: tuple[tuple[Point, ...], ...] = ()
    """Where an agent walked to each of its landmarks, if one did."""


@dataclass(frozen=True)
class LandmarkRow:
    """A landmark of the table."""

    name: str
    size: str
    track: Markup
    within: str
    median: str
    interval: str
    p90: str


@dataclass(frozen=True)
class LocalizationPart:
    """The part of a page."""

    unit: str
    distance: str
    rows: tuple[LandmarkRow, ...]
    chart: Markup
    promise: str
    """What is said of radii, and whether it held; empty where nothing is."""
    subgroups: SubgroupTables
    cards: tuple[ImageCard, ...]
    walked: bool
    """Whether paths are drawn."""


def localization_part(found: LocalizationEvidence, *, examples: Sequence[LocatedExample] = ()) -> LocalizationPart:
    """The localization as a page shows it."""
    whole, *single = found.landmarks
    others = {one.name: found.curves[one.name] for one in single if len(single) > 1}
    return LocalizationPart(
        unit=found.unit,
        distance=f"{HEAD_DISTANCE:g} {found.unit}",
        rows=tuple(_row(one, found.unit) for one in (found.landmarks if len(single) > 1 else single)),
        chart=distance_chart(found.curves[whole.name], others, unit=found.unit),
        promise=_promise(found),
        subgroups=subgroup_tables(
            found.subgroups, "median", title="median error", counted="image", decimals=2, drawn=False
        ),
        cards=tuple(_card(example, found.unit) for example in examples),
        walked=any(any(example.paths) for example in examples),
    )


def choose_located(found: LocalizationEvidence, *, each: int = 3) -> list[LocatedImage]:
    """Images worth a look: those with the largest error, those in the middle, and those with the smallest, so many of
    each."""
    ranked = sorted((one for one in found.results if one.truths), key=lambda one: -_largest_error(one, found.unit))
    return ends_and_middle(ranked, each)


def _largest_error(one: LocatedImage, unit: str) -> float:
    return max((error for _, _, error in pairs_of(one, unit=unit)), default=0.0)


def _row(one: LandmarkErrors, unit: str) -> LandmarkRow:
    within, median = one.scores[f"within_{HEAD_DISTANCE:g}"], one.scores["median"]
    return LandmarkRow(
        name=one.name,
        size=f"{wording.plural(one.images, 'image')}, {wording.plural(one.patients, 'patient')}",
        track=interval_track(f"{one.name}: within {HEAD_DISTANCE:g} {unit}", within),
        within=wording.number(within.value),
        median=wording.number(median.value, 2),
        interval=wording.interval(median, 2),
        p90=wording.number(one.scores["p90"].value, 2),
    )


def _promise(found: LocalizationEvidence) -> str:
    inside = found.landmarks[0].scores.get("in_radius")
    if inside is None:
        return ""
    return (
        f"Beside each landmark a radius is said within which {wording.percent(found.promised)} of such landmarks are "
        f"promised to lie. Here {wording.percent(inside.value)} did (95\u202f% interval {wording.interval(inside, 2)})."
    )


def _card(example: LocatedExample, unit: str) -> ImageCard:
    """A picture; of a volume the slice of the landmark with the largest error, with that alone, drawn in its slice."""
    result, image = example.result, example.image
    pairs = pairs_of(result, unit=unit)
    depth, where = image.shape[0] // 2, ""
    if not image.planar and pairs:
        pairs = [max(pairs, key=lambda pair: pair[2])]
        depth = min(max(0, int(pairs[0][0].z)), image.shape[0] - 1)
        where = f", slice {depth + 1} of {image.shape[0]}"
    paths = {path[0].label: path for path in example.paths if path}
    spots: list[Spot] = []
    for truth, located, _ in pairs:
        shown = located.point if image.planar else replace(located.point, z=truth.z)
        spots += [Spot(shown, "found", truth.label, path=paths.get(truth.label, ())), Spot(truth, "landmark")]
    words = ", ".join(f"{truth.label} off by {wording.number(error, 1)} {unit}" for truth, _, error in pairs)
    pixels = film_pixels(image, depth_index=depth, max_side=MAX_SIDE)
    drawn = draw_marks(pixels, spots, image, depth_index=depth)
    film = encode(drawn, alt=f"Image of case {result.case}: {words or 'no landmark'}")
    return ImageCard(result.case, film, f"{words}{where}" or "no landmark")
