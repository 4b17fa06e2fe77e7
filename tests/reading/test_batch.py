"""Batches: names that tell apart, and a bad file that stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hounsfield import formats
from hounsfield.bundle import Bundle
from hounsfield.datasets.case import Case, Crop, Dataset, ImageRef
from hounsfield.errors import FormatError
from hounsfield.findings import Box, Reading
from hounsfield.image import Image
from hounsfield.reading.batch import (
    SQUARES_OF_A_SCAN,
    TOGETHER,
    Failure,
    Item,
    inputs_expected,
    items_of_paths,
    read_many,
    reason_of,
    told_apart,
)
from hounsfield.reading.evaluate import evaluate
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


@pytest.mark.parametrize("explain", [True, False])
def test_images_read_together_are_read_as_one_by_one(make_bundle: MakeBundle, tmp_path: Path, explain: bool) -> None:
    bundle = make_bundle(steps=STEPS)
    paths = [write(tmp_path / f"{number:02}.png", number * 5) for number in range(TOGETHER + 3)]
    blank = tmp_path / "blank.png"
    blank.write_bytes(cv2.imencode(".png", np.zeros((32, 32), np.uint8))[1].tobytes())
    paths.insert(2, blank)
    results = list(read_many(Reader(bundle), items_of_paths(paths), explain=explain))
    assert [item.path for item, _, _ in results] == [str(path) for path in paths]
    reader = Reader(bundle)
    for path, (_, image, together) in zip(paths, results, strict=True):
        alone = reader.read(path, explain=explain)
        assert isinstance(together, Reading)
        assert (image is not None) == explain
        assert (together.case, together.abstained, together.quality) == (alone.case, alone.abstained, alone.quality)
        assert [a.probability for a in together.answers] == pytest.approx([a.probability for a in alone.answers])
        assert (together.heat is None) == (alone.heat is None)
        if together.heat is not None and alone.heat is not None:
            np.testing.assert_allclose(together.heat, alone.heat, atol=1e-5)


def test_a_film_without_tissue_stops_no_scan_of_the_others(make_bundle: MakeBundle, tmp_path: Path) -> None:
    bundle = make_bundle(
        shape=(16, 16),
        input_sides=(0.5, 0.5),
        film_steps=({"step": "breast"},),
        steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": [16, 16]}),
    )
    bundle = replace(bundle, training=replace(bundle.training, input_sides=(1.6, 1.6)))
    rows, columns = np.mgrid[:64, :48]
    breast = np.where((rows - 32) ** 2 + columns**2 < 700, 120, 0).astype(np.uint8)
    breast[breast > 0] += (columns[breast > 0] % 7).astype(np.uint8)
    path = tmp_path / "film.png"
    path.write_bytes(cv2.imencode(".png", breast)[1].tobytes())
    ((_, image, result),) = read_many(Reader(bundle), items_of_paths([path]), explain=False)
    assert image is None and isinstance(result, Failure) and "no tissue" in result.reason


def test_how_much_there_is_for_another_runtime_than_torch(make_bundle: MakeBundle, tmp_path: Path) -> None:
    items = items_of_paths([write(tmp_path / f"{number}.png", 50) for number in range(3)])
    whole = make_bundle(steps=STEPS)
    assert inputs_expected(whole, items, explain=False) == 3
    assert inputs_expected(whole, items, explain=True) == 0
    lesions = replace(whole, training=replace(whole.training, input_sides=(0.2, 0.2)))
    boxed = Item("boxed", "", Case("c", "p", {"image": ImageRef(tmp_path, crop=Crop(Box(0, 0, 9, 9), context=2.0))}))
    assert inputs_expected(lesions, [*items, boxed], explain=False) == 3 * SQUARES_OF_A_SCAN + 1
    assert inputs_expected(lesions, [*items, boxed], explain=True) == 3 * SQUARES_OF_A_SCAN


def test_eight_bits_are_fitted_to_the_images_at_hand(
    make_bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = make_bundle(steps=STEPS)
    paths = [write(tmp_path / f"{number}.png", number * 30) for number in range(6)]
    (tmp_path / "bad.png").write_bytes(b"no image")
    reader = Reader(bundle, runtime="openvino-int8")
    results = [result for _, _, result in read_many(reader, items_of_paths([tmp_path / "bad.png", *paths]))]
    assert isinstance(results[0], Failure)
    readings = [result for result in results if isinstance(result, Reading)]
    levels = [reading.answers[0].probability for reading in readings]
    assert reader.runtime == "OpenVINO int8"
    assert [reading.case for reading in readings] == [path.name for path in paths]
    assert levels == sorted(levels) and levels[-1] - levels[0] > 0.05


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


def test_a_file_too_large_for_the_memory_is_a_failure_that_is_named(
    make_bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write(tmp_path / f"{number}.png", 20 * number) for number in range(3)]
    real = formats.read

    def read(path: Path, **more: Any) -> Image:
        if Path(path) == paths[1]:
            raise MemoryError
        return real(path, **more)

    monkeypatch.setattr(formats, "read", read)
    bundle = make_bundle(steps=STEPS)
    results = [result for _, _, result in read_many(Reader(bundle), items_of_paths(paths))]
    assert [isinstance(result, Failure) for result in results] == [False, True, False]
    assert isinstance(results[1], Failure) and results[1].reason.startswith(f"{paths[1]}: it does not fit into the mem")
    cases = tuple(
        Case(f"c{n}", f"w{n}", {"image": ImageRef(path)}, target=n % 2)
        for n, path in enumerate([*paths, write(tmp_path / "3.png", 70)])
    )
    data = Dataset("new", tmp_path, cases, ("plain", "bright"), "folders")
    (failure,) = evaluate(bundle, data, which="all", resamples=20).failures
    assert failure.path == "c1" and str(paths[1]) in failure.reason


def test_reasons_are_sentences() -> None:
    assert reason_of(FormatError("x.dcm: cut off")) == "x.dcm: cut off"
    assert reason_of(OSError(5, "Input/output error")) == "the file cannot be read: Input/output error"
