"""Masks that are DICOM segmentations and structure sets, in a table: structures go by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from dicom_files import save
from drawn_files import boxes, square, write_rtstruct, write_seg, write_series

from hounsfield import formats, geometry
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset, DrawnMask
from hounsfield.datasets.localization import for_localization
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.errors import DatasetError
from hounsfield.learning.inputs import inputs_key
from hounsfield.plan import Input

SHAPE = (4, 8, 9)
LIVER, TUMOUR, SPLEEN = [(1, 3), (1, 7), (1, 5)], [(2, 3), (2, 4), (2, 4)], [(1, 2), (2, 6), (6, 8)]
"""The tumour lies in the liver."""
Write = Callable[..., Dataset]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a patient a mask, each (names and places, "seg", "rt" or "numbers"), and open the table of them."""

    def made(
        masks: Sequence[tuple[dict[str, Any], str]], labels: str = "", mask: str = "{patient}/mask.dcm"
    ) -> Dataset:
        for number, (structures, kind) in enumerate(masks):
            folder = tmp_path / f"P{number}"
            header = write_series(folder / "ct", np.zeros(SHAPE), patient=f"P{number}")
            drawn = boxes(SHAPE, structures)
            if kind == "seg":
                write_seg(folder / "mask.dcm", header, drawn)
            elif kind == "rt":
                write_rtstruct(folder / "mask.dcm", header, [(name, outlines(voxels)) for name, voxels in drawn])
            else:
                write_numbers(folder / "mask.dcm", header, drawn)
        rows = "\n".join(f"P{number}" for number in range(len(masks)))
        (tmp_path / "cases.csv").write_text(f"patient\n{rows}\n", encoding="utf-8")
        (tmp_path / "cases.toml").write_text(
            f'table = "cases.csv"\nimage = "{{patient}}/ct"\npatient = "patient"\n'
            f'[columns]\nmask = "{mask}"\n[labels]\n{labels}',
            encoding="utf-8",
        )
        return open_dataset(tmp_path / "cases.toml")

    return made


def outlines(voxels: np.ndarray) -> list[Any]:
    """A rectangle around the voxels of each slice."""
    found = []
    for place in np.flatnonzero(voxels.any(axis=(1, 2))):
        rows, columns = (np.flatnonzero(voxels[place].any(axis=axis)) for axis in (1, 0))
        low, high = (rows[0] - 0.5, columns[0] - 0.5), (rows[-1] + 0.5, columns[-1] + 0.5)
        corners = np.array([low, (low[0], high[1]), high, (high[0], low[1])])
        found.append(("CLOSED_PLANAR", float(place), corners))
    return found


def write_numbers(path: Path, image: formats.Header, drawn: Sequence[tuple[str, np.ndarray]]) -> None:
    """A NIfTI file, whatever it is called, with the number that is each structure's name."""
    voxels = sum((int(name) * inside for name, inside in drawn), np.zeros(SHAPE, dtype=np.uint8))
    ras = geometry.RAS_FROM_LPS @ image.affine[:, [2, 1, 0, 3]]
    whole = nibabel.Nifti1Image(voxels.T.astype(np.uint8), ras)  # type: ignore[no-untyped-call]
    path.write_bytes(whole.to_bytes())  # type: ignore[no-untyped-call]


def shown(dataset: Dataset, number: int, label: str) -> np.ndarray:
    """Where a label is on the mask of a case."""
    return np.isin(mask_of(dataset.cases[number]), dataset.labels[label])


