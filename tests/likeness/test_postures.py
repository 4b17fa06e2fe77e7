"""Inverted, turned, cut off: found where images have an upright way, and not looked for where they have none."""

import numpy as np
import pytest

from hounsfield.datasets.audit.glance import Small
from hounsfield.likeness.look import SIDE, seen_in
from hounsfield.likeness.postures import MENDED, NAMES, _put, postures_of


def upright(count: int, *, seed: int) -> Small:
    """Bright trees on a dark ground: a trunk below, a crown above, each a little different."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:SIDE, :SIDE]
    made = []
    for _ in range(count):
        middle, height = 64 + rng.normal(0, 6), 45 + rng.normal(0, 5)
        crown = (down - height) ** 2 + (across - middle) ** 2 < (24 + rng.normal(0, 3)) ** 2
        trunk = (abs(across - middle) < 5) & (down > height) & (down < 118)
        made.append(200 * crown + 120 * trunk + rng.uniform(0, 25, (SIDE, SIDE)))
    return np.stack(made).clip(0, 255).astype(np.uint8)[:, None]


@pytest.mark.parametrize("name", list(MENDED))
def test_mending_a_posture_gives_the_picture_back(name: str) -> None:
    pictures = upright(2, seed=0)
    np.testing.assert_array_equal(MENDED[name](_put(pictures, name)), pictures)
    assert not np.array_equal(_put(pictures, name), pictures)


def test_postures_are_found_in_new_images_and_upright_ones_left_alone() -> None:
    probe = postures_of(upright(60, seed=0), np.arange(60))
    assert probe is not None
    new = upright(40, seed=1)
    assert sum(bool(probe.suspected(seen)) for seen in seen_in(new)) <= 2
    for name in MENDED:
        found = [probe.suspected(seen)[:1] == [name] for seen in seen_in(_put(new, name))]
        assert np.mean(found) > 0.9, name


def test_round_things_have_no_upright_way() -> None:
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:SIDE, :SIDE]
    radius = np.hypot(down - 63.5, across - 63.5)
    rings = np.stack([128 + 100 * np.sin(radius / rng.uniform(3, 9)) for _ in range(60)])
    probe = postures_of(rings.astype(np.uint8)[:, None], np.arange(60))
    turned = [NAMES.index(name) for name in MENDED if name != "inverted"]
    assert probe is None or np.isinf(probe.limits[turned]).all()
