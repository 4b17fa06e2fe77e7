"""The page of `read`: what a model says of a batch of studies, the most suspicious first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from hounsfield.findings import Answer, Finding, Neighbour, Point, Reading
from hounsfield.image import Image, Mask
from hounsfield.reporting import wording
from hounsfield.reporting.charts.bars import probability_bar
from hounsfield.reporting.charts.intervals import probability_ruler
from hounsfield.reporting.marks import Mark, Spot, best_slice, draw_marks, found_in_full, marks_of, on_slice
from hounsfield.reporting.page import Fact, render, write_page
from hounsfield.reporting.pictures import (
    MAX_SIDE,
    Picture,
    draw_boxes,
    encode,
    film_picture,
    film_pixels,
    heat_pixels,
    heat_scale,
)
from hounsfield.reporting.planes import joined, middle_of, outlined_pixels
from hounsfield.reporting.windowing import shown_slice

Verdict = Literal["positive", "scanned", "none", "located", "outlined", "negative"]

_MOST_ANSWERS = 5
_MOST_NAMED = 3
"""Labels that are named in a line."""

_MOST_BOXES = 5

_SEEN = {
    "objectness": "how likely the network's first step held it that there is anything at a place, not calibrated; its "
    "second step judged the likeliest of them",
    "centre_heat": "how likely the network held each place to be the centre of a finding, not calibrated",
    "landmark_heat": "how likely a landmark is at each place, beside its likeliest",
}
"""What the heat is of networks that look for places, by its name in a reading; see `reading.warmth`."""


@dataclass(frozen=True)
class StudyPictures:
    """What a study looks like on the page."""

    film: Picture
    heat: Picture | None
    nearest: tuple[tuple[Picture, str], ...] = ()
    """Training images that it is like, and the class of each."""


@dataclass(frozen=True)
class AnswerBar:
    """An answer, written and drawn."""

    label: str
    probability: str
    threshold: str
    """Empty where the largest probability decides, and where no threshold holds."""
    bar: Markup


@dataclass(frozen=True)
class Study:
    """One study of the page."""

    anchor: str
    reading: Reading
    verdict: Verdict
    words: str
    answers: tuple[AnswerBar, ...]
    pictures: StudyPictures | None
    facts: tuple[Fact, ...]


def study_pictures(
    reading: Reading,
    image: Image,
    *,
    max_side: int = MAX_SIDE,
    examples: NDArray[np.uint8] | None = None,
    views: NDArray[np.uint8] | None = None,
) -> StudyPictures:
    """Film and heat of a study for `reading_page`.

    Made while reading, so that a batch keeps small pictures and not its images. Of a volume the slice with the
    strongest heat is shown, without heat the middle one.

    Args:
        reading: Its first findings are drawn over its heat, or without any on the film.
        image: As stored.
        max_side: Longer side in pixels.
        examples: (n, 64, 64), the bundle's, of which the nearest are shown; None where it keeps none.
        views: (height, width, 3), an outline from outside, as `outline_views` gives it, shown below its planes.
    """
    nearest: tuple[tuple[Picture, str], ...] = ()
    if examples is not None:
        nearest = tuple((example_picture(examples[one.number], one), one.label) for one in reading.nearest)
    if reading.outline is not None:
        return _outlined_pictures(reading, reading.outline, image, max_side, views)
    marks, slice_ = marked(reading, image, most=_MOST_BOXES)
    film = film_picture(image, alt=f"Film of {reading.case}", max_side=max_side, depth_index=slice_)
    if reading.heat is None and not marks:
        return StudyPictures(film, None, nearest)
    if reading.heat is None:
        pixels = film_pixels(image, depth_index=slice_, max_side=max_side)
    else:
        pixels = heat_pixels(image, reading.heat, depth_index=slice_, max_side=max_side)
    if marks or reading.looked_for:
        told = ", ".join(mark.words for mark in marks) or "nothing"
        alt = f"The same film with what was found: {told}"
        return StudyPictures(film, encode(draw_marks(pixels, marks, image, depth_index=slice_), alt=alt), nearest)
    boxes = [finding.box for finding in reading.findings if finding.box is not None][:_MOST_BOXES]
    alt = f"The same film with the heat of the answer over it: {verdict_words(reading)}"
    return StudyPictures(film, encode(draw_boxes(pixels, boxes, image), alt=alt), nearest)


def marked(reading: Reading, image: Image, *, most: int) -> tuple[list[Mark | Spot], int]:
    """What is marked on the pictures of a reading, and their slice: that which most of it reaches, else that with the
    strongest heat. Where heat explains an answer nothing is marked."""
    marks = marks_of(reading.findings, most=most) if reading.looked_for or reading.heat is None else []
    slice_ = best_slice(marks, image) if marks else shown_slice(image, reading.heat)
    return [mark for mark in marks if on_slice(mark, slice_, image.shape[0])], slice_


def _outlined_pictures(
    reading: Reading, outline: Mask, image: Image, max_side: int, views: NDArray[np.uint8] | None
) -> StudyPictures:
    """The slice that shows most of what was outlined, and planes with its lines, above what it is from outside."""
    centre = middle_of(outline)
    film = film_picture(image, alt=f"Film of {reading.case}", max_side=max_side, depth_index=centre[0])
    side = max_side if image.planar else max_side // 2
    pixels = outlined_pixels(image, outline, centre=centre, max_side=side)
    pixels = pixels if views is None else joined([pixels, views], axis=0)
    return StudyPictures(film, encode(pixels, alt=f"The same image outlined: {_outlined_words(reading)}"))


def example_picture(pixels: NDArray[np.uint8], neighbour: Neighbour) -> Picture:
    """A training image, (64, 64), small."""
    return encode(pixels, alt=f"Training image, {neighbour.label}, similarity {neighbour.similarity:.2f}")


def reading_page(
    readings: Sequence[Reading],
    pictures: Mapping[str, StudyPictures | Image],
    problems: Sequence[tuple[str, str]] = (),
    *,
    command: str = "",
    data_file: str = "readings.json",
    created: str = "",
) -> str:
    """A batch of readings as one HTML page.

    Args:
        readings: What was read; positive ones are shown first, then those without an answer, then the others, each
            by falling probability.
        pictures: By path or by case id; a reading without one is shown without.
        problems: (path, sentence) for each image that could not be read.
        command: How to read them again.
        data_file: Name of the file beside the page that holds the readings for machines; empty for none.
        created: UTC, ISO 8601.
    """
    ordered = sorted(readings, key=_urgency)
    side = MAX_SIDE if len(readings) <= 40 else 280 if len(readings) <= 150 else 200
    studies = [_study(number, reading, pictures, side) for number, reading in enumerate(ordered, start=1)]
    models = list(dict.fromkeys(reading.model for reading in readings))
    return render(
        "reading.html.jinja",
        studies=studies,
        has_scans=any(study.verdict == "scanned" for study in studies),
        has_threshold=any(answer.threshold for study in studies for answer in study.answers),
        contents=_contents(bool(studies), bool(problems)),
        headline=_headline(studies, problems),
        lede=_lede(studies, problems),
        ruler=_ruler(readings),
        facts=_facts(studies, problems),
        models=models,
        uncalibrated=any(reading.answers and not reading.calibrated for reading in readings),
        heat_scale=heat_scale() if any(_warm(study) for study in studies) else None,
        problems=problems,
        command=command,
        data_file=data_file,
        created=created,
    )


def write_reading_page(
    path: Path,
    readings: Sequence[Reading],
    pictures: Mapping[str, StudyPictures | Image],
    problems: Sequence[tuple[str, str]] = (),
    *,
    command: str = "",
    data_file: str = "readings.json",
    created: str = "",
) -> None:
    """Write `reading_page` to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    page = reading_page(readings, pictures, problems, command=command, data_file=data_file, created=created)
    write_page(path, page)


