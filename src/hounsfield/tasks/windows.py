"""Whole images of any size labelled in bounded memory: window by window, slab by slab.

A network looks at windows that overlap; where they do, what it says is averaged, with more weight in a window's middle
than at its borders. Windows go from the first slice to the last, so that the answers of only as many slices are held as
a window is deep. As soon as a slice has got its last window it is brought onto the grid of the image as stored, and
each voxel there becomes the label that is likeliest: no array of all labels over the whole image is ever made.

A window may be larger than the image, and is 0 around it. Along the axes that recurrent cells go, the outermost voxels
are shown again instead: what cells keep would else be of slices that do not exist.

Windows that show one level alone, as those beside a body do when a grey-level window has made air black, are all alike:
the network is shown the first of them, and its answer holds for the others. What a network says of nothing counts so
where windows overlap, as if it had looked at each. The answer is kept as it was given, as long as the image is looked
at: 210 MB for 25 numbers of each voxel of 128 × 128 × 128.

Between slices and voxels answers are linear, as if all of them had been resampled at once. Where nothing is likelier
than the background at any neighbour, nothing can be between them, and nothing is computed.

Reference:
    Isensee et al., "nnU-Net" (2021), doi:10.1038/s41592-020-01008-z (Gaussian weights).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import BoolArray, FloatArray, IntArray, VoxelArray
from hounsfield.errors import GeometryError

Look = Callable[[Tensor], Tensor]
"""Logits (N, outputs, d, h, w) of windows (N, C, d, h, w)."""

Labelled = Callable[[Tensor], Tensor]
"""Whole numbers (…) of logits (outputs, …), 0 where there is nothing."""

SPREAD = 1 / 8
"""Standard deviation of the weights, as a share of a window's sides."""

FAINTEST = 1e-3
"""Weight at a window's borders, at least, of that in its middle."""

MOST_BYTES = 1_000_000_000
"""Of the answers that are held in float32; more are held in float16."""


