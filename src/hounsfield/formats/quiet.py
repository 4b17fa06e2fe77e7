"""Silence for what libraries say about oddities in files that they then read all the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Drop warnings of the readers below us: what matters to a user is checked here and told as a sentence.

    Only for the main thread of a read: the filters of `warnings` belong to the whole process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """As `quiet`, of pydicom, which also logs; apart, for a logger's level is slow to change where there are many."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    with quiet():
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)
