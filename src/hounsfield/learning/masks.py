"""What a network is taught of masks: windows of changed images whose labels move with them, and how it is examined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.datasets.load import header_of
from hounsfield.datasets.segmentation import mask_of
from hounsfield.errors import TrainingError
from hounsfield.evaluation.evidence import OutlinedImage
from hounsfield.evaluation.outlines import compare_outline
from hounsfield.image import Mask
from hounsfield.learning.augmentation import draw_affines, draw_intensity, warp
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.lesson import Answers, Exam, Outlined, Setup, descend
from hounsfield.learning.packed import PackedMask
from hounsfield.networks.recurrent import Recurrent
from hounsfield.networks.unet import UNet
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.plan import Plan
from hounsfield.plan.windows import windows_for
from hounsfield.tasks.outline import by_torch, outline
from hounsfield.tasks.predict import memory_order
from hounsfield.tasks.segmentation import UNKNOWN, Segmentation, dice_of
from hounsfield.tasks.windows import window_of

REACH = 1.4
"""Sides of what is cut out around a window, of the window's, so that turning it brings in true surroundings."""

_EXAMINED = 64
"""Images that are examined after each epoch, one window each; all are measured in the end, as a whole."""

_LOOKED_AT = 64
"""Images of which a window says how common labels are, before anything is learned."""

_PLACES = 4096
"""Voxels of each label of an image that windows are drawn around, at most."""

_FALLING = 0.5
"""Weight of the loss of each resolution, of that of the next finer one."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where windows of an image may be drawn around: places in its flattened mask, spread over it."""

    labels: tuple[IntArray, ...]
    """Of each label that is on it."""
    known: IntArray
    """Of what is known, of a mask of which only a part is; none where all is known."""


@dataclass(frozen=True, eq=False)
class MaskLesson:
    """Prepared cases with masks."""

    task: Segmentation
    inputs: Inputs
    _places: dict[int, Places] = field(default_factory=dict)
    """Of the rows that were looked at so far."""

    def expect(self, network: nn.Module, plan: Plan, rows: IntArray) -> None:
        """Let every voxel's answer begin at how common each label is in windows that are learned from."""
        shares = np.zeros(len(self.task.of_code))
        generator = torch.Generator().manual_seed(plan.seed)
        for row in rows[np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).round().astype(np.int64)].tolist():
            _, codes = self._changed(plan, np.array([row]), generator)
            voxels = np.bincount(codes.numpy().reshape(-1), minlength=UNKNOWN + 1)[: len(shares)]
            shares += voxels / max(1, voxels.sum())
        cast(UNet | Recurrent, network).expect(self.task.expected(shares))

    def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> Tensor:
        """Learn from a batch of changed windows; the loss, a scalar on the CPU."""
        images, codes = self._changed(plan, rows, generator)
        levels, _ = run.wrapped(images, deep=True)
        loss = self._loss(levels, codes)
        descend(run, plan, loss)
        learned: Tensor = loss.detach().cpu()
        return learned

    def _changed(self, plan: Plan, rows: IntArray, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """As `masked_batch`; where labels are on an image is looked up once."""
        for row in rows.tolist():
            self._places_in(row)
        return masked_batch(plan, self.inputs, rows, self._places, generator=generator)

    def _places_in(self, row: int) -> Places:
        if row not in self._places:
            self._places[row] = places_of(self.inputs.codes[row])
        return self._places[row]

    def _loss(self, levels: Sequence[Tensor], codes: Tensor) -> Tensor:
        """The mean over resolutions, the coarser ones weighing less."""
        weights = [_FALLING**number for number in range(len(levels))]
        losses = [
            weight * self.task.loss(level, _at(codes, level.shape[2:]))
            for weight, level in zip(weights, levels, strict=True)
        ]
        total: Tensor = torch.stack(losses).sum() / sum(weights)
        return total

    def examined(self, network: nn.Module, plan: Plan, rows: IntArray) -> Exam:
        """Mean loss and Dice of one window of some images each, in the middle of their labels."""
        network.eval()
        chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), _EXAMINED)).round().astype(np.int64)]
        counts = np.zeros((len(self.task.labels), 3))
        losses, spread = [], 0.0
        for row in chosen.tolist():
            images, codes = plain_window(plan, self.inputs, row, self._places_in(row))
            with torch.inference_mode(), _precision(plan):
                logits = network(memory_order(images, channels_last=plan.optimisation.channels_last)).float()
            losses.append(float(self.task.loss(logits, codes)))
            counts += self.task.counts(self.task.labelled(logits[0]).numpy(), codes[0].numpy())
            spread = max(spread, float(logits.flatten(2).std(dim=2).max()))
        return Exam(float(np.mean(losses)), dice_of(counts), dead=spread == 0)

    def together(self, plan: Plan, networks: Iterable[nn.Module], rows: Sequence[IntArray]) -> tuple[IntArray, Answers]:
        """Each row once, in rising order, outlined by all networks that did not learn from it; measured at once."""
        answering: dict[int, list[nn.Module]] = {}
        for network, own in zip(networks, rows, strict=True):
            for row in own.tolist():
                answering.setdefault(row, []).append(network.eval())
        unique = sorted(answering)
        outlined = tuple(self._outlined(answering[row], plan, row) for row in unique)
        return np.array(unique), Answers(np.zeros((len(unique), 1), dtype=np.float32), outlined=outlined)

    def _outlined(self, networks: Sequence[nn.Module], plan: Plan, row: int) -> Outlined:
        axes = plan.augmentation.flip_axes if plan.ensemble.flips else ()
        voxelwise = Voxelwise(networks, shape=plan.input.shape, flip_axes=axes)
        said = outline(
            by_torch(voxelwise, channels_last=plan.optimisation.channels_last),
            self.inputs.images[row],
            self.task,
            windows=windows_for(plan),
            onto=np.linalg.inv(self._onto[row]),
            shape=self._stored_shape(row),
        )
        mask = self.task.outline(said, self.inputs.spacing_mm[row])
        return Outlined(self.measured(plan, row, mask), PackedMask.of(mask))

    def require_enough(self, train_rows: IntArray, val_rows: IntArray) -> None:
        """Accept rows that can be learned from and validated on.

        Raises:
            TrainingError: A label is on no image to learn from, or none is on those to validate on.
        """
        learned, validated = (
            set().union(*(_codes_on(self.inputs.codes[row]) for row in rows.tolist()))
            for rows in (train_rows, val_rows)
        )
        of_labels = self.task.of_code.numpy()[:, int(self.task.exclusive) :]
        lacking = [
            name
            for place, name in enumerate(self.task.labels)
            if not learned & set(np.flatnonzero(of_labels[:, place]).tolist())
        ]
        if lacking or not validated:
            what = f"{', '.join(lacking)} on none" if lacking else "a label on some"
            raise TrainingError(
                f"there is {what} of the {len(train_rows)} images to learn from, and {'some' if validated else 'none'} "
                f"on the {len(val_rows)} to validate on, after {len(self.inputs.failed)} images that cannot be read: "
                "mend the files that inspect names, leave the label out of the description, or use another split"
            )

    def measured(self, plan: Plan, row: int, outlined: Mask) -> OutlinedImage:
        """How well the labels of a row were outlined, on the grid of its image as stored."""
        case = self.inputs.cases[row]
        return compare_outline(
            outlined,
            mask_of(case),
            self.task.numbers,
            self.inputs.spacing_mm[row],
            tolerance=plan.segmentation.tolerance,
            surface=plan.segmentation.surface,
            unlabelled=self.task.unlabelled,
            case=case.id,
            patient=case.unit,
        )

    @property
    def _onto(self) -> FloatArray:
        if self.inputs.onto is None:
            raise ValueError("these inputs were prepared without masks")
        return self.inputs.onto

    def _stored_shape(self, row: int) -> tuple[int, int, int]:
        return header_of(self.inputs.cases[row].image).shape


