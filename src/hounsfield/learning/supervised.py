"""The training loop: setup → fit → validate, as functions over Lightning Fabric.

Every random number of an epoch comes from (seed, member, epoch), so that a run that was killed and started again ends
with the weights of an undisturbed one.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from hounsfield.arrays import IntArray
from hounsfield.errors import TrainingError
from hounsfield.learning.auxiliary import WithHeads, head_groups
from hounsfield.learning.checkpoint import EpochRecord, FitState, load_checkpoint, save_checkpoint
from hounsfield.learning.lesson import Lesson, Setup
from hounsfield.learning.muon import Muon
from hounsfield.learning.transfer import (
    KEPT_WEIGHTS,
    freeze,
    keep_statistics,
    load_start,
    parameter_groups,
    put_lesions,
)
from hounsfield.memory import keep_freed_memory
from hounsfield.networks.depthwise import speed_up_depthwise
from hounsfield.plan import Plan
from hounsfield.plan.network import build_network
from hounsfield.progress import say
from hounsfield.tasks.predict import network_in_order

CHECKPOINT_SECONDS = 5.0
"""A checkpoint is written after the last epoch, and after any other when the last one is at least this old."""


OPTIMIZERS = {"adamw": torch.optim.AdamW, "muon": Muon}
"""As plans name them."""

MOST_RESTARTS = 3
"""Of a network that has died; the fourth time it is what it is, and its score says so."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """One trained network."""

    weights: dict[str, Tensor]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: str
    """"finished" or "early stopping"."""
    dead: bool = False
    """Whether it answers the same to every validation case, whatever was tried."""
    before: tuple[EpochRecord, ...] = ()
    """Epochs of what it learned before the plan's own task."""


def setup(
    plan: Plan,
    *,
    member: int,
    kept: Path | None = None,
    begin: Mapping[str, Tensor] | None = None,
    learned: bool = False,
) -> Setup:
    """Weights drawn from the plan's seed and the member's number, or those it starts from, and an optimiser for them.

    Args:
        plan: The choices.
        member: Number of the network in the ensemble, from 0.
        kept: The run's copy of the weights to start from, where it has one.
        begin: Weights of a network that has learned lesions, as `transfer.put_lesions`, to start from instead.
        learned: Whether other weights take their place at once, so that those to start from are not needed.

    Raises:
        WeightsError, BundleError: The weights to start from are not at hand, or do not fit.
    """
    torch.set_num_threads(plan.optimisation.threads)
    keep_freed_memory()
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces the precision at every network
    accelerator = "auto" if plan.task == "classification" else "cpu"  # boxes and places are worked with there
    fabric = Fabric(accelerator=accelerator, devices=1, precision=plan.optimisation.precision)
    torch.manual_seed(derived_seed(plan.seed, member, 0))
    network = build_network(plan)
    if begin is not None:
        put_lesions(network, plan, begin)
    elif not learned:
        load_start(network, plan, member=member, kept=kept)
    speed_up_depthwise(network)
    network = network_in_order(network, channels_last=plan.optimisation.channels_last)
    with_heads = WithHeads(network, plan.auxiliary)
    optimizer = OPTIMIZERS[plan.optimisation.optimizer](
        [*parameter_groups(network, plan), *head_groups(with_heads, plan)],
        lr=plan.optimisation.learning_rate,
        fused=True,
    )
    wrapped, wrapped_optimizer = fabric.setup(with_heads, optimizer)
    return Setup(fabric, network, with_heads, wrapped, wrapped_optimizer)


