"""Reading a whole image with a model of lesions: overlapping squares, as large as those it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.bundle import Bundle
from hounsfield.datasets.case import Crop
from hounsfield.datasets.load import cut
from hounsfield.errors import ImageError, ShapeError
from hounsfield.findings import Box, Finding
from hounsfield.image import Image
from hounsfield.plan import Input
from hounsfield.plan.network_input import network_array, prepare, prepare_film
from hounsfield.preprocessing.resample import resize, resize_array

STEP = 0.5
"""Distance between neighbouring squares as a share of their side."""

LEAST_TISSUE = 0.5
"""A square is looked at when at least this share of it is tissue."""

SCAN_NOTE = (
    "This model was trained on squares cut around known lesions. Nobody said where to look, so it was shown "
    "overlapping squares of the whole image; the probability is that of the most suspicious square, and neither it nor "
    "the threshold was validated for whole images."
)

_BATCH = 64
_FINDINGS = 5
"""As many squares are listed, the most suspicious first, none overlapping another by more than half."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a scan found."""

    highest: FloatArray
    """(classes,) probabilities of the most suspicious square."""
    findings: tuple[Finding, ...]
    heat: FloatArray
    """(height, width): at each pixel of tissue, the probabilities of the squares that cover it, averaged with weights
    that fall from a square's middle to its border; elsewhere 0."""


def scan_film(image: Image, bundle: Bundle, probabilities: Callable[[FloatArray], FloatArray]) -> Scan:
    """Show a model of lesions every part of a film's tissue.

    Args:
        image: A whole planar image.
        bundle: A bundle whose cases were cut from larger images.
        probabilities: From inputs (n, channels, *canvas) to probabilities (n, classes).

    Raises:
        ShapeError: The image is a volume, or the model tells more than two classes apart.
        ImageError: The image holds no tissue.
    """
    name = image.source.path or "the image"
    if not image.planar or bundle.training.input_sides is None:
        raise ShapeError(f"{name}: only flat images can be scanned, by a model of lesions; give data with boxes")
    if len(bundle.plan.classes) != 2:
        raise ShapeError(
            f"{name}: of {len(bundle.plan.classes)} classes none is the suspicious one that a scan looks for; give "
            "data with boxes"
        )
    spec = bundle.plan.input
    small = _as_trained(image, bundle.training.film_side)
    tissue = _tissue(small, spec)
    squares = [
        square
        for share in bundle.training.input_sides
        for square in _squares(tissue, side=max(8.0, share * max(small.shape[1:])))
    ]
    if not squares:
        raise ImageError(f"{name}: no tissue was found in it to look for lesions in; leave it out")
    film = prepare_film(small, spec)
    found = []
    for start in range(0, len(squares), _BATCH):
        arrays = [
            network_array(prepare(cut(film, Crop(box, context=1.0), margin=spec.margin), spec), spec)
            for box in squares[start : start + _BATCH]
        ]
        found.append(probabilities(np.stack(arrays)))
    answers = np.concatenate(found)
    suspicion = answers[:, -1]
    kept = _apart(squares, suspicion)
    label = bundle.plan.classes[-1]
    findings = tuple(Finding(label, float(suspicion[index]), _stored(squares[index], small, image)) for index in kept)
    heat = np.where(tissue, _heat(squares, suspicion, small.shape[1:]), np.float32(0))
    return Scan(answers[int(suspicion.argmax())], findings, resize_array(heat[None], image.shape)[0])


def _as_trained(image: Image, side: int | None) -> Image:
    """The image, brought to the size of the training images when it is larger: filters then see the same texture."""
    factor = side / max(image.shape[1:]) if side else 1.0
    if factor >= 1:
        return image
    height, width = (max(1, round(length * factor)) for length in image.shape[1:])
    return resize(image, (1, height, width))


def _stored(box: Box, small: Image, image: Image) -> Box:
    """A box of the smaller image in pixels of the stored one."""
    y, x = (whole / part for whole, part in zip(image.shape[1:], small.shape[1:], strict=True))
    return Box(box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y)


def _tissue(image: Image, spec: Input) -> BoolArray:
    """The breast where the plan looks for one, else everything."""
    from hounsfield.preprocessing.breast import region

    if any(step.get("step") == "breast" for step in spec.film_steps):
        return region(image)
    return np.ones(image.shape[1:], dtype=bool)


def _squares(tissue: BoolArray, *, side: float) -> list[Box]:
    """Squares of `side` pixels, a regular grid over the image, that lie mostly on tissue."""
    height, width = tissue.shape
    integral = np.pad(tissue, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    squares = []
    for y0 in _starts(height, side):
        for x0 in _starts(width, side):
            top, left, bottom, right = (round(v) for v in (y0, x0, min(y0 + side, height), min(x0 + side, width)))
            inside = integral[bottom, right] - integral[top, right] - integral[bottom, left] + integral[top, left]
            if inside >= LEAST_TISSUE * side * side:
                squares.append(Box(x0, y0, x0 + side, y0 + side))
    return squares


def _starts(length: int, side: float) -> FloatArray:
    count = max(1, int(np.ceil((length - side) / (side * STEP))) + 1)
    return np.linspace(0, max(0.0, length - side), count)


def _apart(squares: list[Box], suspicion: FloatArray) -> list[int]:
    kept: list[int] = []
    for index in np.argsort(-suspicion, kind="stable"):
        if len(kept) == _FINDINGS:
            break
        if all(_overlap(squares[index], squares[other]) <= 0.5 for other in kept):
            kept.append(int(index))
    return kept


def _overlap(a: Box, b: Box) -> float:
    """Area in common as a share of the smaller square."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(0.0, width) * max(0.0, height) / min(a.width * a.height, b.width * b.height)


def _heat(squares: list[Box], suspicion: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Weights fall linearly, so that between the middles of neighbouring squares the heat is their interpolation."""
    total, covered = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    for box, value in zip(squares, suspicion, strict=True):
        (x, y), half = box.center, box.width / 2
        part = np.s_[max(0, int(box.y0)) : int(np.ceil(box.y1)), max(0, int(box.x0)) : int(np.ceil(box.x1))]
        down, across = (
            np.clip(1 - np.abs(places - middle) / half, 0, 1)
            for places, middle in ((rows[part[0]], y), (columns[part[1]], x))
        )
        weight = np.outer(down, across).astype(np.float32)
        total[part] += value * weight
        covered[part] += weight
    heat: FloatArray = total / np.where(covered > 0, covered, 1)
    return heat
