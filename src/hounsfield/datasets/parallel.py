"""Work on many files at once, in threads: all of them, where one bad file stops nothing, or a bounded number ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from hounsfield.errors import HounsfieldError, StorageError
from hounsfield.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], description: str
) -> list[Result | HounsfieldError]:
    """What `work` returns for each item, in order, or the error with which it refused that item."""

    def attempt(item: Item) -> Result | HounsfieldError:
        try:
            return work(item)
        except HounsfieldError as error:
            return error
        except MemoryError:
            return StorageError("there is not enough memory to read it; end other programs, or leave it out")

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(track(pool.map(attempt, items), description, total=len(items)))


def futures_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, count: int
) -> Generator[tuple[Item, Future[Result]], None, None]:
    """Each item, in order, with what `work` makes of it; closing the generator stops the work.

    Args:
        work: Called in another thread; what it raises is raised by the future's `result`.
        items: The things.
        threads: Working at once.
        count: As many are worked on, or are done and waiting, before they are asked for; bounds the memory.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > count:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, future in waiting:
            future.cancel()
        pool.shutdown()


def in_order(work: Callable[[Item], Result], items: Iterable[Item], *, threads: int) -> Generator[Result, None, None]:
    """What `work` returns for each item, in order; closing the generator stops the work.

    Behind an item that takes long, no more than `threads` others are done and wait in memory. What `work` raises ends
    it.
    """
    with closing(futures_ahead(work, items, threads=threads, count=threads)) as futures:
        for _, future in futures:
            yield future.result()
