"""A bundle that looks at two views and at two columns of a table."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hounsfield.bundle import Bundle, OperatingPoint, TrainingRecord, write_bundle
from hounsfield.datasets.split import Split
from hounsfield.plan import Augmentation, ConvNetChoice, Ensemble, Input, MultipleInstanceChoice, Plan
from hounsfield.plan.network import build_network
from hounsfield.plan.schema import Column


@pytest.fixture
def wide_bundle(tmp_path: Path) -> Bundle:
    """Untrained; an age and a side stand beside a CC and an MLO view."""
    plan = Plan(
        dataset="by hand",
        classes=("plain", "square"),
        input=Input(
            shape=(16, 16),
            views=("CC", "MLO"),
            columns=(
                Column(name="age", kind="number", mean=60.0, std=10.0),
                Column(name="side", kind="category", values=("LEFT", "RIGHT")),
            ),
            steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": [16, 16]}),
        ),
        network=MultipleInstanceChoice(over="views", encoder=ConvNetChoice(widths=(4, 8), pool_after=(1, 2))),
        augmentation=Augmentation(flip_axes=(1,)),
        ensemble=Ensemble(flips=True),
    )
    torch.manual_seed(0)
    return write_bundle(
        tmp_path / "wide",
        plan=plan,
        members=[build_network(plan).state_dict()],
        operating=OperatingPoint(0.5, "by hand"),
        training=TrainingRecord("by hand", 2, 2, 1, 0.0, "", "", "finished"),
        split=Split({}, {}, 0, (1.0, 0.0, 0.0), "none", "by hand"),
    )
