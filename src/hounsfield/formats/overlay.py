"""Structures laid over each other: one number a voxel, where several may overlap."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hounsfield.arrays import BoolArray, IntArray

Combination = tuple[int, ...]
"""The structures that a voxel belongs to, by their places, rising."""


def overlay(parts: Iterable[tuple[int, BoolArray]], shape: tuple[int, ...]) -> tuple[IntArray, list[Combination]]:
    """The number of each voxel, int32, and the combination of structures that each number stands for; 0 is none.

    Args:
        parts: Places of structures, each with a mask of this shape; those of one place count as one. They are held one
            at a time.
        shape: Of the masks.
    """
    numbers: IntArray = np.zeros(shape, dtype=np.int32)
    combinations: list[Combination] = [()]
    known = {(): 0}
    for place, inside in parts:
        under = numbers[inside]
        table = np.arange(len(combinations), dtype=np.int32)
        for before in np.unique(under).tolist():
            combination = tuple(sorted({*combinations[before], place}))
            if combination not in known:
                known[combination] = len(combinations)
                combinations.append(combination)
            table[before] = known[combination]
        numbers[inside] = table[under]
    there = set(np.unique(numbers).tolist()) | {0}
    kept = [number for number in range(len(combinations)) if number in there]
    renumbered = np.zeros(len(combinations), dtype=np.int32)
    renumbered[kept] = np.arange(len(kept))
    return renumbered[numbers], [combinations[number] for number in kept]


def numbers_of(places: Iterable[int], combinations: Iterable[Combination], *, first: int = 1) -> dict[Combination, int]:
    """A number for each structure, and after them one for each combination of several; 0 for none.

    Args:
        places: Of the structures, in the order of their numbers.
        combinations: That occur; order and repeats do not matter.
        first: Number of the first structure.
    """
    several = sorted({own for own in combinations if len(own) > 1}, key=lambda own: (len(own), own))
    return {(): 0} | {own: number for number, own in enumerate([*((one,) for one in places), *several], start=first)}
