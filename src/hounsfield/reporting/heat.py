"""Heat over a film: a perceptual colour map whose opacity grows with the heat, so that the film stays readable."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import FloatArray

_STRONGEST = 0.72
"""Opacity where the heat is 1."""
_ONSET = 0.08
"""Heat below this share leaves the film untouched."""


@lru_cache(maxsize=1)
def heat_colours() -> NDArray[np.uint8]:
    """(256, 3) colours from cold to hot: matplotlib's "plasma" without its darkest part.

    Plasma's lightness rises evenly, so that it reads the same to colour-blind eyes and in grey, and each of its
    colours is far from the grey of a film (Smith and van der Walt, 2015).
    """
    import matplotlib

    shades = matplotlib.colormaps["plasma"](np.linspace(0.12, 1.0, 256))
    return np.asarray(shades[:, :3] * 255 + 0.5, dtype=np.uint8)


def opacity(heat: FloatArray) -> FloatArray:
    """How much of the colour covers the film, [0, 0.72], for heat in [0, 1]."""
    cover: FloatArray = _STRONGEST * np.clip((heat - _ONSET) / (1 - _ONSET), 0, 1) ** 0.8
    return cover


def fitted_heat(heat: FloatArray, *, depth_index: int, shape: tuple[int, int]) -> FloatArray:
    """The heat of one slice as float32 of shape (height, width), in [0, 1]; NaN counts as cold.

    Args:
        heat: (height, width), or (depth, height, width) of which one slice is taken.
        depth_index: That slice.
        shape: Of the picture it is laid over.
    """
    import cv2

    plane = heat if heat.ndim == 2 else heat[min(depth_index, heat.shape[0] - 1)]
    plane = np.nan_to_num(plane.astype(np.float32), nan=0, posinf=1, neginf=0)
    if plane.shape != shape:
        shrinks = plane.shape[0] > shape[0] and plane.shape[1] > shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        plane = cv2.resize(plane, (shape[1], shape[0]), interpolation=method)
    return np.asarray(np.clip(plane, 0, 1))


def overlay(film: NDArray[np.uint8], heat: FloatArray) -> NDArray[np.uint8]:
    """(height, width, 3): the film, grey or colour, with the heat of the same height and width over it."""
    base = film if film.ndim == 3 else np.repeat(film[:, :, None], 3, axis=2)
    colours = heat_colours()[np.asarray(heat * 255 + 0.5, dtype=np.uint8)]
    cover = opacity(heat)[:, :, None]
    return np.asarray(base * (1 - cover) + colours * cover + 0.5, dtype=np.uint8)


def scale(width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3): the legend, cold at the left and hot at the right, as it looks over mid grey."""
    ramp = np.repeat(np.linspace(0, 1, width, dtype=np.float32)[None], height, axis=0)
    return overlay(np.full((height, width), 90, dtype=np.uint8), ramp)
