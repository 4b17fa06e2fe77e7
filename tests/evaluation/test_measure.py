"""`measure` as a whole: what is in the evidence, and what it says when something cannot be known."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from sklearn import metrics

from hounsfield.errors import EvaluationError
from hounsfield.evaluation import CaseResult, Evidence
from hounsfield.evaluation.sets import Held

MakeResults = Callable[..., list[CaseResult]]
MakeEvidence = Callable[..., Evidence]


def test_evidence_holds_what_was_measured_on_what(make_results: MakeResults, make_evidence: MakeEvidence) -> None:
    results = make_results(60, patients=50)
    evidence = make_evidence(results, threshold=0.4, notes=("Patients are unknown.",))
    positive = np.array([result.probabilities[1] for result in results])
    target = np.array([result.target for result in results])
    assert set(evidence.scores) == {
        "accuracy", "precision", "sensitivity", "specificity", "auc_roc", "average_precision", "brier", "ece",
    }  # fmt: skip
    assert evidence.scores["auc_roc"].value == pytest.approx(metrics.roc_auc_score(target, positive), abs=1e-12)
    assert evidence.confusion == tuple(map(tuple, metrics.confusion_matrix(target, positive >= 0.4).tolist()))
    assert (evidence.cases, evidence.patients) == (60, len({result.patient for result in results}))
    assert (evidence.class_counts, evidence.threshold) == ((30, 30), 0.4)
    assert evidence.notes == ("Patients are unknown.",)
    assert evidence.results == tuple(results)
    assert set(evidence.curves) == {"roc", "precision_recall", "calibration", "net_benefit", "net_benefit_of_all"}
    assert datetime.fromisoformat(evidence.created).utcoffset() is not None
    assert {"python", "hounsfield", "numpy", "torch"} <= set(evidence.versions)
    for score in evidence.scores.values():
        assert 0 <= score.low <= score.value < score.high <= 1


def test_the_same_results_give_the_same_figures_in_any_order(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(50, patients=30)
    first, second = make_evidence(results), make_evidence(results[::-1])
    for name, score in first.scores.items():
        assert second.scores[name].value == pytest.approx(score.value, abs=1e-12)
        assert second.scores[name].low == pytest.approx(score.low, abs=1e-12)


def test_of_one_class_the_auc_is_absent_and_a_note_says_why(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    healthy = [result for result in make_results(80) if result.target == 0]
    evidence = make_evidence(healthy)
    assert set(evidence.scores) == {"accuracy", "precision", "specificity", "brier", "ece"}
    assert evidence.notes[0] == ("All cases are benign: sensitivity, auc_roc and average_precision cannot be computed.")


def test_when_nothing_is_called_positive_the_precision_is_absent(make_evidence: MakeEvidence) -> None:
    evidence = make_evidence(threshold=1.0)
    assert "precision" not in evidence.scores
    assert evidence.notes[0] == "No case was called malignant: precision cannot be computed."
    assert evidence.scores["sensitivity"].value == 0
    assert evidence.scores["sensitivity"].high == pytest.approx(1 - 0.025 ** (1 / 30))


def test_one_patient_leaves_every_interval_open(make_results: MakeResults, make_evidence: MakeEvidence) -> None:
    evidence = make_evidence([replace(result, patient="anna") for result in make_results(6)])
    assert {(score.low, score.high) for score in evidence.scores.values()} == {(0, 1)}
    assert evidence.notes == (
        "One patient only: how far the scores would vary is unknown, so every interval is all of [0, 1].",
    )


def test_few_patients_and_left_out_draws_are_told(make_evidence: MakeEvidence, make_results: MakeResults) -> None:
    notes = " ".join(make_evidence(make_results(5, seed=1)).notes)
    assert "5 patients only: intervals from so few are too narrow." in notes
    assert "Of 200 draws, those without a needed class or call were left out for" in notes
    assert "auc_roc (" in notes


def test_a_perfect_score_gets_the_binomial_bound_of_the_rarer_class(make_evidence: MakeEvidence) -> None:
    right = [CaseResult(f"c{n}", f"p{n}", int(n < 10), (0.1, 0.9) if n < 10 else (0.9, 0.1)) for n in range(50)]
    evidence = make_evidence(right)
    assert evidence.scores["auc_roc"].low == pytest.approx(0.025 ** (1 / 10))
    assert evidence.scores["sensitivity"].low == pytest.approx(0.025 ** (1 / 10))
    assert evidence.scores["specificity"].low == pytest.approx(0.025 ** (1 / 40))
    assert evidence.scores["accuracy"].low == pytest.approx(0.025 ** (1 / 50))
    assert "the exact binomial bound" in evidence.notes[0]


def test_with_three_classes_the_scores_are_macro_and_the_threshold_is_a_half(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(90, classes=3)
    evidence = make_evidence(results, classes=("a", "b", "c"), threshold=0.9)
    target = np.array([result.target for result in results])
    probabilities = np.array([result.probabilities for result in results])
    theirs = metrics.roc_auc_score(target, probabilities, multi_class="ovr")
    assert evidence.threshold == 0.5
    assert evidence.scores["auc_roc"].value == pytest.approx(theirs, abs=1e-12)
    assert evidence.scores["accuracy"].value == (probabilities.argmax(axis=1) == target).mean()
    for score in evidence.scores.values():
        assert score.low < score.value < score.high


def test_a_class_of_many_that_is_never_called_leaves_the_precision_an_interval(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = [
        replace(result, probabilities=(result.probabilities[0], 1 - result.probabilities[0], 0.0))
        for result in make_results(90, classes=3)
    ]
    score = make_evidence(results, classes=("a", "b", "c")).scores["precision"]
    assert 0.1 < score.low < score.value < score.high < 0.7  # a third of the mean is 0 in every draw


def test_a_single_positive_patient_leaves_the_sensitivity_open(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(80)
    one = [result for result in results if result.target == 0] + results[1:2]
    evidence = make_evidence(one)
    assert (evidence.scores["sensitivity"].low, evidence.scores["sensitivity"].high) == (0, 1)
    assert (evidence.scores["auc_roc"].low, evidence.scores["auc_roc"].high) == (0, 1)
    assert evidence.scores["specificity"].low > 0.5
    assert "Too few patients to know how far sensitivity, auc_roc and average_precision" in " ".join(evidence.notes)


def test_a_class_without_cases_is_named(make_results: MakeResults, make_evidence: MakeEvidence) -> None:
    results = [result for result in make_results(120, classes=3) if result.target != 2]
    evidence = make_evidence(results, classes=("a", "b", "c"))
    assert evidence.notes == ("No case is c: means over the classes leave it out.",)
    assert evidence.class_counts == (40, 40, 0)


def test_no_results_and_no_draws_are_refused(make_evidence: MakeEvidence) -> None:
    with pytest.raises(EvaluationError, match="holds no case"):
        make_evidence([])
    with pytest.raises(EvaluationError, match="at least one bootstrap draw, not 0"):
        make_evidence(resamples=0)


def test_sets_are_measured_where_the_model_makes_some(make_results: MakeResults, make_evidence: MakeEvidence) -> None:
    assert make_evidence().sets is None
    held = Held(np.ones((60, 2), dtype=bool), 0.9)
    sets = make_evidence(held=held).sets
    assert sets is not None
    assert (sets.promised, sets.coverage["benign"].value, sets.decided.value) == (0.9, 1.0, 0.0)
    assert [point.rule for point in make_evidence().attainable][:1] == ["specificity>=0.9"]
    three = make_evidence(make_results(60, classes=3), classes=("a", "b", "c"))
    assert three.attainable == ()
