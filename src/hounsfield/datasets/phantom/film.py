"""One film: the breast with its masses, what else lies on it, noise, and labels burnt into the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, VoxelArray
from hounsfield.datasets.phantom.masses import add_mass, draw_mass, loose_box, mass_mask
from hounsfield.datasets.phantom.outline import Outline, draw_outline
from hounsfield.datasets.phantom.tissue import draw_tissue
from hounsfield.datasets.phantom.woman import Laterality, Lesion, View, Woman
from hounsfield.findings.region import Box

FILM_HEIGHT_MM = 240.0
"""Height of the detector; the pixel size follows from the number of rows."""
WHITE = 4095
"""Largest pixel value: 12 bits."""
_TISSUE_PIXEL_MM = 0.45
"""Tissue is drawn on a grid about this fine and enlarged: what is finer has no power in 1/f^3 noise."""
_PHOTONS = 3.0e4
"""Photons a pixel of 0.25 mm sees beside the breast."""
_ABSORPTION = 3.0
"""Exponent of attenuation 1: exp(-3) of the photons come through."""


@dataclass(frozen=True, eq=False)
class Truth:
    """A mass as it lies on a film."""

    lesion: Lesion
    box: Box
    mask: BoolArray


@dataclass(frozen=True, eq=False)
class Film:
    """A drawn film and its truth."""

    name: str
    woman: Woman
    laterality: Laterality
    view: View
    pixels: VoxelArray
    """(height, width) uint16, 0 to 4095, bright is dense; the chest wall on the left for L, on the right for R."""
    pixel_mm: float
    masses: tuple[Truth, ...]
    labelled: bool
    """Whether a marker is burnt in."""
    inverted: bool
    """Whether the file stores it as MONOCHROME1."""
    muscle: BoolArray
    """Where the pectoral muscle was drawn."""
    breast: BoolArray
    nipple: tuple[float, float]
    """(x, y) of the skin in front of it, in pixels from the outer edge of the first; so is the next one."""
    chest_wall: tuple[float, float]
    """Where the line from the nipple straight back meets the pectoral muscle, or the border of the film."""


def draw_film(
    rng: np.random.Generator, woman: Woman, laterality: Laterality, view: View, *, shape: tuple[int, int]
) -> Film:
    """One film of a woman.

    Args:
        rng: Source of chance, of this film alone.
        woman: Whose breast it shows.
        laterality: Which breast.
        view: From where.
        shape: (height, width) in pixels.
    """
    pixel_mm = FILM_HEIGHT_MM / shape[0]
    outline, attenuation = _draw_breast(rng, woman, view, shape, pixel_mm)
    drawn = [(lesion, draw_mass(lesion, view, outline, pixel_mm=pixel_mm)) for lesion in woman.lesions[laterality]]
    for _, mass in drawn:
        add_mass(attenuation, mass, outline)
    _add_calcifications(rng, attenuation, outline, pixel_mm)
    seen = _develop(rng, attenuation, woman.site, pixel_mm)
    masks = [(lesion, mass_mask(mass, shape)) for lesion, mass in drawn]
    muscle, breast = outline.muscle > 0.5, outline.breast
    if laterality == "R":
        seen, muscle, breast = seen[:, ::-1].copy(), muscle[:, ::-1].copy(), breast[:, ::-1].copy()
        masks = [(lesion, mask[:, ::-1].copy()) for lesion, mask in masks]
    truths = tuple(Truth(lesion, loose_box(mask, rng, lesion.label), mask) for lesion, mask in masks if mask.any())
    row = min(int(outline.middle), shape[0] - 1)
    depths = float(outline.edge[row]), float(np.count_nonzero(muscle[row]))
    nipple, chest_wall = ((shape[1] - x if laterality == "R" else x, float(outline.middle)) for x in depths)
    labelled = bool(rng.random() < 0.6)
    if labelled:
        _burn_label(rng, seen, f"{laterality} {view}" if rng.random() < 0.7 else f"{laterality}{view}", laterality)
    return Film(
        name=f"{woman.id}_{laterality}_{view}",
        woman=woman,
        laterality=laterality,
        view=view,
        pixels=np.rint(seen).astype(np.uint16),
        pixel_mm=pixel_mm,
        masses=truths,
        labelled=labelled,
        inverted=bool(rng.random() < 0.1),
        muscle=muscle & breast,
        breast=breast,
        nipple=nipple,
        chest_wall=chest_wall,
    )


def _draw_breast(
    rng: np.random.Generator, woman: Woman, view: View, shape: tuple[int, int], pixel_mm: float
) -> tuple[Outline, FloatArray]:
    """The outline on the film's grid, and the attenuation, drawn on a coarser grid where that is enough."""
    import cv2

    factor = max(1, round(_TISSUE_PIXEL_MM / pixel_mm))
    coarse = math.ceil(shape[0] / factor), math.ceil(shape[1] / factor / 2) * 2
    outline = draw_outline(rng, view, shape=coarse, depth_mm=woman.depth_mm, pixel_mm=pixel_mm * factor)
    tissue = draw_tissue(rng, outline, woman.density, pixel_mm=pixel_mm * factor)
    if view == "MLO" and rng.random() < 0.25:
        _add_lymph_node(rng, tissue, outline, pixel_mm * factor)
    if factor == 1 and coarse == shape:
        return outline, tissue

    def enlarge(array: FloatArray) -> FloatArray:
        size = coarse[1] * factor, coarse[0] * factor
        large = np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        return large[: shape[0], : shape[1]].copy()

    thickness = enlarge(outline.thickness)
    edge = np.repeat(outline.edge * factor, factor)[: shape[0]]
    middle, half = outline.middle * factor, outline.half * factor
    return Outline(edge, thickness > 0, thickness, enlarge(outline.muscle), middle, half), enlarge(tissue)


