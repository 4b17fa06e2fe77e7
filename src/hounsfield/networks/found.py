"""What there is on an image, `Truth`, what was found on it, `Found`, and what networks that find do, `Finder`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from torch import Tensor

from hounsfield.networks.encoders import Staged


@dataclass(frozen=True, eq=False)
class Truth:
    """What there is on one image."""

    boxes: Tensor
    """(n, 2 · dims): x0, y0, x1, y1 in pixels of the network's input, float32; x0, y0, z0, x1, y1, z1 in volumes."""
    kinds: Tensor
    """(n,), 1 for the first kind …; 0 is nothing."""


@dataclass(frozen=True, eq=False)
class Found:
    """The findings on one image, the surest first."""

    boxes: Tensor
    """(n, 2 · dims), as those of `Truth`."""
    probabilities: Tensor
    """(n, kinds)."""


class EveryPlace(Protocol):
    """What a network computes at every place of the images."""

    def parts(self) -> list[Tensor]:
        """All tensors, (N, …), one after another."""
        ...

    def like(self, parts: Sequence[Tensor]) -> Self:
        """The same of other tensors."""
        ...


Computed = TypeVar("Computed", bound=EveryPlace)


class Finder(Staged, Generic[Computed]):
    """A network that finds, in two parts: what is computed at every place, which other runtimes can take over, and what
    follows from it."""

    @abstractmethod
    def dense(self, images: Tensor) -> Computed:
        """What is computed at every place of images (N, C, …), whatever is there."""

    @abstractmethod
    def losses(self, dense: Computed, truths: Sequence[Truth], size: Sequence[int]) -> Tensor:
        """One loss each, of what was computed and what is there, for images of the spatial shape `size`."""

    @abstractmethod
    def findings(self, dense: Computed, size: Sequence[int]) -> list[Found]:
        """What is found on each image, of what was computed, for images of the spatial shape `size`."""

    @abstractmethod
    def warmth(self, dense: Computed) -> Tensor:
        """(N, …), in [0, 1] and not calibrated: how likely something is at each place, before findings are made of it;
        with fewer places than pixels."""