def test_structures_are_known_by_name_whatever_their_numbers_and_spelling(write: Write) -> None:
    masks = [
        ({"Liver": LIVER, "Spleen": SPLEEN}, "seg"),
        ({"SPLEEN": SPLEEN, "Body": [(0, 4), (0, 8), (0, 9)], " liver ": LIVER}, "rt"),
    ]
    found = for_segmentation(write(masks, 'liver = "Liver"\nspleen = "spleen"'))
    assert found.labels == {"liver": (1,), "spleen": (2,)}
    for number in (0, 1):
        np.testing.assert_array_equal(shown(found, number, "liver"), boxes(SHAPE, {"x": LIVER})[0][1] != 0)
        np.testing.assert_array_equal(shown(found, number, "spleen"), boxes(SHAPE, {"x": SPLEEN})[0][1] != 0)
    assert found.notes == ()


def test_names_are_taken_as_they_stand_where_nobody_names_labels(write: Write) -> None:
    masks = [
        ({"Liver": LIVER, "Isocenter": [(0, 0)] * 3}, "rt"),
        ({"Spleen": SPLEEN, "liver": LIVER}, "seg"),
    ]
    found = for_segmentation(write(masks))
    assert found.labels == {"Liver": (1,), "Spleen": (2,)}
    assert found.notes == (
        "Spleen is drawn on 1 of 2 images: on the others it is nowhere",
        "Isocenter left out: no voxel of any image is inside",
    )


def test_labels_that_overlap_have_a_number_for_each_combination(write: Write) -> None:
    masks = [({"Liver": LIVER, "Tumour": TUMOUR, "Spleen": SPLEEN}, "seg"), ({"Liver": LIVER}, "seg")]
    found = for_segmentation(write(masks, 'liver = "Liver"\ntumour = "Tumour"'))
    assert found.labels == {"liver": (1, 3), "tumour": (2, 3)}
    assert np.unique(mask_of(found.cases[0])).tolist() == [0, 1, 3]  # no tumour outside of the liver
    assert shown(found, 0, "tumour").sum() == 4 and shown(found, 0, "liver").sum() == 48


def test_a_region_has_several_structures_and_a_structure_several_regions(write: Write) -> None:
    named = 'abdomen = ["Liver", "Spleen"]\nliver = "Liver"'
    found = for_segmentation(write([({"Liver": LIVER, "Spleen": SPLEEN}, "seg")], named))
    assert shown(found, 0, "abdomen").sum() == 48 + 8 and shown(found, 0, "liver").sum() == 48


def test_two_structures_of_one_name_are_one_label(write: Write, tmp_path: Path) -> None:
    dataset = write([({"Lesion": LIVER, "lesion": SPLEEN}, "seg")])
    found = for_segmentation(dataset)
    assert found.labels == {"Lesion": (1,)} or found.labels == {"lesion": (1,)}
    assert mask_of(found.cases[0]).sum() == 48 + 8


def test_a_label_that_no_file_names_is_refused_with_the_names_there_are(write: Write) -> None:
    masks = [({"Liver": LIVER, "Spleen": SPLEEN}, "seg"), ({"Liver": LIVER}, "seg")]
    with pytest.raises(
        DatasetError, match=r"names Kidney \(the label kidney\); they name Liver \(2 images\), Spleen \(1 image\): say"
    ):
        for_segmentation(write(masks, 'kidney = "Kidney"\nliver = "Liver"'))


def test_a_file_that_names_no_label_is_left_out_and_an_empty_structure_is_not(write: Write) -> None:
    masks = [({"Liver": LIVER}, "seg"), ({"Spleen": SPLEEN}, "rt"), ({"Liver": [(0, 0)] * 3}, "rt")]
    found = for_segmentation(write(masks, 'liver = "Liver"'))
    assert [case.id for case in found.cases] == ["P0/ct", "P2/ct"]
    assert "1 image left out, whose files name none of the labels: P1/ct (Spleen)" in found.notes
    assert not mask_of(found.cases[1]).any()


def test_numbers_are_no_names_of_structures(write: Write) -> None:
    with pytest.raises(DatasetError, match="whose numbers are of each file alone: say in the description by their nam"):
        for_segmentation(write([({"Liver": LIVER}, "seg")], "liver = 1"))


