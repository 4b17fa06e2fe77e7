"""A segmentation from data to evidence, on spheres and rods; and the parts it is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import nibabel
import numpy as np
import pytest
import torch

from hounsfield import formats
from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import digest_of
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset, ImageRef
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.errors import DatasetError, GeometryError, UnknownNameError
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.masked import _shares, masked_case, prepare_masked, resampled
from hounsfield.learning.masks import MaskLesson, masked_batch, places_of, plain_window
from hounsfield.learning.memory_need import step_bytes
from hounsfield.learning.supervised import Setup, fit, setup
from hounsfield.learning.throughput import images_per_second
from hounsfield.learning.train import train
from hounsfield.learning.validation import validation_evidence
from hounsfield.plan import (
    Augmentation,
    Ensemble,
    Input,
    Optimisation,
    Plan,
    RecurrentChoice,
    ResidualChoice,
    Segmentation,
    UNetChoice,
)
from hounsfield.plan.choices import note_on_ensemble
from hounsfield.plan.task import task_of
from hounsfield.plan.windows import windows_for
from hounsfield.preprocessing.grid import flip
from hounsfield.tasks.outline import outline
from hounsfield.tasks.segmentation import UNKNOWN
from hounsfield.tasks.segmentation import Segmentation as SegmentationTask


def plan_for(dataset: Dataset, *, epochs: int = 2, steps: tuple[dict[str, object], ...] = ()) -> Plan:
    return Plan(
        task="segmentation",
        dataset=dataset.name,
        classes=dataset.classes,
        input=Input(shape=(16, 16, 16), windows=True, steps=({"step": "rescale"}, *steps)),
        network=UNetChoice(
            encoder=ResidualChoice(widths=(8, 16), blocks=(1, 1), normalisation="instance"), normalisation="instance"
        ),
        segmentation=Segmentation(labels=tuple(dataset.labels), numbers=tuple(dataset.labels.values())),
        optimisation=Optimisation(epochs=epochs, batch_size=2, learning_rate=5e-3, channels_last=False, keep="last"),
        ensemble=Ensemble(),
    )


@pytest.fixture
def dataset(tmp_path: Path, spheres: Callable[..., Path]) -> Dataset:
    return for_segmentation(open_dataset(spheres(tmp_path / "spheres")))


def test_labels_are_named_after_their_numbers_where_nobody_names_them(dataset: Dataset) -> None:
    assert dict(dataset.labels) == {"label 1": (1,), "label 2": (2,)}
    assert len(dataset.cases) == 12


def test_a_segmentation_learns_measures_itself_and_is_written(dataset: Dataset, tmp_path: Path) -> None:
    trained = train(dataset, tmp_path / "bundle", plan=plan_for(dataset, epochs=25))
    evidence = validation_evidence(trained)
    found = evidence.segmentation
    assert found is not None
    assert found.unit == "mm"
    assert [one.name for one in found.labels] == ["all labels", "label 1", "label 2"]
    assert found.labels[0].scores["dice"].value > 0.8
    assert evidence.cases == len(trained.val_cases) == len(trained.val_outlined) > 0
    for case, one in zip(trained.val_cases, trained.val_outlined, strict=True):
        assert one.result.case == case.id
        assert one.outline.unpacked().labels.shape == mask_of(case).shape
    json.dumps(evidence.as_json(), allow_nan=False)


@pytest.mark.parametrize("folds", [1, 2])
def test_repeats_outline_a_case_together(dataset: Dataset, tmp_path: Path, folds: int) -> None:
    ensemble = Ensemble(folds=folds, repeats=2)
    plan = plan_for(dataset, epochs=1).model_copy(update={"ensemble": ensemble})
    trained = train(dataset, tmp_path / "bundle", plan=plan)
    assert len(list(trained.bundle.networks())) == 2 * folds
    assert len(trained.val_outlined) == len(trained.val_cases) > len(dataset.cases) / 2 * (folds - 1)
    task, inputs = task_of(plan), prepare_masked(dataset, trained.val_cases, plan, tmp_path / "again", threads=1)
    networks, held = trained.bundle.networks(), trained.bundle.training.held_back
    for row, (case, one) in enumerate(zip(trained.val_cases, trained.val_outlined, strict=True)):
        mark = digest_of(case, dataset.name)
        own = [network for network, ids in zip(networks, held, strict=True) if mark in ids]
        assert len(own) == 2
        _, again = MaskLesson(task, inputs).together(plan, own, [np.array([row])] * 2)  # type: ignore[arg-type]
        assert again.outlined[0].result.labels == one.result.labels
    assert bool(note_on_ensemble(plan)) == (folds > 1)
    assert folds == 1 or "by 2 of the networks, those that had not seen its patient" in note_on_ensemble(plan)


class Bright(torch.nn.Module):
    """Labels as 1 what is brighter than a level, the surer the brighter."""

    def __init__(self, level: float = 0.6, sure: float = 1.0) -> None:
        super().__init__()
        self.level, self.sure = level, sure

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        above = (images - self.level) * self.sure
        return torch.cat([-above, above, torch.full_like(images, -9)], dim=1)


def test_networks_that_did_not_learn_from_an_image_outline_it_together(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=1)
    lesson = MaskLesson(task_of(plan), inputs)  # type: ignore[arg-type]
    networks = [Bright(0.3, sure=3), Bright(0.7), Bright(0.9)]

    rows, answer = lesson.together(plan, iter(networks), [np.array([2, 1]), np.array([1, 0]), np.array([0])])

    assert rows.tolist() == [0, 1, 2]
    alike = (Bright(0.8), Bright(0.4), Bright(0.3))  # the mean of the lines of those that answer
    for row, (one, said) in enumerate(zip(answer.outlined, alike, strict=True)):
        (alone,) = lesson.together(plan, [said], [np.array([row])])[1].outlined
        np.testing.assert_array_equal(one.outline.unpacked().labels, alone.outline.unpacked().labels)
        assert one.result == lesson.measured(plan, row, one.outline.unpacked()) == alone.result
    levels = [one.outline.unpacked().labels.any() for one in answer.outlined]
    assert any(levels)


def test_images_and_masks_are_prepared_onto_one_grid(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset, steps=({"step": "spacing", "mm": [2.0, 1.0, 0.5]},))
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=2)
    assert inputs.images[1].shape == (1, 10, 26, 48)
    assert inputs.codes[1].shape == (10, 26, 48)
    bright = inputs.images[1][0][inputs.codes[1] == 1].mean()
    assert bright > inputs.images[1][0][inputs.codes[1] == 2].mean() > inputs.images[1][0][inputs.codes[1] == 0].mean()
    again = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=2)
    np.testing.assert_array_equal(again.codes[3], inputs.codes[3])


def test_labels_where_the_image_was_cut_away_are_told(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = dataset.cases[0]
    image, mask = formats.read(case.image.path), mask_of(case)
    voxels = np.where(mask > 0, image.voxels, 0).astype(image.voxels.dtype)
    voxels[:, : np.flatnonzero(mask.any(axis=(1, 2)))[0] + 2] = 0  # two slices with labels show nothing
    formats.write_nifti(replace(image, voxels=voxels), tmp_path / "cut.nii.gz")
    cut = replace(case, images={"image": ImageRef(tmp_path / "cut.nii.gz")})
    plan = plan_for(dataset, steps=({"step": "foreground"},))
    made = masked_case(cut, plan, task_of(plan))
    gone = np.count_nonzero(mask) - np.count_nonzero(made.codes)
    assert gone > 0
    assert f"cut.nii.gz: {gone} of {np.count_nonzero(mask)} labelled voxels lie where" in capsys.readouterr().err
    masked_case(case, plan, task_of(plan))
    assert "labelled voxels" not in capsys.readouterr().err


def test_windows_carry_their_labels_with_them(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    plan = plan.model_copy(
        update={"augmentation": plan.augmentation.model_copy(update={"rotation_degrees": 30.0, "flip_axes": (2,)})}
    )
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=2)
    places = {row: places_of(inputs.codes[row]) for row in range(8)}
    images, codes = masked_batch(plan, inputs, np.arange(8), places, generator=torch.Generator().manual_seed(0))
    assert images.shape == (8, 1, 16, 16, 16)
    assert codes.shape == (8, 16, 16, 16)
    assert set(codes.unique().tolist()) == {0, 1, 2}
    means = [float(images[:, 0][codes == label].mean()) for label in (0, 1, 2)]
    assert means[1] > means[2] > means[0]


@pytest.mark.parametrize("recurrent", [False, True])
def test_answers_begin_at_how_common_labels_are_where_something_is_known(
    dataset: Dataset, tmp_path: Path, recurrent: bool
) -> None:
    plan = recurrent_plan(dataset, slices=4) if recurrent else plan_for(dataset)
    inputs = prepare_masked(dataset, dataset.cases[:3], plan, tmp_path, threads=1)
    first, second = np.full((4, 4, 4), UNKNOWN, dtype=np.uint8), np.zeros((4, 4, 4), dtype=np.uint8)
    first[0], first[1, 0] = 0, 2  # of 20 voxels 4, and of 64 none: a tenth on the mean
    images = (np.zeros((1, 4, 4, 4), dtype=np.float16),) * 3
    inputs = replace(inputs, images=images, codes=(first, second, np.ones((4, 4, 4), dtype=np.uint8)))
    lesson = MaskLesson(cast(SegmentationTask, task_of(plan)), inputs)
    network = setup(plan, member=0).network
    lesson.expect(network, shown(plan, sides=(4, 4, 4)), np.array([0, 1]))  # and not the third
    for begun in begun_at(network):
        torch.testing.assert_close(begun, torch.tensor([0.9, 1e-4, 0.1]), atol=1e-3, rtol=1e-3)


def test_an_epoch_learns_from_as_many_windows_of_each_image_as_the_plan_says(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset, epochs=1)
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=1)
    learned: list[int] = []

    class Counting(MaskLesson):
        def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> torch.Tensor:
            learned.extend(rows.tolist())
            return super().taught(run, plan, rows, generator)

    often = plan.segmentation.model_copy(update={"windows_an_epoch": 3})
    plan = plan.model_copy(update={"segmentation": often})
    lesson = Counting(cast(SegmentationTask, task_of(plan)), inputs)
    fitted = fit(plan, lesson, train_rows=np.arange(4), val_rows=np.arange(4, 6), member=0, checkpoint=tmp_path / "c")
    assert sorted(learned) == sorted([*range(4)] * 3) and len(fitted.history) == 1


def test_a_bundle_is_outlined_on_from_with_new_answers(dataset: Dataset, tmp_path: Path) -> None:
    first = train(dataset, tmp_path / "first", plan=plan_for(dataset, epochs=1)).bundle
    plan = plan_for(dataset)
    plan = plan.model_copy(update={"optimisation": plan.optimisation.model_copy(update={"start": str(first.folder)})})
    own, theirs = setup(plan, member=0).network.state_dict(), first.networks()[0].state_dict()
    same = {key for key, value in theirs.items() if torch.equal(own[key], value)}
    assert {key for key in theirs if key not in same} == {key for key in theirs if "answers" in key.split(".")}


def test_of_large_images_the_windows_say_how_common_labels_are(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    inputs = prepare_masked(dataset, dataset.cases[:1], plan, tmp_path, threads=1)
    codes = np.zeros((40, 40, 40), dtype=np.uint8)
    codes[20, 20, 20] = 2
    inputs = replace(inputs, images=(np.zeros((1, 40, 40, 40), dtype=np.float16),), codes=(codes,))
    network = setup(plan, member=0).network
    around = shown(plan, sides=(4, 4, 4), around_labels=1.0)
    MaskLesson(cast(SegmentationTask, task_of(plan)), inputs).expect(network, around, np.array([0]))
    for begun in begun_at(network):
        torch.testing.assert_close(begun, torch.tensor([63 / 64, 1e-4, 1 / 64]), atol=1e-3, rtol=1e-3)


def shown(plan: Plan, *, sides: tuple[int, int, int], around_labels: float = 0.0) -> Plan:
    """The plan with windows of these sides that are not changed."""
    update = {
        "input": plan.input.model_copy(update={"shape": sides}),
        "segmentation": plan.segmentation.model_copy(update={"around_labels": around_labels}),
        "augmentation": Augmentation(),
    }
    return plan.model_copy(update=update)


def begun_at(network: torch.nn.Module) -> list[torch.Tensor]:
    """How common each output is, by each of a network's answers."""
    answers = next(own for name, own in network.named_modules() if name.split(".")[-1] == "answers")
    return [torch.softmax(cast(torch.Tensor, own.bias), dim=0) for own in cast(torch.nn.ModuleList, answers)]


