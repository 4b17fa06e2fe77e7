"""Who is imaged: a woman, her two breasts and the masses in them, drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Label = Literal["benign", "malignant"]
Laterality = Literal["L", "R"]
View = Literal["CC", "MLO"]
Density = Literal["A", "B", "C", "D"]

_DENSITY_SHARES: dict[Density, float] = {"A": 0.1, "B": 0.4, "C": 0.4, "D": 0.1}
"""How often each BI-RADS breast composition occurs, about as in screening (Sprague et al., JNCI 2014)."""
_SITES = ("north", "south")


@dataclass(frozen=True)
class Lesion:
    """A mass. Size, contrast, edge and place are drawn alike for both labels: only the margin tells them apart."""

    label: Label
    diameter_mm: float
    """Of the disc with the mass's area, without spicules."""
    contrast: float
    """Attenuation added at the centre; the whole breast spans about 0.35 to 0.85."""
    edge_mm: float
    """Width over which the margin fades."""
    aspect: float
    """Long over short axis."""
    depth: float
    """Distance from the chest wall as a part of the breast's depth there: the same in both views."""
    height: dict[View, float]
    """Place across the breast in each view, -1 (top) to 1 (bottom)."""
    halo: bool
    """Whether a thin dark rim goes around a circumscribed mass."""
    seed: int
    """For the outline, the spicules and the angle."""

    @property
    def margin(self) -> Literal["circumscribed", "spiculated"]:
        """The BI-RADS word for its edge."""
        return "circumscribed" if self.label == "benign" else "spiculated"


@dataclass(frozen=True)
class Woman:
    """One patient of the phantom."""

    id: str
    age: int
    density: Density
    site: str
    """Two hospitals, whose films differ a little in contrast and noise."""
    depth_mm: float
    """From chest wall to nipple."""
    lesions: dict[Laterality, tuple[Lesion, ...]]


def draw_woman(rng: np.random.Generator, number: int, *, benign: float, malignant: float) -> Woman:
    """A woman; each of her breasts holds a benign or a malignant mass, or none, with the given probabilities."""
    age = int(np.clip(rng.normal(58, 10), 35, 89))
    density = list(_DENSITY_SHARES)[int(rng.choice(len(_DENSITY_SHARES), p=list(_DENSITY_SHARES.values())))]
    site = _SITES[int(rng.integers(len(_SITES)))]
    depth = float(np.clip(rng.normal(102, 18), 65, 145))
    lesions: dict[Laterality, tuple[Lesion, ...]] = {}
    sides: tuple[Laterality, ...] = ("L", "R")
    for side in sides:
        draw = rng.random()
        lesion = _draw_lesion(rng, "benign" if draw < benign else "malignant")
        lesions[side] = (lesion,) if draw < benign + malignant else ()
    return Woman(f"P{number:04d}", age, density, site, depth, lesions)


def _draw_lesion(rng: np.random.Generator, label: Label) -> Lesion:
    diameter = math.exp(rng.uniform(math.log(8), math.log(26)))
    contrast = rng.uniform(0.12, 0.26)
    obscured = rng.random() < 0.25
    halo = rng.random() < 0.4
    return Lesion(
        label=label,
        diameter_mm=diameter,
        contrast=contrast * (0.6 if obscured else 1.0),
        edge_mm=rng.uniform(0.8, 2.4),
        aspect=rng.uniform(1.0, 1.6),
        depth=rng.uniform(0.25, 0.78),
        height={"CC": rng.uniform(-0.6, 0.6), "MLO": rng.uniform(-0.45, 0.6)},
        halo=halo and label == "benign",
        seed=int(rng.integers(2**31)),
    )
