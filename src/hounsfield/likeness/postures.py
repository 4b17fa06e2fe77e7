"""`Postures`: whether an image is inverted, turned or cut off, learned by doing that to the training images.

A linear probe on the features of a network pretrained on photographs tells images as they are from the same ones
inverted, turned and cut. How sure it must be is chosen on patients that it has not seen, so that one image in two
hundred is suspected of each without cause. Where it cannot tell (a square around a lesion has no upright way) it keeps
silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hounsfield.arrays import FloatArray, IntArray

if TYPE_CHECKING:
    from hounsfield.datasets.audit.glance import Small

FALSE_ALARMS = 0.005
"""Share of images as they are that are suspected of one posture without cause."""

LEAST_FOUND = 0.9
"""Share of the images in a posture that must be found for it to be looked for …"""

LEAST_CUT_FOUND = 0.5
"""… and of those cut off, for how much is missing differs."""

MOST_IMAGES = 300

ENOUGH = 200
"""Images from which on that share can be told; of fewer a posture must lead by more, up to `_OF_FEW`."""

_OF_FEW = 0.1
FOLDS = 5
_RIDGE = 1.0
_KEPT = (0.45, 0.7)
"""Share of the height or width that is left of a picture that is cut off."""

CUT = "cut off"


def _inverted(pictures: Small) -> Small:
    return 255 - pictures


def _turned(times: int) -> Callable[[Small], Small]:
    return lambda pictures: np.ascontiguousarray(np.rot90(pictures, times, axes=(-2, -1)))


MENDED: dict[str, Callable[[Small], Small]] = {
    "inverted": _inverted,
    "turned a quarter to the left": _turned(3),
    "turned a quarter to the right": _turned(1),
    "upside down": _turned(2),
}
"""A posture, and what puts pictures (..., side, side) in it right again."""

NAMES = (*MENDED, CUT)


@dataclass(frozen=True, eq=False)
class Postures:
    """The probe."""

    middle: FloatArray
    """(features,), of all pictures it was fitted to."""
    lines: FloatArray
    """(features, 1 + postures): for images as they are, and for each of `NAMES`."""
    limits: FloatArray
    """(postures,): how far a posture must lead; infinite where it cannot be told."""

    def suspected(self, seen: FloatArray) -> list[str]:
        """The postures that one image, its features (features,), seems to be in, the likeliest first."""
        leads = self._leads(seen[None])[0]
        order = np.argsort(self.limits - leads, kind="stable")
        return [NAMES[place] for place in order.tolist() if leads[place] > self.limits[place]]

    def _leads(self, seen: FloatArray) -> FloatArray:
        return _leads((seen - self.middle) @ self.lines)


def postures_of(pictures: Small, patient: IntArray, *, seed: int = 0) -> Postures | None:
    """The probe for images like these; None where no posture can be told.

    Args:
        pictures: (n, planes, side, side), of training images as they are.
        patient: (n,), whose they are.
        seed: Of the cuts.
    """
    from hounsfield.likeness.look import seen_in  # torch: not for who only opens a bundle

    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(pictures))[:MOST_IMAGES])
    own, whose = pictures[chosen], patient[chosen]
    changed = [own, *(_put(own, name) for name in MENDED), _cut(own, rng)]
    seen = np.concatenate([seen_in(each) for each in changed])
    kind = np.repeat(np.arange(len(changed)), len(own))
    owner = np.unique(np.tile(whose, len(changed)), return_inverse=True)[1]
    fold = rng.permutation(int(owner.max()) + 1)[owner] % FOLDS
    said = np.zeros((len(seen), len(changed)))
    for number in np.unique(fold):
        rest = fold != number
        middle, lines = _fit(seen[rest], kind[rest], len(changed))
        said[~rest] = (seen[~rest] - middle) @ lines
    limits = _limits(_leads(said), kind)
    if not np.isfinite(limits).any():
        return None
    middle, lines = _fit(seen, kind, len(changed))
    return Postures(middle.astype(np.float32), lines.astype(np.float32), limits)


def _put(pictures: Small, name: str) -> Small:
    """The pictures in a posture: mending four times changes nothing, so three times undoes it once."""
    for _ in range(3):
        pictures = MENDED[name](pictures)
    return pictures


def _cut(pictures: Small, rng: np.random.Generator) -> Small:
    """Half of each picture or a little more, from one of its four sides, made a square again."""
    side = pictures.shape[-1]
    made = np.empty_like(pictures)
    for number, planes in enumerate(pictures):
        kept, turns = int(side * rng.uniform(*_KEPT)), int(rng.integers(4))
        for plane, picture in enumerate(planes):
            part = np.ascontiguousarray(np.rot90(picture, turns)[:kept])
            whole = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)
            made[number, plane] = np.rot90(whole, -turns)
    return made


def _fit(seen: FloatArray, kind: IntArray, kinds: int) -> tuple[FloatArray, FloatArray]:
    """Middle and lines of a ridge regression on which kind each picture is, solved over the pictures."""
    middle = seen.mean(axis=0)
    rows = (seen - middle).astype(np.float64)
    wanted = np.eye(kinds)[kind] - 1 / kinds
    weights = np.linalg.solve(rows @ rows.T + _RIDGE * np.eye(len(rows)), wanted)
    return middle, rows.T @ weights


def _leads(said: FloatArray) -> FloatArray:
    leads: FloatArray = said[:, 1:] - said[:, :1]
    return leads


def _limits(leads: FloatArray, kind: IntArray) -> FloatArray:
    """(postures,), from the leads of pictures of patients that the probe had not seen."""
    limits = np.full(len(NAMES), np.inf)
    for place, name in enumerate(NAMES):
        upright = leads[kind == 0, place]
        limit = max(0.0, float(np.quantile(upright, 1 - FALSE_ALARMS)))
        limit += _OF_FEW * max(0.0, 1 - len(upright) / ENOUGH)
        found = float((leads[kind == place + 1, place] > limit).mean())
        if found >= (LEAST_CUT_FOUND if name == CUT else LEAST_FOUND):
            limits[place] = limit
    return limits
