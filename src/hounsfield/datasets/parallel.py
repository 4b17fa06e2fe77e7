"""Work on many files at once, in threads, where one bad file stops nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
