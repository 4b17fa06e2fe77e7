"""Which cases each network of an ensemble learns from, and which it is validated on.

Where a training begins from a bundle of folds, a patient whom that knows stays in the fold in which he was held back,
and the network of that fold begins from the one that had not learned from him: validation stays honest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from hounsfield.bundle import Bundle, digest_of
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.digest import case_digests
from hounsfield.datasets.split import Split, make_folds
from hounsfield.errors import SplitError
from hounsfield.learning.start import Start
from hounsfield.plan import Plan
from hounsfield.progress import say

Marks = Mapping[str, frozenset[str]]
"""By what a patient is known again, under whatever name: digests of him and of his images, by the patient's id."""

Rounds = Sequence[tuple[Sequence[str], Sequence[str]]]
"""For each member of an ensemble the ids of the cases that it learns from, and of those that it is validated on."""

SHARE_KNOWN = 0.1
"""Of the patients, from which on a bundle's folds are kept; fewer of them hardly change what validation says."""


def marks_of(cases: Sequence[Case], name: str) -> dict[str, frozenset[str]]:
    """The marks of the patients of some cases of the data set `name`."""
    found: dict[str, frozenset[str]] = {}
    for case, digests in zip(cases, case_digests(cases), strict=True):
        earlier = found.get(case.patient, frozenset())
        found[case.patient] = earlier | digests | {digest_of(case, name)}
    return found


def folds_to_keep(bundle: Bundle, cases: Sequence[Case], name: str, *, rarest_patients: int) -> tuple[int, str] | None:
    """The folds of a bundle that has held back some of these patients, and why; None where it decides nothing."""
    folds = bundle.plan.ensemble.folds
    if folds == 1 or not bundle.training.held_back or rarest_patients < folds:
        return None
    held_back, marks = frozenset().union(*bundle.training.held_back), marks_of(cases, name)
    known = sum(bool(own & held_back) for own in marks.values())
    if known < SHARE_KNOWN * len(marks):
        return None
    return folds, f"as in the bundle it begins from, which held back {known} of {len(marks)} patients in these folds"


def member_cases(
    dataset: Dataset, plan: Plan, split: Split, ids: Sequence[str], *, start: Start, marks: Marks
) -> Rounds:
    """The rounds of an ensemble that learns from the cases `ids`.

    Args:
        dataset: Where the cases come from.
        plan: The choices.
        split: Says what is learned from where there are no folds.
        ids: Of the cases of both parts.
        start: What the training begins from.
        marks: Of the patients of these cases.

    Raises:
        SplitError: There are fewer patients of a class than the plan has folds.
    """
    if plan.ensemble.folds == 1:
        learned, validated = ([case for case in ids if split.parts[case] == part] for part in ("train", "val"))
        return [(learned, validated)] * plan.ensemble.repeats
    rounds: list[tuple[Sequence[str], Sequence[str]]] = []
    for repeat in range(plan.ensemble.repeats):
        for fold in _folds(dataset, plan, ids, repeat, _known_folds(plan, repeat, start, marks)):
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
        except SplitError as error:
            say(f"warning: the folds of the bundle that is begun from cannot be kept: {error}")
    return make_folds(dataset, ids, folds=folds, seed=seed)


def _known_folds(plan: Plan, repeat: int, start: Start, marks: Marks) -> dict[str, int]:
    """In which fold the bundle that is begun from had held back a patient."""
    folds = plan.ensemble.folds
    if not start.held_back or start.folds != folds:
        return {}
    of_fold = [start.held_back[(repeat * folds + fold) % len(start.held_back)] for fold in range(folds)]
    found = {patient: [n for n, held_back in enumerate(of_fold) if own & held_back] for patient, own in marks.items()}
    return {patient: numbers[0] for patient, numbers in found.items() if numbers}


def rounds_digest(rounds: Rounds) -> str:
    """SHA-256 of who learns from what."""
    return hashlib.sha256(json.dumps([[list(part) for part in parts] for parts in rounds]).encode()).hexdigest()


def held_back_by(
    rounds: Rounds, plan: Plan, start: Start, marks: Marks, patients: Mapping[str, str]
) -> tuple[frozenset[str], ...]:
    """For each member the marks of patients whom neither it nor the network that it began from has learned from.

    What was held back where it began, under whatever name, goes on to be where none of it is learned now.

    Args:
        rounds: As `member_cases` gives them.
        plan: The choices.
        start: What the training began from.
        marks: Of the patients.
        patients: Of the cases that were used, by case.
    """
    found = []
    for member, (learned, validated) in enumerate(rounds):
        learned_now = frozenset().union(*(marks[patients[case]] for case in learned if case in patients))
        seen = start.seen_by(_begins_from(member, plan)) | learned_now
        unseen = {patients[case] for case in validated if case in patients and not marks[patients[case]] & seen}
        before = start.held_back_by(_begins_from(member, plan))
        own = frozenset().union(*(marks[patient] for patient in unseen))
        found.append(own if before & learned_now else own | before)
    return tuple(found)


def known_before(
    rounds: Rounds, plan: Plan, start: Start, marks: Marks, patients: Mapping[str, str]
) -> tuple[str, ...]:
    """A warning where a network is validated on patients whom it had learned from in the bundle that it began from.

    Args:
        rounds: As `member_cases` gives them.
        plan: The choices.
        start: What the training began from.
        marks: Of the patients.
        patients: Of the cases that were used, by case.
    """
    every = {case for _, validated in rounds for case in validated if case in patients}
    known = {
        case
        for member, (_, validated) in enumerate(rounds)
        for case in every.intersection(validated)
        if marks[patients[case]] & start.seen_by(_begins_from(member, plan))
    }
    if not known:
        return ()
    return (
        f"{len(known)} of {len(every)} cases are of patients that the bundle it began from had seen: the validation "
        "figures are too good.",
    )


def _begins_from(member: int, plan: Plan) -> int:
    """Number of the bundle's network that a member begins from; a probe's features are all of the first."""
    return 0 if plan.optimisation.head_only else member
