"""A layer of the drawing, and the names of what is labelled. Layers are painted in order, each over those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hounsfield.datasets.phantom3d.solids import Capsule, Shape, Solid
from hounsfield.datasets.phantom3d.structure import Structure
from hounsfield.datasets.phantom3d.tissue import Tissue

TUMOUR = "tumour"
LABELS = (
    *("background", "skin", "fat", "muscle", "lung", "heart", "liver", "spleen", "stomach", "pancreas", "gallbladder"),
    *("right kidney", "left kidney", "bowel", "spinal canal", "intervertebral discs", "vertebrae", "ribs", "aorta"),
    *("vena cava", "portal vein", "hepatic veins", "renal vessels", "mesenteric vessels", TUMOUR),
)
"""LABELS[k] is the name of label k in the masks."""
BODY_SURFACE = "body surface"
"""The structure whose surface is the outer one of the skin."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A shape filled with a tissue."""

    shape: Shape
    tissue: Tissue
    label: str
    """One of LABELS."""
    outer: bool = True
    """Whether its surface is one of the structure of this name; not so of what is drawn inside of it."""


def structures_of(layers: Sequence[Layer]) -> tuple[Structure, ...]:
    """What distances are measured to: the surface of the body, and every organ, bone and vessel."""
    found: dict[str, list[Solid]] = {}
    for layer in layers:
        if layer.outer and layer.label not in ("fat", "muscle", "lung", TUMOUR) and isinstance(layer.shape, Solid):
            name = BODY_SURFACE if layer.label == "skin" else layer.label
            found.setdefault(name, []).append(layer.shape)
    return tuple(Structure(name, tuple(parts)) for name, parts in found.items())


def tube(points: Sequence[Sequence[float]], radii: Sequence[float]) -> list[Capsule]:
    """Capsules from each point, (x, y, z), to the next, with a radius each."""
    from hounsfield.datasets.phantom3d.solids import vector

    ends = [vector(*point) for point in points]
    return [Capsule(*pair) for pair in zip(ends[:-1], ends[1:], radii, strict=True)]
