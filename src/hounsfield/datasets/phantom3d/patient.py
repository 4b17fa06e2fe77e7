"""A digital patient: organs, vessels, bones and tumours, each with its exact surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield.datasets.phantom3d.bowel import draw_bowel
from hounsfield.datasets.phantom3d.layer import TUMOUR, Layer, structures_of
from hounsfield.datasets.phantom3d.organs import draw_organs
from hounsfield.datasets.phantom3d.physique import Physique, draw_physique, draw_walls
from hounsfield.datasets.phantom3d.skeleton import draw_skeleton
from hounsfield.datasets.phantom3d.structure import Distance, Structure, measure
from hounsfield.datasets.phantom3d.tumours import Tumour, draw_tumours
from hounsfield.datasets.phantom3d.vessels import draw_vessels

_MOST_TUMOURS = 4
_SITES = ("north", "south")


@dataclass(frozen=True, eq=False)
class Patient:
    """One patient of the phantom of volumes. The anatomy does not depend on the image's grid, nor on its look."""

    id: str
    age: int
    sex: Literal["F", "M"]
    site: str
    """Two hospitals, whose scanners differ a little in noise."""
    physique: Physique
    layers: tuple[Layer, ...]
    """In the order of painting, tumours last."""
    structures: tuple[Structure, ...]
    tumours: tuple[Tumour, ...]

    def distances(self, tumour: Tumour) -> list[Distance]:
        """From a tumour's surface to that of each structure."""
        return [measure(tumour.solid, structure) for structure in self.structures]


def draw_patient(rng: np.random.Generator, number: int) -> Patient:
    """The patient of a number, at random; it has 1 to 4 tumours."""
    age = int(np.clip(rng.normal(61, 13), 25, 90))
    sex: Literal["F", "M"] = "F" if rng.random() < 0.5 else "M"
    site = _SITES[int(rng.integers(len(_SITES)))]
    physique = draw_physique(rng)
    organs = draw_organs(rng, physique)
    layers = [
        *draw_walls(physique),
        *draw_bowel(rng, physique, organs.outer),
        *organs.layers,
        *draw_skeleton(rng, physique),
        *draw_vessels(rng, physique, organs.liver, organs.kidneys),
    ]
    structures = structures_of(layers)
    tumours = draw_tumours(rng, int(rng.integers(1, _MOST_TUMOURS + 1)), physique, organs, structures)
    return Patient(f"P{number:04d}", age, sex, site, physique, (*layers, *_tumour_layers(tumours)), structures, tumours)


def _tumour_layers(tumours: Sequence[Tumour]) -> list[Layer]:
    return [Layer(tumour.solid, tumour.tissue, TUMOUR) for tumour in tumours]
