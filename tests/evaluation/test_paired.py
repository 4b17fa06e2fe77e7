"""Segmentations on the same images: differences of two, and several seeds as one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.comparison import compare
from hounsfield.evaluation.evidence import Evidence, OutlinedImage, OutlinedLabel
from hounsfield.evaluation.measure import Origin, measure_outlines
from hounsfield.evaluation.seeds import over_seeds
from hounsfield.evaluation.surface_distance import Surface
from hounsfield.findings import ModelIdentity
from hounsfield.reporting.comparison_report import verdict

LABELS = ("liver", "tumour")


def outlined(label: str, dice: float, distance: float | None = 1.0, *, volume: float = 10.0) -> OutlinedLabel:
    """One that is there, outlined so well; missed where it has no distance."""
    found = volume if distance is not None else 0.0
    far = None if distance is None else 4 * distance
    return OutlinedLabel(label, dice, dice / 2, far, distance, volume, found)


def false(label: str) -> OutlinedLabel:
    """One that is not there, and was found."""
    return OutlinedLabel(label, 0.0, 0.0, None, None, 0.0, 5.0)


def nothing(label: str) -> OutlinedLabel:
    return OutlinedLabel(label, 1.0, 1.0, None, None, 0.0, 0.0)


def evidence(  # type: ignore[no-untyped-def]
    name: str,
    images: Sequence[Sequence[OutlinedLabel]],
    *,
    unit: str = "mm",
    tolerance: float = 1.0,
    surface: Surface = "elements",
):
    results = [OutlinedImage(f"c{n}", f"p{n // 2}", tuple(labels), unit) for n, labels in enumerate(images)]
    origin = Origin(
        "made", "test", ("image",), attributes={}, model=ModelIdentity(name, "0", name * 8), seconds=1.0, resamples=50
    )
    return measure_outlines(results, origin, labels=LABELS, tolerance=tolerance, surface=surface)


def model(name: str, skill: float, *, cases: int = 40, seed: int = 0) -> Evidence:
    """Of a model whose Dice is around `skill`, lower where images are hard for all."""
    hard = np.random.default_rng(7).uniform(0, 0.3, cases)
    own = np.random.default_rng(seed).uniform(0, 0.02, cases)
    return evidence(
        name, [(outlined("liver", skill - hard[n] + own[n], 2 - skill), nothing("tumour")) for n in range(cases)]
    )


def test_images_that_are_hard_for_both_do_not_hide_that_one_is_better() -> None:
    better, worse = model("a", 0.95, seed=1), model("b", 0.92, seed=2)
    found = compare(better, worse, resamples=500)
    alone = [own.segmentation.labels[1].scores["dice"] for own in (better, worse) if own.segmentation]
    dice = found.named["liver"]["dice"]

    assert list(found.named) == ["all labels", "liver"] and found.unit == "mm" and found.agreement is None
    assert (dice.first, dice.second) == (pytest.approx(alone[0].value), pytest.approx(alone[1].value))
    assert 0.02 < dice.difference.low < dice.difference.high < 0.04 < alone[0].high - alone[0].low
    assert dice.p_value == 1 / 500 and dice.cases == 40
    assert found.named["liver"]["surface_distance"].difference.value == pytest.approx(-0.03)
    assert found.named["liver"]["hausdorff"].difference.value == pytest.approx(-0.12)
    assert verdict(found).startswith("a outlines better than b: Dice of all labels 0.0")
    assert verdict(compare(worse, better, resamples=500)).startswith("a outlines better than b: ")


def test_models_of_one_skill_are_not_told_apart_and_one_is_as_good_as_itself() -> None:
    one = model("a", 0.9, seed=1)
    luck = compare(one, model("b", 0.9, seed=3), resamples=500)
    same = compare(one, one, resamples=50)

    assert luck.named["liver"]["dice"].difference.low < 0 < luck.named["liver"]["dice"].difference.high
    assert "do not tell which is better" in verdict(luck)
    assert all(
        own.p_value == 1 and own.difference.value == 0 for scores in same.named.values() for own in scores.values()
    )
    assert "Both outline equally well" in verdict(same) and "A model is among them twice." in same.notes


def test_a_label_that_only_one_found_counts_for_both_and_one_that_one_missed_has_no_distance() -> None:
    both = [(outlined("liver", 0.8, 1.0), outlined("tumour", 0.6, 2.0))] * 4
    first = evidence("a", [*both, (outlined("liver", 0.8, 1.0), false("tumour"))])
    second = evidence("b", [*both[:3], (outlined("liver", 0.8, 1.0), outlined("tumour", 0.0, None)),
                            (outlined("liver", 0.8, 1.0), nothing("tumour"))])  # fmt: skip
    named = compare(first, second, resamples=50).named

    tumour = named["tumour"]
    assert (tumour["dice"].first, tumour["dice"].second) == (pytest.approx(4 * 0.6 / 5), pytest.approx((1.8 + 1) / 5))
    assert (tumour["dice"].cases, tumour["surface_distance"].cases) == (5, 3)
    whole = named["all labels"]
    assert whole["dice"].second == pytest.approx((3 * 0.7 + 0.4 + 0.9) / 5)  # of each image the mean over its labels
    assert whole["surface_distance"].cases == 5  # where one missed the tumour, that of the liver
    assert whole["surface_distance"].first == pytest.approx((3 * 1.5 + 2 * 1.0) / 5)


def test_from_three_patients_nothing_is_known() -> None:
    few = compare(model("a", 0.95, cases=6, seed=1), model("b", 0.7, cases=6, seed=2), resamples=50)

    dice, apart = few.named["liver"]["dice"], few.named["liver"]["surface_distance"]
    assert (dice.difference.low, dice.difference.high, dice.p_value) == (-1, 1, 1)
    assert (apart.difference.low, apart.difference.high) == (pytest.approx(-0.25), pytest.approx(0.25))
    assert any("Fewer than 5 patients behind all labels, liver" in note for note in few.notes)


def test_surface_dice_of_other_tolerances_is_not_compared() -> None:
    images = [(outlined("liver", 0.8), nothing("tumour"))] * 12
    found = compare(evidence("a", images), evidence("b", images, tolerance=2.0), resamples=50)

    assert list(found.named["liver"]) == ["dice", "hausdorff", "surface_distance"]
    assert "No surface Dice: its tolerances are 1, 2." in found.notes


def test_distances_between_other_surfaces_are_not_compared() -> None:
    images = [(outlined("liver", 0.8), nothing("tumour"))] * 12
    found = compare(evidence("a", images), evidence("b", images, surface="edge voxels"), resamples=50)

    assert list(found.named["liver"]) == ["dice"]
    assert "No distances: surfaces are edge voxels here and elements there." in found.notes


def test_other_labels_other_truths_and_other_tasks_are_refused() -> None:
    one = evidence("a", [(outlined("liver", 0.8), nothing("tumour"))] * 3)
    with pytest.raises(
        EvaluationError, match="the case 'c0' is liver of 10 in mm in one, liver of 11 in mm in another"
    ):
        compare(one, evidence("b", [(outlined("liver", 0.8, volume=11.0), nothing("tumour"))] * 3))
    with pytest.raises(EvaluationError, match="only models of the same labels"):
        compare(one, evidence("b", [(outlined("liver", 0.8), nothing("cyst"))] * 3))
    with pytest.raises(EvaluationError, match="a answers the labels liver, tumour, a the classes image"):
        compare(one, replace(one, segmentation=None))


def test_notes_of_one_model_say_whose_they_are() -> None:
    images = [(outlined("liver", 0.8), nothing("tumour"))] * 12
    one, other = evidence("a", images), replace(evidence("b", images), notes=("Measured twice.",))

    assert "b: Measured twice." in compare(one, other, resamples=50).notes


def test_seeds_of_a_segmentation_have_a_mean_a_spread_and_an_interval_of_each_score() -> None:
    each = [model("a", 0.90, seed=1), model("b", 0.93, seed=2), model("c", 0.96, seed=3)]
    found = over_seeds(each, resamples=500)
    values = [own.segmentation.labels[1].scores["dice"].value for own in each if own.segmentation]
    dice = found.named["liver"]["dice"]

    assert list(found.named["liver"]) == ["dice", "surface_dice", "hausdorff", "surface_distance"]
    assert dice.values == pytest.approx(tuple(values)) and dice.cases == 40
    assert (dice.mean.value, dice.spread) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
    assert dice.mean.low < dice.mean.value < dice.mean.high
    assert found.scores == {} and found.together == {} and found.unit == "mm"
