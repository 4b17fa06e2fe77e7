"""Changes drawn anew for each image or batch and epoch, applied to whole batches."""

from hounsfield.learning.augmentation.intensity import IntensityChange, draw_intensity
from hounsfield.learning.augmentation.mixup import Mixing, draw_mixing
from hounsfield.learning.augmentation.spatial import draw_affines, warp, warp_boxes, warp_points, with_reflections
from hounsfield.learning.augmentation.views import only_views, views_taken

__all__ = [
    "IntensityChange",
    "Mixing",
    "draw_affines",
    "draw_intensity",
    "draw_mixing",
    "only_views",
    "views_taken",
    "warp",
    "warp_boxes",
    "warp_points",
    "with_reflections",
]
