"""Tumours: balls and ellipsoids in the liver, in a kidney, in muscle or under the skin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.depth import fits
from hounsfield.datasets.phantom3d.organs import Organs
from hounsfield.datasets.phantom3d.physique import Physique
from hounsfield.datasets.phantom3d.separation import apart
from hounsfield.datasets.phantom3d.solids import Capsule, Ellipsoid, ball, vector
from hounsfield.datasets.phantom3d.structure import Structure, measure
from hounsfield.datasets.phantom3d.tissue import FAT, LIVER, MUSCLE, RENAL_CORTEX, Tissue

Host = Literal["liver", "right kidney", "left kidney", "muscle", "fat"]

_HOSTS: dict[Host, float] = {"liver": 0.42, "right kidney": 0.12, "left kidney": 0.12, "muscle": 0.24, "fat": 0.1}
"""How often a tumour grows in each."""
_RADII: dict[Host, tuple[float, float]] = {
    "liver": (6, 22), "right kidney": (6, 16), "left kidney": (6, 16), "muscle": (7, 20), "fat": (5, 8),
}  # fmt: skip
"""Of the ball of the same volume, mm."""
_LOOKS: dict[Host, tuple[Tissue, tuple[float, float], tuple[float, float]]] = {
    "liver": (LIVER, (-45, -22), (-190, -100)),
    "right kidney": (RENAL_CORTEX, (-95, -50), (-110, -50)),
    "left kidney": (RENAL_CORTEX, (-95, -50), (-110, -50)),
    "muscle": (MUSCLE, (18, 42), (70, 160)),
    "fat": (FAT, (140, 170), (-520, -420)),
}
"""What surrounds it, and how much it differs, on CT and on MR."""
_HIGHEST = 92.0
"""No tumour's middle lies further up or down, so that all lie well within the image."""
_APART_MM, _CAPSULE_MM, _PRESSED_MM = 3.0, 1.0, 0.8
_TRIES = 80
_SPARED = ("liver", "spleen", "right kidney", "left kidney", "spinal canal")
"""What a tumour of the wall does not grow into."""


@dataclass(frozen=True, eq=False)
class Tumour:
    """A tumour and what is known of it."""

    number: int
    """From 1; its label in the mask of tumours."""
    host: Host
    solid: Capsule | Ellipsoid
    """A ball or an ellipsoid."""
    tissue: Tissue

    @property
    def center(self) -> FloatArray:
        """(3,) LPS mm."""
        return self.solid.center if isinstance(self.solid, Ellipsoid) else self.solid.start

    @property
    def semi_axes(self) -> tuple[float, float, float]:
        """The longest first, mm."""
        if isinstance(self.solid, Capsule):
            return (self.solid.radius,) * 3
        longest, middle, shortest = sorted((float(semi) for semi in self.solid.semi_axes), reverse=True)
        return longest, middle, shortest

    @property
    def volume_mm3(self) -> float:
        """Of the whole solid."""
        return 4 / 3 * math.pi * math.prod(self.semi_axes)


def draw_tumours(
    rng: np.random.Generator, count: int, physique: Physique, organs: Organs, structures: Sequence[Structure]
) -> tuple[Tumour, ...]:
    """Up to `count` tumours, at least one; some touch a vessel or a bone, some lie right under the skin."""
    by_name = {structure.name: structure for structure in structures}
    found: list[Tumour] = []
    for _ in range(_TRIES):
        if len(found) == count:
            break
        host = list(_HOSTS)[int(rng.choice(len(_HOSTS), p=list(_HOSTS.values())))]
        solid = _solid(rng, host)
        placed = _in_organ(rng, solid, host, organs, by_name) if host in by_name else None
        if host in ("muscle", "fat"):
            placed = _in_wall(rng, solid, host, physique, by_name)
        if placed is None or not all(apart(placed, other.solid, _APART_MM) for other in found):
            continue
        around, on_ct, on_mr = _LOOKS[host]
        number = len(found) + 1
        hu, t1 = around.hu + rng.uniform(*on_ct), around.t1 + rng.uniform(*on_mr)
        tissue = Tissue(f"tumour {number}", hu, t1, spread=0, texture=7, around=around.name)
        found.append(Tumour(number, host, placed, tissue))
    return tuple(found)


