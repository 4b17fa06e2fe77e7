"""ROC with its band, precision against recall, and calibration, as few points."""

import numpy as np
import pytest
from sklearn import metrics

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.curves import MOST_POINTS, curves_of, precision_recall, roc
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.resampling import patient_weights


def sample(cases: int, *, decimals: int = 12, seed: int = 0) -> tuple[BoolArray, FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    target = np.arange(cases) % 2 == 1
    return target, np.round(1 / (1 + np.exp(-rng.normal(target * 1.5 - 0.7))), decimals), np.arange(cases)


def test_roc_of_four_cases_by_hand() -> None:
    target, probability = np.array([True, False, True, False]), np.array([0.9, 0.7, 0.6, 0.2])
    curve = roc(target, probability, np.arange(4), resamples=0, seed=0)
    assert curve.x == (0, 0, 0.5, 0.5, 1)
    assert curve.y == (0, 0.5, 0.5, 1, 1)
    assert curve.threshold == (np.nextafter(0.9, 1), 0.9, 0.7, 0.6, 0.2)
    assert curve.low == ()


@pytest.mark.parametrize("decimals", [1, 12])
def test_roc_points_are_scikit_learns(decimals: int) -> None:
    target, probability, patient = sample(120, decimals=decimals)
    curve = roc(target, probability, patient, resamples=0, seed=0)
    x, y, threshold = metrics.roc_curve(target, probability)
    theirs = {(round(a, 9), round(b, 9)): c for a, b, c in zip(x, y, threshold, strict=True)}
    for a, b, c in zip(curve.x[1:], curve.y[1:], curve.threshold[1:], strict=True):
        assert theirs[round(a, 9), round(b, 9)] == c


def test_many_cases_are_thinned_without_moving_the_line() -> None:
    target, probability, patient = sample(20_000)
    curve = roc(target, probability, patient, resamples=0, seed=0)
    assert len(curve.x) <= MOST_POINTS
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(metrics.roc_auc_score(target, probability), abs=1e-3)
    x, y, _ = metrics.roc_curve(target, probability)
    away = np.abs(x[:, None] - np.array(curve.x)) + np.abs(y[:, None] - np.array(curve.y))
    assert away.min(axis=1).max() < 0.0101  # no corner is far from a point that was kept
    recall = precision_recall(target, probability)
    assert len(recall.x) <= MOST_POINTS


def test_the_band_is_that_of_resampled_roc_curves() -> None:
    target, probability, patient = sample(60, decimals=1)
    curve = roc(target, probability, patient // 2, resamples=120, seed=3)
    rows = []
    for weights in np.concatenate(list(patient_weights(30, resamples=120, seed=3))):
        x, y, _ = metrics.roc_curve(target, probability, sample_weight=weights[patient // 2], drop_intermediate=False)
        best = [y[x == at].max() if (x == at).any() else np.interp(at, x, y) for at in curve.x]
        rows.append(best)
    low, high = np.quantile(rows, [0.025, 0.975], axis=0)
    assert curve.low == pytest.approx(tuple(low), abs=1e-9)
    assert curve.high == pytest.approx(tuple(high), abs=1e-9)


def test_the_band_never_falls_and_ends_at_one() -> None:
    curve = roc(*sample(80), resamples=200, seed=0)
    assert (np.diff(curve.low) >= 0).all()
    assert (np.array(curve.low) <= np.array(curve.high)).all()
    assert curve.low[-1] == curve.high[-1] == 1


def test_precision_and_recall_are_scikit_learns_without_its_added_end() -> None:
    target, probability, _ = sample(100, decimals=2)
    curve = precision_recall(target, probability)
    precision, recall, threshold = metrics.precision_recall_curve(target, probability)
    theirs = {c: (a, b) for a, b, c in zip(recall, precision, threshold, strict=False)}
    assert curve.x[-1] == 1
    for a, b, c in zip(curve.x, curve.y, curve.threshold, strict=True):
        assert theirs[c] == pytest.approx((a, b))


def test_one_class_has_calibration_only() -> None:
    probabilities = np.tile([0.3, 0.7], (30, 1))
    one = Predictions(np.ones(30, dtype=int), probabilities, np.arange(30), 0.5)
    assert set(curves_of(one, classes=("a", "b"), resamples=10, seed=0)) == {"calibration"}


def test_more_classes_have_a_roc_each_and_the_calibration_of_the_class_named() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    target = np.arange(40) % 2  # the third class does not occur
    three = Predictions(target, probabilities, np.arange(40), 0.5)
    curves = curves_of(three, classes=("a", "b", "c"), resamples=10, seed=0)
    assert set(curves) == {"roc_a", "roc_b", "precision_recall_a", "precision_recall_b", "calibration"}
    right = (probabilities.argmax(axis=1) == target).mean()
    assert np.average(curves["calibration"].y, weights=curves["calibration"].count) == pytest.approx(right)
