"""Files and folders that cannot be read: each a sentence that names the file and says what is wrong with it."""

import gzip
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy as np
import pytest
from dicom_files import dataset, save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hounsfield.errors import FormatError, HounsfieldError
from hounsfield.formats import dicom_pixels, header, list_images, read
from hounsfield.formats.identify import identify

PIXELS = np.random.default_rng(1).integers(0, 4096, (20, 30)).astype(np.uint16)


def refused(path: Path, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_dicom_file_cut_off_anywhere_is_read_or_refused_by_a_sentence(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.dcm", dataset(PIXELS)).read_bytes()
    for length in range(0, len(whole), 37):
        path = tmp_path / "cut.dcm"
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError):
            read(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(place=st.integers(132, 900), value=st.integers(0, 255))
def test_a_dicom_file_with_any_byte_changed_is_read_or_refused(tmp_path: Path, place: int, value: int) -> None:
    raw = bytearray(save(tmp_path / "a.dcm", dataset(PIXELS[:4, :4], WindowCenter=4, WindowWidth=5)).read_bytes())
    raw[min(place, len(raw) - 1)] = value
    path = tmp_path / "b.dcm"
    path.write_bytes(bytes(raw))
    for function in (read, header):
        try:
            function(path)
        except HounsfieldError as error:
            assert str(path) in str(error)


def test_a_number_of_half_its_bytes_is_a_damaged_tag(tmp_path: Path) -> None:
    raw = save(tmp_path / "a.dcm", dataset(PIXELS)).read_bytes()
    bits_stored = b"\x28\x00\x01\x01US\x02\x00"
    assert raw.count(bits_stored) == 1
    path = tmp_path / "b.dcm"
    path.write_bytes(raw.replace(bits_stored, bits_stored[:-2] + b"\x01\x00"))
    for function in (read, header):
        with pytest.raises(FormatError, match="b.dcm"):
            function(path)


def test_pixels_cut_off_are_told_in_bytes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", dataset(PIXELS))
    path.write_bytes(path.read_bytes()[:-100])
    refused(path, r"declares 20 x 30 pixels, at least 1,200 bytes, and the file holds 1,100")


def test_a_png_called_dcm_is_read(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(cv2.imencode(".png", PIXELS)[1].tobytes())
    np.testing.assert_array_equal(read(path).voxels[0, 0], PIXELS)


def test_one_pixel_is_an_image(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", dataset(np.array([[7]], np.uint16)))
    assert read(path).voxels.shape == (1, 1, 1, 1)
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[7]], np.uint8))
    assert read(tmp_path / "a.png").voxels.item() == 7


def huge_dicom(path: Path) -> None:
    made = dataset(PIXELS)
    made.Rows = made.Columns = 40_000
    save(path, made)


def huge_compressed_dicom(path: Path) -> None:
    made = dataset(PIXELS)
    made.compress("1.2.840.10008.1.2.5")
    made.Rows = made.Columns = 40_000
    save(path, made)


def huge_png(path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    size = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def huge_tiff(path: Path) -> None:
    entries = [(256, 4, 40_000), (257, 4, 40_000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 9)]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0))


def huge_nifti(path: Path) -> None:
    import nibabel

    made: Any = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    made.header.set_data_shape((20_000, 20_000, 400))
    path.write_bytes(bytes(made.header.binaryblock) + b"\0" * 4)


def huge_nrrd(path: Path) -> None:
    text = "NRRD0004\ntype: short\ndimension: 3\nsizes: 20000 20000 400\nencoding: raw\nendian: little\n\n"
    path.write_bytes(text.encode())


