"""Patients dealt out to groups, so that each group gets its share of the cases of every class.

A group is a part of a split, or a fold. No patient is ever divided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.datasets.case import Case
from hounsfield.datasets.listing import counted
from hounsfield.errors import SplitError


@dataclass(frozen=True)
class Patient:
    """A patient as far as splitting goes."""

    id: str
    cases: int
    classes: frozenset[int]
    """Classes of the labelled cases."""

    @property
    def worst(self) -> int:
        """The highest class, by which patients are stratified; -1 without any label."""
        return max(self.classes, default=-1)


def patients_of(cases: Iterable[Case]) -> tuple[Patient, ...]:
    """The patients of some cases, sorted by id, so that the order of the cases changes nothing.

    Patients who share an exposure count as one.
    """
    counts: Counter[str] = Counter()
    classes: dict[str, set[int]] = defaultdict(set)
    for case in cases:
        counts[case.unit] += 1
        if case.target is not None:
            classes[case.unit].add(case.target)
    return tuple(Patient(name, counts[name], frozenset(classes[name])) for name in sorted(counts))


def deal(
    patients: Sequence[Patient],
    shares: Sequence[float],
    *,
    seed: int,
    classes: Sequence[str],
    known: Mapping[str, int] | None = None,
) -> tuple[frozenset[str], ...]:
    """Patient ids of each group, every group holding every class, the same for the same seed.

    Within a class patients come in random order, the ones with most cases first, and each goes to the group that is
    furthest from its share, so that cases as well as patients are balanced.

    Args:
        patients: As `patients_of` gives them.
        shares: Of each group, all above 0, together 1.
        seed: Of the random order.
        classes: Names, for messages.
        known: Group, by id, of patients who are in one already.

    Raises:
        SplitError: There are too few patients, in all or of a class, for every group to have one.
    """
    groups = len(shares)
    _refuse_too_few(patients, groups, classes)
    order = np.random.default_rng(seed).permutation(len(patients))
    shuffled = [patients[index] for index in order]
    dealt = {patient.id: known[patient.id] for patient in patients if patient.id in known} if known else {}
    for label in _rarest_first(patients):
        _give_one_to_each(shuffled, label, groups, dealt)
    for worst in sorted({patient.worst for patient in patients}):
        _fill_up([patient for patient in shuffled if patient.worst == worst], shares, dealt)
    parts = tuple(frozenset(name for name, group in dealt.items() if group == number) for number in range(groups))
    _refuse_one_sided(patients, parts, classes)
    return parts


def _refuse_too_few(patients: Sequence[Patient], groups: int, classes: Sequence[str]) -> None:
    counts = Counter(label for patient in patients for label in patient.classes)
    few = [f"{counts[label]} with {classes[label]!r}" for label in sorted(counts) if counts[label] < groups]
    if len(patients) < groups or few:
        only = f", only {', '.join(few)}" if few else ""
        raise SplitError(
            f"{counted(len(patients), 'patient')}{only}: too few for {groups} groups that share no patient; "
            f"needed are at least {groups} patients of every class, and hundreds for figures that mean much"
        )


def _rarest_first(patients: Sequence[Patient]) -> list[int]:
    counts = Counter(label for patient in patients for label in patient.classes)
    return sorted(counts, key=lambda label: (counts[label], label))


def _give_one_to_each(shuffled: Sequence[Patient], label: int, groups: int, dealt: dict[str, int]) -> None:
    """Give every group that lacks a class its first free patient who has it, best one without a worse class."""
    holding = {dealt[patient.id] for patient in shuffled if patient.id in dealt and label in patient.classes}
    free = [patient for patient in shuffled if patient.id not in dealt and label in patient.classes]
    free.sort(key=lambda patient: patient.worst != label)
    for group, patient in zip((group for group in range(groups) if group not in holding), free, strict=False):
        dealt[patient.id] = group


def _fill_up(stratum: Sequence[Patient], shares: Sequence[float], dealt: dict[str, int]) -> None:
    """Deal the rest of a stratum, always to the group with the smallest part of its share."""
    filled = [0] * len(shares)
    for patient in stratum:
        if patient.id in dealt:
            filled[dealt[patient.id]] += patient.cases
    for patient in sorted((p for p in stratum if p.id not in dealt), key=lambda p: -p.cases):
        neediest = min(range(len(shares)), key=lambda group: filled[group] / shares[group])
        dealt[patient.id] = neediest
        filled[neediest] += patient.cases


def _refuse_one_sided(patients: Sequence[Patient], parts: Sequence[frozenset[str]], classes: Sequence[str]) -> None:
    present = {label for patient in patients for label in patient.classes}
    for part in parts:
        lacking = present - {label for patient in patients if patient.id in part for label in patient.classes}
        if lacking or not part:
            names = ", ".join(classes[label] for label in sorted(lacking)) or "any class"
            raise SplitError(f"too few patients: no way was found to give each of {len(parts)} groups one with {names}")
