"""Networks that outline: windows, and how often they are halved, from the size and the spacing of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Any, Literal

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.plan.families import Family, Sides, encoder_tuning, maps_of
from hounsfield.plan.inputs import Kind, flat_shape
from hounsfield.plan.network_choices import Encoder, PretrainedChoice, RecurrentChoice, ResidualChoice, UNetChoice

UNET, SLICEWISE, RECURRENT = "unet", "unet-2.5d", "recurrent"

OUTLINERS = (UNET, SLICEWISE, RECURRENT)
"""As `--network` takes them; all but the first for volumes alone."""

_WHOLE = 2**18
"""Voxels, of volumes mostly no larger than which windows show all: where something lies says much of what it is."""

_VOLUME_SIDES = (160, 128, 112, 96, 80, 64, 48)
"""Longer side of windows of larger volumes."""

_FLAT_SIDES = (512, 448, 384, 320, 256, 224, 192, 160, 128, 96, 64)
"""Longer side of flat images."""

_FLAT_IMAGES = 4_000
"""Of flat images that are seen whole. On chest films 4,000 of 128 × 128 pixels gave a Dice of .958, and in half as much
time again 13,000 of 64 × 64 .956."""

_INSTANCE_SIDES = (256, 224, 192, 160, 128)
"""Sides of windows of flat images that keep their size: objects are seen with their neighbours."""

_SLICE_SIDES = (512, 384, 256, 192, 128, 96)
"""Longer side of what is seen of the slices that a recurrent network goes through …"""

_SLICES = (16, 8)
"""… and how many slices there are, at most."""

_SLICE_STEP = 32
"""Sides of slices are multiples of it, so that an encoder can halve them five times."""

_SMALLEST = 4
"""Places along a side that are left of a window at least."""

_MOST_HALVINGS = 5

_FIRST_MAPS, _MOST_MAPS = 16, 256
"""Of networks from scratch."""

_THICK = 3.0
"""Times the distance of pixels in a slice, from which slices are outlined one by one. From three on nnU-Net calls
images anisotropic (Isensee 2021). On the hearts below, six times, slices gave .890, and volumes .764."""

_KEPT = 0.97
"""Of labels made small and large again: what is lost comes on top of how well a network outlines. Vessels of the retina
keep .93, lungs, hearts and lesions of the breast .995 and more."""

_EVEN = 2.0
"""Spacings that differ by less than this factor are shrunk together."""

_FOR_FEW: Literal["batch", "instance"] = "instance"
"""Batches of windows are small."""


def outliner(fingerprint: Fingerprint, backbone: str | None, *, instances: bool = False) -> Family:
    """U-Net for the images of some data.

    Args:
        fingerprint: Of whole images with masks.
        backbone: Of flat images, timm's name of the pretrained network that is the way down; a residual network from
            scratch where there is none, as of volumes.
        instances: Whether each object is outlined by itself; flat images then keep their size, as volumes do, so that
            objects that touch stay apart.
    """
    if not fingerprint.planar:
        return _of_volumes(fingerprint)
    if instances:
        return _of_objects(fingerprint, backbone)
    return (_of_thin_labels if has_thin_labels(fingerprint) else _of_whole_images)(fingerprint, backbone)


def _of_whole_images(fingerprint: Fingerprint, backbone: str | None) -> Family:
    return _unet(
        fingerprint,
        backbone,
        sides=_flat_sides,
        images_wanted=_FLAT_IMAGES,
        epochs_wanted=80,
        longest=300,
        most_repeats=1,
        side_before_folds=_FLAT_SIDES[0],
    )


def _of_objects(fingerprint: Fingerprint, backbone: str | None) -> Family:
    return _unet(fingerprint, backbone, reasons={"input.windows": _OF_OBJECTS}, **_IN_SQUARES)


def _of_thin_labels(fingerprint: Fingerprint, backbone: str | None) -> Family:
    return _unet(
        fingerprint,
        backbone,
        optimisation={} if backbone else _FROM_SCRATCH,
        reasons={"input.windows": _OF_THIN, **({} if backbone else _SCRATCH_REASONS)},
        skip="concatenate" if backbone else "add",
        **_IN_SQUARES,
    )


def _of_volumes(fingerprint: Fingerprint) -> Family:
    return _unet(
        fingerprint,
        None,
        optimisation={"batch_size": 2, **_FROM_SCRATCH},
        reasons={**_SCRATCH_REASONS, "input.windows": _IN_WINDOWS, "augmentation.flip_axes": _SIDES_STAY},
        skip="add",
        windows=True,
        sides=_windows,
        images_wanted=_WINDOWS,
        images_for_size=_WINDOWS_FOR_SIZE,
        epochs_wanted=100,
        longest=1000,
        most_repeats=_NETWORKS,
        augmentation={**_AUGMENTATION, **_NOT_MIRRORED},
        few_epochs=_FEW_EPOCHS,
        with_few=_WITH_FEW,
        share_needed=_SHARE_NEEDED,
        side_before_folds=_FLAT_SIDES[0],
    )


def _unet(
    fingerprint: Fingerprint,
    backbone: str | None,
    *,
    optimisation: Mapping[str, Any] = MappingProxyType({}),
    reasons: Mapping[str, str] = MappingProxyType({}),
    skip: Literal["concatenate", "add"] = "concatenate",
    **own: Any,
) -> Family:
    """A family of U-Nets, with what is their own."""
    spacing = fingerprint.spacing_mm or (1.0, 1.0, 1.0)

    def network(sides: Sides) -> UNetChoice:
        encoder, normalisation = _way_down(sides, spacing[3 - len(sides) :], backbone)
        return UNetChoice(encoder=encoder, normalisation=normalisation, skip=skip)

    common: dict[str, Any] = {"augmentation": _AUGMENTATION, "most_networks": _MOST_NETWORKS, "fewest_folds": 1}
    return Family(
        name=UNET,
        reason=f"a U-Net on {maps_of(backbone)}",
        network=network,
        optimisation={**_OPTIMISATION, "batch_size": 8, **encoder_tuning(backbone), **optimisation},
        reasons={**_REASONS, **reasons},
        **{**common, **own},
    )


def slicewise_outliner(fingerprint: Fingerprint, backbone: str | None, *, cells: bool) -> Family:
    """A network that outlines volumes slice by slice, each shown between its neighbours.

    Args:
        fingerprint: Of whole volumes with masks.
        backbone: As for `outliner`, of the network that looks at slices.
        cells: Whether recurrent cells go through them.
    """
    spacing = fingerprint.spacing_mm or (1.0, 1.0, 1.0)

    def network(sides: Sides) -> RecurrentChoice:
        encoder, normalisation = _way_down(sides[1:], spacing[1:], backbone)
        return RecurrentChoice(encoder=encoder, normalisation=normalisation, levels=int(cells))

    kept = ", and on what recurrent cells keep of the others" if cells else ", shown between its neighbours"
    return Family(
        name=RECURRENT if cells else SLICEWISE,
        reason=f"each slice is outlined on {maps_of(backbone)}{kept}",
        network=network,
        sides=_stacks,
        images_wanted=1_500,
        images_for_size=_STACKS_FOR_SIZE,
        epochs_wanted=100,
        longest=1000,
        optimisation={**_OPTIMISATION, "batch_size": 2, **encoder_tuning(backbone)},
        reasons={**_REASONS, "input.windows": _IN_WINDOWS},
        most_repeats=1,
        augmentation=_AUGMENTATION,
        side_before_folds=_SLICE_SIDES[0],
        fewest_folds=1,
        windows=True,
    )


def has_thin_labels(fingerprint: Fingerprint) -> bool:
    """Whether labels of flat images are so thin that they would be lost where images are made small."""
    kept = fingerprint.dice_when_shrunk
    return kept is not None and kept < _KEPT


def in_thick_slices(fingerprint: Fingerprint) -> bool:
    """Whether slices of volumes lie so far apart that each is a picture of its own."""
    if fingerprint.planar or not fingerprint.spacing_mm:
        return False
    apart, *within = fingerprint.spacing_mm
    return apart >= _THICK * max(within)


_OPTIMISATION: Mapping[str, Any] = {
    "learning_rate": 1e-3,
    "answer_rate": 10.0,
    "weight_decay": 0.01,
    "clip_norm": 5.0,
    "keep": "last",
    "channels_last": True,
}
"""On 121 frames of hearts six epochs gave a mean Dice of .823 with an answer as slow as the rest, and cavities too
large by .83 of their volume on the mean; .875 and .12 with this one, which begins at how common cavities are; and
.891 and .24 where the loss has the Dice of each image besides (`segmentation.dice`; .874 and .29 where the answer
begins at 0, and .798 and 1.33 where it is slow, too)."""

_FROM_SCRATCH: Mapping[str, Any] = {"optimizer": "muon", "learning_rate": 3e-3, "answer_rate": 1.0}
"""Of U-Nets for volumes, and for thin labels. On the hippocampi's validation part seven epochs gave a mean Dice of .852
with AdamW at 1e-3, .868 at 3e-3, .862 with Muon at 1e-3, and .876 at 3e-3."""

_AUGMENTATION = {"zoom": 0.2, "shift": 0.1, "noise": 0.02}

_WINDOWS_FOR_SIZE = 600
"""Of volumes, before windows are made larger: what lies around a place says what it is. In ten minutes the cavities of
14 volumes of hearts, in thick slices, were outlined with a Dice of .764 in windows of 12 × 112 × 112, and of .715 in
more than four times as many of 12 × 48 × 48."""

_STACKS_FOR_SIZE = 300
"""The same of stacks of slices, pretrained: there .890 by one network that was shown 8 whole slices of 256 × 256, .856
by three of 96 × 96."""

_WINDOWS = 2_500
"""Of volumes, until the minutes go to further networks …"""

_NETWORKS = 3
"""… up to as many. On the hippocampi's validation part three networks of 3,500 windows, each changed in another way,
reached .893, .892 and .891, the first two together .895, and all .896. One of 10,500 windows was not tried."""

_MOST_NETWORKS = 5
"""Of folds too: each makes reading slower, and of volumes that is most of what there is to wait for."""

_SHARE_NEEDED = 2.0
"""Of the windows wanted: networks of all cases, validated together as they will read, come before networks of folds, of
which one validates a case. One network that was shown 8,200 windows of nuclei found them with an average precision of
.32 on ten images, those of five folds that were shown 1,700 each with .19."""

_NOT_MIRRORED: Mapping[str, Any] = {"flip_axes": ()}
"""There seven epochs of AdamW at 3e-3 gave .868, and without mirrored volumes .875; twenty of Muon .891 with them, and
.893 without, but that began at how common labels are as well."""

_FEW_EPOCHS = 20
"""After as many a network that was shown less change reached .892, one that was shown more .893."""

_WITH_FEW: Mapping[str, Any] = {"rotation_degrees": 5.0, "zoom": 0.05, "shift": 0.05}
"""Seven epochs of AdamW without mirrored volumes gave .875, and so .880; of Muon with them .876, and so, without them,
.889."""

_IN_SQUARES: Mapping[str, Any] = {
    "windows": True,
    "sides": lambda fingerprint, kind: _squares(fingerprint, kind),
    "images_wanted": 6_000,
    "epochs_wanted": 1000,
    "longest": 1000,
    "most_repeats": 1,
    "share_needed": _SHARE_NEEDED,
}
"""Of flat images that keep their size."""

_REASONS = {
    "optimisation.answer_rate": "AdamW moves no weight far in few steps, and an answer's are drawn at random",
    "optimisation.class_weights": "",
    "optimisation.keep": "after a whole cycle the last epoch is as good as the best",
}

_SCRATCH_REASONS = {
    "optimisation.optimizer": "few steps go further where all directions of a convolution's gradient count alike",
    "network.skip": "half as many multiplications on the way up as with maps side by side, and so more epochs",
    "optimisation.answer_rate": "",
}

_IN_WINDOWS = "volumes keep their size, and are looked at window by window"

_OF_THIN = "labels are so thin that they would be lost in images made small, which are looked at window by window"

_SIDES_STAY = "mirrored volumes turn left into right, and teach less in as many epochs"

_OF_OBJECTS = "images keep their size, so that objects that touch stay apart, and are looked at window by window"


def _way_down(
    sides: Sequence[int], spacing: Sequence[float], backbone: str | None
) -> tuple[Encoder, Literal["batch", "instance"]]:
    """The encoder for windows of this shape, and what normalises the way up."""
    if backbone:
        return PretrainedChoice(backbone=backbone, drop_path=0.1), "batch"
    strides = strides_for(sides, spacing)
    widths = tuple(min(_FIRST_MAPS * 2**stage, _MOST_MAPS) for stage in range(len(strides) + 1))
    encoder = ResidualChoice(widths=widths, blocks=(1,) * len(widths), strides=strides, normalisation=_FOR_FEW)
    return encoder, _FOR_FEW


def strides_for(sides: Sequence[int], spacing: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """By how much each stage but the first shrinks its maps: axes whose voxels lie far apart wait for the others.

    Args:
        sides: Of a window.
        spacing: Between voxels along each axis, in any unit.
    """
    left, apart = list(sides), list(spacing)
    strides = []
    for _ in range(_MOST_HALVINGS):
        can = [side // 2 >= _SMALLEST for side in left]
        if not any(can):
            break
        near = min(own for own, possible in zip(apart, can, strict=True) if possible)
        stride = tuple(2 if possible and own < _EVEN * near else 1 for own, possible in zip(apart, can, strict=True))
        left = [-(-side // step) for side, step in zip(left, stride, strict=True)]
        apart = [own * step for own, step in zip(apart, stride, strict=True)]
        strides.append(stride)
    return tuple(strides)


def _windows(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate windows, the largest first: all of most small volumes, parts of large ones."""
    median = fingerprint.shape_median
    whole = tuple(_rounded(side) for side in median)
    if prod(whole) <= _WHOLE:
        return [whole]
    spacing = fingerprint.spacing_mm or (1.0, 1.0, 1.0)
    found = []
    for side in _VOLUME_SIDES:
        fine = side * min(spacing)
        found.append(
            tuple(
                min(_rounded(length), max(2 * _SMALLEST, _rounded(fine / own)))
                for length, own in zip(median, spacing, strict=True)
            )
        )
    return list(dict.fromkeys(found))


