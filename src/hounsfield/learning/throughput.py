"""How many images a second a plan's training works through on this machine, measured."""

from __future__ import annotations

import time

import numpy as np
import torch

from hounsfield.learning.augmentation import draw_mixing
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.supervised import setup, train_step, training_batch
from hounsfield.learning.transfer import freeze
from hounsfield.plan import Plan
from hounsfield.plan.task import task_of

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
    inputs = Inputs(voxels, rows % len(plan.classes), (), (), table=table)
    numbers = sum(column.numbers for column in plan.auxiliary.columns)
    unknown = torch.full((size, numbers), torch.nan) if numbers else None
    task = task_of(plan)
    run = setup(plan, task, member=0, learned=True)  # any weights take the same time
    freeze(run.network, plan, epoch=plan.optimisation.epochs - 1)
    run.wrapped.train()
    generator = torch.Generator().manual_seed(0)
    fastest = float("inf")
    began = time.perf_counter()
    for step in range(_STEPS + 1):
        start = time.perf_counter()
        mixing = draw_mixing(size, augmentation=plan.augmentation, generator=generator)
        images, targets = training_batch(plan, inputs, rows, mixing=mixing, generator=generator)
        train_step(run, plan, task, images, targets, unknown, mixing)
        if step or time.perf_counter() - began > _LONGEST_S:
            fastest = min(fastest, time.perf_counter() - start)
        if time.perf_counter() - began > _LONGEST_S:
            break
    return size / fastest
