"""Figures of a segmentation by hand, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import OutlinedImage, OutlinedLabel, SegmentationEvidence
from hounsfield.evaluation.segmentation import measure_segmentation


def label(name: str, dice: float, **others: float) -> OutlinedLabel:
    given: dict[str, float | None] = {"hausdorff": 2.0, "surface_distance": 0.5, "volume": 10.0, "found_volume": 12.0}
    return OutlinedLabel(name, dice=dice, surface_dice=dice, **{**given, **others})  # type: ignore[arg-type]


def nothing(name: str) -> OutlinedLabel:
    return OutlinedLabel(name, 1.0, 1.0, None, None, 0.0, 0.0)


def measured(results: list[OutlinedImage], **attributes: dict[str, str]) -> SegmentationEvidence:
    return measure_segmentation(
        results, labels=("liver", "tumour"), tolerance=1.0, attributes=attributes, resamples=200
    )


def test_means_over_images_leave_out_what_is_on_none() -> None:
    found = measured(
        [
            OutlinedImage("a", "1", (label("liver", 0.9), nothing("tumour"))),
            OutlinedImage("b", "2", (label("liver", 0.7), label("tumour", 0.5, lesions=2, lesions_found=1))),
        ]
    )
    whole, liver, tumour = found.labels
    assert liver.scores["dice"].value == pytest.approx(0.8)
    assert whole.scores["dice"].value == pytest.approx((0.9 + (0.7 + 0.5) / 2) / 2)
    assert (tumour.images, tumour.patients) == (1, 1)
    assert tumour.scores["iou"].value == pytest.approx(0.5 / 1.5)
    assert tumour.scores["volume_error"].value == pytest.approx(0.2)
    assert tumour.scores["lesion_sensitivity"].value == 0.5
    assert tumour.scores["lesion_f1"].value == pytest.approx(2 / 3)
    assert "lesion_f1" not in liver.scores


def test_a_missed_label_counts_as_such_and_has_no_distance() -> None:
    missed = OutlinedLabel("tumour", 0.0, 0.0, None, None, 10.0, 0.0, lesions=1)
    found = measured(
        [
            OutlinedImage("a", "1", (nothing("liver"), missed)),
            OutlinedImage("b", "2", (nothing("liver"), label("tumour", 0.8))),
        ]
    )
    _, tumour = found.labels
    assert (tumour.images, tumour.missed) == (2, 1)
    assert tumour.scores["dice"].value == pytest.approx(0.4)
    assert tumour.scores["hausdorff"].value == 2.0
    assert any("tumour on 1 of 2" in note for note in found.notes)
    assert any("liver: on no image" in note for note in found.notes)


def test_intervals_resample_patients_and_hold_the_value() -> None:
    rng = np.random.default_rng(0)
    results = [
        OutlinedImage(f"{n}", f"{n // 2}", (label("liver", float(rng.uniform(0.6, 0.9))), nothing("tumour")))
        for n in range(40)
    ]
    score = measured(results).labels[1].scores["dice"]
    assert score.low < score.value < score.high
    assert 0.02 < score.high - score.low < 0.15


def test_subgroups_of_few_patients_are_named_and_not_scored() -> None:
    results = [OutlinedImage(f"{n}", f"{n}", (label("liver", 0.8), nothing("tumour"))) for n in range(24)]
    site = {f"{n}": {"site": "north" if n < 22 else "south"} for n in range(24)}
    found = measured(results, **site)
    south, north = found.subgroups
    assert (south.value, south.cases, dict(south.scores)) == ("south", 2, {})
    assert north.scores["dice"].value == pytest.approx(0.8)


def test_pixels_are_told_from_millimetres() -> None:
    results = [OutlinedImage(f"{n}", f"{n}", (label("liver", 0.8), nothing("tumour")), "pixels") for n in range(2)]
    found = measured(results)
    assert found.unit == "pixels"
    assert any("in pixels" in note for note in found.notes)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(EvaluationError, match="holds no case"):
        measured([])
    twice = OutlinedImage("a", "1", (label("liver", 0.9), nothing("tumour")))
    with pytest.raises(EvaluationError, match="measured twice"):
        measured([twice, twice])
    with pytest.raises(EvaluationError, match="nothing to measure"):
        measured([OutlinedImage("a", "1", (nothing("liver"), nothing("tumour")))])
