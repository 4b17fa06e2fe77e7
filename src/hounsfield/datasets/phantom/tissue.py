"""Glandular tissue: noise whose power falls as 1/f^3, as that of mammograms does, and fine strands in it.

Burgess, Jacobson and Judy, Med. Phys. 28 (2001), doi:10.1118/1.1355308, measured power laws of exponents about 3 on
digitised mammograms, and masses in such noise are hard to see however large they are.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom.outline import Outline
from hounsfield.datasets.phantom.woman import Density

_BETA = 3.0
_LARGEST_MM = 60.0
"""Longest waves of the texture; longer ones would only be a slope across the film."""
_GLAND_SHIFT = {"A": -2.2, "B": -1.1, "C": -0.1, "D": 0.9}
"""What is added to the texture before it is split into fat and gland."""
_FAT, _GLAND, _MUSCLE = 0.36, 0.34, 0.30
"""Attenuation of fat, what gland adds to it, what muscle adds."""


def draw_tissue(rng: np.random.Generator, outline: Outline, density: Density, *, pixel_mm: float) -> FloatArray:
    """Attenuation, (height, width) float32, of a breast without lesions; 0 outside.

    Args:
        rng: Source of chance.
        outline: The breast's shape.
        density: BI-RADS composition, A (fatty) to D (extremely dense).
        pixel_mm: Size of a pixel.
    """
    shape = (outline.breast.shape[0], outline.breast.shape[1])
    cloud = _towards_nipple(_field(rng, _power_law(shape, pixel_mm, 3.6, 1.5)), outline)
    texture = _towards_nipple(_field(rng, _power_law(shape, pixel_mm, _BETA, 1.25)), outline)
    likely = 1.8 * (cloud + _prior(outline) + np.float32(_GLAND_SHIFT[density]))
    gland = 1 / (1 + np.exp(-np.clip(likely, -20, 20)))
    inside = _FAT + _GLAND * gland + 0.045 * texture * (0.4 + gland)
    strands = _towards_nipple(_strands(rng, shape, pixel_mm), outline)
    inside += rng.uniform(0.06, 0.12) * strands * (0.45 + 0.55 * gland)
    inside += _MUSCLE * rng.uniform(0.7, 1.1) * outline.muscle * (1 + 0.08 * texture)
    # The skin: 1.5 mm of tissue that the film shows as a faint bright line.
    skin = np.exp(-(((outline.thickness - 0.35) / 0.12) ** 2)) * 0.02
    return np.asarray((inside * outline.thickness + skin) * outline.breast, dtype=np.float32)


def _towards_nipple(field: FloatArray, outline: Outline) -> FloatArray:
    """A field drawn together towards the nipple, so that what runs along the rows meets there."""
    import cv2

    height, width = outline.breast.shape
    depth = float(outline.edge.max())
    columns = np.arange(width, dtype=np.float32)
    narrow = 1 - 0.5 * np.clip(columns / depth, 0, 1) ** 1.5
    rows = outline.middle + (np.arange(height, dtype=np.float32)[:, np.newaxis] - outline.middle) / narrow
    across = np.broadcast_to(columns, (height, width))
    return np.asarray(
        cv2.remap(
            field, np.ascontiguousarray(across), rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
    )


def _field(rng: np.random.Generator, spectrum: FloatArray) -> FloatArray:
    """Normal noise, mean 0 and variance 1, of an amplitude spectrum (height, width // 2 + 1)."""
    from scipy import fft

    height, half = spectrum.shape
    white = rng.standard_normal((height, half, 2), dtype=np.float32).view(np.complex64)[..., 0]
    field = np.asarray(fft.irfft2(white * spectrum, s=(height, 2 * (half - 1))))
    return np.asarray((field - field.mean()) / field.std())


@lru_cache(maxsize=16)
def _power_law(shape: tuple[int, int], pixel_mm: float, beta: float, stretch: float) -> FloatArray:
    """Amplitude f^(-beta / 2) up to the longest wave; a stretch above 1 draws the texture out along the rows."""
    frequency = _frequency(shape, pixel_mm, stretch)
    longest = 1 / _LARGEST_MM
    amplitude = np.maximum(frequency, longest) ** (-beta / 2)
    amplitude[frequency < longest / 2] = 0
    return np.asarray(amplitude, dtype=np.float32)


@lru_cache(maxsize=16)
def _band(shape: tuple[int, int], pixel_mm: float, wave_mm: float, stretch: float) -> FloatArray:
    """Amplitude of noise with waves of about one length."""
    frequency = _frequency(shape, pixel_mm, stretch)
    return np.asarray(np.exp(-(((frequency * wave_mm - 1) / 0.55) ** 2)), dtype=np.float32)


def _frequency(shape: tuple[int, int], pixel_mm: float, stretch: float) -> FloatArray:
    """Waves per mm of each entry of a real Fourier transform; odd widths are rounded up to even ones."""
    down = np.fft.fftfreq(shape[0], pixel_mm)[:, np.newaxis]
    across = np.fft.rfftfreq(shape[1] + shape[1] % 2, pixel_mm)[np.newaxis] * stretch
    return np.asarray(np.hypot(down, across))


def _strands(rng: np.random.Generator, shape: tuple[int, int], pixel_mm: float) -> FloatArray:
    """Ligaments, ducts and vessels, 0 to 1: thin lines where a smooth field passes through 0, drawn to the nipple."""
    wave = rng.uniform(10, 16)
    coarse = _field(rng, _band(shape, pixel_mm, round(wave), 2.2))[:, : shape[1]]
    fine = _field(rng, _band(shape, pixel_mm, 6.0, 1.8))[:, : shape[1]]
    patches = np.clip(0.5 + 0.5 * coarse[::-1, ::-1], 0, 1)  # where the fine ones lie
    return np.asarray(np.exp(-((coarse / 0.14) ** 2)) + 0.7 * patches * np.exp(-((fine / 0.2) ** 2)), dtype=np.float32)


def _prior(outline: Outline) -> FloatArray:
    """Where gland is likely: a cone behind the nipple, 0.8 at its middle, falling to the skin and the chest wall."""
    height, width = outline.breast.shape
    rows = ((np.arange(height, dtype=np.float32) - outline.middle) / (0.75 * outline.half))[:, np.newaxis]
    depth = float(outline.edge.max())
    columns = ((np.arange(width, dtype=np.float32) - 0.58 * depth) / (0.5 * depth))[np.newaxis]
    return np.asarray(1.0 - 1.5 * (rows**2 + columns**2), dtype=np.float32)
