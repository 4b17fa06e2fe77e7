"""What networks have in common: stages, maps and an answer of them, and maps of several resolutions for others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.places import AnswerOfPlaces


class Staged(nn.Module, ABC):
    """A network for images whose parts follow one another."""

    dims: Literal[2, 3]
    channels: int

    @abstractmethod
    def stages(self) -> list[list[nn.Module]]:
        """Its parts from the input on, what answers last, for rates that differ by depth."""


class Mapped(Staged):
    """A network that makes maps of images, and an answer of the maps."""

    smallest_side: int
    """Pixels along every side of an image, at least."""

    @abstractmethod
    def feature_maps(self, images: Tensor) -> Tensor:
        """The last maps, (N, F, …), of images (N, C, …): what heat maps are made of.

        Raises:
            ShapeError: The images have another number of axes or channels, or are too small.
        """

    @abstractmethod
    def pooled(self, images: Tensor) -> Tensor:
        """Features of images (N, C, …) as the answer is given them, (N, F)."""

    @abstractmethod
    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of maps as `feature_maps` gives them."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (N, outputs), of images (N, C, …) with values in [0, 1]."""
        return self.head(self.feature_maps(images))


class Encoder(Mapped):
    """One that gives maps of several resolutions too, so that other networks can be built around it."""

    answer: nn.Module

    @property
    @abstractmethod
    def pyramid_facts(self) -> list[tuple[int, int]]:
        """Pixels between places, and how many maps, of each resolution that `pyramid` gives."""

    @abstractmethod
    def pyramid(self, images: Tensor) -> list[tuple[int, Tensor]]:
        """The last maps of each resolution, the finest first: pixels between places, and (N, C, …).

        Raises:
            ShapeError: As `feature_maps`.
        """

    def require(self, images: Tensor) -> None:
        """Accept images that the network can look at.

        Raises:
            ShapeError: They have another number of axes or channels, or are too small to be halved that often.
        """
        fits = images.ndim == self.dims + 2 and images.shape[1] == self.channels
        if not fits or min(images.shape[2:]) < self.smallest_side:
            raise ShapeError(
                f"the network takes {self.dims}-D images of at least {self.smallest_side} pixels a side as "
                f"(N, {self.channels}, …), not {tuple(images.shape)}"
            )


def require_encoder(encoder: Encoder, *, dims: int, channels: int) -> None:
    """Accept an encoder for images of so many axes and channels.

    Raises:
        ShapeError: It takes others.
    """
    if encoder.dims != dims or encoder.channels != channels:
        raise ShapeError(
            f"the encoder is for {encoder.dims}-D images of {encoder.channels} channels, not for {dims}-D ones of "
            f"{channels}"
        )


def answer_width(answer: nn.Module) -> int:
    """How many features an answer is given.

    Raises:
        TypeError: It is no answer.
    """
    if not isinstance(answer, nn.Linear | AnswerOfPlaces):
        raise TypeError(f"a {type(answer).__name__} is no answer")
    return answer.in_features


def averaged(maps: Tensor) -> Tensor:
    """(N, F) means over space of maps (N, F, …)."""
    return torch.mean(maps, dim=tuple(range(2, maps.ndim)))


def that_learn(stages: Sequence[list[nn.Module]]) -> list[list[nn.Module]]:
    """The stages that have something to learn."""
    return [stage for stage in stages if any(True for module in stage for _ in module.parameters())]


def stages_after(encoder: Encoder, own: Sequence[nn.Module]) -> list[list[nn.Module]]:
    """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
    return [*that_learn(encoder.stages()), [*own]]
