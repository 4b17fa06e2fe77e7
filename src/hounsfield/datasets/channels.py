"""An image of several channels: files, or volumes of one file, put together on the grid of the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from hounsfield import formats, geometry
from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import Channel, Dataset, ImageRef
from hounsfield.errors import DatasetError, FormatError, GeometryError
from hounsfield.formats.capacity import check_memory
from hounsfield.formats.frame_place import OFF_GRID
from hounsfield.formats.header import Header
from hounsfield.formats.mask import corners_apart_mm, times
from hounsfield.image import Image
from hounsfield.preprocessing.dtype import as_type
from hounsfield.preprocessing.transfer import move_levels

_LEAST_COVERED = 0.5
"""Share of the first channel's grid that another one has to show: of one that shows less, most would be empty."""

_LOOKED_AT = 20
"""Voxels along each axis by which that share is found."""

_SAME_SPACING = 0.01
"""Share by which the spacings of one grid may differ: files round them."""


def image_of(paths: Mapping[str, Path]) -> ImageRef:
    """The image whose channels lie at these paths, by name; several at one path are the volumes of that file."""
    volumes = Counter(paths.values())
    before: Counter[Path] = Counter()
    channels = []
    for name, path in paths.items():
        channels.append(Channel(name, path, before[path], volumes[path]))
        before[path] += 1
    return ImageRef(channels[0].path, channels=tuple(channels))


def with_channels(ref: ImageRef, names: Sequence[str], *, of: str) -> ImageRef:
    """The image with these of its channels, in this order, still on the grid of its first.

    Args:
        ref: The image.
        names: Of channels; none where a grey or coloured image is wanted.
        of: Whose it is, the beginning of the message.

    Raises:
        DatasetError: It lacks one, or has channels where none are wanted.
    """
    there = [one.name for one in ref.channels]
    missing = [name for name in names if name not in there]
    if missing and there:
        raise DatasetError(
            f"{of} has the channels {', '.join(there)}, and the model looks at {', '.join(names)}: give "
            f"{', '.join(missing)} too, or name the channels as the model does"
        )
    if missing:
        raise DatasetError(
            f"{of} has one image a case, and the model looks at the channels {', '.join(names)}: give an image for "
            "each (in a description image = { … }, in a folder files that end in their names)"
        )
    if there and not names:
        raise DatasetError(
            f"{of} has the channels {', '.join(there)}, and the model looks at one image a case: give that one alone"
        )
    return replace(ref, wanted=tuple(names)) if there else ref


