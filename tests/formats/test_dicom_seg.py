"""DICOM segmentations on the grid of the image that they were drawn on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from dicom_files import compressed, dataset, item, save
from drawn_files import (
    AXIAL,
    LABEL_MAP_STORAGE,
    OBLIQUE,
    boxes,
    code,
    mask_of_structures,
    set_frames,
    write_seg,
    write_series,
)
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import RLELossless

from hounsfield import formats, geometry
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats import capacity
from hounsfield.formats.drawing import Part
from hounsfield.formats.structures import open_drawing, parts_of

SHAPE = (5, 9, 11)
RLE_HEAD = np.array([1, 64, *[0] * 14], dtype="<u4").tobytes()
"""Of one segment (PS3.5 G.5)."""
OVERLAPPING = boxes(
    SHAPE, {"Liver": [(1, 4), (2, 7), (1, 9)], "Tumour": [(2, 4), (4, 9), (3, 5)], "Spleen": [(0, 0)] * 3}
)
"""The tumour reaches out of the liver; the spleen is named and nowhere."""


@pytest.fixture
def image(tmp_path: Path) -> formats.Header:
    return write_series(tmp_path / "ct", np.zeros(SHAPE))


def parts(path: Path, image: Any) -> dict[str, Part]:
    return {part.structure.name: part for part in parts_of(open_drawing(path), image)}


def check(path: Path, image: Any, segments: list[tuple[str, np.ndarray]]) -> None:
    found = parts(path, image)
    assert list(found) == [name for name, _ in segments]
    for name, inside in segments:
        np.testing.assert_array_equal(found[name].inside, inside != 0)


@pytest.mark.parametrize("axes", [AXIAL, OBLIQUE], ids=["axial", "oblique"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_overlapping_segments_with_sparse_frames_lie_where_they_were_drawn(
    tmp_path: Path, axes: Any, shuffled: bool
) -> None:
    image = write_series(tmp_path / "ct", np.zeros(SHAPE), axes=axes)
    path = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING, shuffled=shuffled)
    assert pydicom.dcmread(path).NumberOfFrames == 3 + 2
    check(path, image, OVERLAPPING)
    check(path, formats.read(tmp_path / "ct"), OVERLAPPING)


def test_names_and_codes_come_from_the_segment_sequence(tmp_path: Path, image: formats.Header) -> None:
    segments = DicomSequence(item(SegmentNumber=number)[0] for number in (1, 2, 3))
    segments[0].SegmentLabel = " Liver "
    segments[1].SegmentedPropertyTypeCodeSequence = code("SCT", "108369006", "Neoplasm")
    drawing = open_drawing(write_seg(tmp_path / "seg.dcm", image, OVERLAPPING, SegmentSequence=segments))
    assert [(one.name, one.code) for one in drawing.structures] == [
        ("Liver", ""), ("Neoplasm", "SCT 108369006"), ("segment 3", "")
    ]  # fmt: skip
    assert drawing.series_uids == (image.source.series_uid,)


def test_a_frame_seen_from_the_other_side_is_turned_back(tmp_path: Path, image: formats.Header) -> None:
    """The same places, with rows that run to the right and columns that run to the front, and with axes exchanged."""
    path = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING[:1])
    made = pydicom.dcmread(path)
    frames = made.pixel_array
    for turn in ("both", "exchanged"):
        shared = made.SharedFunctionalGroupsSequence[0]
        rows, columns, _ = OVERLAPPING[0][1].shape[1], OVERLAPPING[0][1].shape[2], 0
        far = image.affine[:3, 1] * (rows - 1) + image.affine[:3, 2] * (columns - 1)
        for place, frame in zip((1, 2, 3), made.PerFrameFunctionalGroupsSequence, strict=True):
            corner = geometry.world_from_index(image.affine, np.array([[place, 0, 0]]))[0]
            position = corner + (far if turn == "both" else 0)
            frame.PlanePositionSequence = item(ImagePositionPatient=position.round(6).tolist())
        if turn == "both":
            shared.PlaneOrientationSequence = item(ImageOrientationPatient=[-1, 0, 0, 0, -1, 0])
            set_frames(made, frames[:, ::-1, ::-1], bits=1)
        else:
            shared.PlaneOrientationSequence = item(ImageOrientationPatient=[0, 1, 0, 1, 0, 0])
            shared.PixelMeasuresSequence[0].PixelSpacing = list(
                made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing
            )[::-1]
            made.Rows, made.Columns = columns, rows
            set_frames(made, frames.transpose(0, 2, 1), bits=1)
        check(save(path, made), image, OVERLAPPING[:1])


def test_a_frame_may_run_across_the_slices(tmp_path: Path) -> None:
    image = write_series(tmp_path / "ct", np.zeros((4, 5, 6)), spacing=(1, 1, 1))
    inside = np.zeros((4, 5, 6), dtype=np.uint8)
    inside[1:3, 2, 1:4] = 1
    path = write_seg(tmp_path / "seg.dcm", image, [("Plate", inside)])
    made = pydicom.dcmread(path)
    made.PerFrameFunctionalGroupsSequence = made.PerFrameFunctionalGroupsSequence[:1]
    corner = geometry.world_from_index(image.affine, np.array([[3, 2, 0]]))[0]
    made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence = item(ImagePositionPatient=corner.tolist())
    made.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    made.Rows, made.Columns = 4, 6
    set_frames(made, inside[::-1, 2][None], bits=1)  # a coronal plane, its rows from the head downwards
    check(save(path, made), image, [("Plate", inside)])


def test_fractional_segments_are_inside_from_half_on_and_say_so(tmp_path: Path, image: formats.Header) -> None:
    values = np.zeros(SHAPE, dtype=np.uint8)
    values[2, 3, 1:5] = 200, 100, 99, 1
    part = parts(write_seg(tmp_path / "seg.dcm", image, [("Lung", values)], kind="FRACTIONAL"), image)["Lung"]
    np.testing.assert_array_equal(part.inside, values >= 100)
    assert part.notes == (
        "seg.dcm: its segments are fractional (probability): a voxel is inside where it holds 100 of 200 or more",
    )


@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP", "BINARY"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "RLE"])
def test_a_frame_at_a_time_is_decoded(
    tmp_path: Path, image: formats.Header, kind: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = boxes(SHAPE, {"Liver": [(1, 3), (2, 7), (1, 5)], "Tumour": [(3, 5), (4, 9), (3, 5)]})
    drawn = [(name, inside * 200) for name, inside in apart] if kind == "FRACTIONAL" else apart
    path = write_seg(tmp_path / "seg.dcm", image, drawn, kind=kind)
    if packed:
        made = pydicom.dcmread(path)
        frames = made.pixel_array.astype(np.uint8)
        made.BitsAllocated = made.BitsStored = 8
        made.HighBit = 7
        codes = [bytes(imagecodecs.packbits_encode(frame, axis=-1)) for frame in frames]
        save(path, compressed(made, RLELossless, [RLE_HEAD + code for code in codes]))
    monkeypatch.setattr(capacity, "_SMALL_BYTES", 0)
    monkeypatch.setattr(capacity, "free_memory", lambda: 2 * SHAPE[1] * SHAPE[2])  # of four frames
    check(path, image, apart)


def test_a_label_map_has_one_number_a_voxel_and_its_background_is_no_structure(
    tmp_path: Path, image: formats.Header
) -> None:
    apart = boxes(SHAPE, {"Liver": [(1, 3), (2, 7), (1, 5)], "Tumour": [(3, 5), (4, 9), (3, 5)]})
    path = write_seg(tmp_path / "seg.dcm", image, apart, kind="LABELMAP", shuffled=True)
    made = pydicom.dcmread(path)
    background = item(SegmentNumber=0, SegmentLabel="Background")[0]
    background.SegmentedPropertyTypeCodeSequence = code("DCM", "125040", "Background")
    made.SegmentSequence = DicomSequence([background, *made.SegmentSequence])
    made.add_new("PixelPaddingValue", "US", 9)
    made.PhotometricInterpretation = "PALETTE COLOR"  # whose colours are for display
    assert made.SOPClassUID == LABEL_MAP_STORAGE
    check(save(path, made), image, apart)
    mask, _ = mask_of_structures(open_drawing(path), image)
    assert mask.exclusive and mask.labels.dtype == np.uint8
    np.testing.assert_array_equal(mask.labels, apart[0][1] + 2 * apart[1][1])


def test_number_0_of_a_label_map_is_no_structure_whatever_its_code_and_padding_is_of_label_maps_alone(
    tmp_path: Path, image: formats.Header
) -> None:
    path = write_seg(tmp_path / "map.dcm", image, OVERLAPPING[:1], kind="LABELMAP")
    made = pydicom.dcmread(path)
    background = item(SegmentNumber=0, SegmentLabel="Background")[0]
    background.SegmentedPropertyTypeCodeSequence = code("99LOCAL", "0", "Background")
    made.SegmentSequence = DicomSequence([background, *made.SegmentSequence])
    check(save(path, made), image, OVERLAPPING[:1])
    binary = pydicom.dcmread(write_seg(tmp_path / "seg.dcm", image, OVERLAPPING))
    binary.add_new("PixelPaddingValue", "US", 2)
    check(save(tmp_path / "seg.dcm", binary), image, OVERLAPPING)


def test_overlapping_segments_make_a_mask_of_bits(tmp_path: Path, image: formats.Header) -> None:
    mask, notes = mask_of_structures(open_drawing(write_seg(tmp_path / "seg.dcm", image, OVERLAPPING)), image)
    assert not mask.exclusive and notes == ()
    for (name, inside), (wanted, voxels) in zip(mask.parts(), OVERLAPPING, strict=True):
        assert name == wanted
        np.testing.assert_array_equal(inside, voxels != 0)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_what_lies_outside_of_the_image_is_cut_and_counted(tmp_path: Path, image: formats.Header, kind: str) -> None:
    path = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING[:1], kind=kind)
    part_of_it = write_series(
        tmp_path / "part",
        np.zeros((3, 9, 4)),
        SeriesInstanceUID=image.source.series_uid,
        FrameOfReferenceUID=image.source.frame_of_reference_uid,
    )
    part = parts(path, part_of_it)["Liver"]
    np.testing.assert_array_equal(part.inside, OVERLAPPING[0][1][:3, :, :4] != 0)
    outside = int(OVERLAPPING[0][1].sum() - OVERLAPPING[0][1][:3, :, :4].sum())
    assert part.notes == (f"seg.dcm: {outside} voxels of Liver lie outside of the image and are cut",)


def test_a_segmentation_without_any_frame_shows_nothing(tmp_path: Path, image: formats.Header) -> None:
    path = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING[2:])
    assert not parts(path, image)["Spleen"].inside.any()


def test_frames_without_a_place_lie_on_the_image_that_they_name(tmp_path: Path) -> None:
    film = save(
        tmp_path / "film.dcm", dataset(np.zeros((6, 7), np.uint8), Modality="DX", ImagerPixelSpacing=[0.2, 0.2])
    )
    image = formats.header(film)
    inside = np.zeros((1, 6, 7), dtype=np.uint8)
    inside[0, 2:4, 1:6] = 1
    path = write_seg(tmp_path / "seg.dcm", image, [("Lung", inside)], placed=False)
    check(path, image, [("Lung", inside)])
    other = replace(image, source=replace(image.source, sop_uids=("1.2.3",)))
    with pytest.raises(GeometryError, match=rf"drawn on the image {image.source.sop_uids[0]}, and .*film.dcm is 1.2.3"):
        parts(path, other)


def test_frames_without_a_place_lie_on_the_frames_of_a_cine_that_they_name(tmp_path: Path) -> None:
    cine = dataset(np.zeros((4, 6, 7), np.uint8), Modality="US", NumberOfFrames=4)
    image = formats.header(save(tmp_path / "us.dcm", cine))
    inside = np.zeros((4, 6, 7), dtype=np.uint8)
    inside[1, 1:3, 1:3], inside[3, 5, 5] = 1, 1
    one_file = replace(image, source=replace(image.source, sop_uids=image.source.sop_uids * 4))
    path = write_seg(tmp_path / "seg.dcm", one_file, [("Valve", inside)], placed=False)

    def naming(*numbers: Any) -> Path:
        made = pydicom.dcmread(path)
        for frame, number in zip(made.PerFrameFunctionalGroupsSequence, numbers, strict=True):
            source = frame.DerivationImageSequence[0].SourceImageSequence[0]
            if number is not None:
                source.ReferencedFrameNumber = number
        return save(tmp_path / "named.dcm", made)

    check(naming(2, 4), image, [("Valve", inside)])
    turned = replace(image, source=replace(image.source, frames=(3, 2, 1, 0)))  # as positions may sort them
    check(naming(2, 4), turned, [("Valve", inside[::-1])])
    for numbers, said in (((None, 4), "it names none"), ((2, [3, 4]), "it names 3, 4")):
        with pytest.raises(GeometryError, match=rf"should name one frame of .*us.dcm, which has 4; {said}"):
            parts(naming(*numbers), image)
    with pytest.raises(GeometryError, match=r"frame 2 was drawn on frame 5 of .*us.dcm, which has 4"):
        parts(naming(2, 5), image)


def test_another_series_is_refused_with_both_uids(tmp_path: Path, image: formats.Header) -> None:
    path = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING)
    other = write_series(tmp_path / "other", np.zeros(SHAPE))
    with pytest.raises(GeometryError) as refused:
        parts(path, other)
    assert image.source.series_uid in str(refused.value) and other.source.series_uid in str(refused.value)
    same_series = replace(other, source=replace(other.source, series_uid=image.source.series_uid))
    with pytest.raises(GeometryError, match=rf"frame of reference {image.source.frame_of_reference_uid}, and "):
        parts(path, same_series)


def test_a_segmentation_lies_on_its_series_whose_positions_are_rounded(tmp_path: Path) -> None:
    """Slices 1.25 mm apart whose heights are written to 0.1 mm; each frame has its slice's position."""
    shape = (13, 6, 7)
    image = write_series(tmp_path / "ct", np.zeros(shape), spacing=(1.25, 0.7, 0.7))
    heights = [round(30 + 1.25 * place, 1) for place in range(13)]
    for place, height in enumerate(heights):
        one = pydicom.dcmread(tmp_path / "ct" / f"{place:03}.dcm")
        one.ImagePositionPatient[2] = height
        save(tmp_path / "ct" / f"{place:03}.dcm", one)
    image = formats.header(tmp_path / "ct")
    segments = boxes(shape, {"Spine": [(0, 13), (2, 4), (2, 5)]})
    made = pydicom.dcmread(write_seg(tmp_path / "seg.dcm", image, segments))
    for frame, height in zip(made.PerFrameFunctionalGroupsSequence, heights, strict=True):
        frame.PlanePositionSequence[0].ImagePositionPatient[2] = height
    check(save(tmp_path / "seg.dcm", made), image, segments)
    made.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient[2] += 0.25
    with pytest.raises(
        GeometryError, match=r"the pixels of frame 4 \(0.7 × 0.7 mm\) lie up to 0.\d+ mm off its voxels"
    ):
        parts(save(tmp_path / "seg.dcm", made), image)
    made.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient[2] = heights[3]
    made.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient[0] += 0.05
    with pytest.raises(GeometryError, match="are not on one grid"):
        parts(save(tmp_path / "seg.dcm", made), image)