@pytest.mark.parametrize("make", [huge_dicom, huge_compressed_dicom, huge_png, huge_tiff, huge_nifti, huge_nrrd])
def test_a_huge_header_without_pixels_is_refused_before_anything_is_allocated(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "huge"
    make(path)
    tracemalloc.start()
    try:
        refused(path, r"0000 .* pixels")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_dicom_file_without_pixel_data_says_so(tmp_path: Path) -> None:
    made = dataset(PIXELS)
    del made.PixelData
    path = save(tmp_path / "a.dcm", made)
    refused(path, r"has no image \(its header declares 20 x 30 pixels\): the pixel data are missing")


@pytest.mark.parametrize(("sop_class", "words"), [
    ("1.2.840.10008.5.1.4.1.1.88.33", "is a structured report, it has no image"),
    ("1.2.840.10008.5.1.4.1.1.66.4", "is a segmentation"),
    ("1.2.840.10008.5.1.4.1.1.66.7", "is a label-map segmentation"),
    ("1.2.840.10008.5.1.4.1.1.481.3", "is a radiotherapy structure set"),
    ("1.2.840.10008.5.1.4.1.1.77.1.6", "is a whole-slide image in tiles"),
    ("1.2.840.10008.5.1.4.1.1.104.1", "is an encapsulated document"),
    ("1.2.840.10008.5.1.4.1.1.11.1", "is a presentation state"),
    ("1.2.840.10008.1.3.10", "is a DICOMDIR"),
])  # fmt: skip
def test_dicom_objects_that_are_no_images_say_what_they_are(tmp_path: Path, sop_class: str, words: str) -> None:
    path = save(tmp_path / "a.dcm", dataset(PIXELS, SOPClassUID=sop_class))
    refused(path, words)
    refused(tmp_path, words)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "the file is empty"),
    (b"patient;label\n1;0\n" * 99, "not an image of a known format"),
    (gzip.compress(b"not nifti" * 99, mtime=0), "a packed archive"),
    (b"PK\3\4" + b"\0" * 99, "a packed archive"),
])  # fmt: skip
def test_files_that_are_no_images_say_so(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    refused(path, words)


def test_folders_without_an_image_say_so(tmp_path: Path) -> None:
    refused(tmp_path, "the folder is empty")
    (tmp_path / "a.csv").write_text("a,b")
    refused(tmp_path, "none of its 1 files is an image")
    assert list_images(tmp_path) == []


def test_a_path_that_does_not_exist_says_so(tmp_path: Path) -> None:
    refused(tmp_path / "missing.dcm", "no such file or folder")
    with pytest.raises(FormatError, match="no such file or folder"):
        list_images(tmp_path / "missing")


def test_a_folder_of_one_picture_is_read_and_of_several_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "b.png"), PIXELS)
    assert read(tmp_path).shape == (1, 20, 30)
    cv2.imwrite(str(tmp_path / "a.png"), PIXELS)
    refused(tmp_path, r"holds 2 images \(a.png, b.png\), not one; name a file")


def test_an_absurd_number_of_bits_is_told(tmp_path: Path) -> None:
    refused(save(tmp_path / "a.dcm", dataset(PIXELS, BitsAllocated=13)), "13 bits a pixel")


def test_a_nifti_file_damaged_within_its_packing_is_refused(tmp_path: Path) -> None:
    plain = np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32)
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(plain, np.eye(4)), path)  # type: ignore[no-untyped-call,attr-defined]
    whole = path.read_bytes()
    for at in (20, 60, 200, len(whole) // 2):
        path.write_bytes(whole[:at] + bytes(byte ^ 0xFF for byte in whole[at : at + 100]) + whole[at + 100 :])
        with pytest.raises(FormatError):
            read(path)


def test_an_unknown_unit_of_length_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)), path)  # type: ignore[no-untyped-call,attr-defined]
    data = bytearray(path.read_bytes())
    data[123] = 7
    path.write_bytes(data)
    assert read(path).shape == (4, 3, 2)


def test_a_decoder_that_panics_is_one_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        pass

    def panic(*_: object, **__: object) -> None:
        raise Panic("index out of bounds")

    path = save(tmp_path / "a.dcm", dataset(np.zeros((4, 4), np.uint8)))
    monkeypatch.setattr(dicom_pixels, "_decode_by_pydicom", panic)
    monkeypatch.setattr(dicom_pixels, "_decode_parallel", panic)
    with pytest.raises(FormatError, match="could not be decoded: index out of bounds"):
        read(path)


def test_a_file_that_may_not_be_opened_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.dcm", dataset(np.zeros((4, 4), np.uint8)))

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    for way in (read, header):
        with pytest.raises(FormatError, match=r"a\.dcm: cannot be read \(Permission denied\); check who may read it"):
            way(path)


def test_text_that_begins_as_a_bitmap_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("BMI,age\n22.4,61\n" * 20)
    assert identify(tmp_path / "a.csv") is None
