"""Which drafts of a plan fit into memory: smaller inputs first, then smaller batches, then a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hounsfield.errors import PlanError
from hounsfield.plan.schema import Plan

Need = Callable[[Plan], int]
"""Bytes that a training step of a plan takes, as `learning.memory_need.step_bytes`."""

SHARE_OF_MEMORY = 0.5
"""Of the memory that is free, for a training; the rest is for the images on disk that the system keeps at hand, for
validating, and for whatever else the machine is asked to do meanwhile."""

SMALLEST_BATCH = 2


def fitting(drafts: Sequence[Plan], need: Need, *, free: int) -> tuple[list[Plan], dict[str, str]]:
    """The drafts whose training fits, and what memory decided, as reasons.

    Args:
        drafts: Plans that differ by their input's shape, the largest first.
        need: Measures a draft.
        free: Bytes of memory.

    Raises:
        PlanError: Not even the smallest draft fits, two images at a time.
    """
    room = free * SHARE_OF_MEMORY
    for place, draft in enumerate(drafts):
        if need(draft) <= room:
            return list(drafts[place:]), _shape_reason(free) if place else {}
    smallest, usual = drafts[-1], drafts[-1].optimisation.batch_size
    while (size := smallest.optimisation.batch_size) > SMALLEST_BATCH:
        smallest = _with_batch(smallest, max(SMALLEST_BATCH, size // 2))
        if need(smallest) <= room:
            why = f"not {usual}: {_half(free)}, and a step of {usual} images takes {_giga(need(drafts[-1]))} GB"
            return [smallest], _shape_reason(free) | {"optimisation.batch_size": why}
    shape = " × ".join(str(side) for side in smallest.input.shape)
    raise PlanError(
        f"a training step of the network {smallest.network.name!r} on {size} images of {shape} takes "
        f"{_giga(need(smallest))} GB of memory, and {_half(free)}; end other programs, ask for a smaller network with "
        "--network, or use a machine with more memory"
    )


def _with_batch(plan: Plan, size: int) -> Plan:
    return plan.model_copy(update={"optimisation": plan.optimisation.model_copy(update={"batch_size": size})})


def _shape_reason(free: int) -> dict[str, str]:
    return {"input.shape": f"the largest that fits, for {_half(free)}"}


def _half(free: int) -> str:
    return f"a training may take half of the {_giga(free)} GB that are free"


def _giga(size: int) -> str:
    return f"{size / 1e9:.1f}"
