"""The choice of cases worth a look."""

from dataclasses import replace

from report_samples import binary_evidence, many_class_evidence

from hounsfield.evaluation.evidence import CaseResult
from hounsfield.reporting.examples import called, choose_examples, ends_and_middle


def result(name: str, target: int, probability: float) -> CaseResult:
    return CaseResult(name, name, target, (1 - probability, probability))


def test_of_two_classes_the_threshold_decides_of_more_the_largest() -> None:
    assert called(result("a", 1, 0.4), 0.4) == 1
    assert called(result("a", 1, 0.39), 0.4) == 0
    assert called(CaseResult("a", "a", 0, (0.2, 0.45, 0.35)), 0.5) == 1


def test_the_worst_of_each_class_come_first_and_in_turn() -> None:
    cases = (
        result("missed a little", 1, 0.45),
        result("missed badly", 1, 0.01),
        result("missed", 1, 0.2),
        result("alarm", 0, 0.9),
        result("sure", 1, 0.99),
        result("cleared", 0, 0.02),
    )
    evidence = replace(binary_evidence(60), results=cases, threshold=0.5)
    chosen = choose_examples(evidence, each=3)
    assert [one.case for one in chosen.mistakes] == ["missed badly", "alarm", "missed"]
    assert [one.case for one in chosen.hits] == ["sure", "cleared"]


def test_with_many_classes_each_one_is_shown() -> None:
    chosen = choose_examples(many_class_evidence(), each=3)
    assert {one.target for one in chosen.hits} == {0, 1, 2}


def test_the_ends_and_the_middle_come_in_their_order_and_every_one_once() -> None:
    assert ends_and_middle(range(10), 2) == [0, 1, 4, 5, 8, 9]
    assert ends_and_middle(range(4), 3) == [0, 1, 2, 3]
    assert ends_and_middle(range(1), 2) == [0] and ends_and_middle([], 2) == []
