"""Turning, zooming, shifting and mirroring against the arithmetic of indices."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hounsfield.learning.augmentation import draw_affines, warp, warp_boxes, with_reflections
from hounsfield.plan import Augmentation
from hounsfield.plan.schema import canvas_of
from hounsfield.tasks.predict import centre

pytestmark = pytest.mark.usefixtures("one_thread")
EVERYTHING = Augmentation(rotation_degrees=40, zoom=0.2, shift=0.1, flip_axes=(0, 1))


def identity(count: int, dims: int) -> Tensor:
    return torch.eye(dims, dims + 1).repeat(count, 1, 1)


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(seed))


def drawn(augmentation: Augmentation, *, count: int = 2, dims: int = 2, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return draw_affines(count, dims=dims, augmentation=augmentation, generator=generator)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 20), min_size=2, max_size=3), st.floats(1, 2))
def test_an_unchanged_draw_cuts_out_exactly_the_middle(sides: list[int], margin: float) -> None:
    images = pictures(*canvas_of(tuple(sides), margin))
    cut = warp(images, identity(2, len(sides)), sides)
    torch.testing.assert_close(cut, centre(images, sides), atol=1e-4, rtol=0)


def test_no_augmentation_draws_the_identity() -> None:
    assert drawn(Augmentation()).equal(identity(2, 2))
    assert drawn(Augmentation(), dims=3).equal(identity(2, 3))


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, -1)])
def test_a_quarter_turn_is_that_of_the_array(degrees: int, turns: int) -> None:
    angle = math.radians(degrees)
    affine = torch.tensor([[[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]])
    images = pictures(9, 9)
    torch.testing.assert_close(warp(images, affine.repeat(2, 1, 1), (9, 9)), torch.rot90(images, turns, (2, 3)))


def test_a_volume_is_turned_in_its_slices() -> None:
    affine = torch.zeros(2, 3, 4)
    affine[:, 0, 1], affine[:, 1, 0], affine[:, 2, 2] = -1, 1, 1  # 90 degrees in (x, y)
    images = pictures(4, 7, 7)
    torch.testing.assert_close(warp(images, affine, (4, 7, 7)), torch.rot90(images, 1, (3, 4)))


@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 10), 0), ((6, 10), 1), ((4, 6, 8), 0), ((4, 6, 8), 1), ((4, 6, 8), 2)]
)
def test_a_mirrored_draw_reverses_its_axis_of_the_array(shape: tuple[int, ...], axis: int) -> None:
    images = pictures(*shape)[:1]
    flips = Augmentation(flip_axes=(axis,))
    seen = {False: 0, True: 0}
    for seed in range(12):
        result = warp(images, drawn(flips, count=1, dims=len(shape), seed=seed), shape)
        reversed_axis = torch.allclose(result, images.flip(axis + 2), atol=1e-5)
        assert reversed_axis or torch.allclose(result, images, atol=1e-5)
        seen[reversed_axis] += 1
    assert min(seen.values()) > 0


def test_an_image_of_unequal_sides_is_turned_and_not_sheared() -> None:
    # a disc stays a disc, whatever the sides
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(80.0), indexing="ij")
    disc = (torch.hypot(y - 19.5, x - 39.5) < 12).float()[None, None]
    for seed in range(5):
        turned = warp(disc, drawn(Augmentation(rotation_degrees=180), count=1, seed=seed), (40, 80))
        assert (turned - disc).abs().mean() < 0.01


def test_a_turn_by_thirty_degrees_moves_a_point_as_geometry_says() -> None:
    angle = math.radians(30)
    affine = torch.tensor([[[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]])
    image = torch.zeros(1, 1, 41, 61)
    image[0, 0, 20, 30 + 15] = 1  # 15 pixels right of the middle
    result = warp(image, affine, (41, 61))[0, 0]
    row, column = divmod(int(result.argmax()), 61)
    # the map is from output to input, so the content turns the other way round: up where y grows downwards
    assert (row, column) == (20 - round(15 * math.sin(angle)), 30 + round(15 * math.cos(angle)))


def test_a_shift_is_a_share_of_half_the_side() -> None:
    affine = identity(2, 2)
    affine[:, 0, 2], affine[:, 1, 2] = 0.2, -0.4  # 1 of 10 columns, -4 of 20 rows
    images = pictures(30, 20)
    moved = warp(images, affine, (20, 10))
    torch.testing.assert_close(moved, images[:, :, 5 - 4 : 25 - 4, 5 + 1 : 15 + 1])


def test_a_zoom_of_two_shows_twice_as_much() -> None:
    affine = identity(1, 2) * 2
    image = pictures(16, 16)[:1]
    shrunk = warp(image, affine, (8, 8))
    torch.testing.assert_close(shrunk, torch.nn.functional.avg_pool2d(image, 2))


def test_draws_stay_within_their_limits_and_use_them() -> None:
    affines = drawn(EVERYTHING, count=2000)
    scale = affines[:, :, :2].det().abs().sqrt()
    angle = torch.atan2(affines[:, 1, 0], affines[:, 0, 0]).rad2deg()
    turned = torch.minimum(angle.abs(), 180 - angle.abs())
    assert math.exp(-0.2) <= scale.min() < math.exp(-0.18)
    assert math.exp(0.18) < scale.max() <= math.exp(0.2) + 1e-5
    assert 38 < turned.max() <= 40.001
    assert 0.095 < affines[:, :, 2].abs().max() <= 0.1


def test_the_same_generator_draws_the_same() -> None:
    assert drawn(EVERYTHING, seed=3).equal(drawn(EVERYTHING, seed=3))
    assert not drawn(EVERYTHING, seed=3).equal(drawn(EVERYTHING, seed=4))


def test_beyond_the_edges_an_image_goes_on_as_its_mirror_image_or_its_last_pixels() -> None:
    images = torch.arange(8.0).repeat(8, 1)[None, None]
    moved = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])  # by half of half the side: two pixels
    assert warp(images, moved, (8, 8))[0, 0, 0].tolist() == pytest.approx([2, 3, 4, 5, 6, 7, 7, 7], abs=1e-4)
    mirrored = warp(images, moved, (8, 8), mirrored_border=True)
    assert mirrored[0, 0, 0].tolist() == pytest.approx([2, 3, 4, 5, 6, 7, 7, 6], abs=1e-4)


@pytest.mark.parametrize("degrees", [30, 45, 90, 160])
def test_what_a_mirrored_border_shows_has_boxes_too(degrees: int) -> None:
    shape, angle = (60, 40), math.radians(degrees)
    boxes = torch.tensor([[3.0, 5.0, 9.0, 11.0, 1.0], [28.0, 44.0, 34.0, 50.0, 0.0]])
    rows, columns = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(40) + 0.5, indexing="ij")
    discs = sum(((columns - x) ** 2 + (rows - y) ** 2 <= 9).float() for x, y in ((6, 8), (31, 47)))
    affine = torch.tensor([[[math.cos(angle), -math.sin(angle), 0.1], [math.sin(angle), math.cos(angle), 0]]])
    assert isinstance(discs, Tensor)

    seen = warp(discs[None, None], affine, shape, mirrored_border=True)[0, 0]

    around = with_reflections(boxes, shape)
    moved = warp_boxes(around[:, :-1], affine[0], shape, shape)
    covered = torch.zeros(shape)
    for x0, y0, x1, y1 in moved.tolist():
        inside = (columns > x0 - 1) & (columns < x1 + 1) & (rows > y0 - 1) & (rows < y1 + 1)
        covered[inside] = 1
        shown = (columns > x0) & (columns < x1) & (rows > y0) & (rows < y1)
        if x0 > 0 and x1 < 40 and y0 > 0 and y1 < 60:  # no box without what it is around
            assert float(seen[shown].max()) > 0.5
    assert bool((covered[seen > 0.5] == 1).all())
    assert around[:, -1].unique(return_counts=True)[1].tolist() == [9, 9]
