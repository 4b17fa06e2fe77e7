"""Threshold and calibration from validation logits."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import OperatingPoint
from hounsfield.evaluation.calibration import fit_platt, fit_temperature
from hounsfield.evaluation.threshold import choose_threshold
from hounsfield.learning.operating_point import by_others, choose_operating_point, validated
from hounsfield.plan import Decision
from hounsfield.tasks.classification import Classification

TWO = Classification(("benign", "malignant"))
THREE = Classification(("a", "b", "c"))


def logits(cases: int, classes: int = 2, *, skill: float = 2.0) -> tuple[FloatArray, IntArray]:
    """Logits that are right by `skill`, three times too sure of themselves."""
    rng = np.random.default_rng(0)
    targets = np.arange(cases) % classes
    return 3 * (rng.normal(size=(cases, classes)) + skill * np.eye(classes)[targets]), targets


def test_two_classes_are_calibrated_by_platts_line_and_the_threshold_is_chosen_after_that() -> None:
    values, targets = logits(80)
    point = choose_operating_point(values, targets, TWO, where=validated(1))
    line = fit_platt(values, targets)
    assert point.calibrated
    assert point.scale == pytest.approx(line.slope)
    assert 0.1 < point.scale < 0.9  # less sure of themselves
    probabilities = TWO.decode(point.apply(values))
    np.testing.assert_allclose(probabilities, line(values), atol=1e-9)
    chosen = choose_threshold(targets == 1, probabilities[:, 1])
    assert point.threshold == chosen.threshold
    assert point.threshold_from == f"{chosen}: the validation part"


def test_folds_are_named() -> None:
    point = choose_operating_point(*logits(80), TWO, where=validated(5))
    assert point.threshold_from.endswith(": 5 folds, each read by the network that had not seen it")


def test_three_classes_are_calibrated_by_a_temperature_and_have_no_threshold() -> None:
    values, targets = logits(90, 3)
    point = choose_operating_point(values, targets, THREE, where=validated(1))
    temperature = fit_temperature(values, targets)
    assert (point.threshold_from, point.calibrated) == ("the most probable class", True)
    np.testing.assert_allclose(THREE.decode(point.apply(values)), temperature(values), atol=1e-9)


def test_few_cases_give_a_threshold_and_no_calibration() -> None:
    values, targets = logits(38)
    point = choose_operating_point(values, targets, TWO, where=validated(1))
    assert (point.scale, point.offset, point.calibrated) == (1.0, (), False)
    assert point.threshold == choose_threshold(targets == 1, TWO.decode(values)[:, 1]).threshold
    assert choose_operating_point(*logits(40), TWO, where=validated(1)).calibrated


@pytest.mark.parametrize("targets", [[0, 0, 0, 0], [0, 0, 0, 1], [1]])
def test_too_few_of_a_class_leave_the_threshold_in_the_middle(targets: list[int]) -> None:
    point = choose_operating_point(np.zeros((len(targets), 2)), np.array(targets), TWO, where=validated(1))
    words = f"0.5: {len(targets)} validation cases are too few to choose on"
    assert point == OperatingPoint(0.5, words)


def test_answers_worse_than_chance_are_not_turned_round() -> None:
    values, targets = logits(80, skill=-2.0)
    point = choose_operating_point(values, targets, TWO, where=validated(1))
    assert (point.scale, point.offset, point.calibrated) == (1.0, (), False)
    assert "sensitivity" in point.threshold_from


def test_an_operating_point_by_hand() -> None:
    point = OperatingPoint(0.5, "", scale=2.0, offset=(0.0, -1.0))
    assert point.apply(np.array([[1.0, 3.0]])).tolist() == [[2.0, 5.0]]
    assert OperatingPoint(0.5, "").apply(np.array([[1.0, 3.0]])).tolist() == [[1.0, 3.0]]


def test_conformal_limits_and_bends_come_with_enough_cases() -> None:
    assert choose_operating_point(*logits(12), TWO, where="").conformal is None  # 9 of each class promise nothing
    values, targets = logits(400)
    point = choose_operating_point(values, targets, TWO, where="", decision=Decision(coverage=0.8))
    assert point.conformal is not None
    assert point.conformal.coverage == 0.8
    assert not point.bends
    crooked = np.random.default_rng(0).normal(size=4000) * 2
    truth = (np.random.default_rng(1).random(4000) < 1 / (1 + np.exp(-crooked))).astype(int)
    said = np.stack([np.zeros(4000), np.where(crooked > 0, 5 * crooked, 0.2 * crooked)], axis=1)
    assert choose_operating_point(said, truth, TWO, where="").bends


def test_the_rule_of_a_plan_is_followed() -> None:
    values, targets = logits(200, skill=1.0)
    point = choose_operating_point(values, targets, TWO, where="", decision=Decision(threshold="sensitivity >= 0.95"))
    called = TWO.decode(point.apply(values))[:, 1] >= point.threshold
    assert called[targets == 1].mean() >= 0.95
    assert point.threshold_from.startswith("sensitivity>=0.95 on")
    with pytest.raises(ValidationError, match="unknown threshold rule 'often'"):
        Decision(threshold="often")


def test_sets_of_others_keep_the_promise_and_know_nothing_of_their_own_patients() -> None:
    values, targets = logits(2000, skill=1.0)
    patients = [str(case // 2) for case in range(2000)]
    held = by_others(values, targets, TWO, patients, Decision()).held
    assert held is not None
    for k in (0, 1):
        assert 0.87 <= held.classes[targets == k, k].mean() <= 0.93
    assert 0.05 < (held.classes.sum(axis=1) == 1).mean() < 0.95
    assert by_others(*logits(12), TWO, [str(case) for case in range(12)], Decision()).held is None


def test_with_few_cases_an_earlier_calibration_is_shifted_to_how_many_there_are() -> None:
    values, targets = logits(400)
    begin = choose_operating_point(values, targets, TWO, where="")
    rare = np.flatnonzero((targets == 0) | (np.arange(400) % 40 == 1))  # 10 of 210 are positive
    point = choose_operating_point(values[rare], targets[rare], TWO, where="", begin=begin)
    assert (point.scale, point.calibrated) == (begin.scale, True)
    said = TWO.decode(point.apply(values[rare]))[:, 1]
    assert said.mean() == pytest.approx((targets[rare] == 1).mean(), abs=1e-6)
    bent = replace(begin, bends=((-1.0, -2.0), (1.0, 3.0)))
    point = choose_operating_point(values[rare], targets[rare], TWO, where="", begin=bent)
    assert TWO.decode(point.apply(values[rare]))[:, 1].mean() == pytest.approx(10 / 210, abs=1e-6)


def test_an_earlier_choice_is_kept_where_cases_say_nothing_or_do_not_rank() -> None:
    begin = choose_operating_point(*logits(400), TWO, where="")
    few = choose_operating_point(np.zeros((3, 2)), np.array([0, 0, 1]), TWO, where="", begin=begin)
    assert few == begin
    values, targets = logits(80, skill=-2.0)
    point = choose_operating_point(values, targets, TWO, where="", begin=begin)
    assert (point.scale, point.calibrated) == (begin.scale, True)
    shifted = choose_operating_point(*logits(400), TWO, where="", begin=begin, shift_only=True)
    assert shifted.scale == begin.scale
