"""A file or a tree of images written as PNG or NIfTI, going on past those that cannot be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hounsfield.errors import FormatError, HounsfieldError, UsageError
from hounsfield.formats.folder import list_images
from hounsfield.formats.label_file import image_at, write_labels
from hounsfield.formats.read import read
from hounsfield.formats.structures import drawings_at, open_drawing
from hounsfield.formats.write import Bits, write_nifti, write_png
from hounsfield.progress import track

if TYPE_CHECKING:
    from hounsfield.image import Window

Target = Literal["png", "nifti"]

_SUFFIXES: dict[Target, str] = {"png": ".png", "nifti": ".nii.gz"}
_NIFTI_SUFFIXES = (".nii", ".nii.gz")
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm", ".ppm", ".pbm")
_VOLUMES = (".nii.gz", ".nii", ".img", ".hdr", ".nrrd", ".mha", ".mhd", ".dcm", ".dicom", ".ima")
_INPUT_SUFFIXES: tuple[str, ...] = (*_VOLUMES, *_PICTURES)
"""Taken off a name before the new suffix is put on; any other dot belongs to the name (UIDs have many)."""
_SLICE_NAME = re.compile(r"slice-\d{4,}\.png")
"""What `write_png` calls the slices of a volume."""
_WORTH_PROCESSES = 8
"""With fewer images than this, starting processes takes longer than it saves."""


@dataclass(frozen=True)
class Options:
    """How images are written."""

    format: Target = "png"
    bits: Bits = 8
    """Of a PNG."""
    window: Window | str | int | None = None
    """As in `window.choose_window`; None takes the file's own."""
    series: str | None = None
    """As in `read`; only where one image is converted. Of structures, the series on which they are wanted."""
    image: Path | None = None
    """Of a DICOM segmentation or structure set that is converted, what it was drawn on; None looks beside it."""


@dataclass(frozen=True)
class Converted:
    """What became of one image."""

    source: Path
    target: Path
    error: str = ""
    """Why it was not written; empty when it was."""
    notes: tuple[str, ...] = ()
    """What of named structures was not taken as it was drawn."""


def convert(source: Path, target: Path, options: Options, *, jobs: int | None = None) -> tuple[Converted, ...]:
    """Convert one image, or every image below a folder; one result each, in natural order.

    What stops a single image is raised; of several, the one that fails is named in its result and the others go on.

    A planar image becomes one PNG, a volume a folder of PNGs, either one NIfTI file. A DICOM segmentation or structure
    set by itself becomes one NIfTI file of numbers with their names beside it. A folder keeps its tree; names
    that would meet keep their old suffix inside the new name.

    Args:
        source: File or folder.
        target: A file if it ends as one, or a folder.
        options: How.
        jobs: Processes; None takes one per core where there are enough images.

    Raises:
        FormatError: There is no image at all.
        UsageError: A single file is asked for where there are several images.
        HounsfieldError: The only image cannot be read or written.
    """
    from hounsfield.formats.threads import cores

    pairs = plan_names(source, target, options)
    if len(pairs) == 1:
        one, place = pairs[0]
        return (_write(one, place, options),)
    jobs = min(len(pairs), jobs or (cores() if len(pairs) >= _WORTH_PROCESSES else 1))
    done = _in_processes(pairs, options, jobs) if jobs > 1 else (convert_one(*pair, options) for pair in pairs)
    return tuple(track(done, "converting", total=len(pairs)))


def plan_names(source: Path, target: Path, options: Options) -> list[tuple[Path, Path]]:
    """Each image and where it goes.

    Raises:
        FormatError: There is no image at all.
        UsageError: As `convert`.
    """
    if _is_file_name(target, options.format):
        _check_single(source, target, options)
        return [(source, target)]
    if options.series is not None:
        return [(source, target / _renamed(Path(source.name), options.format, keep=False))]
    images = list_images(source)
    if not images:
        raise FormatError(f"{source}: no image of a known format below this folder")
    root = source if source.is_dir() else source.parent
    relative = [image.relative_to(root) if image != root else Path(source.resolve().name) for image in images]
    simple = [_renamed(name, options.format, keep=False) for name in relative]
    counts = Counter(simple)
    names = [
        _renamed(name, options.format, keep=True) if counts[short] > 1 else short
        for name, short in zip(relative, simple, strict=True)
    ]
    return [(image, target / name) for image, name in zip(images, names, strict=True)]


