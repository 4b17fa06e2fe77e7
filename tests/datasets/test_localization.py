"""Data sets whose landmarks are located: places on masks, columns of a table, and what is said of those that lack."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.datasets import open_dataset
from hounsfield.datasets.load import check_point
from hounsfield.datasets.localization import for_localization
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Point

DESCRIPTION = """
table = "images.csv"
image = "images/{name}.png"
id = "name"
patient = "patient"
[landmarks]
middle = "centroid 1"
low = "lowest 2"
tip = ["tip_x", "tip_y"]
[columns]
mask = "masks/{name}.png"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images; the second has no label 2, the third no mask and no tip."""
    for sub in ("images", "masks"):
        (tmp_path / sub).mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), np.full((20, 30), 40 * number, np.uint8))
    for number in range(2):
        mask = np.zeros((20, 30), np.uint8)
        mask[4:8, 10:16] = 1
        if number == 0:
            mask[10:14, 3:6] = 2
        cv2.imwrite(str(tmp_path / "masks" / f"{number}.png"), mask)
    (tmp_path / "images.csv").write_text("name,patient,tip_x,tip_y\n0,a,5,6\n1,b,7.5,8\n2,c,,\n")
    (tmp_path / "data.toml").write_text(DESCRIPTION)
    return tmp_path


def test_landmarks_are_places_on_masks_and_numbers_of_the_table(folder: Path) -> None:
    dataset = for_localization(open_dataset(folder / "data.toml"))

    assert dataset.landmarks == ("middle", "low", "tip")
    assert dataset.classes == ("image",)
    assert [case.id for case in dataset.cases] == ["0", "1"]
    first = {point.label: point for point in dataset.cases[0].points}
    assert (first["middle"].x, first["middle"].y) == (13.0, 6.0)
    assert (first["low"].x, first["low"].y) == (4.5, 13.5)
    assert (first["tip"].x, first["tip"].y) == (5.5, 6.5)  # an index is the middle of a pixel
    assert {point.label for point in dataset.cases[1].points} == {"middle", "tip"}
    assert "of 2 images, low on 1 image: the others say nothing of it" in dataset.notes
    assert "1 image without any landmark left out: 2" in dataset.notes


def test_a_model_is_measured_on_the_landmarks_that_it_knows(folder: Path) -> None:
    dataset = for_localization(open_dataset(folder / "data.toml"), landmarks=("tip", "elbow"))

    assert dataset.landmarks == ("tip", "elbow")
    assert [[point.label for point in case.points] for case in dataset.cases] == [["tip"], ["tip"]]
    with pytest.raises(DatasetError, match="has the landmarks middle, low, tip, and the model locates elbow"):
        for_localization(open_dataset(folder / "data.toml"), landmarks=("elbow",))


def test_without_names_the_middle_of_each_label_is_a_landmark(folder: Path) -> None:
    (folder / "data.toml").unlink()
    (folder / "images" / "2.png").unlink()

    dataset = for_localization(open_dataset(folder))

    assert dataset.landmarks == ("label 1", "label 2")
    assert {point.label for point in dataset.cases[0].points} == {"label 1", "label 2"}


def test_a_mask_of_another_size_is_named_and_its_image_left_out(folder: Path) -> None:
    cv2.imwrite(str(folder / "masks" / "1.png"), np.ones((10, 30), np.uint8))

    dataset = for_localization(open_dataset(folder / "data.toml"))

    assert [case.id for case in dataset.cases] == ["0"]
    assert any("1.png is of 1 × 10 × 30 voxels, and its image of 1 × 20 × 30" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"centroid 1"', '"middle 1"'), "'middle 1' is no place on a mask"),
        (('mask = "masks/{name}.png"', ""), "name the mask in \\[columns\\] mask"),
        (('["tip_x", "tip_y"]', '["tip_x", "nose"]'), "no column 'nose' for \\[landmarks\\] tip"),
        (('["tip_x", "tip_y"]', '["tip_x"]'), "landmarks"),
    ],
)
def test_landmarks_that_cannot_be_are_refused(folder: Path, change: tuple[str, str], message: str) -> None:
    (folder / "data.toml").write_text(DESCRIPTION.replace(*change))

    with pytest.raises(DatasetError, match=message):
        open_dataset(folder / "data.toml")


def test_half_a_place_is_refused(folder: Path) -> None:
    (folder / "images.csv").write_text("name,patient,tip_x,tip_y\n0,a,5,\n")

    with pytest.raises(DatasetError, match="the landmark 'tip' of a row has .* give a number in each"):
        open_dataset(folder / "data.toml")


def test_rows_of_one_case_that_contradict_each_other_are_refused(folder: Path) -> None:
    (folder / "images.csv").write_text("name,patient,tip_x,tip_y\n0,a,5,6\n0,a,5,7\n")

    with pytest.raises(
        DatasetError, match="have the landmark 'tip' at .5.0, 6.0. and .5.0, 7.0.: rows of one case must"
    ):
        open_dataset(folder / "data.toml")


def test_a_model_of_unnamed_labels_is_measured_on_its_own(folder: Path) -> None:
    (folder / "data.toml").unlink()
    (folder / "images" / "2.png").unlink()

    dataset = for_localization(open_dataset(folder), landmarks=("label 2", "label 30"))

    assert dataset.landmarks == ("label 2", "label 30")
    assert [point.label for case in dataset.cases for point in case.points] == ["label 2"]


def test_volumes_need_a_slice_and_masks_their_image_s_place(tmp_path: Path) -> None:
    import nibabel

    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(np.zeros((8, 10, 6), np.uint8), affine), tmp_path / "a.nii.gz")
    labels = np.zeros((8, 10, 6), np.uint8)
    labels[2:4, 3:5, 1:3] = 1
    moved = affine.copy()
    moved[0, 0] = -1.0
    nibabel.save(nibabel.Nifti1Image(labels, moved), tmp_path / "m_a.nii.gz")
    (tmp_path / "t.csv").write_text("name,x,y\na,3,4\n")
    (tmp_path / "d.toml").write_text('table = "t.csv"\nimage = "{name}.nii.gz"\n[landmarks]\ntip = ["x", "y"]\n')
    with pytest.raises(
        DatasetError, match="has 6 slices, and the landmarks tip say nothing of them: name the column of z"
    ):
        for_localization(open_dataset(tmp_path / "d.toml"))

    (tmp_path / "d.toml").write_text(
        'table = "t.csv"\nimage = "{name}.nii.gz"\n[landmarks]\nc = "centroid 1"\n[columns]\nmask = "m_{name}.nii.gz"\n'
    )
    with pytest.raises(DatasetError, match="m_a.nii.gz does not lie where its image .*a.nii.gz lies"):
        for_localization(open_dataset(tmp_path / "d.toml"))


def test_data_without_landmarks_and_masks_say_so(folder: Path) -> None:
    (folder / "data.toml").write_text('table = "images.csv"\nimage = "images/{name}.png"\nid = "name"\n')

    with pytest.raises(DatasetError, match="names no landmarks, and none of its 3 cases has a mask"):
        for_localization(open_dataset(folder / "data.toml"))


def test_a_landmark_outside_the_image_is_refused_with_its_place() -> None:
    check_point(Point(30.0, 20.0, 0.5, "tip"), (1, 20, 30), where="a.png")
    with pytest.raises(
        DatasetError, match=r"a.png: the landmark 'tip' at y 4, x 30.5 lies outside the image of 20 × 30"
    ):
        check_point(Point(31.0, 4.5, 0.5, "tip"), (1, 20, 30), where="a.png")
    with pytest.raises(DatasetError, match="at z 9, y 4, x 3 lies outside the image of 5 × 20 × 30 voxels"):
        check_point(Point(3.5, 4.5, 9.5, "tip"), (5, 20, 30), where="a.nii")
