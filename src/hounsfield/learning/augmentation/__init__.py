"""Changes drawn anew for each image and epoch, applied to whole batches."""

from hounsfield.learning.augmentation.intensity import IntensityChange, draw_intensity
from hounsfield.learning.augmentation.mixup import Mixing, draw_mixing
from hounsfield.learning.augmentation.spatial import draw_affines, warp

__all__ = ["IntensityChange", "Mixing", "draw_affines", "draw_intensity", "draw_mixing", "warp"]
