"""How many images a second a plan's training works through on this machine, measured."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from hounsfield.arrays import IntArray, VoxelArray
from hounsfield.datasets.case import Case
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.lessons import lesson_of
from hounsfield.learning.supervised import setup
from hounsfield.learning.transfer import freeze
from hounsfield.plan import Plan

_STEPS = 3
_LONGEST_S = 6.0


def images_per_second(plan: Plan) -> float:
    """Training images a second, augmentation included: the fastest of a few steps on random images.

    The first step, in which the kernels are chosen, is not counted.
    """
    size = plan.optimisation.batch_size
    rng = np.random.default_rng(0)
    voxels = rng.standard_normal((size, plan.input.stored_channels, *plan.input.canvas), dtype=np.float32).astype(
        np.float16
    )
    rows = np.arange(size)
    columns = plan.input.shown_channels - plan.input.stored_channels
    table = np.zeros((size, columns), np.float32) if columns else None
    unknown = tuple(Case(id=str(row), patient=str(row), images={}) for row in rows.tolist())
    sides = np.array(plan.input.canvas[::-1], dtype=np.float32)
    box = np.concatenate([sides / 4, sides / 2, [0]]).astype(np.float32)[None]
    boxes = (box,) * size if plan.detection.kinds else ()
    middles = np.array(plan.input.canvas, dtype=np.float32) / 2
    points = np.tile(middles, (size, len(plan.localization.landmarks), 1))
    inputs = Inputs(voxels, rows % len(plan.classes), unknown, (), table=table, boxes=boxes, points=points)
    if plan.task == "segmentation":
        inputs = replace(inputs, images=_volumes(voxels), codes=_codes(voxels))
    lesson = lesson_of(plan, inputs)
    run = setup(plan, member=0, learned=True)  # any weights take the same time
    freeze(run.network, plan, epoch=plan.optimisation.epochs - 1)
    run.wrapped.train()
    generator = torch.Generator().manual_seed(0)
    fastest = float("inf")
    began = time.perf_counter()
    for step in range(_STEPS + 1):
        start = time.perf_counter()
        lesson.taught(run, plan, rows, generator)
        if step or time.perf_counter() - began > _LONGEST_S:
            fastest = min(fastest, time.perf_counter() - start)
        if time.perf_counter() - began > _LONGEST_S:
            break
    return size / fastest


def _volumes(voxels: VoxelArray) -> tuple[VoxelArray, ...]:
    """Each image as (channels, d, h, w)."""
    return tuple(one if one.ndim == 4 else one[:, None] for one in voxels)


def _codes(voxels: VoxelArray) -> tuple[IntArray, ...]:
    """Masks that have the first label on one half."""
    found = []
    for one in _volumes(voxels):
        codes = np.zeros(one.shape[1:], dtype=np.uint8)
        codes[:, : one.shape[2] // 2] = 1
        found.append(codes)
    return tuple(found)
