"""Which cases each network of an ensemble learns from, and which it is validated on.

Where a training begins from a bundle of folds, a patient whom that knows stays in the fold in which he was held back,
and the network of that fold begins from the one that had not learned from him: validation stays honest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hounsfield.bundle import Bundle, patient_digest
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.digest import case_digests
from hounsfield.datasets.split import Split, make_folds
from hounsfield.errors import SplitError
from hounsfield.learning.start import Start
from hounsfield.plan import Plan

Marks = Mapping[str, frozenset[str]]
"""Digests of a case's patient and of its images, by the case's id."""


def marks_of(cases: Sequence[Case], name: str) -> dict[str, frozenset[str]]:
    """By what the cases of the data set `name` are known again, under whatever name: see `Marks`."""
    return {
        case.id: digests | {patient_digest(name, case.patient)}
        for case, digests in zip(cases, case_digests(cases), strict=True)
    }


def folds_to_keep(bundle: Bundle, marks: Marks) -> int | None:
    """The folds of a bundle that has held back any of some cases; None where it knows none of them, or has no folds."""
    held_back = frozenset().union(*bundle.training.held_back)
    if bundle.plan.ensemble.folds == 1 or not any(own & held_back for own in marks.values()):
        return None
    return bundle.plan.ensemble.folds


def member_cases(
    dataset: Dataset, plan: Plan, split: Split, ids: Sequence[str], *, start: Start, marks: Marks
) -> list[tuple[Sequence[str], Sequence[str]]]:
    """For each member, which of the cases `ids` it learns from and which it is validated on.

    Raises:
        SplitError: There are fewer patients of a class than the plan has folds.
    """
    if plan.ensemble.folds == 1:
        learned, validated = ([case for case in ids if split.parts[case] == part] for part in ("train", "val"))
        return [(learned, validated)] * plan.ensemble.repeats
    rounds: list[tuple[Sequence[str], Sequence[str]]] = []
    for repeat in range(plan.ensemble.repeats):
        for fold in _folds(dataset, plan, ids, repeat, _known_folds(dataset, plan, ids, repeat, start, marks)):
            held_back = set(fold)
            rounds.append(([case for case in ids if case not in held_back], fold))
    return rounds


def _folds(
    dataset: Dataset, plan: Plan, ids: Sequence[str], repeat: int, known: Mapping[str, int]
) -> tuple[tuple[str, ...], ...]:
    """With the folds of patients who are known where every fold then has every class, else without."""
    folds, seed = plan.ensemble.folds, plan.seed + repeat
    if known:
        try:
            return make_folds(dataset, ids, folds=folds, seed=seed, known=known)
        except SplitError:
            pass
    return make_folds(dataset, ids, folds=folds, seed=seed)


def _known_folds(
    dataset: Dataset, plan: Plan, ids: Sequence[str], repeat: int, start: Start, marks: Marks
) -> dict[str, int]:
    """In which fold the bundle that is begun from had held back a patient."""
    folds, wanted = plan.ensemble.folds, set(ids)
    if not start.held_back or start.folds != folds:
        return {}
    of_fold = [start.held_back[(repeat * folds + fold) % len(start.held_back)] for fold in range(folds)]
    found: dict[str, int] = {}
    for case in dataset.cases:
        if case.id in wanted:
            fold = next((number for number, own in enumerate(of_fold) if marks[case.id] & own), None)
            if fold is not None:
                found.setdefault(case.patient, fold)
    return found


def held_back_by(
    rounds: Sequence[tuple[Sequence[str], Sequence[str]]], plan: Plan, *, start: Start, marks: Marks
) -> tuple[frozenset[str], ...]:
    """For each member the digests of what it is validated on, but for those that it had seen where it began.

    What was held back where it began, under whatever name, goes on to be where none of it is learned now.
    """
    found = []
    for member, (learned, validated) in enumerate(rounds):
        own = _together(marks, validated) - _seen_by(member, plan, start)
        before = start.held_back[member % len(start.held_back)] if start.held_back else frozenset()
        found.append(own if before & _together(marks, learned) else own | before)
    return tuple(found)


def _together(marks: Marks, cases: Sequence[str]) -> frozenset[str]:
    return frozenset().union(*(marks[case] for case in cases if case in marks))


def known_before(
    rounds: Sequence[tuple[Sequence[str], Sequence[str]]], plan: Plan, *, start: Start, marks: Marks
) -> tuple[str, ...]:
    """A warning where a network is validated on cases that it had learned from in the bundle that it began from."""
    every = {case for _, validated in rounds for case in validated if case in marks}
    known = {
        case
        for member, (_, validated) in enumerate(rounds)
        for case in validated
        if case in marks and marks[case] & _seen_by(member, plan, start)
    }
    if not known:
        return ()
    return (
        f"{len(known)} of {len(every)} cases are of patients that the bundle it began from had seen: the validation "
        "figures are too good.",
    )


def _seen_by(member: int, plan: Plan, start: Start) -> frozenset[str]:
    """By the network that a member begins from; a probe's features are all of the first."""
    return start.seen_by(0 if plan.optimisation.head_only else member)
