"""Radiotherapy structure sets filled on the slices of the series that they were drawn on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import item, save
from drawn_files import AXIAL, OBLIQUE, Contour, closed, code, square, write_rtstruct, write_series
from matplotlib.path import Path as Outline
from pydicom.data import get_testdata_file

from hounsfield import formats
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats.drawing import Part
from hounsfield.formats.structures import open_drawing, parts_of

SHAPE = (6, 24, 20)


@pytest.fixture
def image(tmp_path: Path) -> formats.Header:
    return write_series(tmp_path / "ct", np.zeros(SHAPE))


def drawn(tmp_path: Path, image: Any, contours: list[Contour], name: str = "GTV") -> Part:
    (part,) = parts_of(open_drawing(write_rtstruct(tmp_path / "rt.dcm", image, [(name, contours)])), image)
    return part


@pytest.mark.parametrize("axes", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
def test_a_contour_is_filled_as_one_centre_after_another_would_be(tmp_path: Path, axes: Any) -> None:
    image = write_series(tmp_path / "ct", np.zeros(SHAPE), axes=axes)
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    contours, wanted = [], np.zeros(SHAPE, dtype=bool)
    centres = np.stack(np.meshgrid(np.arange(24), np.arange(20), indexing="ij"), axis=-1).reshape(-1, 2)
    for place in (1, 2, 4):
        radius = 5 + np.random.default_rng(place).uniform(-2, 2, 40)
        star = np.column_stack([11.3 + radius * np.sin(angles), 9.6 + radius * np.cos(angles)])
        contours.append(("CLOSED_PLANAR", float(place), star))
        wanted[place] = Outline(star).contains_points(centres).reshape(24, 20)
    part = drawn(tmp_path, image, contours)
    np.testing.assert_array_equal(part.inside, wanted)
    assert wanted.any() and part.notes == ()


def test_a_voxel_is_inside_where_its_centre_is(tmp_path: Path, image: formats.Header) -> None:
    assert drawn(tmp_path, image, [square(2, 3.4, 5.6)]).inside.sum() == 4  # 4 and 5
    assert drawn(tmp_path, image, [square(2, 3.6, 5.4)]).inside.sum() == 4
    assert drawn(tmp_path, image, [square(2, 4.1, 4.9)]).inside.sum() == 0
    assert drawn(tmp_path, image, [square(2, 4.0, 6.0)]).inside.sum() == 4  # 6 is no longer inside: the half-open rule


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_an_inner_contour_and_a_keyhole_are_holes(tmp_path: Path, image: formats.Header, kind: str) -> None:
    outer, inner = square(3, 1.5, 11.5), square(3, 4.5, 6.5)
    part = drawn(tmp_path, image, [(kind, 3.0, outer[2]), (kind, 3.0, inner[2])])
    assert part.inside.sum() == 100 - 4 and not part.inside[3, 5, 5]
    keyhole = np.concatenate([outer[2], outer[2][:1], inner[2][::-1], inner[2][-1:]])
    np.testing.assert_array_equal(drawn(tmp_path, image, [(kind, 3.0, keyhole)]).inside, part.inside)


def test_contours_between_slices_go_to_the_nearest_and_never_turn_each_other_over(
    tmp_path: Path, image: formats.Header
) -> None:
    contours = [square(1.3, 2.5, 6.5), square(2.8, 2.5, 6.5), square(3.1, 3.5, 5.5)]
    part = drawn(tmp_path, image, contours)
    assert part.inside.sum(axis=(1, 2)).tolist() == [0, 16, 0, 4, 0, 0]
    assert part.notes == (
        "rt.dcm: 1 plane of contours of GTV lies between slices for which there is a nearer one, left out",
    )


def test_thick_contours_on_thin_slices_are_said_to_leave_gaps(tmp_path: Path, image: formats.Header) -> None:
    part = drawn(tmp_path, image, [square(place, 2.5, 6.5) for place in (0, 2, 4)])
    assert part.notes == ("rt.dcm: GTV is drawn on one slice in 2, and nothing is filled in between",)


def test_contours_that_leave_the_image_are_cut_and_it_is_said_how_far(tmp_path: Path, image: formats.Header) -> None:
    part = drawn(tmp_path, image, [closed(2, (-5.5, 3.5), (-5.5, 8.5), (4.5, 8.5), (4.5, 3.5))])
    assert part.inside.sum() == 5 * 5 and part.inside[2, :5, 4:9].all()
    assert part.notes == ("rt.dcm: GTV leaves the image by up to 4.0 mm, it is cut at the border",)  # 5 rows of 0.8 mm
    above = drawn(tmp_path, image, [square(7, 2.5, 6.5)])  # slice 7 of 6: 1.5 slices of 3 mm beyond the border
    assert not above.inside.any()
    assert above.notes == ("rt.dcm: GTV leaves the image by up to 4.5 mm, nothing of it is left",)
    to_the_edge = drawn(tmp_path, image, [square(2, -0.5, 19.5)])
    assert to_the_edge.inside[2, :20].all() and to_the_edge.notes == ()


def test_points_and_lines_have_no_area_and_are_said(tmp_path: Path, image: formats.Header) -> None:
    corners = square(2, 2.5, 6.5)[2]
    contours = [("POINT", 2.0, corners[:1]), ("OPEN_PLANAR", 2.0, corners), ("OPEN_PLANAR", 3.0, corners)]
    part = drawn(tmp_path, image, [*contours, ("CLOSED_PLANAR", 1.0, corners[:2])])
    assert not part.inside.any()
    assert part.notes == (
        "rt.dcm: 1 contour of GTV left out, POINT: only closed planar ones have an area",
        "rt.dcm: 2 contours of GTV left out, OPEN_PLANAR: only closed planar ones have an area",
        "rt.dcm: 1 contour of GTV left out, of 2 points: only closed planar ones have an area",
    )


def test_closed_contours_between_the_centres_of_voxels_are_said(tmp_path: Path, image: formats.Header) -> None:
    part = drawn(tmp_path, image, [square(1, 4.1, 4.9), square(2, 4.1, 4.9), square(3, 3.5, 5.5)])
    assert part.inside.sum() == 4
    assert part.notes == ("rt.dcm: 2 closed contours of GTV without any voxel's centre inside: no voxel is theirs",)


@pytest.mark.parametrize("turned", [lambda own: own, lambda own: np.roll(own[::-1], 1, axis=0)], ids=["as", "turned"])
def test_a_contour_that_is_stored_twice_counts_once(tmp_path: Path, image: formats.Header, turned: Any) -> None:
    kind, place, corners = square(2, 3.5, 8.5)
    part = drawn(tmp_path, image, [(kind, place, corners), (kind, place, turned(corners))])
    assert part.inside.sum() == 25
    assert part.notes == ("rt.dcm: 1 contour of GTV stored once more, taken once",)
    exclusive = drawn(tmp_path, image, [("CLOSEDPLANAR_XOR", place, corners)] * 2)
    assert exclusive.inside.sum() == 0 and exclusive.notes == ()


def test_contours_that_overlap_in_part_are_said_and_nested_ones_are_not(tmp_path: Path, image: formats.Header) -> None:
    pair = [square(2, 1.5, 6.5), square(2, 4.5, 9.5)]
    part = drawn(tmp_path, image, [*pair, square(2, 2.5, 3.5), square(2, 10.5, 12.5)])
    assert part.inside.sum() == 25 + 25 - 2 * 4 - 1 + 4
    assert part.notes == (
        "rt.dcm: 1 pair of contours of GTV overlap, none of the two within the other: what both hold counts as outside",
    )
    exclusive = drawn(tmp_path, image, [("CLOSEDPLANAR_XOR", place, corners) for _, place, corners in pair])
    assert exclusive.inside.sum() == 42 and exclusive.notes == ()


def test_structures_keep_their_order_and_one_without_contours_is_nowhere(tmp_path: Path, image: formats.Header) -> None:
    path = write_rtstruct(tmp_path / "rt.dcm", image, [("Body", [square(2, 0.5, 15.5)]), ("Heart", []), ("", [])])
    made = pydicom.dcmread(path)
    made.RTROIObservationsSequence = item(
        ReferencedROINumber=2, RTROIIdentificationCodeSequence=code("SCT", "80891009", "Heart")
    )
    drawing = open_drawing(save(path, made))
    assert [(one.number, one.name, one.code) for one in drawing.structures] == [
        (1, "Body", ""), (2, "Heart", "SCT 80891009"), (3, "ROI 3", "")
    ]  # fmt: skip
    body, heart, _ = parts_of(drawing, image)
    assert body.inside.sum() == 225 and not heart.inside.any() and heart.notes == ()


def test_a_contour_across_the_slices_is_refused(tmp_path: Path, image: formats.Header) -> None:
    path = write_rtstruct(tmp_path / "rt.dcm", image, [("GTV", [square(2, 2.5, 6.5)])])
    made = pydicom.dcmread(path)
    contour = made.ROIContourSequence[0].ContourSequence[0]
    data = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
    data[:2, 2] += 3.0
    contour.ContourData = data.ravel().tolist()
    with pytest.raises(GeometryError, match=r"a contour of GTV runs from slice 3.0 to 4.0 of .*ct; contours in the pl"):
        list(parts_of(open_drawing(save(path, made)), image))


def test_another_series_or_frame_of_reference_is_refused_with_both_uids(tmp_path: Path, image: formats.Header) -> None:
    path = write_rtstruct(tmp_path / "rt.dcm", image, [("GTV", [square(2, 2.5, 6.5)])])
    other = write_series(tmp_path / "other", np.zeros(SHAPE))
    uids = rf"series {image.source.series_uid}, and .*other is of the series {other.source.series_uid}"
    with pytest.raises(GeometryError, match=uids):
        list(parts_of(open_drawing(path), other))
    nifti = replace(image, source=replace(image.source, series_uid="", frame_of_reference_uid=""))
    assert next(parts_of(open_drawing(path), nifti)).inside.any()  # a file that says nothing may be the one
    with pytest.raises(GeometryError, match="does not say where it lies"):
        list(parts_of(open_drawing(path), replace(nifti, spacing_kind="none")))


def test_a_structure_of_another_frame_of_reference_is_left_out_and_refused_where_it_is_asked_for(
    tmp_path: Path, image: formats.Header
) -> None:
    rois = [(name, [square(2, 2.5, 6.5)]) for name in ("A", "B", "C")]
    made = pydicom.dcmread(write_rtstruct(tmp_path / "rt.dcm", image, rois))
    own = image.source.frame_of_reference_uid
    for item_of_roi, frame in zip(made.StructureSetROISequence, (own, "1.2.3.4", own), strict=True):
        item_of_roi.ReferencedFrameOfReferenceUID = frame
    drawing = open_drawing(save(tmp_path / "rt.dcm", made))
    found = list(parts_of(drawing, image))
    assert [(part.structure.name, int(part.inside.sum())) for part in found] == [("A", 16), ("B", 0), ("C", 16)]
    why = f"B was drawn in the frame of reference 1.2.3.4, and {tmp_path / 'ct'} is of the frame of reference {own}"
    assert [part.notes for part in found] == [(), (f"rt.dcm: {why}, left out",), ()]
    with pytest.raises(GeometryError, match="B was drawn in the frame of reference 1.2.3.4, and "):
        list(parts_of(drawing, image, drawing.structures[1:]))
    assert next(parts_of(drawing, image, drawing.structures[2:])).inside.sum() == 16


def test_damaged_files_are_refused_by_a_sentence(tmp_path: Path, image: formats.Header) -> None:
    whole = write_rtstruct(tmp_path / "rt.dcm", image, [("GTV", [square(2, 2.5, 6.5)])])

    def refused(words: str, data: Any) -> None:
        made = pydicom.dcmread(whole)
        made.ROIContourSequence[0].ContourSequence[0].ContourData = data
        with pytest.raises(FormatError, match=words):
            list(parts_of(open_drawing(save(tmp_path / "damaged.dcm", made)), image))

    refused("a contour of GTV is not made of points with three numbers each", [1, 2, 3, 4])
    text = whole.read_bytes()
    first = text.index(b"-8.25")  # the first number of the contour
    (tmp_path / "text.dcm").write_bytes(text[:first] + b"-8,25" + text[first + 5 :])
    with pytest.raises(FormatError, match="a tag of its header cannot be read"):
        list(parts_of(open_drawing(tmp_path / "text.dcm"), image))
    made = pydicom.dcmread(whole)
    del made.StructureSetROISequence
    with pytest.raises(FormatError, match="a structure set without any structure"):
        open_drawing(save(tmp_path / "damaged.dcm", made))


def test_pydicoms_own_structure_set_is_understood() -> None:
    drawing = open_drawing(Path(str(get_testdata_file("rtstruct.dcm"))))
    assert [one.name for one in drawing.structures] == ["patient", "Isocenter 1", "Isocenter 2"]
    assert drawing.kind == "structure set"
    assert drawing.series_uids and drawing.frame_of_reference_uids