def moved(solid: Capsule | Ellipsoid, by_mm: FloatArray) -> Capsule | Ellipsoid:
    """The same tumour elsewhere."""
    if isinstance(solid, Ellipsoid):
        return solid.moved(by_mm)
    return Capsule(solid.start + by_mm, solid.end + by_mm, solid.radius)


def _solid(rng: np.random.Generator, host: Host) -> Capsule | Ellipsoid:
    """A ball or an ellipsoid at the origin."""
    low, high = _RADII[host]
    radius = math.exp(rng.uniform(math.log(low), math.log(high)))
    if rng.random() < 0.45:
        return ball(np.zeros(3), radius)
    stretch = np.exp(rng.uniform(-0.3, 0.3, 3))
    semi = radius * stretch / np.prod(stretch) ** (1 / 3)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    return Ellipsoid(np.zeros(3), semi, turn)


def _in_organ(
    rng: np.random.Generator,
    solid: Capsule | Ellipsoid,
    host: Host,
    organs: Organs,
    structures: Mapping[str, Structure],
) -> Capsule | Ellipsoid | None:
    """Within the liver, in four of ten cases against a vessel; within a kidney, or growing out of it."""
    organ = organs.liver if host == "liver" else organs.kidneys[host == "left kidney"]
    low, high = organ.bounds
    bulging = host != "liver" and rng.random() < 0.35
    vessel = "portal vein" if rng.random() < 0.5 else "hepatic veins"
    pressed = host == "liver" and rng.random() < 0.4
    for _ in range(_TRIES):
        place = rng.uniform(low, high)
        if not organ.holds(place) or abs(place[2]) > _HIGHEST:
            continue
        there = moved(solid, place)
        if pressed:
            there = _pressed(there, structures[vessel])
        if fits(there, organ, 0.0 if bulging else _CAPSULE_MM) != bulging:
            return there
    return None


def _pressed(
    solid: Capsule | Ellipsoid, structure: Structure, *, leave_mm: float = -_PRESSED_MM
) -> Capsule | Ellipsoid:
    """Moved along the shortest way to a structure until so much of it is left; less than 0 is an overlap."""
    way = measure(solid, structure).gap
    if way.distance_mm <= 0:
        return solid
    return moved(solid, (way.there - way.here) * (1 - leave_mm / way.distance_mm))


def _in_wall(
    rng: np.random.Generator,
    solid: Capsule | Ellipsoid,
    host: Host,
    physique: Physique,
    structures: Mapping[str, Structure],
) -> Capsule | Ellipsoid | None:
    """In the muscles of back or flank, in some cases against bone or near the skin; or in the fat under the skin."""
    z = rng.uniform(-_HIGHEST, _HIGHEST)
    side = 1 if rng.random() < 0.5 else -1
    if host == "muscle" and rng.random() < 0.65:
        place = vector(side * rng.uniform(28, 58), physique.spine_at(z) + rng.uniform(30, 46), z)
    else:
        turn = math.radians(rng.uniform(20, 150))
        across, deep = physique.muscle.semi_x - 6, physique.muscle.semi_y - 6
        place = vector(side * across * math.sin(turn), deep * math.cos(turn), z)
    there = moved(solid, place)
    skin = structures["body surface"]
    if host == "fat":
        there = _under_skin(there, skin, rng.uniform(2.6, 5))
    elif (draw := rng.random()) < 0.4:
        there = _pressed(there, structures["vertebrae" if draw < 0.2 else "ribs"])
    elif draw < 0.65:
        there = _under_skin(there, skin, rng.uniform(3, 9))
    clear = all(apart(there, part, 1.0) for name in _SPARED for part in structures[name].parts)
    return there if clear and fits(there, physique.body, 2.5) else None


def _under_skin(solid: Capsule | Ellipsoid, skin: Structure, target_mm: float) -> Capsule | Ellipsoid:
    """Moved towards the nearest skin until so much is left; the shortest way may have turned a little meanwhile."""
    for _ in range(3):
        solid = _pressed(solid, skin, leave_mm=target_mm)
    return solid
