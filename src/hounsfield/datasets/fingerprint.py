"""`Fingerprint`: what the data look like, from the headers of all images and the pixels of a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.datasets.breast_shape import breast_median
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.headers import Outside, outside
from hounsfield.datasets.labelled import labelled_levels
from hounsfield.datasets.lesions import LesionCounts, count_lesions
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.datasets.shrunk_labels import dice_when_shrunk
from hounsfield.errors import DatasetError, HounsfieldError

PERCENTILES = (0.0, 0.5, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.5, 100.0)

SIDE_PERCENTILES = tuple(range(0, 101, 5))

VERY_DIFFERENT = 4.0
"""Images differ very much in size where the 95th percentile of their longer sides is more than this many times the 5th:
brought to one size, what is one pixel wide in the one is four wide in the other."""

_VOXELS_PER_IMAGE = 20_000
"""Voxels taken of each sampled image: enough for its percentiles, and 200 images stay at 16 MB."""


@dataclass(frozen=True)
class Spread:
    """Where most of some numbers lie."""

    low: float
    """5th percentile."""
    median: float
    high: float
    """95th percentile."""


@dataclass(frozen=True)
class ChannelFacts:
    """What one of several named channels looks like."""

    modality: str
    """DICOM code of most, as files or a description say; "" where neither does."""
    dtypes: Mapping[str, int]
    """As those of a fingerprint."""
    intensity: Mapping[str, float]
    """As that of a fingerprint."""
    labelled_levels: tuple[float, float] | None = None
    """As those of a fingerprint."""


@dataclass(frozen=True)
class Fingerprint:
    """What the data look like. Sizes are those of what a case shows: the crop where there is one."""

    dataset: str
    layout: str
    cases: int
    patients: int
    patients_known: bool
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    """Cases of each class."""
    unlabelled: int
    shape_min: tuple[int, int, int]
    """Of (depth, height, width), each on its own, as in the next two."""
    shape_median: tuple[int, int, int]
    shape_max: tuple[int, int, int]
    planar: bool
    """Whether every image has one slice."""
    channels: int
    """The most common number."""
    colour: bool
    """Whether any sampled image has channels that differ."""
    dtypes: Mapping[str, int]
    """Images by type of the stored numbers."""
    modalities: Mapping[str, int]
    """Images by DICOM modality; "" where the file does not say."""
    spacing_mm: tuple[float, float, float] | None
    """Median distance of neighbours along (d, h, w); None when no image knows."""
    spacing_kinds: Mapping[str, int]
    intensity: Mapping[str, float]
    """Percentiles of the sample's voxels, "0" to "100", and their "mean" and "std"; of named channels those of the
    first."""
    boxes: int
    """All boxes; the following are None when there are none."""
    box_width: Spread | None
    """Pixels of the image as stored, as in the next one."""
    box_height: Spread | None
    age_years: Spread | None
    ages_known: int
    sexes: Mapping[str, int]
    """Cases by "F", "M", "O" or ""."""
    sites: Mapping[str, int]
    sampled: int
    """Images whose pixels were looked at."""
    unreadable: tuple[tuple[str, str], ...]
    """Case id and why its image cannot be read."""
    notes: tuple[str, ...]
    """The data set's own notes."""
    views: Mapping[str, int] = field(default_factory=dict)
    """Images by view; "image" alone where a case has one."""
    inputs: Mapping[str, int] = field(default_factory=dict)
    """Cases whose cell is not empty, by column that goes into the network."""
    longer_side: Mapping[str, int] = field(default_factory=dict)
    """Percentiles, every fifth from "0" to "100", of the longest side of each image in pixels."""
    lesions: LesionCounts = field(default_factory=LesionCounts)
    """Boxes on whole images."""
    box_side: Spread | None = None
    """Square root of the boxes' areas, in pixels of an image as long as the middling one, for images of all sizes are
    brought to one; None without boxes, as the next one."""
    box_ratio: Spread | None = None
    """Height over width."""
    most_boxes: int = 0
    """On one image."""
    breast_median: tuple[int, int] | None = None
    """Of whole mammograms: median (height, width) of the breast in pixels; None of other images."""
    coloured: int = 0
    """Of the sampled images, those whose channels differ."""
    labelled_levels: tuple[float, float] | None = None
    """Of CT whose voxels are labelled: between which levels nearly all voxels with a label lie."""
    dice_when_shrunk: float | None = None
    """Of flat images, what labels keep of themselves when made small and large again: of the one that loses most, the
    mean Dice; None where nothing is labelled, or each object is outlined by itself."""
    by_channel: Mapping[str, ChannelFacts] = field(default_factory=dict)
    """Where images are put together from several, what each is, by name and in order; else empty."""

    @property
    def sizes_differ(self) -> bool:
        """Whether one input size enlarges some images, or shrinks them, far more than others."""
        sides = self.longer_side
        return bool(sides) and sides["95"] > VERY_DIFFERENT * sides["5"]

    @property
    def colours_differ(self) -> bool:
        """Whether some of the sampled images are in colour, and others grey."""
        return 0 < self.coloured < self.sampled

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def make_fingerprint(
    dataset: Dataset, case_ids: Iterable[str] | None = None, *, sample: int = 200, seed: int = 0
) -> Fingerprint:
    """The fingerprint of a data set, or of some of its cases; a bad file is named in it and stops nothing.

    Args:
        dataset: The cases.
        case_ids: Which to look at, for instance those to learn from; by default all.
        sample: Of how many images the pixels are read.
        seed: Of the choice of the sample.

    Raises:
        DatasetError: There are no cases, or not one image can be read.
    """
    cases = _chosen(dataset, case_ids)
    refs = [(case.id, ref) for case in cases for ref in case.images.values()]
    headers, unreadable = _outsides(refs)
    outsides = [image for _, image in headers]
    readable = [(case, ref) for case, ref in refs if case not in unreadable]
    order = np.random.default_rng(seed).permutation(len(readable))
    pixels = _pixels([readable[index] for index in sorted(order[:sample])], unreadable)
    if not outsides or not pixels:
        raise _nothing_readable(dataset, len(refs), unreadable)
    shapes = np.array([image.shape for image in outsides])
    median = _triple(np.median(shapes, axis=0))
    return Fingerprint(
        dataset=dataset.name,
        layout=dataset.layout,
        cases=len(cases),
        patients=len({case.patient for case in cases}),
        patients_known=dataset.patients_known,
        classes=dataset.classes,
        class_counts=tuple(sum(case.target == label for case in cases) for label in range(len(dataset.classes))),
        unlabelled=sum(case.target is None for case in cases),
        shape_min=_triple(shapes.min(axis=0)),
        shape_median=median,
        shape_max=_triple(shapes.max(axis=0)),
        planar=bool(shapes[:, 0].max() == 1),
        channels=Counter(image.channels for image in outsides).most_common(1)[0][0],
        colour=any(colour for _, colour in pixels),
        dtypes=_counts(image.dtype for image in outsides),
        modalities=_modalities(dataset, outsides),
        spacing_mm=_median_spacing(outsides),
        spacing_kinds=_counts(image.spacing_kind for image in outsides),
        intensity=_intensity([values[0] for values, _ in pixels]),
        boxes=sum(len(case.boxes) for case in cases),
        **_of_boxes(cases, {case: max(median[1:]) / max(image.shape[1:]) for case, image in headers}),
        most_boxes=max(len(case.boxes) for case in cases),
        **_of_ages(cases),
        sexes=_counts(case.sex for case in cases),
        sites=_counts(case.site for case in cases),
        sampled=len(pixels),
        unreadable=tuple(sorted(unreadable.items())),
        notes=dataset.notes,
        inputs={name: sum(bool(case.columns[name]) for case in cases) for name in dataset.inputs},
        views={view: sum(view in case.images for case in cases) for view in dataset.views},
        longer_side=_percentiles_of_sides(shapes.max(axis=1)),
        lesions=count_lesions(cases),
        breast_median=_breast_median(dataset, outsides, [readable[index][1] for index in order]),
        coloured=sum(colour for _, colour in pixels),
        **_of_labels(dataset, cases, outsides),
        by_channel=_by_channel(dataset, cases, outsides, [values for values, _ in pixels]),
    )


