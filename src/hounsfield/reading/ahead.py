"""Work done in threads a little ahead of the one who asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import TypeVar

from hounsfield.datasets.parallel import futures_ahead

Given = TypeVar("Given")
Made = TypeVar("Made")

WORKERS = 2
"""Threads that decode and prepare while the networks are computed."""


def ahead(work: Callable[[Given], Made], given: Iterable[Given], *, count: int) -> Iterator[tuple[Given, Future[Made]]]:
    """As `datasets.parallel.futures_ahead`, by `WORKERS` that take no more of the processor than one thread each."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # of each worker: more would only take the processor from the networks
    try:
        with closing(futures_ahead(work, given, threads=WORKERS, count=count)) as futures:
            yield from futures
    finally:
        cv2.setNumThreads(threads)
