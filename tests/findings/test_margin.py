"""Margins: against brute force, against what is known of balls and planes, and where lesion and structure meet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masks import ball, coordinates, grid

from hounsfield.errors import ImageError, ShapeError
from hounsfield.findings.margin import measure_margin
from hounsfield.findings.surface import closed_surface, surface_within
from hounsfield.findings.worksheet import fill_worksheet


def half_space(shape: tuple[int, int, int], axis: int, first: int) -> np.ndarray:
    """From a layer on to the end of the image."""
    mask = np.zeros(shape, dtype=bool)
    mask[(slice(None),) * axis + (slice(first, None),)] = True
    return mask


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(1, 1, 1), (3.3, 0.9, 0.7)]), st.booleans())
def test_distances_are_those_of_brute_force(seed: int, spacing: tuple[float, float, float], oblique: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(45 / mm) for mm in spacing)
    affine = grid(spacing, oblique=oblique)
    lesion = ball(shape, spacing, rng.uniform(12, 18, 3), 6) & (rng.random(shape) < 0.9)
    structure = ball(shape, spacing, rng.uniform(30, 34, 3), 7) & (rng.random(shape) < 0.9)
    margin = measure_margin(lesion, structure, affine, name="artery")
    ours, theirs = closed_surface(lesion, affine), closed_surface(structure, affine)
    apart = np.linalg.norm(ours.points_mm[:, None] - theirs.points_mm[None], axis=2).min(axis=1)
    assert margin.minimum_mm == pytest.approx(apart.min(), abs=1e-6)
    assert margin.area_closer_than_5_mm == pytest.approx(ours.areas[apart < 5].sum())
    assert margin.area_closer_than_10_mm == pytest.approx(ours.areas[apart < 10].sum())
    order = np.argsort(apart)
    weighed = np.cumsum(ours.areas[order]) / ours.area
    for share, told in ((0.05, margin.percentile_5_mm), (0.5, margin.median_mm)):
        low, high = apart[order][np.searchsorted(weighed, [share - 1e-9, share + 1e-9])]  # it may fall between two
        assert low - 1e-6 <= told <= high + 1e-6
    pair = np.subtract(margin.closest.lesion_mm, margin.closest.structure_mm)
    assert np.linalg.norm(pair) == pytest.approx(margin.minimum_mm)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_the_distance_of_two_balls_is_right_to_what_is_said_and_nearly_always_to_half_a_voxel(
    spacing: tuple[float, float, float],
) -> None:
    errors = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        along = rng.normal(size=3)
        along /= np.linalg.norm(along)
        gap, one, other = rng.uniform(3, 12), rng.uniform(8, 11), rng.uniform(7, 9)
        shape = tuple(int(72 / mm) for mm in spacing)
        first = 36 - along * (gap + one + other) / 2 + rng.uniform(-0.5, 0.5, 3)
        lesion = ball(shape, spacing, first, one)
        structure = ball(shape, spacing, first + along * (gap + one + other), other)
        margin = measure_margin(lesion, structure, grid(spacing, oblique=True))
        errors.append(abs(margin.minimum_mm - gap))
        assert errors[-1] <= margin.uncertainty_mm
    half_a_voxel = float(np.linalg.norm(spacing)) / 2
    assert np.percentile(errors, 95) <= half_a_voxel
    assert np.mean(errors) <= half_a_voxel / 2


@pytest.mark.parametrize(("axis", "spacing"), [(0, (3.0, 1, 1)), (1, (3.0, 1.5, 1)), (2, (1.0, 1, 0.6))])
def test_the_distance_to_a_plane_is_exact_to_half_a_voxel(axis: int, spacing: tuple[float, float, float]) -> None:
    shape = tuple(int(48 / mm) for mm in spacing)
    lesion = ball(shape, spacing, np.full(3, 18.0), 9.3)
    first = int(33 / spacing[axis])
    margin = measure_margin(lesion, half_space(shape, axis, first), grid(spacing))
    assert margin.minimum_mm == pytest.approx((first - 0.5) * spacing[axis] - 18 - 9.3, abs=spacing[axis] / 2 + 1e-9)


def test_from_inside_the_distance_is_to_the_surface_of_what_the_lesion_lies_in() -> None:
    body = ball((80, 80, 80), (1, 1, 1), np.full(3, 40.0), 35)
    lesion = ball((80, 80, 80), (1, 1, 1), np.array([40.0, 40, 58]), 10)
    margin = measure_margin(lesion, body, np.eye(4), name="skin")
    assert (margin.side, margin.overlap) == ("inside", 1.0)
    assert margin.minimum_mm == pytest.approx(7, abs=0.9)


def test_holes_in_a_body_are_not_its_skin_and_are_told() -> None:
    body = ball((80, 80, 80), (1, 1, 1), np.full(3, 40.0), 35)
    lesion = ball((80, 80, 80), (1, 1, 1), np.array([40.0, 40, 58]), 10)
    lung = ball((80, 80, 80), (1, 1, 1), np.array([40.0, 40, 38]), 8)  # 2 mm from the lesion
    whole, holed = (measure_margin(lesion, mask, np.eye(4), name="skin") for mask in (body, body & ~lung))
    assert holed.distribution_mm == whole.distribution_mm and whole.note == ""
    assert holed.note == f"Holes in the mask of skin, {lung.sum() / 1000:.1f} ml, were filled: " + (
        "the distance is to its outer surface."
    )


def test_an_organ_from_which_the_lesion_was_taken_out_is_told() -> None:
    organ = ball((60, 60, 60), (1, 1, 1), np.full(3, 30.0), 25)
    lesion = ball((60, 60, 60), (1, 1, 1), np.array([30.0, 30, 36]), 8)
    margin = measure_margin(lesion, organ & ~lesion, np.eye(4), name="liver")
    assert (margin.side, margin.minimum_mm) == ("outside", 0.0)
    assert margin.note.startswith("liver touches 100 % of the lesion's surface and does not hold it")
    assert margin.lacks_lesion and "give liver together with the lesion" in margin.note
    assert measure_margin(lesion, organ, np.eye(4), name="liver").note == ""


def test_holes_that_change_no_distance_are_not_told() -> None:
    body = ball((80, 80, 80), (1, 1, 1), np.full(3, 40.0), 35)
    lesion = ball((80, 80, 80), (1, 1, 1), np.array([40.0, 40, 63]), 6)
    far = ball((80, 80, 80), (1, 1, 1), np.array([40.0, 40, 12]), 3)
    holed = measure_margin(lesion, body & ~far, np.eye(4), name="skin")
    assert (holed.note, holed.contact_area_with_holes) == ("", holed.contact_area)
    beside = body.copy()
    beside[40, 40, 54] = False  # one voxel, 2 mm from the lesion
    assert measure_margin(lesion, beside, np.eye(4)).note.startswith(
        "Holes in the mask of the structure, less than 0.1"
    )


def test_holes_in_a_flat_mask_are_told_in_square_millimetres() -> None:
    body, lesion = np.zeros((2, 1, 60, 60), dtype=bool)
    body[0, 5:55, 5:55], lesion[0, 30:36, 30:36] = True, True
    body[0, 20:28, 20:30] = False
    spaced = np.diag([3.0, 0.5, 0.5, 1.0])
    assert "Holes in the mask of skin, 20.0 mm², were filled" in measure_margin(lesion, body, spaced, name="skin").note


def test_of_a_neighbour_and_of_a_vessel_deep_in_a_lesion_nothing_is_told() -> None:
    lesion = ball((40, 40, 40), (1, 1, 1), np.full(3, 20.0), 9)
    assert measure_margin(lesion, half_space((40, 40, 40), 2, 22), np.eye(4)).note == ""
    vessel = np.zeros((40, 40, 40), dtype=bool)
    vessel[:, 17:24, 17:24] = True
    assert measure_margin(lesion, vessel, np.eye(4)).note == ""


def test_where_a_lesion_breaks_through_the_skin_the_distance_is_nothing() -> None:
    body = half_space((20, 20, 20), 2, 8)
    lesion = np.zeros((20, 20, 20), dtype=bool)
    lesion[8:12, 8:12, 6:14] = True
    margin = measure_margin(lesion, body, np.eye(4))
    assert (margin.side, margin.minimum_mm) == ("inside", 0.0)


def test_where_lesion_and_structure_overlap_the_distance_is_nothing() -> None:
    lesion = ball((40, 40, 40), (1, 1, 1), np.full(3, 16.0), 9)
    structure = half_space((40, 40, 40), 0, 20)
    margin = measure_margin(lesion, structure, np.eye(4))
    assert (margin.side, margin.minimum_mm) == ("outside", 0.0) and 0 < margin.overlap < 0.5
    inside = closed_surface(lesion, np.eye(4))
    assert margin.contact_area_as_drawn >= inside.areas[inside.points_mm[:, 0] > 19].sum() * 0.95


def test_a_structure_deep_in_a_lesion_is_touched_as_if_it_had_been_cut_out_of_it() -> None:
    lesion = ball((40, 40, 40), (1, 1, 1), np.full(3, 20.0), 15)
    vessel = ball((40, 40, 40), (1, 1, 1), np.array([20.0, 21, 20]), 4)
    found = measure_margin(lesion, vessel, np.eye(4))
    cut_out = measure_margin(lesion & ~vessel, vessel, np.eye(4))
    assert (found.side, found.minimum_mm, found.closest.distance_mm) == ("outside", 0.0, 0.0)
    assert found.closest.lesion_mm == found.closest.structure_mm
    assert found.contact_area_as_drawn == pytest.approx(closed_surface(vessel, np.eye(4)).area)
    assert (found.area, found.contact_area_as_drawn) == (
        pytest.approx(cut_out.area, rel=0.02),
        pytest.approx(cut_out.contact_area_as_drawn, rel=0.02),
    )
    outside = half_space((40, 40, 40), 0, 37)  # another part of the same structure, that is not touched
    both = measure_margin(lesion, vessel | outside, np.eye(4))
    assert both.minimum_mm == 0 and both.median_mm == pytest.approx(found.median_mm, abs=5)


def test_a_vessel_through_a_lesion_is_touched_along_its_way() -> None:
    lesion = ball((40, 40, 40), (1, 1, 1), np.full(3, 20.0), 12)
    vessel = np.zeros((40, 40, 40), dtype=bool)
    vessel[:, 18:23, 18:23] = True
    found = measure_margin(lesion, vessel, np.eye(4))
    assert found.minimum_mm == 0
    assert found.contact_area_as_drawn == pytest.approx(4 * 5 * 24, rel=0.2)


def test_in_a_plane_too() -> None:
    lesion = ball((1, 40, 40), (9, 1, 1), np.array([0, 20, 20.0]), 12)
    duct = ball((1, 40, 40), (9, 1, 1), np.array([0, 20, 20.0]), 3)
    found = measure_margin(lesion, duct, np.diag([9.0, 1, 1, 1]))
    assert found.minimum_mm == 0
    assert found.contact_area_as_drawn == pytest.approx(closed_surface(duct, np.diag([9.0, 1, 1, 1])).area)


def test_the_contact_area_of_two_boxes_side_by_side() -> None:
    lesion, structure = np.zeros((20, 20, 20), dtype=bool), np.zeros((20, 20, 20), dtype=bool)
    lesion[4:14, 4:14, 2:8] = True
    structure[4:14, 4:14, 8:14] = True
    margin = measure_margin(lesion, structure, np.diag([2.0, 1, 1, 1]))
    assert margin.minimum_mm == 0
    assert margin.contact_area_as_drawn == pytest.approx(200, rel=0.12)  # the edges are bevelled
    assert margin.contact_area >= margin.contact_area_as_drawn
    apart = measure_margin(lesion, np.roll(structure, 3, axis=2), np.diag([2.0, 1, 1, 1]))
    assert (apart.minimum_mm, apart.contact_area) == (pytest.approx(3, abs=0.01), 0)


def test_what_is_beyond_the_border_is_no_closer_than_the_border() -> None:
    lesion = ball((30, 40, 40), (1, 1, 1), np.array([15.0, 20, 20]), 6)
    whole = ball((30, 40, 40), (1, 1, 1), np.array([15.0, 20, 33]), 3)
    crossing = half_space((30, 40, 40), 2, 38)
    assert measure_margin(lesion, whole, np.eye(4)).beyond_the_image_mm is None
    assert measure_margin(lesion, crossing, np.eye(4)).beyond_the_image_mm == pytest.approx(29.5 - 15 - 6.5, abs=0.5)
    at_border = lesion | ball((30, 40, 40), (1, 1, 1), np.array([0.0, 20, 20]), 3)
    assert measure_margin(at_border, whole, np.eye(4)).beyond_the_image_mm == 0


def test_what_the_border_may_hide_is_told_where_it_may_be_closer() -> None:
    lesion = ball((30, 40, 40), (1, 1, 1), np.array([15.0, 20, 20]), 6)
    far = half_space((30, 40, 40), 2, 38)
    far[:, :, 38:] &= np.arange(40)[:, None] > 30
    leaving = far | ball((30, 40, 40), (1, 1, 1), np.array([15.0, 20, 30]), 2)
    hidden = measure_margin(lesion, far, np.eye(4), name="bone")
    assert hidden.beyond_the_image_mm is not None and hidden.beyond_the_image_mm < hidden.minimum_mm
    assert hidden.notes[-1].startswith("Bone goes on beyond the border of the image, ")
    seen = measure_margin(lesion, leaving, np.eye(4), name="bone")
    assert seen.beyond and not seen.notes


def test_several_outlines_of_a_lesion_give_the_spread() -> None:
    structure = half_space((40, 40, 40), 2, 34)
    outlines = [ball((40, 40, 40), (1, 1, 1), np.full(3, 18.0), radius) for radius in (9.2, 8.2, 11.2)]
    (margin,) = fill_worksheet(None, outlines[0], {"bone": structure}, np.eye(4), outlines=outlines[1:]).margins
    assert margin.spread is not None
    assert (margin.spread.low, margin.spread.high) == (pytest.approx(4.3, abs=0.5), pytest.approx(7.3, abs=0.5))
    assert margin.spread.distances_mm[0] == margin.minimum_mm


def test_the_nearest_piece_is_found_however_far_it_is() -> None:
    shape = (4, 4, 400)
    lesion = coordinates(shape, (1, 1, 1))[..., 2] < 3
    structure = coordinates(shape, (1, 1, 1))[..., 2] > 380
    assert measure_margin(lesion, structure, np.eye(4)).minimum_mm == pytest.approx(378)
    assert len(surface_within(structure, np.eye(4), (slice(0, 4), slice(0, 4), slice(0, 99))).areas) == 0


def test_planar_margins_are_lengths_of_outline() -> None:
    lesion = ball((1, 60, 60), (9, 1, 1), np.array([0, 20, 20.0]), 10)
    structure = ball((1, 60, 60), (9, 1, 1), np.array([0, 20, 45.0]), 10)
    margin = measure_margin(lesion, structure, np.diag([9.0, 1, 1, 1]))
    assert margin.area_unit == "mm" and margin.minimum_mm == pytest.approx(5, abs=0.7)
    assert margin.uncertainty_mm == pytest.approx(2**0.5)


def test_what_cannot_be_measured_is_refused_with_its_name() -> None:
    lesion = np.zeros((6, 6, 6), dtype=bool)
    lesion[2:4, 2:4, 2:4] = True
    with pytest.raises(ImageError, match="bone: its mask is empty"):
        measure_margin(lesion, np.zeros_like(lesion), np.eye(4), name="bone")
    with pytest.raises(ImageError, match="skin: it fills the image"):
        measure_margin(lesion, np.ones_like(lesion), np.eye(4), name="skin")
    with pytest.raises(ImageError, match="lesion's mask is empty"):
        measure_margin(np.zeros_like(lesion), lesion, np.eye(4))
    with pytest.raises(ShapeError, match=r"bone: its mask has shape \(5, 6, 6\), the lesion's \(6, 6, 6\)"):
        measure_margin(lesion, lesion[:5], np.eye(4), name="bone")
