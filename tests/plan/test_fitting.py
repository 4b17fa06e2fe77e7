"""Memory decides where it is short, says so, and is silent where it is not."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest

from hounsfield.datasets.fingerprint import Fingerprint, make_fingerprint
from hounsfield.errors import PlanError
from hounsfield.plan import Machine, Plan, make_plan
from hounsfield.plan.fitting import fitting

MACHINE = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**33, bf16=False)
PER_VOXEL = 1000


def need(plan: Plan) -> int:
    return plan.optimisation.batch_size * prod(plan.input.shape) * PER_VOXEL


@pytest.fixture
def volumes(make_images: Any) -> Fingerprint:
    return make_fingerprint(make_images(np.zeros((64, 64, 64), np.uint8)))


def plan_with(free: float, fingerprint: Fingerprint, *, speed: float = 1e6, memory: Any = need) -> Plan:
    return make_plan(
        fingerprint,
        replace(MACHINE, memory_bytes=int(free)),
        modality="",
        cropped=False,
        rarest_patients=6,
        minutes=10.0,
        seed=0,
        speed=lambda plan: speed,
        memory=memory,
    )


def test_nothing_is_said_of_memory_where_all_fits(volumes: Fingerprint) -> None:
    plan = plan_with(2 * 32 * 64**3 * PER_VOXEL, volumes)
    assert (plan.input.shape, plan.optimisation.batch_size) == ((64, 64, 64), 32)
    assert "optimisation.batch_size" not in plan.reasons
    assert "memory" not in str(plan.reasons) and "GB" not in str(plan.reasons)


def test_smaller_inputs_come_first_and_the_reason_says_how_much_is_free(volumes: Fingerprint) -> None:
    plan = plan_with(2 * 32 * 64**3 * PER_VOXEL - 2, volumes)
    assert (plan.input.shape, plan.optimisation.batch_size) == ((48, 48, 48), 32)
    assert plan.reasons["input.shape"] == (
        "48 × 48 × 48 of a median 64 × 64 × 64: the largest that fits, for a training may take half of the "
        "16.8 GB that are free"
    )
    assert "optimisation.batch_size" not in plan.reasons


def test_where_the_minutes_ask_for_less_memory_is_not_named(volumes: Fingerprint) -> None:
    plan = plan_with(2 * 32 * 64**3 * PER_VOXEL - 2, volumes, speed=0.01)
    assert plan.input.shape == (24, 24, 24)
    assert "GB" not in plan.reasons["input.shape"]


def test_then_the_batch_is_halved_down_to_two(volumes: Fingerprint) -> None:
    plan = plan_with(2 * 2 * 24**3 * PER_VOXEL, volumes)
    assert (plan.input.shape, plan.optimisation.batch_size) == ((24, 24, 24), 2)
    assert plan.reasons["optimisation.batch_size"].startswith("not 32: a training may take half of the 0.1 GB that")
    assert plan.reasons["optimisation.batch_size"].endswith("a step of 32 images takes 0.4 GB")
    assert "GB" in plan.reasons["input.shape"]
    assert plan_with(2 * 9 * 24**3 * PER_VOXEL, volumes).optimisation.batch_size == 8


def test_then_it_is_a_sentence(volumes: Fingerprint) -> None:
    with pytest.raises(
        PlanError,
        match=r"step of the network 'convnet' on 2 images of 24 × 24 × 24 takes 1\.5 GB of memory, and a training may "
        r"take half of the 3\.0 GB that are free; end other programs, ask for a smaller network with --network, or use "
        "a machine with more memory",
    ):
        plan_with(3e9, volumes, memory=lambda plan: 1_500_000_001)


def test_the_smaller_drafts_are_not_measured(make_images: Any) -> None:
    asked: list[tuple[int, ...]] = []

    def note(plan: Plan) -> int:
        asked.append(plan.input.shape)
        return need(plan)

    drafts = [plan_with(1e12, make_fingerprint(make_images(np.zeros((side,) * 3, np.uint8)))) for side in (64, 48, 32)]
    left, reasons = fitting(drafts, note, free=2 * need(drafts[1]))
    assert left == drafts[1:] and list(reasons) == ["input.shape"]
    assert asked == [(64, 64, 64), (48, 48, 48)]
