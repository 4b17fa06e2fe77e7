"""The part of a page about what was found: figures, images worth a look, and marks in their places."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from report_samples import found_evidence

from hounsfield.evaluation.detection import measure_detection, with_detection
from hounsfield.evaluation.evidence import Detected, DetectionEvidence, ImageResult
from hounsfield.evaluation.matching import rule_from
from hounsfield.findings import Box, Finding
from hounsfield.geometry import planar_affine
from hounsfield.image import Image
from hounsfield.reporting import detection_part as page_part
from hounsfield.reporting.detection_part import FoundExample, choose_found, detection_part
from hounsfield.reporting.evidence_report import evidence_page
from hounsfield.reporting.marks import COLOURS, Mark, draw_marks, found_in_full, found_words, marks_of

LESION, OTHER, ELSEWHERE = Box(40, 20, 60, 50, "benign"), Box(10, 60, 30, 80, "malignant"), Box(70, 70, 90, 90)


def result(name: str, truths: list[Box], found: list[tuple[Box, float, float]]) -> ImageResult:
    return ImageResult(name, f"of {name}", tuple(truths), tuple(Detected(box, (b, m)) for box, b, m in found))


RESULTS = [
    result("found", [LESION], [(LESION, 0.8, 0.1)]),
    result("both", [LESION, OTHER], [(LESION, 0.6, 0.1), (OTHER, 0.1, 0.6), (ELSEWHERE, 0.2, 0.1)]),
    result("alarm", [LESION], [(LESION, 0.7, 0.0), (ELSEWHERE, 0.1, 0.85)]),
    result("missed", [OTHER], [(OTHER, 0.1, 0.1)]),
    result("nothing", [], []),
]


def measured(rule: str = "iou>=0.2") -> DetectionEvidence:
    return measure_detection(
        RESULTS,
        kinds=("benign", "malignant"),
        rule=rule_from(rule),
        threshold=0.5,
        threshold_from="by hand",
        attributes={},
        resamples=50,
    )


def film() -> Image:
    return Image(np.full((1, 1, 100, 100), 60, dtype=np.uint8), planar_affine())


@pytest.mark.parametrize("rule", ["iou>=0.2", "centre"])
def test_missed_lesions_come_first_then_false_alarms_then_what_was_found_most_surely(rule: str) -> None:
    assert [one.case for one in choose_found(measured(rule), each=1)] == ["missed", "alarm", "found"]


def test_figures_are_those_of_the_evidence() -> None:
    part = detection_part(measured())

    rows = {row.label: row.value for row in part.rows}
    assert rows["Found at 1"] == "1.000"
    assert rows["At the threshold: found"] == "0.800"
    assert [row.label for row in part.rows[:8]] == [
        *(f"Found at {rate:g}" for rate in (0.125, 0.25, 0.5, 1, 2, 4, 8)),
        "Mean sensitivity",
    ]
    meanings = [row.meaning for row in part.rows if row.label == "Average precision"]
    assert meanings == [f"At an intersection over union of {least}" for least in (0.2, 0.5, 0.75)]
    assert part.precision is not None and "Precision against recall" in part.precision
    assert part.rule == "IoU ≥ 0.2"
    assert [[cell.count for cell in row.cells] for row in part.matrix] == [[3, 0, 0], [0, 1, 1]]
    assert "benign" in part.froc and "malignant" in part.froc
    places = [float(y) for y in re.findall(r'y="([0-9.]+)" class="tick">(?:benign|malignant)<', part.froc)]
    assert len(places) == 2 and abs(places[0] - places[1]) >= 14


def test_of_images_without_a_lesion_the_page_tells_the_false_alarms_alone() -> None:
    bare = [replace(one, truths=()) for one in RESULTS]
    whole = found_evidence("finder")
    evidence = with_detection(
        whole, bare, kinds=("benign", "malignant"), rule="iou>=0.2", threshold=0.5, threshold_from="by hand",
        attributes={}, seed=0,
    )  # fmt: skip
    assert evidence.detection is not None

    page = evidence_page(evidence, found=[FoundExample(one, film()) for one in choose_found(evidence.detection)])

    assert "On these images, none of which has a lesion, it shows 1.00 false alarms an image" in page
    assert "On images without a lesion the model shows 1.00 false alarms an image" in page
    assert "No image has a lesion: false alarms alone are counted." in page
    assert "no lesion, 2 false alarms" in page
    assert "Found, against" not in page and "What they were called" not in page


def test_cards_say_what_was_found_and_missed() -> None:
    part = detection_part(measured(), examples=[FoundExample(one, film()) for one in RESULTS])

    assert [card.words for card in part.cards] == [
        "1 of 1 lesion found, 0 false alarms",
        "2 of 2 lesions found, 0 false alarms",
        "1 of 1 lesion found, 1 false alarm",
        "0 of 1 lesion found, 0 false alarms",
        "no lesion, 0 false alarms",
    ]


def test_the_probability_beside_a_kind_is_that_of_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        page_part, "draw_marks", lambda pixels, marks, *_, **__: drawn.extend(m.words for m in marks) or pixels
    )
    shares = (("benign", 0.31), ("malignant", 0.33), ("cyst", 0.001))
    torn = Finding("malignant", 0.64, LESION, sides=(18, 12), sides_unit="mm", by_kind=shares)

    detection_part(measured(), examples=[FoundExample(RESULTS[2], film())])

    assert drawn == ["", "benign 0.70, any kind 0.70", "malignant 0.85, any kind 0.95"]
    assert found_words(torn) == "malignant 0.33, any kind 0.64, 18 × 12 mm"
    assert found_in_full(torn) == "malignant 0.33, benign 0.31, any kind 0.64, 18 × 12 mm"
    assert found_words(Finding("mass", 0.64, LESION, by_kind=(("mass", 0.64),))) == "mass 0.64"


def test_a_mark_is_drawn_on_its_box_in_its_colour_at_any_size() -> None:
    pixels = np.full((200, 200), 60, dtype=np.uint8)

    drawn = draw_marks(pixels, [Mark(ELSEWHERE, "false alarm")], film())

    coloured = np.argwhere((drawn == COLOURS["false alarm"]).all(axis=2))
    assert coloured.min(axis=0) == pytest.approx([140, 140], abs=2)
    assert coloured.max(axis=0) == pytest.approx([180, 180], abs=2)
    assert draw_marks(pixels, [], film()) is pixels


def test_words_stay_on_the_picture_for_boxes_at_its_borders() -> None:
    for box in (Box(0, 0, 10, 10), Box(90, 0, 100, 10), Box(90, 90, 100, 100)):
        drawn = draw_marks(np.full((120, 120), 60, dtype=np.uint8), [Mark(box, "found", "malignant 0.95")], film())
        assert drawn.shape == (120, 120, 3)
        assert (drawn == COLOURS["found"]).all(axis=2).sum() > 60


def test_the_surest_findings_with_a_place_are_marked() -> None:
    findings = [Finding("mass", 0.9, LESION), Finding("mass", 0.8), Finding("cyst", 0.7, OTHER)]

    sized = [Finding("mass", 0.9, LESION, sides=(18.4, 11.6), sides_unit="mm")]

    assert [mark.words for mark in marks_of(sized, most=5)] == ["mass 0.90, 18 × 12 mm"]
    assert [mark.words for mark in marks_of(findings, most=5)] == ["mass 0.90", "cyst 0.70"]
    assert len(marks_of(findings, most=1)) == 1
