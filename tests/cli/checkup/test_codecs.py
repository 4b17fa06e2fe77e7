"""The trial of each DICOM transfer syntax."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels.decoders.base import _PIXEL_DATA_DECODERS

from hounsfield import formats
from hounsfield.cli.checkup import codecs
from hounsfield.errors import FormatError


def test_every_transfer_syntax_is_read_here() -> None:
    assert [f"{codec.name}: {codec.fault}" for codec in codecs.check_codecs() if codec.fault] == []


def test_every_transfer_syntax_that_pydicom_knows_for_images_is_tried() -> None:
    tried = {codec.uid for codec in codecs.check_codecs()}
    assert tried >= set(_PIXEL_DATA_DECODERS)


def test_the_image_uses_the_whole_range() -> None:
    assert (codecs.ramp(12).min(), codecs.ramp(12).max()) == (0, 4095)
    assert codecs.ramp(8).dtype == np.uint8


@pytest.mark.parametrize("trial", codecs.trials(), ids=lambda trial: trial.keyword)
def test_the_file_that_is_tried_says_its_own_transfer_syntax(trial: codecs.Trial, tmp_path: Path) -> None:
    codecs._dataset(trial, codecs.ramp(trial.bits)).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert pydicom.dcmread(tmp_path / "x.dcm").file_meta.TransferSyntaxUID == getattr(pydicom.uid, trial.keyword)


def test_a_decoder_that_refuses_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise FormatError("no decoder\nfor this")

    monkeypatch.setattr(formats, "read", refuse)
    assert {codec.fault for codec in codecs.check_codecs()} == {"no decoder for this"}


def test_wrong_voxels_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    read = formats.read

    def spoil(path: Path) -> object:
        from dataclasses import replace

        image = read(path)
        return replace(image, voxels=np.zeros_like(image.voxels))

    monkeypatch.setattr(formats, "read", spoil)
    assert all("voxels come back wrong by up to" in codec.fault for codec in codecs.check_codecs())
