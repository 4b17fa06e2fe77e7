"""Splits by patient: made, written to a file with a hash, and refused when a patient is on both sides."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hounsfield.atomic import write_text
from hounsfield.datasets.case import Case, Dataset, Part
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.stratify import deal, patients_of
from hounsfield.errors import SplitError

PARTS: tuple[Part, ...] = ("train", "val", "test")

FRACTIONS = (0.8, 0.1, 0.1)
"""Of train, val and test, when nobody says otherwise."""

_FORMAT_VERSION = "1"


@dataclass(frozen=True)
class Split:
    """Which part every case belongs to."""

    parts: Mapping[str, Part]
    """By case id."""
    patients: Mapping[str, str]
    """Patient by case id, as the data set had them when the split was made."""
    seed: int
    fractions: tuple[float, float, float]
    """Of train, val and test, as wished or as the official parts have them; a part with 0 is meant to be empty."""
    reason: str
    """How it was made, for reports."""
    dataset: str
    """The data set's name."""

    @property
    def sha256(self) -> str:
        """Of the sorted lines "case id, patient, part", so that equal splits have equal hashes."""
        return _sha256((case, self.patients[case], part) for case, part in self.parts.items())

    def ids(self, part: Part) -> tuple[str, ...]:
        """The ids of a part's cases, in the order of the data set."""
        return tuple(case for case, own in self.parts.items() if own == part)

    def select(self, dataset: Dataset, part: Part) -> tuple[Case, ...]:
        """A part's cases, in the order of the data set."""
        return tuple(case for case in dataset.cases if self.parts.get(case.id) == part)

    def write(self, path: Path) -> None:
        """Write the split as JSON, whole or not at all.

        Raises:
            StorageError: The disk refused.
        """
        cases = [{"id": case, "patient": self.patients[case], "part": part} for case, part in self.parts.items()]
        document = {
            "format": _FORMAT_VERSION,
            "dataset": self.dataset,
            "seed": self.seed,
            "fractions": self.fractions,
            "reason": self.reason,
            "sha256": self.sha256,
            "cases": cases,
        }
        write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_split(path: Path) -> Split:
    """The split in a file.

    Raises:
        SplitError: The file is missing, no split, or was changed after it was written.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        split, written = _from_document(document)
    except OSError as error:
        raise SplitError(f"cannot read the split {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SplitError(f"{path} is not a split written by this package: {error!r}") from error
    if split.sha256 != written:
        raise SplitError(
            f"{path} was changed after it was written: its cases give the hash {split.sha256[:12]}…, the file says "
            f"{str(written)[:12]}…; take it from where it was made, or make a new split"
        )
    return split


def make_split(dataset: Dataset, *, seed: int = 0, fractions: tuple[float, float, float] | None = None) -> Split:
    """A split by patient in which every part has its share of the cases of every class.

    Patients are stratified by their worst class. Where the data's makers chose parts, these are kept: with train and
    test only, or train only, a validation part is taken out of train, and a missing test part stays missing.

    Args:
        dataset: The cases.
        seed: The same seed gives the same split, whatever the order of the cases.
        fractions: Of train, val and test; the third may be 0. By default the data set's own, else 0.8, 0.1, 0.1.

    Raises:
        SplitError: There are too few patients, only one class, or official parts that share a patient.
    """
    wished = _checked(fractions or dataset.fractions or FRACTIONS)
    alone = len({case.target for case in dataset.cases if case.target is not None}) == 1
    wanted = dataset.kinds or dataset.landmarks or dataset.labels  # may be found on images that are all of one class
    if alone and dataset.classes and not wanted:
        only = next(dataset.classes[case.target] for case in dataset.cases if case.target is not None)
        raise SplitError(f"{dataset.name}: every labelled case is {only!r}; to tell classes apart, two are needed")
    official = [case.part for case in dataset.cases]
    if any(official):
        split = _official(dataset, seed, wished)
    else:
        shares = [share for share in wished if share > 0]
        groups = deal(patients_of(dataset.cases), shares, seed=seed, classes=dataset.classes)
        part_of = {patient: part for part, group in zip(PARTS, groups, strict=False) for patient in group}
        parts = {case.id: part_of[case.unit] for case in dataset.cases}
        split = _split(dataset, parts, seed, wished, f"by patient, stratified by class, seed {seed}")
    check_split(dataset, split)
    return split


def make_folds(
    dataset: Dataset, case_ids: Iterable[str], *, folds: int, seed: int, known: Mapping[str, int] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Case ids of each fold: every given case in one fold, every patient in one fold, classes spread evenly.

    Args:
        dataset: Where the cases come from.
        case_ids: Of the cases wanted.
        folds: How many.
        seed: The same seed gives the same folds.
        known: Fold, from 0, of patients whose fold is not to be chosen anew.

    Raises:
        SplitError: Fewer than two folds, unknown cases, or fewer patients of a class than folds.
    """
    if folds < 2:
        raise SplitError(f"cross-validation needs at least 2 folds, not {folds}")
    wanted = set(case_ids)
    cases = [case for case in dataset.cases if case.id in wanted]
    if len(cases) < len(wanted):
        unknown = sorted(wanted - {case.id for case in cases})
        raise SplitError(f"{dataset.name} has no cases called {some(unknown)}")
    of_units = {case.unit: known[case.patient] for case in cases if case.patient in known} if known else None
    groups = deal(patients_of(cases), [1 / folds] * folds, seed=seed, classes=dataset.classes, known=of_units)
    return tuple(tuple(case.id for case in cases if case.unit in group) for group in groups)


