"""Windows and strides from the size and the spacing of the images."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import Fingerprint, make_fingerprint
from hounsfield.datasets.segmentation import MOST_NUMBERS, MOST_OVERLAPPING
from hounsfield.plan import Input, Machine, Plan, RecurrentChoice, ResidualChoice, Segmentation, UNetChoice, make_plan
from hounsfield.plan.inputs import Kind, kind_of, window_steps
from hounsfield.plan.outlining import outliner, recurrent_outliner, strides_for

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
        assert all(side % step == 0 for side, step in zip(left, stride, strict=True))
        left = [side // step for side, step in zip(left, stride, strict=True)]
    assert min(left) >= 4


def test_windows_show_all_of_most_small_volumes_and_parts_of_large_ones(tiny_dataset: Dataset) -> None:
    found = make_fingerprint(tiny_dataset)
    small = replace(found, planar=False, shape_median=(36, 50, 35), shape_max=(47, 59, 43), spacing_mm=(1.0,) * 3)
    kind = kind_of(small, modality="MR", cropped=False, filters=False)
    assert outliner(small, None).sides(small, kind) == [(40, 56, 40)]
    large = replace(small, shape_median=(120, 512, 512), shape_max=(300, 512, 512), spacing_mm=(5.0, 0.8, 0.8))
    windows = outliner(large, None).sides(large, kind)
    assert windows[0] == (32, 160, 160)  # 160 × 128 × 128 mm: as long along the slices as in them
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
    sides = recurrent_outliner(stacks(largest), None).sides(stacks(largest), WHOLE)
    assert (sides[0], sides[-1]) == (first, last)
    areas = [height * width for _, height, width in sides]
    assert areas == sorted(areas, reverse=True)
    assert all(side % 32 == 0 for _, *slices in sides for side in slices)


def test_its_slices_stay_as_many_and_their_sides_are_halved_as_their_own_spacing_says() -> None:
    choice = recurrent_outliner(stacks(spacing=(8.0, 1.0, 3.0)), None).network((14, 256, 128))
    assert isinstance(choice, RecurrentChoice) and isinstance(choice.encoder, ResidualChoice)
    assert choice.encoder.strides[0] == (2, 1)
    assert choice.shrinks(3) == (1, 32, 16)
    pretrained = recurrent_outliner(stacks(), "tf_efficientnet_lite0").network((14, 256, 256))
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
        family=recurrent_outliner(stacks(), backbone),
        folds=1,
    )
    assert plan.network.name == "recurrent" and plan.input.windows
    assert plan.input.shape == (14, 256, 256)
    assert plan.optimisation.start == ("imagenet" if backbone else "")
    assert "recurrent cells" in plan.reasons["network.name"]


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
        plan((5, 64, 60))


def test_a_plan_written_before_there_were_recurrent_networks_is_read_as_it_was() -> None:
    assert UNetChoice().model_dump() == {
        "name": "unet",
        "finest": 16,
        "normalisation": "batch",
        "supervised": 3,
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