def verdict_of(reading: Reading) -> Verdict:
    """Whether any answer is positive, was only looked for by a scan (no threshold holds then), or none was given; or
    landmarks were located, or labels outlined, of which nothing is positive."""
    if reading.abstained:
        return "none"
    if any(finding.point is not None for finding in reading.findings):
        return "located"
    if reading.outlined:
        return "outlined"
    if not reading.answers:
        return "none"
    if reading.scanned:
        return "scanned"
    return "positive" if any(answer.positive for answer in reading.answers) else "negative"


def verdict_words(reading: Reading) -> str:
    """The verdict in a few words: "malignant", "below the threshold for malignant", "no answer"."""
    verdict = verdict_of(reading)
    if verdict == "none":
        return "no answer"
    if verdict == "located":
        return f"{wording.plural(sum(finding.point is not None for finding in reading.findings), 'landmark')} located"
    if verdict == "outlined":
        return _outlined_words(reading)
    if verdict == "positive":
        return ", ".join(answer.label for answer in reading.answers if answer.positive)
    if verdict == "scanned":
        return f"scanned for {reading.answers[0].label}, not validated"
    return "below the threshold for " + ", ".join(answer.label for answer in reading.answers)


def _warm(study: Study) -> bool:
    """Whether its second picture shows heat, and not findings alone."""
    return study.pictures is not None and study.pictures.heat is not None and bool(study.reading.explained_by)