def test_where_little_is_known_no_window_is_drawn_that_teaches_nothing(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    update = {
        "segmentation": plan.segmentation.model_copy(update={"around_labels": 0.0}),
        "augmentation": Augmentation(),
    }
    plan = plan.model_copy(update=update)
    inputs = prepare_masked(dataset, dataset.cases[:2], plan, tmp_path, threads=1)
    sparse, nothing = (np.full((60, 60, 60), UNKNOWN, dtype=np.uint8) for _ in range(2))
    sparse[3, 50, 40:44] = 0  # that there is no label is known of four voxels
    voxels = np.zeros((1, 60, 60, 60), dtype=np.float16)
    inputs = replace(inputs, images=(voxels, voxels), codes=(sparse, nothing))
    places = {row: places_of(inputs.codes[row]) for row in (0, 1)}
    assert places[0].labels == () and len(places[0].known) == 4
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        _, codes = masked_batch(plan, inputs, np.array([0, 1]), places, generator=generator)
        assert (codes[0] == 0).any() and (codes[1] == UNKNOWN).all()


def test_windows_that_are_turned_and_made_smaller_lose_nothing_that_is_known(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    update = {
        "segmentation": plan.segmentation.model_copy(update={"around_labels": 0.0}),
        "augmentation": Augmentation(rotation_degrees=45, zoom=0.5, shift=0.3),
    }
    plan = plan.model_copy(update=update)
    inputs = prepare_masked(dataset, dataset.cases[:1], plan, tmp_path, threads=1)
    codes = np.full((60, 60, 60), UNKNOWN, dtype=np.uint8)
    codes[10::20, :50, :50] = 0
    voxels = np.random.default_rng(0).normal(size=(1, 60, 60, 60)).astype(np.float16)
    voxels[0, codes == 0] = 9
    inputs = replace(inputs, images=(voxels,), codes=(codes,))
    places = {0: places_of(codes)}
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        images, found = masked_batch(plan, inputs, np.array([0, 0]), places, generator=generator)
        assert (found != UNKNOWN).flatten(1).any(dim=1).all()
        assert images[:, 0][found == 0].mean() > 4 * images[:, 0][found == UNKNOWN].abs().mean()


def test_an_image_with_known_slices_and_no_label_is_examined_where_it_is_known(
    dataset: Dataset, tmp_path: Path
) -> None:
    plan = plan_for(dataset)
    inputs = prepare_masked(dataset, dataset.cases[:1], plan, tmp_path, threads=1)
    codes = np.full((60, 60, 60), UNKNOWN, dtype=np.uint8)
    codes[3] = 0
    inputs = replace(inputs, images=(np.zeros((1, 60, 60, 60), dtype=np.float16),), codes=(codes,))
    assert (plain_window(plan, inputs, 0, places_of(inputs.codes[0]))[1] == 0).sum() == 16 * 16


def test_what_a_network_says_comes_back_onto_the_grid_as_stored(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset, steps=({"step": "spacing", "mm": [0.5, 1.0, 1.0]},))
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=1)
    task = task_of(plan)

    lesson = MaskLesson(task, inputs)  # type: ignore[arg-type]
    _, answers = lesson.together(plan, [Bright()], [np.arange(2)])
    outlines = [one.outline.unpacked() for one in answers.outlined]
    assert [one.labels.shape for one in outlines] == [(18, 24, 28), (20, 26, 24)]
    assert min(one.result.labels[0].dice for one in answers.outlined) > 0.85
    assert [one.result for one in answers.outlined] == [
        lesson.measured(plan, row, own) for row, own in enumerate(outlines)
    ]


def test_many_codes_on_another_grid_are_those_of_all_shares_at_once() -> None:
    rng = np.random.default_rng(0)
    codes: IntArray = np.zeros((9, 14, 11), dtype=np.uint8)
    for code in (7, 1, 200, 3, UNKNOWN):
        low = [int(rng.integers(0, side - 4)) for side in codes.shape]
        codes[tuple(slice(start, start + 4 + code % 3) for start in low)] = code
    for step, first in (((1.5, 1.4, 2.2), (0.3, -0.8, 0.6)), ((0.7, 2.0, -1.3), (-0.4, 0.5, 10.2))):
        onto: FloatArray = np.diag([*step, 1.0])
        onto[:3, 3] = first
        shape = tuple(int(side / abs(one)) + 2 for side, one in zip(codes.shape, step, strict=True))
        shares = [_shares(onto[axis, axis], onto[axis, 3], shape[axis], codes.shape[axis]) for axis in range(3)]
        each = [np.einsum("ad,bh,cw,dhw->abc", *shares, codes == code) for code in np.unique(codes)]
        wanted = np.unique(codes)[np.argmax(np.round(each, 5), axis=0)]
        np.testing.assert_array_equal(resampled(codes, onto, shape), wanted)


def test_a_volume_stored_the_other_way_round_is_shown_alike_and_gets_its_labels_where_they_are(
    dataset: Dataset, tmp_path: Path
) -> None:
    plan = plan_for(dataset, steps=({"step": "spacing", "mm": [2.0, 1.0, 0.5]}, {"step": "orient"}))
    case = dataset.cases[0]
    image, mask = formats.read(case.image.path), formats.read(case.mask.path)  # type: ignore[union-attr]
    for name, own in (("image", image), ("mask", mask)):
        formats.write_nifti(flip(flip(own, 1), 2), tmp_path / f"{name}.nii.gz")
    turned = replace(
        case, images={"image": ImageRef(tmp_path / "image.nii.gz")}, mask=ImageRef(tmp_path / "mask.nii.gz")
    )
    task = task_of(plan)
    one, other = (masked_case(own, plan, task) for own in (case, turned))  # type: ignore[arg-type]
    np.testing.assert_allclose(one.voxels, other.voxels, atol=1e-3)
    np.testing.assert_array_equal(one.codes, other.codes)
    inputs = prepare_masked(dataset, (case, turned), plan, tmp_path, threads=1)

    _, answers = MaskLesson(task, inputs).together(plan, [Bright()], [np.arange(2)])  # type: ignore[arg-type]
    there, turned_back = (own.outline.unpacked().labels for own in answers.outlined)
    assert there.any()
    assert (there == turned_back[:, ::-1, ::-1]).mean() > 0.999


@pytest.mark.parametrize(
    ("step", "first", "side", "wanted"),
    [
        (1.0, 0.0, 8, [0, 0, 1, 1, 1, 1, 2, 0]),
        (1.0, -2.0, 12, [0, 0, 0, 0, 1, 1, 1, 1, 2, 0, 0, 0]),
        (-1.0, 7.0, 8, [0, 2, 1, 1, 1, 1, 0, 0]),
        (2.0, 0.5, 4, [0, 1, 1, 0]),
        (0.5, -0.25, 16, [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 0, 0]),
        (8 / 3, 5 / 6, 3, [0, 1, 0]),
    ],
)
def test_a_mask_on_another_grid_has_the_label_that_takes_most_of_each_voxel(
    step: float, first: float, side: int, wanted: list[int]
) -> None:
    codes: IntArray = np.array([[[0, 0, 1, 1, 1, 1, 2, 0]]], dtype=np.uint8)
    onto: FloatArray = np.diag([1.0, 1.0, step, 1.0])
    onto[2, 3] = first
    assert resampled(codes, onto, (1, 1, side))[0, 0].tolist() == wanted


def test_a_halved_mask_keeps_its_middle() -> None:
    codes: IntArray = np.zeros((1, 40, 40), dtype=np.uint8)
    codes[:, 9:22, 11:24] = 1
    onto: FloatArray = np.diag([1.0, 2.0, 2.0, 1.0])
    onto[1:3, 3] = 0.5
    half = resampled(codes, onto, (1, 20, 20))
    for axis, middle in ((1, 15.0), (2, 17.0)):
        assert 2 * np.nonzero(half)[axis].mean() + 0.5 == pytest.approx(middle, abs=0.51)


def test_a_turned_grid_is_refused() -> None:
    onto: FloatArray = np.eye(4)
    onto[1, 2] = onto[2, 1] = 0.1
    with pytest.raises(GeometryError, match="steps that rotate"):
        resampled(np.zeros((1, 8, 8), dtype=np.uint8), onto, (1, 8, 8))


def test_a_mask_on_another_grid_than_its_image_is_named_and_left_out(
    tmp_path: Path, spheres: Callable[..., Path]
) -> None:
    spheres(tmp_path / "data", count=4)
    path = tmp_path / "data" / "labels" / "case01.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3), dtype=np.uint8), np.eye(4)), path)
    found = for_segmentation(open_dataset(tmp_path / "data"))
    assert len(found.cases) == 3
    assert any("case01" in note and "3 × 3 × 3 voxels" in note for note in found.notes)


def test_images_without_masks_are_refused(tmp_path: Path, spheres: Callable[..., Path]) -> None:
    spheres(tmp_path / "data", count=2)
    for path in (tmp_path / "data" / "labels").iterdir():
        path.unlink()
    (tmp_path / "data" / "labels" / "other.nii.gz").write_bytes(b"")
    with pytest.raises(DatasetError, match="has a mask"):
        for_segmentation(open_dataset(tmp_path / "data"))


def test_the_window_that_is_examined_shows_a_label(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_for(dataset)
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=1)
    far: IntArray = np.zeros((60, 60, 60), dtype=np.uint8)
    far[2:6, 2:6, 2:6] = far[54:58, 54:58, 54:58] = 1
    apart = replace(inputs, codes=(far,), images=(np.zeros((1, 60, 60, 60), dtype=np.float16),))
    assert plain_window(plan, apart, 0, places_of(apart.codes[0]))[1].max() == 1


def test_slices_that_nobody_labelled_teach_nothing_and_are_not_measured(
    tmp_path: Path, spheres: Callable[..., Path]
) -> None:
    folder = spheres(tmp_path / "spheres", count=4)
    for path in (folder / "labels").iterdir():
        stored = nibabel.load(path)
        numbers = np.asarray(stored.dataobj).copy()
        numbers[:, :, 9:] = 255
        nibabel.save(nibabel.Nifti1Image(numbers, stored.affine), path)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"bright": 1, "dark": 2, "ignore": 255}}))
    dataset = for_segmentation(open_dataset(folder))
    plan = plan_for(dataset)
    plan = plan.model_copy(update={"segmentation": plan.segmentation.model_copy(update={"unlabelled": 255})})
    inputs = prepare_masked(dataset, dataset.cases, plan, tmp_path, threads=1)
    lesson = MaskLesson(task_of(plan), inputs)  # type: ignore[arg-type]

    assert dict(dataset.labels) == {"bright": (1,), "dark": (2,)} and dataset.unlabelled == 255
    assert all((codes[9:] == UNKNOWN).all() and (codes[:9] != UNKNOWN).all() for codes in inputs.codes)
    results = []
    for row, case in enumerate(inputs.cases):
        said = lesson.task.truth(mask_of(case)).labels
        said[9:] = 1  # all of it, where nobody knows
        results.append(lesson.measured(plan, row, lesson.task.outline(said)))
    assert all(label.dice == 1 and label.volume == label.found_volume for one in results for label in one.labels)
    slices = [np.asarray(nibabel.load(case.mask.path).dataobj)[:, :, :9] for case in inputs.cases if case.mask]
    assert [one.labels[0].volume for one in results] == [np.count_nonzero(own == 1) for own in slices]
    assert sum(one.labels[0].volume for one in results) > 0