def check_split(dataset: Dataset, split: Split) -> None:
    """Accept a split that fits the data set and keeps patients apart.

    Raises:
        SplitError: A patient is in two parts, a case is missing or unknown, or a part is empty that should not be.
    """
    require_same_cases(dataset, split)
    sides: dict[str, set[Part]] = defaultdict(set)
    for case in dataset.cases:
        sides[case.patient].add(split.parts[case.id])
    torn = sorted(patient for patient, parts in sides.items() if len(parts) > 1)
    if torn:
        raise SplitError(
            f"the split of {split.dataset} has {counted(len(torn), 'patient')} in more than one part: {some(torn)}; "
            "scores would be too good. Move each to one part, or let a new split be made"
        )
    for part, fraction in zip(PARTS, split.fractions, strict=True):
        if fraction > 0 and part not in split.parts.values():
            raise SplitError(f"the split of {split.dataset} has an empty {part} part; more patients are needed")


def require_same_cases(dataset: Dataset, split: Split) -> None:
    """Accept a split that has every case of the data set, and no other.

    Raises:
        SplitError: A case is missing or unknown.
    """
    ids = {case.id for case in dataset.cases}
    missing = [case.id for case in dataset.cases if case.id not in split.parts]
    unknown = [case for case in split.parts if case not in ids]
    if missing or unknown:
        said = [f"lacks {counted(len(missing), 'case')} ({some(missing)})"] * bool(missing)
        said += [f"names {len(unknown)} the data set does not have ({some(unknown)})"] * bool(unknown)
        raise SplitError(
            f"the split of {split.dataset} does not fit {dataset.name}: it {' and '.join(said)}; make it anew"
        )


def _official(dataset: Dataset, seed: int, wished: tuple[float, float, float]) -> Split:
    """The makers' parts, and a validation part taken out of train where they made none."""
    without = [case.id for case in dataset.cases if case.part is None]
    if without:
        raise SplitError(
            f"{dataset.name} has parts, but {counted(len(without), 'case')} in none of them: {some(without)}"
        )
    parts: dict[str, Part] = {case.id: case.part for case in dataset.cases if case.part is not None}
    there = set(parts.values())
    if "train" not in there:
        raise SplitError(
            f"{dataset.name} has only a {' and a '.join(sorted(there))} part: there is nothing to learn from"
        )
    origin = f"parts by the column {dataset.parts_from!r}" if dataset.parts_from else "official parts"
    reason = f"{origin} ({', '.join(part for part in PARTS if part in there)})"
    if "val" not in there:
        train = [case for case in dataset.cases if case.part == "train"]
        share = wished[1] / (wished[0] + wished[1])
        _, val = deal(patients_of(train), [1 - share, share], seed=seed, classes=dataset.classes)
        parts.update({case.id: "val" for case in train if case.unit in val})
        reason += f"; val taken out of train by patient, stratified by class, seed {seed}"
    if "test" not in there:
        reason += "; no test part here: measure on data that were kept apart"
    shares = [sum(own == part for own in parts.values()) / len(parts) for part in PARTS]
    return _split(dataset, parts, seed, (shares[0], shares[1], shares[2]), reason)


def _split(
    dataset: Dataset, parts: Mapping[str, Part], seed: int, fractions: tuple[float, float, float], reason: str
) -> Split:
    if not dataset.patients_known:
        reason += "; patients are not known, every case counts as one"
    patients = {case.id: case.patient for case in dataset.cases}
    return Split(parts, patients, seed, fractions, reason, dataset.name)


def _checked(fractions: Sequence[float]) -> tuple[float, float, float]:
    train, val, test = fractions
    if not (train > 0 and val > 0 and test >= 0 and math.isclose(train + val + test, 1.0, abs_tol=1e-6)):
        raise SplitError(
            f"the fractions of train, val and test must be above 0 (test may be 0) and sum to 1, not {tuple(fractions)}"
        )
    return train, val, test


def _from_document(document: Mapping[str, Any]) -> tuple[Split, str]:
    if document["format"] != _FORMAT_VERSION:
        raise ValueError(f"format {document['format']!r}, expected {_FORMAT_VERSION!r}")
    cases = document["cases"]
    for case in cases:
        if case["part"] not in PARTS:
            raise ValueError(f"part {case['part']!r} of case {case['id']!r}")
    train, val, test = document["fractions"]
    split = Split(
        parts={case["id"]: case["part"] for case in cases},
        patients={case["id"]: case["patient"] for case in cases},
        seed=int(document["seed"]),
        fractions=(float(train), float(val), float(test)),
        reason=str(document["reason"]),
        dataset=str(document["dataset"]),
    )
    return split, str(document["sha256"])


def _sha256(lines: Iterable[tuple[str, str, str]]) -> str:
    text = json.dumps(sorted(lines), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