def _urgency(reading: Reading) -> tuple[int, float]:
    rank = ("positive", "scanned", "none", "located", "outlined", "negative").index(verdict_of(reading))
    return rank, -max((answer.probability for answer in reading.answers), default=0.0)


def _study(number: int, reading: Reading, pictures: Mapping[str, StudyPictures | Image], side: int) -> Study:
    given = pictures.get(reading.path, pictures.get(reading.case))
    if isinstance(given, Image):
        given = study_pictures(reading, given, max_side=side)
    words = verdict_words(reading)
    return Study(
        anchor=f"study-{number}",
        reading=reading,
        verdict=verdict_of(reading),
        words=words[:1].upper() + words[1:],
        answers=tuple(
            _answer(answer, by_threshold=len(reading.answers) == 1 and not reading.scanned)
            for answer in reading.answers[:_MOST_ANSWERS]
        ),
        pictures=given,
        facts=_study_facts(reading),
    )


def _answer(answer: Answer, *, by_threshold: bool) -> AnswerBar:
    threshold = answer.threshold if by_threshold else None
    return AnswerBar(
        label=answer.label,
        probability=wording.number(answer.probability, 2),
        threshold=wording.number(threshold, 2) if threshold is not None else "",
        bar=probability_bar(answer.label, answer.probability, threshold),
    )


def _study_facts(reading: Reading) -> tuple[Fact, ...]:
    quality = {"good": "good", "doubtful": "doubtful", "unfit": "not fit to be read"}[reading.quality.verdict]
    facts = [Fact("Image quality", quality, "" if reading.abstained else "; ".join(reading.quality.reasons))]
    if reading.abstained:
        facts.insert(0, Fact("No answer", reading.abstained))
    if reading.possible is not None:
        facts.append(Fact("Sure?", *_possible_words(reading.possible, reading.coverage)))
    facts += [Fact(name, size) for name, size in outline_lines(reading)]
    places = found_lines(reading)
    if places or (reading.looked_for and reading.answers):
        facts.append(Fact("Places", "; ".join(places[:_MOST_BOXES]) or "nothing found"))
    facts += [
        Fact(finding.label, place_words(finding.point, flat=_flat(reading)), _radius_words(finding, reading.coverage))
        for finding in reading.findings
        if finding.point is not None
    ]
    if told := heat_words(reading):
        facts.append(Fact("Heat", told))
    facts += [Fact("Note", note) for note in reading.notes]
    model = f"{reading.model.version}, {wording.short_hash(reading.model.sha256)}"
    facts += [Fact("Model", reading.model.name, model), Fact("File", reading.path)]
    return tuple(facts)