def _of_labels(dataset: Dataset, cases: Sequence[Case], outsides: Sequence[Outside]) -> dict[str, Any]:
    ct = next(iter(_modalities(dataset, outsides))) == "CT"
    flat = all(image.shape[0] == 1 for image in outsides)
    return {
        "labelled_levels": labelled_levels(dataset, cases) if ct and not dataset.channels else None,
        "dice_when_shrunk": dice_when_shrunk(dataset, cases) if flat else None,
    }


def _by_channel(
    dataset: Dataset, cases: Sequence[Case], outsides: Sequence[Outside], samples: Sequence[Sequence[FloatArray]]
) -> dict[str, ChannelFacts]:
    """What each of the named channels is, of images from outside and voxels that were sampled; of none, nothing."""
    found = {}
    for place, (name, described) in enumerate(dataset.channels.items()):
        own = [image.by_channel[place] for image in outsides]
        modality = next(iter(_counts(said or described for said, _ in own)))
        found[name] = ChannelFacts(
            modality=modality,
            dtypes=_counts(dtype for _, dtype in own),
            intensity=_intensity([values[place] for values in samples]),
            labelled_levels=labelled_levels(dataset, cases, channel=place) if modality == "CT" else None,
        )
    return found


def _of_ages(cases: Sequence[Case]) -> dict[str, Any]:
    ages = [case.age_years for case in cases if case.age_years is not None]
    return {"age_years": _spread(ages), "ages_known": len(ages)}


