"""A table beside the images, through the whole loop: it adds to what they say, and may be unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.train import train
from hounsfield.networks.beside_table import BesideTable
from hounsfield.plan import Plan
from hounsfield.plan.schema import Column
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader

MakeTinyPlan = Callable[..., Plan]
SIDE = Column(name="side", kind="category", values=("LEFT", "RIGHT"))


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small networks are slower with more."""


@pytest.fixture
def sides(tmp_path: Path) -> Dataset:
    """96 images, half of them bright; a bright right one is positive."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (96, 16, 16), dtype=np.uint8)
    cases = []
    for number in range(96):
        bright, right = number % 2, (number // 2) % 2
        images[number] += np.uint8(150 * bright)
        cases.append(
            Case(
                f"case-{number:02d}",
                f"woman-{number}",
                {"image": ImageRef(tmp_path / "sides.npz", "images", number)},
                target=int(bright and right),
                columns={"side": "RIGHT" if right else "LEFT"},
            )
        )
    np.savez(tmp_path / "sides.npz", images=images)
    return Dataset("sides", tmp_path, tuple(cases), ("plain", "square"), "table", inputs=("side",))


def test_image_and_table_are_learned_from_and_read_together(
    sides: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(columns=(SIDE,), epochs=20, patience=20, dataset="sides", rotation_degrees=0.0)
    bundle = train(sides, tmp_path / "B", plan=plan).bundle
    assert isinstance(bundle.networks()[0], BesideTable)
    both = evaluate(bundle, sides, which="all", resamples=50).evidence.scores["auc_roc"].value
    assert both > 0.97
    unknown = tuple(replace(case, columns={"side": ""}) for case in sides.cases)
    alone = evaluate(bundle, replace(sides, cases=unknown), which="all", resamples=50).evidence.scores["auc_roc"].value
    assert 0.6 < alone < both - 0.05  # brightness alone is half of it


def test_an_image_without_its_table_is_read_with_the_columns_unknown(
    sides: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    bundle = train(sides, tmp_path / "B", plan=make_tiny_plan(columns=(SIDE,), epochs=2, dataset="sides")).bundle
    reader = Reader(bundle)
    image = reader.load_case(sides.cases[0])
    reading = reader.read_image(image, case="new")
    assert reading.answers[0].label == "square"
    assert reading.heat is not None


def test_the_plan_takes_the_columns_that_the_description_names(sides: Dataset) -> None:
    plan, _ = choose_plan_and_split(sides, minutes=0.05, seed=0, network="convnet")
    assert plan.input.columns == (SIDE,)
    assert plan.reasons["input.columns"] == "the description names them as inputs"