def _stacks(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate windows of a recurrent network, the largest first: whole slices before many of them."""
    depth = fingerprint.shape_max[0]
    height, width = (-(-side // _SLICE_STEP) * _SLICE_STEP for side in fingerprint.shape_median[1:])
    longest = min(max(height, width), _SLICE_SIDES[0])
    fitting = [longest, *(side for side in _SLICE_SIDES if side < longest)]
    return list(
        dict.fromkeys(
            (min(depth, slices), min(height, side), min(width, side)) for side in fitting for slices in _SLICES
        )
    )


def _flat_sides(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate shapes of flat images, the largest first; none is larger than most of them are."""
    height, width = flat_shape(fingerprint, kind)
    longest = max(height, width)
    fitting = [side for side in _FLAT_SIDES if side <= longest] or [longest]
    return list(
        dict.fromkeys(
            tuple(max(32, round(side * own / longest / 32) * 32) for own in (height, width)) for side in fitting
        )
    )


def _squares(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate windows of flat images, the largest first; none is larger than most of them are."""
    shortest = min(flat_shape(fingerprint, kind))
    fitting = [side for side in _INSTANCE_SIDES if side <= shortest] or [max(32, shortest // 32 * 32)]
    return [(side, side) for side in fitting]


def _rounded(length: float) -> int:
    """Up to a multiple of 4 where that is not much more, so that it can be halved twice without a rest."""
    return -(-int(length) // 4) * 4 if length > 8 else max(4, int(length))
