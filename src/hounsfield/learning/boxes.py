"""What a network is taught of boxes: batches of changed images whose boxes move with them, and how it is examined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.datasets.listing import counted
from hounsfield.errors import TrainingError
from hounsfield.evaluation.evidence import ImageResult
from hounsfield.evaluation.froc import RATES, sensitivity_at, threshold_at
from hounsfield.evaluation.hits import responses_of
from hounsfield.evaluation.matching import rule_from
from hounsfield.findings.region import Box
from hounsfield.learning.augmentation import draw_affines, draw_intensity, warp, warp_boxes, with_reflections
from hounsfield.learning.inputs import Inputs, images_of
from hounsfield.learning.lesson import Answers, Exam, Setup, descend, one_by_one
from hounsfield.networks.found import Finder, Found, Truth
from hounsfield.networks.untouched import Untouched
from hounsfield.plan import Plan
from hounsfield.plan.network import most_of
from hounsfield.progress import say
from hounsfield.tasks.detection import Findings, box_of, detected, fused, moved, whole_logits
from hounsfield.tasks.find import as_arrays, by_torch, find
from hounsfield.tasks.predict import centre, memory_order
from hounsfield.tasks.task import Task
from hounsfield.tasks.tiles import EXAMINED, cut_tile, in_tiles, joined, tiles_of

LEFT = 0.3
"""Share of a box that must lie on an image to be learned there."""

_AROUND_BOXES = 0.75
"""Share of the tiles that are learned from around a box, of images with any."""

_TOGETHER = 4
"""Images that are looked at together where nothing is learned."""


@dataclass(frozen=True, eq=False)
class BoxLesson:
    """Prepared cases with boxes."""

    task: Task
    """Of the images as a whole."""
    inputs: Inputs

    def expect(self, network: nn.Module, plan: Plan, rows: IntArray) -> None:
        """Nothing: answers of images begin near enough."""

    def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> Tensor:
        """Learn from a batch of changed images; the sum of the losses, a scalar on the CPU."""
        images, truths = boxed_batch(plan, self.inputs, rows, generator=generator)
        images = run.fabric.to_device(images)
        losses, _ = run.wrapped(images, Untouched([_on(run, truth) for truth in truths]))
        loss = losses.sum()
        descend(run, plan, loss)
        learned: Tensor = loss.detach().cpu()
        return learned

    def examined(self, network: nn.Module, plan: Plan, rows: IntArray) -> Exam:
        """Mean loss, and the mean sensitivity at seven rates of false alarms, of some rows as they are."""
        network.eval()
        losses: list[float] = []
        found: list[Findings] = []
        if plan.detection.tile:
            rows = self._some(rows, EXAMINED[plan.dims])
        for part, own in enumerate(_parts(rows)):
            images, truths = plain_batch(plan, self.inputs, own)
            with torch.inference_mode(), _precision(plan), torch.random.fork_rng(devices=[]):
                torch.manual_seed(part)  # the anchors and regions that the loss is of are drawn, and alike each time
                loss, seen = _looked(cast("Finder[Any]", network), images, truths, plan)
                losses.append(len(own) * loss)
                found += [as_arrays(one) for one in seen]
        rule = rule_from(plan.detection.hit)
        responses = responses_of(self._results(rows, found, plan), kinds=plan.detection.kinds, rule=rule)
        score = float(np.mean([sensitivity_at(responses, threshold_at(responses, rate)) for rate in RATES]))
        scores = np.concatenate([one.scores for one in found])
        dead = len(scores) == 0 or float(np.ptp(scores)) == 0
        return Exam(sum(losses) / len(rows), score, dead)

    def answered(self, network: nn.Module, plan: Plan, rows: IntArray, *, flips: bool) -> Answers:
        """What the network finds on some rows, and what that says of each as a whole."""
        network.eval()
        axes = plan.augmentation.flip_axes if flips else ()
        look = by_torch(network, channels_last=plan.optimisation.channels_last)
        if plan.detection.tile:
            look = in_tiles(look, plan.detection.tile, most=most_of(plan))
        found: list[Findings] = []
        for own in _parts(rows):
            images, _ = plain_batch(plan, self.inputs, own)
            found += find(look, images, flip_axes=axes, overlap=plan.detection.fusion, most=most_of(plan))
        return Answers(whole_logits(found, plan.detection.kinds, plan.detection.positive), tuple(found))

    def together(self, plan: Plan, networks: Iterable[nn.Module], rows: Sequence[IntArray]) -> tuple[IntArray, Answers]:
        """Each row once, in rising order, with the findings of the networks that answered it as one."""
        voices: dict[int, list[Findings]] = {}
        for own, one in zip(rows, one_by_one(self, plan, networks, rows), strict=True):
            for row, found in zip(own.tolist(), one.found, strict=True):
                voices.setdefault(row, []).append(found)
        unique = np.array(sorted(voices))
        joined = [fused(voices[row], overlap=plan.detection.fusion, most=most_of(plan)) for row in unique.tolist()]
        return unique, Answers(whole_logits(joined, plan.detection.kinds, plan.detection.positive), tuple(joined))

    def require_enough(self, train_rows: IntArray, val_rows: IntArray) -> None:
        """Accept rows that can be learned from and validated on.

        Raises:
            TrainingError: No box is left to learn from, or none to validate on.
        """
        learned, validated = (sum(len(self._boxes(row)) for row in rows) for rows in (train_rows, val_rows))
        if not learned or not validated:
            failed = self.inputs.failed
            first = f" ({'the first, ' if len(failed) > 1 else ''}{failed[0][0]}: {failed[0][1]})" if failed else ""
            raise TrainingError(
                f"{learned} boxes are left to learn from and {validated} to validate on, without {len(failed)} images "
                f"that had to be left out{first} and without boxes less than a pixel of the network's input wide or "
                "high; both need some: mend what inspect names, plan a larger input.shape, or use another split"
            )
        given = sum(len(self.inputs.boxes[row]) for row in (*train_rows, *val_rows))
        if lost := given - learned - validated:
            say(
                f"note: {lost} of {counted(given, 'box')} left out of training, for they are less than a pixel of the "
                "network's input wide or high, or lie mostly beyond the image; a larger input.shape in the plan shows "
                "more of the small ones"
            )

    def results(self, plan: Plan, rows: IntArray, found: Sequence[Findings]) -> tuple[ImageResult, ...]:
        """Findings and lesions of some rows in pixels of the images as stored."""
        return tuple(
            self._result(row, one, self.inputs.cases[row].boxes) for row, one in zip(rows.tolist(), found, strict=True)
        )

    def _results(self, rows: IntArray, found: Sequence[Findings], plan: Plan) -> list[ImageResult]:
        """The same of those lesions that the networks are shown."""
        results = []
        for row, one in zip(rows.tolist(), found, strict=True):
            shown = [box_of(corners, plan.detection.kinds[int(kind)]) for *corners, kind in self._boxes(row).tolist()]
            results.append(self._result(row, one, [moved(box, self._onto(row)) for box in shown]))
        return results

    def _result(self, row: int, found: Findings, truths: Sequence[Box]) -> ImageResult:
        case, shape = self.inputs.cases[row], self.inputs.shapes[row]
        placed = detected(found, self._onto(row), shape)
        return ImageResult(case.id, case.unit, tuple(truths), placed, self.inputs.spacing_mm[row])

    def _onto(self, row: int) -> FloatArray:
        """(4, 4), from array index of the input to that of the image as stored."""
        if self.inputs.onto is None:
            raise ValueError("these inputs were prepared without boxes")
        onto: FloatArray = self.inputs.onto[row]
        return onto

    def _some(self, rows: IntArray, most: int) -> IntArray:
        """The rows that are examined where images are looked at in tiles: `most` of them, those with boxes first."""
        bare = np.array([len(self.inputs.boxes[row]) == 0 for row in rows.tolist()])
        return np.sort(rows[np.argsort(bare, kind="stable")][:most])

    def _boxes(self, row: int) -> Tensor:
        """Those (n, 2 · dims + 1) that are on the stored input of a row."""
        return clipped(torch.from_numpy(self.inputs.boxes[row]), self.inputs.voxels.shape[2:])


def boxed_batch(
    plan: Plan, inputs: Inputs, rows: IntArray, *, generator: torch.Generator
) -> tuple[Tensor, list[Truth]]:
    """Augmented images (N, C, *shape) in the plan's memory order, and the boxes that are still on them."""
    images = images_of(inputs, rows)
    affines = draw_affines(len(rows), dims=plan.dims, augmentation=plan.augmentation, generator=generator)
    shape, canvas = plan.looked_at, plan.input.canvas
    if plan.detection.tile:
        affines = on_tiles(affines, [inputs.boxes[row] for row in rows.tolist()], canvas, shape, generator)
    images = warp(images, affines, shape, mirrored_border=plan.augmentation.mirrored_border)
    change = draw_intensity(images.shape, augmentation=plan.augmentation, generator=generator)
    images = images if change is None else change.apply(images)
    truths = []
    for row, affine in zip(rows.tolist(), affines, strict=True):
        own = torch.from_numpy(inputs.boxes[row])
        if plan.augmentation.mirrored_border:
            own = with_reflections(own, canvas)
        moved = torch.cat([warp_boxes(own[:, :-1], affine, canvas, shape), own[:, -1:]], dim=1)
        truths.append(truth_of(clipped(moved, shape)))
    return memory_order(images, channels_last=plan.optimisation.channels_last), truths


