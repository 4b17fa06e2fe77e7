"""From a stored image to the array a network is shown, the same in training and in reading."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets import load
from hounsfield.datasets.case import Case, ImageRef
from hounsfield.datasets.load import check_box, check_point, cut, load_film
from hounsfield.errors import DatasetError, ShapeError
from hounsfield.findings.region import Box
from hounsfield.image import Image
from hounsfield.plan.columns import encode
from hounsfield.plan.schema import Input
from hounsfield.plan.working_memory import working_memory
from hounsfield.preprocessing import Pipeline
from hounsfield.preprocessing.channels import Grey, Threefold
from hounsfield.preprocessing.sketch import Sketch
from hounsfield.preprocessing.step import Step
from hounsfield.preprocessing.transfer import move_box, move_points

_FILMS_KEPT = 4
"""Prepared films held while squares are cut from them; cases of one film follow each other in a data set."""


def prepare(image: Image, spec: Input) -> Image:
    """The image after the plan's preprocessing: voxels (channels, depth, height, width) with the canvas's shape.

    Args:
        image: As stored; for a case cut from a larger image, cut with `spec.margin` from what `prepare_film` gave. A
            colour image becomes grey, or a grey one coloured, where the network takes the other.
        spec: The plan's input section.

    Raises:
        ShapeError: The image is a volume and the plan is for flat images, or the reverse; it has other channels than
            the plan names; or the preprocessing does not end in the shape and channels that the plan announces.
        StorageError: The steps need more memory than is free.
        HounsfieldError: A step refuses the image.
    """
    _require_named(image, spec)
    flat = len(spec.shape) == 2
    if flat != image.planar:
        found, wanted, mend = f"a volume of {image.shape}", "flat images", "give one of its slices"
        if image.planar:
            found, wanted, mend = "one slice", "volumes", "give all slices, the folder of a DICOM series"
        raise ShapeError(f"{image.source.path or 'the image'} is {found}, and this plan is for {wanted}: {mend}")
    steps = Pipeline((*_channel_steps(image, spec.channels), *Pipeline.from_data(spec.steps).steps))
    with working_memory(image, steps.need(Sketch.of(image))):
        prepared = steps.apply(image)
    canvas = prepared.shape if spec.windows else (1, *spec.canvas) if flat else spec.canvas
    expected = (spec.channels, *canvas)
    if prepared.voxels.shape != expected:
        raise ShapeError(
            f"preprocessing gave voxels of shape {prepared.voxels.shape}, the network takes {expected}; "
            "the last spatial step of input.steps must resize to input.shape times input.margin"
        )
    return prepared


def _require_named(image: Image, spec: Input) -> None:
    """Accept an image whose channels are called as the plan names them.

    Raises:
        ShapeError: They are not.
    """
    if image.channel_names == spec.channel_names:
        return
    found, wanted = (
        f"the channels {', '.join(names)}" if names else "one grey or coloured image"
        for names in (image.channel_names, spec.channel_names)
    )
    raise ShapeError(
        f"{image.source.path or 'the image'} is of {found}, and the model looks at {wanted} of each case: give all "
        "that it looks at, and nothing else"
    )


def _channel_steps(image: Image, channels: int) -> tuple[Step, ...]:
    """What makes a colour image grey where the network takes one channel, and a grey one three where it takes three."""
    if image.channel_names:
        return ()
    if image.channels == 3 and channels == 1:
        return (Grey(),)
    if image.channels == 1 and channels == 3:
        return (Threefold(),)
    return ()


def _with_channels(image: Image, channels: int) -> Image:
    """As many channels as the network takes."""
    return Pipeline(_channel_steps(image, channels)).apply(image)


def network_array(prepared: Image, spec: Input) -> FloatArray:
    """The voxels of a prepared image as the network takes them: (channels, *canvas) float32."""
    voxels = prepared.voxels[:, 0] if len(spec.shape) == 2 else prepared.voxels
    return np.ascontiguousarray(voxels, dtype=np.float32)


def prepare_film(image: Image, spec: Input) -> Image:
    """The whole image after the plan's film steps, on the same grid, ready for squares to be cut out.

    Raises:
        ShapeError: A film step changed the grid.
        StorageError: The steps need more memory than is free.
        HounsfieldError: A step refuses the image.
    """
    return _same_grid(image, Pipeline.from_data(spec.film_steps))


def _same_grid(image: Image, pipeline: Pipeline) -> Image:
    with working_memory(image, pipeline.need(Sketch.of(image))):
        film = pipeline.apply(image)
    if film.shape != image.shape or not np.allclose(film.affine, image.affine):
        raise ShapeError(
            f"the film steps turned an image of {image.shape} into one of {film.shape}; boxes would no longer fit: "
            "leave cropping, turning and resampling to input.steps"
        )
    return film


def prepare_case(ref: ImageRef, spec: Input) -> Image:
    """What the network is shown of a case: `prepare` of its whole image, or of the square cut out of its film.

    Raises:
        HounsfieldError: The image cannot be read, or a step refuses it.
    """
    if ref.crop is None:
        return prepare(load(ref), spec)
    whole = replace(ref, crop=None)
    changed = ref.path.stat().st_mtime_ns if ref.path.exists() else 0
    film = _kept_film(whole, changed, json.dumps(spec.film_steps))
    return prepare(cut(film, ref.crop, margin=spec.margin), spec)


@functools.lru_cache(maxsize=_FILMS_KEPT)
def _kept_film(ref: ImageRef, changed: int, steps: str) -> Image:
    """The prepared film; `changed`, the file's time of change, is there for the cache alone."""
    film = load(ref) if ref.array else load_film(ref.path)
    return _same_grid(film, Pipeline.from_data(json.loads(steps)))


