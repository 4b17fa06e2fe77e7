"""Batches: names that tell apart, and a bad file that stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield import formats
from hounsfield.bundle import Bundle
from hounsfield.errors import FormatError
from hounsfield.findings import Reading
from hounsfield.image import Image
from hounsfield.reading.batch import Failure, Item, items_of_paths, read_many, reason_of, told_apart
from hounsfield.reading.reader import Reader

MakeBundle = Callable[..., Bundle]
STEPS = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [32, 32]})


def write(path: Path, level: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 20, (32, 32), dtype=np.uint8) + level
    path.write_bytes(cv2.imencode(".png", pixels.astype(np.uint8))[1].tobytes())
    return path


def names(*paths: str) -> list[str]:
    return [item.case for item in items_of_paths(map(Path, paths))]


def test_an_image_goes_by_its_file_name() -> None:
    assert names("/a/one.dcm", "/a/two.dcm") == ["one.dcm", "two.dcm"]


def test_images_of_one_name_go_by_as_many_folders_as_tell_them_apart() -> None:
    assert names("/a/x/1.dcm", "/b/x/1.dcm", "/b/x/2.dcm", "/c/y/1.dcm") == [
        "a/x/1.dcm",
        "b/x/1.dcm",
        "2.dcm",
        "y/1.dcm",
    ]


def test_an_image_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", 50)
    assert len(items_of_paths([path, tmp_path / "." / "a.png"])) == 1


def test_items_that_share_a_name_get_numbers() -> None:
    items = [Item(name, "", Path(name)) for name in ("a", "a", "a (2)", "b", "a")]
    assert [item.case for item in told_apart(items)] == ["a", "a (2)", "a (2) (2)", "b", "a (3)"]


def test_a_bad_file_is_told_of_and_the_others_are_read_in_order(make_bundle: MakeBundle, tmp_path: Path) -> None:
    good = [write(tmp_path / f"{number}.png", number * 20) for number in range(8)]
    bad = tmp_path / "bad.png"
    bad.write_bytes(good[0].read_bytes()[:60])
    paths = [*good[:3], bad, *good[3:], tmp_path / "gone.png"]
    results = list(read_many(Reader(make_bundle(steps=STEPS)), items_of_paths(paths)))
    assert [item.path for item, _, _ in results] == [str(path) for path in paths]
    failures = [result for _, _, result in results if isinstance(result, Failure)]
    assert [Path(failure.path).name for failure in failures] == ["bad.png", "gone.png"]
    assert all(failure.path in failure.reason for failure in failures)
    readings = [result for _, _, result in results if isinstance(result, Reading)]
    levels = [reading.answers[0].probability for reading in readings]
    assert len(levels) == 8 and levels == sorted(levels)


def test_a_file_that_may_not_be_opened_is_a_failure_too(
    make_bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> Image:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(formats, "read", refuse)
    items = items_of_paths([write(tmp_path / "a.png", 0)])
    (_, image, result), *_ = read_many(Reader(make_bundle(steps=STEPS)), items)
    assert image is None and isinstance(result, Failure)
    assert result.reason == f"{tmp_path / 'a.png'} cannot be read: Permission denied"


def test_reasons_are_sentences() -> None:
    assert reason_of(FormatError("x.dcm: cut off")) == "x.dcm: cut off"
    assert reason_of(OSError(5, "Input/output error")) == "the file cannot be read: Input/output error"
