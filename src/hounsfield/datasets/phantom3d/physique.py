"""The build of a patient: how wide, how deep, how fat; and the walls of the body that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hounsfield.datasets.phantom3d.layer import Layer, tube
from hounsfield.datasets.phantom3d.solids import Cut, Drum, Ellipsoid, Trunk, vector
from hounsfield.datasets.phantom3d.tissue import FAT, LUNG, MUSCLE, SKIN

WIDEST_MM = (370.0, 290.0)
"""No body is wider or deeper."""
_SKIN_MM, _DIAPHRAGM_MM = 2.0, 3.0
_SPINE_TO_BACK = 58.0
"""From the middle of a vertebral body to the surface of the muscles behind it, mm."""
_LUNG_BASE = 46.0
"""Height z at which the lungs end, beside the domes of the diaphragm."""


@dataclass(frozen=True)
class Physique:
    """Measures of a trunk in mm; its axis is x = y = 0."""

    half_width: float
    half_depth: float
    exponent: float
    """Of the superellipse of its outline."""
    fat: float
    """Under the skin."""
    wall: float
    """Muscle at the flanks."""

    @property
    def spine_y(self) -> float:
        """Where the middle of the vertebral bodies lies at z = 0."""
        return self.half_depth - self.fat - _SPINE_TO_BACK

    @property
    def body(self) -> Trunk:
        """All of it, skin included."""
        return Trunk(self.half_width, self.half_depth, self.exponent)

    @property
    def muscle(self) -> Trunk:
        """What lies under the fat."""
        return self.body.shrunk(self.fat)

    @property
    def cavity(self) -> Trunk:
        """Where the organs are."""
        front, rear = -(self.half_depth - self.fat - 11), self.spine_y + 24
        return Trunk(self.half_width - self.fat - self.wall, (rear - front) / 2, 2.3, (front + rear) / 2)

    def spine_at(self, z: float) -> float:
        """y of the middle of the vertebral column at a height; it leans back towards the head."""
        return self.spine_y + 0.05 * z


def draw_physique(rng: np.random.Generator) -> Physique:
    """A patient's build, at random."""
    half_width = rng.uniform(150, 180)
    half_depth = half_width * rng.uniform(0.68, 0.74)
    return Physique(half_width, half_depth, rng.uniform(2.2, 2.6), rng.uniform(12, 24), rng.uniform(12, 16))


def draw_walls(physique: Physique) -> list[Layer]:
    """Skin, fat, muscle, the fat of the cavity, and the lungs with the diaphragm's domes rising into them."""
    cavity = physique.cavity
    w, h, middle = cavity.semi_x, cavity.semi_y, cavity.center_y
    straight = np.eye(3)
    domes = [
        Ellipsoid(vector(x * w, middle + y * h, z), vector(*semi), straight)
        for x, y, z, semi in (
            (-0.46, 0.0, 46, (0.52 * w, 0.94 * h, 68)),
            (0.48, 0.0, 42, (0.50 * w, 0.94 * h, 60)),
            (0.0, -0.1, 44, (0.62 * w, 0.88 * h, 56)),
        )
    ]
    layers = [
        Layer(physique.body, SKIN, "skin"),
        Layer(physique.body.shrunk(_SKIN_MM), FAT, "fat"),
        Layer(physique.muscle, MUSCLE, "muscle"),
        *(Layer(plane, FAT, "fat") for plane in _fat_planes(physique)),
        Layer(cavity, FAT, "fat"),
        Layer(Cut(cavity, 2, low=_LUNG_BASE), LUNG, "lung"),
        *(Layer(Cut(dome, 2, low=_LUNG_BASE - 5), MUSCLE, "muscle") for dome in domes),
        *(Layer(dome.grown(-_DIAPHRAGM_MM), FAT, "fat") for dome in domes),
        Layer(Drum(vector(0, middle + 0.38 * h, 150), 0.2 * w, 0.56 * h, 105), FAT, "fat"),
    ]
    for side in (-1, 1):
        points = [(side * x, physique.spine_at(z) + y, z) for x, y, z in ((31, 4, 14), (36, 3, -50), (44, 0, -150))]
        layers += [Layer(part, MUSCLE, "muscle") for part in tube(points, (12, 16))]  # psoas
    return layers


def _fat_planes(physique: Physique) -> list[Ellipsoid]:
    """Thin layers of fat that part the muscles of the back from each other, and those of the belly in the middle."""
    planes = []
    for side in (-1, 1):
        for x, y, degrees, long, thin in (
            (60, 34, 62, 26, 1.5), (34, 25, 12, 21, 1.0), (78, 22, 40, 20, 1.3), (30, 44, 100, 12, 0.9),
        ):  # fmt: skip
            turn = math.radians(degrees)
            along = vector(side * math.cos(turn), math.sin(turn), 0)
            across = vector(-side * math.sin(turn), math.cos(turn), 0)
            pose = np.stack([along, across, vector(0, 0, 1)], axis=1)
            planes.append(Ellipsoid(vector(side * x, physique.spine_y + y, 0), vector(long, thin, 600), pose))
        front = -(physique.half_depth - physique.fat - 5.5)
        planes.append(Ellipsoid(vector(side * 62, front + 6, 0), vector(1.6, 9, 600), np.eye(3)))
    planes.append(Ellipsoid(vector(0, -(physique.half_depth - physique.fat - 5), 0), vector(2.2, 8, 600), np.eye(3)))
    return planes
