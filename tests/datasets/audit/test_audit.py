"""The audit of whole data sets: what it finds, what it calls it, and where it stays quiet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.audit import Audit, audit_dataset
from hounsfield.datasets.case import Case, Dataset, ImageRef, Part

Build = Callable[..., Dataset]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A data set of the given pictures by name; targets, patients and parts where they are given."""

    def make(
        pictures: Mapping[str, VoxelArray],
        *,
        targets: Mapping[str, int] | None = None,
        patients: Mapping[str, str] | None = None,
        parts: Mapping[str, Part] | None = None,
    ) -> Dataset:
        for name, pixels in pictures.items():
            (tmp_path / f"{name}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
        cases = tuple(
            Case(
                id=name,
                patient=(patients or {}).get(name, name),
                images={"image": ImageRef(tmp_path / f"{name}.png")},
                target=(targets or {}).get(name, number % 2),
                part=(parts or {}).get(name),
            )
            for number, name in enumerate(pictures)
        )
        return Dataset("made", tmp_path, cases, ("benign", "malignant"), "table")

    return make


def _many(picture: Callable[..., VoxelArray], count: int = 24) -> dict[str, VoxelArray]:
    return {f"p{number:02}": picture(number) for number in range(count)}


def test_different_pictures_are_clean(picture: Callable[..., VoxelArray], build: Build) -> None:
    audit = audit_dataset(build(_many(picture)))
    assert (audit.verdict, audit.reasons, audit.groups) == ("clean", (), ())
    assert audit.images == 24 and audit.near_duplicate_pairs == 0


def test_a_resized_and_compressed_copy_under_another_label_is_found(
    picture: Callable[..., VoxelArray], build: Build
) -> None:
    pictures = _many(picture)
    pictures["copy"] = cv2.convertScaleAbs(cv2.resize(pictures["p03"], (110, 110)), alpha=0.8, beta=10)
    audit = audit_dataset(build(pictures, targets={"p03": 0, "copy": 1}))
    assert [group.cases for group in audit.groups] == [("p03", "copy")]
    assert audit.groups[0].across and audit.groups[0].conflict
    assert (audit.verdict, audit.near_duplicate_pairs, audit.label_conflicts) == ("warn", 1, 2)
    assert "p03 = copy" in audit.reasons[0] and "one label is wrong" in audit.reasons[1]


def test_copies_of_one_patient_are_no_leak(picture: Callable[..., VoxelArray], build: Build) -> None:
    pictures = _many(picture) | {"copy": picture(3)}
    audit = audit_dataset(build(pictures, targets={"p03": 1, "copy": 1}, patients={"p03": "A", "copy": "A"}))
    assert audit.near_duplicate_pairs == 1 and audit.verdict == "clean"


def test_a_copy_on_the_other_side_of_the_makers_split_is_refused(
    picture: Callable[..., VoxelArray], build: Build
) -> None:
    pictures = _many(picture) | {"copy": picture(3)}
    parts: dict[str, Part] = {name: "train" for name in pictures} | {"copy": "test", "p10": "test"}
    audit = audit_dataset(build(pictures, targets={"p03": 1, "copy": 1}, parts=parts))
    assert (audit.verdict, audit.leaking_cases) == ("refuse", 1)
    assert audit.reasons == ("1 of 2 held-back cases show an exposure that is in another part too",)


def test_a_patient_on_both_sides_is_refused(picture: Callable[..., VoxelArray], build: Build) -> None:
    pictures = _many(picture)
    parts: dict[str, Part] = {name: "train" for name in pictures} | {"p01": "test"}
    audit = audit_dataset(build(pictures, patients={"p01": "A", "p02": "A"}, parts=parts))
    assert (audit.verdict, audit.patients_on_both_sides) == ("refuse", 1)
    assert audit.reasons == ("1 patient in more than one part of the split",)


def test_a_split_that_is_given_takes_the_place_of_the_makers(picture: Callable[..., VoxelArray], build: Build) -> None:
    dataset = build(_many(picture, 6), patients={"p01": "A", "p02": "A"})
    parts: dict[str, Part] = {case.id: "train" for case in dataset.cases}
    assert audit_dataset(dataset, parts=parts).patients_on_both_sides == 0
    assert audit_dataset(dataset, parts=parts | {"p01": "val"}).patients_on_both_sides == 1


def test_empty_and_unreadable_images_are_counted(picture: Callable[..., VoxelArray], build: Build) -> None:
    dataset = build(
        _many(picture) | {"flat": np.full((64, 64), 7, np.uint8), "flat too": np.full((64, 64), 7, np.uint8)}
    )
    (dataset.root / "p00.png").write_bytes(b"no image")
    audit = audit_dataset(dataset)
    assert (audit.unreadable, audit.empty, audit.near_duplicate_pairs) == (1, 2, 0)
    assert audit.reasons == ("1 image cannot be read", "2 images of one grey level only")
    ((case, reason),) = audit.not_read
    assert case == "p00" and str(dataset.root / "p00.png") in reason


def test_a_strip_and_a_dark_copy_among_other_images(picture: Callable[..., VoxelArray], build: Build) -> None:
    dark = picture(50) // 40
    pictures = _many(picture, 12) | {"strip": np.arange(600, dtype=np.uint8)[None], "dark": dark, "dark too": dark}
    audit = audit_dataset(build(pictures, targets={"dark": 1, "dark too": 0}))
    assert [group.cases for group in audit.groups] == [("dark", "dark too")] and audit.label_conflicts == 2


def test_a_rare_class_does_not_silence_the_probe(picture: Callable[..., VoxelArray], build: Build) -> None:
    pictures = _many(picture, 63)
    for number, pixels in enumerate(pictures.values()):
        pixels[:20, :20] = 255 * (number % 2)
    targets = {name: number % 2 for number, name in enumerate(pictures)} | {"p60": 2, "p61": 2, "p62": 2}
    dataset = build(pictures, targets=targets)
    audit = audit_dataset(Dataset("made", dataset.root, dataset.cases, ("a", "b", "c"), "table"))
    assert audit.shortcut_auc is not None and audit.shortcut_auc > 0.95


def test_one_image_can_be_audited(picture: Callable[..., VoxelArray], build: Build) -> None:
    audit = audit_dataset(build({"only": picture(0)}))
    assert (audit.verdict, audit.images, audit.shortcut_auc) == ("clean", 1, None)


def test_cases_that_name_one_file_are_a_group(picture: Callable[..., VoxelArray], build: Build) -> None:
    dataset = build(_many(picture, 12))
    first, second, *rest = dataset.cases
    shared = Case(id=second.id, patient=second.patient, images=first.images, target=second.target)
    audit = audit_dataset(Dataset("made", dataset.root, (first, shared, *rest), dataset.classes, "table"))
    assert [group.cases for group in audit.groups] == [("p00", "p01")] and audit.label_conflicts == 2


def test_a_marker_in_the_corner_of_one_class_is_a_shortcut(picture: Callable[..., VoxelArray], build: Build) -> None:
    pictures = _many(picture, 60)
    for number, pixels in enumerate(pictures.values()):
        pixels[:12] = pixels[-12:] = 0
        pixels[:, :12] = pixels[:, -12:] = 0
        if number % 2:
            pixels[3:9, 120:150] = 255
    audit = audit_dataset(build(pictures))
    assert audit.shortcut_auc is not None and audit.shortcut_auc > 0.95
    assert audit.shortcuts[0].source == "border" and audit.verdict == "warn"
    assert "the border of an image alone tells the class" in audit.reasons[0]


def test_where_nothing_tells_the_class_no_shortcut_is_spoken_of(
    picture: Callable[..., VoxelArray], build: Build
) -> None:
    audit = audit_dataset(build(_many(picture, 60)))
    assert audit.shortcut_auc is not None and audit.shortcut_auc < 0.8 and audit.verdict == "clean"


def test_the_audit_as_json_has_the_documented_counts(picture: Callable[..., VoxelArray], build: Build) -> None:
    plain = audit_dataset(build(_many(picture, 4))).as_json()
    counts = "patients_on_both_sides near_duplicate_pairs label_conflicts repeated_rows unreadable burnt_in_text"
    assert {*counts.split(), "verdict", "reasons", "shortcut_auc"} <= set(plain)
    assert isinstance(Audit(**plain), Audit)
