"""Vessels: chains of capsules. Aorta and vena cava beside each other, and trees that branch in liver and kidneys."""

from __future__ import annotations

import math

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.layer import Layer, tube
from hounsfield.datasets.phantom3d.physique import Physique
from hounsfield.datasets.phantom3d.solids import Capsule, Ellipsoid, Solid, vector
from hounsfield.datasets.phantom3d.tissue import AORTIC_BLOOD, CAVAL_BLOOD, HEPATIC_BLOOD, PORTAL_BLOOD, RENAL_BLOOD

_SHRINK = 0.79
"""Radius after a vessel divides in two, by Murray's law: the cube root of a half."""
_FORK = -95.0
"""Height z at which the aorta divides."""


def draw_vessels(
    rng: np.random.Generator, physique: Physique, liver: Solid, kidneys: tuple[Ellipsoid, Ellipsoid]
) -> list[Layer]:
    """All vessels of a patient, drawn over the organs they run through."""
    w, h, middle = physique.cavity.semi_x, physique.cavity.semi_y, physique.cavity.center_y
    wide, cava_r = rng.uniform(9.5, 12), rng.uniform(10, 12)

    def front(z: float, radius: float) -> float:
        return physique.spine_at(z) - 17.5 - radius

    heights = (260.0, 60.0, 0.0, _FORK)
    aorta = tube([(7 + 0.02 * z, front(z, wide), z) for z in heights], (wide + 1, wide, wide - 1))
    legs = [(side * 24.0 + 4, front(_FORK, wide) + 8, -150.0) for side in (-1, 1)]
    aorta += [part for leg in legs for part in tube([(5, front(_FORK, wide), _FORK), leg], (6.0,))]
    aorta += tube([(7, front(26, wide), 26), (5, front(26, wide) - 22, 16), (3, front(26, wide) - 26, -40)], (4, 3.6))
    mesenteric = _mesenteric(rng, physique, front(-40, wide) - 24)
    cava_ends = [(-18.0, front(z, cava_r), z) for z in (-150.0, -60.0, 30.0)]
    cava_ends += [(-21, front(60, cava_r) - 6, 70), (-19, front(60, cava_r) - 14, 112), (-12, middle + 0.1 * h, 150)]
    cava = tube(cava_ends, (cava_r - 1, cava_r, cava_r, cava_r, cava_r + 1))
    root = vector(-20, front(60, cava_r) - 12, 98)
    targets = ((-0.66, 0.22, 66), (-0.38, -0.4, 62), (0.02, -0.42, 70))
    hepatic = [
        part for x, y, z in targets for part in _tree(rng, root, vector(x * w, middle + y * h, z), 5.0, liver, 5)
    ]
    porta = vector(-0.24 * w, middle - 0.02 * h, 30)
    portal = tube([(0.03 * w, middle + 0.02 * h, 4), tuple(porta)], (6.4,))
    portal += tube(
        [(0.03 * w, middle + 0.02 * h, 4), (0.2 * w, middle + 0.12 * h, 20), (0.44 * w, middle + 0.3 * h, 34)], (4.4, 4)
    )
    portal += _tree(rng, porta, vector(-0.5 * w, middle + 0.1 * h, 40), 5.4, liver, 5)
    portal += _tree(rng, porta, vector(-0.1 * w, middle - 0.34 * h, 50), 4.6, liver, 4)
    return [
        *(Layer(part, RENAL_BLOOD, "renal vessels") for part in _renal(physique, kidneys, wide, cava_r)),
        *(Layer(part, PORTAL_BLOOD, "mesenteric vessels") for part in mesenteric),
        *(Layer(part, CAVAL_BLOOD, "vena cava") for part in cava),
        *(Layer(part, HEPATIC_BLOOD, "hepatic veins") for part in hepatic),
        *(Layer(part, PORTAL_BLOOD, "portal vein") for part in portal),
        *(Layer(part, AORTIC_BLOOD, "aorta") for part in aorta),
    ]


def _mesenteric(rng: np.random.Generator, physique: Physique, y: float) -> list[Capsule]:
    """A vein down the root of the mesentery, and branches that fan out to the bowel in front of it."""
    w, h = physique.cavity.semi_x, physique.cavity.semi_y
    stem = [(-2.0, y, 0.0), (-4.0, y - 2, -45.0), (-8.0, y - 4, -90.0), (-14.0, y - 4, -130.0)]
    vessels = tube(stem, (4.2, 3.6, 3.0))
    for z in np.linspace(-16, -112, 13):
        side = 1 if rng.random() < 0.5 else -1
        fork = (side * rng.uniform(0.1, 0.2) * w, y - rng.uniform(0.02, 0.2) * h, z - rng.uniform(0, 12))
        vessels += tube([(-4.0, y - 2, float(z)), fork], (2.2,))
        for _ in range(2):
            end = (side * rng.uniform(0.2, 0.46) * w, y - rng.uniform(-0.02, 0.4) * h, z - rng.uniform(-4, 26))
            vessels += tube([fork, end], (1.6,))
    return vessels


def _tree(
    rng: np.random.Generator, start: FloatArray, end: FloatArray, radius: float, organ: Solid, generations: int
) -> list[Capsule]:
    """A vessel from a place in an organ to another, and the two it divides into, and so on, all inside the organ."""
    way = end - start
    for part in (1.0, 0.8, 0.6, 0.4):
        if organ.signed(*(start + part * way)[:, np.newaxis])[0] < -(radius + 4):
            break
    else:
        return []
    end = start + part * way
    bend = (start + end) / 2 + rng.uniform(-0.08, 0.08, 3) * np.linalg.norm(way)
    vessels = [Capsule(start, bend, radius), Capsule(bend, end, 0.92 * radius)]
    if generations == 1:
        return vessels
    unit = way / np.linalg.norm(way)
    aside = np.cross(unit, rng.standard_normal(3))
    aside /= np.linalg.norm(aside)
    length = max(13.0, 0.74 * float(np.linalg.norm(end - start)))
    for sign in (-1, 1):
        turn = math.radians(rng.uniform(24, 44))
        ahead = end + length * (math.cos(turn) * unit + sign * math.sin(turn) * aside)
        vessels += _tree(rng, end, ahead, _SHRINK * radius, organ, generations - 1)
    return vessels


def _renal(physique: Physique, kidneys: tuple[Ellipsoid, Ellipsoid], aorta_r: float, cava_r: float) -> list[Capsule]:
    """An artery and a vein to each kidney, right and left, which end in its sinus."""
    vessels: list[Capsule] = []
    for kidney, side in zip(kidneys, (-1, 1), strict=True):
        z = kidney.center[2] + 8
        y = physique.spine_at(z) - 17.5
        hilum = kidney.center - vector(side * 12, 6, -3)
        artery = (7.0, y - aorta_r, z + 12)
        vein = (-18.0 if side < 0 else -10.0, y - cava_r - (0 if side < 0 else 13), z + 8)
        bend = (side * 30.0, y - (4 if side < 0 else 14), z + 8)
        vessels += tube([artery, (side * 28.0, y - 2, z + 9), tuple(hilum + vector(0, 3, 4))], (3.0, 2.6))
        vessels += tube([vein, bend, tuple(hilum)], (5.0, 4.4))
    return vessels