def on_tiles(
    affines: Tensor, boxes: Sequence[FloatArray], canvas: Sequence[int], tile: Sequence[int], generator: torch.Generator
) -> Tensor:
    """The affines with a tile of each image in the middle: three in four around a box, where there is one, the others
    anywhere."""
    moved = affines.clone()
    sides, half = np.array([*canvas][::-1]), np.array([*tile][::-1]) / 2
    for number, own in enumerate(boxes):
        place, around, which = torch.rand(3 * len(sides), generator=generator).reshape(3, -1).numpy()
        centre = half + place * np.maximum(0, sides - 2 * half)
        if len(own) and around[0] < _AROUND_BOXES:
            box = own[int(which[0] * len(own))]
            middle = (box[: len(sides)] + box[len(sides) : -1]) / 2
            centre = middle + (2 * place - 1) * half / 2
        centre = np.minimum(np.maximum(centre, half), sides - half)
        moved[number, :, -1] += torch.from_numpy((centre - sides / 2) / half).float()
    return moved


def _looked(network: Finder[Any], images: Tensor, truths: list[Truth], plan: Plan) -> tuple[float, list[Found]]:
    """The mean loss of a network on images, or on all their tiles, and what it finds on each."""
    shape, tile = tuple(images.shape[2:]), plan.looked_at
    starts = tiles_of(shape, tile)
    total, by_tile = 0.0, []
    for start in starts:
        pieces = cut_tile(images, start, tile)
        own = [_moved(truth, start, tile) for truth in truths]
        dense = network.dense(memory_order(pieces, channels_last=plan.optimisation.channels_last))
        total += float(network.losses(dense, own, tile).sum()) / len(starts)
        by_tile.append(network.findings(dense, tile))
    if len(starts) == 1:
        return total, by_tile[0]
    most = most_of(plan)
    return total, [joined([one[row] for one in by_tile], starts, shape, tile, most=most) for row in range(len(images))]


