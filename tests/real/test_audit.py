"""The audit on real data: what their READMEs say is wrong with them is found, and nothing in those that are clean."""

from __future__ import annotations

import csv
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.datasets.audit import Audit, audit_dataset
from hounsfield.datasets.case import Case, Dataset, ImageRef

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).parents[2] / "examples"


def _pairs(groups: Iterable[Iterable[str]]) -> set[tuple[str, ...]]:
    return {pair for group in groups for pair in itertools.combinations(sorted(group), 2)}


def _found(audit: Audit) -> set[tuple[str, ...]]:
    return _pairs(group.cases for group in audit.groups)


def test_the_near_duplicates_of_busi_and_their_conflicts_are_found(real_data: Path) -> None:
    root = real_data / "busi_ultrasound"
    rows = list(csv.DictReader((root / "labels.csv").read_text(encoding="utf-8").splitlines()))
    classes = ("benign", "malignant", "normal")
    cases = tuple(
        Case(row["name"], row["name"], {"image": ImageRef(root / "images" / f"{row['name']}.jpg")},
             target=classes.index(row["class"]))
        for row in rows
    )  # fmt: skip
    audit = audit_dataset(Dataset("busi", root, cases, classes, "table", patients_known=False))
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["has_near_duplicate"] == "1":
            groups[row["near_duplicate_group"]].append(row["name"])
    known = _pairs(groups.values())
    assert len(known & _found(audit)) >= 0.95 * len(known)
    conflicting = {row["name"] for row in rows if row["class_conflict_in_group"] == "1"}
    seen = {case for group in audit.groups if group.conflict for case in group.cases}
    assert len(conflicting & seen) >= 0.95 * len(conflicting) and audit.label_conflicts == len(seen)


def test_turned_copies_of_lc25000_are_found(real_data: Path) -> None:
    dataset = open_dataset(EXAMPLES / "lc25000_lung.toml", root=real_data / "lc25000_lung")
    tiles: dict[str, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        tiles[case.patient].append(case)
    twice = [case for own in tiles.values() if len(own) > 1 for case in own][:80]
    once = [own[0] for own in tiles.values() if len(own) == 1][:80]
    some = Dataset("tiles", dataset.root, (*twice, *once), dataset.classes, "table")
    known = _pairs([case.id for case in twice if case.patient == tile] for tile in {case.patient for case in twice})
    found = _found(audit_dataset(some))
    assert len(known & found) >= 0.9 * len(known) and len(known & found) >= 0.9 * len(found)


def test_validation_images_of_pneumoniamnist_that_are_in_train_are_found(real_data: Path) -> None:
    dataset = open_dataset(EXAMPLES / "pneumoniamnist.toml", root=real_data / "pneumoniamnist")
    audit = audit_dataset(dataset)
    assert audit.leaking_cases == 8 and audit.near_duplicate_pairs == 28
    assert audit.verdict == "warn"


def test_hippocampi_are_clean(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(real_data / "hippocampus_msd"), "--json"]) == 0
    audit = json.loads(capsys.readouterr().out)["audit"]
    assert (audit["verdict"], audit["images"], audit["near_duplicate_pairs"]) == ("clean", 208, 0)


def test_the_repeated_rows_of_whas_are_refused_and_metabric_is_clean(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(real_data / "survival_tables" / "whas.csv"), "--json"]) == 1
    audit = json.loads(capsys.readouterr().out)["audit"]
    assert audit["verdict"] == "refuse" and audit["repeated_rows"] >= 0.7 * 1638
    assert main(["inspect", str(real_data / "survival_tables" / "metabric.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["audit"]["verdict"] == "clean"