def masked_batch(
    plan: Plan, inputs: Inputs, rows: IntArray, places: Mapping[int, Places], *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Augmented windows (N, C, *shape) in the plan's memory order, and their codes (N, *shape) uint8.

    Args:
        plan: The choices.
        inputs: The prepared cases.
        rows: Of the batch, one window each.
        places: Of each row, as `places_of` gives them.
        generator: The source of randomness.
    """
    shape = plan.input.shape
    reach = [side + 2 * round(side * (REACH - 1) / 2) for side in shape]
    middles = [_centre(plan, inputs.codes[row], places[row], generator) for row in rows.tolist()]
    cut = [
        _cut(plan, inputs, row, places[row], middle, reach) for row, middle in zip(rows.tolist(), middles, strict=True)
    ]
    images, codes = (torch.stack(parts) for parts in zip(*cut, strict=True))
    affines = draw_affines(len(rows), dims=plan.dims, augmentation=plan.augmentation, generator=generator)
    images = warp(images, affines, shape)
    codes = warp(codes, affines, shape, nearest=True)[:, 0].round().to(torch.uint8)
    for number, row in enumerate(rows.tolist()):
        if len(places[row].known) and bool((codes[number] == UNKNOWN).all()):
            images[number], codes[number] = _around_known(plan, inputs, row, places[row], generator)
    change = draw_intensity(images.shape, augmentation=plan.augmentation, generator=generator)
    images = images if change is None else change.apply(images)
    return memory_order(images, channels_last=plan.optimisation.channels_last), codes


def _around_known(
    plan: Plan, inputs: Inputs, row: int, places: Places, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A window (C, *shape) around a voxel that is known, as it is, and its codes (*shape): for one that was turned, or
    made smaller, so that nothing known is left in it."""
    chance = float(torch.rand(1, generator=generator))
    middle = _around(places.known, chance, inputs.codes[row].shape, plan.input.shape)
    images, codes = _cut(plan, inputs, row, places, middle, plan.input.shape)
    return images, codes[0].round().to(torch.uint8)


def plain_window(plan: Plan, inputs: Inputs, row: int, places: Places) -> tuple[Tensor, Tensor]:
    """The window (1, C, *shape) of an image around the label nearest to the middle of all, or else around what is
    known, and its codes."""
    codes = inputs.codes[row]
    middle = np.array(codes.shape) / 2
    own = places.labels or ((places.known,) if len(places.known) else ())
    if own:
        there = np.stack(np.unravel_index(np.concatenate(own), codes.shape), axis=1) + 0.5
        middle = there[np.linalg.norm(there - there.mean(axis=0), axis=1).argmin()]
    inside = _kept_inside(middle, codes.shape, plan.input.shape)
    images, cut = _cut(plan, inputs, row, places, inside, plan.input.shape)
    return images[None], cut.round().to(torch.uint8)


def _centre(plan: Plan, codes: IntArray, places: Places, generator: torch.Generator) -> FloatArray:
    """The middle of a window, (d, h, w) in voxels: around one with a label as often as the plan says, else anywhere,
    but around a voxel that is known where else nothing would be."""
    chances = torch.rand(5, generator=generator).numpy()
    window = plan.input.shape
    if chances[0] < plan.segmentation.around_labels and places.labels:
        own = places.labels[int(chances[1] * len(places.labels))]
        return _around(own, float(chances[2]), codes.shape, window)
    anywhere = _kept_inside(chances[2:] * np.array(codes.shape), codes.shape, window)
    if len(places.known) and not _knows(codes, anywhere, window):
        return _around(places.known, float(chances[1]), codes.shape, window)
    return anywhere


def _around(places: IntArray, chance: float, sides: Sequence[int], window: Sequence[int]) -> FloatArray:
    """The middle of a window around one of some places, by a chance in [0, 1)."""
    middle = np.array(np.unravel_index(places[int(chance * len(places))], tuple(sides)), dtype=np.float64)
    return _kept_inside(middle + 0.5, sides, window)


def _knows(codes: IntArray, middle: FloatArray, window: Sequence[int]) -> bool:
    """Whether something is known in a window around its middle."""
    sides = (1, *window) if len(window) == 2 else tuple(window)
    starts = [round(float(centre - side / 2)) for centre, side in zip(middle, sides, strict=True)]
    part = codes[tuple(slice(max(0, start), max(0, start + side)) for start, side in zip(starts, sides, strict=True))]
    return bool((part != UNKNOWN).any())


def places_of(codes: IntArray) -> Places:
    """Some voxels of each label that is on a mask (d, h, w), and of what is known of it."""
    flat = codes.reshape(-1)
    counts = np.bincount(flat, minlength=UNKNOWN + 1)
    labelled = np.flatnonzero((flat != 0) & (flat != UNKNOWN))
    by_code = labelled[np.argsort(flat[labelled], kind="stable")]
    ends = np.cumsum(counts[1:UNKNOWN])
    labels = tuple(_some(own) for own in np.split(by_code, ends[:-1]) if len(own))
    return Places(labels, _some(np.flatnonzero(flat != UNKNOWN)) if counts[UNKNOWN] else np.zeros(0, dtype=np.intp))


def _some(places: IntArray) -> IntArray:
    """Of places some, spread over all of them."""
    return places[:: max(1, -(-len(places) // _PLACES))].copy()


def _kept_inside(middle: FloatArray, sides: Sequence[int], window: Sequence[int]) -> FloatArray:
    """A window's middle moved so far that it reaches over no border, where it need not."""
    half = np.array([1, *window] if len(window) == 2 else window) / 2
    whole = np.array(sides, dtype=np.float64)
    inside: FloatArray = np.where(whole > 2 * half, np.clip(middle, half, np.maximum(half, whole - half)), whole / 2)
    return inside


def _cut(
    plan: Plan, inputs: Inputs, row: int, places: Places, middle: FloatArray, shape: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """(C, *shape) and (1, *shape) float32 around a middle, 0 beyond the image; what is shown again there teaches
    nothing, nor does what lies beyond an image of which only a part is known."""
    sides = (1, *shape) if len(shape) == 2 else tuple(shape)
    start = [round(float(centre - side / 2)) for centre, side in zip(middle, sides, strict=True)]
    repeated = windows_for(plan).repeated
    voxels = window_of(inputs.images[row], start, sides, repeated=repeated)
    codes = window_of(cast(VoxelArray, inputs.codes[row])[None], start, sides)
    for axis in range(3) if len(places.known) else repeated:
        index = start[axis] + torch.arange(sides[axis])
        codes.transpose(0, axis + 1)[(index < 0) | (index >= inputs.codes[row].shape[axis])] = UNKNOWN
    return (voxels[:, 0], codes[:, 0]) if len(shape) == 2 else (voxels, codes)


def _at(codes: Tensor, shape: Sequence[int]) -> Tensor:
    """Codes (N, …) at a coarser resolution: those in the middle of its places."""
    if tuple(codes.shape[1:]) == tuple(shape):
        return codes
    places: Any = tuple(shape)
    return nn.functional.interpolate(codes[:, None].float(), size=places, mode="nearest-exact")[:, 0].to(torch.uint8)


def _codes_on(codes: IntArray) -> set[int]:
    return set(np.unique(codes).tolist()) - {0, UNKNOWN}


def _precision(plan: Plan) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=plan.optimisation.precision == "bf16-mixed")
