"""What a scanner makes of a patient: a CT in Hounsfield units, or a T1-weighted MR."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.datasets.phantom3d.fields import Texture, bias_field, ct_noise
from hounsfield.datasets.phantom3d.grid import Grid
from hounsfield.datasets.phantom3d.paint import Slab, paint
from hounsfield.datasets.phantom3d.patient import Patient

Look = Literal["ct", "mr"]
LOOKS: tuple[Look, ...] = ("ct", "mr")

CT_RANGE = (-1024, 3071)
"""Of 12 bits."""
_MR_HIGHEST = 4095
_SLAB_VOXELS = 1_200_000
"""Painted at once, so that memory does not grow with the number of slices."""
_PSF_MM = {"ct": 0.75, "mr": 0.85}
"""Standard deviation of the scanner's point spread within a slice; across slices it is the slice itself."""
_CT_NOISE_HU = {"north": 9.0, "south": 12.0}
"""On slices of 4 mm, in the middle of a body."""
_CT_NOISE_LIMITS = (5.0, 32.0)
_MR_NOISE = {"north": 16.0, "south": 24.0}
_MR_BIAS = {"north": 0.16, "south": 0.26}

Finish = Callable[[FloatArray, int], VoxelArray]
"""From the values of a slice, and its index, to what the scanner stores."""


def image_slabs(patient: Patient, look: Look, grid: Grid, key: tuple[int, ...]) -> Iterator[tuple[VoxelArray, Slab]]:
    """The stored voxels, (slices, height, width) int16 of a CT or uint16 of an MR, and the slab they show, in order.

    Args:
        patient: Who is imaged.
        look: CT or MR.
        grid: Of the image.
        key: Seeds all that is random.
    """
    import cv2

    rng = np.random.default_rng([*key, LOOKS.index(look) + 1])
    values = tissue_values(rng, patient, look)
    texture = Texture(rng, grid)
    finish = (_ct if look == "ct" else _mr)(rng, patient, grid, (*key, LOOKS.index(look) + 1))
    blur = [_PSF_MM[look] / step for step in grid.spacing_mm[1:]]
    thick = max(1, _SLAB_VOXELS // (grid.shape[1] * grid.shape[2]))
    for first in range(0, grid.shape[0], thick):
        slab = paint(patient.layers, grid, first=first, last=min(first + thick, grid.shape[0]), values=values)
        stored = []
        for number, plane in enumerate(slab.values):
            plane = plane + slab.texture[number] * texture.at(first + number)
            plane = cv2.GaussianBlur(plane, (0, 0), sigmaX=blur[1], sigmaY=blur[0], borderType=cv2.BORDER_REPLICATE)
            stored.append(finish(np.asarray(plane), first + number))
        yield np.stack(stored), slab


def tissue_values(rng: np.random.Generator, patient: Patient, look: Look) -> dict[str, float]:
    """What each tissue shows in this patient: its own mean, and how far the patient is from it."""
    from hounsfield.datasets.phantom3d.tissue import AIR

    off: dict[str, float] = {}
    found = {AIR.name: AIR.hu if look == "ct" else AIR.t1}
    for tissue in dict.fromkeys(layer.tissue for layer in patient.layers):
        mean = tissue.hu if look == "ct" else tissue.t1
        own = float(np.clip(rng.standard_normal(), -2, 2)) * tissue.spread * abs(mean)
        off[tissue.name] = off[tissue.around] if tissue.around else own
        found[tissue.name] = mean + off[tissue.name]
    return found


def _ct(rng: np.random.Generator, patient: Patient, grid: Grid, key: tuple[int, ...]) -> Finish:
    """Noise that is correlated, stronger in thin slices and in the middle of the body; whole Hounsfield units."""
    level = _CT_NOISE_HU[patient.site] * math.sqrt(4 / grid.spacing_mm[0]) * rng.uniform(0.9, 1.1)
    level = float(np.clip(level, *_CT_NOISE_LIMITS))
    y, x = grid.axis(1)[:, np.newaxis], grid.axis(2)[np.newaxis]
    off = np.hypot(x / patient.physique.half_width, y / patient.physique.half_depth)
    gain = (level * (0.55 + 0.45 * np.exp(-(off**2)))).astype(np.float32)

    def finish(plane: FloatArray, index: int) -> IntArray:
        seen = plane + gain * ct_noise(key, grid, index)
        return np.asarray(np.clip(np.rint(seen), *CT_RANGE).astype(np.int16))

    return finish


def _mr(rng: np.random.Generator, patient: Patient, grid: Grid, key: tuple[int, ...]) -> Finish:
    """A smooth bias field, and the noise of a magnitude image, which is Rician."""
    down, rows, columns = bias_field(rng, grid, _MR_BIAS[patient.site])
    light = rows[:, np.newaxis] * columns
    level = _MR_NOISE[patient.site] * rng.uniform(0.9, 1.1)

    def finish(plane: FloatArray, index: int) -> IntArray:
        noise = np.random.default_rng((*key, index + 1)).standard_normal((2, *plane.shape), dtype=np.float32) * level
        seen = np.hypot(np.maximum(plane, 0) * light * down[index] + noise[0], noise[1])
        return np.asarray(np.clip(np.rint(seen), 0, _MR_HIGHEST).astype(np.uint16))

    return finish
