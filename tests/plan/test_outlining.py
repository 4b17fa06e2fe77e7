"""Windows and strides from the size and the spacing of the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.channels import image_of
from hounsfield.datasets.fingerprint import ChannelFacts, Fingerprint, make_fingerprint
from hounsfield.datasets.segmentation import MOST_NUMBERS, MOST_OVERLAPPING
from hounsfield.learning import choosing
from hounsfield.networks.build import build_from
from hounsfield.plan import (
    Input,
    Machine,
    Plan,
    PretrainedChoice,
    RecurrentChoice,
    ResidualChoice,
    Segmentation,
    UNetChoice,
    make_plan,
    plan_from_text,
    plan_to_text,
)
from hounsfield.plan.choose import explain_plan
from hounsfield.plan.families import Family
from hounsfield.plan.inputs import Kind, kind_of, window_steps
from hounsfield.plan.network import build_network
from hounsfield.plan.outlining import outliner, slicewise_outliner, strides_for

MACHINE = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**34, bf16=False)
WHOLE = Kind(steps=(), reason="")


def stacks(
    largest: tuple[int, int, int] = (14, 256, 256), spacing: tuple[float, float, float] | None = (8.0, 1.0, 1.0)
) -> Fingerprint:
    return Fingerprint(
        dataset="hearts",
        layout="table",
        cases=64,
        patients=32,
        patients_known=True,
        classes=("image",),
        class_counts=(64,),
        unlabelled=0,
        shape_min=(5, *largest[1:]),
        shape_median=(9, *largest[1:]),
        shape_max=largest,
        planar=False,
        channels=1,
        colour=False,
        dtypes={"uint8": 64},
        modalities={"MR": 64},
        spacing_mm=spacing,
        spacing_kinds={"patient" if spacing else "none": 64},
        intensity={},
        boxes=0,
        box_width=None,
        box_height=None,
        age_years=None,
        ages_known=0,
        sexes={},
        sites={},
        sampled=64,
        unreadable=(),
        notes=(),
    )


@pytest.mark.parametrize(
    ("sides", "spacing", "wanted"),
    [
        ((64, 64, 64), (1.0, 1.0, 1.0), ((2, 2, 2),) * 4),
        ((16, 128, 128), (4.0, 1.0, 1.0), ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2))),
        ((40, 56, 40), (1.0, 1.0, 1.0), ((2, 2, 2),) * 3),
        ((36, 52, 36), (1.0, 1.0, 1.0), ((2, 2, 2),) * 3),
        ((256, 256), (0.5, 0.5), ((2, 2),) * 5),
        ((5, 64, 64), (12.0, 1.0, 1.0), ((1, 2, 2),) * 4),
    ],
)
def test_axes_whose_voxels_lie_far_apart_wait_for_the_others(
    sides: tuple[int, ...], spacing: tuple[float, ...], wanted: tuple[tuple[int, ...], ...]
) -> None:
    strides = strides_for(sides, spacing)
    assert strides == wanted
    left = list(sides)
    for stride in strides:
        left = [-(-side // step) for side, step in zip(left, stride, strict=True)]
    assert min(left) >= 4


def test_windows_show_all_of_most_small_volumes_and_parts_of_large_ones(tiny_dataset: Dataset) -> None:
    found = make_fingerprint(tiny_dataset)
    small = replace(found, planar=False, shape_median=(36, 50, 35), shape_max=(47, 59, 43), spacing_mm=(1.0,) * 3)
    kind = kind_of(small, modality="MR", cropped=False, filters=False)
    assert outliner(small, None).sides(small, kind) == [(36, 52, 36)]
    large = replace(small, shape_median=(120, 512, 512), shape_max=(300, 512, 512), spacing_mm=(5.0, 0.8, 0.8))
    windows = outliner(large, None).sides(large, kind)
    assert windows[0] == (28, 160, 160)  # 140 × 128 × 128 mm: as long along the slices as in them
    assert len(windows) > 3


@pytest.mark.parametrize(
    ("largest", "first", "last"),
    [
        ((14, 256, 256), (14, 256, 256), (8, 96, 96)),
        ((40, 700, 500), (16, 512, 512), (8, 96, 96)),
        ((5, 300, 200), (5, 320, 224), (5, 96, 96)),
        ((20, 26, 28), (16, 32, 32), (8, 32, 32)),
    ],
)
def test_a_recurrent_network_sees_whole_slices_before_many_of_them(
    largest: tuple[int, int, int], first: tuple[int, ...], last: tuple[int, ...]
) -> None:
    sides = slicewise_outliner(stacks(largest), None, cells=True).sides(stacks(largest), WHOLE)
    assert (sides[0], sides[-1]) == (first, last)
    areas = [height * width for _, height, width in sides]
    assert areas == sorted(areas, reverse=True)
    assert all(side % 32 == 0 for _, *slices in sides for side in slices)


def test_its_slices_stay_as_many_and_their_sides_are_halved_as_their_own_spacing_says() -> None:
    choice = slicewise_outliner(stacks(spacing=(8.0, 1.0, 3.0)), None, cells=True).network((14, 256, 128))
    assert isinstance(choice, RecurrentChoice) and isinstance(choice.encoder, ResidualChoice)
    assert choice.encoder.strides[0] == (2, 1)
    assert choice.shrinks(3) == (1, 32, 16)
    pretrained = slicewise_outliner(stacks(), "tf_efficientnet_lite0", cells=True).network((14, 256, 256))
    assert isinstance(pretrained, RecurrentChoice) and pretrained.shrinks(3) == (1, 32, 32)
    plain = outliner(stacks(), None).network((16, 128, 128))
    assert isinstance(plain, UNetChoice) and plain.shrinks(3) == (4, 32, 32)


@pytest.mark.parametrize("backbone", [None, "tf_efficientnet_lite0"])
def test_a_plan_for_it_takes_a_size_that_fits_into_memory(backbone: str | None) -> None:
    labels = Segmentation(labels=("cavity",), numbers=((1,),))
    plan = make_plan(
        stacks(),
        MACHINE,
        modality="MR",
        cropped=False,
        rarest_patients=32,
        asked=labels,
        minutes=60,
        seed=0,
        speed=lambda plan: 100.0,
        memory=lambda plan: 10**5 * plan.input.shape[0] * plan.input.shape[1],
        family=slicewise_outliner(stacks(), backbone, cells=True),
        folds=1,
    )
    assert plan.network.name == "recurrent" and plan.input.windows
    assert plan.input.shape == (14, 256, 256)
    assert plan.optimisation.start == ("imagenet" if backbone else "")
    assert "recurrent cells" in plan.reasons["network.name"]


def test_without_cells_each_slice_is_outlined_by_itself_between_its_neighbours() -> None:
    family = slicewise_outliner(stacks(), None, cells=False)
    choice = family.network((14, 256, 256))
    assert family.name == "unet-2.5d" and "neighbours" in family.reason and "cells" not in family.reason
    assert isinstance(choice, RecurrentChoice) and choice.levels == 0


def planned(
    found: Fingerprint,
    family: Family,
    speed: Callable[[Plan], float],
    *,
    minutes: float,
    labels: tuple[str, ...] = ("cavity",),
    folds: int | None = None,
) -> Plan:
    return make_plan(
        found,
        MACHINE,
        modality="MR",
        cropped=False,
        rarest_patients=32,
        asked=Segmentation(labels=labels, numbers=tuple((number + 1,) for number in range(len(labels)))),
        minutes=minutes,
        seed=0,
        speed=speed,
        memory=lambda plan: 1,
        family=family,
        folds=folds,
    )


@pytest.mark.parametrize(("speed", "turned"), [(0.5, 5.0), (30.0, 15.0)])
def test_volumes_from_scratch_learn_by_muon_as_they_lie_and_are_changed_less_while_epochs_are_few(
    speed: float, turned: float
) -> None:
    found = stacks((32, 64, 64), spacing=(1.0, 1.0, 1.0))
    plan = planned(found, outliner(found, None), lambda plan: speed, minutes=10, folds=1)
    assert plan.optimisation.optimizer == "muon" and isinstance(plan.network, UNetChoice) and plan.network.skip == "add"
    assert (plan.optimisation.epochs < 20) == (turned < 15) == ("augmentation.zoom" in plan.reasons)
    assert (plan.augmentation.flip_axes, plan.augmentation.rotation_degrees) == ((), turned)
    assert "mirrored" in plan.reasons["augmentation.flip_axes"]


def test_labels_called_after_a_side_are_the_reason_why_nothing_is_mirrored() -> None:
    family = slicewise_outliner(stacks(), None, cells=False)
    plan = planned(stacks(), family, lambda plan: 3.0, minutes=10, labels=("left kidney", "right kidney"), folds=1)
    assert plan.augmentation.flip_axes == ()
    beside = planned(stacks(), family, lambda plan: 3.0, minutes=10, labels=("kidney", "liver"), folds=1)
    assert beside.augmentation.flip_axes and not beside.ensemble.flips  # in reading only where the plan is changed
    assert "tells one side from the other" in plan.reasons["augmentation.flip_axes"]


@pytest.mark.parametrize(
    ("speed", "folds", "repeats"), [(2.0, 1, 1), (5.0, 1, 2), (9.0, 1, 3), (20.0, 3, 1), (80.0, 5, 1)]
)
def test_volumes_have_one_network_of_many_epochs_then_some_of_all_cases_and_then_one_a_fold(
    speed: float, folds: int, repeats: int
) -> None:
    found = stacks((32, 64, 64), spacing=(1.0, 1.0, 1.0))
    plan = planned(found, outliner(found, None), lambda plan: speed, minutes=20)
    assert (plan.ensemble.folds, plan.ensemble.repeats) == (folds, repeats)
    told = {1: "the minutes allow one network", 2: "validated together", 3: "validated together"}
    assert (told[repeats] if folds == 1 else "every one is validated once") in plan.reasons["ensemble.folds"]


@pytest.mark.parametrize(("voxels_a_second", "shape", "folds"), [(6e5, 256, 1), (1e5, 128, 1), (9e6, 256, 5)])
def test_slices_are_seen_whole_by_one_network_before_there_are_several(
    voxels_a_second: float, shape: int, folds: int
) -> None:
    family = slicewise_outliner(stacks(), "tf_efficientnet_lite0", cells=False)
    plan = planned(stacks(), family, lambda plan: voxels_a_second / prod(plan.input.shape), minutes=10)
    assert (plan.input.shape[1], plan.ensemble.folds) == (shape, folds)


@pytest.mark.parametrize(("voxels_a_second", "side"), [(2.2e4, 96), (2e5, 160)])
def test_windows_are_as_large_as_lets_hundreds_be_seen(voxels_a_second: float, side: int) -> None:
    plan = planned(
        stacks((160, 256, 256), spacing=(1.0, 1.0, 1.0)),
        outliner(stacks((160, 256, 256), spacing=(1.0, 1.0, 1.0)), None),
        lambda plan: voxels_a_second / prod(plan.input.shape),
        minutes=60,
    )
    assert max(plan.input.shape) == side and plan.ensemble.folds == 1


@pytest.mark.parametrize(
    ("spacing", "there", "name"),
    [
        ((8.0, 1.0, 1.0), True, "unet-2.5d"),
        ((3.0, 1.0, 1.0), True, "unet-2.5d"),
        ((2.9, 0.5, 1.0), True, "unet"),
        ((8.0, 1.0, 1.0), False, "unet"),
        (None, True, "unet"),
    ],
)
def test_thick_slices_are_outlined_one_by_one_where_weights_are_at_hand(
    spacing: tuple[float, float, float] | None, there: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "at_hand", lambda backbone: there)
    assert choosing._outlining(stacks(spacing=spacing), "auto", instances=False).name == name
    assert choosing._outlining(stacks(spacing=spacing), "unet", instances=False).name == "unet"
    assert choosing._outlining(stacks(spacing=spacing), "auto", instances=True).name == "unet"


@pytest.mark.parametrize(
    ("pixels_a_second", "shape", "folds"), [(2e5, (128, 160), 1), (6e5, (192, 224), 1), (5e6, (192, 224), 5)]
)
def test_flat_images_are_seen_larger_before_there_are_several_networks(
    pixels_a_second: float, shape: tuple[int, int], folds: int
) -> None:
    found = replace(
        stacks(),
        planar=True,
        shape_min=(1, 187, 224),
        shape_median=(1, 187, 224),
        shape_max=(1, 187, 224),
        class_counts=(450,),
    )
    plan = planned(
        found,
        outliner(found, "tf_efficientnet_lite0"),
        lambda plan: pixels_a_second / prod(plan.input.shape),
        minutes=10,
        labels=("lesion",),
    )
    assert (plan.input.shape, plan.ensemble.folds) == (shape, folds)
    assert plan.segmentation.dice == "image" and plan.optimisation.answer_rate > 1


def test_how_fast_a_size_is_learned_from_is_measured_once() -> None:
    measured = []

    def speed(plan: Plan) -> float:
        measured.append(plan.input.shape)
        return 1e5 / prod(plan.input.shape)

    found = replace(stacks((1, 187, 224)), planar=True, shape_median=(1, 187, 224))
    planned(found, outliner(found, "tf_efficientnet_lite0"), speed, minutes=10)
    assert len(measured) == len(set(measured)) > 3


def test_what_cannot_be_fast_enough_is_not_waited_for() -> None:
    measured = []

    def speed(plan: Plan) -> float:
        measured.append(prod(plan.input.shape))
        return 2e5 / prod(plan.input.shape)

    found = replace(stacks((160, 160, 160), (1.0, 1.0, 1.0)), shape_median=(160, 160, 160))
    plan = planned(found, outliner(found, None), speed, minutes=5)
    assert measured[0] == min(measured) and len(measured) > 1
    assert max(measured) <= 64 * measured[0]
    assert prod(plan.input.shape) == measured[0]


def test_thin_labels_are_looked_at_in_windows_of_the_images_own_size() -> None:
    found = replace(stacks((1, 960, 999)), planar=True, shape_median=(1, 960, 999), class_counts=(16,))

    def plan(kept: float | None, backbone: str | None) -> Plan:
        own = replace(found, dice_when_shrunk=kept)
        return planned(own, outliner(own, backbone), lambda plan: 20.0, minutes=15, labels=("vessel",), folds=1)

    for kept in (0.98, None):
        assert not plan(kept, "tf_efficientnet_lite0").input.windows
    thin = plan(0.93, None)
    assert thin.input.windows and thin.input.shape == (256, 256) and thin.input.steps[-1]["step"] != "resize"
    assert "so thin" in thin.reasons["input.windows"]
    often, epochs = thin.segmentation.windows_an_epoch, thin.optimisation.epochs
    assert 80 < epochs <= 100 and often > 3 and thin.ensemble.networks == 1
    assert 10 * 900 < 14 * often * epochs <= 20 * 900  # windows of 14 images, 20 a second, in 15 minutes
    assert "what lies between epochs" in thin.reasons["segmentation.windows_an_epoch"]
    assert (thin.optimisation.optimizer, thin.segmentation.dice) == ("muon", "batch")
    assert plan(0.93, "tf_efficientnet_lite0").optimisation.optimizer == "adamw"


def test_without_a_name_vessels_are_outlined_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "at_hand", lambda backbone: True)
    found = replace(stacks(), planar=True, dice_when_shrunk=0.9)
    scratch = choosing._outlining(found, "auto", instances=False).network((64, 64))
    assert isinstance(scratch, UNetChoice) and scratch.encoder.name == "residual"
    named = choosing._outlining(found, "tf_efficientnet_lite0", instances=False)
    assert named.windows and "efficientnet" in named.reason
    thick = choosing._outlining(replace(found, dice_when_shrunk=0.99), "auto", instances=False)
    assert not thick.windows and "efficientnet" in thick.reason


def test_what_begins_from_photographs_learns_by_adamw() -> None:
    family = outliner(replace(stacks(), planar=True), "tf_efficientnet_lite0")
    assert "optimizer" not in family.optimisation and family.few_epochs == 0
    assert family.optimisation["answer_rate"] > 1
    choice = family.network((64, 64))
    assert isinstance(choice, UNetChoice) and choice.skip == "concatenate"


def test_flat_images_are_refused_in_a_plan_and_so_are_slices_that_cannot_be_halved() -> None:
    def plan(shape: tuple[int, ...]) -> Plan:
        return Plan(
            task="segmentation",
            dataset="hearts",
            classes=("image",),
            input=Input(shape=shape),
            network=RecurrentChoice(),
            segmentation=Segmentation(labels=("cavity",), numbers=((1,),)),
        )

    assert plan((5, 64, 64)).network == RecurrentChoice()
    with pytest.raises(ValidationError, match="goes through the slices of volumes, and input.shape .* is flat"):
        plan((64, 64))
    with pytest.raises(ValidationError, match="shrunk by 1 × 8 × 8"):
        plan((5, 64, 6))
    assert plan((5, 64, 61)).network == RecurrentChoice()


def test_a_plan_written_before_there_were_recurrent_networks_is_read_as_it_was() -> None:
    assert UNetChoice().model_dump() == {
        "name": "unet",
        "finest": 16,
        "normalisation": "batch",
        "supervised": 3,
        "skip": "concatenate",
        "encoder": ResidualChoice().model_dump(),
    }


@pytest.mark.parametrize(("most", "shared"), [(MOST_NUMBERS, ()), (MOST_OVERLAPPING, (200,))])
def test_a_plan_takes_as_many_labels_as_can_be_told_apart_and_no_more(most: int, shared: tuple[int, ...]) -> None:
    def section(count: int) -> Segmentation:
        names = tuple(f"label {n}" for n in range(1, count + 1))
        return Segmentation(labels=names, numbers=tuple((n, *shared) for n in range(1, count + 1)))

    assert len(section(most).labels) == most
    with pytest.raises(ValidationError, match=f"{most + 1} segmentation.labels with [0-9]+ numbers are too many"):
        section(most + 1)


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        ({"patient": 4}, ["foreground", "spacing", "orient"]),
        ({"patient": 3, "detector": 1}, ["foreground", "spacing"]),
        ({"patient": 3, "none": 1}, ["foreground"]),
    ],
)
def test_volumes_that_know_their_place_are_turned_the_same_way_up(kinds: dict[str, int], wanted: list[str]) -> None:
    fingerprint = replace(stacks(), spacing_kinds=kinds)
    assert [step["step"] for step in window_steps(WHOLE, fingerprint)] == wanted
    assert not window_steps(WHOLE, replace(fingerprint, planar=True, spacing_mm=None))


def facts(modality: str, labelled: tuple[float, float] | None = None, *, dtype: str = "int16") -> ChannelFacts:
    return ChannelFacts(modality, {dtype: 64}, {}, labelled)


def channelled(**channels: ChannelFacts) -> Fingerprint:
    return replace(stacks(), channels=len(channels), dtypes={"float32": 64}, by_channel=channels)


def test_channels_of_one_kind_have_one_step_that_works_on_each() -> None:
    kind = kind_of(channelled(FLAIR=facts("MR"), T1=facts("MR")), modality="MR", cropped=False)
    assert kind.steps == ({"step": "rescale"},)
    assert kind.reason.endswith("percentiles to 0 … 1, in each channel by itself")


def test_channels_of_several_kinds_have_steps_of_their_own() -> None:
    kind = kind_of(channelled(CT=facts("CT", (-700.0, 60.0)), PET=facts("PT")), modality="CT", cropped=False)
    assert kind.steps == (
        {"step": "window", "center": -230.0, "width": 940.0, "channel": "CT"},
        {"step": "rescale", "channel": "PET"},
    )
    assert kind.reason.startswith("CT: Hounsfield units have a meaning: a soft-tissue window, widened")
    assert "; PET: grey levels differ" in kind.reason


def test_channels_in_8_bits_go_by_their_percentiles_which_do_not_depend_on_the_types_beside_them() -> None:
    own = facts("", dtype="uint8")
    eight = replace(channelled(DAPI=own, GFP=own), dtypes={"uint8": 64})
    kind = kind_of(eight, modality="", cropped=False)
    assert kind.steps == ({"step": "rescale"},) and "percentiles to 0 … 1" in kind.reason
    grey = replace(eight, by_channel={})
    assert kind_of(grey, modality="", cropped=False).steps == ({"step": "float", "scale": "type"},)


def test_a_ct_in_8_bits_beside_another_channel_is_a_picture_all_the_same() -> None:
    """Put together with a PET in float32, all are float32."""
    kind = kind_of(channelled(CT=facts("CT", dtype="uint8"), PET=facts("PT")), modality="CT", cropped=False)
    assert kind.steps == ({"step": "rescale"},)


def test_named_channels_that_differ_are_no_colours_of_a_stain(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.png" for name in ("DAPI", "GFP", "RFP")}
    for number, path in enumerate(paths.values()):
        cv2.imwrite(str(path), np.arange(64 * 64, dtype=np.uint8).reshape(64, 64) // (number + 1))
    case = Case("1", "1", {"image": image_of(paths)}, target=0)
    data = Dataset("cells", tmp_path, (case,), ("image",), "table", modality="SM", channels=dict.fromkeys(paths, "SM"))
    assert kind_of(make_fingerprint(data), modality="SM", cropped=False).stain == 0
    cv2.imwrite(str(tmp_path / "colour.png"), np.indices((64, 64, 3)).sum(axis=0).astype(np.uint8))
    one = replace(case, images={"image": ImageRef(tmp_path / "colour.png")})
    coloured = make_fingerprint(replace(data, cases=(one,), channels={}))
    assert kind_of(coloured, modality="SM", cropped=False).stain > 0


def test_the_plan_names_the_channels_and_the_network_takes_them_all() -> None:
    fingerprint = channelled(T1=facts("MR"), PET=facts("PT"), CT=facts("CT"))
    plan = make_plan(
        fingerprint,
        MACHINE,
        modality="MR",
        cropped=False,
        rarest_patients=32,
        asked=Segmentation(labels=("tumour",), numbers=((1,),)),
        minutes=10,
        seed=0,
        speed=lambda plan: 10.0,
        memory=lambda plan: 2**28,
        family=outliner(fingerprint, None),
    )
    assert plan.input.channel_names == ("T1", "PET", "CT") and plan.input.channels == 3
    assert dict((name, value) for name, value, _ in explain_plan(plan))["input.steps"].startswith(
        "rescale (T1) → rescale (PET) → window (CT) → foreground"
    )
    assert plan_from_text(plan_to_text(plan)) == plan
    network = build_network(plan)
    assert network(torch.zeros(1, 3, 8, 64, 64)).shape == (1, 2, 8, 64, 64)


@pytest.mark.parametrize("backbone", [None, "tf_efficientnet_lite0"])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_a_recurrent_network_takes_several_channels(backbone: str | None, channels: int) -> None:
    encoder = PretrainedChoice(backbone=backbone) if backbone else ResidualChoice(widths=(4, 8), blocks=(1, 1))
    choices = RecurrentChoice(encoder=encoder, width=4).model_dump()
    network = build_from(choices, dims=3, channels=channels, outputs=2).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, channels, 3, 32, 32)).shape == (1, 2, 3, 32, 32)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"channel_names": ("T1",)}, "input.channel_names T1 must name each of input.channels 2 once"),
        ({"channel_names": ("T1", "T1")}, "must name each"),
        (
            {"channel_names": ("T1", "PET"), "steps": ({"step": "rescale", "channel": "CT"},)},
            "input.steps are for the channels CT, and input.channel_names has T1, PET",
        ),
        ({"steps": ({"step": "rescale", "channel": "CT"},)}, "and input.channel_names has none"),
    ],
)
def test_names_of_channels_that_do_not_fit_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Input(**{"shape": (8, 64, 64), "channels": 2, **changed})


def test_images_of_several_channels_are_for_a_segmentation_alone() -> None:
    with pytest.raises(ValidationError, match="images of the channels T1, PET are outlined, and nothing else"):
        Plan(
            dataset="d",
            classes=("no", "yes"),
            input=Input(shape=(64, 64), channels=2, channel_names=("T1", "PET")),
        )