def test_a_case_keeps_its_spacing(dataset: Dataset) -> None:
    plan = plan_for(dataset)
    task = task_of(plan)
    masked = masked_case(dataset.cases[0], plan, task)  # type: ignore[arg-type]
    assert masked.spacing_mm == (1.0, 1.0, 1.0)


def recurrent_plan(dataset: Dataset, *, slices: int = 8, epochs: int = 2, start: str = "") -> Plan:
    plan = plan_for(dataset, epochs=epochs)
    encoder = ResidualChoice(widths=(8, 16), blocks=(1, 1), normalisation="instance")
    changed = {"channels_last": True, "start": start}
    return plan.model_copy(
        update={
            "input": plan.input.model_copy(update={"shape": (slices, 32, 32)}),
            "network": RecurrentChoice(encoder=encoder, normalisation="instance", width=8),
            "optimisation": plan.optimisation.model_copy(update=changed),
        }
    )


def test_a_recurrent_network_learns_volumes_slice_by_slice(dataset: Dataset, tmp_path: Path) -> None:
    trained = train(dataset, tmp_path / "bundle", plan=recurrent_plan(dataset, slices=12, epochs=15))
    found = validation_evidence(trained).segmentation
    assert found is not None
    assert found.labels[0].scores["dice"].value > 0.4