def found_lines(reading: Reading) -> list[str]:
    """What was found, the surest first, each with all kinds that it may be and its size, for people."""
    boxes = [finding for finding in reading.findings if finding.box is not None and not finding.size_unit]
    return [found_in_full(finding) for finding in boxes]


def heat_words(reading: Reading) -> str:
    """What the heat of a reading is, where it explains no class; empty of others, and without any."""
    return _SEEN.get(reading.explained_by, "")


def size_words(finding: Finding) -> str:
    """How large an outlined label is, for people: "12.3 ml"; of instances how many: "70, median 212 pixels"."""
    if finding.instances is not None:
        return f"{wording.count(finding.instances)}, median {wording.figure(finding.median_size)} {finding.size_unit}"
    digits = 0 if finding.size_unit in ("voxels", "pixels") or finding.size >= 100 else 1 if finding.size >= 10 else 2
    return f"{wording.number(finding.size, digits)} {finding.size_unit}"


def outline_lines(reading: Reading) -> list[tuple[str, str]]:
    """Name and size of each label of a reading, for people."""
    return [(finding.label, size_words(finding)) for finding in reading.findings if finding.size_unit]


def _outlined_words(reading: Reading) -> str:
    lines = outline_lines(reading)
    if not lines:
        return "nothing outlined"
    more = f" and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    return ", ".join(f"{name} {size}" for name, size in lines[:_MOST_NAMED]) + more


def place_words(point: Point, *, flat: bool) -> str:
    """Where a landmark lies, for people: the pixel, counted from 0."""
    places = [("x", point.x), ("y", point.y), *([] if flat else [("z", point.z)])]
    return ", ".join(f"{axis} {wording.number(value - 0.5, 1)}" for axis, value in places)


def _flat(reading: Reading) -> bool:
    """Whether all landmarks lie in the one slice of a flat image."""
    return all(abs(finding.point.z - 0.5) < 1e-3 for finding in reading.findings if finding.point is not None)


def landmark_lines(reading: Reading) -> list[tuple[str, str]]:
    """Name and place of each landmark of a reading, for people."""
    return [
        (
            finding.label,
            place_words(finding.point, flat=_flat(reading))
            + (f" ± {wording.number(finding.radius, 1)} {finding.radius_unit}" if finding.radius else ""),
        )
        for finding in reading.findings
        if finding.point is not None
    ]


def _radius_words(finding: Finding, coverage: float) -> str:
    if not finding.radius:
        return ""
    return (
        f"within {wording.number(finding.radius, 1)} {finding.radius_unit}, as promised for "
        f"{wording.percent(coverage)} of such landmarks"
    )


def _possible_words(possible: Sequence[str], coverage: float) -> tuple[str, str]:
    promise = f"for {wording.percent(coverage)} of the patients of each class the truth is among those not ruled out"
    if not possible:
        return "no, less sure than of nearly all cases of any class", promise
    if len(possible) == 1:
        return f"yes, all but {possible[0]} is ruled out", promise
    return f"no, cannot be ruled out: {', '.join(possible)}", promise


def _contents(studies: bool, problems: bool) -> list[tuple[str, str]]:
    wanted = (
        ("problems", "Not read", problems),
        ("overview", "Overview", studies),
        ("studies", "Studies", studies),
        ("origin", "Where this comes from", True),
    )
    return [(anchor, name) for anchor, name, there in wanted if there]


def _amounts(studies: Sequence[Study]) -> dict[str, int]:
    kinds: tuple[Verdict, ...] = ("positive", "scanned", "none", "located", "outlined", "negative")
    return {kind: sum(study.verdict == kind for study in studies) for kind in kinds}


