"""What a network that locates landmarks answers: for each of them a box, by its middle and its half sides.

The middle is where the landmark is thought to lie, and the half sides how far from there it may be. Both are shares of
the image's sides, so that an answer does not depend on the size of the images; they stand in one row of numbers, as
every network's answer does.
"""

from __future__ import annotations

import torch
from torch import Tensor

SPREAD = 0.05
"""Half side, as a share of the image's, that an answer of 0 says."""


def numbers_for(landmarks: int, dims: int) -> int:
    """Length of the answer."""
    return 2 * dims * landmarks


def landmarks_in(outputs: int, dims: int) -> int:
    """How many landmarks an answer of this length is of."""
    return outputs // (2 * dims)


def answer_of(middles: Tensor, halves: Tensor) -> Tensor:
    """The row of numbers, (N, outputs), of middles and half sides (N, landmarks, dims) in shares of the sides.

    The middle of a side is 0.5, its ends 0 and 1; dims is in the order of the array, (height, width) or (depth, height,
    width).
    """
    return torch.stack([middles - 0.5, torch.log(halves.clamp(min=1e-4) / SPREAD)], dim=2).flatten(1)


def read_answer(answers: Tensor, dims: int) -> tuple[Tensor, Tensor]:
    """Middles and half sides, (N, landmarks, dims), of answers (N, outputs): `answer_of` turned round."""
    parts = answers.reshape(len(answers), -1, 2, dims)
    return parts[:, :, 0] + 0.5, SPREAD * torch.exp(parts[:, :, 1].clamp(-6.0, 4.0))
