"""Every family meets every kind of data: a plan that can be followed, or a sentence that names data and network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import Fingerprint, make_fingerprint
from hounsfield.errors import PlanError, UnknownNameError
from hounsfield.learning.candidates import candidates_for
from hounsfield.learning.memory_need import step_bytes
from hounsfield.plan import (
    ConvNetChoice,
    Input,
    Localization,
    Machine,
    MultipleInstanceChoice,
    Plan,
    PretrainedChoice,
    ResidualChoice,
    make_plan,
)
from hounsfield.plan.families import (
    CONVNET,
    DEFAULT_BACKBONE,
    RESIDUAL,
    Family,
    family_like,
    family_of,
    fine_tuned,
    over_slices,
    probe,
)
from hounsfield.plan.inputs import kind_of
from hounsfield.plan.locating import LOCATORS, POLICY, locator

MakeImages = Callable[..., Dataset]
LAPTOP = Machine(name="a laptop", cores=2, threads=1, memory_bytes=2**40, bf16=False)

DATA: dict[str, dict[str, Any]] = {
    "flat 28": {"shape_median": (1, 28, 28)},
    "flat 2000": {"shape_median": (1, 2000, 1600), "dtypes": {"uint16": 12}},
    "a strip": {"shape_median": (1, 400, 20)},
    "colour": {"shape_median": (1, 450, 600), "colour": True, "channels": 3},
    "volume 28": {"shape_median": (28, 28, 28), "planar": False},
    "volume 64": {"shape_median": (64, 64, 64), "planar": False},
    "five slices": {"shape_median": (5, 320, 320), "planar": False},
    "a long volume": {"shape_median": (200, 40, 30), "planar": False},
    "views": {"shape_median": (1, 300, 200), "views": {"cc": 12, "mlo": 12}},
    "views of volumes": {"shape_median": (40, 64, 64), "planar": False, "views": {"t1": 12, "t2": 12}},
}


def bundle(network: Any, **changed: Any) -> Plan:
    sections = {"input": {"shape": (64, 64)} | changed, "network": network}
    return Plan(dataset="theirs", classes=("no", "yes"), **sections)


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        CONVNET,
        RESIDUAL,
        over_slices(DEFAULT_BACKBONE),
        fine_tuned(DEFAULT_BACKBONE),
        probe(DEFAULT_BACKBONE),
        family_like(bundle(ConvNetChoice()), "deep"),
        family_like(bundle(ResidualChoice(), channels=3), "coloured"),
        family_like(bundle(MultipleInstanceChoice(over="views"), views=("cc", "mlo")), "of views"),
    )
}

REFUSED = {
    ("slices", "flat 28"),
    ("slices", "flat 2000"),
    ("slices", "a strip"),
    ("slices", "colour"),
    ("slices", "views"),
    *(("deep", data) for data in ("flat 28", "a strip", "volume 28", "five slices", "a long volume")),
    *(("of views", data) for data in DATA if data != "views"),
    *((family, "views of volumes") for family in FAMILIES),
}
"""A network for volumes meets flat images, one of five halvings small ones, one for views single ones."""


@pytest.fixture
def fingerprint(make_images: MakeImages) -> Fingerprint:
    return make_fingerprint(make_images(np.arange(256, dtype=np.uint8).reshape(16, 16)))


def plan_of(family: Family, fingerprint: Fingerprint, minutes: float, speed: float) -> Plan:
    return make_plan(
        fingerprint,
        LAPTOP,
        modality="",
        cropped=False,
        rarest_patients=6,
        views=tuple(fingerprint.views) if len(fingerprint.views) > 1 else (),
        minutes=minutes,
        seed=0,
        speed=lambda plan: speed / np.prod(plan.input.shape),
        memory=lambda plan: 0,
        family=family,
    )


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_plan_can_be_followed_or_the_refusal_names_data_and_network(
    fingerprint: Fingerprint, name: str, data: str
) -> None:
    found = replace(fingerprint, dataset="clinic", **DATA[data])
    if (name, data) in REFUSED:
        with pytest.raises(PlanError, match=f"the network '{name}' is not for clinic, whose (flat images|volumes)"):
            plan_of(FAMILIES[name], found, 10.0, 1e7)
        return
    for speed in (1.0, 1e7, 1e12):  # the smallest input, one between, the largest
        plan = plan_of(FAMILIES[name], found, 10.0, speed)
        assert Plan.model_validate(plan.model_dump()) == plan
    smallest = plan_of(FAMILIES[name], found, 10.0, 1.0)
    assert step_bytes(smallest) > 0  # the network takes such images


@pytest.mark.parametrize("planar", [True, False])
@pytest.mark.parametrize("way", LOCATORS)
def test_each_way_of_locating_takes_what_is_planned_for_it(fingerprint: Fingerprint, way: str, planar: bool) -> None:
    sides = (64, 48) if planar else (24, 32, 24)
    found = replace(fingerprint, shape_median=(1, 256, 192) if planar else (36, 50, 35), planar=planar)
    kind = kind_of(found, modality="", cropped=False, filters=False)
    network = locator(way, found, kind, DEFAULT_BACKBONE if planar else None).network(sides)
    plan = Plan(
        task="localization",
        dataset="theirs",
        classes=("image",),
        input=Input(shape=sides),
        network=network,
        localization=Localization(landmarks=("apex",)),
    )

    assert step_bytes(plan) > 0  # what is planned takes such images
    if way == POLICY:
        assert network.stem_stride == (1 if planar else 2)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_gives_reasons_for_nothing_but_what_it_changes(name: str) -> None:
    family = FAMILIES[name]
    reasons = {key.removeprefix("augmentation.") for key in family.reasons if key.startswith("augmentation.")}
    assert reasons <= set(family.augmentation)


def test_slices_are_tried_where_they_are_large_enough(fingerprint: Fingerprint) -> None:
    tried = {
        data: [family.name for family in candidates_for(replace(fingerprint, **DATA[data]))]
        for data in ("volume 28", "volume 64", "flat 28")
    }
    assert ["slices" in names for names in tried.values()] == [False, True, False]


def test_a_network_that_learned_from_mixed_images_learns_on_from_such() -> None:
    plan = bundle(PretrainedChoice(backbone=DEFAULT_BACKBONE), channels=3)
    mixed = plan.model_copy(update={"augmentation": plan.augmentation.model_copy(update={"mixup": 0.4})})
    assert family_like(mixed, "coloured").augmentation == {"mixup": 0.4}
    assert fine_tuned(DEFAULT_BACKBONE).augmentation["mixup"] > 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("resnet81", r"timm has no network 'resnet81'; near it: .*resnet18"),
        ("resnet81:probe", r"timm has no network 'resnet81'; near it: .*resnet18"),
        ("vit_tiny_patch16_224", "timm's vit_tiny_patch16_224 makes no maps"),
    ],
)
def test_nobody_is_sent_for_weights_of_a_network_that_is_not_or_is_refused(name: str, why: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"there is no network '{name}'; known: auto, .* \({why}") as refused:
        family_of(name)
    assert "weights for" not in str(refused.value)


def test_a_network_that_is_refused_is_refused_with_its_weights_at_hand_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUNSFIELD_WEIGHTS", str(tmp_path))
    for name in ("mambaout_femto", "resnet18"):
        (tmp_path / f"{name}.safetensors").touch()
    assert family_of("resnet18").name == "resnet18"
    with pytest.raises(UnknownNameError, match="timm's mambaout_femto makes no maps"):
        family_of("mambaout_femto")


def after(family: Family, data: Plan) -> Plan:
    """The plan of a bundle that a family trained on the data of another."""
    how = data.optimisation.model_copy(update=dict(family.optimisation))
    return data.model_copy(update={"network": family.network((64, 64)), "optimisation": how})


def test_a_probe_learns_on_as_if_it_came_from_imagenet() -> None:
    probed = after(probe(DEFAULT_BACKBONE), bundle(ConvNetChoice(), channels=3))
    assert (probed.optimisation.frozen_stages, probed.optimisation.learning_rate) == (0, 2e-3)  # ADR 0005: it diverges
    family = family_like(probed, "probed")
    assert family.optimisation == {**fine_tuned(DEFAULT_BACKBONE).optimisation, "start": "probed"}
    assert family.augmentation == fine_tuned(DEFAULT_BACKBONE).augmentation
    seen = probed.model_copy(update={"network": MultipleInstanceChoice(over="views", encoder=probed.network)})
    assert family_like(seen, "of views").optimisation["learning_rate"] == 2e-4


@pytest.mark.parametrize(
    ("first", "rate"),
    [(fine_tuned(DEFAULT_BACKBONE), 1e-4), (RESIDUAL, 5e-4), (CONVNET, 1e-3)],
    ids=["fine-tuned", "residual", "convnet"],
)
def test_who_learns_on_learns_half_as_fast_however_often(first: Family, rate: float) -> None:
    once = after(first, bundle(ConvNetChoice()))
    again = after(family_like(once, "once"), once)
    thrice = after(family_like(again, "again"), again)
    assert [plan.optimisation.learning_rate for plan in (once, again, thrice)] == pytest.approx([2 * rate, rate, rate])
    slow = once.model_copy(update={"optimisation": once.optimisation.model_copy(update={"learning_rate": rate / 5})})
    assert family_like(slow, "by hand").optimisation["learning_rate"] == rate / 5


def test_a_step_of_views_stays_as_large_however_often_it_is_learned_on(fingerprint: Fingerprint) -> None:
    views = replace(fingerprint, dataset="clinic", **DATA["views"])
    plan = plan_of(fine_tuned(DEFAULT_BACKBONE), views, 10.0, 1e7)
    again = plan_of(family_like(plan, "once"), views, 10.0, 1e7)
    assert [plan.optimisation.batch_size, again.optimisation.batch_size] == [8, 8]
