"""Many pictures are looked at by a compiled network, which sees in them what torch sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.errors import ExportError
from hounsfield.likeness.look import SIDE, seen_in
from hounsfield.plan.machine import inspect_machine
from hounsfield.reading import looker, runtime
from hounsfield.reading.looker import WORTH_COMPILING, Looker
from hounsfield.reading.runtime import RuntimeName


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pictures(count: int, planes: int = 1) -> list[np.ndarray]:
    """Each with a blob of its own size."""
    shown = np.zeros((count, planes, SIDE, SIDE), np.uint8)
    for number, picture in enumerate(shown.reshape(-1, SIDE, SIDE)):
        cv2.circle(picture, (40 + number, 64), 8 + 5 * number, 60 + 15 * number, -1)
    return list(shown)


def of_many(wanted: RuntimeName = "auto", planes: int = 1) -> Looker:
    return Looker(wanted, pictures=WORTH_COMPILING, planes=planes, threads=1)


@pytest.mark.parametrize(("wanted", "planes"), [("auto", 1), ("onnxruntime", 3)])
def test_many_pictures_are_seen_by_one_compiled_network_as_by_torch(
    monkeypatch: pytest.MonkeyPatch, wanted: RuntimeName, planes: int
) -> None:
    if inspect_machine().bf16:
        pytest.skip("torch looks in bfloat16 here")
    chosen: list[str] = []
    choose = looker.choose_runtime

    def counted(*given: object, **named: object) -> object:
        found = choose(*given, **named)  # type: ignore[arg-type]
        chosen.append(found.runtime.words)
        return found

    monkeypatch.setattr(looker, "choose_runtime", counted)
    many, shown = of_many(wanted, planes), pictures(5, planes)
    expected = seen_in(shown)
    assert np.abs(expected[:1] - expected[1:]).max(axis=1).min() > 0.02  # the blobs are told apart
    with ThreadPoolExecutor(4) as pool:  # views are judged where they are decoded
        found = list(pool.map(many, [[one] for one in shown] * 3))
    for place, one in enumerate(found):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one[0], expected[place % 5], rtol=0, atol=1e-4)
    np.testing.assert_allclose(many(shown), expected, rtol=0, atol=1e-4)
    assert chosen == [{"auto": "OpenVINO f32", "onnxruntime": "ONNX Runtime f32"}[wanted]]


def test_few_pictures_other_planes_and_a_reader_that_wants_torch_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "choose_runtime", None)
    few = Looker("auto", pictures=WORTH_COMPILING - 1, planes=1, threads=1)
    for own, planes in ((few, 1), (of_many("torch"), 1), (of_many(), 3)):
        assert own(pictures(2, planes)).shape == (2, 1280 * planes)


def test_a_network_that_cannot_be_written_is_told_of_and_torch_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if inspect_machine().bf16:
        pytest.skip("torch looks in bfloat16 here")

    def refuse(*given: object, **named: object) -> bytes:
        raise ExportError("it cannot be written")

    monkeypatch.setattr(runtime, "onnx_bytes", refuse)
    many, shown = of_many(), pictures(2)
    np.testing.assert_allclose(many(shown), seen_in(shown), rtol=0, atol=1e-5)
    assert "it cannot be written; torch reads instead" in capsys.readouterr().err
