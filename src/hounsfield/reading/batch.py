"""Reading many images: decoding runs ahead of the networks, and a bad file never stops the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from hounsfield import formats
from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle
from hounsfield.datasets.case import Case
from hounsfield.datasets.channels import path_of
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import FormatError, HounsfieldError, MissingExtraError
from hounsfield.findings import Reading
from hounsfield.image import Image
from hounsfield.progress import say
from hounsfield.reading.ahead import ahead
from hounsfield.reading.channels import cases_of_files, words_for
from hounsfield.reading.opened import Opened
from hounsfield.reading.reader import Reader
from hounsfield.reading.runtimes.int8 import CALIBRATION_IMAGES

TOGETHER = 16
"""Flat images that are shown to the networks together, where no heat map is made and they need not be kept."""

KEPT_TOGETHER = 4
"""The same where they are kept to draw a heat map on; of volumes it is always one."""

SQUARES_OF_A_SCAN = 50
"""About as many inputs is a whole image to a model of lesions."""

_CALIBRATION_BYTES = 2**28


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
    source: Path | Case | HounsfieldError
    """What is read; or why it cannot be."""


def items_of_paths(paths: Iterable[Path]) -> list[Item]:
    """Files, or folders that are one series each, every one once.

    They go by their names; those of the same name by as many of their folders as tell them apart.
    """
    once = list({path.resolve(): path for path in paths}.values())
    return [
        Item(case=name, path=str(path), source=path) for name, path in zip(_shortest_names(once), once, strict=True)
    ]


def items_of_cases(cases: Iterable[Case], channels: Sequence[str] = ()) -> list[Item]:
    """Cases of a data set; a box in the data is used where the model needs one.

    Args:
        cases: To read.
        channels: Names of those that the model looks at, where it looks at several.
    """
    return [
        Item(case=case.id, path=str(path_of(next(iter(case.images.values())), channels)), source=case) for case in cases
    ]


def items_of_channels(paths: Sequence[Path], channels: Sequence[str]) -> list[Item]:
    """Cases of images that are channels; others are left out, and it is said.

    Raises:
        FormatError: None is a channel.
    """
    found = cases_of_files(paths, channels)
    names = ", ".join(channels)
    if not (found.cases or found.doubled):
        raise FormatError(f"{some([str(path) for path in found.others])}: {words_for(channels)}")
    for files, what in (
        (found.others, f"left out, of none of the channels {names}"),
        (
            found.by_order,
            f"taken for the channels {names} in the order of its numbers or volumes, as nothing names them",
        ),
    ):
        if files:
            say(f"note: {counted(len(files), 'image')} {what}: {some([path.name for path in files])}")
    return [
        *items_of_cases(found.cases, channels),
        *(Item(case=one.id, path=str(one.path), source=one.error) for one in found.doubled),
    ]


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
    reader: Reader, items: Sequence[Item], *, explain: bool = True
) -> Iterator[tuple[Item, Image | None, Reading | Failure]]:
    """For each item, in order: the image as stored, and its reading; or None and why it failed.

    Args:
        reader: Reads.
        items: What is read.
        explain: Whether heat maps are made. Without, None stands for every stored image: many fit in the memory then.
    """
    if reader.wanted == "openvino-int8":
        calibrate(reader, items)
    together = _together(reader, explain=explain)
    batch: list[tuple[Item, Opened | Failure]] = []
    for item, future in ahead(lambda item: _open(reader, item, keep=explain), items, count=max(2, together)):
        batch.append((item, _opened(item, future)))
        scan = any(isinstance(one, Opened) and one.to_scan for _, one in batch)
        if scan or len(batch) == together:
            yield from _readings(reader, batch, explain=explain)
            batch = []
    yield from _readings(reader, batch, explain=explain)


def inputs_expected(bundle: Bundle, items: Sequence[Item], *, explain: bool) -> int:
    """How many inputs the networks are going to be shown, those aside for which torch makes a heat map anyway."""
    if bundle.plan.task != "classification":  # what the heat is made of is computed anyway
        return len(items)
    scans = sum(_without_box(item) for item in items) if bundle.training.input_sides is not None else 0
    return scans * SQUARES_OF_A_SCAN + (0 if explain else len(items) - scans)


def calibrate(reader: Reader, items: Sequence[Item]) -> None:
    """Start the reader's runtime with examples taken evenly from the items; with none when none can be prepared."""
    step = max(1, len(items) // CALIBRATION_IMAGES)
    spec = reader.bundle.plan.input
    room = max(1, _CALIBRATION_BYTES // (4 * spec.shown_channels * int(np.prod(spec.canvas))))
    arrays: list[FloatArray] = []
    for item, future in ahead(lambda item: _open(reader, item, keep=False), items[::step], count=4):
        opened = _opened(item, future)
        judged = reader.through_gate([opened] if isinstance(opened, Opened) else [])
        arrays += [one.array for one in judged if one.array is not None]
        if len(arrays) == min(room, CALIBRATION_IMAGES):
            break
    if arrays:
        reader.start(np.stack(arrays))


def reason_of(error: HounsfieldError | OSError | MemoryError, path: str = "the file") -> str:
    """Why the file at `path` could not be read, as a sentence."""
    if isinstance(error, HounsfieldError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{path}: it does not fit into the memory that is free; close other programs, or leave it out"
    return f"{error.filename or 'the file'} cannot be read: {error.strerror or error}"


def _together(reader: Reader, *, explain: bool) -> int:
    if reader.bundle.plan.dims == 3:
        return 1
    return max(1, KEPT_TOGETHER // max(1, len(reader.bundle.plan.input.views))) if explain else TOGETHER


def _without_box(item: Item) -> bool:
    return not isinstance(item.source, Case) or all(ref.crop is None for ref in item.source.images.values())


def _open(reader: Reader, item: Item, *, keep: bool) -> Opened:
    if isinstance(item.source, HounsfieldError):
        raise item.source
    if isinstance(item.source, Case):
        opened = reader.open_case(item.source, reader.load_case(item.source))
    else:
        opened = reader.open_image(formats.read(item.source), case=item.case, path=item.path)
    opened = replace(opened, reading=replace(opened.reading, case=item.case))
    return opened if keep or opened.to_scan else replace(opened, stored=None, views={})


def _opened(item: Item, future: Future[Opened]) -> Opened | Failure:
    try:
        return future.result()
    except (HounsfieldError, OSError, MemoryError) as error:
        return Failure(item.path, reason_of(error, item.path))


def _readings(
    reader: Reader, batch: Sequence[tuple[Item, Opened | Failure]], *, explain: bool
) -> Iterator[tuple[Item, Image | None, Reading | Failure]]:
    """The answers to a batch; what fails together is tried one by one."""
    opened = [one for _, one in batch if isinstance(one, Opened)]
    try:
        answers = iter(reader.answer(opened, explain=explain))
    except MissingExtraError:
        raise
    except (HounsfieldError, OSError, MemoryError) as error:
        if len(batch) > 1:
            yield from chain.from_iterable(_readings(reader, [one], explain=explain) for one in batch)
        else:
            yield batch[0][0], None, Failure(batch[0][0].path, reason_of(error, batch[0][0].path))
        return
    for item, one in batch:
        if isinstance(one, Failure):
            yield item, None, one
        else:
            reading = next(answers)
            yield item, one.under(reading) if explain else None, reading


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
