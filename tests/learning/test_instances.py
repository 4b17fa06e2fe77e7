"""What is learned of masks whose numbers are objects, before a network sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.segmentation import for_segmentation, mask_of, size_of_nearly_all
from hounsfield.errors import PlanError
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.masked import masked_case, nearest, prepare_masked
from hounsfield.learning.masks import MaskLesson, masked_batch, places_of
from hounsfield.learning.train import train
from hounsfield.plan import Input, Optimisation, Plan, ResidualChoice, Segmentation, UNetChoice
from hounsfield.plan.task import task_of
from hounsfield.tasks.instances import BORDER, INSIDE, Instances


@pytest.fixture
def dataset(tmp_path: Path, cells: Callable[..., Path]) -> Dataset:
    return for_segmentation(open_dataset(cells(tmp_path / "cells", count=8)))


def plan_for(dataset: Dataset, *steps: dict[str, object], windows: bool = True) -> Plan:
    return Plan(
        task="segmentation",
        dataset=dataset.name,
        classes=dataset.classes,
        input=Input(shape=(32, 32), windows=windows, steps=({"step": "float", "scale": "type"}, *steps)),
        network=UNetChoice(encoder=ResidualChoice(widths=(8, 16), blocks=(1, 1))),
        segmentation=Segmentation(labels=("cell",), instances=True),
        optimisation=Optimisation(epochs=1, batch_size=4),
    )


def instances_of(plan: Plan) -> Instances:
    task = task_of(plan)
    assert isinstance(task, Instances)
    return task


def test_borders_are_drawn_on_the_grid_that_the_network_is_shown(dataset: Dataset) -> None:
    plan = plan_for(dataset, {"step": "resize", "shape": [32, 32], "keep_aspect": False}, windows=False)
    case = dataset.cases[0]
    masked = masked_case(case, plan, instances_of(plan))
    assert masked.codes.shape == (1, 32, 32)
    numbers = nearest(mask_of(case), masked.onto, (1, 32, 32))
    np.testing.assert_array_equal(masked.codes, instances_of(plan).codes(numbers, (1.0, 48 / 32, 64 / 32)))
    assert set(np.unique(masked.codes)) == {0, INSIDE, BORDER}


@pytest.mark.parametrize(
    ("step", "first", "side", "wanted"),
    [
        (1.0, 0.0, 6, [7, 7, 0, 9, 9, 9]),
        (1.0, -1.0, 8, [0, 7, 7, 0, 9, 9, 9, 0]),
        (-1.0, 5.0, 6, [9, 9, 9, 0, 7, 7]),
        (0.5, -0.25, 12, [7, 7, 7, 7, 0, 0, 9, 9, 9, 9, 9, 9]),
        (3.0, 1.0, 2, [7, 9]),
    ],
)
def test_a_number_on_another_grid_is_that_in_the_middle_of_the_voxel(
    step: float, first: float, side: int, wanted: list[int]
) -> None:
    numbers: IntArray = np.array([[[7, 7, 0, 9, 9, 9]]], dtype=np.int32)
    onto: FloatArray = np.diag([1.0, 1.0, step, 1.0])
    onto[2, 3] = first
    assert nearest(numbers, onto, (1, 1, side))[0, 0].tolist() == wanted


@pytest.fixture
def stack(tmp_path: Path) -> Dataset:
    """Volumes of slices five times as far apart as voxels within them: a plate ends below another. On the images stands
    what a network is to say of each voxel: the border of the one is nearer to the inside of the other, in voxels."""
    said, mask = np.zeros((2, 4, 16, 16), dtype=np.uint8)
    said[1, 4:12, 2:8], said[1, 4:12, 2:5], said[2, 4:12, 7:11] = BORDER, INSIDE, INSIDE
    mask[1, 4:12, 2:8], mask[2, 4:12, 7:11] = 40, 9
    for name, voxels in (("images", said), ("labels", mask)):
        (tmp_path / "stack" / name).mkdir(parents=True)
        for number in range(2):
            path = tmp_path / "stack" / name / f"{number}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(voxels.T, np.diag([1.0, 1.0, 5.0, 1.0])), path)
    (tmp_path / "stack" / "dataset.json").write_text('{"labels": {"background": 0, "cell": "each"}}')
    return for_segmentation(open_dataset(tmp_path / "stack"))


def plan_of_volumes(dataset: Dataset) -> Plan:
    plan = plan_for(dataset)
    return plan.model_copy(update={"input": Input(shape=(4, 16, 16), windows=True)})


def test_borders_are_as_thick_as_the_spacing_of_the_network_says(stack: Dataset) -> None:
    plan = plan_of_volumes(stack)
    task, case = instances_of(plan), stack.cases[0]
    masked = masked_case(case, plan, task)
    np.testing.assert_array_equal(masked.codes, task.codes(mask_of(case), (5.0, 1.0, 1.0)))
    assert (masked.codes[1, 6:10, 4:6] == INSIDE).all()
    assert not (task.codes(mask_of(case)) == masked.codes).all()


def test_objects_grow_by_the_spacing_of_the_image_as_stored(stack: Dataset, tmp_path: Path) -> None:
    class AsItStands(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.cat([(images == code) * 9.0 for code in range(3)], dim=1)

    plan = plan_of_volumes(stack)
    inputs = prepare_masked(stack, stack.cases, plan, tmp_path, threads=1)
    lesson = MaskLesson(instances_of(plan), inputs)
    (answer,) = lesson.together(plan, [AsItStands()], [np.array([0])])[1].outlined
    found, truth = answer.outline.unpacked().labels, mask_of(stack.cases[0])
    assert sorted(np.unique(found[truth == 40])) != sorted(np.unique(found[truth == 9]))
    assert len(np.unique(found[truth == 40])) == len(np.unique(found[truth == 9])) == 1


def test_windows_of_images_that_keep_their_size_carry_inside_and_border(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=1)
    assert {image.shape for image in inputs.images} == {(1, 1, 48, 64)}
    places = {row: places_of(inputs.codes[row]) for row in range(8)}
    images, codes = masked_batch(plan, inputs, np.arange(8), places, generator=torch.Generator().manual_seed(0))
    assert images.shape == (8, 1, 32, 32) and codes.shape == (8, 32, 32)
    means = [float(images[:, 0][codes == code].mean()) for code in (0, INSIDE, BORDER)]
    assert means[1] > means[2] > means[0]


def test_a_plan_leaves_out_what_is_smaller_than_nearly_all_that_is_learned_from(dataset: Dataset) -> None:
    plan, split = choose_plan_and_split(dataset, minutes=0.05, seed=0)
    assert plan.segmentation.instances
    assert plan.segmentation.smallest == size_of_nearly_all(split.select(dataset, "train")) > 20
    assert "99 in 100" in plan.reasons["segmentation.smallest"]
    assert instances_of(plan).smallest == plan.segmentation.smallest


def test_a_plan_of_labels_is_refused_for_objects(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset).model_copy(update={"segmentation": Segmentation(labels=("cell",), numbers=((1,),))})
    with pytest.raises(PlanError, match="other numbers for them"):
        train(dataset, tmp_path / "bundle", plan=plan)
