"""Mixed images and mixed truth by hand, and a share that is drawn as the plan says."""

import numpy as np
import pytest
import torch

from hounsfield.learning.augmentation import Mixing, draw_mixing
from hounsfield.plan import Augmentation
from hounsfield.tasks.classification import Classification


def test_a_mixture_by_hand() -> None:
    mixing = Mixing(0.75, torch.tensor([1, 2, 0]))
    images = torch.tensor([0.0, 4.0, 8.0]).view(3, 1, 1, 1)
    assert mixing.images(images).flatten().tolist() == [1.0, 5.0, 6.0]


def test_the_loss_is_that_of_mixed_truth() -> None:
    mixing = Mixing(0.7, torch.tensor([1, 0]))
    logits, targets = torch.tensor([[0.5, -1.0], [2.0, 0.25]]), torch.tensor([0, 1])
    mixed = torch.tensor([[0.7, 0.3], [0.3, 0.7]])
    expected = -(mixed * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
    found = mixing.loss(lambda truth: Classification(("benign", "malignant")).loss(logits, truth), targets)
    torch.testing.assert_close(found, expected)


def test_the_memory_order_of_images_is_kept() -> None:
    images = torch.rand(4, 3, 8, 6).to(memory_format=torch.channels_last)
    mixed = Mixing(0.5, torch.tensor([3, 2, 1, 0])).images(images)
    assert mixed.is_contiguous(memory_format=torch.channels_last)


def test_a_view_that_was_not_taken_of_either_is_not_mixed() -> None:
    images = torch.tensor([[4.0, 0.0, 2.0], [8.0, 6.0, 2.0]]).view(2, 3, 1, 1)  # of three views
    mixed = Mixing(0.75, torch.tensor([1, 0])).images(images, views=3)
    assert mixed.flatten(1).tolist() == [[5.0, 0.0, 2.0], [7.0, 6.0, 2.0]]


def test_a_number_of_a_table_is_not_lost_where_the_partners_is_missing() -> None:
    table = torch.tensor([[1.0, torch.nan], [3.0, 5.0], [torch.nan, 7.0]])
    mixed = Mixing(0.5, torch.tensor([1, 2, 0])).table(table)
    assert mixed is not None
    torch.testing.assert_close(mixed, torch.tensor([[2.0, torch.nan], [3.0, 6.0], [torch.nan, 7.0]]), equal_nan=True)
    assert Mixing(0.5, torch.tensor([0])).table(None) is None


def test_nothing_asked_for_is_nothing_drawn() -> None:
    assert draw_mixing(4, augmentation=Augmentation(), generator=torch.Generator()) is None


@pytest.mark.parametrize("parameter", [0.2, 1.0])
def test_shares_follow_the_beta_distribution(parameter: float) -> None:
    generator = torch.Generator().manual_seed(0)
    shares = []
    for _ in range(2000):
        mixing = draw_mixing(5, augmentation=Augmentation(mixup=parameter), generator=generator)
        assert mixing is not None
        assert sorted(mixing.partners.tolist()) == [0, 1, 2, 3, 4]
        shares.append(mixing.share)
    assert min(shares) >= 0.5
    # around 1/2 a beta distribution is symmetric: its variance is 1 / (4 (2 a + 1))
    variance = np.mean((np.array(shares) - 0.5) ** 2)
    assert variance == pytest.approx(1 / (4 * (2 * parameter + 1)), rel=0.05)


def test_the_same_seed_mixes_the_same() -> None:
    first, second = (
        draw_mixing(6, augmentation=Augmentation(mixup=0.4), generator=torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    assert first is not None
    assert second is not None
    assert (first.share, first.partners.tolist()) == (second.share, second.partners.tolist())