def fit(
    plan: Plan,
    lesson: Lesson,
    *,
    train_rows: IntArray,
    val_rows: IntArray,
    member: int,
    checkpoint: Path,
    begin: Mapping[str, Tensor] | None = None,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
) -> Fitted:
    """Train one network and give back its weights: of its best epoch on the validation rows, or of its last.

    Args:
        plan: The choices.
        lesson: What is taught.
        train_rows: Rows of the prepared cases to learn from.
        val_rows: Rows to validate on.
        member: Number of the network in the ensemble, from 0.
        checkpoint: Where the state is kept, beside the run's copy of the weights to start from; if it is there,
            training goes on from it.
        begin: Weights of a network that has learned lesions, to start from instead of those of the plan.
        on_epoch: Called after each epoch, and for each epoch that a checkpoint already holds.

    Raises:
        TrainingError: A loss is not a number, or the checkpoint cannot be used.
        StorageError: A checkpoint cannot be written.
    """
    goes_on = checkpoint.is_file()
    kept = checkpoint.with_name(KEPT_WEIGHTS)
    run = setup(plan, member=member, kept=kept, begin=begin, learned=goes_on)
    state = FitState()
    if goes_on:
        state = load_checkpoint(checkpoint, run.with_heads, run.optimizer)
        for record in state.history:
            on_epoch(record)
    else:
        lesson.expect(run.network, plan, train_rows)
    written = time.monotonic()
    while state.epoch < plan.optimisation.epochs and not _worn_out(state, plan):
        began = time.monotonic()
        slower = at_rate(plan, plan.optimisation.learning_rate / 2**state.restarts)
        rows = np.tile(train_rows, plan.segmentation.windows_an_epoch)
        train_loss = train_epoch(run, slower, lesson, rows, member=member, epoch=state.epoch)
        exam = lesson.examined(run.network, plan, val_rows)
        state.dead = exam.dead
        if state.dead and state.restarts < MOST_RESTARTS:
            state = FitState(restarts=state.restarts + 1)
            say(f"warning: network {member + 1} answers the same to every image; it begins anew at half the rate")
            run = setup(plan, member=member, kept=kept, begin=begin)
            lesson.expect(run.network, plan, train_rows)
            continue
        _require_finite(exam.loss, "validation", plan, state.epoch)
        state.epoch += 1
        record = EpochRecord(state.epoch, train_loss, exam.loss, exam.score, time.monotonic() - began)
        state.history.append(record)
        if exam.loss < state.best_loss or plan.optimisation.keep == "last":
            state.best_loss, state.best_epoch = exam.loss, state.epoch
            state.best = {key: value.detach().clone() for key, value in run.network.state_dict().items()}
        ended = state.epoch >= plan.optimisation.epochs or _worn_out(state, plan)
        if ended or time.monotonic() - written >= CHECKPOINT_SECONDS:
            save_checkpoint(checkpoint, state, run.with_heads, run.optimizer)
            written = time.monotonic()
        on_epoch(record)
    stopped = "finished" if state.epoch >= plan.optimisation.epochs else "early stopping"
    weights = {key: value.contiguous().cpu() for key, value in state.best.items()}
    return Fitted(weights, tuple(state.history), state.best_epoch, stopped, state.dead)


def _worn_out(state: FitState, plan: Plan) -> bool:
    return plan.optimisation.keep == "best" and state.epoch - state.best_epoch >= plan.optimisation.patience


def train_epoch(run: Setup, plan: Plan, lesson: Lesson, rows: IntArray, *, member: int, epoch: int) -> float:
    """Mean training loss over one pass through `rows` in a random order.

    Raises:
        TrainingError: The loss is not a number.
    """
    seed = derived_seed(plan.seed, member, epoch + 1)
    torch.manual_seed(seed)  # for dropout
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(rows), generator=generator).numpy()
    size = min(plan.optimisation.batch_size, len(rows))
    steps = max(1, len(rows) // size)
    freeze(run.network, plan, epoch=epoch)
    run.wrapped.train()
    keep_statistics(run.network)
    total = torch.zeros(())
    for step in range(steps):
        for group in run.optimizer.param_groups:
            rate = learning_rate_at(plan, (epoch * steps + step) / (plan.optimisation.epochs * steps))
            group["lr"] = rate * group["scale"]
        chosen = rows[order[step * size : (step + 1) * size]]
        total += lesson.taught(run, plan, chosen, generator)
    mean = float(total) / steps
    _require_finite(mean, "training", plan, epoch)
    return mean


def _require_finite(loss: float, which: str, plan: Plan, epoch: int) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the {which} loss became {loss} in epoch {epoch + 1}; lower optimisation.learning_rate "
            f"(now {plan.optimisation.learning_rate}) in the plan and train again with --plan, into another folder"
        )


def at_rate(plan: Plan, rate: float) -> Plan:
    """The plan with another learning rate."""
    return plan.model_copy(update={"optimisation": plan.optimisation.model_copy(update={"learning_rate": rate})})


def learning_rate_at(plan: Plan, progress: float) -> float:
    """One cycle: a linear rise over the first fifth, then a cosine to zero.

    Args:
        plan: Its peak rate is used.
        progress: Share of all steps done, in [0, 1).

    Reference:
        Smith, Topin, "Super-convergence" (2017), arXiv:1708.07120.
    """
    rise = 0.2
    if progress < rise:
        share = 0.04 + 0.96 * progress / rise
    else:
        share = 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))
    return plan.optimisation.learning_rate * share


def derived_seed(seed: int, member: int, epoch: int) -> int:
    """A seed of its own for each member and epoch of a run."""
    return int(np.random.SeedSequence([seed, member, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))
