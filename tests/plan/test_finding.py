"""What a network that finds asks about: places close enough for the smallest boxes, boxes of the data's sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from hounsfield.datasets.fingerprint import Fingerprint, Spread
from hounsfield.plan import Detection, FasterRCNNChoice, Input, Machine, Plan, make_plan
from hounsfield.plan.families import DEFAULT_BACKBONE, Sides
from hounsfield.plan.finding import centre_finder, finder, finding_sides, tile_of
from hounsfield.plan.inputs import Kind, kind_of
from hounsfield.plan.network_choices import ConvNetChoice, ResidualChoice
from hounsfield.plan.schema import Augmentation

MACHINE = Machine(name="a laptop", cores=2, threads=2, memory_bytes=2**34, bf16=False)
WHOLE = Kind(steps=(), reason="")


def images(
    *, shape: tuple[int, int] = (800, 600), side: Spread | None = None, ratio: Spread | None = None
) -> Fingerprint:
    return Fingerprint(
        dataset="films",
        layout="table",
        cases=400,
        patients=200,
        patients_known=True,
        classes=("no finding", "any finding"),
        class_counts=(0, 400),
        unlabelled=0,
        shape_min=(1, *shape),
        shape_median=(1, *shape),
        shape_max=(1, *shape),
        planar=True,
        channels=1,
        colour=False,
        dtypes={"uint8": 400},
        modalities={"US": 400},
        spacing_mm=None,
        spacing_kinds={},
        intensity={},
        boxes=400,
        box_width=side,
        box_height=side,
        age_years=None,
        ages_known=0,
        sexes={},
        sites={},
        sampled=200,
        unreadable=(),
        notes=(),
        box_side=side or Spread(30, 60, 150),
        box_ratio=ratio or Spread(0.5, 0.8, 1.4),
    )


def choice(fingerprint: Fingerprint, sides: tuple[int, int]) -> FasterRCNNChoice:
    found = finder(fingerprint, WHOLE, None).network(sides)
    assert isinstance(found, FasterRCNNChoice)
    return found


def test_anchors_have_the_sizes_and_shapes_of_the_boxes_on_the_input() -> None:
    half = choice(images(), (400, 300))

    assert half.anchor_sides[0][0] == 15 and half.anchor_sides[-1][0] == 75
    assert half.anchor_ratios == (0.5, 0.8, 1.4)


@pytest.mark.parametrize(("low", "finest"), [(10, 4), (15, 4), (16, 8), (100, 8)])
def test_small_boxes_are_looked_for_at_places_closer_together(low: float, finest: int) -> None:
    assert choice(images(side=Spread(low, 2 * low, 6 * low)), (800, 600)).strides[0] == finest


def test_boxes_of_one_size_and_shape_give_one_anchor_a_place() -> None:
    nuclei = choice(images(side=Spread(20, 21, 22), ratio=Spread(1.0, 1.0, 1.0)), (800, 600))

    assert nuclei.anchor_ratios == (1.0,)
    assert len({len(sides) for sides in nuclei.anchor_sides}) == 1


def test_the_five_layers_of_the_case_study_may_be_looked_at_and_all_of_them_learn() -> None:
    family = finder(images(), WHOLE, "convnet")
    network = family.network((800, 608))
    assert isinstance(network, FasterRCNNChoice) and network.encoder == ConvNetChoice()
    assert "five convolution layers from scratch" in family.reason
    assert not {"start", "layer_decay", "frozen_stages"} & set(family.optimisation)
    assert finder(images(), WHOLE, DEFAULT_BACKBONE).optimisation["frozen_stages"] == 3


def test_sides_that_the_places_do_not_fit_into_are_refused_in_a_plan() -> None:
    with pytest.raises(ValidationError, match=r"input.shape \(500, 300\): boxes are asked about every 32 pixels"):
        Plan(
            task="detection",
            dataset="films",
            classes=("no finding", "any finding"),
            input=Input(shape=(500, 300)),
            network=FasterRCNNChoice(),
            detection=Detection(kinds=("mass",), positive=("mass",)),
        )


def test_of_crowded_images_more_proposed_places_are_learned_from() -> None:
    few, many = (choice(replace(images(), most_boxes=count), (800, 600)).regions for count in (8, 9))
    assert few < many


def test_inputs_are_multiples_of_the_coarsest_places_and_no_larger_than_most_images() -> None:
    sides = finding_sides(images(shape=(800, 600)), WHOLE)

    assert sides[0] == (800, 608)
    assert all(side % 32 == 0 for shape in sides for side in shape)
    assert finding_sides(images(shape=(90, 50)), WHOLE) == [(64, 32)]


def planned(fingerprint: Fingerprint, *, minutes: float = 60, per_second: float | None = None) -> Plan:
    """On a machine that works through 4 million pixels a second, or so many images of any size."""
    flat = fingerprint.planar
    modality = "US" if flat else "CT"
    kind = kind_of(fingerprint, modality=modality, cropped=False)
    return make_plan(
        fingerprint,
        MACHINE,
        modality=modality,
        cropped=False,
        rarest_patients=200,
        minutes=minutes,
        seed=0,
        speed=lambda plan: per_second or 4e6 / (plan.input.shape[0] * plan.input.shape[1]),
        memory=lambda plan: 0,
        family=finder(fingerprint, kind, DEFAULT_BACKBONE) if flat else centre_finder(fingerprint, kind, None),
        asked=Detection(kinds=("mass",), positive=("mass",), tile=tile_of(fingerprint, kind)[1]),
    )


def test_minutes_go_to_larger_images_before_further_networks_where_lesions_are_small() -> None:
    small, large = planned(images(side=Spread(15, 40, 90)), minutes=17), planned(images(), minutes=17)

    assert (small.ensemble.folds, large.ensemble.folds) == (1, 3)
    assert small.input.shape == (800, 608) and large.input.shape == (576, 448)  # 40 and 43 pixels of the middling box
    ample = planned(images(side=Spread(15, 40, 90)), minutes=600)
    assert ample.ensemble.folds > 1 and ample.input.shape == (800, 608)


@pytest.mark.parametrize(("median", "longest"), [(40, 1024), (60, 800), (75, 640), (90, 576)])
def test_images_are_no_larger_than_the_middling_box_needs(median: float, longest: int) -> None:
    plan = planned(images(shape=(1024, 800), side=Spread(median / 3, median, 2 * median)), minutes=10_000)
    assert max(plan.input.shape) == longest


def test_images_that_cannot_be_larger_are_spread_over_folds() -> None:
    assert planned(images(shape=(256, 256), side=Spread(8, 12, 20)), minutes=15).ensemble.folds > 1


def test_a_plan_is_made_in_the_minutes_with_folds_though_every_image_has_a_lesion() -> None:
    plan = planned(images())

    assert plan.task == "detection" and plan.network.name == "faster_rcnn"
    assert plan.ensemble.folds > 1
    assert plan.optimisation.start == "imagenet"
    assert "sizes and shapes that the data's boxes have" in plan.reasons["network.anchor_sides"]


def test_masses_on_films_are_learned_upside_down_too_and_read_as_they_are() -> None:
    films = images()
    kind = kind_of(films, modality="MG", cropped=False, filters=False)

    plan = make_plan(
        films,
        MACHINE,
        modality="MG",
        cropped=False,
        rarest_patients=200,
        minutes=15,
        seed=0,
        speed=lambda plan: 4e6 / (plan.input.shape[0] * plan.input.shape[1]),
        memory=lambda plan: 0,
        family=finder(films, kind, DEFAULT_BACKBONE),
        asked=Detection(kinds=("mass",), positive=("mass",)),
    )

    assert plan.augmentation.flip_axes == (0,) and not plan.ensemble.flips
    assert plan.reasons["augmentation.flip_axes"] == "a mass upside down is one as well"
    assert planned(films).augmentation.flip_axes == (1,)  # other images are not turned to one side


def test_without_pretrained_weights_the_maps_are_of_a_network_from_scratch() -> None:
    family = finder(images(), WHOLE, None)
    network = family.network((256, 256))

    assert isinstance(network, FasterRCNNChoice) and isinstance(network.encoder, ResidualChoice)
    assert "start" not in family.optimisation


@pytest.mark.parametrize(
    "changed",
    [
        {"task": "classification"},
        {"detection": Detection()},
        {"network": ResidualChoice()},
        {"augmentation": Augmentation(mixup=0.4)},
    ],
)
def test_sections_that_do_not_fit_each_other_are_refused(changed: dict[str, object]) -> None:
    usual: dict[str, object] = {
        "task": "detection",
        "dataset": "films",
        "classes": ("no finding", "any finding"),
        "input": Input(shape=(64, 64), steps=({"step": "resize", "shape": [64, 64]},)),
        "network": FasterRCNNChoice(),
        "detection": Detection(kinds=("mass",), positive=("mass",)),
    }
    assert Plan(**usual).task == "detection"  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="detection"):
        Plan(**usual | changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kinds": ("mass",), "positive": ("cyst",)}, "some of them"),
        ({"kinds": ("mass", "mass")}, "each once"),
        ({"kinds": ("mass",), "hit": "near"}, "iou>=0.2"),
    ],
)
def test_a_detection_that_contradicts_itself_is_refused(words: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Detection(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [{"strides": (8, 12)}, {"strides": (16, 8), "anchor_sides": ((1.0,), (2.0,))}, {"anchor_sides": ((1.0,),)}],
)
def test_strides_and_anchors_that_do_not_fit_are_refused(words: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="strides"):
        FasterRCNNChoice(**words)  # type: ignore[arg-type]


def test_large_images_with_small_lesions_are_looked_at_in_tiles() -> None:
    slides = images(shape=(4000, 3000), side=Spread(16, 30, 60))

    whole, tile = tile_of(slides, WHOLE)

    assert whole == (4000, 3008) and tile == (512, 512)
    assert finder(slides, WHOLE, None).sides(slides, WHOLE) == [whole]
    assert tile_of(images(shape=(4000, 3000), side=Spread(64, 90, 200)), WHOLE) == ((), ())  # 16 pixels at 1024
    assert tile_of(images(shape=(400, 300), side=Spread(5, 8, 12)), WHOLE) == ((), ())  # it is small already
    smaller, _ = tile_of(images(shape=(8000, 6000), side=Spread(32, 60, 120)), WHOLE)
    assert smaller == (4000, 3008)
    with pytest.raises(ValidationError, match="detection.tile"):
        Plan(
            task="detection",
            dataset="films",
            classes=("no finding", "any finding"),
            input=Input(shape=(256, 256)),
            network=FasterRCNNChoice(encoder=ResidualChoice(widths=(16, 32, 64, 128, 160, 160), blocks=(1,) * 6)),
            detection=Detection(kinds=("a",), tile=(512, 256)),
        )


def bodies(
    side: Spread,
    *,
    shape: tuple[int, int, int] = (64, 160, 160),
    spacing: tuple[float, float, float] = (4.0, 2.4, 2.4),
) -> Fingerprint:
    own = images(side=side)
    return replace(own, planar=False, shape_min=shape, shape_median=shape, shape_max=shape, spacing_mm=spacing)


def test_volumes_with_small_lesions_are_looked_at_in_tiles() -> None:
    small, large = bodies(Spread(5, 9, 18)), bodies(Spread(20, 40, 60))

    assert tile_of(small, WHOLE) == ((64, 160, 160), (40, 64, 64))  # five voxels would be four at 128
    assert centre_finder(small, WHOLE, None).sides(small, WHOLE) == [(64, 160, 160)]
    assert tile_of(large, WHOLE) == ((), ())
    assert centre_finder(large, WHOLE, None).sides(large, WHOLE)[0] == (52, 128, 128)


@pytest.mark.parametrize(
    ("side", "shape", "spacing", "whole", "tile"),
    [
        (Spread(8, 12, 20), (100, 512, 512), (5.0, 0.7, 0.7), (40, 192, 192), (24, 64, 64)),  # slices far apart
        (Spread(6, 25, 200), (200, 512, 512), (1.5, 0.7, 0.7), (), ()),  # the large ones would be found in pieces
        (Spread(4.9, 9, 18), (130, 130, 130), (1.0, 1.0, 1.0), (), ()),  # nothing gained
        (Spread(2, 4, 6), (4, 160, 160), (10.0, 1.0, 1.0), (8, 160, 160), (8, 64, 64)),
    ],
)
def test_tiles_of_volumes_hold_the_large_lesions_and_are_few(
    side: Spread, shape: tuple[int, int, int], spacing: tuple[float, float, float], whole: Sides, tile: Sides
) -> None:
    volumes = bodies(side, shape=shape, spacing=spacing)

    assert tile_of(volumes, WHOLE) == (whole, tile)
    plan = planned(volumes, minutes=30, per_second=5.0)
    assert plan.detection.tile == tile
    assert not whole or plan.input.shape == whole


def test_few_volumes_are_examined_in_tiles_after_each_epoch() -> None:
    plan = planned(bodies(Spread(5, 9, 18)), minutes=60, per_second=5.0)

    took = seconds(plan, 400, examined=4, tiles=18, per_second=5.0)
    assert 0.5 * 60 * 60 < took <= 0.9 * 60 * 60


def test_small_lesions_beside_large_ones_do_not_vanish_for_the_middling_one() -> None:
    mixed = images(shape=(1024, 800), side=Spread(8.5, 90, 200))

    assert tile_of(mixed, WHOLE) == ((), ())  # 8.5 pixels at 1024
    assert finder(mixed, WHOLE, None).sides(mixed, WHOLE)[0] == (1024, 800)
    larger = images(shape=(1024, 800), side=Spread(12, 90, 200))
    assert finder(larger, WHOLE, None).sides(larger, WHOLE)[0] == (704, 544)  # where 12 have become 8


def seconds(plan: Plan, films: int, *, examined: int, tiles: int, per_second: float) -> float:
    """That all networks of a plan take, where an image is answered in 0.3 of the time it is learned from."""
    learned = films * 8 / 9 if plan.ensemble.folds == 1 else films * (1 - 1 / plan.ensemble.folds)
    answered = films - learned
    copies = 2 if plan.ensemble.flips else 1
    epoch = learned + 0.3 * min(answered, examined) * tiles
    return plan.ensemble.networks * (plan.optimisation.epochs * epoch + 0.3 * answered * tiles * copies) / per_second


@pytest.mark.parametrize("films", [400, 2900, 6000, 20_000])
def test_however_many_films_there_are_each_is_learned_from_within_the_minutes(films: int) -> None:
    plan = planned(replace(images(shape=(1024, 640), side=Spread(35, 85, 180)), class_counts=(0, films)), minutes=10)

    height, width = plan.input.shape
    took = seconds(plan, films, examined=films, tiles=1, per_second=4e6 / (height * width))
    assert plan.optimisation.epochs >= 1 and took <= 0.9 * 10 * 60


def test_all_tiles_of_the_images_that_are_answered_are_part_of_the_minutes() -> None:
    slides = images(shape=(4000, 3000), side=Spread(16, 30, 60))

    plan = planned(slides, minutes=240, per_second=10.0)

    took = seconds(plan, 400, examined=32, tiles=88, per_second=10.0)
    assert 0.5 * 240 * 60 < took <= 0.9 * 240 * 60