def shallow(dataset: Dataset, folder: Path, plan: Plan) -> Inputs:
    """The cases prepared, of which only three slices are left, all of them with labels."""
    inputs = prepare_masked(dataset, dataset.cases[:2], plan, folder, threads=1)
    cut = [slice(int(np.flatnonzero((own > 0).any(axis=(1, 2)))[0]), None) for own in inputs.codes]
    return replace(
        inputs,
        images=tuple(own[:, part][:, :3] + np.float16(1) for own, part in zip(inputs.images, cut, strict=True)),
        codes=tuple(own[part][:3] for own, part in zip(inputs.codes, cut, strict=True)),
    )


def test_cells_are_shown_no_slices_that_do_not_exist_and_nothing_is_learned_there(
    dataset: Dataset, tmp_path: Path
) -> None:
    plan = recurrent_plan(dataset, slices=8)
    inputs = shallow(dataset, tmp_path, plan)
    places = {row: places_of(inputs.codes[row]) for row in (0, 1)}
    plan = plan.model_copy(update={"augmentation": Augmentation()})
    batch = masked_batch(plan, inputs, np.array([0, 1]), places, generator=torch.Generator().manual_seed(0))
    for row, (images, codes) in enumerate(zip(*batch, strict=True)):
        there = (codes != UNKNOWN).any(dim=(1, 2)).nonzero().flatten().tolist()
        assert there == [2, 3, 4]
        assert (codes[:2] == UNKNOWN).all() and (codes[5:] == UNKNOWN).all()
        slices = [images[0, place] for place in range(8)]
        assert all(torch.allclose(slices[place], slices[2], atol=1e-4) for place in (0, 1))
        assert all(torch.allclose(slices[place], slices[4], atol=1e-4) for place in (5, 6, 7))
        side = min(32, inputs.images[row].shape[2])
        assert (slices[2] > 0.5).any(dim=1).sum() == side  # beside a slice there still is nothing


