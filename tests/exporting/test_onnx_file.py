"""The exported ONNX file gives the reader's probabilities by ONNX Runtime, and its description how to get there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from hounsfield import formats
from hounsfield.bundle import Bundle, read_bundle
from hounsfield.errors import ExportError, StorageError
from hounsfield.exporting import onnx_file
from hounsfield.exporting.network import whole_network
from hounsfield.exporting.network_input import NetworkInput
from hounsfield.exporting.onnx_file import FILES, export_onnx
from hounsfield.plan.network_input import as_case
from hounsfield.preprocessing import Pipeline
from hounsfield.reading.reader import Reader


@pytest.fixture
def bundle(film_bundle: Path) -> Bundle:
    return read_bundle(film_bundle)


def test_onnx_runtime_gives_the_readers_probabilities_from_the_files_alone(
    bundle: Bundle, phantom: Path, tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    export_onnx(bundle, out)
    assert {path.name for path in out.iterdir()} == FILES
    told = json.loads((out / "model.json").read_text(encoding="utf-8"))
    films = sorted((phantom / "films").glob("*.dcm"))[:5]
    prepared = [Pipeline.from_data(told["input"]["steps"]).apply(formats.read(film)) for film in films]
    shape = tuple(told["input"]["shape"])
    images = np.stack([each.voxels[:, 0] for each in prepared]).astype(np.float32)
    assert images.shape == (5, told["input"]["channels"], *shape)
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": images})
    reader = Reader(bundle)
    for film, row in zip(films, found, strict=True):
        (answer,) = reader.read(film, explain=False).answers
        assert answer.label == told["classes"][1] and answer.threshold == told["threshold"]
        assert row[1] == pytest.approx(answer.probability, abs=1e-4)
        assert row.sum() == pytest.approx(1, abs=1e-6)
    assert told["model"]["sha256"] == bundle.identity.sha256 and told["input"]["of_lesions"] is False


def test_the_middle_of_a_canvas_with_a_margin_is_taken(lesion_bundle: Path, phantom: Path) -> None:
    spec = read_bundle(lesion_bundle).plan.input
    film = next(iter(sorted((phantom / "films").glob("*.dcm"))))
    found = NetworkInput(lesion_bundle / "plan.toml")(film)
    whole = Pipeline.from_data(spec.steps).apply(formats.read(film)).voxels[:, 0]
    spare = [(side - part) // 2 for side, part in zip(spec.canvas, spec.shape, strict=True)]
    assert spec.margin > 1 and found.shape == (spec.channels, *spec.shape)
    middle = whole[:, spare[0] : spare[0] + spec.shape[0], spare[1] : spare[1] + spec.shape[1]]
    np.testing.assert_array_equal(found.numpy(), middle)


def test_calibration_is_inside(bundle: Bundle) -> None:
    images = torch.randn(2, bundle.plan.input.channels, *bundle.plan.input.shape)
    with torch.inference_mode():
        found = whole_network(bundle)(images).numpy()
    np.testing.assert_allclose(found, Reader(bundle).probabilities(images.numpy()), rtol=0, atol=1e-5)


def test_an_earlier_export_is_replaced_and_anything_else_left(bundle: Bundle, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    export_onnx(bundle, out)
    (out / "model.json").write_text("old")
    export_onnx(bundle, out)
    assert (out / "model.json").read_text(encoding="utf-8") != "old"
    (out / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="is no such export; it was left as it is"):
        export_onnx(bundle, out)
    assert (out / "notes.txt").read_text() == "mine"
    with pytest.raises(StorageError, match="there already"):
        export_onnx(bundle, out / "notes.txt")


def test_a_network_that_answers_otherwise_is_not_written(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match="answers otherwise than torch, by .* nothing was written"):
        export_onnx(bundle, tmp_path / "exported")
    assert list(tmp_path.iterdir()) == []


def test_an_input_of_views_and_columns_is_put_together_as_the_description_says(
    wide_bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    export_onnx(wide_bundle, out)
    told = json.loads((out / "model.json").read_text(encoding="utf-8"))["input"]
    age, side = told["columns"]
    assert (told["channels"], told["image_channels"], told["views"]) == (5, 1, ["CC", "MLO"])
    assert (age["mean"], age["std"], side["values"]) == (60.0, 10.0, ["LEFT", "RIGHT"])
    views = np.random.default_rng(0).random((2, 16, 16), dtype=np.float32)
    planes = [np.full((16, 16), number, np.float32) for number in ((72 - 60) / 10, 0, 1)]
    whole = np.stack([*views, *planes])
    lacking = np.stack([views[0], np.zeros((16, 16), np.float32), planes[0], *[np.full((16, 16), np.nan)] * 2])
    lacking = lacking.astype(np.float32)
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": np.stack([whole, lacking])})
    spec = wide_bundle.plan.input
    shown = [as_case(views, {"age": "72", "side": "RIGHT"}, spec), as_case(views[:1], {"age": "72"}, spec)]
    expected = Reader(wide_bundle, runtime="torch").probabilities(np.stack(shown))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.isfinite(found).all() and abs(found[0, 0] - found[1, 0]) > 1e-4
