"""What lies in examples/ and is run: volumes of Sunnybrook's frames."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from hounsfield import formats
from hounsfield.datasets import open_dataset
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.errors import DatasetError

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sunnybrook_volumes", EXAMPLES / "sunnybrook_volumes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def frames(folder: Path, numbers: dict[str, list[int]]) -> Path:
    """Frames whose grey level is their number, with squares as masks that are larger at the end of diastole."""
    rows = []
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for patient, own in numbers.items():
        for number in own:
            side = 6 if number % 20 == 0 else 3
            mask = np.zeros((16, 12), np.uint8)
            mask[2 : 2 + side, 2 : 2 + side] = 1
            frame = f"{patient}-{number:04}"
            cv2.imwrite(str(folder / "images" / f"{frame}.jpg"), np.full((16, 12), number, np.uint8))
            cv2.imwrite(str(folder / "labels" / f"{frame}.png"), mask)
            rows.append([frame, patient, "normal", number, "train", side * side])
    with (folder / "frames.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["frame", "patient", "group", "instance", "original_split", "lv_pixels"], *rows])
    return folder


def test_the_slices_of_one_moment_follow_one_another(script: ModuleType, tmp_path: Path) -> None:
    data = frames(tmp_path / "frames", {"one": [100, 48, 20, 40, 60, 80, 68], "two": [20, 8, 28, 40]})
    assert script.write_volumes(data, tmp_path / "volumes") == 4
    levels = [
        np.rint(formats.read(tmp_path / "volumes" / "images" / f"one-{phase}.nii.gz").voxels[0].mean(axis=(1, 2)))
        for phase in ("diastole", "systole")
    ]
    assert [one.tolist() for one in levels] == [[20, 40, 60, 80, 100], [48, 68]]
    found = for_segmentation(open_dataset(EXAMPLES / "sunnybrook_volumes.toml", root=tmp_path / "volumes"))
    assert dict(found.labels) == {"left_ventricle": (1,)}
    assert sorted({case.patient for case in found.cases}) == ["one", "two"]
    by_name = {case.id: case for case in found.cases}
    assert mask_of(by_name["two-diastole"]).sum(axis=(1, 2)).tolist() == [36, 36]
    assert by_name["two-systole"].attributes["phase"] == "systole"
    assert formats.header(by_name["two-systole"].image.path).spacing_kind == "none"


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([20, 60, 8, 28], r"one: the slices \[0, 2\] at the end of diastole do not follow one another"),
        ([20, 8, 3], "one: its frames are of 3 moments of a heartbeat, not of two"),
    ],
)
def test_frames_that_are_no_two_stacks_are_refused(
    numbers: list[int], message: str, script: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        script.write_volumes(frames(tmp_path / "frames", {"one": numbers}), tmp_path / "volumes")
