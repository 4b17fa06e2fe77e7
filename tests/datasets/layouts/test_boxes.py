"""Boxes that a table or masks give, by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.layouts.boxes import boxes_of_mask
from hounsfield.errors import DatasetError, GeometryError
from hounsfield.findings.region import Box
from hounsfield.formats import header

DESCRIPTION = """\
table = "t.csv"
image = "{name}.png"
id = "name"
[box]
"""


def dataset(folder: Path, box: str, columns: str = "name", rows: tuple[str, ...] = ("a", "b")) -> Dataset:
    for name in ("a", "b"):
        cv2.imwrite(str(folder / f"{name}.png"), np.zeros((20, 30), np.uint8))
    (folder / "t.csv").write_text("\n".join((columns, *rows)) + "\n", encoding="utf-8")
    (folder / "d.toml").write_text(DESCRIPTION + box, encoding="utf-8")
    return open_dataset(folder / "d.toml")


def mask(path: Path, *parts: tuple[int, int, int, int, int]) -> Path:
    """Rectangles x0, y0, x1, y1 of a value."""
    labels = np.zeros((20, 30), np.uint8)
    for x0, y0, x1, y1, value in parts:
        labels[y0:y1, x0:x1] = value
    cv2.imwrite(str(path), labels)
    return path


def test_parts_of_a_mask_that_hang_together_have_a_box_each(tmp_path: Path) -> None:
    path = mask(tmp_path / "m.png", (2, 3, 6, 5, 255), (6, 5, 8, 9, 255), (20, 10, 25, 15, 255))

    assert boxes_of_mask(path, "cyst") == (Box(2, 3, 8, 9, "cyst"), Box(20, 10, 25, 15, "cyst"))


def test_labels_have_a_box_each_though_they_touch_or_come_in_pieces(tmp_path: Path) -> None:
    path = mask(tmp_path / "m.png", (2, 3, 6, 5, 1), (6, 3, 9, 5, 2), (20, 10, 25, 15, 7), (0, 0, 1, 1, 7))

    assert set(boxes_of_mask(path, "")) == {Box(2, 3, 6, 5), Box(6, 3, 9, 5), Box(0, 0, 25, 15)}


def test_an_empty_mask_has_none_and_one_in_colour_is_refused(tmp_path: Path) -> None:
    assert boxes_of_mask(mask(tmp_path / "m.png"), "") == ()
    coloured = np.zeros((20, 30, 3), np.uint8)
    coloured[3, 3] = 10, 20, 30
    cv2.imwrite(str(tmp_path / "c.png"), coloured)
    with pytest.raises(DatasetError, match="is no mask: it has 3 channels, which differ"):
        boxes_of_mask(tmp_path / "c.png", "")


def test_a_description_names_masks_and_an_image_without_one_has_no_box(tmp_path: Path) -> None:
    mask(tmp_path / "a-mask.png", (2, 3, 6, 5, 255))

    found = dataset(tmp_path, 'mask = "{name}-mask.png"\nlabel = "kind"\n', "name,kind", ("a,cyst", "b,"))

    assert [case.boxes for case in found.cases] == [(Box(2, 3, 6, 5, "cyst"),), ()]


def test_attributes_come_from_the_row_of_the_box(tmp_path: Path) -> None:
    columns = 'x0 = "x0"\ny0 = "y0"\nx1 = "x1"\ny1 = "y1"\nattributes = ["margin"]\n'

    found = dataset(tmp_path, columns, "name,x0,y0,x1,y1,margin", ("a,1,2,5,6,clear", "b,,,,,"))

    assert found.cases[0].boxes == (Box(1, 2, 5, 6, attributes=(("margin", "clear"),)),)
    with pytest.raises(DatasetError, match="no column 'size'"):
        dataset(tmp_path, columns.replace("margin", "size"), "name,x0,y0,x1,y1,margin", ("a,1,2,5,6,clear",))


def test_masks_that_cannot_be_right_are_refused(tmp_path: Path) -> None:
    smooth = cv2.GaussianBlur(np.pad(np.full((8, 8), 255, np.uint8), 6), (0, 0), 1.5)
    cv2.imwrite(str(tmp_path / "smooth.png"), smooth)
    with pytest.raises(DatasetError, match="as a smoothed mask does"):
        boxes_of_mask(tmp_path / "smooth.png", "")
    larger = mask(tmp_path / "m.png")
    cv2.imwrite(str(tmp_path / "i.png"), np.zeros((40, 30), np.uint8))
    with pytest.raises(GeometryError, match=r"m.png has 1 × 20 × 30 voxels .*i.png has 1 × 40 × 30"):
        boxes_of_mask(larger, "", on=header(tmp_path / "i.png"))
    with pytest.raises(DatasetError, match="none of the masks of .box. is there"):
        dataset(tmp_path, 'mask = "{name}-nowhere.png"\n')


def test_a_box_of_one_place_and_label_is_one_whatever_is_known_of_it(tmp_path: Path) -> None:
    columns = 'x0 = "x0"\ny0 = "y0"\nx1 = "x1"\ny1 = "y1"\nattributes = ["margin"]\n'

    found = dataset(tmp_path, columns, "name,x0,y0,x1,y1,margin", ("a,1,2,5,6,clear", "a,1,2,5,6,vague"))

    assert len(found.cases[0].boxes) == 1


def test_boxes_of_another_table_on_no_image_are_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "boxes.csv").write_text("name,x0,y0,x1,y1\na,1,2,5,6\nzz,1,2,5,6\n", encoding="utf-8")

    dataset(tmp_path, 'table = "boxes.csv"\non = "name"\nx0 = "x0"\ny0 = "y0"\nx1 = "x1"\ny1 = "y1"\n')

    assert "boxes of 1 values of name in boxes.csv are on none of the images: zz" in capsys.readouterr().err


def test_a_mask_of_a_volume_has_boxes_with_a_depth(tmp_path: Path) -> None:
    import nibabel

    labels = np.zeros((12, 10, 8), np.uint8)  # i, j, k; one cube, and a voxel that touches its corner
    labels[2:5, 3:6, 1:4] = 1
    labels[5, 6, 4] = 1
    labels[9:11, 1:3, 6:8] = 1
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), tmp_path / "m.nii.gz")

    boxes = boxes_of_mask(tmp_path / "m.nii.gz", "lump")

    assert len(boxes) == 2
    assert sorted((box.width, box.height, box.depth) for box in boxes) == [(2, 2, 2), (4, 4, 4)]
    assert {box.label for box in boxes} == {"lump"}
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([2, 2, 2, 1])), tmp_path / "elsewhere.nii.gz")
    assert boxes_of_mask(tmp_path / "m.nii.gz", "lump", on=header(tmp_path / "m.nii.gz")) == boxes
    with pytest.raises(GeometryError, match="m.nii.gz and .*elsewhere.nii.gz are not on one grid"):
        boxes_of_mask(tmp_path / "m.nii.gz", "lump", on=header(tmp_path / "elsewhere.nii.gz"))
