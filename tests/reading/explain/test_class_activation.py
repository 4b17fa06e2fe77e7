"""Heat: Grad-CAM against its closed form, and maps brought back to where the image lay."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hounsfield.arrays import FloatArray
from hounsfield.geometry import affine_from_axes, planar_affine
from hounsfield.image import Image
from hounsfield.networks.beside_table import BesideTable, with_table
from hounsfield.networks.convnet import ConvNet
from hounsfield.preprocessing.grid import crop, flip
from hounsfield.preprocessing.resample import resize
from hounsfield.reading.explain import grad_cam, hires_cam, on_stored_grid


def network(*, dims: int, outputs: int, seed: int) -> ConvNet:
    """A small network with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    made = ConvNet(dims=dims, channels=1, outputs=outputs, widths=(4, 6), pool_after=(1,))  # type: ignore[arg-type]  # 2 or 3
    return made.eval()


def cam(made: ConvNet, images: torch.Tensor, output: int) -> torch.Tensor:
    """Zhou et al. 2016: the maps weighted by the answer's own weights, less the mean of the other answers'."""
    weights = made.answer.weight.detach()
    others = weights[[column for column in range(len(weights)) if column != output]].mean(dim=0)
    maps = made.feature_maps(images).detach()
    summed = torch.einsum("k,nk...->n...", weights[output] - others, maps)
    side = summed[0].numel()
    return torch.relu(summed)[:, None] / side


