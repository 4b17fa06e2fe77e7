"""Lesions first: where boxes have classes enough, at the scale of the images, in a share of the minutes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.datasets.lesions import ELSEWHERE, LesionCounts
from hounsfield.errors import PlanError
from hounsfield.plan import Machine, Plan, make_plan, plan_from_text, plan_to_text
from hounsfield.plan.families import CONVNET, DEFAULT_BACKBONE, Family, family_like, fine_tuned, probe
from hounsfield.plan.inputs import kind_of
from hounsfield.plan.lesions import lesion_plan, others_of, squares_of
from hounsfield.plan.schema import Column

MACHINE = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**34, bf16=False)
FINE_TUNED = fine_tuned(DEFAULT_BACKBONE)


def lesions(patients: int = 200, **boxes: int) -> LesionCounts:
    return LesionCounts(boxes, {label: min(count, patients) for label, count in boxes.items()}, images=1000)


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
        "lesions": lesions(malignant=500, benign=500, ambiguous=5),
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

    for minutes in (20.0, 40.0, 60.0, 90.0):
        plan = plan_of(films(), minutes=minutes)
        share = 1 - 0.7 / plan.ensemble.folds  # learned from, and the others answered in 0.3 of the time
        squares = seconds(lesion_plan(plan), plan.lesions.epochs, 2000 * share)
        whole = seconds(plan, plan.optimisation.epochs, 1000 * share)
        assert 0.65 * minutes * 60 < squares + whole <= 0.91 * minutes * 60


def test_with_fewer_minutes_there_are_fewer_folds_before_lesions_are_lost() -> None:
    many, few = plan_of(films(), minutes=60.0), plan_of(films(), minutes=15.0)
    assert many.ensemble.folds == 5
    assert few.ensemble.folds == 3
    assert max(few.input.shape) >= 224
    assert plan_of(films(), minutes=15.0, folds=5).ensemble.folds == 5


def test_many_squares_take_no_more_than_their_share() -> None:
    many = LesionCounts({"benign": 12500, "malignant": 12500}, {"benign": 300, "malignant": 300}, images=1000)
    plan = plan_of(films(lesions=many), minutes=20.0)
    share = 1 - 0.7 / plan.ensemble.folds
    height, width = plan.lesions.shape
    squares = plan.ensemble.networks * plan.lesions.epochs * 26_000 * share * height * width / 2e6
    assert squares <= 0.351 * 20 * 60 * 0.9
    few = plan_of(films(lesions=many), minutes=2.0)
    assert few.lesions.epochs == 0
    assert "the minutes" in few.reasons["lesions.epochs"]


def test_grey_levels_are_those_of_the_whole_image() -> None:
    plan = plan_of(films(modalities={"DX": 1000}, dtypes={"uint16": 1000}, breast_median=None), modality="DX")
    assert [step["step"] for step in plan.input.steps] == ["rescale", "resize"]
    assert [step["step"] for step in plan.lesions.film_steps] == ["rescale"]
    assert [step["step"] for step in plan.lesions.steps] == ["resize"]


def test_squares_that_would_show_half_of_an_image_are_not_learned() -> None:
    plan = plan_of(films(), minutes=1.0)
    assert plan.lesions.epochs == 0
    assert "too small to cut squares of a lesion out of" in plan.reasons["lesions.epochs"]


@pytest.mark.parametrize(
    ("fingerprint", "family", "changed", "reason"),
    [
        (films(lesions=lesions(benign=500, malignant=99)), FINE_TUNED, {}, "500 'benign', 99 'malignant'; 100 or more"),
        (films(lesions=lesions(40, benign=500, malignant=500)), FINE_TUNED, {}, "of 50 patients"),
        (films(lesions=lesions(mass=500, cyst=500)), FINE_TUNED, {}, "two of the images' classes are needed"),
        (films(longer_side={"0": 400, "5": 500, "95": 3000, "100": 4000}), FINE_TUNED, {}, "sizes differ too much"),
        (films(lesions=LesionCounts()), FINE_TUNED, {}, None),
        (films(planar=True), CONVNET, {}, None),
        (films(), probe(DEFAULT_BACKBONE), {}, None),
        (films(), FINE_TUNED, {"cropped": True}, None),
        (films(), FINE_TUNED, {"views": ("CC", "MLO")}, None),
    ],
    ids=["few", "few patients", "other classes", "sizes", "no boxes", "from scratch", "probe", "squares", "views"],
)
def test_otherwise_nothing_is_learned_before_and_where_there_are_boxes_it_is_said_why(
    fingerprint: Fingerprint, family: Family, changed: dict[str, Any], reason: str | None
) -> None:
    plan = plan_of(fingerprint, family, **changed)
    assert plan.lesions.epochs == 0
    if reason is None:
        assert "lesions.epochs" not in plan.reasons
    else:
        assert reason in plan.reasons["lesions.epochs"]


def test_volumes_have_no_squares() -> None:
    kind = kind_of(films(), modality="MG", cropped=True)
    assert squares_of(films(), FINE_TUNED, kind).labels == ("benign", "malignant")
    assert squares_of(replace(films(), planar=False), FINE_TUNED, kind).labels == ()


def test_the_plan_of_the_squares_has_their_classes_and_any_orientation() -> None:
    plan = plan_of(films())
    squares = lesion_plan(plan)
    assert squares.classes == (ELSEWHERE, "benign", "malignant")
    assert squares.network == plan.network.model_copy(update={"pooling": "mean"})
    assert squares.optimisation.start == "imagenet"
    assert squares.augmentation.flip_axes == (0, 1)
    assert squares.augmentation.rotation_degrees == 180.0
    assert squares.lesions.epochs == 0
    assert squares.input.canvas == tuple(squares.input.steps[-1]["shape"])


def test_places_are_answered_as_squares_where_both_have_the_same_classes() -> None:
    plan = plan_of(films())
    assert plan.network.pooling == "lse"  # type: ignore[union-attr]
    assert plan.reasons["network.pooling"].startswith("places are answered as squares were")
    with_normal = plan_of(films(classes=("normal", "benign", "malignant"), class_counts=(300, 500, 500)))
    assert with_normal.lesions.epochs
    assert with_normal.network.pooling == "mean"  # type: ignore[union-attr]


def test_columns_and_places_do_not_go_together() -> None:
    plan = plan_of(films(), columns=(Column(name="age", kind="number"),))
    assert plan.lesions.epochs
    assert plan.network.pooling == "mean"  # type: ignore[union-attr]
    text = plan_to_text(plan).replace('pooling = "mean"', 'pooling = "lse"')
    with pytest.raises(PlanError, match="answers place by place; optimisation.head_only and input.columns need"):
        plan_from_text(text)


def test_who_learns_on_from_such_a_network_begins_with_the_mean() -> None:
    assert family_like(plan_of(films()), "bundle").network((64, 64)).pooling == "mean"  # type: ignore[union-attr]


def test_images_of_a_class_that_is_not_learned_show_no_lesion_where_they_have_no_box() -> None:
    plan = plan_of(films(classes=("normal", "benign", "malignant"), class_counts=(300, 500, 500)))
    assert others_of(plan) == (0,)
    other_words = plan.lesions.model_copy(update={"classes": ("mass", "cyst")})
    assert others_of(plan.model_copy(update={"lesions": other_words})) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[lesions]", "classes = []"), "lesions.epochs needs lesions.classes"),
        (("[lesions]", 'classes = ["benign", "benign"]'), "each label once"),
        (("[lesions]", 'classes = ["benign", "elsewhere"]'), "not 'elsewhere', which stands for squares without a box"),
        (
            ("[lesions]", "shape = [16, 16]"),
            r"lesions.steps must resize to lesions.shape times lesions.margin, \[22, 22\]",
        ),
        (("[optimisation]", "head_only = true"), "set it to 0 with optimisation.head_only"),
    ],
)
def test_a_plan_whose_lesions_make_no_sense_is_refused(change: tuple[str, str], message: str) -> None:
    section, line = change
    before, inside = plan_to_text(plan_of(films())).split(f"\n{section}\n")
    key = line.split(" = ")[0]
    changed = re.sub(rf"^{key} = .*$", line, inside, count=1, flags=re.MULTILINE)
    with pytest.raises(PlanError, match=message):
        plan_from_text(f"{before}\n{section}\n{changed}")


def test_squares_too_small_for_the_network_are_refused() -> None:
    plan = plan_of(films()).model_dump(exclude={"reasons"})
    plan["lesions"] |= {"shape": (16, 16), "margin": 1.0, "steps": ({"step": "resize", "shape": [16, 16]},)}
    with pytest.raises(ValidationError, match="halved 5 times by the network; every side needs at least 32 pixels"):
        Plan.model_validate(plan)
