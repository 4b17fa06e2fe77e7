"""Memory for preprocessing a large image: asked for before it is taken, and shared out among threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hounsfield.formats.capacity import check_free, free_memory, is_small
from hounsfield.image import Image

_change = threading.Condition()
_given: list[int] = []
"""Bytes for the large images at work; `_change` guards it."""


@contextmanager
def working_memory(image: Image, needed: int) -> Iterator[None]:
    """Work on the image in here; where that does not fit beside other large ones, it waits for them to be done.

    Args:
        image: As stored.
        needed: Bytes that the work takes beside it.

    Raises:
        StorageError: It does not fit by itself; the message names the file.
    """
    if is_small(needed):
        yield
        return
    with _change:
        _change.wait_for(lambda: not _given or needed + sum(_given) <= free_memory())
        shape = (image.channels, *image.shape)
        check_free(image.source.path or "the image", shape, needed, what="image, while it is prepared,")
        _given.append(needed)
    try:
        yield
    finally:
        with _change:
            _given.remove(needed)
            _change.notify_all()