def _headline(studies: Sequence[Study], problems: Sequence[tuple[str, str]]) -> str:
    if not studies:
        return "Nothing could be read" if problems else "Nothing was read"
    if len(studies) == 1:
        return studies[0].words
    positive, scanned, located = (_amounts(studies)[kind] for kind in ("positive", "scanned", "located"))
    if located:
        return f"Landmarks located on {wording.count(located)} of {wording.plural(len(studies), 'study', 'studies')}"
    if outlined := _amounts(studies)["outlined"]:
        return f"Labels outlined on {wording.count(outlined)} of {wording.plural(len(studies), 'study', 'studies')}"
    if scanned:
        how_many = "all" if scanned == len(studies) else wording.count(scanned)
        return f"{wording.plural(len(studies), 'study', 'studies')} read, {how_many} by a scan"
    if len({answer.label for study in studies for answer in study.reading.answers}) > 1:
        return f"{wording.plural(len(studies), 'study', 'studies')} read"
    how_many = "None" if not positive else wording.count(positive)
    return f"{how_many} of {wording.plural(len(studies), 'study', 'studies')} above the threshold"


def _lede(studies: Sequence[Study], problems: Sequence[tuple[str, str]]) -> str:
    amounts = _amounts(studies)
    sentences = []
    if amounts["scanned"]:
        sentences.append(
            "The model knows lesions, and nobody said where to look: it was shown overlapping squares of the whole "
            "image. The value is that of the most suspicious square; neither it nor a threshold was validated for that."
        )
    if amounts["none"]:
        sentences.append(
            f"{wording.spelled(amounts['none'])} {'study' if amounts['none'] == 1 else 'studies'} got no answer."
        )
    if problems:
        sentences.append(
            f"{wording.spelled(len(problems))} image{'' if len(problems) == 1 else 's'} could not be read."
        )
    if len(studies) > 1 and amounts["located"] + amounts["outlined"] < len(studies):
        sentences.append("The most suspicious come first.")
    return " ".join(sentences)


def _ruler(readings: Sequence[Reading]) -> Markup | None:
    """All probabilities on one ruler, when they speak of one class; None otherwise."""
    answers = [reading.answers[0] for reading in readings if len(reading.answers) == 1]
    if not answers or len({answer.label for answer in answers}) > 1 or any(len(r.answers) > 1 for r in readings):
        return None
    thresholds = sorted({r.answers[0].threshold for r in readings if len(r.answers) == 1 and not r.scanned})
    title = (
        f"Probabilities of {answers[0].label} of {wording.plural(len(answers), 'study', 'studies')} on a ruler from 0 "
        "to 1"
    )
    if thresholds:
        title += f"; threshold {', '.join(wording.number(value) for value in thresholds)}"
    return probability_ruler([answer.probability for answer in answers], thresholds=thresholds, title=title)


def _facts(studies: Sequence[Study], problems: Sequence[tuple[str, str]]) -> list[Fact]:
    amounts = _amounts(studies)
    seconds = sum(study.reading.seconds for study in studies)
    facts = [
        Fact("Read", wording.count(len(studies)), f"{wording.duration(seconds)} in all" if studies else ""),
        *_verdict_facts(amounts),
        Fact("Without answer", wording.count(amounts["none"])),
        Fact("Not readable", wording.count(len(problems))),
    ]
    return facts


def _verdict_facts(amounts: Mapping[str, int]) -> list[Fact]:
    """How many are positive and negative; of a batch that was only scanned, how many were."""
    scanned = Fact("Scanned", wording.count(amounts["scanned"]), "without a threshold")
    if amounts["scanned"] and not amounts["positive"] and not amounts["negative"]:
        return [scanned]
    if amounts["located"] and not amounts["positive"] and not amounts["negative"]:
        return [Fact("Located", wording.count(amounts["located"]))]
    if amounts["outlined"]:
        return [Fact("Outlined", wording.count(amounts["outlined"]))]
    answered = [
        Fact("Positive", wording.count(amounts["positive"])),
        Fact("Negative", wording.count(amounts["negative"])),
    ]
    return [*answered, scanned] if amounts["scanned"] else answered