@dataclass(frozen=True)
class Windows:
    """How an image is looked at in parts."""

    shape: tuple[int, int, int]
    """(d, h, w) of a window; d is 1 for networks that look at flat images."""
    overlap: float = 0.5
    """Share of a window's sides that the next one shows again, at least."""
    flat: bool = False
    """Whether networks are shown them without their depth, (h, w)."""
    repeated: tuple[int, ...] = ()
    """Axes, 0 for d, along which the image's outermost voxels go on outside of it, where else all is 0."""

    @classmethod
    def of(cls, sides: Sequence[int], overlap: float, *, repeated: tuple[int, ...] = ()) -> Windows:
        """Windows of (h, w), one slice deep, or of (d, h, w)."""
        depth, height, width = (1, *sides) if len(sides) == 2 else sides
        return cls((depth, height, width), overlap, flat=len(sides) == 2, repeated=repeated)

    def starts(self, side: int, axis: int) -> list[int]:
        """Where windows begin along an axis of so many voxels, evenly; the last ends where the axis does.

        One that is longer than the axis reaches as far over both ends.
        """
        window = self.shape[axis]
        if side <= window:
            return [-((window - side) // 2)]
        step = max(1, int(window * (1 - self.overlap)))
        count = 1 + -(-(side - window) // step)
        return [round(number * (side - window) / (count - 1)) for number in range(count)]

    def weights(self) -> Tensor:
        """(d, h, w), 1 in the middle and falling as a Gaussian along each axis."""
        weights = torch.ones(())
        for side in self.shape:
            apart = (torch.arange(side) - (side - 1) / 2) / max(side * SPREAD, 1e-6)
            weights = weights[..., None] * torch.exp(-0.5 * apart.square())
        return (weights / weights.max()).clamp(min=FAINTEST)


def label_image(
    look: Look,
    voxels: VoxelArray,
    windows: Windows,
    labelled: Labelled,
    *,
    outputs: int,
    onto: FloatArray,
    shape: tuple[int, int, int],
    on_slice: Callable[[int], None] = lambda done: None,
) -> IntArray:
    """(d, h, w) uint8 or uint16: the labels of an image on the grid of the image as stored.

    Args:
        look: At windows.
        voxels: (C, d, h, w), as the network is shown them.
        windows: How.
        labelled: What logits mean. Where it says 0 at several places, it must say 0 of every mean of these.
        outputs: Numbers for each voxel.
        onto: (4, 4), from array index (d, h, w) as stored to that of `voxels`; axes stay, but may be turned round.
        shape: (d, h, w) as stored.
        on_slice: Called with the number of slices of `voxels` that are done.

    Raises:
        GeometryError: The grids are turned against each other.
    """
    deep, high, wide = (_Axis.along(axis, onto, length, voxels.shape[axis + 1]) for axis, length in enumerate(shape))
    answer: IntArray = np.zeros(shape, dtype=np.uint8)
    order = [place for place in np.argsort(deep.low, kind="stable").tolist() if deep.inside[place]]
    before: tuple[Tensor, Tensor] | None = None
    for number, logits in enumerate(_slices(look, voxels, windows, outputs)):
        own = logits, labelled(logits) > 0
        while order and deep.high[order[0]] <= number:
            place = order.pop(0)
            first = own if before is None or deep.low[place] == number else before
            there = first[1] | own[1]
            if bool(there.any()):
                between = torch.lerp(first[0], logits, float(deep.share[place])) if first is not own else logits
                plane = _plane(between, there, labelled, high, wide)
                if answer.dtype == np.uint8 and plane.max() > np.iinfo(np.uint8).max:
                    answer = answer.astype(np.uint16)
                answer[place] = plane
        before = own
        on_slice(number + 1)
    return answer


@dataclass(frozen=True, eq=False)
class _Axis:
    """Between which voxels each voxel of another grid lies, along one axis."""

    low: IntArray
    high: IntArray
    share: FloatArray
    """Of the higher one."""
    inside: BoolArray
    """Whether it lies in the other grid at all; beyond it, where the image was cut, there is nothing."""

    @classmethod
    def along(cls, axis: int, onto: FloatArray, length: int, side: int) -> _Axis:
        beside = [other for other in range(3) if other != axis]
        if length > 1 and np.abs(onto[axis, beside]).max() > 1e-4:
            raise GeometryError(
                "the image that the network is shown is turned against the one as stored: labels cannot be brought "
                "back slice by slice; leave out steps that rotate"
            )
        place = onto[axis, axis] * np.arange(length) + onto[axis, 3]
        inside = np.abs(place - (side - 1) / 2) <= side / 2 + 1e-6
        place = np.clip(place, 0, side - 1)
        place = np.where(np.abs(place - np.rint(place)) < 1e-6, np.rint(place), place)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + (place > low), side - 1)
        return cls(low, high, (place - low).astype(np.float32), inside)

    def part(self, first: int, last: int) -> _Part:
        """Of the voxels between `first` and `last` of the other grid."""
        inside = np.flatnonzero(self.inside & (self.high >= first) & (self.low <= last))
        chosen = slice(int(inside.min()), int(inside.max()) + 1) if len(inside) else slice(0, 0)
        low, high = (torch.from_numpy(np.clip(own[chosen] - first, 0, last - first)) for own in (self.low, self.high))
        return _Part(chosen, low, high, torch.from_numpy(self.share[chosen]))


@dataclass(frozen=True, eq=False)
class _Part:
    """The same of some voxels of an axis, counted from the first of the other grid's."""

    chosen: slice
    low: Tensor
    high: Tensor
    share: Tensor


def _plane(logits: Tensor, there: Tensor, labelled: Labelled, high: _Axis, wide: _Axis) -> IntArray:
    """(h, w) labels as stored of logits (outputs, h, w), which are of nothing but where it is `there`, or beside it."""
    answer = torch.zeros((len(high.low), len(wide.low)), dtype=torch.int32)
    top, bottom, left, right = (
        edge for axis in (0, 1) for edge in _span(there.any(dim=1 - axis), at_most=there.shape[axis] - 1)
    )
    part = logits[:, top : bottom + 1, left : right + 1]
    rows, columns = high.part(top, bottom), wide.part(left, right)
    part = torch.lerp(part[:, :, columns.low], part[:, :, columns.high], columns.share)
    part = torch.lerp(part[:, rows.low], part[:, rows.high], rows.share[:, None])
    answer[rows.chosen, columns.chosen] = labelled(part).int()
    return answer.numpy()


def _span(there: Tensor, *, at_most: int) -> tuple[int, int]:
    """The first and the last place where something is, and one more on both sides."""
    where = there.nonzero()[:, 0]
    return max(0, int(where[0]) - 1), min(at_most, int(where[-1]) + 1)


def _slices(look: Look, voxels: VoxelArray, windows: Windows, outputs: int) -> Iterator[Tensor]:
    """Logits (outputs, h, w) float32 of every slice, in order, averaged over the windows that show it."""
    _, depth, height, width = voxels.shape
    deep, high, wide = (windows.starts(side, axis) for axis, side in enumerate((depth, height, width)))
    slab, weights = min(windows.shape[0], depth), windows.weights()
    total = torch.zeros((slab, height, width))
    answers = torch.zeros((outputs, slab, height, width), dtype=_kept_as(outputs, total.numel()))
    seen = _Seen(look)
    for start, following in zip(deep, [*deep[1:], depth], strict=True):
        for place in product([start], high, wide):
            own = window_of(voxels, place, windows.shape, repeated=windows.repeated)
            _add(answers, total, seen.logits(own), weights, place)
        ready = following - max(start, 0)
        for number in range(ready):
            yield answers[:, number].float() / total[number]
        for number in range(slab - ready):
            answers[:, number], total[number] = answers[:, number + ready], total[number + ready]
        answers[:, slab - ready :], total[slab - ready :] = 0, 0


class _Seen:
    """What a network says of windows; of those of one and the same level it is asked once."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._known: tuple[Tensor, Tensor] | None = None
        """A level (C,) and what was said of it."""

    def logits(self, window: Tensor) -> Tensor:
        """(outputs, d, h, w) of a window (C, d, h, w)."""
        level = _level_of(window)
        if level is None:
            return self._look(window[None])[0]
        if self._known is None or not torch.equal(level, self._known[0]):
            self._known = level, self._look(window[None])[0].clone()  # runtimes may write over their answers
        return self._known[1]


def _level_of(window: Tensor) -> Tensor | None:
    """(C,), the level of a window (C, …) that shows one alone; else None."""
    ends = window.flatten(1).aminmax(dim=1)
    low: Tensor = ends.min
    return low if torch.equal(low, ends.max) else None


def window_of(
    voxels: VoxelArray, start: Sequence[int], sides: Sequence[int], *, repeated: Sequence[int] = ()
) -> Tensor:
    """(C, d, h, w) float32 of an image (C, …) from an index on, which may lie before it, 0 outside of it.

    Args:
        voxels: Of the image.
        start: (d, h, w).
        sides: Of the window.
        repeated: Axes along which the image's outermost voxels go on outside of it, 0 for d.
    """
    cut, zeros, again = [slice(None)], [(0, 0)], [(0, 0)]
    for axis, (begin, side, length) in enumerate(zip(start, sides, voxels.shape[1:], strict=True)):
        least = int(axis in repeated)  # voxels of the image that are shown, however far outside of it the window lies
        first, last = min(max(begin, 0), length - least), min(max(begin + side, least), length)
        cut.append(slice(first, last))
        before = min(max(first - begin, 0), side - (last - first))
        spare = (before, side - before - (last - first))
        zeros.append((0, 0) if least else spare)
        again.append(spare if least else (0, 0))
    part = np.pad(voxels[tuple(cut)], again, mode="edge") if repeated else voxels[tuple(cut)]
    return torch.from_numpy(np.pad(part, zeros).astype(np.float32, copy=False))


def _add(answers: Tensor, total: Tensor, logits: Tensor, weights: Tensor, place: Sequence[int]) -> None:
    """Add the weighted logits (outputs, d, h, w) of the window at `place`, and its weights, to slices of which the
    first is that of the window that lies in the image."""
    inside, onto = [], []
    for axis, (start, length) in enumerate(zip(place, total.shape, strict=True)):
        before = max(0, -start)
        first = max(0, start) if axis else 0
        count = min(weights.shape[axis] - before, length - first)
        inside.append(slice(before, before + count))
        onto.append(slice(first, first + count))
    depth, rows, columns = inside
    own = weights[depth, rows, columns]
    for kept, said in zip(answers, logits, strict=True):  # one by one: all together would be held twice more
        kept[onto[0], onto[1], onto[2]] += said[depth, rows, columns].float() * own
    total[onto[0], onto[1], onto[2]] += own


def _kept_as(outputs: int, voxels: int) -> torch.dtype:
    """Of answers while windows are added up: half as precise where they would take much memory."""
    return torch.float32 if 4 * outputs * voxels <= MOST_BYTES else torch.float16


def bytes_held(shape: Sequence[int], windows: Windows, outputs: int) -> int:
    """Of what is said of an image (d, h, w) while it is labelled: of as many slices as a window is deep."""
    voxels = min(windows.shape[0], shape[0]) * shape[1] * shape[2]
    return (outputs * _kept_as(outputs, voxels).itemsize + 4) * voxels
