"""Silence for what libraries say about oddities in files that they then read all the same.

Warnings' filters and a logger's level belong to the whole process, while files are read by several threads: a silence
begins with the first reader that wants it and ends with the last.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

_LOCK = threading.Lock()


class _Shared:
    """A silence that any number of threads keep together."""

    def __init__(self, begin: Callable[[], AbstractContextManager[None]]) -> None:
        self._begin = begin
        self._held = ExitStack()
        self._inside = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with _LOCK:
            if not self._inside:
                self._held.enter_context(self._begin())
            self._inside += 1
        try:
            yield
        finally:
            with _LOCK:
                self._inside -= 1
                if not self._inside:
                    self._held.close()


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _no_log_of_pydicom() -> Iterator[None]:
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


_WARNINGS, _LOG = _Shared(_no_warnings), _Shared(_no_log_of_pydicom)


@contextmanager
def quiet() -> Iterator[None]:
    """Drop warnings of the readers below us: what matters to a user is checked here and told as a sentence."""
    with _WARNINGS():
        yield


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """As `quiet`, of pydicom, which also logs; apart, for a logger's level is slow to change where there are many."""
    with _WARNINGS(), _LOG():
        yield
