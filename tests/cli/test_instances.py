"""Objects outlined one by one, by the commands: train, evaluate, read, on cells that touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest

from hounsfield.cli.main import main
from hounsfield.cli.readings import Batch
from hounsfield.findings import ModelIdentity, Reading
from hounsfield.image import Image, Mask
from hounsfield.reading.batch import Item

PLAN = """\
task = "segmentation"
dataset = "cells"
classes = ["image"]
[input]
shape = [32, 32]
windows = true
steps = [{step = "float", scale = "type"}]
[network]
name = "unet"
normalisation = "instance"
finest = 8
supervised = 1
encoder = {name = "residual", widths = [8, 16], blocks = [1, 1], normalisation = "instance"}
[optimisation]
epochs = 40
batch_size = 4
learning_rate = 0.005
keep = "last"
threads = 1
[segmentation]
labels = ["cell"]
instances = true
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, cells: Callable[..., Path]) -> Path:
    return cells(tmp_path_factory.mktemp("data") / "cells", count=30)


@pytest.fixture(scope="module")
def bundle(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    words = ["--task", "segmentation", "-o", str(folder / "bundle"), "--plan", str(folder / "plan.toml")]
    assert main(["train", str(data), *words]) == 0
    return folder / "bundle"


def test_objects_are_told_apart_and_measured(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(bundle), str(data), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "F1 .5" in printed and "cell" in printed and "all labels" not in printed
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text(encoding="utf-8"))
    label = evidence["segmentation"]["labels"][1]
    assert label["scores"]["instance_f1_50"]["value"] > 0.8
    assert label["scores"]["count_error"]["value"] < 0.3
    image = evidence["segmentation"]["results"][0]["labels"][0]["instances"]
    assert len(image["matched"]) == 10 and image["matched"][0] <= min(image["instances"], image["found"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Average precision" in page and "Panoptic quality" in page and "data:image/webp" in page
    for name in ("report.html", "card.html", "card.md"):
        assert "verage precision" in (bundle / name).read_text(encoding="utf-8")


def test_validation_cases_that_nothing_was_chosen_on_get_no_empty_note(
    bundle: Path, data: Path, tmp_path: Path
) -> None:
    assert main(["evaluate", str(bundle), str(data), "--cases", "val", "-o", str(tmp_path / "out")]) == 0
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text(encoding="utf-8"))
    assert all(evidence["notes"])


def test_a_reading_numbers_every_object_and_counts_them(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = data / "images" / "01.png"
    assert main(["read", str(bundle), str(image), "-o", str(tmp_path / "out")]) == 0
    (reading,) = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    (finding,) = reading["findings"]
    labels = cv2.imread(str(tmp_path / "out" / reading["labels"]), cv2.IMREAD_UNCHANGED)
    assert labels is not None and labels.shape == (48, 64)
    numbers, sizes = np.unique(labels[labels > 0], return_counts=True)
    assert numbers.tolist() == list(range(1, finding["instances"] + 1))
    assert finding["median_size"] == np.median(sizes)
    assert finding["size"] == sizes.sum()
    assert f"cell {finding['instances']}, median" in capsys.readouterr().out
    assert (tmp_path / "out" / reading["figure"]).is_file()


def test_a_model_of_objects_is_not_measured_on_masks_of_one_number(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("images", "labels"):
        (tmp_path / "data" / name).symlink_to(data / name)
    (tmp_path / "data" / "dataset.json").write_text('{"labels": {"cell": 1}}', encoding="utf-8")
    assert main(["evaluate", str(bundle), str(tmp_path / "data"), "-o", str(tmp_path / "out")]) != 0
    assert "tells each cell from the others" in capsys.readouterr().err


def test_more_objects_than_16_bits_can_count_are_written_all_the_same(tmp_path: Path) -> None:
    labels = np.arange(1, 70_001, dtype=np.int32).reshape(1, 200, 350)
    image, path = Image(np.zeros((1, 1, 200, 350), dtype=np.uint8), np.eye(4)), tmp_path / "many.png"
    outline = Mask(labels, ("cell",), instances=True)
    reading = Reading("many", str(path), (), ModelIdentity("m", "1", "0" * 64), outline=outline, outlined=True)
    Batch(tmp_path, figures=False).take(Item("many", str(path), path), image, reading)
    written = np.asarray(nibabel.load(tmp_path / "many.labels.nii.gz").dataobj)
    np.testing.assert_array_equal(written.squeeze().T, labels[0])
