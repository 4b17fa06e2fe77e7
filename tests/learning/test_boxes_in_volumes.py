"""Lesions in volumes are learned, measured, kept and read from a bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.bundle import read_bundle
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.detection import for_detection
from hounsfield.datasets.load import check_box, load
from hounsfield.errors import DatasetError
from hounsfield.evaluation.evidence import ImageResult
from hounsfield.findings.region import Box
from hounsfield.image import Image
from hounsfield.learning.throughput import images_per_second
from hounsfield.learning.train import train
from hounsfield.learning.validation import validation_evidence
from hounsfield.plan import Augmentation, Detection, Ensemble, Input, Optimisation, Plan
from hounsfield.plan.network_choices import CentreChoice, ResidualChoice
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader
from hounsfield.reporting.detection_part import FoundExample, detection_part
from hounsfield.reporting.marks import best_slice, marks_of

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (20, 24, 28)

SIDEWAYS = np.array([[-3.0, 0, 0, 100], [0, 0, 0.5, -20], [0, 2, 0, 7], [0, 0, 0, 1]])
"""From array index (d, h, w) to LPS mm."""


@pytest.fixture
def lumps(tmp_path: Path) -> Dataset:
    """24 volumes of 12 patients, 20 × 24 × 28; three in four have a bright lump."""
    rng = np.random.default_rng(0)
    volumes = rng.integers(100, 130, (24, *SHAPE), dtype=np.uint8)
    cases = []
    for number in range(24):
        boxes: tuple[Box, ...] = ()
        if number % 4 != 3:
            (z, y, x), sides = (int(rng.integers(0, side - 8)) for side in SHAPE), rng.integers(5, 9, 3).tolist()
            volumes[number, z : z + sides[0], y : y + sides[1], x : x + sides[2]] = 240
            boxes = (Box(x, y, x + sides[2], y + sides[1], "", z, z + sides[0]),)
        ref = ImageRef(tmp_path / "lumps.npz", "images", number)
        cases.append(Case(f"case-{number:02d}", f"man-{number // 2:02d}", {"image": ref}, None, boxes))
    np.savez(tmp_path / "lumps.npz", images=volumes)
    return for_detection(Dataset("lumps", tmp_path, tuple(cases), (), "table"))


PLAN = Plan(
    task="detection",
    dataset="lumps",
    classes=("no finding", "any finding"),
    input=Input(shape=SHAPE, steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": list(SHAPE)})),
    network=CentreChoice(stride=2, width=16, most=5, encoder=ResidualChoice(widths=(8, 16), blocks=(1, 1))),
    augmentation=Augmentation(flip_axes=(0, 2), shift=0.1),
    optimisation=Optimisation(epochs=20, batch_size=4, learning_rate=5e-3, keep="last", channels_last=False, threads=1),
    detection=Detection(kinds=("lesion",), positive=("lesion",)),
    ensemble=Ensemble(flips=True),
)


def test_lumps_are_found_kept_and_read_alike(lumps: Dataset, tmp_path: Path) -> None:
    trained = train(replace(lumps, cases=lumps.cases[:18]), tmp_path / "bundle", plan=PLAN)
    bundle = read_bundle(tmp_path / "bundle")
    evidence = validation_evidence(trained)
    new = evaluate(bundle, replace(lumps, cases=lumps.cases[18:]), runtime="torch", resamples=50).evidence

    assert evidence.detection is not None and new.detection is not None
    assert new.detection.lesions == (4,)
    assert new.detection.scores["sensitivity_at_1"].value >= 0.75
    surest = [one.found[0].box for one in new.detection.results if one.truths]
    assert all(box.z1 - box.z0 > 2 for box in surest)

    case = lumps.cases[18]
    stored = load(case.image)
    reading = Reader(bundle, answer_all=True).read_case(case, stored)
    assert reading.looked_for == ("lesion",)
    (result,) = [one for one in new.detection.results if one.case == case.id]
    shown = [one for one in result.found if one.score >= new.detection.threshold]
    assert len(shown) >= 1
    for finding, found in zip(reading.findings, shown, strict=True):
        assert finding.box is not None
        assert (finding.box.z0, finding.box.x1) == pytest.approx((found.box.z0, found.box.x1), abs=1e-3)
        assert finding.position_mm == ()

    # of an image that says where it lies, turned so that its slices run from right to left
    placed = replace(stored, affine=SIDEWAYS, spacing_kind="patient")
    reader = Reader(bundle, answer_all=True)
    for finding, found in zip(reader.read_image(placed, case="placed").findings, shown, strict=True):
        own = found.box
        middle = ((own.z0 + own.z1) / 2, (own.y0 + own.y1) / 2, (own.x0 + own.x1) / 2)
        expected = (100 - 3 * (middle[0] - 0.5), -20 + 0.5 * (middle[2] - 0.5), 7 + 2 * (middle[1] - 0.5))
        assert finding.position_mm == pytest.approx(expected, abs=0.01)
        assert finding.edges_mm[0] == pytest.approx((-3 * own.depth, 0, 0), abs=0.01)

    marks = marks_of(reading.findings, most=5)
    (lump,) = case.boxes
    assert lump.z0 <= best_slice(marks, stored) < lump.z1

    part = detection_part(new.detection, examples=[FoundExample(result, stored)])
    assert "slice " in part.cards[0].words and "of 20" in part.cards[0].words


def test_lumps_are_found_and_read_alike_in_tiles(lumps: Dataset, tmp_path: Path) -> None:
    in_tiles = PLAN.model_copy(update={"detection": PLAN.detection.model_copy(update={"tile": (16, 16, 16)})})
    train(replace(lumps, cases=lumps.cases[:18]), tmp_path / "bundle", plan=in_tiles)
    bundle = read_bundle(tmp_path / "bundle")
    new = evaluate(bundle, replace(lumps, cases=lumps.cases[18:]), runtime="torch", resamples=50).evidence

    assert new.detection is not None
    assert new.detection.scores["sensitivity_at_1"].value >= 0.75
    reading = Reader(bundle, answer_all=True).read_case(lumps.cases[18], load(lumps.cases[18].image))
    shown = [one for one in new.detection.results[0].found if one.score >= new.detection.threshold]
    assert len(shown) >= 1 and len(reading.findings) == len(shown)
    for finding, found in zip(reading.findings, shown, strict=True):
        assert finding.box is not None
        assert (finding.box.z0, finding.box.x1) == pytest.approx((found.box.z0, found.box.x1), abs=1e-3)


def test_a_missed_lesion_is_shown_on_its_own_slice(lumps: Dataset) -> None:
    volume: Image = load(lumps.cases[0].image)
    (lesion,) = lumps.cases[0].boxes
    bare = replace(_evidence(lumps), results=(ImageResult("a", "a", (lesion,), ()),))

    (card,) = detection_part(bare, examples=[FoundExample(bare.results[0], volume)]).cards

    slice_ = int(card.words.split("slice ")[1].split(" ")[0]) - 1
    assert lesion.z0 <= slice_ < lesion.z1
    assert "0 of 1 lesion found" in card.words


def _evidence(lumps: Dataset):  # type: ignore[no-untyped-def]
    from hounsfield.evaluation.detection import measure_detection
    from hounsfield.evaluation.matching import HitRule

    results = [ImageResult(case.id, case.unit, case.boxes, ()) for case in lumps.cases]
    return measure_detection(
        results, kinds=("lesion",), rule=HitRule(0.2), threshold=0.5, threshold_from="", attributes={}, resamples=20
    )


def test_the_speed_in_volumes_can_be_measured() -> None:
    assert images_per_second(PLAN) > 0


def test_a_box_beyond_the_slices_is_refused() -> None:
    check_box(Box(1, 1, 5, 5, "", 3, 9), (10, 20, 20), where="a")
    with pytest.raises(DatasetError, match="a: the box from slice 12 to 14 lies outside the image of 10 slices"):
        check_box(Box(1, 1, 5, 5, "", 12, 14), (10, 20, 20), where="a")


def test_flat_boxes_on_volumes_are_refused_to_learn_from_and_to_measure_on(lumps: Dataset) -> None:
    flat = (Box(1, 1, 5, 5, "lesion"),)
    gone = replace(lumps.cases[0], boxes=flat, images={"image": ImageRef(Path("gone.nii"))})
    cases = (gone, *(replace(case, boxes=flat if case.boxes else ()) for case in lumps.cases[1:]))

    for kinds in ((), ("lesion",)):
        with pytest.raises(DatasetError, match="has 20 slices, and boxes name none of them: give .box. z0 and z1"):
            for_detection(replace(lumps, cases=cases, kinds=(), classes=()), kinds=kinds)


def test_a_lesion_on_the_first_slice_alone_is_one_where_others_lie_deeper(lumps: Dataset) -> None:
    from hounsfield.plan.network_input import placed_case

    first = replace(lumps.cases[0], boxes=(Box(1, 1, 5, 5, "lesion", 0, 1),))
    found = for_detection(replace(lumps, cases=(first, *lumps.cases[1:]), kinds=(), classes=()))

    (box,) = placed_case(found.cases[0], PLAN.input).boxes
    assert (box.z0, box.z1) == pytest.approx((0, 1))


@pytest.mark.parametrize("slices", [(float("nan"), 4), (2, float("inf"))])
def test_a_box_whose_slices_are_no_numbers_is_refused(slices: tuple[float, float]) -> None:
    with pytest.raises(DatasetError, match="a: the box from slice .* has no end"):
        check_box(Box(1, 1, 5, 5, "", *slices), (10, 20, 20), where="a")
