"""Masks on the image's grid, and what is said of those that are not."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from drawn_files import boxes, square, write_rtstruct, write_seg, write_series
from pydicom import dcmread

from hounsfield.errors import FormatError, GeometryError, ImageError
from hounsfield.formats import read, write_nifti
from hounsfield.formats.drawn_by import by_model
from hounsfield.formats.label_file import write_labels
from hounsfield.formats.mask import read_outline
from hounsfield.formats.structures import open_drawing
from hounsfield.image import Image

AFFINE = np.diag([0.9, 0.9, 3, 1])


def save(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)  # type: ignore[attr-defined, no-untyped-call]
    return path


def read_mask(path: Path, image: Image, *, label: int | str | None = None) -> np.ndarray:
    return read_outline(path, image, label=label)[0]


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros((6, 5, 4), dtype=np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    labels[4, 4, 3] = 5
    return labels


@pytest.mark.parametrize(
    ("label", "inside"), [("above=200", (1, 5, 5)), ("above=-300", (1, 10, 5)), ("below=-900.5", (1, 15, 5))]
)
def test_a_structure_is_taken_by_its_levels_without_noise(
    tmp_path: Path, label: str, inside: tuple[int, int, int]
) -> None:
    levels = np.full((20, 20, 4), -1000, dtype=np.int16)
    levels[2:9, 2:9], levels[9:14, 2:9] = 300, 40
    levels[2:19, 17, :] = 250  # a plate of one voxel is bone
    levels[2, 12, 1] = 500  # noise
    image = read(save(tmp_path / "ct.nii.gz", levels))
    found, (note,) = read_outline(tmp_path / "ct.nii.gz", image, label=label)
    depth, first, second = inside
    assert found[depth, second, first] and not found[1, 12, 2]
    assert found[:, 17, 2:19].all() == label.startswith("above")
    assert note == f"ct.nii.gz: what is {label.replace('=', ' ')} was taken, without parts of less than 0.1 ml"
    with pytest.raises(ImageError, match="nothing of 0.1 ml or more is above 400; its levels go from -1000 to 500"):
        read_outline(tmp_path / "ct.nii.gz", image, label="above=400")
    with pytest.raises(ImageError, match="above=200HU: a level is a number, for instance above=200"):
        read_outline(tmp_path / "ct.nii.gz", image, label="above=200HU")


def test_a_label_is_taken_alone_or_all_together(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    path = save(tmp_path / "organs.nii.gz", labels)
    assert [int(read_mask(path, image, label=label).sum()) for label in (None, 1, 5)] == [9, 8, 1]
    scaled = save(tmp_path / "float.nii.gz", labels.astype(np.float32))
    assert int(read_mask(scaled, image, label=5).sum()) == 1


def test_labels_with_a_plus_between_them_are_joined(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    path = save(tmp_path / "organs.nii.gz", labels)
    assert int(read_mask(path, image, label="1+5").sum()) == 9
    assert int(read_mask(path, image, label="5 + 1").sum()) == 9
    for label, missing in (("1+7", "7"), ("liver", "liver"), ("1+tumour", "tumour")):
        with pytest.raises(ImageError, match=rf"there is no label {missing} in it; its labels are 0, 1, 5"):
            read_mask(path, image, label=label)


def test_a_number_below_0_is_a_label_and_an_empty_one_beside_a_plus_is_not(tmp_path: Path) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    labels = np.zeros((6, 5, 4), dtype=np.int16)
    labels[2, 2, 1:3] = -1
    path = save(tmp_path / "organs.nii.gz", labels)
    assert int(read_mask(path, image, label=-1).sum()) == 2
    for label in ("1+", "+", "+1", "1++5"):
        with pytest.raises(ImageError, match="organs.nii.gz: .*: beside the plus a label is missing"):
            read_mask(path, image, label=label)


def test_names_with_a_plus_between_them_are_joined_unless_a_structure_is_called_so(tmp_path: Path) -> None:
    header = write_series(tmp_path / "ct", np.zeros(SHAPE))
    squares = {"Liver": square(1, 0.5, 3.5), "Tumour": square(1, 4.5, 6.5), "GTV+5mm": square(1, 0.5, 2.5)}
    path = write_rtstruct(tmp_path / "rt.dcm", header, [(name, [own]) for name, own in squares.items()])
    image = read(tmp_path / "ct")
    alone = {name: read_mask(path, image, label=name) for name in squares}
    assert np.array_equal(read_mask(path, image, label="Liver+Tumour"), alone["Liver"] | alone["Tumour"])
    assert np.array_equal(read_mask(path, image, label="1+2"), alone["Liver"] | alone["Tumour"])
    assert alone["GTV+5mm"].sum() == 4
    with pytest.raises(ImageError, match="there are no structures called Spleen in it"):
        read_mask(path, image, label="Liver+Spleen")


def test_a_label_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    with pytest.raises(ImageError, match=r"organs.nii.gz: there is no label 7 in it; its labels are 0, 1, 5"):
        read_mask(save(tmp_path / "organs.nii.gz", labels), image, label=7)


def test_another_grid_is_refused_with_both_names(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    with pytest.raises(GeometryError, match=r"small.nii.gz has 4 × 5 × 5 voxels .* and .*ct.nii.gz has 4 × 5 × 6"):
        read_mask(save(tmp_path / "small.nii.gz", labels[:5]), image)
    moved = AFFINE.copy()
    moved[0, 3] = 2.5
    with pytest.raises(GeometryError, match=r"moved.nii.gz and .*ct.nii.gz are not on one grid: .* up to 2.50 mm"):
        read_mask(save(tmp_path / "moved.nii.gz", labels, moved), image)
    rounded = AFFINE + 1e-4 * np.eye(4)
    rounded[3, 3] = 1
    assert read_mask(save(tmp_path / "rounded.nii.gz", labels, rounded), image).any()
    unplaced = replace(image, spacing_kind="none")
    assert read_mask(tmp_path / "moved.nii.gz", unplaced).any()


def test_an_image_is_no_mask(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    with pytest.raises(FormatError, match="not whole numbers"):
        read_mask(save(tmp_path / "pet.nii.gz", labels * np.float32(0.3)), image)
    colour = np.zeros((6, 5, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(FormatError, match="a colour image of 3 channels"):
        read_mask(save(tmp_path / "rgb.nii.gz", colour), image)


def test_a_name_is_no_label_of_a_file_of_numbers(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    with pytest.raises(ImageError, match=r"organs.nii.gz: there is no label Liver in it; its labels are 0, 1, 5"):
        read_mask(save(tmp_path / "organs.nii.gz", labels), image, label="Liver")


SHAPE = (4, 8, 9)


def test_structures_are_taken_by_name_or_number(tmp_path: Path) -> None:
    header = write_series(tmp_path / "ct", np.zeros(SHAPE))
    segments = boxes(SHAPE, {"Liver": [(1, 3), (1, 5), (1, 5)], "Portal  vein": [(2, 4), (2, 4), (2, 4)]})
    path = write_seg(tmp_path / "seg.dcm", header, segments)
    image = read(tmp_path / "ct")
    counts = [int(read_mask(path, image, label=label).sum()) for label in ("Liver", "LIVER", 1, "portal vein", 2)]
    assert counts == [32, 32, 32, 8, 8]
    with pytest.raises(ImageError, match=r"has 2 structures; say behind a colon.*: Liver \(1\), Portal  vein \(2\)$"):
        read_mask(path, image)
    with pytest.raises(ImageError, match=r"no structures called Kidney in it; it has Liver \(1\), Portal"):
        read_mask(path, image, label="Kidney")
    with pytest.raises(ImageError, match=r"no structures of the number 7 in it"):
        read_mask(path, image, label=7)


def test_an_outline_that_no_person_drew_is_told_of(tmp_path: Path, labels: np.ndarray) -> None:
    own = Image(labels.T[None], np.eye(4), spacing_kind="patient")
    write_nifti(own, tmp_path / "model.nii.gz", description=by_model("m" * 99, "0123456789abcdef"))
    image = read(tmp_path / "model.nii.gz")
    note = "model.nii.gz: outlined by the model mmm"
    (told,) = read_outline(tmp_path / "model.nii.gz", image, label=5)[1]
    assert told.startswith(note) and "mmm, 0123456789ab; its errors are not in the uncertainty" in told
    write_nifti(own, tmp_path / "person.nii.gz", description="outlined by a person")
    assert read_outline(tmp_path / "person.nii.gz", image)[1] == ()

    header = write_series(tmp_path / "ct", np.zeros(SHAPE))
    seg = write_seg(tmp_path / "seg.dcm", header, boxes(SHAPE, {"Liver": [(1, 3), (1, 5), (1, 5)]}))
    ct = read(tmp_path / "ct")
    assert read_outline(seg, ct)[1] == ()
    made = dcmread(seg)
    made.SegmentSequence[0].SegmentAlgorithmType = "AUTOMATIC"
    made.save_as(seg)
    (told,) = read_outline(seg, ct)[1]
    assert told.startswith("seg.dcm (Liver): outlined by a program, as the file says; its errors are not in")
    write_labels(open_drawing(seg), header, tmp_path / "seg.nii.gz")
    (told,) = read_outline(tmp_path / "seg.nii.gz", ct)[1]
    assert told.startswith("seg.nii.gz: outlined by a program, as the file it was made from says")


def test_of_two_structures_of_one_name_the_number_decides(tmp_path: Path) -> None:
    header = write_series(tmp_path / "ct", np.zeros(SHAPE))
    path = write_rtstruct(
        tmp_path / "rt.dcm", header, [("Lesion", [square(1, 0.5, 3.5)]), ("lesion ", [square(1, 4.5, 6.5)])]
    )
    image = read(tmp_path / "ct")
    with pytest.raises(ImageError, match=r"has 2 structures called Lesion; .*: Lesion \(1\), lesion \(2\)"):
        read_mask(path, image, label="Lesion")
    assert read_mask(path, image, label=2).sum() == 4


def test_a_folder_has_the_drawing_that_was_made_on_the_image(tmp_path: Path) -> None:
    study = tmp_path / "study"
    headers = [write_series(study / name, np.zeros(SHAPE)) for name in ("ct", "mr")]
    for size, (name, header) in enumerate(zip(("a.dcm", "b.dcm"), headers, strict=True), start=2):
        write_rtstruct(study / name, header, [("GTV", [square(1, 0.5, 0.5 + size), square(9, 0.5, 2.5)])])
    inside, notes = read_outline(study, read(study / "mr"))
    assert inside.sum() == 9 and notes == ("b.dcm: GTV leaves the image by up to 16.5 mm, it is cut at the border",)
    write_rtstruct(study / "c.dcm", headers[1], [("GTV", [])])
    with pytest.raises(FormatError, match=r"one DICOM .* of .*mr is wanted, and 2 are there \(b.dcm, c.dcm\)"):
        read_outline(study, read(study / "mr"))
    other = read(save(tmp_path / "other.nii.gz", np.zeros((9, 8, 4), dtype=np.int16)))
    with pytest.raises(FormatError, match="3 are there"):  # it says nothing of itself, so it may be any
        read_outline(study, other)
    last = write_series(tmp_path / "last", np.zeros(SHAPE))
    with pytest.raises(GeometryError, match=f"a.dcm was drawn on the series {headers[0].source.series_uid}, and "):
        read_outline(study, replace(read(tmp_path / "last"), source=last.source))
