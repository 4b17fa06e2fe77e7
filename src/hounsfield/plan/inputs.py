"""What kind of images these are, and how they are prepared for a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hounsfield.datasets.fingerprint import ChannelFacts, Fingerprint

_FILM_SIDES = (256, 192, 128, 96, 64, 48)
"""Longer side of whole images."""
_CROP_SIDES = (64, 48)
"""Of the squares around lesions. On the validation folds of CBIS-DDSM's masses 96 × 96 was no better than 64 × 64
(AUC .722 and .742 after as many images), and takes twice the time."""
_VOLUME_SIDES = (64, 48, 40, 32, 28, 24)
_SMALLEST = 24
_SOFT_TISSUE = (-160.0, 240.0)
"""HU that a CT is shown from and to, where nothing asks for more."""


@dataclass(frozen=True)
class Kind:
    """What kind of images these are, as far as their preparation depends on it."""

    steps: tuple[dict[str, Any], ...]
    """Before the image is brought to its size."""
    reason: str
    film: tuple[dict[str, Any], ...] = ()
    film_reason: str = ""
    margin: float = 1.0
    rotation_degrees: float = 15.0
    rotation_reason: str = "patients are placed alike"
    flips: Literal["none", "width", "all"] = "width"
    """Along which axes a mirrored image is as likely as the image itself."""
    flip_reason: str = "left and right look alike"
    stain: float = 0.0
    """By how much the strength of a stain differs."""
    keep_aspect: bool = True
    anchor: str = "center"
    cut_to_breast: bool = False
    """Whether the steps cut a film to the breast."""

    def flip_axes(self, dims: int) -> tuple[int, ...]:
        """The axes of an input of `dims` axes that `flips` names."""
        return {"none": (), "width": (dims - 1,), "all": tuple(range(dims))}[self.flips]


_MICROSCOPY = ("SM", "GM")
"""DICOM's modalities of slide and general microscopy (PS3.3 C.7.3.1.1.1)."""

CASE_STUDY_FILTERS: tuple[dict[str, Any], ...] = (
    {"step": "median", "size": 3},
    {"step": "bilateral", "sigma_space": 2.0, "sigma_intensity": 0.1},
    {"step": "gaussian", "sigma": 0.5},
)
"""Gaussian, median and bilateral filtering as in the case study (Hadush et al. 2020, arXiv:2003.07911), which does
not give their strengths: speckle is removed first, edges are kept, and the rest is lightly smoothed."""


def kind_of(fingerprint: Fingerprint, *, modality: str, cropped: bool, filters: bool = True) -> Kind:
    """What kind of images these are.

    Args:
        fingerprint: Of the images.
        modality: DICOM code of what most are, "" when nobody knows.
        cropped: Whether a case is a square cut out of a larger image.
        filters: Whether mammograms go through the filters of the case study.
    """
    if modality == "MG" and fingerprint.planar and not fingerprint.by_channel:
        return _mammogram(cropped, CASE_STUDY_FILTERS if filters else ())
    if modality in _MICROSCOPY and fingerprint.planar:
        return _tissue(fingerprint, modality, cropped)
    if not fingerprint.planar:
        return Kind(
            steps=_levels(fingerprint, modality),
            reason=_levels_reason(fingerprint, modality),
            keep_aspect=False,  # voxels are rarely cubes; the shape follows the median volume, axis by axis
        )
    return Kind(
        steps=_levels(fingerprint, modality),
        reason=_levels_reason(fingerprint, modality),
        margin=1.4 if cropped else 1.0,
        rotation_degrees=180.0 if cropped else 15.0,
        rotation_reason="a lesion has no upright" if cropped else "patients are placed alike",
        flips="all" if cropped else "width",
        flip_reason="a lesion's mirror image is as likely" if cropped else "left and right look alike",
    )


def _tissue(fingerprint: Fingerprint, modality: str, cropped: bool) -> Kind:
    return Kind(
        steps=_levels(fingerprint, modality),
        reason=_levels_reason(fingerprint, modality),
        margin=1.4 if cropped else 1.0,
        rotation_degrees=180.0,
        rotation_reason="tissue has no upright",
        flips="all",
        flip_reason="a mirror image of tissue is as likely",
        stain=0.2 if fingerprint.colour and fingerprint.channels == 3 else 0.0,
    )


