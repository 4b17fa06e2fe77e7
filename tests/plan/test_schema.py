"""Choices that contradict each other are refused, in sentences."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hounsfield.plan import (
    Augmentation,
    ConvNetChoice,
    Ensemble,
    Input,
    MultipleInstanceChoice,
    Optimisation,
    Plan,
    PretrainedChoice,
    ResidualChoice,
)
from hounsfield.plan.schema import Auxiliary, Column, canvas_of


def plan(**changed: Any) -> Plan:
    return Plan(**{"dataset": "films", "classes": ("a", "b"), "input": Input(shape=(64, 48))} | changed)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"input": Input(shape=(64, 16))},
            r"\(64, 16\) is halved 5 times by network.pool_after; .* at least 32 pixels",
        ),
        ({"network": {"widths": (4, 4), "pool_after": (3,)}}, "names a layer that network.widths"),
        ({"network": {"pool_after": (1, 1)}}, "network.pool_after names something twice: 1, 1"),
        ({"network": {"name": "residual", "widths": (8, 8)}}, r"network.blocks .* one number a stage"),
        (
            {"network": PretrainedChoice(), "input": Input(shape=(64, 16))},
            r"\(64, 16\) is halved 5 times by the pretrained network; every side needs at least 32 pixels",
        ),
        (
            {"input": Input(shape=(64, 48), views=("CC", "MLO"))},
            r"input.views \('CC', 'MLO'\) and network 'convnet' do",
        ),
        ({"network": MultipleInstanceChoice(over="views")}, "input.views .* do not fit: several images of a case go"),
        ({"network": MultipleInstanceChoice()}, r'network.over = "slices" is for volumes'),
        (
            {"network": MultipleInstanceChoice(over="views"), "input": Input(shape=(9, 64, 64), views=("CC", "MLO"))},
            r'network.over = "views" is for flat images',
        ),
        ({"augmentation": Augmentation(flip_axes=(2,))}, "flip_axes must lie in 0 … 1"),
        ({"augmentation": Augmentation(flip_axes=(1, 1))}, "augmentation.flip_axes names something twice: 1, 1"),
        ({"optimisation": Optimisation(class_weights=(1.0,))}, "class_weights needs one number per class"),
        ({"classes": ("a", "a")}, "classes names something twice: a, a"),
        ({"classes": ("a",)}, "too few to tell apart; two or more are needed"),
        ({"network": {"pool_after": (0,)}}, "names a layer that network.widths"),
    ],
)
def test_contradictions_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        plan(**changed)


def test_a_plan_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        plan().seed = 3


def test_two_sides_are_for_flat_images_and_three_for_volumes() -> None:
    assert plan().dims == 2
    assert plan(input=Input(shape=(32, 32, 32))).dims == 3


def test_volumes_may_be_mirrored_along_three_axes() -> None:
    flips = Augmentation(flip_axes=(0, 1, 2))
    assert plan(input=Input(shape=(32, 32, 32)), augmentation=flips, ensemble=Ensemble(flips=True)).dims == 3


@given(st.integers(1, 500), st.floats(1, 2))
def test_the_canvas_has_as_much_to_spare_on_one_side_as_on_the_other(side: int, margin: float) -> None:
    (canvas,) = canvas_of((side,), margin)
    assert canvas >= side
    assert (canvas - side) % 2 == 0
    assert canvas == pytest.approx(side * margin, abs=1.001)


def test_a_margin_of_two_fifths_by_hand() -> None:
    assert Input(shape=(128, 64), margin=1.4).canvas == (180, 90)  # 25.6 → 26 and 12.8 → 13 on either side
    assert Input(shape=(128, 64)).canvas == (128, 64)


def test_a_network_is_known_by_its_name_and_is_the_case_studys_where_none_is_given() -> None:
    assert plan().network == ConvNetChoice()
    assert plan(network={"widths": (8,), "pool_after": ()}).network == ConvNetChoice(widths=(8,), pool_after=())
    assert plan(network={"name": "residual"}).network == ResidualChoice()
    views = {"name": "multiple_instance", "over": "views", "encoder": {"name": "residual"}}
    many = plan(network=views, input=Input(shape=(64, 48), views=("CC", "MLO"))).network
    assert many == MultipleInstanceChoice(over="views", encoder=ResidualChoice())


def test_the_slices_of_a_volume_may_be_fewer_than_the_backbone_halves() -> None:
    assert plan(input=Input(shape=(5, 64, 64)), network=PretrainedChoice()).dims == 3
    assert plan(input=Input(shape=(5, 64, 64)), network=MultipleInstanceChoice()).dims == 3


def test_columns_that_make_no_sense_are_refused(make_tiny_plan: Callable[..., Plan]) -> None:
    age = Column(name="age", kind="number")
    with pytest.raises(ValidationError, match="the column 'margin' is a category and needs its values"):
        Column(name="margin", kind="category")
    with pytest.raises(ValidationError, match=r"auxiliary.columns names something twice: age, age"):
        make_tiny_plan(auxiliary=Auxiliary(columns=(age, age)))
    with pytest.raises(ValidationError, match=r"teach the features, which optimisation.head_only leaves as they are"):
        make_tiny_plan(auxiliary=Auxiliary(columns=(age,)), head_only=True)
