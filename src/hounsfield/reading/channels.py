"""Files that are channels of one case: those of a folder that are called alike, but for a channel's name or number."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hounsfield import formats
from hounsfield.datasets.case import Case
from hounsfield.datasets.channel_names import channels_in, numbered, stem
from hounsfield.datasets.channels import image_of
from hounsfield.errors import FormatError, HounsfieldError

_BETWEEN = "_-. "
"""What may stand between a case's name and that of a channel."""


@dataclass(frozen=True)
class Doubled:
    """A case of which two files are the same channel."""

    id: str
    path: Path
    error: FormatError


@dataclass(frozen=True)
class ChannelCases:
    """What files are, to a model of several channels."""

    cases: tuple[Case, ...]
    """Each may lack channels: reading it says which."""
    doubled: tuple[Doubled, ...]
    others: tuple[Path, ...]
    """That are no channel."""
    by_order: tuple[Path, ...]
    """Of cases, those whose numbers or volumes are taken for the channels in their order, as nothing names them."""


@dataclass(frozen=True)
class _File:
    path: Path
    folder: Path
    case: str = ""
    """Of a channel what stands before it, which may be nothing."""
    channels: tuple[str, ...] = ()
    """That it holds: one, all, or where it is no channel none."""
    by_order: bool = False


def cases_of_files(paths: Iterable[Path], names: Sequence[str]) -> ChannelCases:
    """Cases of such files, each file once.

    A file, or a folder of one series, is a channel when its name is that of the channel, or ends in it, or in its
    number as nnU-Net counts (case_0000, case_0001 …); what stands before, with the folder, is the case. A NIfTI file of
    as many volumes as there are channels is a case by itself, unless files beside it are channels. Numbers and volumes
    are in the order of dataset.json where one that names channels lies beside them or above, else in that of `names`.

    Args:
        paths: Of images.
        names: Of the channels, in order.
    """
    order = cache(lambda folder: _described(folder, names))
    once = {_place_of(path): path for path in paths}
    files = [_file(path, place.parent, order(place.parent), names) for place, path in once.items()]
    apart = [one for one in files if len(one.channels) == 1]
    folders = {one.folder for one in apart}
    whole = [one for one in files if len(one.channels) > 1 and one.folder not in folders]
    groups: dict[tuple[Path, str], list[_File]] = {}
    for one in apart:
        groups.setdefault((one.folder, one.case), []).append(one)
    cases, doubled = [], []
    for (folder, before), own in groups.items():
        try:
            cases.append(_case(before or folder.name, own, names))
        except FormatError as error:
            doubled.append(Doubled(before or folder.name, own[0].path, error))
    cases += [_case(one.case, [one], one.channels) for one in whole]
    kept = {*apart, *whole}
    return ChannelCases(
        cases=tuple(cases),
        doubled=tuple(doubled),
        others=tuple(one.path for one in files if one not in kept),
        by_order=tuple(one.path for one in files if one in kept and one.by_order),
    )


def words_for(names: Sequence[str]) -> str:
    """How files have to be called, for messages."""
    ends = " and ".join(
        f"_{name}" if name.isdecimal() else f"{name!r} or _{number:04}" for number, name in enumerate(names)
    )
    return (
        f"this model looks at {len(names)} channels of each case, {', '.join(names)}: give files whose names end in "
        f"{ends}, a NIfTI file that holds them all in this order, or a description of a data set"
    )


def _place_of(path: Path) -> Path:
    """One for each file, however its folder is named; a link is a file of its own, for its name says what it is."""
    absolute = Path(os.path.abspath(path))
    return absolute.parent.resolve() / absolute.name


def _described(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The channels that dataset.json names, beside the files of a folder or above, with the capitals of `names`."""
    said = next(filter(None, (channels_in(one / "dataset.json") for one in (folder, folder.parent))), {})
    known = {name.casefold(): name for name in names}
    named = tuple(known.get(name.casefold(), name) for name in said)
    return named if len(set(named)) == len(named) else tuple(said)


def _file(path: Path, folder: Path, described: Sequence[str], names: Sequence[str]) -> _File:
    """What a file holds, of a folder whose channels dataset.json describes so."""
    name, order = path.name if path.is_dir() else stem(path), tuple(described or names)
    if called := _called(name, names):
        return _File(path, folder, called[0], (called[1],))
    before, number = numbered(name) or ("", len(order))
    if _called(before, names):  # of several images of one channel
        return _File(path, folder)
    if set(order) & set(names) and _holds(path, len(order)):
        return _File(path, folder, path.name, order, by_order=not described)
    if number < len(order) and order[number] in names:
        return _File(path, folder, before, (order[number],), by_order=not described)
    return _File(path, folder)


def _called(name: str, names: Sequence[str]) -> tuple[str, str] | None:
    """What stands before a channel's name at the end of another, and the channel; None where there is none.

    A channel that is called by a number alone ends a name behind "_": else every numbered file would be a channel.
    """
    for channel in sorted(names, key=len, reverse=True):
        before = name[: len(name) - len(channel)]
        between = "_" if channel.isdecimal() else _BETWEEN
        ends = name[len(before) :].casefold() == channel.casefold()
        if ends and (before[-1] in between if before else not channel.isdecimal()):
            return before.rstrip(_BETWEEN), channel
    return None


def _case(name: str, files: Sequence[_File], names: Sequence[str]) -> Case:
    """The case of some files, its channels in the order of `names`.

    Raises:
        FormatError: Two are the same channel.
    """
    found: dict[str, Path] = {}
    for one in files:
        for channel in one.channels:
            if channel in found:
                both = f"{found[channel]} and {one.path}"
                raise FormatError(f"{both} are both the channel {channel} of one case: give one of them alone")
            found[channel] = one.path
    image = image_of({channel: found[channel] for channel in names if channel in found})
    return Case(id=name, patient=name, images={"image": image})


def _holds(path: Path, volumes: int) -> bool:
    """Whether a file is NIfTI with so many volumes, and more than one."""
    try:
        known = volumes > 1 and path.is_file() and formats.identify(path) == "nifti"
        return known and bool(formats.header(path, volumes=volumes))
    except (HounsfieldError, OSError):
        return False
