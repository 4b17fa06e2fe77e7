"""A lesion among the structures around it."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.findings.margin import Margin, measure_margin
from hounsfield.image import Image
from hounsfield.reporting.lesion_views import SIDE, across, between, lesion_views
from hounsfield.reporting.margin_panels import LESION
from hounsfield.reporting.planes import COLOURS
from hounsfield.reporting.standing import standing

AFFINE = geometry.affine_from_axes(
    origin_mm=np.array([-20.0, -20, 5]), spacing_mm=(3, 1, 1), directions=np.eye(3)[:, ::-1]
)
SHAPE = (16, 50, 60)


def box(*sides: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


LESION_MASK, BONE, BODY = (
    box((5, 9), (15, 30), (15, 28)),
    box((10, 14), (34, 44), (44, 50)),
    box((1, 15), (2, 48), (2, 58)),
)
IMAGE = Image(np.zeros((1, *SHAPE), dtype=np.int16), AFFINE, spacing_kind="patient")


def margins(**structures: np.ndarray) -> list[Margin]:
    return [measure_margin(LESION_MASK, mask, AFFINE, name=name) for name, mask in structures.items()]


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(axis=2).any())


def test_the_lesion_and_the_lines_to_what_is_near_are_drawn_in_three_pictures() -> None:
    structures = {"bone": BONE, "skin": BODY}
    views = lesion_views(IMAGE, LESION_MASK, structures, margins(**structures))
    assert views is not None and views.shape[1] == 3 * SIDE + 12
    for number in range(3):
        picture = views[:SIDE, number * (SIDE + 6) :][:, :SIDE]
        assert has(picture, COLOURS[0]) and has(picture, COLOURS[1])  # of lines: glass is never of its full colour
        light = (
            picture.astype(float)
            @ LESION
            / np.linalg.norm(picture.astype(float) + 1e-6, axis=2)
            / np.linalg.norm(LESION)
        )
        assert (light > 0.97).sum() > 1000
    for colour in (LESION, *COLOURS[:2]):
        assert has(views[SIDE:], colour)  # the legend


def test_structures_are_not_needed() -> None:
    views = lesion_views(IMAGE, LESION_MASK, {"bone": np.zeros(SHAPE, dtype=bool)}, [])
    assert views is not None and has(views[SIDE:], LESION)


def test_a_far_structure_has_no_line() -> None:
    far = box((0, 1), (0, 3), (57, 60))
    (margin,) = margins(bone=far)
    near, beyond = margin.minimum_mm, 60.0
    moved = Margin(**{**margin.__dict__, "minimum_mm": beyond})
    drawn, without = (lesion_views(IMAGE, LESION_MASK, {"bone": far}, [one]) for one in (margin, moved))
    assert near < 50 and drawn is not None and without is not None
    assert has(drawn[:SIDE], COLOURS[0]) and not has(without[:SIDE], COLOURS[0])


def test_a_flat_image_has_no_outside() -> None:
    flat = Image(np.zeros((1, 1, 50, 60), dtype=np.int16), AFFINE, spacing_kind="patient")
    assert lesion_views(flat, LESION_MASK[7:8], {}, []) is None


def test_the_smallest_distance_is_seen_in_its_full_length() -> None:
    (margin,) = margins(bone=BONE)
    ends = np.array([margin.closest.lesion_mm, margin.closest.structure_mm])
    words, towards = across(margin, 1.0)
    plane = standing(towards, ends, side=300, side_mm=100)
    one, other = (np.array(plane.pixel_of(end)) for end in ends)
    assert np.linalg.norm(one - other) * plane.pixel_mm == pytest.approx(margin.minimum_mm)
    assert towards[1] <= 0 and "distance" in words  # from the front


def test_what_lies_above_and_below_is_not_looked_at() -> None:
    part = (slice(2, 14), slice(5, 40), slice(0, 60))
    assert between(part, AFFINE, 20.0, 29.0) == (
        slice(5, 9),
        slice(5, 40),
        slice(0, 60),
    )  # slices lie 3 mm apart from 5
    upside_down = geometry.flipped(AFFINE, axis=0, length=16)
    assert between(part, upside_down, 20.0, 29.0) == (slice(7, 11), slice(5, 40), slice(0, 60))
    assert between(part, AFFINE, 900.0, 950.0) == part


def test_of_tilted_slices_all_is_kept_that_may_be_seen() -> None:
    tilt = np.deg2rad(20)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = AFFINE.copy()
    affine[:3] = turn @ AFFINE[:3]
    part = (slice(0, 16), slice(0, 50), slice(0, 60))
    kept = between(part, affine, 20.0, 26.0)
    index = np.argwhere(np.ones(SHAPE, dtype=bool))
    height = geometry.world_from_index(affine, index)[:, 2]
    needed = index[(height >= 20) & (height <= 26), 0]
    assert kept[0].start == needed.min() and kept[0].stop == needed.max() + 1