def all_with_channels(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The data set with these channels alone of every image; what else there is, is not opened.

    Raises:
        DatasetError: As `with_channels`.
    """
    cases = [
        replace(
            case,
            images={view: with_channels(ref, names, of=dataset.name) for view, ref in case.images.items()},
        )
        for case in dataset.cases
    ]
    return replace(dataset, cases=tuple(cases))


def path_of(ref: ImageRef, names: Sequence[str] = ()) -> Path:
    """Where the first that is loaded of an image lies; of these channels where it has them."""
    own = {one.name: one.path for one in ref.channels}
    return own.get(names[0], ref.path) if names else next((one.path for one in ref.taken), ref.path)


def header_together(ref: ImageRef) -> Header:
    """The header of the whole image; its modality and windows are those of the first channel that is taken.

    Raises:
        FormatError: A file cannot be read, or holds another number of volumes.
        GeometryError: One lies on another grid than the first, and it is not known where in the patient; or elsewhere.
    """
    channels = ref.taken
    files = {one.path: one.volumes for one in (ref.channels[0], *channels)}
    found = {path: formats.header(path, volumes=volumes) for path, volumes in files.items()}
    grid = found[ref.path]
    for header in found.values():
        _is_on(grid, header)
    own = tuple(found[one.path] for one in channels)
    dtypes = {one.dtype for one in own}
    return replace(
        grid,
        channels=len(own),
        dtype=dtypes.pop() if len(dtypes) == 1 else np.dtype(np.float32),
        modality=own[0].modality,
        windows=own[0].windows,
        by_channel=own,
    )


def load_together(ref: ImageRef) -> Image:
    """The image, its channels called by their names; its source is that of the first of them, with the SOP instances of
    all.

    Channels on other grids are linear between their voxels; beyond them they fall to their lowest level.

    Raises:
        FormatError, GeometryError: As `header_together`, or one is in colour.
        StorageError: It does not fit into memory.
    """
    header, channels = header_together(ref), ref.taken
    names = tuple(one.name for one in channels)
    check_memory(ref.path, (len(names), *header.shape), header.dtype.itemsize)
    voxels = np.empty((len(names), *header.shape), header.dtype)
    places = sorted(range(len(names)), key=lambda place: str(channels[place].path))
    for path, own in groupby(places, key=lambda place: channels[place].path):
        same = list(own)
        image = formats.read(path, volumes=channels[same[0]].volumes)
        on_grid = _is_on(header, image)
        for place in same:
            values = _volume(image, channels[place])
            voxels[place] = as_type(values if on_grid else _moved(values, image, header), header.dtype)
    uids = dict.fromkeys(uid for one in header.by_channel for uid in one.source.sop_uids)
    source = replace(header.by_channel[0].source, sop_uids=tuple(uids))
    return Image(voxels, header.affine, header.modality, header.spacing_kind, header.windows, source, names)


def _volume(image: Image, channel: Channel) -> VoxelArray:
    """(d, h, w) of one channel.

    Raises:
        FormatError: The image is in colour.
    """
    if channel.volumes == 1 and image.channels > 1 and (image.voxels != image.voxels[:1]).any():
        raise FormatError(f"{channel.path} is in colour, and the channel {channel.name} is one grey image: give that")
    found: VoxelArray = image.voxels[channel.volume]
    return found


def _moved(values: VoxelArray, image: Image, grid: Header) -> VoxelArray:
    return move_levels(values, origin=image.affine, target=grid.affine, shape=grid.shape)


def _is_on(grid: Header, other: Header | Image) -> bool:
    """Whether an image lies on a grid voxel for voxel; else it can be brought onto it.

    Raises:
        GeometryError: It cannot; the message names both files.
    """
    names = f"{grid.source.path} and {other.source.path}"
    frames = {image.source.frame_of_reference_uid for image in (grid, other)} - {""}
    if len(frames) > 1:
        raise GeometryError(
            f"{names} are in different frames of reference, so that it is not known how one lies to the other: "
            "register one onto the other first"
        )
    if not (_knows_its_place(grid) and _knows_its_place(other)):
        if grid.shape == other.shape and _spaced_alike(grid, other):
            return True
        raise GeometryError(
            f"{names} have {_voxels(grid)} and {_voxels(other)} (depth × height × width), and it is not known of both "
            "where they lie in the patient: resample one onto the grid of the other"
        )
    if grid.shape == other.shape and corners_apart_mm(grid, other) <= OFF_GRID * min(geometry.spacing_mm(grid.affine)):
        return True
    if (covered := _covered(grid, other)) < _LEAST_COVERED:
        raise GeometryError(
            f"{other.source.path} shows {covered:.0%} of what {grid.source.path} shows, by their places in the "
            f"patient, and {_LEAST_COVERED:.0%} are needed: are they of one patient and one session? Else cut the "
            "first to what both show"
        )
    return False


def _covered(grid: Header, other: Header | Image) -> float:
    """Share of a grid's voxels whose middle another image shows."""
    points = geometry.world_from_index(grid.affine, geometry.lattice(grid.shape, most=_LOOKED_AT))
    return float(geometry.inside(geometry.index_from_world(other.affine, points), other.shape).mean())


def _spaced_alike(grid: Header, other: Header | Image) -> bool:
    """Whether voxels are of one size, or it is not known of both; along an axis of one voxel it does not matter."""
    if "none" in (grid.spacing_kind, other.spacing_kind):
        return True
    long = np.array(grid.shape) > 1
    one, two = (np.array(geometry.spacing_mm(image.affine))[long] for image in (grid, other))
    return bool(np.allclose(one, two, rtol=_SAME_SPACING))


def _knows_its_place(image: Header | Image) -> bool:
    """Whether an image lies somewhere in the patient: a NIfTI file without an affine begins at 0, on axes like ours."""
    nowhere = np.diag([*geometry.spacing_mm(image.affine), 1.0])[[2, 1, 0, 3]]
    from_file = bool(image.source.frame_of_reference_uid) or not np.array_equal(image.affine, nowhere)
    return image.placed and from_file


def _voxels(image: Header | Image) -> str:
    """How many voxels, and of what size where it is known."""
    spacing = times([f"{one:.4g}" for one in geometry.spacing_mm(image.affine)])
    size = "" if image.spacing_kind == "none" else f" of {spacing} mm"
    return f"{times(image.shape)} voxels{size}"
