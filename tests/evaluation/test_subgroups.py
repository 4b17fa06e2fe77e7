"""Scores by attribute: the smallest group first, none refused."""

from collections.abc import Callable

import pytest

from hounsfield.evaluation import CaseResult, Evidence
from hounsfield.evaluation.subgroups import NOT_STATED, age_group

MakeResults = Callable[..., list[CaseResult]]
MakeEvidence = Callable[..., Evidence]


def test_groups_come_with_the_smallest_first_and_attributes_together(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(60)
    attributes = {
        result.case: {"view": "CC" if n < 25 else "MLO", "site": "north" if n < 40 else "south"}
        for n, result in enumerate(results)
    }
    groups = make_evidence(results, attributes=attributes).subgroups
    found = [(group.attribute, group.value, group.cases) for group in groups]
    assert found == [("site", "south", 20), ("site", "north", 40), ("view", "CC", 25), ("view", "MLO", 35)]


def test_a_group_is_scored_as_its_cases_alone_would_be(make_results: MakeResults, make_evidence: MakeEvidence) -> None:
    results = make_results(60, patients=40)
    attributes = {result.case: {"site": "north" if n < 40 else "south"} for n, result in enumerate(results)}
    north = make_evidence(results, attributes=attributes).subgroups[-1]
    alone = make_evidence(results[:40])
    assert north.scores == alone.scores
    assert (north.cases, north.patients, north.positives) == (40, alone.patients, 20)


def test_small_groups_and_groups_of_one_class_are_listed_with_a_note(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(60)
    sites = ["tiny" if n < 4 else "benign only" if n % 2 == 0 else "rest" for n in range(60)]
    attributes = {result.case: {"site": site} for result, site in zip(results, sites, strict=True)}
    tiny, rest, benign = make_evidence(results, attributes=attributes).subgroups
    assert (tiny.value, tiny.scores, tiny.note) == ("tiny", {}, "Too small to score: 4 of at least 10 patients.")
    assert (benign.scores, benign.note) == ({}, "Not scored: all cases are malignant.")
    assert (rest.scores, rest.note) == ({}, "Not scored: all cases are benign.")


def test_cases_without_the_attribute_are_a_group_of_their_own(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(40)
    attributes = {result.case: {"site": "north"} for result in results[:30]} | {results[30].case: {"site": " "}}
    groups = make_evidence(results, attributes=attributes).subgroups
    assert [(group.value, group.cases) for group in groups] == [(NOT_STATED, 10), ("north", 30)]


def test_an_attribute_of_one_value_is_no_grouping_and_one_of_many_is_named_in_a_note(
    make_results: MakeResults, make_evidence: MakeEvidence
) -> None:
    results = make_results(40)
    attributes = {result.case: {"date": f"day {n}", "site": "north"} for n, result in enumerate(results)}
    evidence = make_evidence(results, attributes=attributes)
    assert evidence.subgroups == ()
    assert evidence.notes == ("No subgroups by date: it has 40 values, more than 30.",)


@pytest.mark.parametrize(
    ("age", "group"),
    [(49.9, "40-49"), (50.0, "50-59"), (7, "00-09"), (90, "90+"), (104, "90+"), (None, ""), (float("nan"), "")],
)
def test_ages_are_grouped_by_decade(age: float | None, group: str) -> None:
    assert age_group(age) == group
