"""Bowel: a colon that frames the belly, and loops of small bowel in it, as chains of capsules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.datasets.phantom3d.layer import Layer, tube
from hounsfield.datasets.phantom3d.physique import Physique
from hounsfield.datasets.phantom3d.separation import apart
from hounsfield.datasets.phantom3d.solids import Capsule, Cut, Solid, vector
from hounsfield.datasets.phantom3d.tissue import BOWEL_CONTENT, BOWEL_WALL, GAS, STOOL

_WALL_MM = 2.4
_LOOP_MM = 25.0
_BOXES = (
    ((-0.52, -0.62, -150.0), (0.54, 0.1, -72.0), 64),
    ((-0.05, -0.5, -66.0), (0.5, -0.02, -22.0), 22),
)
"""Where loops of ileum and jejunum lie: least and greatest x, y and z, the first two as parts of the cavity's half, and
how many."""
_APART_MM = 1.0


def draw_bowel(rng: np.random.Generator, physique: Physique, organs: Sequence[Solid]) -> list[Layer]:
    """The parts of the bowel that overlap no organ, each with a wall and a content."""
    colon = [part for part in _colon(rng, physique) if _free(part, organs)]
    small = [part for box in _BOXES for part in _small(rng, physique, *box) if _free(part, organs)]
    walls = [Layer(part, BOWEL_WALL, "bowel") for part in (*small, *colon)]
    content: list[Layer] = []
    for part in (*small, *colon):
        lumen = Capsule(part.start, part.end, part.radius - _WALL_MM)
        in_colon = part.radius > 15
        content.append(Layer(lumen, STOOL if in_colon else BOWEL_CONTENT, "bowel", outer=False))
        if rng.random() < (0.45 if in_colon else 0.12):
            level = min(part.start[1], part.end[1]) - rng.uniform(-0.2, 0.4) * part.radius
            content.append(Layer(Cut(lumen, 1, high=float(level)), GAS, "bowel", outer=False))
    return [*walls, *content]


def _free(part: Capsule, organs: Sequence[Solid]) -> bool:
    return all(apart(part, organ, _APART_MM) for organ in organs)


def _colon(rng: np.random.Generator, physique: Physique) -> list[Capsule]:
    """Up on the right, across in front, down on the left; its pouches are parts of different width."""
    w, h, middle = physique.cavity.semi_x, physique.cavity.semi_y, physique.cavity.center_y
    sag = rng.uniform(-78, -60)
    corners = [
        (-0.74, -0.1, -160), (-0.76, -0.12, -40), (-0.55, -0.5, -36), (0.0, -0.64, sag), (0.5, -0.5, -34),
        (0.78, 0.0, -6), (0.77, -0.06, -90), (0.72, -0.1, -160),
    ]  # fmt: skip
    places = np.array([(x * w, middle + y * h, z) for x, y, z in corners])
    points = [places[0]]
    for start, end in zip(places[:-1], places[1:], strict=True):
        steps = max(1, round(float(np.linalg.norm(end - start)) / 20))
        points += [start + (end - start) * step / steps for step in range(1, steps + 1)]
    jittered = [tuple(point + rng.uniform(-2, 2, 3)) for point in points]
    return tube(jittered, rng.uniform(15.5, 20, len(points) - 1).tolist())


def _small(
    rng: np.random.Generator,
    physique: Physique,
    least: tuple[float, float, float],
    most: tuple[float, float, float],
    loops: int,
) -> list[Capsule]:
    """A walk within a box of the belly."""
    w, h, middle = physique.cavity.semi_x, physique.cavity.semi_y, physique.cavity.center_y
    low, high = (vector(x * w, middle + y * h, z) for x, y, z in (least, most))
    place = rng.uniform(low, high)
    heading = rng.standard_normal(3)
    points = [place]
    for _ in range(loops):
        heading = heading / np.linalg.norm(heading) + 0.8 * rng.standard_normal(3)
        ahead = place + _LOOP_MM * heading / np.linalg.norm(heading)
        heading = np.where((ahead < low) | (ahead > high), -heading, heading)
        place = np.clip(place + _LOOP_MM * heading / np.linalg.norm(heading), low, high)
        points.append(place)
    return tube([tuple(point) for point in points], [float(rng.uniform(10.5, 13))] * loops)
