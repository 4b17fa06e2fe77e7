"""Modality LUT, MONOCHROME1, windows, spacing and what the header says: one file at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import dataset, item, save, slice_at
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi
from pydicom.sr.codedict import codes

from hounsfield import geometry
from hounsfield.formats import read
from hounsfield.formats.dicom_intensity import linear
from hounsfield.formats.dicom_source import VIEWS, age_years
from hounsfield.formats.dicom_voi import turned_over
from hounsfield.formats.stored_bits import stored_range
from hounsfield.formats.window import apply_window
from hounsfield.image import Image, Window

STORED = np.array([[0, 1, 2], [1000, 2000, 4095]], dtype=np.uint16)


def image(tmp_path: Path, pixels: Any = STORED, **tags: Any) -> Image:
    return read(save(tmp_path / "a.dcm", dataset(pixels, **tags)))


def test_stored_values_without_a_modality_lut_keep_their_type(tmp_path: Path) -> None:
    got = image(tmp_path)
    assert got.voxels.dtype == np.uint16
    np.testing.assert_array_equal(got.voxels, STORED[None, None])


def test_slope_and_intercept_give_hounsfield_units_in_float32(tmp_path: Path) -> None:
    got = image(tmp_path, RescaleSlope=2, RescaleIntercept=-1024.5)
    assert got.voxels.dtype == np.float32
    np.testing.assert_array_equal(got.voxels[0, 0], STORED * 2.0 - 1024.5)


def test_a_modality_table_is_looked_up_and_holds_its_ends(tmp_path: Path) -> None:
    table = item(LUTDescriptor=[3, 1, 16], LUTData=np.array([10, 20, 40], "<u2").tobytes(), ModalityLUTType="HU")
    got = image(tmp_path, ModalityLUTSequence=table)
    np.testing.assert_array_equal(got.voxels[0, 0], [[10, 10, 20], [40, 40, 40]])


def test_monochrome1_is_turned_over_within_its_stored_bits(tmp_path: Path) -> None:
    got = image(tmp_path, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    assert got.voxels.dtype == np.uint16
    np.testing.assert_array_equal(got.voxels[0, 0], 4095 - STORED)
    assert got.source.photometric == "MONOCHROME1"


def test_signed_monochrome1_is_turned_over_about_minus_a_half(tmp_path: Path) -> None:
    got = image(tmp_path, np.array([[-32768, -1, 0, 32767]], np.int16), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(got.voxels[0, 0], [[32767, 0, -1, -32768]])


def test_unused_high_bits_do_not_count(tmp_path: Path) -> None:
    overlaid = np.array([[0xF005]], np.uint16)
    assert image(tmp_path, overlaid, BitsStored=12).voxels.item() == 5
    assert image(tmp_path, overlaid, BitsStored=12, PhotometricInterpretation="MONOCHROME1").voxels.item() == 4090
    assert image(tmp_path, np.array([[0x0FFF]], np.int16), BitsStored=12).voxels.item() == -1


@given(
    slope=st.sampled_from([1.0, 0.5, -2.0, 0.3521]), intercept=st.floats(-2000, 2000), signed=st.booleans(),
    bits=st.integers(2, 16), place=st.floats(0, 1),
)  # fmt: skip
def test_turning_over_keeps_the_range_and_reverses_the_order(
    slope: float, intercept: float, signed: bool, bits: int, place: float
) -> None:
    low, high = stored_range(bits, signed=signed)
    values = np.array([low, int(low + place * (high - low)), high], dtype=np.int16 if signed else np.uint16)
    plain, turned = np.empty(3, np.float32), np.empty(3, np.float32)
    linear(slope, intercept, bits_stored=bits, signed=signed, monochrome1=False).apply(values, plain)
    linear(slope, intercept, bits_stored=bits, signed=signed, monochrome1=True).apply(values, turned)
    np.testing.assert_allclose(turned[[0, 2]], plain[[2, 0]], rtol=1e-5, atol=0.02)
    np.testing.assert_allclose(turned[1] + plain[1], plain[0] + plain[2], rtol=1e-5, atol=0.05)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_turned_over_shows_the_negative(function: Any) -> None:
    window = Window(center=300, width=200, function=function)
    values = np.linspace(0, 600, 61)
    negative = apply_window(1000 - values, turned_over(window, 1000.0))
    np.testing.assert_allclose(negative, 1 - apply_window(values, window), atol=1e-5)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(function: str) -> None:
    values = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
    made = dataset(values, BitsStored=12, WindowCenter=1500, WindowWidth=1000, VOILUTFunction=function)
    theirs = apply_voi_window(values, made)
    ours = apply_window(values, Window(1500, 1000, function=function))  # type: ignore[arg-type]  # parametrised text
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def apply_voi_window(values: Any, made: Dataset) -> Any:
    from pydicom.pixels.processing import apply_windowing

    return apply_windowing(values, made) / 4095


def test_windows_come_in_the_files_order_with_their_names(tmp_path: Path) -> None:
    got = image(
        tmp_path, WindowCenter=[40, -600], WindowWidth=[400, 1500], WindowCenterWidthExplanation=["SOFT", "LUNG"]
    )
    assert got.windows == (Window(40, 400, name="SOFT"), Window(-600, 1500, name="LUNG"))


def test_a_window_of_no_width_is_left_out(tmp_path: Path) -> None:
    assert image(tmp_path, WindowCenter=40, WindowWidth=0).windows == ()


def test_windows_of_monochrome1_are_turned_over_with_the_voxels(tmp_path: Path) -> None:
    got = image(tmp_path, PhotometricInterpretation="MONOCHROME1", BitsStored=12, WindowCenter=1000, WindowWidth=500)
    assert got.windows == (Window(4095 - 1000 + 1, 500),)


def test_a_voi_table_becomes_a_window_that_shows_what_pydicom_shows(tmp_path: Path) -> None:
    curve = [0, 10, 40, 90, 160, 250]
    table = item(LUTDescriptor=[6, 1, 8], LUTData=np.array(curve, "<u2").tobytes(), LUTExplanation="SCREEN")
    pixels = np.array([[0, 1, 2, 3, 4, 5, 6, 9]], np.uint16)
    made = dataset(pixels, VOILUTSequence=table)
    (window,) = read(save(tmp_path / "a.dcm", made)).windows
    assert (window.name, window.center, window.width) == ("SCREEN", 3.5, 5)
    np.testing.assert_allclose(apply_window(pixels, window), apply_voi(pixels, made) / 250, atol=1e-6)


@pytest.mark.parametrize(("tags", "spacing", "kind"), [
    ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "patient"),
    ({"ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "detector"),
    ({"NominalScannedPixelSpacing": [0.05, 0.05]}, (0.05, 0.05), "detector"),
    ({"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), "detector"),
    ({"PixelSpacing": [0.09, 0.09], "ImagerPixelSpacing": [0.1, 0.1]}, (0.09, 0.09), "patient"),
    ({"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
     (0.1, 0.1), "patient"),
    ({}, (1.0, 1.0), "none"),
])  # fmt: skip
def test_spacing_says_whose_millimetres_it_counts(tmp_path: Path, tags: Any, spacing: Any, kind: str) -> None:
    got = image(tmp_path, **tags)
    assert got.spacing_mm[1:] == pytest.approx(spacing)
    assert got.spacing_kind == kind


def test_one_calibrated_ultrasound_region_gives_the_spacing(tmp_path: Path) -> None:
    region = item(PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3, PhysicalDeltaX=0.02, PhysicalDeltaY=0.03)
    got = image(tmp_path, Modality="US", SequenceOfUltrasoundRegions=region)
    assert (got.spacing_mm[1:], got.spacing_kind) == (pytest.approx((0.3, 0.2)), "patient")


def test_a_single_slice_keeps_its_place_in_the_patient(tmp_path: Path) -> None:
    got = read(save(tmp_path / "a.dcm", slice_at(STORED, (-10, -20, 30), SliceThickness=2.5)))
    assert got.spacing_mm == pytest.approx((2.5, 0.5, 0.7))
    corner = geometry.world_from_index(got.affine, np.array([[0.0, 1.0, 2.0]]))
    np.testing.assert_allclose(corner, [[-10 + 2 * 0.7, -20 + 0.5, 30]])


def test_a_flat_image_with_a_senseless_orientation_is_still_read(tmp_path: Path) -> None:
    got = read(save(tmp_path / "a.dcm", slice_at(STORED, (0, 0, 0), ImageOrientationPatient=[0] * 6)))
    assert got.spacing_mm == pytest.approx((1.0, 0.5, 0.7))


def test_the_header_of_a_mammogram_is_told(tmp_path: Path) -> None:
    got = image(
        tmp_path, Modality="MG", PatientID="7", PatientAge="052Y", PatientSex="F", ImageLaterality="L",
        ViewPosition="MLO", BodyPartExamined="BREAST", StudyInstanceUID="1.2.3", Manufacturer="Maker",
        SeriesDescription="screening",
    )  # fmt: skip
    source = got.source
    assert got.modality == "MG"
    assert (source.patient_id, source.age_years, source.sex, source.laterality) == ("7", 52.0, "F", "L")
    assert (source.view, source.body_part, source.study_uid) == ("MLO", "BREAST", "1.2.3")
    assert (source.manufacturer, source.description, source.format) == ("Maker", "screening", "dicom")
    assert len(source.sop_uids) == 1


def test_laterality_is_also_found_in_frames_and_series(tmp_path: Path) -> None:
    anatomy = item(FrameAnatomySequence=item(FrameLaterality="R"))
    assert image(tmp_path, SharedFunctionalGroupsSequence=anatomy).source.laterality == "R"
    assert image(tmp_path, Laterality="B").source.laterality == "B"
    assert image(tmp_path, Laterality="U").source.laterality == ""


def test_a_coded_view_is_told_by_its_usual_letters(tmp_path: Path) -> None:
    view = item(CodeValue="399162004", CodingSchemeDesignator="SCT", CodeMeaning="cranio-caudal")
    assert image(tmp_path, ViewCodeSequence=view).source.view == "CC"


def test_the_table_of_views_has_every_projection_of_the_standards_list() -> None:
    listed = {code.value for code in codes.cid4014.concepts.values()}
    assert listed - set(VIEWS) <= {"127457009"}  # a specimen is no projection


@pytest.mark.parametrize(("text", "years"), [("052Y", 52.0), ("006M", 0.5), ("052W", 0.9966), ("010D", 0.0274)])
def test_age_strings_count_in_their_unit(text: str, years: float) -> None:
    made = Dataset()
    made.PatientAge = text
    assert age_years(made) == pytest.approx(years, abs=1e-3)


def test_age_is_computed_from_dates_and_left_out_when_absurd() -> None:
    made = Dataset()
    made.PatientBirthDate, made.StudyDate = "19600601", "20100601"
    assert age_years(made) == pytest.approx(50, abs=0.01)
    made.PatientBirthDate = "20200101"
    assert age_years(made) is None
    made.PatientBirthDate = ""
    assert age_years(made) is None