def _add_lymph_node(rng: np.random.Generator, tissue: FloatArray, outline: Outline, pixel_mm: float) -> None:
    """An oval with a pale centre high in the axilla, in place: benign, common, and not a mass."""
    import cv2

    height = int(outline.middle - outline.half * rng.uniform(0.9, 1.2))
    row = max(height, int(10 / pixel_mm))
    column = float(outline.edge[row]) * rng.uniform(0.3, 0.7)
    size = rng.uniform(3, 6) / pixel_mm
    node = np.zeros_like(tissue)
    turn = rng.uniform(0, 180)
    cv2.ellipse(node, ((column, row), (2 * size, 1.3 * size), turn), 0.14, thickness=-1)
    cv2.ellipse(node, ((column + 0.3 * size, row), (0.9 * size, 0.6 * size), turn), 0.05, thickness=-1)
    tissue += np.asarray(cv2.GaussianBlur(node, (0, 0), 0.6 / pixel_mm)) * outline.thickness


def _add_calcifications(rng: np.random.Generator, film: FloatArray, outline: Outline, pixel_mm: float) -> None:
    """Now and then a few coarse, benign calcifications anywhere in the breast, in place."""
    import cv2

    if rng.random() > 0.2:
        return
    for _ in range(int(rng.integers(1, 6))):
        row = int(np.clip(outline.middle + rng.uniform(-0.7, 0.7) * outline.half, 0, len(film) - 1))
        column = int(outline.edge[row] * rng.uniform(0.1, 0.85))
        spot = np.zeros((9, 9), dtype=np.float32)
        cv2.circle(spot, (4, 4), max(0, round(rng.uniform(0.3, 0.9) / pixel_mm / 2)), rng.uniform(0.15, 0.4), -1)
        part = film[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5]
        part += (
            spot[-part.shape[0] :, -part.shape[1] :]
            if row < 4 or column < 4
            else spot[: part.shape[0], : part.shape[1]]
        )


def _develop(rng: np.random.Generator, attenuation: FloatArray, site: str, pixel_mm: float) -> FloatArray:
    """Pixel values, 0 to 4095, of a "for presentation" film: photons are counted, the logarithm is taken, levels set.

    The counts are Poisson numbers. Above a few hundred, as everywhere here, these are normal numbers with the variance
    of their mean to within a hundredth, and so they are drawn.
    """
    photons = _PHOTONS * (pixel_mm / 0.25) ** 2 * rng.uniform(0.7, 1.4) * (0.6 if site == "south" else 1.0)
    mean = np.exp(attenuation * np.float32(-_ABSORPTION)) * np.float32(photons)
    counted = mean + np.sqrt(mean) * rng.standard_normal(mean.shape, dtype=np.float32)
    measured = np.log(np.maximum(counted, 1.0) / np.float32(photons)) / np.float32(-_ABSORPTION)
    gain = rng.uniform(3000, 3700) * (0.9 if site == "south" else 1.0)
    base = rng.uniform(20, 90)
    levels: FloatArray = np.clip(measured * np.float32(gain) + np.float32(base), 0, WHITE)
    return levels


def _burn_label(rng: np.random.Generator, film: FloatArray, text: str, laterality: Laterality) -> None:
    """Write a marker into the corner away from the breast, in place: plain letters, or dark ones on a bright plate."""
    import cv2

    height, width = film.shape
    scale = height / 1024 * rng.uniform(1.2, 2.2)
    stroke = max(1, round(2.2 * scale))
    (across, down), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    room = max(2, stroke * 3)
    level = int(rng.uniform(140, 255))
    bright = rng.random() < 0.3
    paper, ink = (level, 5) if bright else (0, level)
    plate = np.full((down + 2 * room, across + 2 * room), paper, dtype=np.uint8)  # OpenCV writes on 8 bits only
    cv2.putText(plate, text, (room, down + room), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, stroke, cv2.LINE_AA)
    if rng.random() < 0.5:
        plate = _turned(plate, float(rng.uniform(-40, 40)))
    rows, columns = min(plate.shape[0], height // 3), min(plate.shape[1], width // 2)
    top = int(rng.uniform(0.01, 0.06) * height)
    aside = int(rng.uniform(0.0, 0.05) * width)
    left = width - columns - aside if laterality == "L" else aside
    part = film[top : top + rows, left : left + columns]
    np.maximum(part, plate[: part.shape[0], : part.shape[1]] * np.float32(WHITE / 255), out=part)


def _turned(plate: VoxelArray, degrees: float) -> VoxelArray:
    import cv2

    height, width = plate.shape
    turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0))
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos)
    turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return np.asarray(cv2.warpAffine(plate, turn, size))