def _moved(truth: Truth, start: Sequence[int], tile: Sequence[int]) -> Truth:
    """What there is on the tile that begins there."""
    shift = torch.tensor([*start][::-1] * 2, dtype=torch.float32)
    boxes = torch.cat([truth.boxes - shift, (truth.kinds - 1).float()[:, None]], dim=1)
    return truth_of(clipped(boxes, tile))


def plain_batch(plan: Plan, inputs: Inputs, rows: IntArray) -> tuple[Tensor, list[Truth]]:
    """Images (N, C, *shape) in the plan's memory order as they are, and their boxes."""
    images = centre(images_of(inputs, rows), plan.input.shape)
    truths = [truth_of(clipped(torch.from_numpy(inputs.boxes[row]), plan.input.shape)) for row in rows.tolist()]
    return memory_order(images, channels_last=plan.optimisation.channels_last), truths


def clipped(boxes: Tensor, shape: Sequence[int]) -> Tensor:
    """The parts of boxes (n, 2 · dims + 1) that lie on an image of `shape`, of those of which enough does."""
    dims = len(shape)
    limits = torch.tensor([*shape][::-1], dtype=boxes.dtype)
    low, high = boxes[:, :dims].clamp(min=0), torch.minimum(boxes[:, dims:-1], limits)
    area = (boxes[:, dims:-1] - boxes[:, :dims]).clamp(min=0).prod(dim=1)
    left = (high - low).clamp(min=0)
    kept = (left.prod(dim=1) >= LEFT * area) & (left.min(dim=1).values >= 1)
    return torch.cat([low, high, boxes[:, -1:]], dim=1)[kept]


def truth_of(boxes: Tensor) -> Truth:
    """What there is on an image, of boxes (n, 2 · dims + 1)."""
    return Truth(boxes[:, :-1].float(), boxes[:, -1].long() + 1)


def _on(run: Setup, truth: Truth) -> Truth:
    return Truth(run.fabric.to_device(truth.boxes), run.fabric.to_device(truth.kinds))


def _parts(rows: IntArray) -> list[IntArray]:
    return [rows[start : start + _TOGETHER] for start in range(0, len(rows), _TOGETHER)]


def _precision(plan: Plan) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=plan.optimisation.precision == "bf16-mixed")
