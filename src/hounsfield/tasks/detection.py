"""Detection: the findings of several networks, or of mirrored copies of an image, put together.

Findings that overlap are one: its box is the mean of theirs, each as heavy as it is sure, and it is as sure as they are
on average, those who found nothing there counting as 0.

Reference:
    Solovyev, Wang, Gabruseva, "Weighted boxes fusion: Ensembling boxes from different object detection models" (2021),
    doi:10.1016/j.imavis.2021.104117.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import Detected
from hounsfield.findings.region import Box

_NOTHING = 1e-4
"""How sure one is of an image on which nothing is found."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found on one image, the surest first."""

    boxes: FloatArray
    """(n, 2 · dims): x0, y0, x1, y1 in pixels of the network's input, or x0, y0, z0, x1, y1, z1 in volumes."""
    probabilities: FloatArray
    """(n, kinds); what is left to 1 is that there is nothing."""

    @property
    def scores(self) -> FloatArray:
        """(n,), how sure each is, whatever its kind."""
        scores: FloatArray = self.probabilities.sum(axis=1)
        return scores


def fused(voices: Sequence[Findings], *, overlap: float, most: int) -> Findings:
    """The findings of several voices about one image as one.

    Args:
        voices: Networks, or mirrored copies whose boxes were mirrored back; one alone is given back as it is.
        overlap: Intersection over union from which on findings are one.
        most: Findings that are kept.
    """
    if len(voices) == 1:
        return voices[0]
    boxes = np.concatenate([voice.boxes for voice in voices])
    shares = np.concatenate([voice.probabilities for voice in voices])
    scores = shares.sum(axis=1)
    whose = np.repeat(np.arange(len(voices)), [len(voice.boxes) for voice in voices])
    centres = np.empty_like(boxes)  # of each group, its box so far
    groups: list[list[int]] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        over = _overlaps(boxes[place], centres[: len(groups)])
        for group in np.argsort(-over, kind="stable").tolist():
            if over[group] < overlap:
                group = len(groups)
                break
            if whose[place] not in whose[groups[group]]:
                break
        else:
            group = len(groups)
        if group == len(groups):
            groups.append([])
        groups[group].append(place)
        weight = scores[groups[group]]
        centres[group] = (boxes[groups[group]] * weight[:, None]).sum(axis=0) / max(float(weight.sum()), 1e-12)
    if not groups:
        return voices[0]
    together = np.stack([shares[own].sum(axis=0) / len(voices) for own in groups])
    order = np.argsort(-together.sum(axis=1), kind="stable")[:most]
    return Findings(centres[order], together[order])


def detected(found: Findings, onto: FloatArray, shape: tuple[int, int, int]) -> tuple[Detected, ...]:
    """Findings as evidence keeps them, in pixels of the image as stored, as far as they lie on it: what is shown to the
    networks may go on beyond it, and what lies there alone is none.

    Args:
        found: In pixels of the network's input.
        onto: (4, 4), from array index (d, h, w) of that input to that of the image as stored.
        shape: Of the image as stored, (d, h, w).
    """
    boxes = [moved(box_of(corners), onto).within(shape) for corners in found.boxes.tolist()]
    pairs = zip(boxes, found.probabilities.tolist(), strict=True)
    return tuple(Detected(box, tuple(shares)) for box, shares in pairs if box is not None)


def moved(box: Box, onto: FloatArray) -> Box:
    """A box in pixels of another image, by what takes array indices (d, h, w) there, (4, 4)."""
    return box.placed(onto).on(np.eye(4))


def box_of(corners: Sequence[float], label: str = "") -> Box:
    """The box with these corners, as `Findings.boxes` has them."""
    if len(corners) == 4:
        x0, y0, x1, y1 = corners
        return Box(x0, y0, x1, y1, label)
    x0, y0, z0, x1, y1, z1 = corners
    return Box(x0, y0, x1, y1, label, z0, z1)


def mirrored_back(found: Findings, flipped: Sequence[int], shape: Sequence[int]) -> Findings:
    """Findings on an image that was reversed along `flipped` axes of its `shape`, as on the image itself."""
    boxes, dims = found.boxes.copy(), len(shape)
    for axis in flipped:
        low = dims - 1 - axis
        boxes[:, [low, low + dims]] = shape[axis] - boxes[:, [low + dims, low]]
    return Findings(boxes, found.probabilities)


def whole_logits(found: Sequence[Findings], kinds: Sequence[str], positive: Sequence[str]) -> FloatArray:
    """(n, 2), of images as a whole: an image is as positive as its surest finding of a positive kind.

    Args:
        found: Of each image.
        kinds: Of findings.
        positive: Those of which one makes the whole image positive.
    """
    columns = [kinds.index(name) for name in positive]
    most = [one.probabilities[:, columns].sum(axis=1).max(initial=_NOTHING) for one in found]
    share = np.clip(np.array(most, dtype=np.float64), _NOTHING, 1 - _NOTHING)
    return np.stack([np.zeros(len(share)), np.log(share / (1 - share))], axis=1)


def _overlaps(box: FloatArray, many: FloatArray) -> FloatArray:
    """(groups,), intersection over union of a box with each."""
    dims = len(box) // 2
    sides = np.minimum(box[dims:], many[:, dims:]) - np.maximum(box[:dims], many[:, :dims])
    both = np.clip(sides, 0, None).prod(axis=1)
    either = (box[dims:] - box[:dims]).prod() + (many[:, dims:] - many[:, :dims]).prod(axis=1) - both
    shares: FloatArray = both / np.maximum(either, 1e-12)
    return shares
