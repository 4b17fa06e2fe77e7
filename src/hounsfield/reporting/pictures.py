"""Images as pictures inside a page: one slice, windowed, small, with heat and boxes drawn, as a data URI."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.atomic import atomic_file
from hounsfield.findings import Box
from hounsfield.image import Image, Window
from hounsfield.reporting import heat as heat_colouring
from hounsfield.reporting.windowing import eight_bits, fitting_window, shown_slice

MAX_SIDE = 480
"""Longer side of a picture in a page, in pixels, unless the caller says otherwise."""
_SMALL = 160
"""Below this, pixels are shown as squares: smoothing would draw what was never there."""


@dataclass(frozen=True)
class Picture:
    """A picture ready for a page."""

    uri: str
    """data:image/webp;base64,…"""
    width: int
    height: int
    alt: str
    """What it shows, for those who cannot see it."""


def film_pixels(
    image: Image,
    *,
    depth_index: int,
    max_side: int = MAX_SIDE,
    window: Window | None = None,
    size: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """One slice for the screen, (height, width) grey or (height, width, 3) colour, right in its proportions; of named
    channels that of the first.

    Larger slices are averaged down to `max_side`; small ones are enlarged by whole factors without smoothing. Where a
    `size` (height, width) is given they are brought to it, smoothly.
    """
    import cv2

    image = image.apart[0]
    window = window or fitting_window(image)
    plane = image.voxels[:3] if image.channels >= 3 else image.voxels[:1]
    pixels = np.moveaxis(_resizable(plane[:, depth_index]), 0, -1)
    height, width = size or _shown_size(image, max_side)
    if (height, width) != pixels.shape[:2]:
        grows = height >= pixels.shape[0] and width >= pixels.shape[1]
        enlarging = cv2.INTER_LINEAR if size else cv2.INTER_NEAREST
        method = enlarging if grows else cv2.INTER_AREA
        pixels = cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=method)
    shown = eight_bits(pixels.reshape(height, width, -1), window)
    return shown[:, :, 0] if shown.shape[2] == 1 else shown


def film_picture(
    image: Image,
    *,
    alt: str,
    max_side: int = MAX_SIDE,
    depth_index: int | None = None,
    boxes: Sequence[Box] = (),
) -> Picture:
    """A slice of the image, by default the middle one, with boxes given in pixels of the image."""
    chosen = shown_slice(image) if depth_index is None else depth_index
    pixels = film_pixels(image, depth_index=chosen, max_side=max_side)
    return encode(draw_boxes(pixels, boxes, image), alt=alt)


def heat_picture(
    image: Image,
    heat: FloatArray,
    *,
    alt: str,
    max_side: int = MAX_SIDE,
    depth_index: int | None = None,
    boxes: Sequence[Box] = (),
) -> Picture:
    """The slice with the heat over it, by default the slice where the heat is largest.

    Args:
        heat: (height, width) or (depth, height, width), in [0, 1], over the whole image, at any resolution.
    """
    chosen = shown_slice(image, heat) if depth_index is None else depth_index
    pixels = heat_pixels(image, heat, depth_index=chosen, max_side=max_side)
    return encode(draw_boxes(pixels, boxes, image), alt=alt)


def heat_pixels(image: Image, heat: FloatArray, *, depth_index: int, max_side: int = MAX_SIDE) -> NDArray[np.uint8]:
    """(height, width, 3): `film_pixels` with the heat over them, see `heat_picture`."""
    film = film_pixels(image, depth_index=depth_index, max_side=max_side)
    warm = heat_colouring.fitted_heat(heat, depth_index=depth_index, shape=(film.shape[0], film.shape[1]))
    return heat_colouring.overlay(film, warm)


def encode(pixels: NDArray[np.uint8], *, alt: str, quality: int = 78) -> Picture:
    """The pixels, (height, width) or (height, width, 3), as a WebP picture for a page."""
    from PIL import Image as Pillow

    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, "WEBP", quality=quality, method=3)
    uri = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return Picture(uri=uri, width=pixels.shape[1], height=pixels.shape[0], alt=alt)


def write_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write pixels, (height, width, 3), as PNG to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    from PIL import Image as Pillow

    with atomic_file(path) as temporary:
        Pillow.fromarray(pixels).save(temporary, "PNG", compress_level=5)


@lru_cache(maxsize=1)
def heat_scale() -> Picture:
    """The legend of every heat picture: cold at the left, hot at the right."""
    alt = "Colour scale of the heat, from none, violet, to the strongest, yellow"
    return encode(heat_colouring.scale(160, 8), alt=alt, quality=90)


def tallest(pictures: Sequence[Picture]) -> float:
    """Height over width that holds nearly all of the pictures without bars, in [0.5, 1.75]; pages set films in it."""
    ratios = [picture.height / picture.width for picture in pictures]
    return min(max([*ratios, 0.5]), 1.75)


def middling(pictures: Sequence[Picture]) -> float:
    """Height over width of the picture in the middle, in [0.5, 1.75]; others are set in it with bars."""
    ratios = sorted(picture.height / picture.width for picture in pictures)
    return min(max(ratios[len(ratios) // 2], 0.5), 1.75) if ratios else 1.0


def _resizable(plane: VoxelArray) -> VoxelArray:
    """The plane in a number type that can be averaged; what is not finite becomes 0."""
    if plane.dtype in (np.uint8, np.uint16, np.int16):
        return plane
    return np.nan_to_num(plane.astype(np.float32), nan=0, posinf=0, neginf=0)


def _shown_size(image: Image, max_side: int) -> tuple[int, int]:
    """(height, width) in screen pixels, which are square even where the image's are not."""
    _, height, width = image.shape
    row, column = 1.0, 1.0
    if image.spacing_kind != "none":
        _, row, column = image.spacing_mm
        finest = min(row, column)
        row, column = row / finest, column / finest
    size = (height * row, width * column)
    longest = max(size)
    if longest > max_side:
        factor = max_side / longest
    elif longest <= _SMALL:
        factor = float(max(1, 2 * _SMALL // round(longest)))
    else:
        factor = 1.0
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def draw_boxes(pixels: NDArray[np.uint8], boxes: Sequence[Box], image: Image) -> NDArray[np.uint8]:
    """The pixels with each box as a light line on a dark one, so that it is seen on any tissue."""
    if not boxes:
        return pixels
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.fromarray(pixels)
    pen = ImageDraw.Draw(canvas)
    light, dark = ((255, 255, 255), (0, 0, 0)) if canvas.mode == "RGB" else ((255,), (0,))
    down, across = pixels.shape[0] / image.shape[1], pixels.shape[1] / image.shape[2]
    for box in boxes:
        left, right = sorted((box.x0 * across, box.x1 * across))
        top, bottom = sorted((box.y0 * down, box.y1 * down))
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=dark, width=4)
        pen.rectangle((left, top, right, bottom), outline=light, width=2)
    return np.asarray(canvas)
