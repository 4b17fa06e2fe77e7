"""Networks are kept where the desktop says, the latest few of them, and an unwritable place is no error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hounsfield.reading import network_cache
from hounsfield.reading.network_cache import KEPT, cache_folder, forget, kept_network, place_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hounsfield" / "networks"


def never() -> bytes:
    raise AssertionError("it was kept, and need not be written again")


def test_the_place_names_model_shape_and_version(cache: Path) -> None:
    place = place_of("0123456789abcdef" * 4, (96, 64))
    assert place.parent == cache and place.name.startswith("0123456789abcdef-96x64-")


def test_a_relative_or_empty_xdg_cache_home_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "somewhere"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "hounsfield" / "networks"


def test_a_network_is_written_once(cache: Path) -> None:
    place = place_of("a" * 64, (8, 8))
    assert kept_network(place, lambda: b"network") == b"network"
    assert kept_network(place, never) == b"network"
    forget(place)
    assert kept_network(place, lambda: b"anew") == b"anew"


def test_those_used_last_are_kept(cache: Path) -> None:
    places = [place_of(f"{number:064d}"[::-1], (8, 8)) for number in range(KEPT + 2)]
    for age, place in enumerate(places[:-1]):
        kept_network(place, lambda: b"network")
        os.utime(place, (1000 + age, 1000 + age))
    kept_network(places[1], never)  # used again, so now the latest
    kept_network(places[-1], lambda: b"network")
    left = {path.name for path in cache.iterdir()}
    assert len(left) == KEPT
    assert places[1].name in left and places[-1].name in left and places[2].name not in left


def test_a_place_that_cannot_be_written_is_no_error(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file stands where the folder should be")
    place = place_of("a" * 64, (8, 8))
    assert kept_network(place, lambda: b"network") == b"network"
    assert network_cache.cache_folder().is_file()
