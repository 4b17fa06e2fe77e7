"""Gaussian, median and bilateral filters, the three of the case study: planar images and volumes alike.

Planar images go through OpenCV, volumes through SciPy and SimpleITK. A filter keeps the type of the numbers (whole
numbers are rounded), the grid and every channel apart from the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.errors import GeometryError
from hounsfield.image import Image
from hounsfield.preprocessing.dtype import as_type
from hounsfield.preprocessing.step import refuse, require_positive

_TRUNCATE = 4.0
"""Where a Gaussian kernel ends, in standard deviations: SciPy's default, used on both ways."""


@dataclass(frozen=True)
class Gaussian:
    """Gaussian smoothing; outside, the image goes on mirrored about its border voxels."""

    step: ClassVar[str] = "gaussian"

    sigma: float = 1.0
    """Standard deviation, > 0."""
    unit: Literal["pixels", "mm"] = "pixels"
    """"mm" divides by the image's spacing, so that a coarse grid is smoothed by fewer voxels."""

    def __post_init__(self) -> None:
        require_positive(self.step, "sigma", self.sigma)
        if self.unit not in ("pixels", "mm"):
            raise refuse(self.step, "unit", self.unit, '"pixels" or "mm"')

    def apply(self, image: Image) -> Image:
        """The smoothed image.

        Raises:
            GeometryError: The unit is mm and the image does not know its spacing.
        """
        sigma = self._sigma_voxels(image)
        return _by_channel(image, _gaussian_planar if image.planar else _gaussian_volume, sigma)

    def _sigma_voxels(self, image: Image) -> tuple[float, float, float]:
        if self.unit == "pixels":
            return self.sigma, self.sigma, self.sigma
        if image.spacing_kind == "none":
            raise GeometryError(
                f"{image.source.path or 'image'} does not say how large its pixels are, so sigma = {self.sigma} mm has "
                'no meaning; set unit = "pixels"'
            )
        depth, height, width = image.spacing_mm
        return self.sigma / depth, self.sigma / height, self.sigma / width


@dataclass(frozen=True)
class Median:
    """The median of a square or cubic neighbourhood; outside, the border voxels go on."""

    step: ClassVar[str] = "median"

    size: int = 3
    """Side of the neighbourhood in pixels, odd, 3 or more. Above 5, numbers of more than 8 bits take a slower way."""

    def __post_init__(self) -> None:
        if self.size < 3 or self.size % 2 == 0:
            raise refuse(self.step, "size", self.size, "an odd whole number, 3 or more")

    def apply(self, image: Image) -> Image:
        """The filtered image; no value appears that was not there before."""
        return _by_channel(image, _median_planar if image.planar else _median_volume, self.size)


@dataclass(frozen=True)
class Bilateral:
    """A mean over neighbours that are near in place and in grey level: smooths areas and keeps edges.

    Reference:
        Tomasi and Manduchi, ICCV 1998, doi:10.1109/ICCV.1998.710815.
    """

    step: ClassVar[str] = "bilateral"

    sigma_space: float = 2.0
    """Standard deviation in place, pixels, > 0; the neighbourhood is a circle of 1.5 sigma."""
    sigma_intensity: float = 0.1
    """Standard deviation in grey level as a part of the image's range (maximum - minimum), > 0."""

    def __post_init__(self) -> None:
        require_positive(self.step, "sigma_space", self.sigma_space)
        require_positive(self.step, "sigma_intensity", self.sigma_intensity)

    def apply(self, image: Image) -> Image:
        """The filtered image; one of a single grey level is left as it is."""
        low, high = float(image.voxels.min()), float(image.voxels.max())
        if high <= low:
            return image
        sigmas = self.sigma_space, self.sigma_intensity * (high - low)
        return _by_channel(image, _bilateral_planar if image.planar else _bilateral_volume, sigmas)


def _by_channel(image: Image, work: Callable[[VoxelArray, Any], VoxelArray], setting: object) -> Image:
    """The image after `work`, which takes (depth, height, width) and gives the same shape, on every channel."""
    done = [as_type(work(channel, setting), image.voxels.dtype) for channel in image.voxels]
    return replace(image, voxels=np.stack(done))


def _gaussian_planar(channel: VoxelArray, sigma: tuple[float, float, float]) -> VoxelArray:
    import cv2

    height, width = (2 * math.ceil(_TRUNCATE * s) + 1 for s in sigma[1:])
    plane = channel[0].astype(np.float32)
    smooth = cv2.GaussianBlur(
        plane, (width, height), sigmaX=sigma[2], sigmaY=sigma[1], borderType=cv2.BORDER_REFLECT_101
    )
    return np.asarray(smooth)[np.newaxis]


def _gaussian_volume(channel: VoxelArray, sigma: tuple[float, float, float]) -> VoxelArray:
    from scipy import ndimage

    volume = channel.astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(volume, sigma, mode="mirror", truncate=_TRUNCATE))


def _median_planar(channel: VoxelArray, size: int) -> VoxelArray:
    import cv2

    plane = channel[0]
    # OpenCV takes 8-bit numbers at any size, 16-bit and float32 ones up to 5 (modules/imgproc, medianBlur).
    if plane.dtype == np.uint8 or (size <= 5 and plane.dtype in (np.uint16, np.float32)):
        return np.asarray(cv2.medianBlur(np.ascontiguousarray(plane), size))[np.newaxis]
    if plane.dtype == np.int16 and size <= 5:
        lifted = (plane.astype(np.int32) + 32768).astype(np.uint16)
        return (np.asarray(cv2.medianBlur(lifted, size)).astype(np.int32) - 32768)[np.newaxis]
    return _median_volume(plane, size)[np.newaxis]


def _median_volume(channel: VoxelArray, size: int) -> VoxelArray:
    from scipy import ndimage

    return np.asarray(ndimage.median_filter(channel, size=size, mode="nearest"))


def _bilateral_planar(channel: VoxelArray, sigmas: tuple[float, float]) -> VoxelArray:
    import cv2

    space, intensity = sigmas
    plane = channel[0].astype(np.float32)
    smooth = cv2.bilateralFilter(plane, d=-1, sigmaColor=intensity, sigmaSpace=space, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smooth)[np.newaxis]


def _bilateral_volume(channel: VoxelArray, sigmas: tuple[float, float]) -> VoxelArray:
    import SimpleITK

    smooth: Any = SimpleITK.Bilateral  # SimpleITK ships no types
    space, intensity = sigmas
    volume = SimpleITK.GetImageFromArray(channel.astype(np.float32))
    return np.asarray(SimpleITK.GetArrayFromImage(smooth(volume, space, intensity)))
