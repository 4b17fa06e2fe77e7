"""Work on many slices at once, on as many threads as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def cores() -> int:
    """Cores this process may use; OMP_NUM_THREADS does not count, for it speaks of numeric libraries."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_each(count: int, work: Callable[[int], None], *, threads: int | None = None) -> None:
    """Call `work` with 0 … count - 1; after a failure no new item is begun, and the first failure is raised.

    Args:
        count: How many items there are.
        work: Should spend its time where Python's lock is let go of: reading, decoding, NumPy on large arrays.
        threads: None takes one per core.
    """
    threads = min(threads or cores(), count)
    if threads <= 1:
        for index in range(count):
            work(index)
        return
    with ThreadPoolExecutor(threads) as pool:
        tasks = [pool.submit(work, index) for index in range(count)]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