@pytest.mark.parametrize(("dims", "outputs"), [(2, 2), (2, 3), (3, 2)])
def test_after_global_averaging_grad_cam_is_cam(dims: int, outputs: int) -> None:
    """The gradient of a mean is the same everywhere, so its mean is the answer's weight over the number of places."""
    shape = (12, 16) if dims == 2 else (8, 12, 16)
    images = torch.rand(3, 1, *shape, generator=torch.Generator().manual_seed(1))
    members = [network(dims=dims, outputs=outputs, seed=seed) for seed in (0, 1)]
    found = grad_cam(members, images, output=1)
    mode = "bilinear" if dims == 2 else "trilinear"
    expected = sum(
        torch.nn.functional.interpolate(cam(made, images, 1), size=shape, mode=mode)[:, 0] for made in members
    )
    assert isinstance(expected, torch.Tensor)
    highest = expected.flatten(1).max(1).values.reshape(-1, *([1] * dims))
    assert float(highest.min()) > 0
    np.testing.assert_allclose(found, (expected / highest).numpy(), atol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_after_global_averaging_hires_cam_is_grad_cam(dims: int) -> None:
    images = torch.rand(2, 1, *([8, 12, 16][3 - dims :]), generator=torch.Generator().manual_seed(1))
    made = network(dims=dims, outputs=2, seed=0)
    np.testing.assert_allclose(hires_cam([made], images, output=1), grad_cam([made], images, output=1), atol=1e-5)


def test_where_places_are_weighed_hires_cam_shows_what_was_used() -> None:
    """An answer that looks at the left half only: the right half has heat by Grad-CAM, and none by HiResCAM."""

    class LeftOnly(torch.nn.Module):
        def feature_maps(self, images: torch.Tensor) -> torch.Tensor:
            return images

        def head(self, maps: torch.Tensor) -> torch.Tensor:
            left = maps[..., : maps.shape[-1] // 2].mean(dim=(1, 2, 3))
            return torch.stack([-left, left], dim=1)

    images = torch.ones(1, 1, 8, 16)
    assert hires_cam([LeftOnly()], images, output=1)[0, :, 12:].max() == 0
    assert grad_cam([LeftOnly()], images, output=1)[0, :, 12:].min() == 1


def test_the_heat_of_one_answer_of_two_is_where_the_other_has_none() -> None:
    images = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    made = network(dims=2, outputs=2, seed=0)
    one, other = (cam(made, images, output)[0] for output in (0, 1))
    assert float((one * other).max()) == 0
    assert grad_cam([made], images, output=0).max() == 1


def test_an_image_that_says_nothing_for_the_answer_stays_cold() -> None:
    made = network(dims=2, outputs=2, seed=0)
    with torch.no_grad():
        made.answer.weight[1] = -1
        made.answer.weight[0] = 1
    assert grad_cam([made], torch.rand(1, 1, 16, 16), output=1).max() == 0


def test_the_table_beside_an_image_has_no_heat_and_may_be_unknown() -> None:
    """The answer is linear in the averaged maps, whatever the table says: heat is that of the image's part of it."""
    image = network(dims=2, outputs=2, seed=0)
    joined = BesideTable(image=image, columns=2, outputs=2).eval()
    images = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    rows = torch.tensor([[9.0, -9.0]]), torch.tensor([[9.0, float("nan")]]), torch.full((1, 2), float("nan"))
    found = [grad_cam([joined], with_table(images, row), output=1) for row in rows]
    weights = joined.answer.weight.detach()
    maps = image.feature_maps(images).detach()
    summed = torch.einsum("k,nkhw->nhw", (weights[1] - weights[0])[: maps.shape[1]], maps)
    heat = torch.nn.functional.interpolate(torch.relu(summed)[:, None], size=(16, 16), mode="bilinear")[:, 0]
    assert float(heat.max()) > 0
    for each in found:
        np.testing.assert_allclose(each, (heat / heat.max()).numpy(), atol=1e-5)


def spot(shape: tuple[int, int, int], place: tuple[int, int, int]) -> FloatArray:
    """(d, h, w) with a smooth spot of one value 1 at `place`."""
    distance = sum(
        ((axis - middle) / 3.0) ** 2 for axis, middle in zip(np.indices(shape).astype(float), place, strict=True)
    )
    return np.asarray(np.exp(-np.asarray(distance)), dtype=np.float32)


@settings(max_examples=25, deadline=None)
@given(row=st.integers(14, 45), column=st.integers(24, 65), turn=st.booleans(), side=st.sampled_from([24, 32, 64]))
def test_heat_goes_back_to_its_place_after_crop_turn_and_resize(row: int, column: int, turn: bool, side: int) -> None:
    stored = Image(spot((1, 60, 80), (0, row, column))[None], planar_affine((0.1, 0.2)), spacing_kind="detector")
    prepared = crop(stored, (0, 8, 18), (1, 52, 72))
    prepared = resize(flip(prepared, 2) if turn else prepared, (1, side, side))
    back = on_stored_grid(prepared.voxels[0, 0].astype(np.float32), prepared, stored)
    assert back.shape == (60, 80)
    found = np.unravel_index(int(back.argmax()), back.shape)
    assert abs(found[0] - row) <= 44 / side and abs(found[1] - column) <= 54 / side
    assert back[:7].max() == back[:, :17].max() == back[53:].max() == back[:, 73:].max() == 0


def test_a_grid_of_the_same_size_gives_the_heat_itself() -> None:
    heat = np.random.default_rng(0).random((20, 30), dtype=np.float32)
    image = Image(np.zeros((1, 1, 20, 30), np.uint8), planar_affine())
    np.testing.assert_allclose(on_stored_grid(heat, image, image), heat, atol=1e-6)


def test_heat_of_the_middle_lies_in_the_middle_of_what_was_prepared() -> None:
    """The canvas is larger than what the network sees: the heat is of its middle."""
    image = Image(np.zeros((1, 1, 20, 30), np.uint8), planar_affine())
    back = on_stored_grid(np.ones((10, 10), np.float32), image, image)
    rows, columns = np.nonzero(back)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 14, 10, 19)


def test_heat_of_a_volume_goes_back_through_its_affine() -> None:
    axes = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])
    affine = affine_from_axes(origin_mm=np.array([10.0, -20, 30]), spacing_mm=(2.5, 0.7, 0.7), directions=axes)
    stored = Image(spot((20, 40, 50), (6, 28, 15))[None], affine, spacing_kind="patient")
    prepared = resize(flip(crop(stored, (2, 8, 4), (18, 38, 44)), 1), (16, 24, 32))
    back = on_stored_grid(prepared.voxels[0], prepared, stored)
    assert back.shape == (20, 40, 50)
    found = np.array(np.unravel_index(int(back.argmax()), back.shape))
    assert np.abs(found - (6, 28, 15)).max() <= 1
