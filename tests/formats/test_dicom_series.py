from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import compressed, dataset, item, save, slice_at, write_series
from numpy.typing import NDArray

from hounsfield.errors import FormatError, GeometryError, StorageError
from hounsfield.formats import capacity, header, list_images, read
from hounsfield.formats.dicom_slice import read_slice

JPEG_2000, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
RNG = np.random.default_rng(3)


def series(folder: Path, pixels: NDArray[Any], **tags: Any) -> Path:
    folder.mkdir(parents=True)
    for index, plane in enumerate(pixels):
        save(folder / f"{index}.dcm", slice_at(plane, (0, 0, 2.0 * index), **tags))
    return folder


def test_a_series_is_sorted_by_position_whatever_the_files_are_called(tmp_path: Path) -> None:
    got = read(write_series(tmp_path / "ct", [4.0, 0.0, 6.0, 2.0]))
    assert got.voxels[0, :, 0, 0].tolist() == [1, 3, 0, 2]
    assert got.spacing_mm == pytest.approx((2.0, 0.5, 0.7))
    assert got.affine[:3, 3].tolist() == [-10, -20, 0]
    assert got.spacing_kind == "patient"
    assert len(set(got.source.sop_uids)) == 4


def test_the_instance_numbers_are_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    folder.mkdir()
    for index in range(4):
        save(folder / f"{index}", slice_at(np.full((2, 2), index, np.int16), (0, 0, index), InstanceNumber=9 - index))
    assert read(folder).voxels[0, :, 0, 0].tolist() == [0, 1, 2, 3]


