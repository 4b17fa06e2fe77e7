"""Hits, findings said again and false alarms, by both rules."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.matching import (
    AGAIN,
    FALSE_ALARM,
    MISSED,
    HitRule,
    corners,
    intersection_over_union,
    match,
    rule_from,
)
from hounsfield.findings.region import Box


def test_overlap_of_boxes_is_that_of_torchvision_and_of_cuboids_by_hand() -> None:
    import torch
    from torchvision.ops import box_iou

    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (2, 20, 2))
    high = low + rng.uniform(1, 40, (2, 20, 2))
    first, second = ([Box(*a, *b) for a, b in zip(low[k], high[k], strict=True)] for k in range(2))
    reference = box_iou(*(torch.from_numpy(np.concatenate([low[k], high[k]], axis=1)) for k in range(2)))

    assert_allclose(intersection_over_union(corners(first), corners(second)), reference.numpy())
    assert_allclose(
        intersection_over_union(
            corners([Box(0, 0, 2, 2, z0=0, z1=4)]), corners([Box(1, 0, 3, 2, z0=2, z1=6), Box(0, 0, 0, 0)])
        ),
        [[1 * 2 * 2 / (16 + 16 - 4), 0]],
    )


def test_the_surest_finding_takes_the_lesion_and_the_next_one_says_it_again() -> None:
    lesion, other = Box(10, 10, 20, 20), Box(50, 50, 60, 60)
    found = [Box(11, 11, 21, 21), Box(10, 10, 20, 20), Box(80, 80, 90, 90)]

    matched = match(found, np.array([0.9, 0.5, 0.3]), [lesion, other], HitRule(0.2))

    assert_array_equal(matched.taken, [0, AGAIN, FALSE_ALARM])
    assert_array_equal(matched.by, [0, MISSED])


def test_a_finding_over_two_lesions_takes_the_one_it_covers_best_and_the_next_the_other() -> None:
    left, right = Box(0, 0, 10, 10), Box(8, 0, 18, 10)
    found = [Box(5, 0, 17, 10), Box(4, 0, 16, 10)]

    matched = match(found, np.array([0.9, 0.8]), [left, right], HitRule(0.2))

    assert_array_equal(matched.taken, [1, 0])


def test_a_centre_inside_is_a_hit_however_large_the_finding() -> None:
    small, large = Box(49, 49, 51, 51), Box(0, 0, 100, 100)

    assert match([large], np.array([0.5]), [small], HitRule(0.0)).taken[0] == 0
    assert match([large], np.array([0.5]), [small], HitRule(0.2)).taken[0] == FALSE_ALARM
    assert match([small], np.array([0.5]), [Box(51, 0, 100, 100)], HitRule(0.0)).taken[0] == FALSE_ALARM


def test_nothing_found_and_nothing_to_find() -> None:
    assert_array_equal(match([], np.array([]), [Box(0, 0, 1, 1)], HitRule()).by, [MISSED])
    assert_array_equal(match([Box(0, 0, 1, 1)], np.array([0.1]), [], HitRule()).taken, [FALSE_ALARM])


@pytest.mark.parametrize(
    ("words", "rule"), [("iou>=0.5", HitRule(0.5)), ("IoU >= 0.2", HitRule(0.2)), ("center", HitRule(0))]
)
def test_rules_are_named_in_words(words: str, rule: HitRule) -> None:
    assert rule_from(words) == rule


@pytest.mark.parametrize("rule", [HitRule(0.2), HitRule(0.55), HitRule(1), HitRule(0)])
def test_a_rule_is_read_back_as_it_is_written(rule: HitRule) -> None:
    assert rule_from(str(rule)) == rule


@pytest.mark.parametrize("words", ["iou>=0", "iou>=2", "touching", "", "iou>=nan", "inside"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(EvaluationError, match='"iou>=0.2"'):
        rule_from(words)


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(EvaluationError, match="1 findings need as many scores"):
        match([Box(0, 0, 1, 1)], np.array([np.nan]), [], HitRule())
