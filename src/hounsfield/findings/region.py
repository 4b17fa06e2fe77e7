"""`Box`: where in an image something lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle in the array of a planar image, in pixels of the image as it is stored.

    Pixel (0, 0) covers 0 ≤ x < 1, 0 ≤ y < 1; x grows with the width index, y with the height index, and x1, y1 are
    exclusive, so that the width is x1 - x0.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    label: str = ""
    """The class of what is inside, empty when unknown."""

    @property
    def width(self) -> float:
        """Pixels along x."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels along y."""
        return self.y1 - self.y0

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2