def test_the_series_equals_what_simpleitk_reads(tmp_path: Path) -> None:
    pixels = RNG.integers(-1000, 3000, (6, 8, 9)).astype(np.int16)
    folder = series(tmp_path / "ct", pixels, RescaleSlope=1, RescaleIntercept=-24)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    theirs = reader.Execute()
    got = read(folder)
    np.testing.assert_array_equal(got.voxels[0], sitk.GetArrayFromImage(theirs))
    matrix = np.asarray(theirs.GetDirection()).reshape(3, 3) * theirs.GetSpacing()
    np.testing.assert_allclose(got.affine[:3, :3], matrix[:, ::-1], atol=1e-4)
    np.testing.assert_allclose(got.affine[:3, 3], theirs.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize("syntax", [JPEG_2000, RLE])
def test_compressed_slices_give_the_same_volume(tmp_path: Path, syntax: str) -> None:
    pixels = RNG.integers(0, 4096, (5, 16, 12)).astype(np.uint16)
    folder = tmp_path / "ct"
    folder.mkdir()
    for index, plane in enumerate(pixels):
        made = slice_at(plane, (0, 0, 2.0 * index), RescaleIntercept=-1024, RescaleSlope=1)
        if syntax == RLE:
            made.compress(RLE)
        else:
            made = compressed(
                made, syntax, [imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k")]
            )
        save(folder / f"{index}.dcm", made)
    np.testing.assert_array_equal(read(folder).voxels[0], pixels.astype(np.float32) - 1024)


def test_each_slice_is_rescaled_by_its_own_slope(tmp_path: Path) -> None:
    folder = tmp_path / "pet"
    folder.mkdir()
    for index, slope in enumerate((0.5, 0.25, 0.1)):
        save(folder / f"{index}", slice_at(np.full((2, 2), 100, np.int16), (0, 0, index), RescaleSlope=slope))
    np.testing.assert_allclose(read(folder).voxels[0, :, 0, 0], [50, 25, 10])


def test_a_table_in_one_slice_makes_the_volume_float(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", [0, 1, 2])
    table = item(LUTDescriptor=[2, 0, 16], LUTData=np.array([7, 9], "<u2").tobytes(), ModalityLUTType="HU")
    save(folder / "9", slice_at(np.ones((4, 5), np.int16), (-10, -20, 3), ModalityLUTSequence=table))
    assert read(folder).voxels[0, :, 0, 0].tolist() == [0, 1, 2, 9]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
def test_monochrome1_slices_are_turned_over_as_single_files_are(tmp_path: Path, dtype: Any) -> None:
    pixels = RNG.integers(0, 100, (3, 4, 4)).astype(dtype)
    folder = series(tmp_path / "a", pixels, PhotometricInterpretation="MONOCHROME1")
    single = [read(folder / f"{index}.dcm").voxels[0, 0] for index in range(3)]
    np.testing.assert_array_equal(read(folder).voxels[0], single)


def test_unused_bits_of_slices_do_not_count(tmp_path: Path) -> None:
    pixels = np.full((3, 2, 2), 0x0FFF, np.int16)
    assert (read(series(tmp_path / "a", pixels, BitsStored=12)).voxels == -1).all()


def test_header_says_what_read_returns_without_the_pixels(tmp_path: Path) -> None:
    folder = write_series(
        tmp_path / "ct", [0, 1, 2], RescaleIntercept=-5, RescaleSlope=1, WindowCenter=1, WindowWidth=9
    )
    told, got = header(folder), read(folder)
    assert (told.shape, told.channels, told.dtype) == (got.shape, got.channels, got.voxels.dtype)
    np.testing.assert_array_equal(told.affine, got.affine)
    assert (told.windows, told.source, told.modality) == (got.windows, got.source, got.modality)


def test_a_slice_cut_off_in_its_pixels_is_named(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", [0, 1, 2])
    path = folder / "001.dcm"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(FormatError, match=r"001.dcm: the header declares 4 x 5 pixels, at least 40 bytes.*holds 30"):
        read(folder)


def test_a_compressed_slice_cut_off_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    folder.mkdir()
    for index in range(3):
        plane = RNG.integers(0, 4096, (32, 32)).astype(np.uint16)
        code = imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k")
        save(folder / f"{index}.dcm", compressed(slice_at(plane, (0, 0, index)), JPEG_2000, [code]))
    path = folder / "1.dcm"
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(FormatError, match=r"1.dcm: its compressed pixel data could not be decoded"):
        read(folder)


def test_a_folder_of_several_series_is_refused_and_one_can_be_chosen(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [0, 1, 2], SeriesInstanceUID="1.2.1", SeriesNumber=4, SeriesDescription="lung")
    write_series(tmp_path / "b", [0, 1, 2, 3], SeriesInstanceUID="1.2.2", Modality="MR")
    with pytest.raises(FormatError, match=r"holds 2 DICOM series.*CT 4 lung \(3 images, UID 1.2.1\), MR \(4 images"):
        read(tmp_path)
    assert read(tmp_path, series="1.2.2").shape == (4, 4, 5)
    with pytest.raises(FormatError, match="no series whose UID begins with 9"):
        read(tmp_path, series="9")
    with pytest.raises(FormatError, match="2 series whose UID begins with 1.2"):
        read(tmp_path, series="1.2")


def test_reports_localizers_masks_and_texts_beside_the_slices_are_left_out(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", [0, 1, 2])
    report = dataset(np.zeros((1, 1), np.int16), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", Rows=None, Columns=None)
    save(folder / "report", report)
    scout = slice_at(np.zeros((9, 9), np.int16), (0, 0, 0), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save(folder / "scout", scout)
    (folder / "readme.txt").write_text("about this series")
    (folder / ".hidden").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert read(folder).shape == (3, 4, 5)


def test_films_in_a_folder_are_not_taken_for_slices(tmp_path: Path) -> None:
    for name in "ab":
        save(tmp_path / name, dataset(np.zeros((3, 3), np.uint16), Modality="MG"))
    with pytest.raises(FormatError, match="its 2 images are not slices of one volume"):
        read(tmp_path)
    assert [path.name for path in list_images(tmp_path)] == ["a", "b"]


def test_list_images_gives_series_as_folders_and_films_as_files(tmp_path: Path) -> None:
    write_series(tmp_path / "p10" / "ct", [0, 1, 2])
    write_series(tmp_path / "p2" / "ct", [0, 1, 2])
    save(tmp_path / "p2" / "film.dcm", dataset(np.zeros((3, 3), np.uint16)))
    (tmp_path / "notes.csv").write_text("a,b")
    names = [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert names == ["p2/ct", "p2/film.dcm", "p10/ct"]


def test_a_bad_series_names_folder_and_slices(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"ct: 1 slice is missing: 2.00 mm between 001.dcm .* and 002.dcm"):
        read(write_series(tmp_path / "ct", [0, 1, 3, 4, 5]))


def test_a_volume_larger_than_the_free_memory_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_SMALL_BYTES", 0)
    monkeypatch.setattr(capacity, "_SHARE_OF_MEMORY", 1e-12)
    with pytest.raises(StorageError, match=r"its 3 x 4 x 5 image needs .* GB of memory"):
        read(write_series(tmp_path / "ct", [0, 1, 2]))


@pytest.mark.parametrize(("tag", "what"), [("PatientID", "patient"), ("StudyInstanceUID", "study")])
def test_slices_of_two_owners_are_no_volume(tmp_path: Path, tag: str, what: str) -> None:
    folder = write_series(tmp_path / "ct", [0, 2, 4, 6])
    other = slice_at(np.zeros((4, 5), np.int16), (0, 0, 8), **{tag: "1.2.3"})
    first = pydicom.dcmread(next(folder.iterdir()))
    for same in {"PatientID", "StudyInstanceUID", "SeriesInstanceUID"} - {tag}:
        if same in first:
            setattr(other, same, first[same].value)
    save(folder / "other.dcm", other)
    with pytest.raises(FormatError, match=f"not the same {what}: other.dcm and 0 more are of 1.2.3"):
        read(folder)


def test_a_slope_that_is_no_number_is_refused(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", [0, 2, 4], RescaleSlope="1.25")
    path = sorted(folder.iterdir())[1]
    path.write_bytes(path.read_bytes().replace(b"1.25", b"nan "))
    with pytest.raises(FormatError, match="RescaleSlope is not a number"):
        read_slice(path)
    with pytest.raises((FormatError, GeometryError)):
        read(folder)


def test_slices_outweigh_an_image_and_a_series_beside_and_below_them(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "top", [0, 2, 4, 6, 8])
    save(folder / "dose.dcm", slice_at(np.zeros((4, 5), np.int16), (0, 0, 0), SeriesInstanceUID="1.2.99"))
    below = write_series(folder / "sub", [0, 3, 6])
    assert [path.name for path in list_images(tmp_path)] == ["top", "dose.dcm", "sub"]
    assert read(folder).shape[0] == 5
    assert read(below).shape[0] == 3
