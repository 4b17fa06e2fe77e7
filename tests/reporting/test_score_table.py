"""Scores as rows, and the verdict in plain words."""

import math
from dataclasses import replace

import pytest
from report_samples import binary_evidence, many_class_evidence

from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.reporting.score_table import main_figure, main_score, score_rows, verdict
from hounsfield.reporting.score_words import no_skill


def with_auc(low: float, value: float, high: float) -> Evidence:
    return replace(binary_evidence(80), scores={"auc_roc": Score(value, low, high)})


def test_a_clear_result_is_told_in_hundreds() -> None:
    assert verdict(with_auc(0.72, 0.79, 0.85)) == (
        "Shown a malignant and a benign case, the model rates the malignant one higher 79 times in 100 "
        "(95\u202f% interval 72 to 85)."
    )


def test_an_interval_that_holds_one_half_is_called_what_it_is() -> None:
    assert "this may be chance" in verdict(with_auc(0.48, 0.6, 0.7))
    assert "the wrong way round" in verdict(with_auc(0.2, 0.3, 0.4))


def test_the_threshold_is_told_as_found_and_false_alarms() -> None:
    scores = {"sensitivity": Score(0.8, 0.7, 0.9), "specificity": Score(0.75, 0.6, 0.8)}
    told = verdict(replace(binary_evidence(80), scores=scores))
    assert told == "At its threshold it finds 80 of 100 malignant cases and calls 25 of 100 benign ones malignant."


def test_without_skill_by_hand() -> None:
    assert no_skill("auc_roc", (30, 10)) == 0.5
    assert no_skill("accuracy", (30, 10)) == 0.75
    assert no_skill("precision", (30, 10)) == 0.25
    assert no_skill("brier", (30, 10)) == pytest.approx(0.25 * 0.75)
    assert no_skill("sensitivity", (30, 10)) is None
    assert no_skill("brier", (30, 10, 5)) is None
    assert no_skill("accuracy", (0, 0)) is None


def test_all_scores_have_a_row_in_the_usual_order() -> None:
    evidence = binary_evidence(120)
    rows = score_rows(evidence.scores, classes=evidence.classes, class_counts=evidence.class_counts)
    assert [row.label for row in rows] == [
        "AUC-ROC", "Accuracy", "Sensitivity", "Specificity", "Precision", "Average precision", "Brier score",
        "Calibration error",
    ]  # fmt: skip


def test_a_score_this_version_does_not_know_is_shown_by_its_name() -> None:
    rows = score_rows({"dice_liver": Score(0.9, 0.8, 0.95)}, classes=("a",), class_counts=(5,))
    assert rows[0].label == "dice liver" and rows[0].value == "0.900"


def test_the_main_figure_is_the_first_that_is_defined() -> None:
    scores = {"accuracy": Score(0.7, 0.6, 0.8), "auc_roc": Score(math.nan, math.nan, math.nan)}
    assert main_score(scores) == "accuracy"
    assert main_figure(replace(binary_evidence(80), scores={})) is None


def test_many_classes_are_told_without_a_positive_one() -> None:
    assert "malignant" not in verdict(many_class_evidence())
