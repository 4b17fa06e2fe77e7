"""A lesion among the structures around it."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.findings.margin import Margin, measure_margin
from hounsfield.image import Image
from hounsfield.reporting.lesion_views import SIDE, across, apart, between, lesion_views
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


def test_what_lies_above_and_below_the_pictures_alone_is_not_drawn() -> None:
    affine, shape = np.diag([4.0, 4, 4, 1])[[2, 1, 0, 3]], (80, 24, 24)
    lesion, nodes = (np.zeros(shape, dtype=bool) for _ in range(2))
    lesion[38:42, 10:14, 10:14] = nodes[3:6, 10:14, 10:14] = nodes[74:77, 10:14, 10:14] = True
    image = Image(np.zeros((1, *shape), dtype=np.int16), affine, spacing_kind="patient")
    (far,) = (measure_margin(lesion, nodes, affine, name="nodes"),)
    alone, beside = (lesion_views(image, lesion, *own) for own in (({}, []), ({"nodes": nodes}, [far])))
    assert alone is not None and beside is not None
    assert np.array_equal(alone[:SIDE], beside[:SIDE]) and has(beside[SIDE:], COLOURS[0])


def test_the_legend_names_what_is_drawn_without_a_distance_and_not_what_is_not() -> None:
    views = lesion_views(IMAGE, LESION_MASK, {"nothing": np.zeros(SHAPE, dtype=bool), "skin": BODY}, [])
    assert views is not None
    assert has(views[SIDE:], COLOURS[1]) and not has(views[SIDE:], COLOURS[0])


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
    bone, vessel, touching = margins(
        bone=BONE, vessel=box((5, 9), (15, 30), (48, 55)), touching=box((5, 9), (30, 36), (15, 28))
    )
    margin = measure_margin(LESION_MASK, box((5, 9), (32, 36), (15, 28)), AFFINE, name="near")
    assert margin.minimum_mm == pytest.approx(2) and margin.minimum_mm < margin.uncertainty_mm  # thick slices
    assert touching.meets and apart([vessel, bone, touching, margin]) is margin and apart([touching]) is None
    ends = np.array([margin.closest.lesion_mm, margin.closest.structure_mm])
    assert across([touching, bone, margin], 1.0)[0] == "across the smallest distance above 0 mm"
    words, towards = across([vessel, margin, bone], 1.0)
    plane = standing(towards, ends, side=300, side_mm=100)
    one, other = (np.array(plane.pixel_of(end)) for end in ends)
    assert np.linalg.norm(one - other) * plane.pixel_mm == pytest.approx(margin.minimum_mm)
    assert towards[1] <= 0 and words == "across the smallest distance"  # from the front
    assert across([touching], -1.0)[0] == ""


def test_what_lies_above_and_below_is_not_looked_at() -> None:
    mask = box((2, 14), (5, 40), (0, 60))
    middle = (slice(5, 9), slice(5, 40), slice(0, 60))  # slices lie 3 mm apart from 5
    assert between(mask, AFFINE, 20.0, 29.0) == middle
    upside_down = geometry.flipped(AFFINE, axis=0, length=16)
    assert between(mask, upside_down, 20.0, 29.0) == (slice(7, 11), slice(5, 40), slice(0, 60))
    assert between(mask, AFFINE, 900.0, 950.0) is None
    mask[5], mask[6:9, :, 30:] = False, False
    assert between(mask, AFFINE, 20.0, 29.0) == (slice(6, 9), slice(5, 40), slice(0, 30))
    mask[6:9] = False
    assert between(mask, AFFINE, 20.0, 29.0) is None  # it goes on above and below


def test_of_tilted_slices_all_is_kept_that_may_be_seen() -> None:
    tilt = np.deg2rad(20)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = AFFINE.copy()
    affine[:3] = turn @ AFFINE[:3]
    kept = between(np.ones(SHAPE, dtype=bool), affine, 20.0, 26.0)
    index = np.argwhere(np.ones(SHAPE, dtype=bool))
    height = geometry.world_from_index(affine, index)[:, 2]
    needed = index[(height >= 20) & (height <= 26), 0]
    assert kept is not None and kept[0].start == needed.min() and kept[0].stop == needed.max() + 1
