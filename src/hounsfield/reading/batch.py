"""Reading many images: decoding runs ahead of the networks, and a bad file never stops the batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hounsfield import formats
from hounsfield.datasets import load
from hounsfield.datasets.case import Case
from hounsfield.errors import HounsfieldError
from hounsfield.findings import Reading
from hounsfield.image import Image
from hounsfield.reading.reader import Reader

_AHEAD = 4
"""Images decoded before the networks ask for them; bounds the memory."""


@dataclass(frozen=True)
class Failure:
    """An image that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Item:
    """One image to read."""

    case: str
    path: str
    source: Path | Case


def items_of_paths(paths: Iterable[Path]) -> list[Item]:
    """Files, or folders that are one series each."""
    return [Item(case=path.name, path=str(path), source=path) for path in paths]


def items_of_cases(cases: Iterable[Case]) -> list[Item]:
    """Cases of a data set; a box in the data is used where the model needs one."""
    return [Item(case=case.id, path=str(next(iter(case.images.values())).path), source=case) for case in cases]


def read_many(
    reader: Reader, items: Iterable[Item], *, explain: bool = True
) -> Iterator[tuple[Item, Image | None, Reading | Failure]]:
    """For each item, in order: the image as stored, and its reading; or None and why it failed."""
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[tuple[Item, Future[Image]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(_load, item)))
            if len(waiting) > _AHEAD:
                yield _read(reader, *waiting.popleft(), explain=explain)
        while waiting:
            yield _read(reader, *waiting.popleft(), explain=explain)


def _load(item: Item) -> Image:
    if isinstance(item.source, Case):
        (ref,) = item.source.images.values()
        return load(ref)
    return formats.read(item.source)


def _read(
    reader: Reader, item: Item, future: Future[Image], *, explain: bool
) -> tuple[Item, Image | None, Reading | Failure]:
    try:
        image = future.result()
        if isinstance(item.source, Case):
            return item, image, reader.read_case(item.source, image, explain=explain)
        return item, image, reader.read_image(image, case=item.case, path=item.path, explain=explain)
    except HounsfieldError as error:
        return item, None, Failure(item.path, str(error))
