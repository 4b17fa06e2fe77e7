"""The bootstrap of all draws at once: against the slow obvious loop, and whether its intervals keep their promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.evaluation import resampling
from hounsfield.evaluation.bootstrap import draw_scores
from hounsfield.evaluation.calibration import calibration_bins
from hounsfield.evaluation.classification import auc_roc, average_precision
from hounsfield.evaluation.intervals import percentile_score
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.ranking import ranking_of, ranking_scores
from hounsfield.evaluation.resampling import patient_weights
from hounsfield.evaluation.scores import SCORES, scores_of


def binary(target: IntArray, positive: FloatArray, patient: IntArray, threshold: float = 0.5) -> Predictions:
    return Predictions(np.asarray(target), np.stack([1 - positive, positive], axis=1), np.asarray(patient), threshold)


def some_predictions(*, cases: int, patients: int, classes: int = 2, seed: int = 0) -> Predictions:
    """Predictions with ties in the probabilities; every patient has a case."""
    rng = np.random.default_rng(seed)
    target = np.r_[np.arange(classes), rng.integers(0, classes, cases - classes)]
    logits = np.round(rng.normal(size=(cases, classes)), 1) + np.eye(classes)[target]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    patient = np.r_[np.arange(patients), rng.integers(0, patients, cases - patients)]
    return Predictions(target, shares, patient, 0.4)


def one_by_one(predictions: Predictions, *, resamples: int, seed: int) -> dict[str, FloatArray]:
    """The obvious way: copy the cases of the drawn patients out, as often as drawn, and score the copy.

    Calibration is measured in the bins of all cases, in every draw.
    """
    rows = []
    bins = calibration_bins(predictions.confidence[1])
    classes_present = len(np.unique(predictions.target))
    for weights in np.concatenate(list(patient_weights(predictions.patients, resamples=resamples, seed=seed))):
        chosen = np.repeat(np.arange(predictions.cases), weights[predictions.patient].astype(int))
        copied = Predictions(
            predictions.target[chosen], predictions.probabilities[chosen], predictions.patient[chosen], 0.4
        )
        was_so, said = copied.confidence
        gaps = [np.sum((was_so - said)[bins[chosen] == number]) for number in np.unique(bins)]
        scores = scores_of(copied) | {"ece": float(np.abs(gaps).sum() / copied.cases)}
        if predictions.classes > 2 and len(np.unique(copied.target)) < classes_present:
            scores |= dict.fromkeys([name for name in SCORES if name not in ("accuracy", "brier", "ece")], float("nan"))
        rows.append([scores[name] for name in SCORES])
    return dict(zip(SCORES, np.array(rows).T, strict=True))


@pytest.mark.parametrize(
    ("cases", "patients", "classes"), [(80, 80, 2), (60, 17, 2), (9, 4, 2), (3, 1, 2), (90, 30, 3), (12, 6, 4)]
)
def test_all_draws_at_once_give_what_one_draw_after_the_other_gives(cases: int, patients: int, classes: int) -> None:
    predictions = some_predictions(cases=cases, patients=patients, classes=classes)
    fast = draw_scores(predictions, resamples=150, seed=5)
    slow = one_by_one(predictions, resamples=150, seed=5)
    assert list(fast) == list(SCORES)
    for name in SCORES:
        np.testing.assert_allclose(fast[name], slow[name], atol=1e-12, err_msg=name)


def test_draws_of_one_class_of_three_are_scored_as_the_slow_way_does() -> None:
    predictions = some_predictions(cases=20, patients=20, classes=3)
    alone = Predictions(np.zeros(20, dtype=int), predictions.probabilities, predictions.patient, 0.5)
    fast, slow = draw_scores(alone, resamples=20, seed=1), one_by_one(alone, resamples=20, seed=1)
    for name in SCORES:
        np.testing.assert_allclose(fast[name], slow[name], atol=1e-12, err_msg=name)


@settings(max_examples=60)
@given(st.data())
def test_weighted_rank_scores_agree_with_scikit_learn(data: st.DataObject) -> None:
    cases = data.draw(st.integers(2, 30))
    flags = st.lists(st.booleans(), min_size=cases, max_size=cases).filter(lambda drawn: len(set(drawn)) == 2)
    target = np.array(data.draw(flags))
    score = np.array(data.draw(st.lists(st.integers(0, 8), min_size=cases, max_size=cases))) / 8
    weights = np.array(data.draw(st.lists(st.integers(1, 5), min_size=2 * cases, max_size=2 * cases)), dtype=float)
    area, average = ranking_scores(ranking_of(target, score), weights.reshape(2, cases))
    for draw, weight in enumerate(weights.reshape(2, cases)):
        assert area[draw] == pytest.approx(metrics.roc_auc_score(target, score, sample_weight=weight), abs=1e-12)
        theirs = metrics.average_precision_score(target, score, sample_weight=weight)
        assert average[draw] == pytest.approx(theirs, abs=1e-12)
        assert area[draw] == pytest.approx(auc_roc(target, score, weight), abs=1e-12)
        assert average[draw] == pytest.approx(average_precision(target, score, weight), abs=1e-12)


def test_a_draw_of_one_class_has_no_auc_but_keeps_its_accuracy() -> None:
    two = binary(np.array([0, 1]), np.array([0.1, 0.9]), np.array([0, 1]))
    draws = draw_scores(two, resamples=400, seed=0)
    lost = np.isnan(draws["auc_roc"])
    assert 150 < lost.sum() < 250  # half of the draws take the same patient twice
    assert np.array_equal(lost, np.isnan(draws["average_precision"]))
    assert not np.isnan(draws["accuracy"]).any()
    assert not np.isnan(draws["brier"]).any()
    assert np.isnan(draws["sensitivity"]).any()


def test_every_draw_has_as_many_patients_as_there_are() -> None:
    weights = np.concatenate(list(patient_weights(7, resamples=300, seed=2)))
    assert weights.shape == (300, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 7, abs=0.1)  # multinomial: p (1 - p) n with p = 1 / n


def test_the_draws_do_not_depend_on_the_size_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(patient_weights(11, resamples=50, seed=3)))
    monkeypatch.setattr(resampling, "_WEIGHTS_AT_ONCE", 40)
    blocks = list(patient_weights(11, resamples=50, seed=3))
    assert len(blocks) == 17
    assert np.array_equal(np.concatenate(blocks), whole)


def test_the_seed_decides_the_draws() -> None:
    predictions = some_predictions(cases=40, patients=20)
    first, again = (draw_scores(predictions, resamples=50, seed=1)["auc_roc"] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, draw_scores(predictions, resamples=50, seed=2)["auc_roc"])


def test_the_order_of_the_cases_changes_no_draw() -> None:
    predictions = some_predictions(cases=50, patients=20)
    order = np.random.default_rng(0).permutation(50)
    moved = Predictions(
        predictions.target[order], predictions.probabilities[order], predictions.patient[order], predictions.threshold
    )
    before, after = (draw_scores(given, resamples=60, seed=4) for given in (predictions, moved))
    for name in SCORES:
        np.testing.assert_allclose(before[name], after[name], atol=1e-12)


def test_intervals_are_wider_when_a_patients_cases_resemble_each_other() -> None:
    rng = np.random.default_rng(8)
    target = np.repeat(np.arange(100) % 2, 5)  # a hundred women, five films each, alike but for a little noise
    positive = np.repeat(np.clip(rng.normal(0.4 + 0.2 * (np.arange(100) % 2), 0.2), 0.01, 0.99), 5)
    by_patient = draw_scores(binary(target, positive, np.repeat(np.arange(100), 5)), resamples=500)
    by_film = draw_scores(binary(target, positive, np.arange(500)), resamples=500)
    for name in ("accuracy", "auc_roc", "sensitivity", "brier"):
        ratio = by_patient[name].std() / by_film[name].std()
        assert 1.9 < ratio < 2.6, name  # the theory says √5 = 2.24


def test_intervals_hold_the_truth_about_as_often_as_they_promise() -> None:
    # Normal scores one and a half deviations apart: AUC is Φ(1.5 / √2) = 0.8556, sensitivity at the middle Φ(0.75).
    truth = {"auc_roc": 0.85560, "sensitivity": 0.77337, "accuracy": 0.77337}
    held = dict.fromkeys(truth, 0)
    repetitions = 250
    for repetition in range(repetitions):
        rng = np.random.default_rng(repetition)
        target = np.arange(160) % 2
        positive = 1 / (1 + np.exp(-(rng.normal(size=160) + 1.5 * target - 0.75)))
        predictions = binary(target, positive, np.arange(160))
        draws, values = draw_scores(predictions, resamples=300, seed=repetition), scores_of(predictions)
        for name, true in truth.items():
            score, _ = percentile_score(values[name], draws[name], patients=80)
            held[name] += score.low <= true <= score.high
    for name, count in held.items():
        assert 0.90 <= count / repetitions <= 0.985, name
