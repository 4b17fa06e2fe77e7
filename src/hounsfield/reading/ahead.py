"""Work done in threads a little ahead of the one who asks for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

WORKERS = 2
"""Threads that decode and prepare while the networks are computed."""


def ahead(work: Callable[[Given], Made], given: Iterable[Given], *, count: int) -> Iterator[tuple[Given, Future[Made]]]:
    """Each thing, in order, with what `work` makes of it.

    Args:
        work: Called in another thread; what it raises is raised by the future's `result`.
        given: The things.
        count: As many are worked on, or are done and waiting, before they are asked for; bounds the memory.
    """
    import cv2

    pool = ThreadPoolExecutor(WORKERS)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # of each worker: more would only take the processor from the networks
    waiting: deque[tuple[Given, Future[Made]]] = deque()
    try:
        for thing in given:
            waiting.append((thing, pool.submit(work, thing)))
            if len(waiting) > count:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, future in waiting:
            future.cancel()
        pool.shutdown()
        cv2.setNumThreads(threads)
