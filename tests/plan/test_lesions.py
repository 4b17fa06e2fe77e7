"""Lesions first: where boxes have classes enough, at the scale of the images, in a share of the minutes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.datasets.lesions import ELSEWHERE
from hounsfield.errors import PlanError
from hounsfield.plan import Machine, Plan, make_plan, plan_from_text, plan_to_text
from hounsfield.plan.families import CONVNET, DEFAULT_BACKBONE, Family, fine_tuned, probe
from hounsfield.plan.lesions import lesion_labels, lesion_plan

MACHINE = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**34, bf16=False)
FINE_TUNED = fine_tuned(DEFAULT_BACKBONE)


def films(**changed: Any) -> Fingerprint:
    """Of a thousand mammograms of 800 × 600, half with a benign and half with a malignant box."""
    usual: dict[str, Any] = {
        "dataset": "films",
        "layout": "table",
        "cases": 1000,
        "patients": 500,
        "patients_known": True,
        "classes": ("benign", "malignant"),
        "class_counts": (500, 500),
        "unlabelled": 0,
        "shape_min": (1, 800, 600),
        "shape_median": (1, 800, 600),
        "shape_max": (1, 800, 600),
        "planar": True,
        "channels": 1,
        "colour": False,
        "dtypes": {"uint8": 1000},
        "modalities": {"MG": 1000},
        "spacing_mm": None,
        "spacing_kinds": {},
        "intensity": {},
        "boxes": 1000,
        "box_width": None,
        "box_height": None,
        "age_years": None,
        "ages_known": 0,
        "sexes": {},
        "sites": {},
        "sampled": 200,
        "unreadable": (),
        "notes": (),
        "box_labels": {"malignant": 500, "benign": 500, "ambiguous": 5},
        "breast_median": (768, 576),
    }
    return Fingerprint(**usual | changed)


def plan_of(fingerprint: Fingerprint, family: Family = FINE_TUNED, **changed: Any) -> Plan:
    """At a million pixels a second."""
    usual: dict[str, Any] = {
        "modality": "MG",
        "cropped": False,
        "rarest_patients": 200,
        "minutes": 60.0,
        "seed": 0,
        "speed": lambda plan: 2e6 / (plan.input.shape[0] * plan.input.shape[1]),
        "memory": lambda plan: 0,
        "family": family,
    }
    return make_plan(fingerprint, MACHINE, **usual | changed)


def test_squares_are_learned_at_the_scale_of_the_films() -> None:
    plan = plan_of(films())
    assert plan.lesions.classes == ("benign", "malignant")
    assert 1 <= plan.lesions.epochs <= 12
    height, _ = plan.input.shape
    assert plan.lesions.side / plan.lesions.shape[0] == pytest.approx(768 / height, rel=0.01)
    assert plan.lesions.side <= 768 / 3
    assert "1000 boxes" in plan.reasons["lesions.epochs"]
    assert plan_from_text(plan_to_text(plan)) == plan


def test_both_stages_together_take_the_minutes() -> None:
    def seconds(plan: Plan, epochs: int, images: float) -> float:
        height, width = plan.input.shape
        return plan.ensemble.networks * epochs * images * height * width / 2e6

    for minutes in (20.0, 40.0, 60.0):
        plan = plan_of(films(), minutes=minutes)
        share = 1 - 1 / plan.ensemble.folds
        squares = seconds(lesion_plan(plan), plan.lesions.epochs, 2000 * share)
        whole = seconds(plan, plan.optimisation.epochs, 1000 * share)
        assert 0.5 * minutes * 60 < squares + whole <= 0.86 * minutes * 60


def test_with_fewer_minutes_there_are_fewer_folds_before_lesions_are_lost() -> None:
    many, few = plan_of(films(), minutes=60.0), plan_of(films(), minutes=15.0)
    assert many.ensemble.folds == 5
    assert few.ensemble.folds == 3
    assert max(few.input.shape) >= 224
    assert plan_of(films(), minutes=15.0, folds=5).ensemble.folds == 5


@pytest.mark.parametrize(
    ("fingerprint", "family", "changed"),
    [
        (films(box_labels={"benign": 500, "malignant": 99}), FINE_TUNED, {}),
        (films(box_labels={"mass": 500, "cyst": 500}), FINE_TUNED, {}),
        (films(), CONVNET, {}),
        (films(), probe(DEFAULT_BACKBONE), {}),
        (films(), FINE_TUNED, {"cropped": True}),
        (films(), FINE_TUNED, {"views": ("CC", "MLO")}),
    ],
    ids=["few", "other classes", "from scratch", "probe", "squares already", "views"],
)
def test_otherwise_nothing_is_learned_before(fingerprint: Fingerprint, family: Family, changed: dict[str, Any]) -> None:
    plan = plan_of(fingerprint, family, **changed)
    assert plan.lesions.epochs == 0
    assert "lesions.epochs" not in plan.reasons


def test_volumes_have_no_squares() -> None:
    assert lesion_labels(replace(films(), planar=False), FINE_TUNED) == ()


def test_the_plan_of_the_squares_has_their_classes_and_any_orientation() -> None:
    plan = plan_of(films())
    squares = lesion_plan(plan)
    assert squares.classes == (ELSEWHERE, "benign", "malignant")
    assert squares.network == plan.network
    assert squares.optimisation.start == "imagenet"
    assert squares.augmentation.flip_axes == (0, 1)
    assert squares.augmentation.rotation_degrees == 180.0
    assert squares.lesions.epochs == 0
    assert squares.input.canvas == tuple(squares.input.steps[-1]["shape"])


def test_a_plan_whose_lesions_have_no_class_or_no_features_to_teach_is_refused() -> None:
    text = plan_to_text(plan_of(films()))
    with pytest.raises(PlanError, match=r"lesions.epochs needs lesions.classes"):
        plan_from_text(text.replace('classes = ["benign", "malignant"]', "classes = []").replace(
            "classes = []", 'classes = ["benign", "malignant"]', 1
        ))  # fmt: skip
    with pytest.raises(PlanError, match=r"set it to 0 with optimisation.head_only"):
        plan_from_text(text.replace("head_only = false", "head_only = true"))
