import os
from pathlib import Path

import numpy as np
import pytest
from dicom_files import dataset, item, save
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from hounsfield.errors import FormatError
from hounsfield.formats.dicom_dataset import open_dataset
from hounsfield.formats.dicom_scan import scan
from hounsfield.formats.dicom_slice import plain_values, read_slice
from hounsfield.formats.quiet import quiet_pydicom


def test_the_scan_agrees_with_pydicom_on_every_file_it_takes() -> None:
    taken = 0
    for name in get_testdata_files():
        found = scan(name) if os.path.isfile(name) else None
        if found is None:
            continue
        taken += 1
        with quiet_pydicom():
            whole = open_dataset(Path(name), pixels=True)
            assert found.values == plain_values(whole), name
            if found.pixel_length >= 0:
                raw = Path(name).read_bytes()[found.pixel_offset : found.pixel_offset + found.pixel_length]
                assert raw == whole.PixelData, name
    assert taken > 60


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian])
def test_tags_inside_sequences_are_not_taken_for_the_images_own(tmp_path: Path, syntax: str) -> None:
    made = dataset(np.zeros((2, 2), np.int16), syntax=syntax, SeriesDescription="own")
    inner = item(SeriesDescription="inner", Rows=7)
    inner.is_undefined_length = True
    inner[0].is_undefined_length_sequence_item = True
    made.add_new(0x00081140, "SQ", inner)
    made.add_new(0x00409096, "SQ", item(Columns=9))
    found = scan(save(tmp_path / "a.dcm", made))
    assert found is not None
    assert found.values["SeriesDescription"] == "own"
    assert (found.values["Rows"], found.values["Columns"]) == (2, 2)


def test_an_item_whose_length_reads_as_letters_is_an_item(tmp_path: Path) -> None:
    made = dataset(np.zeros((2, 2), np.int16))
    inner = Dataset()
    inner.add_new(0x00091010, "OB", b"\0" * (0x4955 - 12 + 1))  # 0x4955, little endian, reads "UI"
    sequence = item()
    sequence[0] = inner
    sequence.is_undefined_length = True
    made.add_new(0x00081140, "SQ", sequence)
    path = save(tmp_path / "a.dcm", made)
    found = scan(path)
    assert found is None or found.values["Rows"] == 2


def test_a_long_header_is_read_to_its_end(tmp_path: Path) -> None:
    made = dataset(np.ones((2, 2), np.int16))
    made.add_new(0x00091010, "OB", b"\1" * 200_000)
    found = scan(save(tmp_path / "a.dcm", made))
    assert found is not None
    assert found.values["BitsAllocated"] == 16
    assert found.pixel_length == 8


def test_a_file_cut_off_in_its_header_is_left_to_pydicom(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", dataset(np.zeros((2, 2), np.int16)))
    path.write_bytes(path.read_bytes()[:400])
    assert scan(path) is None


def test_a_number_that_is_none_is_told_with_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", dataset(np.zeros((2, 2), np.int16)))
    path.write_bytes(path.read_bytes().replace(b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x08\x00IS\x02\x00"))
    with pytest.raises(FormatError, match=r"a.dcm: a tag of its header cannot be read"):
        read_slice(path)
