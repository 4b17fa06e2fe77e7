"""Choices follow the data, the machine and the minutes, and every plan that is made can be followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import Fingerprint, make_fingerprint
from hounsfield.networks.build import build_from
from hounsfield.plan import (
    Machine,
    Plan,
    input_of,
    inspect_machine,
    make_plan,
    modality_of,
    plan_from_text,
    plan_to_text,
)
from hounsfield.plan.choose import explain_plan
from hounsfield.plan.families import CONVNET, RESIDUAL
from hounsfield.plan.network_input import network_array, prepare_case
from hounsfield.plan.schema import Column

MakeImages = Callable[..., Dataset]
PLAIN = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**33, bf16=False)
FAST_BF16 = replace(PLAIN, bf16=True)
noise = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> Iterator[None]:
    yield


def grey(height: int, width: int, dtype: type = np.uint8) -> VoxelArray:
    return noise.integers(0, np.iinfo(dtype).max, (height, width), dtype=dtype)


def film(height: int = 200, width: int = 150) -> VoxelArray:
    """A breast, half an ellipse at the left border, brighter than the background."""
    y, x = np.mgrid[:height, :width]
    inside = (2 * y / height - 1) ** 2 + (1.25 * x / width) ** 2 < 0.9
    return np.where(inside, noise.integers(90, 200, (height, width)), 3).astype(np.uint8)


def in_colours(picture: VoxelArray, *, same: bool) -> VoxelArray:
    shades = (1.0, 1.0, 1.0) if same else (1.0, 0.6, 0.3)
    return np.stack([(picture * shade).astype(picture.dtype) for shade in shades], axis=-1)


def plan_for(dataset: Dataset, fingerprint: Fingerprint | None = None, **changed: Any) -> Plan:
    fingerprint = fingerprint or make_fingerprint(dataset)
    usual: dict[str, Any] = {
        "modality": modality_of(dataset, fingerprint),
        "cropped": any(ref.crop is not None for case in dataset.cases for ref in case.images.values()),
        "rarest_patients": 6,
        "minutes": 10.0,
        "seed": 0,
        "speed": lambda plan: 1000.0,
        "memory": lambda plan: 0,
    }
    return make_plan(fingerprint, changed.pop("machine", PLAIN), **(usual | changed))


KINDS: dict[str, tuple[VoxelArray, dict[str, Any]]] = {
    "one pixel": (grey(1, 1), {}),
    "three pixels": (grey(3, 3), {}),
    "28 pixels": (grey(28, 28), {}),
    "30 pixels": (grey(30, 30), {}),
    "a chest film": (grey(300, 340, np.uint16), {"modality": "DX"}),
    "a strip": (grey(20, 400), {}),
    "colours": (in_colours(grey(60, 80), same=False), {}),
    "grey stored as colours": (in_colours(grey(60, 80), same=True), {}),
    "a mammogram": (film(), {"modality": "MG"}),
    "a mammogram in colours": (in_colours(film(), same=True), {"modality": "MG"}),
    "a mass": (film(), {"modality": "MG", "box": (40, 80, 70, 120)}),
    "a mass at the border": (film(), {"modality": "MG", "box": (0, 190, 12, 200)}),
    "a mass in colours": (in_colours(film(), same=True), {"modality": "MG", "box": (40, 80, 70, 120)}),
    "a lesion of the skin": (in_colours(grey(90, 120), same=False), {"box": (30, 30, 60, 70)}),
    "three pixels cut out": (grey(30, 30), {"box": (10, 10, 12, 12)}),
    "a CT": (noise.integers(-1000, 1500, (20, 40, 44), dtype=np.int16), {"modality": "CT"}),
    "a slice of CT in 8 bits": (grey(64, 64), {"modality": "CT"}),
    "a MR of few slices": (noise.integers(0, 900, (5, 80, 80), dtype=np.uint16), {"modality": "MR"}),
    "a small volume": (noise.integers(0, 255, (8, 8, 8), dtype=np.uint8), {}),
    "a tomosynthesis": (noise.integers(0, 900, (6, 60, 50), dtype=np.uint16), {"modality": "MG"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_plan_that_is_made_can_be_followed(make_images: MakeImages, kind: str) -> None:
    picture, words = KINDS[kind]
    dataset = make_images(picture, **words)
    fingerprint = make_fingerprint(dataset)
    for minutes in (0.1, 10.0, 1000.0):
        plan = plan_for(dataset, fingerprint, minutes=minutes)
        assert plan_from_text(plan_to_text(plan)) == plan
        prepared = network_array(prepare_case(dataset.cases[0].images["image"], plan.input), plan.input)
        assert prepared.shape == (plan.input.channels, *plan.input.canvas)
        assert np.isfinite(prepared).all()
        if picture.size > 1:
            assert prepared.std() > 0
        network = build_from(plan.network.model_dump(), dims=plan.dims, channels=plan.input.channels, outputs=2).eval()
        assert network(torch.zeros(1, plan.input.channels, *plan.input.shape)).shape == (1, 2)
    assert input_of(dataset, fingerprint).shape == plan.input.shape


@pytest.mark.parametrize("kind", KINDS)
def test_every_reason_belongs_to_a_choice_and_is_shown(make_images: MakeImages, kind: str) -> None:
    picture, words = KINDS[kind]
    plan = plan_for(make_images(picture, **words))
    rows = explain_plan(plan)
    assert {name for name, _, _ in rows} == set(plan.reasons)
    assert all(value and reason for _, value, reason in rows)


def test_columns_are_shown_by_their_names(make_images: MakeImages) -> None:
    age = Column(name="age", kind="number")
    margin = Column(name="margin", kind="category", values=("round", "spiculated"))
    plan = plan_for(make_images(grey(64, 64)), columns=(age,), auxiliary=(margin, age))
    shown = {name: value for name, value, _ in explain_plan(plan)}
    assert shown["input.columns"] == "age"
    assert shown["auxiliary.columns"] == "margin, age"


FILTERS = ["median", "bilateral", "gaussian"]


def steps_of(plan: Plan) -> list[str]:
    return [str(step["step"]) for step in plan.input.steps]


def test_more_minutes_give_larger_inputs_and_more_epochs(make_images: MakeImages) -> None:
    dataset = make_images(grey(300, 300), count=100)

    def speed(plan: Plan) -> float:
        return 4e6 / np.prod(plan.input.shape)  # as a convolution: in proportion to the pixels

    plans = [plan_for(dataset, speed=speed, minutes=minutes, rarest_patients=50) for minutes in (0.05, 0.5, 5, 200)]
    sides = [plan.input.shape[0] for plan in plans]
    assert sides == sorted(sides)
    assert sides[0] < sides[-1] == 256
    folds = [plan.ensemble.folds for plan in plans]
    assert folds == sorted(folds)
    assert (folds[0], folds[-1]) == (1, 5)
    networks = [plan.ensemble.networks for plan in plans]
    assert networks == sorted(networks)
    assert networks[-1] == 20  # 61 images a second for 180 minutes, 8,000 wanted by each
    assert plans[-1].optimisation.epochs >= 100


def test_few_images_are_not_made_smaller_for_further_epochs(make_images: MakeImages) -> None:
    def speed(plan: Plan) -> float:
        return 4e6 / np.prod(plan.input.shape)

    # 61 images a second at 256 a side for 9 minutes: 5,900 for each of five networks, 140 times each of 40
    few, many = (
        plan_for(make_images(grey(300, 300), count=count), speed=speed, minutes=9.0, rarest_patients=20)
        for count in (50, 1000)
    )
    assert few.input.shape == (256, 256)
    assert many.input.shape[0] < 256


def test_where_no_input_is_fast_enough_the_fastest_is_taken_and_not_the_smallest(make_images: MakeImages) -> None:
    dataset = make_images(noise.integers(0, 255, (64, 64, 64), dtype=np.uint8), count=20)

    def speed(plan: Plan) -> float:  # the smaller two are not halved at once
        return {64: 0.1, 48: 0.2, 40: 0.3, 32: 0.5, 28: 0.2, 24: 0.4}[plan.input.shape[0]]

    assert plan_for(dataset, speed=speed, minutes=1.0, family=RESIDUAL).input.shape == (32, 32, 32)
    assert plan_for(dataset, speed=lambda plan: 0.1, minutes=1.0, family=RESIDUAL).input.shape == (24, 24, 24)


def test_the_epochs_are_as_many_as_fit_into_the_minutes(make_images: MakeImages) -> None:
    dataset = make_images(grey(28, 28), count=90)
    # one fold: 80 of 90 cases an epoch, and 10 answered, as long as 3; 90 % of a minute is 54 s, at 100 a second 5400
    # images; in the end 10 are answered, and their mirror images, as long as 6: 5394 / 83
    plan = plan_for(dataset, speed=lambda plan: 100.0, minutes=1.0)
    assert (plan.ensemble.folds, plan.optimisation.epochs) == (1, 64)
    assert plan.reasons["optimisation.epochs"] == "5120 images a network at 100 a second (measured here)"
    assert plan.reasons["ensemble.folds"] == "the minutes allow one network"
    assert plan_for(dataset, speed=lambda plan: 1e9).optimisation.epochs == CONVNET.longest
    assert plan_for(dataset, speed=lambda plan: 1e-9).optimisation.epochs == 1


@pytest.mark.parametrize("patients", [2, 3, 5])
def test_validating_and_measuring_are_part_of_the_minutes(make_images: MakeImages, patients: int) -> None:
    dataset = make_images(grey(28, 28), count=600)
    plan = plan_for(dataset, speed=lambda plan: 300.0, minutes=10.0, rarest_patients=patients)
    folds = plan.ensemble.folds
    assert folds == {2: 1, 3: 3, 5: 5}[patients]
    answered = 600 / folds if folds > 1 else 67
    learned = 600 - answered
    seconds = plan.ensemble.networks * (plan.optimisation.epochs * (learned + 0.3 * answered) + 0.6 * answered) / 300
    assert 0.85 * 600 < seconds <= 0.9 * 600


def test_images_are_mixed_where_there_are_epochs_enough_to_learn_them_by_heart(make_images: MakeImages) -> None:
    dataset, family = (
        make_images(grey(128, 128), count=90),
        replace(CONVNET, augmentation={"mixup": 0.4}, few_epochs=9, with_few={"mixup": 0.0}),
    )
    # one fold: an epoch as long as 83 images, and 6 in the end; 90 % of a minute is 54 s
    eight, nine = (
        plan_for(dataset, speed=lambda plan: speed, minutes=1.0, family=family)  # noqa: B023 - called at once
        for speed in ((8 * 83 + 6) / 54 + 0.1, (9 * 83 + 6) / 54 + 0.1)
    )
    assert (eight.optimisation.epochs, eight.augmentation.mixup) == (8, 0.0)
    assert "so few epochs" in eight.reasons["augmentation.mixup"]
    assert (nine.optimisation.epochs, nine.augmentation.mixup) == (9, 0.4)


def test_there_are_no_more_folds_than_patients_of_the_rarest_class(make_images: MakeImages) -> None:
    dataset = make_images(grey(28, 28), count=40)
    folds = [plan_for(dataset, rarest_patients=count).ensemble.folds for count in (2, 3, 4, 5, 20)]
    assert folds == [1, 3, 3, 5, 5]
    reason = plan_for(dataset, rarest_patients=2).reasons["ensemble.folds"]
    assert reason == "too few patients of a class to spread over folds"


def test_many_cases_need_no_folds(make_images: MakeImages) -> None:
    dataset = make_images(grey(28, 28))
    many = replace(make_fingerprint(dataset), class_counts=(2000, 1000))
    plan = plan_for(dataset, many, minutes=100)
    assert plan.ensemble.folds == 1
    assert plan.reasons["ensemble.folds"] == "cases enough for one validation part"


def test_rare_classes_get_the_same_say(make_images: MakeImages) -> None:
    dataset = make_images(grey(28, 28))
    fingerprint = make_fingerprint(dataset)
    rare = plan_for(dataset, replace(fingerprint, class_counts=(90, 30)))
    assert rare.optimisation.class_weights == (0.6667, 2.0)
    assert rare.reasons["optimisation.class_weights"] == "90 no, 30 yes: each class gets the same say"
    even = plan_for(dataset, replace(fingerprint, class_counts=(60, 40)))
    assert even.optimisation.class_weights == ()
    assert plan_for(dataset, replace(fingerprint, class_counts=(60, 0))).optimisation.class_weights == ()


def test_colour_is_kept_where_there_is_some_and_made_grey_where_not(make_images: MakeImages) -> None:
    colour = plan_for(make_images(KINDS["colours"][0]))
    assert (colour.input.channels, "grey" in steps_of(colour)) == (3, False)
    same = plan_for(make_images(KINDS["grey stored as colours"][0]))
    assert (same.input.channels, steps_of(same)[0]) == (1, "grey")
    assert plan_for(make_images(grey(28, 28))).input.channels == 1


def test_mammograms_get_the_filters_of_the_case_study(make_images: MakeImages) -> None:
    whole = plan_for(make_images(film(), modality="MG"))
    assert [step for step in steps_of(whole) if step in FILTERS] == FILTERS
    assert steps_of(whole).index("breast") < steps_of(whole).index("median")
    assert (whole.input.margin, whole.augmentation.flip_axes, whole.input.film_steps) == (1.0, (), ())
    mass = plan_for(make_images(film(), modality="MG", box=(40, 80, 70, 120)))
    assert steps_of(mass) == [*FILTERS, "resize"]
    assert mass.input.film_steps
    assert (mass.input.margin, mass.augmentation.flip_axes) == (1.4, (0, 1))
    assert mass.augmentation.rotation_degrees == 180
    assert mass.ensemble.flips


def test_tissue_has_no_upright_and_its_stains_differ(make_images: MakeImages) -> None:
    colour = in_colours(grey(64, 64), same=False)
    slide = plan_for(make_images(colour, modality="SM")).augmentation
    assert (slide.rotation_degrees, slide.flip_axes, slide.mirrored_border, slide.stain) == (180.0, (0, 1), True, 0.2)
    photograph = plan_for(make_images(colour)).augmentation
    assert (photograph.rotation_degrees, photograph.stain, photograph.mirrored_border) == (15.0, 0.0, False)
    assert plan_for(make_images(grey(64, 64), modality="SM")).augmentation.stain == 0


def test_ct_is_seen_through_a_window_and_other_levels_are_scaled(make_images: MakeImages) -> None:
    assert steps_of(plan_for(make_images(KINDS["a CT"][0], modality="CT"))) == ["window", "resize"]
    assert steps_of(plan_for(make_images(KINDS["a CT"][0]))) == ["rescale", "resize"]
    assert steps_of(plan_for(make_images(grey(28, 28)))) == ["float", "resize"]
    assert steps_of(plan_for(make_images(grey(28, 28, np.uint16)))) == ["rescale", "resize"]
    # a receiver's gain says how bright a magnetic resonance is, in 8 bits too
    assert steps_of(plan_for(make_images(grey(64, 64), modality="MR"))) == ["rescale", "resize"]
    # 8 bits cannot hold Hounsfield units: somebody has shown the CT through a window already
    assert steps_of(plan_for(make_images(grey(64, 64), modality="CT"))) == ["float", "resize"]


def test_small_images_are_not_blown_up(make_images: MakeImages) -> None:
    for side, expected in ((3, 24), (28, 28), (64, 64), (100, 96), (300, 256)):
        plan = plan_for(make_images(grey(side, side)), minutes=1000)
        assert plan.input.shape == (expected, expected), side


def test_the_halvings_leave_some_pixels(make_images: MakeImages) -> None:
    for side, halvings in ((24, 3), (64, 4), (128, 5), (300, 5)):
        plan = plan_for(make_images(grey(side, side)), minutes=1000)
        assert len(plan.network.pool_after) == halvings
        assert min(plan.input.shape) // 2**halvings >= 3


def test_the_faster_precision_is_taken(make_images: MakeImages) -> None:
    dataset = make_images(grey(28, 28))
    for bf16, plain, expected in ((900, 300, "bf16-mixed"), (300, 900, "32-true")):
        speeds = {"bf16-mixed": bf16, "32-true": plain}
        plan = plan_for(dataset, machine=FAST_BF16, speed=lambda plan, s=speeds: s[plan.optimisation.precision])
        assert plan.optimisation.precision == expected
    assert plan_for(dataset, machine=PLAIN).optimisation.precision == "32-true"


def test_the_files_own_word_on_the_modality_counts_before_the_data_sets(make_images: MakeImages) -> None:
    dataset = make_images(grey(28, 28), modality="MG")
    fingerprint = make_fingerprint(dataset)
    assert modality_of(dataset, fingerprint) == "MG"
    assert modality_of(dataset, replace(fingerprint, modalities={"CT": 7, "MG": 5})) == "CT"
    assert modality_of(replace(dataset, modality=""), replace(fingerprint, modalities={})) == ""


def test_the_machine_at_hand_has_a_name_and_threads() -> None:
    machine = inspect_machine()
    assert machine.name
    assert 1 <= machine.threads <= machine.cores
    assert machine.memory_bytes > 0