def _mammogram(cropped: bool, filters: tuple[dict[str, Any], ...]) -> Kind:
    display: dict[str, Any] = {"step": "display"}
    if cropped:
        return Kind(
            film=(display, {"step": "breast", "side": "as_is", "crop": False}),
            film_reason="the film's own grey levels, so that a mass keeps its contrast; labels and markers off",
            steps=filters,
            reason="the filters of the case study, then one size" if filters else "one size",
            margin=1.4,
            rotation_degrees=180.0,
            rotation_reason="a mass has no upright",
            flips="all",
            flip_reason="a mass's mirror image is as likely",
        )
    return Kind(
        steps=(display, {"step": "breast"}, *filters),
        reason="as the film is shown; the breast alone, turned to one side"
        + ("; the filters of the case study" if filters else ""),
        rotation_degrees=15.0,
        rotation_reason="breasts are placed alike, turned to one side",
        flips="none",
        flip_reason="all are turned to one side already",
        anchor="start",
        cut_to_breast=True,
    )


def _levels(fingerprint: Fingerprint, modality: str) -> tuple[dict[str, Any], ...]:
    """The steps that bring grey levels to 0 … 1; of named channels each by itself, where they are not all alike."""
    own = _facts(fingerprint, modality)
    steps = {name: _levels_of(facts, fingerprint) for name, facts in own.items()}
    first = next(iter(steps.values()))
    if all(step == first for step in steps.values()):
        return (first,)
    return tuple({**step, "channel": name} for name, step in steps.items())


def _facts(fingerprint: Fingerprint, modality: str) -> Mapping[str, ChannelFacts]:
    """What each named channel is; of other images what they are, under ""."""
    if fingerprint.by_channel:
        return fingerprint.by_channel
    return {"": ChannelFacts(modality, fingerprint.dtypes, fingerprint.intensity, fingerprint.labelled_levels)}


def _levels_of(facts: ChannelFacts, fingerprint: Fingerprint) -> dict[str, Any]:
    if _hounsfield_units(facts):
        low, high = _window(facts)
        return {"step": "window", "center": (low + high) / 2, "width": high - low}
    if _scaled_by_type(facts, fingerprint):
        return {"step": "float", "scale": "type"}
    return {"step": "rescale"}


def _scaled_by_type(facts: ChannelFacts, fingerprint: Fingerprint) -> bool:
    """Whether levels mean the same in all images; not of named channels: one of another type changes that of all."""
    return not fingerprint.by_channel and set(facts.dtypes) == {"uint8"} and facts.modality != "MR"


def _window(facts: ChannelFacts) -> tuple[float, float]:
    """Soft tissue, in HU, and as much beyond as the voxels that are labelled need: lungs are below it, bone above."""
    low, high = _SOFT_TISSUE
    if facts.labelled_levels is None:
        return low, high
    least, most = facts.labelled_levels
    return min(low, float(math.floor(least))), max(high, float(math.ceil(most)))


def _hounsfield_units(facts: ChannelFacts) -> bool:
    """Whether voxels are in HU; a CT in 8 bits is a picture of one, seen through a window already."""
    return facts.modality == "CT" and set(facts.dtypes) != {"uint8"}


def _levels_reason(fingerprint: Fingerprint, modality: str) -> str:
    reasons = {name: _reason_of(facts, fingerprint) for name, facts in _facts(fingerprint, modality).items()}
    if len(set(reasons.values())) == 1:
        return next(iter(reasons.values())) + (", in each channel by itself" if fingerprint.by_channel else "")
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())


def _reason_of(facts: ChannelFacts, fingerprint: Fingerprint) -> str:
    if _hounsfield_units(facts):
        wider = "" if _window(facts) == _SOFT_TISSUE else ", widened to the levels of what is labelled"
        return f"Hounsfield units have a meaning: a soft-tissue window{wider}"
    if _scaled_by_type(facts, fingerprint):
        return "8-bit levels mean the same in all images"
    if facts.modality == "MR":
        return "MR has no scale of grey levels: percentiles to 0 … 1"
    return "grey levels differ between images: percentiles to 0 … 1"


def film_steps(kind: Kind) -> tuple[dict[str, Any], ...]:
    """Steps on the whole image before a case is cut out of it."""
    return kind.film


def canvas_steps(kind: Kind, canvas: tuple[int, ...], *, grey: bool) -> tuple[dict[str, Any], ...]:
    """Steps from the image, or the square, to an array of shape `canvas`."""
    first: tuple[dict[str, Any], ...] = ({"step": "grey"},) if grey else ()
    size: dict[str, Any] = {"step": "resize", "shape": list(canvas), "keep_aspect": kind.keep_aspect}
    if kind.anchor != "center":
        size["anchor"] = kind.anchor
    return (*first, *kind.steps, size)


