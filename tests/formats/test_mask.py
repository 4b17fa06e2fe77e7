"""Masks on the image's grid, and what is said of those that are not."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from hounsfield.errors import FormatError, GeometryError, ImageError
from hounsfield.formats import read
from hounsfield.formats.mask import read_mask

AFFINE = np.diag([0.9, 0.9, 3, 1])


def save(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)  # type: ignore[attr-defined, no-untyped-call]
    return path


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros((6, 5, 4), dtype=np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    labels[4, 4, 3] = 5
    return labels


def test_a_label_is_taken_alone_or_all_together(tmp_path: Path, labels: np.ndarray) -> None:
    image = read(save(tmp_path / "ct.nii.gz", np.zeros((6, 5, 4), dtype=np.int16)))
    path = save(tmp_path / "organs.nii.gz", labels)
    assert [int(read_mask(path, image, label=label).sum()) for label in (None, 1, 5)] == [9, 8, 1]
    scaled = save(tmp_path / "float.nii.gz", labels.astype(np.float32))
    assert int(read_mask(scaled, image, label=5).sum()) == 1


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
