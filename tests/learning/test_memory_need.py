"""What a training step needs, counted without one, is near what the process then takes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import torch

from hounsfield.learning.memory_need import step_bytes
from hounsfield.plan import (
    Augmentation,
    ConvNetChoice,
    Input,
    MultipleInstanceChoice,
    Optimisation,
    Plan,
    PretrainedChoice,
    ResidualChoice,
)

CHILD = """\
import sys
from pathlib import Path
from hounsfield.learning.throughput import images_per_second
from hounsfield.plan import Plan

def peak():  # ru_maxrss would begin at that of the process which started this one
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

plan = Plan.model_validate_json(sys.argv[1])
small = plan.optimisation.model_copy(update={"batch_size": 2})
side = 2 ** plan.network.halvings
tiny = plan.input.model_copy(update={"shape": (side,) * len(plan.input.shape)})
images_per_second(plan.model_copy(update={"optimisation": small, "input": tiny}))  # code and kernels are loaded
before = peak()
images_per_second(plan)
print(peak() - before)
"""


def plan_of(shape: tuple[int, ...], network: Any, *, views: tuple[str, ...] = (), **optimisation: Any) -> Plan:
    return Plan(
        dataset="some",
        classes=("no", "yes"),
        input=Input(shape=shape, views=views),
        network=network,
        augmentation=Augmentation(rotation_degrees=15, zoom=0.2, shift=0.1, gain=0.2, bias=0.05),
        optimisation=Optimisation(**{"threads": 1, "channels_last": len(shape) == 2, **optimisation}),
    )


PLANS = {
    "flat, five layers": plan_of((160, 160), ConvNetChoice(), batch_size=32),
    "volumes, residual": plan_of((32, 32, 32), ResidualChoice(), batch_size=8),
    "fine-tuned, three stages frozen": plan_of((160, 160), PretrainedChoice(), batch_size=16, frozen_stages=3),
    "views": plan_of((128, 128), MultipleInstanceChoice(over="views"), views=("l", "r"), batch_size=8),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak")
@pytest.mark.parametrize("name", PLANS)
def test_the_need_is_that_of_the_process_within_a_factor(name: str) -> None:
    plan = PLANS[name]
    words = [sys.executable, "-c", CHILD, plan.model_dump_json()]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    taken = json.loads(done.stdout.splitlines()[-1])
    assert taken > 1e8  # far above what a process wavers by
    assert 0.85 * taken < step_bytes(plan) < 2.5 * taken


def test_it_grows_with_the_batch_and_the_image_and_falls_with_frozen_stages() -> None:
    def need(side: int = 64, **optimisation: Any) -> int:
        return step_bytes(plan_of((side, side), PretrainedChoice(), **optimisation))

    assert need(batch_size=8) < need(batch_size=16) < need(side=128, batch_size=16)
    assert need(batch_size=16, frozen_stages=3) < need(batch_size=16)
    assert need(batch_size=16, head_only=True) < need(batch_size=16, frozen_stages=3) / 2


def test_counting_uses_no_random_numbers_and_hardly_any_memory() -> None:
    before = torch.get_rng_state()
    huge = plan_of((512, 512, 512), MultipleInstanceChoice(), batch_size=64)
    assert step_bytes(huge) > 1e12
    assert torch.equal(torch.get_rng_state(), before)