def _of_boxes(cases: Sequence[Case], enlarged: Mapping[str, float]) -> dict[str, Any]:
    """Of the boxes of cases, each enlarged by as much as its image would be to be as long as the middling one."""
    boxes = [(box, enlarged.get(case.id, 1.0)) for case in cases for box in case.boxes]
    sized = [(box, scale) for box, scale in boxes if box.width > 0 and box.height > 0]
    return {
        "box_width": _spread([box.width for box, _ in boxes]),
        "box_height": _spread([box.height for box, _ in boxes]),
        "box_side": _spread([scale * (box.width * box.height) ** 0.5 for box, scale in sized]),
        "box_ratio": _spread([box.height / box.width for box, _ in sized]),
    }


def _modalities(dataset: Dataset, outsides: Sequence[Outside]) -> dict[str, int]:
    return _counts(image.modality or dataset.modality for image in outsides)


def _breast_median(dataset: Dataset, outsides: Sequence[Outside], refs: Sequence[ImageRef]) -> tuple[int, int] | None:
    flat = all(image.shape[0] == 1 for image in outsides)
    mammograms = next(iter(_modalities(dataset, outsides))) == "MG"
    films = [ref for ref in refs if ref.crop is None]
    return breast_median(films) if flat and mammograms and films else None


def _nothing_readable(dataset: Dataset, images: int, unreadable: Mapping[str, str]) -> DatasetError:
    example = "; ".join(f"{case}: {reason}" for case, reason in list(unreadable.items())[:3])
    return DatasetError(f"none of the {images} images of {dataset.name} can be read; {example}")


def _chosen(dataset: Dataset, case_ids: Iterable[str] | None) -> Sequence[Case]:
    if case_ids is None:
        cases = dataset.cases
    else:
        wanted = frozenset(case_ids)
        cases = tuple(case for case in dataset.cases if case.id in wanted)
    if not cases:
        raise DatasetError(f"{dataset.name}: no cases to look at")
    return cases


def _outsides(refs: Sequence[tuple[str, ImageRef]]) -> tuple[list[tuple[str, Outside]], dict[str, str]]:
    """What the headers say of the images that have a readable one, each with its case, and why the others have none, by
    case; each file is opened once."""
    files = [replace(ref, crop=None, index=None) for _, ref in refs]
    once = list(dict.fromkeys(files))
    headers = dict(zip(once, in_threads(outside, once, "reading headers"), strict=True))
    found: list[tuple[str, Outside]] = []
    unreadable: dict[str, str] = {}
    for (case, ref), file in zip(refs, files, strict=True):
        header = headers[file]
        if isinstance(header, HounsfieldError):
            unreadable[case] = str(header)
        else:
            found.append((case, header.of_crop(ref.crop)))
    return found, unreadable


def _pixels(refs: Sequence[tuple[str, ImageRef]], unreadable: dict[str, str]) -> list[tuple[list[FloatArray], bool]]:
    """Of each image some voxels, as float64, of named channels of each, and whether it is in colour."""
    found = []
    results = in_threads(_sampled, [ref for _, ref in refs], "reading a sample")
    for (case, _), result in zip(refs, results, strict=True):
        if isinstance(result, HounsfieldError):
            unreadable[case] = str(result)
        else:
            found.append(result)
    return found


def _sampled(ref: ImageRef) -> tuple[list[FloatArray], bool]:
    image = load(ref)
    voxels = image.voxels
    colour = not image.channel_names and len(voxels) > 1 and bool(np.any(voxels != voxels[:1]))
    return [_some_of(one.voxels) for one in image.apart], colour


def _some_of(voxels: VoxelArray) -> FloatArray:
    flat = voxels.reshape(-1)
    step = -(-flat.size // _VOXELS_PER_IMAGE)
    if step > 1:
        step += step % 2 == 0  # an odd stride does not stay in the same columns of an image of even width
    values: FloatArray = flat[::step].astype(np.float64)
    return values[np.isfinite(values)]


def _intensity(samples: Sequence[FloatArray]) -> dict[str, float]:
    values = np.concatenate(samples)
    if not values.size:
        raise DatasetError("the sampled images hold no finite numbers")
    levels = np.percentile(values, PERCENTILES)
    summary = {f"{percentile:g}": float(level) for percentile, level in zip(PERCENTILES, levels, strict=True)}
    return {**summary, "mean": float(values.mean()), "std": float(values.std())}


def _median_spacing(images: Sequence[Outside]) -> tuple[float, float, float] | None:
    known = [image.spacing_mm for image in images if image.spacing_kind != "none"]
    if not known:
        return None
    depth, height, width = np.median(np.array(known), axis=0)
    return float(depth), float(height), float(width)


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    low, median, high = np.percentile(np.array(values), (5, 50, 95))
    return Spread(float(low), float(median), float(high))


def _percentiles_of_sides(sides: FloatArray) -> dict[str, int]:
    levels = np.percentile(sides, SIDE_PERCENTILES)
    return {str(percentile): round(float(level)) for percentile, level in zip(SIDE_PERCENTILES, levels, strict=True)}


def _triple(values: FloatArray) -> tuple[int, int, int]:
    depth, height, width = (round(float(value)) for value in values)
    return depth, height, width


def _counts(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())