def test_training_and_reading_show_a_shallow_volume_alike(dataset: Dataset, tmp_path: Path) -> None:
    for own in ({}, {"axes": "volume"}):
        plan = recurrent_plan(dataset, slices=8)
        plan = plan.model_copy(update={"network": plan.network.model_copy(update=own)})
        inputs = shallow(dataset, tmp_path, plan)
        learned, _ = plain_window(plan, inputs, 0, places_of(inputs.codes[0]))
        seen: list[torch.Tensor] = []

        def compute(windows: torch.Tensor, seen: list[torch.Tensor] = seen) -> torch.Tensor:
            seen.append(windows)
            return torch.zeros(len(windows), 3, *windows.shape[2:])

        task = cast("SegmentationTask", task_of(plan))
        image, shape = inputs.images[0], inputs.codes[0].shape
        outline(compute, image, task, windows=windows_for(plan), onto=np.eye(4), shape=cast("Any", shape))
        (read,) = seen
        assert torch.equal(read, learned)
        assert bool((read > 0).all()) is bool(own)  # all of it exists where cells go along rows and columns too
        assert (read.flatten(3) > 0).any(dim=3).all()


def test_a_unet_is_shown_nothing_beyond_a_volume_and_learns_that_nothing_is_there(
    dataset: Dataset, tmp_path: Path
) -> None:
    plan = plan_for(dataset)
    inputs = shallow(dataset, tmp_path, plan)
    images, codes = plain_window(plan, inputs, 0, places_of(inputs.codes[0]))
    assert (images != 0).any(dim=(0, 1, 3, 4)).nonzero().flatten().tolist() == [6, 7, 8]
    assert not (codes == UNKNOWN).any() and not codes[0, :6].any() and not codes[0, 9:].any()


