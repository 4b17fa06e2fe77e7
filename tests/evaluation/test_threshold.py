"""Where the operating point lies, and that it lies there for a reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from hounsfield.errors import EvaluationError, UsageError
from hounsfield.evaluation.threshold import choose_threshold

TARGET = np.array([False, False, True, False, True, True])
PROBABILITY = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8])


def test_youden_cuts_half_way_between_the_neighbours() -> None:
    # after 0.4: 2/3 + 3/3; after 0.2: 3/3 + 2/3; a tie, and the lower one misses fewer
    point = choose_threshold(TARGET, PROBABILITY)
    assert point.threshold == pytest.approx(0.25)
    assert (point.sensitivity, point.specificity) == (1, 2 / 3)
    assert (point.positives, point.negatives) == (3, 3)


def test_a_wished_sensitivity_is_reached_with_the_highest_specificity() -> None:
    assert choose_threshold(TARGET, PROBABILITY, "sensitivity>=0.6").threshold == pytest.approx(0.5)
    assert choose_threshold(TARGET, PROBABILITY, "sensitivity >= 0.9").threshold == pytest.approx(0.25)


def test_a_wished_specificity_is_reached_with_the_highest_sensitivity() -> None:
    assert choose_threshold(TARGET, PROBABILITY, "specificity>=0.6").threshold == pytest.approx(0.25)
    assert choose_threshold(TARGET, PROBABILITY, "specificity>=1").threshold == pytest.approx(0.5)


def test_an_impossible_specificity_is_reached_by_calling_nothing_positive() -> None:
    point = choose_threshold(np.array([True, False]), np.array([0.4, 1.0]), "specificity>=1")
    assert point.threshold > 1
    assert (point.sensitivity, point.specificity) == (0, 1)


def test_seven_of_ten_are_seventy_per_cent() -> None:
    target = np.r_[np.zeros(10, dtype=bool), np.ones(10, dtype=bool)]
    probability = np.r_[np.linspace(0.1, 0.5, 10), np.linspace(0.3, 0.9, 10)]
    assert choose_threshold(target, probability, "sensitivity>=0.7").sensitivity == 0.7


def test_neighbours_without_a_number_between_them_are_cut_at_the_upper_one() -> None:
    upper = np.nextafter(0.5, 1)
    assert choose_threshold(np.array([False, True]), np.array([0.5, upper])).threshold == upper


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=2, max_size=40),
    st.sampled_from(["youden", "sensitivity>=0.8", "specificity>=0.8"]),
)
def test_the_point_reaches_what_it_says_on_no_score_and_better_than_any_other(
    rows: list[tuple[bool, int]], rule: str
) -> None:
    target, probability = np.array([row[0] for row in rows]), np.array([row[1] for row in rows]) / 10
    if target.all() or not target.any():
        return
    point = choose_threshold(target, probability, rule)
    called = probability >= point.threshold
    assert point.sensitivity == pytest.approx(called[target].mean())
    assert point.specificity == pytest.approx((~called[~target]).mean())
    assert point.threshold not in probability or point.threshold == 0  # 0 when the lowest score is 0 and all are called
    false_alarms, found, _ = roc_curve(target, probability, drop_intermediate=False)
    if rule == "youden":
        assert point.sensitivity + point.specificity - 1 == pytest.approx((found - false_alarms).max())
    elif rule.startswith("sensitivity"):
        assert point.sensitivity >= 0.8 - 1e-12
        assert point.specificity == pytest.approx(1 - false_alarms[found >= 0.8 - 1e-12].min())
    else:
        assert point.specificity >= 0.8 - 1e-12
        assert point.sensitivity == pytest.approx(found[false_alarms <= 0.2 + 1e-12].max())


def test_the_order_of_the_cases_does_not_move_the_threshold() -> None:
    rng = np.random.default_rng(0)
    target, probability = rng.random(50) < 0.4, np.round(rng.random(50), 1)
    order = rng.permutation(50)
    assert choose_threshold(target, probability) == choose_threshold(target[order], probability[order])


def test_its_words_say_rule_cases_and_what_was_reached() -> None:
    words = str(choose_threshold(TARGET, PROBABILITY))
    assert words == "youden on 6 cases, 3 of them positive (sensitivity 1.000, specificity 0.667 there)"


def test_one_class_a_wrong_rule_or_a_logit_is_refused() -> None:
    with pytest.raises(EvaluationError, match="from 0 positive and 3 negative cases"):
        choose_threshold(np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3]))
    with pytest.raises(EvaluationError, match=r"probabilities in \[0, 1\]"):
        choose_threshold(TARGET, PROBABILITY * 5)
    for rule in ("best", "sensitivity>=1.5", "sensitivity>0.9"):
        with pytest.raises(UsageError, match="known: youden, sensitivity>=x and specificity>=x"):
            choose_threshold(TARGET, PROBABILITY, rule)
