"""The note on validation figures names what was chosen on them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hounsfield.plan import Plan, plan_from_text, plan_to_text
from hounsfield.plan.choices import note_on_choices

MakeTinyPlan = Callable[..., Plan]
WON = {"network.name": "five layers; tried on 12 cases held back: AUC convnet 0.8, residual 0.7"}
NOT_TRIED = {"network.name": "five layers; not tried: too few minutes"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "The threshold, the calibration and the best epoch were chosen on these cases: "),
        ({"keep": "last", "reasons": NOT_TRIED}, "The threshold and the calibration were chosen "),
        ({"keep": "last", "reasons": WON}, "The threshold, the calibration and the network were "),
        ({"reasons": WON}, "The threshold, the calibration, the network and the best epoch were "),
        ({"head_only": True}, "The threshold, the calibration and the strength of the regularisation were "),
    ],
)
def test_what_was_chosen_is_named(make_tiny_plan: MakeTinyPlan, changed: dict[str, Any], words: str) -> None:
    plan = plan_from_text(plan_to_text(make_tiny_plan(**changed)))  # as a bundle keeps it
    assert note_on_choices(plan).startswith(words)