def test_its_need_and_speed_are_known_before_it_is_trained(dataset: Dataset) -> None:
    few, many = (recurrent_plan(dataset, slices=slices) for slices in (4, 16))
    assert step_bytes(few) < step_bytes(many) < 5 * step_bytes(few)
    assert images_per_second(few) > 0


def test_a_recurrent_network_may_begin_from_a_unet_for_slices(tmp_path: Path) -> None:
    """A bundle for flat images knows what slices look like; what cells keep is new."""
    flat = tmp_path / "flat"
    for name in ("images", "labels"):
        (flat / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(12):
        image = rng.normal(100, 5, (32, 32))
        image[8:16, 8:20], image[20:26, 8:20] = 200, 150
        mask = 1 * (image > 180) + 2 * ((image > 130) & (image < 180))
        for name, voxels in (("images", image), ("labels", mask)):
            cv2.imwrite(str(flat / name / f"{number:02}.png"), voxels.astype(np.uint8))
    slices = for_segmentation(open_dataset(flat))
    plan = recurrent_plan(slices, start=str(tmp_path / "bundle"))
    first = plan_for(slices).model_copy(
        update={
            "input": Input(shape=(32, 32), steps=({"step": "rescale"}, {"step": "resize", "shape": [32, 32]})),
            "network": UNetChoice(encoder=plan.network.encoder, normalisation="instance"),  # type: ignore[union-attr]
        }
    )
    theirs = train(slices, tmp_path / "bundle", plan=first).bundle.networks()[0].state_dict()
    own = setup(plan, member=0).network.state_dict()
    stem = "encoder.stem.0.weight"
    assert torch.equal(own[f"unet.{stem}"][:, 1:2], theirs[stem])
    assert not own[f"unet.{stem}"][:, [0, 2]].any()  # of a slice's neighbours it makes nothing yet
    kept = [key for key in theirs if key != stem and "answers" not in key.split(".")]
    assert len(kept) > 20 and all(torch.equal(own[f"unet.{key}"], theirs[key]) for key in kept)
    assert {key.split(".")[0] for key in own} == {"unet", "memories"}


def test_networks_that_outline_are_named_where_another_is_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="outlined in volumes by unet, unet-2.5d, recurrent, not by 'convnet'"):
        choose_plan_and_split(dataset, minutes=1, seed=0, network="convnet")
    (tmp_path / "flat" / "images").mkdir(parents=True)
    (tmp_path / "flat" / "labels").mkdir()
    for number in range(12):
        for name in ("images", "labels"):
            cv2.imwrite(str(tmp_path / "flat" / name / f"{number}.png"), np.eye(32, dtype=np.uint8))
    flat = for_segmentation(open_dataset(tmp_path / "flat"))
    with pytest.raises(UnknownNameError, match="outlined in flat images by unet, or timm's name .* not by 'recurrent'"):
        choose_plan_and_split(flat, minutes=1, seed=0, network="recurrent")
