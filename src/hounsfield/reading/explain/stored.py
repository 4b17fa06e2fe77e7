"""A heat map brought back to where the image lay."""

from __future__ import annotations

from dataclasses import replace

from hounsfield.arrays import FloatArray
from hounsfield.geometry import cropped
from hounsfield.image import Image
from hounsfield.preprocessing.transfer import move_map


def on_stored_grid(heat: FloatArray, prepared: Image, stored: Image) -> FloatArray:
    """A heat map of the network's input, resampled onto the stored image: (height, width), or (depth, height, width).

    Args:
        heat: (height, width) or (depth, height, width), of the middle of `prepared`.
        prepared: What preprocessing made of the stored image; its affine tells what was cropped, turned and resized.
        stored: The image as it was read.
    """
    volume = heat[None] if heat.ndim == 2 else heat
    start = [(side - part) // 2 for side, part in zip(prepared.shape, volume.shape, strict=True)]
    middle = replace(prepared, voxels=volume[None], affine=cropped(prepared.affine, (start[0], start[1], start[2])))
    moved = move_map(volume, origin=middle, target=stored)
    return moved[0] if stored.planar else moved
