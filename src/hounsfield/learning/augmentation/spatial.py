"""Turning, zooming, shifting and mirroring a batch in one resampling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hounsfield.plan import Augmentation


def draw_affines(count: int, *, dims: int, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Random affine maps, (count, dims, dims + 1), from output to input, in pixels around the middle.

    The shift, the last column, is a share of half the output's side. Rows and columns are in torch's order, (x, y)
    or (x, y, z), which is the array's order reversed. Volumes are turned in the plane of their slices only.

    Args:
        count: Number of images.
        dims: 2 or 3.
        augmentation: How far the images may be changed.
        generator: The source of randomness.
    """

    def within(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle = within(math.radians(augmentation.rotation_degrees))
    zoom = torch.exp(within(augmentation.zoom))
    affine = torch.zeros(count, dims, dims + 1)
    for axis in range(dims):
        affine[:, axis, axis] = zoom
        affine[:, axis, dims] = within(augmentation.shift)
    affine[:, 0, 0], affine[:, 0, 1] = zoom * torch.cos(angle), -zoom * torch.sin(angle)
    affine[:, 1, 0], affine[:, 1, 1] = zoom * torch.sin(angle), zoom * torch.cos(angle)
    for axis in augmentation.flip_axes:
        sign = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
        affine[:, :, dims - 1 - axis] *= sign[:, None]
    return affine


def warp(
    images: Tensor, affines: Tensor, shape: Sequence[int], *, mirrored_border: bool = False, nearest: bool = False
) -> Tensor:
    """The images, (N, C, *shape), resampled through `affines` at their own scale, cut to `shape` around the middle.

    Args:
        images: (N, C, H, W) or (N, C, D, H, W), at least as large as `shape`.
        affines: As `draw_affines` gives; the identity cuts out the middle.
        shape: Spatial shape of the result.
        mirrored_border: Whether the image goes on as its mirror image beyond its edges; else its last pixels do.
        nearest: Whether every pixel is that of the nearest one, as numbers of labels must be; else linear between them.
    """
    out = torch.tensor([*shape][::-1], dtype=torch.float32)
    side = torch.tensor([*images.shape[2:]][::-1], dtype=torch.float32)
    columns = torch.cat([out, torch.ones(1)])
    scaled = affines * columns / side[:, None]  # from pixels of `shape` to shares of the input's sides
    scaled[:, :, -1] *= out
    grid = _grid(scaled, shape)
    return torch.nn.functional.grid_sample(
        images,
        grid,
        mode="nearest" if nearest else "bilinear",
        padding_mode="reflection" if mirrored_border else "border",
        align_corners=False,
    )


def warp_boxes(boxes: Tensor, affine: Tensor, canvas: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Boxes (n, 2 · dims) of an image of shape `canvas`, x0, y0, (z0,) x1, y1 (, z1) in pixels, where `warp`
    brings them in `shape`.

    Turned by no quarter, a box becomes the one around its ellipse: lesions are round, and the box around the turned
    corners would be too large.

    Args:
        boxes: In pixels of the canvas.
        affine: (dims, dims + 1), of the image, as `draw_affines` gives.
        canvas: Spatial shape of what was warped.
        shape: That of the result; boxes may lie outside.
    """
    dims = len(shape)
    back = torch.linalg.inv(affine[:, :dims])
    centres, halves = (boxes[:, :dims] + boxes[:, dims:]) / 2, (boxes[:, dims:] - boxes[:, :dims]) / 2
    moved = _moved(centres, affine, canvas, shape)
    reach = torch.sqrt((halves**2) @ (back**2).T)
    return torch.cat([moved - reach, moved + reach], dim=1)


def with_reflections(boxes: Tensor, shape: Sequence[int]) -> Tensor:
    """Boxes (n, 2 · dims + 1) of an image, and those of its mirror images around it, which a mirrored border shows.

    An image long and narrow that is turned may show more than one of them along an axis; those have no boxes.

    Args:
        boxes: x0, y0, (z0,) x1, y1, (z1,) in pixels, and what else is known of each in the last column.
        shape: Spatial shape of the image.
    """
    dims = len(shape)
    for axis, side in enumerate(reversed(shape)):
        mirrored = boxes.clone()
        mirrored[:, [axis, axis + dims]] = -boxes[:, [axis + dims, axis]]
        behind = mirrored.clone()
        behind[:, [axis, axis + dims]] += 2 * side
        boxes = torch.cat([boxes, mirrored, behind])
    return boxes


def warp_points(points: Tensor, affine: Tensor, canvas: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Points (n, dims) of an image of shape `canvas`, in pixels in the array's order of axes, where `warp` brings them
    in `shape`; they may lie outside of it.

    Args:
        points: In pixels from the outer edge of the first.
        affine: (dims, dims + 1), of the image, as `draw_affines` gives.
        canvas: Spatial shape of what was warped.
        shape: That of the result.
    """
    return _moved(points.flip(1), affine, canvas, shape).flip(1)


def _moved(points: Tensor, affine: Tensor, canvas: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Points (n, dims), in torch's order of axes, through an affine map turned round."""
    dims = len(shape)
    out = torch.tensor([*shape][::-1], dtype=torch.float32)
    middle = torch.tensor([*canvas][::-1], dtype=torch.float32) / 2
    back = torch.linalg.inv(affine[:, :dims])
    moved: Tensor = (points - middle - affine[:, dims] * out / 2) @ back.T + out / 2
    return moved


def _grid(affines: Tensor, shape: Sequence[int]) -> Tensor:
    """`torch.nn.functional.affine_grid` without aligned corners, (N, *shape, dims), as a sum over the axes."""
    dims = len(shape)
    grid = affines[:, :, dims].view(-1, *[1] * dims, dims)
    for column, length in enumerate(reversed(shape)):
        places = (2 * torch.arange(length) + 1) / length - 1
        along = [-1 if axis == dims - 1 - column else 1 for axis in range(dims)]
        grid = grid + places.view(1, *along, 1) * affines[:, :, column].view(-1, *[1] * dims, dims)
    return grid
