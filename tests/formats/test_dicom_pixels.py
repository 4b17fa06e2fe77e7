"""Transfer syntaxes, colour, frames: pixels as pydicom decodes them."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from dicom_files import compressed, dataset, item, save
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, generate_uid

from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats import header, read

RNG = np.random.default_rng(7)
GREY16 = RNG.integers(0, 4096, (24, 20)).astype(np.uint16)
GREY8 = RNG.integers(0, 256, (24, 20)).astype(np.uint8)
JPEG_LOSSLESS, JPEG_LS, JPEG_2000, HTJ2K = (
    "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"
)  # fmt: skip
ENCODERS: dict[str, Any] = {
    JPEG_LOSSLESS: lambda pixels: imagecodecs.ljpeg_encode(pixels, bitspersample=pixels.dtype.itemsize * 8),
    JPEG_LS: imagecodecs.jpegls_encode,
    JPEG_2000: lambda pixels: imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, codecformat="j2k"),
    HTJ2K: imagecodecs.htj2k_encode,
}


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("pixels", [GREY16, GREY8], ids=["16 bits", "8 bits"])
def test_lossless_compression_gives_the_same_pixels_back(tmp_path: Path, syntax: str, pixels: NDArray[Any]) -> None:
    path = save(tmp_path / "a.dcm", compressed(dataset(pixels), syntax, [ENCODERS[syntax](pixels)]))
    np.testing.assert_array_equal(read(path).voxels[0, 0], pixels)


@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000])
def test_the_header_decides_whether_values_are_signed(tmp_path: Path, syntax: str) -> None:
    signed = GREY16.astype(np.int16) - 2048
    path = save(tmp_path / "a.dcm", compressed(dataset(signed), syntax, [ENCODERS[syntax](signed.view(np.uint16))]))
    np.testing.assert_array_equal(read(path).voxels[0, 0], signed)


def test_lossy_jpeg_gives_the_pixels_that_pydicom_gives(tmp_path: Path) -> None:
    smooth = (np.add.outer(np.arange(40) ** 2 // 9, np.arange(32) * 2) % 251).astype(np.uint8)
    code = imagecodecs.jpeg8_encode(smooth, level=80)
    path = save(tmp_path / "a.dcm", compressed(dataset(smooth), "1.2.840.10008.1.2.4.50", [code]))
    np.testing.assert_array_equal(read(path).voxels[0, 0], dcmread(path).pixel_array)


@pytest.mark.parametrize("syntax", [JPEG_LOSSLESS, JPEG_LS, JPEG_2000])
@pytest.mark.parametrize("stored", [12, 16])
def test_signed_compressed_pixels_are_those_of_pydicom(tmp_path: Path, syntax: str, stored: int) -> None:
    signed = (GREY16.astype(np.int16) - 2048).astype(np.int16)
    code = ENCODERS[syntax](signed.view(np.uint16))
    path = save(tmp_path / "a.dcm", compressed(dataset(signed, BitsStored=stored), syntax, [code]))
    np.testing.assert_array_equal(read(path).voxels[0, 0], dcmread(path).pixel_array)


def test_many_compressed_frames_keep_their_order(tmp_path: Path) -> None:
    frames = RNG.integers(0, 4096, (7, 12, 10)).astype(np.uint16)
    coded = [ENCODERS[JPEG_2000](frame) for frame in frames]
    got = read(save(tmp_path / "a.dcm", compressed(dataset(frames), JPEG_2000, coded)))
    np.testing.assert_array_equal(got.voxels[0], frames)
    assert got.spacing_kind == "none"


def test_big_endian_comes_out_in_the_machines_order(tmp_path: Path) -> None:
    made = dataset(GREY16, syntax=ExplicitVRBigEndian)
    made.PixelData = GREY16.astype(">u2").tobytes()
    dcmwrite(tmp_path / "a.dcm", made, implicit_vr=False, little_endian=False, enforce_file_format=True)
    got = read(tmp_path / "a.dcm").voxels
    assert got.dtype.isnative
    np.testing.assert_array_equal(got[0, 0], GREY16)


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_is_three_channels_red_first(tmp_path: Path, planar: int) -> None:
    pixels = RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8)
    made = dataset(pixels, PlanarConfiguration=planar)
    if planar:
        made.PixelData = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)).tobytes()
    got = read(save(tmp_path / "a.dcm", made))
    np.testing.assert_array_equal(got.voxels[:, 0], np.moveaxis(pixels, -1, 0))


def test_a_palette_becomes_colours(tmp_path: Path) -> None:
    made = dataset(np.array([[0, 1], [1, 2]], np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for place, name in enumerate(("Red", "Green", "Blue")):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [4, 0, 8])
        setattr(made, f"{name}PaletteColorLookupTableData", bytes([place, 10 + place, 20 + place, 0]))
    path = save(tmp_path / "a.dcm", made)
    np.testing.assert_array_equal(
        read(path).voxels[:, 0], [[[0, 10], [10, 20]], [[1, 11], [11, 21]], [[2, 12], [12, 22]]]
    )
    assert (header(path).channels, header(path).dtype) == (3, read(path).voxels.dtype)


def test_a_compressed_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    made = compressed(dataset(GREY16), JPEG_2000, [ENCODERS[JPEG_2000](GREY16[:, :10])])
    with pytest.raises(FormatError, match=r"the compressed frame is \(24, 10\), the header says \(24, 20\)"):
        read(save(tmp_path / "a.dcm", made))


def test_a_damaged_compressed_frame_is_refused_with_the_transfer_syntax(tmp_path: Path) -> None:
    made = compressed(dataset(GREY16), JPEG_LS, [ENCODERS[JPEG_LS](GREY16)[:40]])
    with pytest.raises(FormatError, match=r"a.dcm: its pixel data \(JPEG-LS Lossless.*\) could not be decoded"):
        read(save(tmp_path / "a.dcm", made))


def enhanced(heights: list[float], **changed: Any) -> Any:
    """An enhanced MR image whose frame f holds 100 x f, slope 2 and intercept f."""
    pixels = np.stack([np.full((4, 5), 100 * frame, np.uint16) for frame in range(len(heights))])
    groups = []
    for frame, height in enumerate(heights):
        group = Dataset()
        group.PlanePositionSequence = item(ImagePositionPatient=[1.0, 2.0, height])
        group.PixelValueTransformationSequence = item(RescaleSlope=2, RescaleIntercept=frame)
        group.FrameVOILUTSequence = item(WindowCenter=50 + frame, WindowWidth=100)
        groups.append(group)
    shared = item(
        PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelMeasuresSequence=item(PixelSpacing=[0.5, 0.7], SliceThickness=3),
    )
    tags = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1", "Modality": "MR", "SharedFunctionalGroupsSequence": shared,
        "PerFrameFunctionalGroupsSequence": Sequence(groups), "SOPInstanceUID": generate_uid(),
    }  # fmt: skip
    return dataset(pixels, **(tags | changed))


def test_frames_of_an_enhanced_image_are_sorted_and_scaled_each_by_its_own(tmp_path: Path) -> None:
    got = read(save(tmp_path / "a.dcm", enhanced([4.0, 0.0, 2.0])))
    np.testing.assert_array_equal(got.voxels[0, :, 0, 0], [201, 402, 0])
    assert got.spacing_mm == pytest.approx((2.0, 0.5, 0.7))
    assert got.affine[:3, 3].tolist() == [1, 2, 0]
    assert got.windows[0].center == 51
    assert got.spacing_kind == "patient"


def test_frames_that_share_a_position_are_refused_by_number(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"doubled.*frame 2 \(at 2.00 mm\) and frame 3 \(at 2.00 mm\)"):
        read(save(tmp_path / "a.dcm", enhanced([0.0, 2.0, 2.0, 4.0])))


def test_a_header_with_too_few_frame_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="describes 3 frames and declares more"):
        header(save(tmp_path / "a.dcm", enhanced([0, 2, 4], NumberOfFrames=4)))


def test_a_dose_grid_lies_at_its_offsets_and_is_in_gray(tmp_path: Path) -> None:
    pixels = np.arange(3 * 4 * 5, dtype=np.uint32).reshape(3, 4, 5)
    made = dataset(
        pixels, Modality="RTDOSE", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2", DoseGridScaling=0.25,
        GridFrameOffsetVector=[0, 2.5, 5], ImagePositionPatient=[0, 0, 7], PixelSpacing=[1, 1],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
    )  # fmt: skip
    got = read(save(tmp_path / "a.dcm", made))
    np.testing.assert_array_equal(got.voxels[0], pixels * 0.25)
    assert got.spacing_mm == pytest.approx((2.5, 1, 1))
    assert got.affine[2, 3] == 7


def test_a_cine_keeps_its_order_and_claims_no_depth(tmp_path: Path) -> None:
    frames = RNG.integers(0, 255, (5, 4, 6)).astype(np.uint8)
    got = read(save(tmp_path / "a.dcm", dataset(frames, Modality="XA", ImagerPixelSpacing=[0.3, 0.3])))
    np.testing.assert_array_equal(got.voxels[0], frames)
    assert (got.spacing_mm, got.spacing_kind) == (pytest.approx((1.0, 0.3, 0.3)), "detector")