def case_array(case: Case, spec: Input) -> FloatArray:
    """The images of a case: (stored channels, *canvas) float32; a view that was not taken is 0.

    Raises:
        DatasetError: The case has several images, and the plan is for one; or none of the plan's views.
        HounsfieldError: An image cannot be read, or a step refuses it.
    """
    if not spec.views:
        return network_array(prepare_case(case.image, spec), spec)
    require_views(case.images, spec, of=f"the case {case.id!r}")
    return views_array({name: prepare_case(ref, spec) for name, ref in case.images.items() if name in spec.views}, spec)


@dataclass(frozen=True, eq=False)
class Placed:
    """A case as a network that finds or locates is shown it."""

    array: FloatArray
    """(channels, *canvas) float32, of its one whole image."""
    boxes: tuple[Box, ...]
    """In pixels of the canvas; what the steps cut off lies outside."""
    points: FloatArray
    """(landmarks, 3), (z, y, x) in pixels of the canvas from its outer edge; NaN where one is not there."""
    onto: FloatArray
    """(4, 4), from array index (d, h, w) of the canvas to that of the image as stored."""
    spacing_mm: tuple[float, ...]
    """Of the image as stored, along (d, h, w); empty where it does not know it."""
    shape: tuple[int, int, int]
    """Of the image as stored, (d, h, w)."""


def known_spacing(image: Image) -> tuple[float, ...]:
    """Distances of an image's neighbours in mm along (d, h, w); empty where it does not know them."""
    return () if image.spacing_kind == "none" else image.spacing_mm


def placed_case(case: Case, spec: Input, *, landmarks: Sequence[str] = ()) -> Placed:
    """The one whole image of a case, its boxes, its landmarks of these names, and the way back.

    Raises:
        DatasetError: A box is empty, or one or a landmark lies outside the image.
        HounsfieldError: The image cannot be read, or a step refuses it.
    """
    stored = load(case.image)
    for box in case.boxes:
        check_box(box, stored.shape, where=str(case.image.path))
    prepared = prepare(stored, spec)
    boxes = tuple(move_box(box, origin=stored, target=prepared) for box in case.boxes)
    points = np.full((len(landmarks), 3), np.nan)
    for point in case.points:
        if point.label in landmarks:
            check_point(point, stored.shape, where=str(case.image.path))
            index = np.array([[point.z, point.y, point.x]]) - 0.5
            points[landmarks.index(point.label)] = move_points(index, origin=stored, target=prepared)[0] + 0.5
    onto = np.linalg.inv(stored.affine) @ prepared.affine
    return Placed(network_array(prepared, spec), boxes, points, onto, known_spacing(stored), stored.shape)


def views_array(prepared: Mapping[str, Image], spec: Input) -> FloatArray:
    """Prepared views one after another, (stored channels, *canvas) float32; one that is not there is 0."""
    nothing = np.zeros((spec.channels, *spec.canvas), np.float32)
    return np.concatenate([network_array(prepared[name], spec) if name in prepared else nothing for name in spec.views])


def require_views(names: Iterable[str], spec: Input, *, of: str) -> None:
    """Accept views of which the plan has at least one; any where the plan is for one image.

    Args:
        names: What the images of a case, or of a data set's cases, are called.
        spec: The plan's input section.
        of: Whose they are, the beginning of the message.

    Raises:
        DatasetError: None of them is a view of the plan.
    """
    found = tuple(names)
    if spec.views and not set(found) & set(spec.views):
        raise DatasetError(
            f"{of} has the views {', '.join(found)}, and the plan is for {', '.join(spec.views)}: name the views in "
            "the data's description ([views] names) as the plan does"
        )


def as_case(array: FloatArray, cells: Mapping[str, str], spec: Input) -> FloatArray:
    """Images of a case, (channels, *canvas), as the network takes them: missing views 0, columns as planes behind.

    Args:
        array: Of one view, or of all.
        cells: What a table says of the case; columns that are not there are NaN.
        spec: The plan's input section.
    """
    lacking = spec.stored_channels - len(array)
    parts = [array, np.zeros((lacking, *spec.canvas), np.float32)]
    if spec.columns:
        numbers = encode(cells, spec.columns).reshape(-1, *[1] * len(spec.canvas))
        parts.append(np.broadcast_to(numbers, (len(numbers), *spec.canvas)).astype(np.float32))
    return np.concatenate(parts)


def trace_case(ref: ImageRef, spec: Input) -> list[tuple[str, Image]]:
    """(name, image) after every step of `prepare_case`, for looking at: first "stored", last what the network sees.

    Raises:
        HounsfieldError: As `prepare_case`.
    """
    steps = Pipeline.from_data(spec.steps)
    if ref.crop is None:
        return steps.trace(_with_channels(load(ref), spec.channels))
    crop = ref.crop
    film = Pipeline.from_data(spec.film_steps).trace(load(replace(ref, crop=None)))
    before = [(name, cut(image, crop, margin=spec.margin)) for name, image in film]
    return before + steps.trace(_with_channels(before[-1][1], spec.channels))[1:]
