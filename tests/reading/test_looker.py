"""Many pictures are looked at by a compiled network, which sees in them what torch sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hounsfield.likeness.look import SIDE, seen_in
from hounsfield.reading import looker
from hounsfield.reading.looker import WORTH_COMPILING, Looker


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pictures(count: int, planes: int = 1) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, planes, SIDE, SIDE)).astype(np.uint8))


def test_many_pictures_are_seen_by_a_compiled_network_as_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[str] = []
    choose = looker.choose_runtime
    monkeypatch.setattr(looker, "choose_runtime", lambda *given, **named: chosen.append(1) or choose(*given, **named))
    many = Looker("auto", images=WORTH_COMPILING, threads=1)
    for planes, count in ((1, 3), (1, 1)):
        shown = pictures(count, planes)
        found = many(shown)
        assert found.shape == (count, planes * 1280) and found.dtype == np.float32
        assert np.abs(found - seen_in(shown)).max() < 0.02  # torch may have computed in bfloat16
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)
    assert len(chosen) == 1


def test_few_pictures_and_a_reader_that_wants_torch_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "choose_runtime", None)
    for own in (Looker("auto", images=WORTH_COMPILING - 1, threads=1), Looker("torch", images=10**6, threads=1)):
        assert own(pictures(2)).shape == (2, 1280)