@pytest.mark.parametrize(
    ("spacing", "origin_shift", "words"),
    [
        (
            (3, 0.4, 0.35),
            0,
            r"the pixels of frame 1 \(0.8 × 0.7 mm\) are larger, smaller or turned \(3 × 0.4 × 0.35 mm",
        ),
        ((3, 0.8, 0.7), 0.4, r"lie up to 0.40 mm off its voxels"),
    ],
)
def test_another_grid_is_refused_with_both_files(
    tmp_path: Path, image: formats.Header, spacing: Any, origin_shift: float, words: str
) -> None:
    path = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING)
    affine = geometry.affine_from_axes(
        origin_mm=image.affine[:3, 3] + [0, 0, origin_shift],
        spacing_mm=spacing,
        directions=image.affine[:3, :3] / geometry.spacing_mm(image.affine),
    )
    with pytest.raises(GeometryError, match=rf"seg.dcm and .*ct are not on one grid: .*{words}"):
        parts(path, replace(image, affine=affine))


def test_damaged_files_are_refused_by_a_sentence(tmp_path: Path, image: formats.Header) -> None:
    whole = write_seg(tmp_path / "seg.dcm", image, OVERLAPPING)

    def refused(words: str, **tags: Any) -> None:
        made = pydicom.dcmread(whole)
        for keyword, value in tags.items():
            if value is None:
                delattr(made, keyword)
            else:
                setattr(made, keyword, value)
        with pytest.raises(FormatError, match=words):
            parts(save(tmp_path / "damaged.dcm", made), image)

    refused(r"declares 5 x 9 x 11 pixels, at least 62 bytes, and the file holds 40", PixelData=b"\0" * 40)
    refused(r"the header describes 5 frames and declares more", NumberOfFrames=6)
    refused(r"names no segments", SegmentSequence=None)
    refused(r"a segmentation of a whole-slide image", TotalPixelMatrixColumns=1000)
    refused(r"a tag of its header cannot be read", SegmentationType="FRACTIONAL")
    frames = pydicom.dcmread(whole).PerFrameFunctionalGroupsSequence
    del frames[0].SegmentIdentificationSequence
    refused(r"frame 1 does not say which segment", PerFrameFunctionalGroupsSequence=frames)
    half = tmp_path / "half.dcm"
    half.write_bytes(whole.read_bytes()[:600])
    with pytest.raises(FormatError, match=r"half.dcm: "):
        parts(half, image)
