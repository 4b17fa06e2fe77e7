"""Memory for preprocessing a large image: asked for before it is taken, and shared out among threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hounsfield.formats.capacity import check_memory, free_memory, is_small
from hounsfield.image import Image

COPIES = 4
"""Copies in float32 that the steps of a pipeline make beside the image, at most; measured on a volume of 16 bits:
1.4 (rescale, median) to 3.3 (bilateral)."""

_BYTES = 4 * COPIES
"""For each voxel."""

_change = threading.Condition()
_given: list[int] = []
"""Bytes for the large images at work; `_change` guards it."""


@contextmanager
def working_memory(image: Image) -> Iterator[None]:
    """Work on the image in here; where it does not fit beside other large ones, it waits for them to be done.

    Raises:
        StorageError: It does not fit by itself; the message names the file.
    """
    needed = image.voxels.size * _BYTES
    if is_small(needed):
        yield
        return
    with _change:
        _change.wait_for(lambda: not _given or needed + sum(_given) <= free_memory())
        shape = (image.channels, *image.shape)
        check_memory(image.source.path or "the image", shape, _BYTES, what="image, while it is prepared,")
        _given.append(needed)
    try:
        yield
    finally:
        with _change:
            _given.remove(needed)
            _change.notify_all()
