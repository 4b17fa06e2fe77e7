"""Bones: a vertebral column with its processes, discs and canal, and ribs around the wall of the body."""

from __future__ import annotations

import math

import numpy as np

from hounsfield.datasets.phantom3d.layer import Layer, tube
from hounsfield.datasets.phantom3d.physique import Physique
from hounsfield.datasets.phantom3d.solids import Capsule, Drum, vector
from hounsfield.datasets.phantom3d.tissue import (
    CORTICAL_BONE,
    DISC,
    RIB_MARROW,
    SPINAL_CORD,
    SPINAL_FLUID,
    TRABECULAR_BONE,
)

_VERTEBRAE = range(-5, 7)
"""Counted from the twelfth thoracic one, up."""
_TWELFTH_Z = 10.0
_PITCH, _HALF_BODY = 34.0, 12.5
_CANAL = 24.5
"""Behind the middle of the vertebral body, mm."""
_SHELL = 1.4
"""Thickness of cortical bone, mm."""
_RIB_ENDS = {12: 62.0, 11: 98.0}
"""Degrees from the spine around the body, where the lower ribs end."""
_RIB_END, _RIB_START, _RIB_STEPS = 138.0, 17.0, 13


def draw_skeleton(rng: np.random.Generator, physique: Physique) -> list[Layer]:
    """Discs, canal, vertebrae and ribs; bones are cortical outside and trabecular inside."""
    size = rng.uniform(0.94, 1.06)
    pitch = _PITCH * rng.uniform(0.98, 1.02)
    heights = {number: _TWELFTH_Z + number * pitch for number in _VERTEBRAE}
    discs, bones = [], []
    for z in heights.values():
        center = vector(0, physique.spine_at(z), z)
        between = vector(0, physique.spine_at(z + pitch / 2), z + pitch / 2)
        half = (pitch - 2 * _HALF_BODY) / 2
        discs.append(Layer(Drum(between, 20.5 * size, 14.5 * size, half), DISC, "intervertebral discs"))
        bones += _vertebra(center, size)
    column = [(0.0, physique.spine_at(z) + _CANAL, float(z)) for z in (-220, 0, 260)]
    canal = [
        *(Layer(part, SPINAL_FLUID, "spinal canal") for part in tube(column, (8.5, 8.5))),
        Layer(tube(column[1:], (5.0,))[0], SPINAL_CORD, "spinal canal", outer=False),
    ]
    ribs = [part for number in range(6, 13) for part in _ribs(physique, number, heights[12 - number], rng)]
    shells = [Layer(part, CORTICAL_BONE, "ribs") for part in ribs]
    marrow = [
        Layer(Capsule(part.start, part.end, part.radius - _SHELL), RIB_MARROW, "ribs", outer=False) for part in ribs
    ]
    return [*discs, *canal, *bones, *shells, *marrow]


def _vertebra(center: np.ndarray, size: float) -> list[Layer]:
    """Body, pedicles, laminae, and the spinous, transverse and articular processes."""
    body = Drum(center, 22.0 * size, 15.5 * size, _HALF_BODY)
    inside = Drum(center, body.semi_x - _SHELL, body.semi_y - _SHELL, _HALF_BODY - _SHELL)
    lines: list[tuple[tuple[float, float, float], tuple[float, float, float], float]] = [
        ((0, 38, -2), (0, 51, -13), 3.8),
    ]
    for side in (-1, 1):
        lines += [
            ((side * 14.0, 12, 3), (side * 14.0, 30, 2), 4.6),
            ((side * 14.0, 31, 0), (0, 38, -3), 3.6),
            ((side * 15.0, 28, 2), (side * 38.0, 32, 5), 4.0),
            ((side * 16.0, 31, -13), (side * 16.0, 30, 12), 5.0),
        ]
    arms = [Capsule(center + vector(*start), center + vector(*end), radius) for start, end, radius in lines]
    return [
        *(Layer(part, CORTICAL_BONE, "vertebrae") for part in (body, *arms)),
        Layer(inside, TRABECULAR_BONE, "vertebrae", outer=False),
        *(
            Layer(Capsule(arm.start, arm.end, arm.radius - _SHELL), TRABECULAR_BONE, "vertebrae", outer=False)
            for arm in arms
        ),
    ]


def _ribs(physique: Physique, number: int, z: float, rng: np.random.Generator) -> list[Capsule]:
    """The right and the left rib of a number, from the spine around the body and down."""
    cavity = physique.cavity
    across = cavity.semi_x + physique.wall / 2
    front, rear = cavity.center_y - cavity.semi_y - 5, cavity.center_y + cavity.semi_y + 9
    middle, deep = (front + rear) / 2, (rear - front) / 2
    end = _RIB_ENDS.get(number, _RIB_END)
    drop = rng.uniform(68, 80)
    parts: list[Capsule] = []
    for side in (-1, 1):
        points = []
        for step in range(_RIB_STEPS + 1):
            turn = math.radians(_RIB_START + (end - _RIB_START) * step / _RIB_STEPS)
            x, y = math.sin(turn) ** (2 / 2.3), math.cos(turn)
            y = math.copysign(abs(y) ** (2 / 2.3), y)
            points.append((side * across * x, middle + deep * y, z + 8 - drop * math.degrees(turn) / 138))
        parts += tube(points, (5.2,) * _RIB_STEPS)
    return parts
