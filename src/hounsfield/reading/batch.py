"""Reading many images: decoding runs ahead of the networks, and a bad file never stops the batch."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from hounsfield import formats
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
    """What the reading goes by, unlike all others of the batch."""
    path: str
    source: Path | Case


def items_of_paths(paths: Iterable[Path]) -> list[Item]:
    """Files, or folders that are one series each, every one once.

    They go by their names; those of the same name by as many of their folders as tell them apart.
    """
    once = list({path.resolve(): path for path in paths}.values())
    return [
        Item(case=name, path=str(path), source=path) for name, path in zip(_shortest_names(once), once, strict=True)
    ]


def items_of_cases(cases: Iterable[Case]) -> list[Item]:
    """Cases of a data set; a box in the data is used where the model needs one."""
    return [Item(case=case.id, path=str(next(iter(case.images.values())).path), source=case) for case in cases]


def told_apart(items: Iterable[Item]) -> list[Item]:
    """The items, with a number behind the name of each but the first of those that share one."""
    taken: set[str] = set()
    named = []
    for item in items:
        name, number = item.case, 2
        while name in taken:
            name, number = f"{item.case} ({number})", number + 1
        taken.add(name)
        named.append(replace(item, case=name))
    return named


def read_many(
    reader: Reader, items: Iterable[Item], *, explain: bool = True
) -> Iterator[tuple[Item, Image | None, Reading | Failure]]:
    """For each item, in order: the image as stored, and its reading; or None and why it failed."""
    pool = ThreadPoolExecutor(1)
    try:
        waiting: deque[tuple[Item, Future[Image]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(_load, reader, item)))
            if len(waiting) > _AHEAD:
                yield _read(reader, *waiting.popleft(), explain=explain)
        while waiting:
            yield _read(reader, *waiting.popleft(), explain=explain)
    finally:
        pool.shutdown(cancel_futures=True)


def reason_of(error: HounsfieldError | OSError) -> str:
    """Why a file could not be read, as a sentence."""
    if isinstance(error, HounsfieldError):
        return str(error)
    return f"{error.filename or 'the file'} cannot be read: {error.strerror or error}"


def _load(reader: Reader, item: Item) -> Image:
    return reader.load_case(item.source) if isinstance(item.source, Case) else formats.read(item.source)


def _read(
    reader: Reader, item: Item, future: Future[Image], *, explain: bool
) -> tuple[Item, Image | None, Reading | Failure]:
    try:
        image = future.result()
        if isinstance(item.source, Case):
            reading = reader.read_case(item.source, image, explain=explain)
        else:
            reading = reader.read_image(image, case=item.case, path=item.path, explain=explain)
    except (HounsfieldError, OSError) as error:
        return item, None, Failure(item.path, reason_of(error))
    return item, image, replace(reading, case=item.case)


def _shortest_names(paths: Sequence[Path]) -> list[str]:
    """Of each path the last part, or as many more as no other path ends in."""
    parts = [path.absolute().parts for path in paths]
    names = [""] * len(paths)
    open_ones, length = list(range(len(paths))), 1
    while open_ones:
        ends = {index: parts[index][-length:] for index in open_ones}
        often = Counter(ends.values())
        for index, end in ends.items():
            names[index] = "/".join(end)
        open_ones = [index for index in open_ones if often[ends[index]] > 1 and length < len(parts[index])]
        length += 1
    return names