def test_names_are_nothing_on_images_of_numbers(write: Write) -> None:
    with pytest.raises(DatasetError, match=r"liver can be on no mask: \[labels\] gives the name of a structure"):
        for_segmentation(write([({"2": LIVER}, "numbers")], 'liver = "Liver"\nspleen = 2'))


def test_numbers_and_names_may_be_in_one_table(write: Write) -> None:
    masks = [({"Liver": LIVER, "Spleen": SPLEEN}, "seg"), ({"7": LIVER}, "numbers")]
    found = for_segmentation(write(masks, 'liver = [7, "Liver"]\nspleen = [3, "Spleen"]'))
    assert found.labels == {"liver": (7, 8), "spleen": (3, 9)}
    np.testing.assert_array_equal(shown(found, 0, "liver"), shown(found, 1, "liver"))


def test_a_model_is_measured_by_the_names_of_its_labels(write: Write) -> None:
    masks = [({"Body": [(0, 4), (0, 8), (0, 9)], "Spleen": SPLEEN, "LIVER": LIVER}, "rt")]
    found = for_segmentation(write(masks), labels={"liver": (4,), "spleen": (2,)})
    assert list(found.labels) == ["liver", "spleen"] and shown(found, 0, "liver").sum() == 48
    with pytest.raises(DatasetError, match="names tumour; they name "):
        for_segmentation(write(masks), labels={"liver": (1,), "tumour": (2,)})


def test_what_cannot_be_used_is_named_and_left_out(write: Write, tmp_path: Path) -> None:
    dataset = write([({"Liver": LIVER}, "seg")] * 4)
    made = pydicom.dcmread(tmp_path / "P1" / "mask.dcm")
    made.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3"
    save(tmp_path / "P1" / "mask.dcm", made)
    whole = (tmp_path / "P2" / "mask.dcm").read_bytes()
    (tmp_path / "P2" / "mask.dcm").write_bytes(whole[:-10])
    header = formats.header(tmp_path / "P3" / "ct")
    write_rtstruct(tmp_path / "P3" / "mask.dcm", header, [("Liver", [square(9, 0.5, 3.5)])])
    found = for_segmentation(dataset)
    assert [case.id for case in found.cases] == ["P0/ct"]
    (note,) = found.notes
    assert note.startswith("3 images left out: ") and "drawn on the series 1.2.3, and " in note
    assert "the header declares 2 x 8 x 9 pixels, at least 18 bytes, and the file holds 8" in note
    assert "all that is wanted of it lies outside of " in note and "leaves the image by up to 16.5 mm" in note
    for path in tmp_path.glob("P*/mask.dcm"):
        save(path, made)
    with pytest.raises(DatasetError, match=r"no mask can be used: .*drawn on the series 1.2.3, and "):
        for_segmentation(dataset)


def test_contours_that_leave_the_image_are_noted(write: Write, tmp_path: Path) -> None:
    dataset = write([({"Liver": LIVER}, "seg")])
    header = formats.header(tmp_path / "P0" / "ct")
    write_rtstruct(tmp_path / "P0" / "mask.dcm", header, [("Liver", [square(2, -3.5, 3.5)])])
    found = for_segmentation(dataset)
    words = "mask.dcm: Liver leaves the image by up to 3.2 mm, it is cut at the border"
    assert found.notes == (f"on 1 image structures were not taken as they were drawn: {words}",)
    assert mask_of(found.cases[0]).sum() == 16


def test_a_mask_may_be_the_folder_that_holds_it(write: Write, tmp_path: Path) -> None:
    dataset = write([({"Liver": LIVER}, "seg"), ({"Liver": LIVER}, "rt")], mask="{patient}")
    assert [case.mask_paths for case in dataset.cases] == [(tmp_path / "P0",), (tmp_path / "P1",)]
    found = for_segmentation(dataset)
    assert [case.mask_paths for case in found.cases] == [(tmp_path / f"P{n}" / "mask.dcm",) for n in (0, 1)]
    (tmp_path / "P1" / "mask.dcm").unlink()
    (note,) = for_segmentation(dataset).notes
    assert "P1: one DICOM segmentation or structure set of " in note and "0 are there (none)" in note


