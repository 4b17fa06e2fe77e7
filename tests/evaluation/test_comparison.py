"""Two models on the same cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.comparison import compare
from hounsfield.evaluation.evidence import CaseResult, Evidence
from hounsfield.evaluation.measure import Origin, measure
from hounsfield.findings.model import ModelIdentity
from hounsfield.reporting.comparison_report import verdict


def _evidence(name: str, skill: float, *, cases: int = 200, seed: int = 0, first: int = 0) -> Evidence:
    """Of a model whose scores lie `skill` apart; all models see the same cases and share half of the noise."""
    shared, own = np.random.default_rng(7), np.random.default_rng(seed)
    results = []
    for number in range(cases):
        noise = shared.normal() + own.normal()
        odds = skill * (number % 2) + noise
        probability = float(1 / (1 + np.exp(-odds)))
        results.append(
            CaseResult(f"c{number + first}", f"p{(number + first) // 2}", number % 2, (1 - probability, probability))
        )
    model = ModelIdentity(name, "0", name * 8)
    origin = Origin("made", "test", ("benign", "malignant"), attributes={}, model=model, seconds=0, resamples=50)
    return measure(results, origin, task="classification", threshold=0.5, threshold_from="")


def test_a_better_model_is_told_from_a_worse_one() -> None:
    better, worse = _evidence("a", 2.5, seed=1), _evidence("b", 1.0, seed=2)
    comparison = compare(better, worse)
    auc = comparison.differences["auc_roc"]
    assert auc.difference.value == pytest.approx(better.scores["auc_roc"].value - worse.scores["auc_roc"].value)
    assert auc.difference.low > 0 and auc.p_value < 0.01
    assert comparison.areas is not None and comparison.areas.p_value < 0.01
    assert comparison.areas.value == pytest.approx(auc.difference.value)
    low, high = comparison.areas.interval
    assert (low, high) == pytest.approx((auc.difference.low, auc.difference.high), abs=0.02)
    turned = compare(worse, better).differences["auc_roc"]
    assert turned.difference.value == pytest.approx(-auc.difference.value)
    assert verdict(comparison).startswith("a ranks better than b: AUC ")
    assert verdict(compare(worse, better)).startswith("a ranks better than b: AUC ")


def test_a_model_is_as_good_as_itself() -> None:
    evidence = _evidence("a", 1.5)
    comparison = compare(evidence, evidence)
    assert comparison.agreement == 1 and comparison.areas is not None and comparison.areas.p_value == 1
    assert all(one.difference.value == 0 and one.p_value == 1 for one in comparison.differences.values())


def test_two_models_of_one_skill_are_not_told_apart() -> None:
    comparison = compare(_evidence("a", 1.5, seed=1), _evidence("b", 1.5, seed=2))
    auc = comparison.differences["auc_roc"]
    assert auc.difference.low < 0 < auc.difference.high and auc.p_value > 0.05


def test_only_shared_cases_count_and_it_is_said() -> None:
    comparison = compare(_evidence("a", 2.0), _evidence("b", 1.0, first=40))
    assert comparison.cases == 160
    assert comparison.notes[0] == "40 of 200 cases of a left out: not all models have them."


def test_other_cases_other_classes_and_other_truths_are_refused() -> None:
    one = _evidence("a", 2.0)
    with pytest.raises(EvaluationError, match="and no case is among all of them: give data that none has seen"):
        compare(one, _evidence("b", 1.0, first=1000))
    with pytest.raises(EvaluationError, match="only models of the same classes can be compared"):
        compare(one, replace(one, classes=("normal", "abnormal")))
    results = (replace(one.results[0], target=1), *one.results[1:])
    with pytest.raises(EvaluationError, match="the case 'c0' is benign in one, malignant in another"):
        compare(one, replace(one, results=results))


def test_few_patients_are_warned_of() -> None:
    comparison = compare(_evidence("a", 2.0, cases=20), _evidence("b", 1.0, cases=20, seed=3))
    assert "10 patients only: intervals from so few are too narrow." in comparison.notes


def _few(name: str, first: float, second: float) -> Evidence:
    """One benign and one malignant woman, with the given probabilities."""
    results = [
        CaseResult("a", "A", 0, (1 - first, first)),
        CaseResult("b", "B", 1, (1 - second, second)),
    ]
    return replace(_evidence(name, 1.0), results=tuple(results))


def test_two_patients_decide_nothing() -> None:
    comparison = compare(_few("a", 0.1, 0.9), _few("b", 0.9, 0.1))
    auc = comparison.differences["auc_roc"]
    assert (auc.difference.value, auc.difference.low, auc.difference.high, auc.p_value) == (1, -1, 1, 1)
    assert comparison.areas is None and "whether the models differ is unknown" in " ".join(comparison.notes)


def test_one_positive_patient_among_many_decides_nothing_about_sensitivity() -> None:
    def evidence(name: str, probability: float) -> Evidence:
        results = [CaseResult(f"c{n}", f"p{n}", 0, (0.8, 0.2)) for n in range(200)]
        results.append(CaseResult("x", "X", 1, (1 - probability, probability)))
        return replace(_evidence(name, 1.0), results=tuple(results))

    found = compare(evidence("a", 0.9), evidence("b", 0.1)).differences["sensitivity"]
    assert (found.difference.value, found.difference.low, found.p_value) == (1, -1, 1)
