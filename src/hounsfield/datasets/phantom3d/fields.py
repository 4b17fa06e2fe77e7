"""Random fields for the looks: slow changes within a tissue, the noise of a CT, the uneven light of a coil."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.grid import Grid

_COARSE_MM, _FINE_MM = 9.0, 3.5
_FREQUENCY = 0.33
"""Where the noise power of a soft kernel falls off, waves per mm."""
_SLICE_MM = 1.6
"""Over about this distance the noise of neighbouring slices is alike."""


class Texture:
    """A normal field with mean 0 and variance of about 1, in patches of 3 to 15 mm, slice by slice."""

    def __init__(self, rng: np.random.Generator, grid: Grid) -> None:
        """Draw the field on two coarse grids that cover the image."""
        self._grid = grid
        self._layers = []
        for pitch in (_COARSE_MM, _FINE_MM):
            counts = [math.ceil(n * step / pitch) + 2 for n, step in zip(grid.shape, grid.spacing_mm, strict=True)]
            self._layers.append((pitch, rng.standard_normal(counts, dtype=np.float32)))

    def at(self, index: int) -> FloatArray:
        """(height, width) float32, the field on a slice."""
        import cv2

        size = self._grid.shape[2], self._grid.shape[1]
        total = np.zeros(self._grid.shape[1:], dtype=np.float32)
        for pitch, field in self._layers:
            below, above = divmod(index * self._grid.spacing_mm[0] / pitch, 1)
            plane = (1 - above) * field[int(below)] + above * field[int(below) + 1]
            plane *= 1 / math.hypot(above, 1 - above)
            total += np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR))
        return total


def ct_noise(key: Sequence[int], grid: Grid, index: int) -> FloatArray:
    """(height, width) float32, noise of a slice: mean 0, variance 1, correlated as after filtered back-projection.

    Its power rises with the frequency and falls off as a soft kernel does; neighbouring thin slices share a part of it.

    Args:
        key: What the generators of all slices are seeded with, together with the slice.
        grid: Of the image.
        index: Of the slice.

    Reference:
        Riederer, Pelc, Chesler, Phys. Med. Biol. 23 (1978), doi:10.1088/0031-9155/23/3/008.
    """
    share = math.exp(-0.5 * (grid.spacing_mm[0] / _SLICE_MM) ** 2)
    around = [(0, 1.0), *((step, share) for step in (-1, 1) if share > 0.05)]
    total = sum(weight * _plane((*key, index + step + 2), grid) for step, weight in around)
    return np.asarray(total / math.sqrt(sum(weight**2 for _, weight in around)), dtype=np.float32)


@lru_cache(maxsize=16)
def _plane(key: tuple[int, ...], grid: Grid) -> FloatArray:
    from scipy import fft

    amplitude = _amplitude(grid.shape[1:], grid.spacing_mm[1:])
    rng = np.random.default_rng(key)
    white = fft.rfft2(rng.standard_normal(grid.shape[1:], dtype=np.float32))
    return np.asarray(fft.irfft2(white * amplitude, s=grid.shape[1:]), dtype=np.float32)


@lru_cache(maxsize=4)
def _amplitude(shape: tuple[int, int], spacing: tuple[float, float]) -> FloatArray:
    """Square root of the noise power, for a real Fourier transform, so scaled that the variance is 1."""
    down = np.fft.fftfreq(shape[0], spacing[0])[:, np.newaxis]
    across = np.fft.rfftfreq(shape[1], spacing[1])[np.newaxis]
    frequency = np.hypot(down, across)
    power = frequency * np.exp(-((frequency / _FREQUENCY) ** 2))
    twice = np.full(across.shape, 2.0)  # each entry stands for two, but for the first and, of an even width, the last
    twice[:, 0] = 1
    if shape[1] % 2 == 0:
        twice[:, -1] = 1
    mean = float((power * twice).sum()) / (shape[0] * shape[1])
    return np.asarray(np.sqrt(power / mean), dtype=np.float32)


def bias_field(rng: np.random.Generator, grid: Grid, strength: float) -> Sequence[FloatArray]:
    """Factors of a smooth bias field by height, row and column: (depth,), (height,), (width,), whose product it is."""
    factors = []
    for count in grid.shape:
        place = np.linspace(-1, 1, count)
        tilt, bow = rng.uniform(-strength, strength), rng.uniform(0, strength)
        factors.append(np.exp(tilt * place + bow * (place**2 - 0.4)).astype(np.float32))
    return factors
