"""Channels of images in a folder: volumes of one file, or files that end in their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hounsfield.datasets.case import ImageRef
from hounsfield.datasets.channel_names import numbered, stem
from hounsfield.datasets.channels import image_of
from hounsfield.datasets.listing import counted
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.formats.header import Header


@dataclass(frozen=True)
class Images:
    """The images of a folder."""

    refs: Mapping[str, ImageRef]
    """By case."""
    channels: Mapping[str, str]
    """That all of them have, and the modality of each; none where an image is one file with one image in it."""
    notes: tuple[str, ...] = ()
    """What a user should know of them, a sentence each."""


def images_in(names: Mapping[Path, str], masks: Mapping[str, Path], described: Mapping[str, str]) -> Images:
    """Of each case its image.

    Args:
        names: Of each image file that of its case; of second channels with their number.
        masks: By case.
        described: The channels that dataset.json names, and their modalities.

    Raises:
        DatasetError: There are more channels than dataset.json names.
    """
    files = _by_number(names, masks, described)
    if any(any(own) for own in files.values()):
        return _apart(files, described)
    one = {name: ImageRef(path) for path, name in names.items()}
    if len(described) < 2:
        return Images(one, {})
    if (single := _single(names, len(described))) is None:
        return Images({name: image_of(dict.fromkeys(described, path)) for path, name in names.items()}, described)
    note = (
        f"dataset.json names the channels {', '.join(described)}, and {single.source.path} holds one image and has no "
        "others beside it: it is taken as it is, and so are all"
    )
    return Images(one, {}, (note,) if single.channels != len(described) else ())


def _by_number(
    names: Mapping[Path, str], masks: Mapping[str, Path], described: Mapping[str, str]
) -> dict[str, dict[int, Path]]:
    """Of each case its files, by the number of the channel.

    A file is a channel beside the first where it has no mask of its own and what stands before its number has one, or
    has a file with the number 0; and where no number before its own is lacking in all cases, or dataset.json names it.
    """
    whole = {*masks, *(name for path, name in names.items() if numbered(stem(path)) == (Path(name).name, 0))}
    split = {name: found for name in names.values() if name not in masks and (found := numbered(name))}
    second = {name: found for name, found in split.items() if found[0] in whole}
    there = {0, *(number for _, number in second.values())}
    most = max(len(described), next(number for number in count() if number not in there))
    files: dict[str, dict[int, Path]] = {}
    for path, name in names.items():
        case, number = second.get(name, (name, 0))
        case, number = (case, number) if number < most else (name, 0)
        files.setdefault(case, {})[number] = path
    return files


def _apart(files: Mapping[str, Mapping[int, Path]], described: Mapping[str, str]) -> Images:
    """As `images_in`, of channels that are files of their own; one that is not there is looked for when it is read."""
    most = 1 + max(max(own) for own in files.values())
    if described and len(described) < most:
        path = next(own[most - 1] for own in files.values() if most - 1 in own)
        raise DatasetError(
            f"{path} is channel {most - 1} of its case, counted from 0, and dataset.json names "
            f"{counted(len(described), 'channel')} ({', '.join(described)}): name them all there, or put its files "
            "elsewhere"
        )
    channels = described or {f"{number:04}": "" for number in range(most)}
    refs = {
        name: image_of({channel: _file(own, name, number) for number, channel in enumerate(channels)})
        for name, own in files.items()
    }
    return Images(refs, channels)


def _file(own: Mapping[int, Path], name: str, number: int) -> Path:
    """Where a channel of a case lies, or where it would."""
    if number in own:
        return own[number]
    beside = next(iter(own.values()))
    return beside.with_name(f"{Path(name).name}_{number:04}{beside.name[len(stem(beside)) :]}")


def _single(paths: Iterable[Path], volumes: int) -> Header | None:
    """The header of the first file that can be read, where it holds one image; None where it holds so many volumes."""
    from hounsfield import formats

    for path in paths:
        for wanted in (1, volumes):
            try:
                found = formats.header(path, volumes=wanted)
            except (HounsfieldError, OSError):
                continue
            return found if wanted == 1 else None
    return None