def window_steps(kind: Kind, fingerprint: Fingerprint) -> tuple[dict[str, Any], ...]:
    """Steps of images that keep their size: volumes cut to what they show, of one spacing where all know theirs, and
    the same way up where all know their place."""
    steps = kind.steps if fingerprint.planar else (*kind.steps, {"step": "foreground"})
    if not fingerprint.spacing_mm or "none" in fingerprint.spacing_kinds:
        return steps
    steps = (*steps, {"step": "spacing", "mm": [round(one, 4) for one in fingerprint.spacing_mm]})
    placed = not fingerprint.planar and set(fingerprint.spacing_kinds) == {"patient"}
    return (*steps, {"step": "orient"}) if placed else steps


def loses_colour(channels: int, fingerprint: Fingerprint) -> bool:
    """Whether images of three channels, all the same, are shown to the network as one."""
    return channels == 1 and fingerprint.channels == 3


def input_sides(fingerprint: Fingerprint, kind: Kind) -> list[tuple[int, ...]]:
    """Candidate input shapes, the largest first; none is larger than most of the images are."""
    if not fingerprint.planar:
        return volume_sides(fingerprint, _VOLUME_SIDES)
    flat = flat_shape(fingerprint, kind)
    longest = max(flat)
    sides = _CROP_SIDES if kind.margin > 1 else _FILM_SIDES
    fitting = [side for side in sides if side <= longest] or [max(_SMALLEST, longest)]
    if kind.margin > 1:
        return [(side, side) for side in fitting]
    return [tuple(_scaled(flat, side, longest)) for side in fitting]


def volume_sides(fingerprint: Fingerprint, sides: Sequence[int]) -> list[tuple[int, ...]]:
    """Shapes of volumes of which the longest axis has one of `sides`; none is larger than most of them are."""
    median = fingerprint.shape_median
    longest = max(median)
    return [tuple(_scaled(median, side, longest)) for side in sides if side <= longest] or [
        tuple(max(_SMALLEST, side) for side in median)
    ]


def flat_shape(fingerprint: Fingerprint, kind: Kind) -> tuple[int, int]:
    """Median (height, width) of what is brought to one size: of the breast, where films are cut to it."""
    if kind.cut_to_breast and fingerprint.breast_median:
        return fingerprint.breast_median
    return fingerprint.shape_median[1], fingerprint.shape_median[2]


_FITTED_FILM_SIDES = (640, 512, 448, 384, 320, 256, 224, 192, 160, 128)
_FITTED_CROP_SIDES = (160, 128)
"""On the validation folds of CBIS-DDSM's masses 224 × 224 was no better than 160 × 160 (AUC .846 and .855)."""
_ENLARGED = 4
"""A network pretrained on photographs of 224 pixels finds little in an image of 28; enlarged, by no more than this,
its textures have the size that the network knows."""
_LARGEST_ENLARGED = 128
SMALLEST_SLICE = 32
"""Pixels along a side: a pretrained network halves them five times."""


def fitted_sides(fingerprint: Fingerprint, kind: Kind) -> list[tuple[int, ...]]:
    """Candidate shapes for a pretrained network, the largest first: small images are enlarged.

    Volumes keep their shape, as in `input_sides`, but for slices that are too small to be halved five times.
    """
    if not fingerprint.planar:
        shapes = input_sides(fingerprint, kind)
        return list(dict.fromkeys((depth, max(SMALLEST_SLICE, h), max(SMALLEST_SLICE, w)) for depth, h, w in shapes))
    median = flat_shape(fingerprint, kind)
    longest = max(median)
    most = max(longest, min(_ENLARGED * longest, _LARGEST_ENLARGED), SMALLEST_SLICE)
    sides = _FITTED_CROP_SIDES if kind.margin > 1 else _FITTED_FILM_SIDES
    fitting = [side for side in sides if side <= most] or [most // 16 * 16]
    if kind.margin > 1:
        return [(side, side) for side in fitting]
    return [tuple(max(SMALLEST_SLICE, length) for length in _scaled(median, side, longest)) for side in fitting]


def _scaled(shape: Sequence[int], side: int, longest: int) -> list[int]:
    """`shape` with its longest axis brought to `side`, each axis a multiple of 4 and not too small to be halved."""
    return [max(_SMALLEST, round(length * side / longest / 4) * 4) for length in shape]
