"""Reading a whole image with a model of lesions: overlapping squares, as large as those it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.bundle import Bundle
from hounsfield.datasets.case import Crop
from hounsfield.datasets.load import cut
from hounsfield.errors import HounsfieldError
from hounsfield.findings import Box, Finding
from hounsfield.image import Image
from hounsfield.plan.network_input import network_array, prepare, prepare_film

STEP = 0.5
"""Distance between neighbouring squares as a share of their side."""

LEAST_TISSUE = 0.5
"""A square is looked at when at least this share of it is tissue."""

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
    """(height, width): at each pixel, the mean probability of the squares that cover it."""


def scan_film(image: Image, bundle: Bundle, probabilities: Callable[[FloatArray], FloatArray]) -> Scan:
    """Show a model of lesions every part of a film's tissue.

    Args:
        image: A whole planar image.
        bundle: A bundle whose cases were cut from larger images.
        probabilities: From inputs (n, channels, *canvas) to probabilities (n, classes).

    Raises:
        HounsfieldError: The image is a volume, or holds no tissue.
    """
    if not image.planar or bundle.training.input_sides is None:
        raise HounsfieldError("only flat images can be scanned by a model of lesions")
    tissue = _tissue(image)
    squares = [
        square
        for share in bundle.training.input_sides
        for square in _squares(tissue, side=max(8.0, share * max(image.shape[1:])))
    ]
    if not squares:
        raise HounsfieldError(f"{image.source.path or 'the image'}: no tissue was found in it")
    spec = bundle.plan.input
    film = prepare_film(image, spec)
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
    findings = tuple(Finding(label, float(suspicion[index]), squares[index]) for index in kept)
    return Scan(answers[int(suspicion.argmax())], findings, _heat(squares, suspicion, image.shape[1:]))


def _tissue(image: Image) -> BoolArray:
    from hounsfield.preprocessing.breast import region

    return region(image)


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
    total, covered = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for box, value in zip(squares, suspicion, strict=True):
        part = np.s_[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)]
        total[part] += value
        covered[part] += 1
    heat: FloatArray = total / np.maximum(covered, 1)
    return heat
