"""Solid organs, and those filled with fluid: each one convex solid, placed so that no two of them overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.depth import fits
from hounsfield.datasets.phantom3d.layer import Layer, tube
from hounsfield.datasets.phantom3d.physique import Physique
from hounsfield.datasets.phantom3d.separation import apart
from hounsfield.datasets.phantom3d.solids import Cut, Ellipsoid, Lobe, Solid, Trunk, ball, unit, vector
from hounsfield.datasets.phantom3d.tissue import (
    BILE,
    BLOOD_IN_HEART,
    GAS,
    LIVER,
    PANCREAS,
    RENAL_CORTEX,
    RENAL_MEDULLA,
    RENAL_SINUS,
    SPLEEN,
    STOMACH_FLUID,
    STOMACH_WALL,
    URINE,
)

_WALL_MM, _BETWEEN_MM = 2.5, 1.5
"""At least so far from the wall of the cavity, and from each other."""
_STEP_MM, _STEPS = 2.5, 12
_SCALES = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7, 0.62, 0.54)


@dataclass(frozen=True, eq=False)
class Organs:
    """What vessels run into and tumours grow in."""

    liver: Lobe
    kidneys: tuple[Ellipsoid, Ellipsoid]
    """Right, left."""
    layers: tuple[Layer, ...]

    @property
    def outer(self) -> list[Solid]:
        """The surfaces of all of them."""
        return [layer.shape for layer in self.layers if layer.outer and isinstance(layer.shape, Solid)]


def draw_organs(rng: np.random.Generator, physique: Physique) -> Organs:
    """Liver, kidneys, spleen, stomach, pancreas, gallbladder and the lower end of the heart."""
    cavity = physique.cavity
    w, h, middle = cavity.semi_x, cavity.semi_y, cavity.center_y
    size = rng.uniform(0.94, 1.0)
    thick = Ellipsoid(
        vector(-0.46 * w, middle, 46), size * vector(0.47 * w, 0.86 * h, 64), turned(0, rng.uniform(-6, 6))
    )
    taper = rng.uniform(0.26, 0.34)
    liver = Lobe(thick, vector(rng.uniform(0.1, 0.2) * w, middle - 0.42 * h, 60 + rng.uniform(-4, 6)), taper)
    rear = middle + h - 34
    kidneys = []
    for side, z in ((-1, -46), (1, -34)):
        semi = vector(rng.uniform(25, 28), rng.uniform(22, 24), rng.uniform(49, 55))
        pose = turned(side * rng.uniform(25, 40), side * rng.uniform(-12, -6))
        kidney = Ellipsoid(vector(side * 0.54 * w, rear, z + rng.uniform(-6, 6)), semi, pose)
        kidneys.append(_settled(kidney, [liver], cavity, push=vector(0, 0, -1)))
    spleen = Ellipsoid(vector(0.72 * w, middle + 0.26 * h, 58), vector(19, 37, rng.uniform(44, 52)), turned(24, 0))
    spleen = _settled(spleen, kidneys[1:], cavity, push=vector(0.2, -0.3, 1))
    stomach = Ellipsoid(vector(0.5 * w, middle - 0.24 * h, 50), vector(28, 30, rng.uniform(38, 46)), turned(-20, 12))
    stomach = _settled(stomach, [liver, spleen, kidneys[1]], cavity, push=vector(0.3, -1, 0.2))
    bladder = Ellipsoid(vector(-0.34 * w, middle - 0.4 * h, 2), vector(12, 12, rng.uniform(22, 30)), turned(0, 20))
    bladder = _settled(bladder, [liver, kidneys[0]], cavity, push=vector(0.3, -0.5, -1))
    heart = Ellipsoid(vector(16, middle - 0.3 * h, 158), vector(62, min(50.0, 0.6 * h), 50), turned(20, 15))
    layers = [
        Layer(liver, LIVER, "liver"),
        Layer(spleen, SPLEEN, "spleen"),
        *_stomach(stomach),
        *(Layer(part, PANCREAS, "pancreas") for part in _pancreas(cavity, [liver, stomach, spleen, *kidneys, bladder])),
        Layer(bladder, BILE, "gallbladder"),
        *_kidney(rng, kidneys[0], "right kidney", -1),
        *_kidney(rng, kidneys[1], "left kidney", 1),
        Layer(heart, BLOOD_IN_HEART, "heart"),
    ]
    return Organs(liver, (kidneys[0], kidneys[1]), tuple(layers))


def turned(about_z: float, about_y: float) -> FloatArray:
    """(3, 3), a rotation by degrees about y, then about z."""
    z, y = math.radians(about_z), math.radians(about_y)
    first = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    second = np.array([[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]])
    return np.asarray(second @ first)


def _settled(organ: Ellipsoid, others: Sequence[Solid], cavity: Trunk, *, push: FloatArray) -> Ellipsoid:
    """The organ moved until it lies within the cavity and apart from others; smaller, where it would not fit."""
    for scale in _SCALES:
        there = organ.scaled(scale)
        for _ in range(_STEPS):
            if not fits(there, cavity, _WALL_MM):
                there = there.moved(_STEP_MM * unit(vector(-there.center[0], cavity.center_y - there.center[1], 0)))
            elif not all(apart(there, other, _BETWEEN_MM) for other in others):
                there = there.moved(_STEP_MM * unit(push))
            else:
                return there
    return there


def _stomach(outside: Ellipsoid) -> list[Layer]:
    """A wall, fluid, and gas in front of it, where it rises to in a patient who lies on the back."""
    inside = outside.grown(-3.5)
    level = float(outside.center[1] - 0.35 * outside.semi_axes[1])
    return [
        Layer(outside, STOMACH_WALL, "stomach"),
        Layer(inside, STOMACH_FLUID, "stomach", outer=False),
        Layer(Cut(inside, 1, high=level), GAS, "stomach", outer=False),
    ]


def _pancreas(cavity: Trunk, others: Sequence[Solid]) -> list[Solid]:
    """A chain across the spine, as high as it finds room; without the parts that find none."""
    w, h, middle = cavity.semi_x, cavity.semi_y, cavity.center_y
    points = [(-0.15, 0.06, -14), (-0.09, -0.04, 2), (0.06, -0.14, 10), (0.21, 0.0, 12), (0.34, 0.14, 18)]
    for lower in range(0, 40, 2):
        chain = tube([(x * w, middle + y * h, z - lower) for x, y, z in points], (11.0, 9.5, 8.0, 8.0))
        free = [part for part in chain if all(apart(part, other, _BETWEEN_MM) for other in others)]
        if len(free) == len(chain):
            break
    return list(free)


def _kidney(rng: np.random.Generator, whole: Ellipsoid, name: str, side: int) -> list[Layer]:
    """Cortex, pyramids of the medulla around the sinus with its fat, and the renal pelvis; the sinus belongs to it."""
    inward = whole.rotation[:, 0] * -side
    sinus = Ellipsoid(
        whole.center + 0.5 * whole.semi_axes[0] * inward, whole.semi_axes * vector(0.46, 0.42, 0.5), whole.rotation
    )
    pelvis = Ellipsoid(sinus.center + 2 * inward, sinus.semi_axes * vector(0.6, 0.4, 0.5), whole.rotation)
    pyramids = []
    for row in (-0.55, -0.18, 0.18, 0.55):
        for turn in (-75, 0, 75):
            angle = math.radians(turn + rng.uniform(-12, 12))
            wide = math.sqrt(1 - row**2) * 0.58
            local = vector(-wide * math.cos(angle) * -side * 1.0, wide * math.sin(angle), row)
            center = whole.center + whole.rotation @ (local * whole.semi_axes)
            pyramids.append(Layer(ball(center, rng.uniform(5.5, 7)), RENAL_MEDULLA, name, outer=False))
    return [
        Layer(whole, RENAL_CORTEX, name),
        *pyramids,
        Layer(sinus, RENAL_SINUS, name, outer=False),
        Layer(pelvis, URINE, name, outer=False),
    ]
