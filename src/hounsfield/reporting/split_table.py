"""Who is where: cases, patients and classes of each part of a split."""

from __future__ import annotations

from dataclasses import dataclass

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import PARTS, Split

PART_NAMES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class PartCount:
    """How much a part of a split holds."""

    part: str
    """"training", "validation", "test" …"""
    cases: int
    patients: int
    class_counts: tuple[int, ...]
    """Cases of each class."""


def count_parts(dataset: Dataset, split: Split) -> tuple[PartCount, ...]:
    """The parts that hold cases, in the order training, validation, test; cases without a class count as cases."""
    found = []
    for part in PARTS:
        cases = split.select(dataset, part)
        if cases:
            counts = tuple(sum(case.target == label for case in cases) for label in range(len(dataset.classes)))
            patients = len({case.patient for case in cases})
            found.append(PartCount(PART_NAMES[part], len(cases), patients, counts))
    return tuple(found)