def test_two_files_of_one_image_may_name_different_structures_only(write: Write, tmp_path: Path) -> None:
    dataset = write([({"Liver": LIVER}, "seg")])
    header = formats.header(tmp_path / "P0" / "ct")
    second = write_rtstruct(tmp_path / "P0" / "rt.dcm", header, [("Spleen", [square(1, 0.5, 3.5)])])
    (case,) = dataset.cases
    both = replace(dataset, cases=(replace(case, mask=DrawnMask((tmp_path / "P0" / "mask.dcm", second))),))
    found = for_segmentation(both)
    assert set(found.labels) == {"Liver", "Spleen"}
    write_rtstruct(second, header, [("LIVER", [square(1, 0.5, 3.5)])])
    with pytest.raises(
        DatasetError, match=r"mask.dcm, rt.dcm in .*P0 were drawn on one image and name the same \(LIVER"
    ):
        for_segmentation(both)


def test_a_name_that_two_files_share_is_none_of_the_matter_where_it_is_not_wanted(write: Write, tmp_path: Path) -> None:
    dataset = write([({"Liver": LIVER, "Body": SPLEEN}, "seg")], 'liver = "Liver"\nspleen = "Spleen"')
    header = formats.header(tmp_path / "P0" / "ct")
    drawn = [("Spleen", [square(1, 0.5, 3.5)]), ("BODY", [square(1, 0.5, 3.5)])]
    paths = (tmp_path / "P0" / "mask.dcm", write_rtstruct(tmp_path / "P0" / "rt.dcm", header, drawn))
    both = replace(dataset, cases=(replace(dataset.cases[0], mask=DrawnMask(paths)),))
    found = for_segmentation(both)
    assert list(found.labels) == ["liver", "spleen"]
    assert shown(found, 0, "liver").sum() == 48 and shown(found, 0, "spleen").sum() == 9
    with pytest.raises(DatasetError, match=r"name the same \(BODY\)"):
        for_segmentation(replace(both, numbers={"body": ("body",)}))


def test_a_mask_that_changes_is_prepared_anew(write: Write, tmp_path: Path) -> None:
    found = for_segmentation(write([({"Liver": LIVER}, "seg")]))
    spec = Input(shape=(4, 8, 9))
    before = inputs_key(found.cases, spec, labels="x")
    path = tmp_path / "P0" / "mask.dcm"
    write_seg(path, formats.header(tmp_path / "P0" / "ct"), boxes(SHAPE, {"Liver": SPLEEN, "Spleen": LIVER}))
    assert inputs_key(found.cases, spec, labels="x") != before
    apart = for_segmentation(write([({"Liver": LIVER, "Spleen": SPLEEN}, "seg")]))
    write_seg(path, formats.header(tmp_path / "P0" / "ct"), boxes(SHAPE, {"Liver": LIVER, "Spleen": TUMOUR}))
    with pytest.raises(DatasetError, match="was changed while it was in use"):
        mask_of(apart.cases[0])


def test_too_many_structures_are_refused(write: Write) -> None:
    many = {f"organ {number}": [(0, 4), (0, 8), (0, 9)] for number in range(17)}
    with pytest.raises(DatasetError, match="17 labels with 18 numbers: up to .* 16 labels that overlap"):
        for_segmentation(write([(many, "seg")]))


def test_landmarks_are_places_on_masks_of_numbers(write: Write) -> None:
    dataset = for_segmentation(write([({"Liver": LIVER}, "seg")]))
    with pytest.raises(DatasetError, match="names structures, and landmarks are places on masks of numbers"):
        for_localization(replace(dataset, places={"middle": "centroid 1"}))
