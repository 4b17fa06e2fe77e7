"""Labels, codes, the loss and what logits mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hounsfield.datasets.segmentation import MOST_NUMBERS, MOST_OVERLAPPING
from hounsfield.tasks.segmentation import UNKNOWN, Segmentation, dice_of

ORGANS = Segmentation(("liver", "tumour"), ((3,), (7,)), unlabelled=9)
REGIONS = Segmentation(("whole", "core"), ((1, 2), (2,)))


def test_numbers_of_masks_become_codes_and_the_rest_is_nothing() -> None:
    assert ORGANS.exclusive
    assert ORGANS.outputs == 3
    np.testing.assert_array_equal(ORGANS.codes(np.array([0, 3, 7, 9, 5, -1])), [0, 1, 2, UNKNOWN, 0, 0])


def test_regions_that_share_numbers_are_asked_about_one_by_one() -> None:
    assert not REGIONS.exclusive
    assert REGIONS.outputs == 2
    np.testing.assert_array_equal(REGIONS.of_code.numpy(), [[0, 0], [1, 0], [1, 1]])


def test_logits_mean_the_likeliest_label_or_a_bit_for_each() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, 0.5, 3.0]])
    assert ORGANS.labelled(logits).tolist() == [0, 1, 2]
    assert REGIONS.labelled(torch.tensor([[1.0, -1.0, 2.0], [-1.0, -2.0, 3.0]])).tolist() == [1, 0, 3]
    said = REGIONS.outline(np.array([[[1, 0, 3]]]))
    assert {name: where[0, 0].tolist() for name, where in said.parts()} == {
        "whole": [True, False, True],
        "core": [False, False, True],
    }


def test_a_mask_is_the_outline_that_it_draws() -> None:
    np.testing.assert_array_equal(REGIONS.truth(np.array([[[0, 1, 2]]])).labels[0, 0], [0, 1, 3])
    np.testing.assert_array_equal(ORGANS.truth(np.array([[[0, 3, 7, 9]]])).labels[0, 0], [0, 1, 2, 0])


def test_what_is_common_is_expected() -> None:
    torch.testing.assert_close(
        torch.softmax(ORGANS.expected(np.array([90, 9, 1])), dim=0), torch.tensor([0.9, 0.09, 0.01])
    )
    torch.testing.assert_close(torch.sigmoid(REGIONS.expected(np.array([80, 15, 5]))), torch.tensor([0.2, 0.05]))
    assert torch.isfinite(REGIONS.expected(np.array([10, 0, 0]))).all()


@pytest.mark.parametrize("task", [ORGANS, REGIONS])
def test_the_dice_of_each_image_is_meant_where_the_loss_is_asked_to(task: Segmentation) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, task.outputs, 6, 8, generator=generator)
    codes = torch.randint(0, 3, (4, 6, 8), generator=generator)
    codes[1, :3] = UNKNOWN  # half of an image, …
    codes[2] = 0  # one without any label, which has no Dice
    codes[3, 1:] = 0  # … and one with little
    parts = []
    for number in (0, 1, 3):
        one, own = logits[number : number + 1], codes[number : number + 1]
        flat = one.movedim(1, -1)[own != UNKNOWN]
        shares = torch.softmax(flat, dim=1)[:, 1:] if task.exclusive else torch.sigmoid(flat)
        wanted = task.of_code[own[own != UNKNOWN]][:, int(task.exclusive) :]
        parts += (2 * (shares * wanted).sum(dim=0) / (shares + wanted).sum(dim=0))[wanted.sum(dim=0) > 0]
    each = replace(task, dice="image")
    entropy = task.loss(logits, codes) - (1 - _dice(task, logits, codes))
    torch.testing.assert_close(each.loss(logits, codes), entropy + 1 - torch.stack(parts).mean())
    torch.testing.assert_close(each.loss(logits[:1], codes[:1]), task.loss(logits[:1], codes[:1]))


def _dice(task: Segmentation, logits: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """The mean Dice of labels, of all images together."""
    known = codes != UNKNOWN
    flat = logits.movedim(1, -1)[known]
    shares = torch.softmax(flat, dim=1)[:, 1:] if task.exclusive else torch.sigmoid(flat)
    wanted = task.of_code[codes[known]][:, int(task.exclusive) :]
    return (2 * (shares * wanted).sum(dim=0) / (shares + wanted).sum(dim=0)).mean()


@pytest.mark.parametrize("task", [ORGANS, REGIONS])
def test_the_loss_is_cross_entropy_and_dice_of_one_hot_masks(task: Segmentation) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, task.outputs, 4, 5, 6, generator=generator)
    codes = torch.randint(0, 3, (2, 4, 5, 6), generator=generator)
    wanted = task.of_code[codes].movedim(-1, 1)
    if task.exclusive:
        shares = torch.softmax(logits, dim=1)
        entropy = -(wanted * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
    else:
        shares = torch.sigmoid(logits)
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
    first = int(task.exclusive)
    axes = (0, 2, 3, 4)
    both, whole = (shares * wanted).sum(dim=axes)[first:], (shares + wanted).sum(dim=axes)[first:]
    torch.testing.assert_close(task.loss(logits, codes), entropy + 1 - (2 * both / whole).mean())


def test_voxels_that_nobody_knows_change_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, 8, 8, generator=generator, requires_grad=True)
    codes = torch.randint(0, 3, (1, 8, 8), generator=generator)
    codes[:, :, 4:] = UNKNOWN
    loss = ORGANS.loss(logits, codes)
    torch.testing.assert_close(loss, ORGANS.loss(logits[:, :, :, :4], codes[:, :, :4]))
    loss.backward()
    assert logits.grad is not None
    assert float(logits.grad[:, :, :, 4:].abs().max()) == 0
    nothing = ORGANS.loss(logits, torch.full_like(codes, UNKNOWN))
    assert float(nothing.detach()) == 0


def test_a_label_that_is_not_there_adds_no_dice() -> None:
    logits = torch.zeros(1, 3, 2, 2)
    codes = torch.tensor([[[1, 0], [0, 1]]])
    entropy = torch.nn.functional.cross_entropy(logits, codes)
    dice = 2 * (2 / 3) / (4 / 3 + 2)
    torch.testing.assert_close(ORGANS.loss(logits, codes), entropy + 1 - dice)


def test_the_learning_curve_shows_the_mean_dice_over_all_images_together() -> None:
    truth = np.array([[[0, 1, 1, 2, UNKNOWN]]], dtype=np.uint8)
    counts = ORGANS.counts(np.array([[[0, 1, 2, 2, 1]]]), truth)
    np.testing.assert_array_equal(counts, [[1, 1, 2], [1, 2, 1]])
    assert dice_of(counts) == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert np.isnan(dice_of(np.zeros((2, 3))))


def test_the_most_labels_keep_a_code_of_their_own_beside_what_nobody_knows() -> None:
    names = tuple(f"label {n}" for n in range(1, MOST_NUMBERS + 1))
    task = Segmentation(names, tuple((n,) for n in range(1, MOST_NUMBERS + 1)), unlabelled=255)
    numbers = np.arange(256)
    codes = task.codes(numbers)
    assert task.exclusive and codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, numbers)
    assert codes[255] == UNKNOWN
    logits = torch.eye(task.outputs)
    np.testing.assert_array_equal(task.labelled(logits).numpy(), np.arange(255))
    np.testing.assert_array_equal(task.truth(numbers[None, None]).labels[0, 0], [*range(255), 0])


def test_the_most_labels_that_overlap_keep_a_bit_each() -> None:
    names = tuple(f"region {n}" for n in range(MOST_OVERLAPPING))
    task = Segmentation(names, tuple((n + 1, 100) for n in range(MOST_OVERLAPPING)))
    numbers = np.array([[[*range(MOST_OVERLAPPING + 1), 100]]])
    truth = task.truth(numbers)
    assert not task.exclusive
    for place, (_, where) in enumerate(truth.parts()):
        assert np.flatnonzero(where[0, 0]).tolist() == [place + 1, MOST_OVERLAPPING + 1]
    said = task.labelled(2 * task.of_code[torch.from_numpy(task.codes(numbers)[0, 0]).long()].T - 1)
    np.testing.assert_array_equal(said.numpy().astype(np.uint16), truth.labels[0, 0])