def _is_file_name(target: Path, kind: Target) -> bool:
    name = target.name.lower()
    return not target.is_dir() and name.endswith(_NIFTI_SUFFIXES if kind == "nifti" else (".png",))


def _check_single(source: Path, target: Path, options: Options) -> None:
    if source.is_dir() and options.series is None:
        images = list_images(source)
        series = [image for image in images if image.is_dir()]
        if len(images) > 1 and len(series) != 1:
            raise UsageError(
                f"{source} holds {len(images)} images and {target} is one file; give -o a folder, or name one image"
            )


def _renamed(name: Path, kind: Target, *, keep: bool) -> Path:
    text = name.name
    if not keep:
        suffix = next((end for end in _INPUT_SUFFIXES if text.lower().endswith(end) and len(text) > len(end)), "")
        text = text[: len(text) - len(suffix)]
    return name.with_name(text + _SUFFIXES[kind])


def convert_one(source: Path, target: Path, options: Options) -> Converted:
    """Convert one image; what went wrong is part of the result."""
    try:
        return _write(source, target, options)
    except HounsfieldError as error:
        return Converted(source, target, str(error))
    except MemoryError:
        return Converted(source, target, f"{source}: memory ran out; convert it alone, with --jobs 1")


def _write(source: Path, target: Path, options: Options) -> Converted:
    """Read and write one image, and say where it went: a volume's PNGs go into a folder named without the suffix."""
    if source.is_file() and drawings_at(source):
        return _write_structures(source, target, options)
    image = read(source, series=options.series)
    if options.format == "nifti":
        _require_apart(source, target)
        write_nifti(image, target)
        return Converted(source, target)
    target = target if image.planar else target.with_name(target.name.removesuffix(".png"))
    _require_apart(source, target)
    write_png(image, target, bits=options.bits, window=options.window)
    return Converted(source, target)


def _write_structures(source: Path, target: Path, options: Options) -> Converted:
    """Write what was drawn on an image as numbers, with their names beside them."""
    if options.format != "nifti":
        raise UsageError(
            f"{source} names structures that were drawn on an image; they are written as NIfTI of numbers: give -o a "
            "name that ends in .nii.gz, or --format nifti"
        )
    _require_apart(source, target)
    drawing = open_drawing(source)
    image = image_at(options.image or source.parent, drawing, series=options.series)
    return Converted(source, target, notes=write_labels(drawing, image, target))


def _require_apart(source: Path, target: Path) -> None:
    """Accept a target that replaces nothing but what an earlier conversion wrote there.

    Raises:
        UsageError: It is the source, holds it or lies in it, or is a folder with other things in it.
    """
    read, written = source.resolve(), target.resolve()
    inside = read in written.parents and not target.name.lower().endswith(_NIFTI_SUFFIXES)
    if read == written or written in read.parents or inside:
        raise UsageError(f"{target} would be written over {source}, which it is made from; give -o another place")
    if target.is_dir():
        others = [path.name for path in target.iterdir() if not _SLICE_NAME.fullmatch(path.name)]
        if others:
            raise UsageError(
                f"{target} is there already and holds other files ({others[0]}); they were left as they are: give -o "
                "another place"
            )


def _in_processes(pairs: Sequence[tuple[Path, Path]], options: Options, jobs: int) -> Iterator[Converted]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(convert_one, *pair, options) for pair in pairs]
        for (source, target), task in zip(pairs, tasks, strict=True):
            try:
                yield task.result()
            except BrokenProcessPool:
                yield Converted(source, target, f"{source}: the process that read it was ended; try --jobs 1")
