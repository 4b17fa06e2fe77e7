"""Mirrored copies, the middle of an image, and the memory order."""

import pytest
import torch
from torch import Tensor, nn

from hounsfield.tasks.predict import centre, memory_order, predict_logits


class Corner(nn.Module):
    """Answers with the first pixel."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :1]


def test_the_middle_is_cut_out() -> None:
    image = torch.arange(30.0).reshape(1, 1, 5, 6)
    assert centre(image, (3, 2)).flatten().tolist() == [8, 9, 14, 15, 20, 21]
    assert centre(image, (5, 6)).equal(image)


def test_more_than_there_is_cannot_be_cut() -> None:
    with pytest.raises(ValueError, match=r"cannot cut \(6, 2\) from the middle of \(5, 6\)"):
        centre(torch.zeros(1, 1, 5, 6), (6, 2))


def test_answers_are_averaged_over_all_mirrored_copies() -> None:
    image = torch.tensor([[[[1.0, 2.0], [4.0, 8.0]]]])
    for axes, expected in (((), 1.0), ((1,), 1.5), ((0,), 2.5), ((0, 1), 3.75)):
        assert predict_logits(Corner(), image, flip_axes=axes).item() == expected


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4, 5, 6)])
def test_the_memory_order_changes_and_the_values_do_not(shape: tuple[int, ...]) -> None:
    images = torch.randn(shape)
    last = memory_order(images, channels_last=True)
    assert last.stride()[1] == 1
    assert last.equal(images)
    assert memory_order(last, channels_last=False).is_contiguous()
