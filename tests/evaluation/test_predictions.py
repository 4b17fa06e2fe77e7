"""What `predictions_from` accepts, and the sentence with which it refuses the rest."""

from dataclasses import replace

import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation import CaseResult
from hounsfield.evaluation.predictions import Predictions, predictions_from

CLASSES = ("benign", "malignant")
ONE = CaseResult("a", "anna", 1, (0.4, 0.6))


def predictions(*results: CaseResult, threshold: float = 0.5) -> Predictions:
    return predictions_from(results, classes=CLASSES, threshold=threshold)


def test_patients_are_numbered_by_id_and_share_their_number() -> None:
    zoe, bea = CaseResult("b", "zoe", 0, (1.0, 0.0)), CaseResult("c", "bea", 0, (1.0, 0.0))
    found = predictions(zoe, ONE, bea, replace(zoe, case="d"))
    assert found.patient.tolist() == [2, 0, 1, 2]
    assert (found.cases, found.patients) == (4, 3)


def test_a_probability_that_reaches_the_threshold_is_called_positive() -> None:
    assert predictions(ONE, threshold=0.6).called.tolist() == [1]
    assert predictions(ONE, threshold=0.6000001).called.tolist() == [0]


def test_of_three_classes_the_largest_probability_decides() -> None:
    results = [CaseResult("a", "a", 0, (0.3, 0.3, 0.4)), CaseResult("b", "b", 0, (0.4, 0.4, 0.2))]
    assert predictions_from(results, classes=("a", "b", "c"), threshold=0.9).called.tolist() == [2, 0]


def test_a_part_numbers_its_patients_anew() -> None:
    found = predictions(ONE, CaseResult("b", "bea", 0, (1.0, 0.0)), CaseResult("c", "cleo", 0, (1.0, 0.0)))
    part = found[found.target == 0]
    assert part.patient.tolist() == [0, 1]
    assert part.patients == 2


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "holds no case"),
        ([ONE, ONE], "'a' was measured twice"),
        ([replace(ONE, patient="")], "'a' names no patient"),
        ([replace(ONE, target=2)], "target 2, expected an index into the 2 classes"),
        ([replace(ONE, target=-1)], "target -1"),
        ([replace(ONE, probabilities=(1.0,))], "has 1 probabilities, expected one for each of the 2"),
        ([replace(ONE, probabilities=(-2.1, 3.1))], "softmax"),
        ([replace(ONE, probabilities=(float("nan"), 1.0))], r"\[nan, 1.0\], expected numbers in \[0, 1\]"),
        ([replace(ONE, probabilities=(0.9, 0.9))], "sum to 1.8, expected 1"),
    ],
)
def test_bad_results_are_refused_with_the_case_named(results: list[CaseResult], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        predictions(*results)


def test_one_class_name_or_a_threshold_that_is_no_number_is_refused() -> None:
    with pytest.raises(EvaluationError, match="at least two classes"):
        predictions_from([replace(ONE, probabilities=(1.0,))], classes=("benign",), threshold=0.5)
    with pytest.raises(EvaluationError, match="threshold must be a number"):
        predictions(ONE, threshold=float("nan"))


def test_probabilities_rounded_to_bfloat16_are_accepted() -> None:
    assert predictions(replace(ONE, probabilities=(0.40005, 0.6))).cases == 1
