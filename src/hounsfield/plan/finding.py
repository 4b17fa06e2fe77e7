"""Networks that find: which boxes they ask about, made from the boxes of the data."""

from __future__ import annotations

import numpy as np

from hounsfield.datasets.fingerprint import Fingerprint, Spread
from hounsfield.plan.families import Family, Sides, encoder_for, encoder_tuning, is_pretrained, maps_of
from hounsfield.plan.inputs import Kind, flat_shape, volume_sides
from hounsfield.plan.network_choices import CentreChoice, FasterRCNNChoice, ResidualChoice

FASTER_RCNN = "faster_rcnn"
CENTRES = "centres"

_SIDES = (1024, 800, 704, 640, 576, 512, 448, 384, 320, 256)
"""Longer side of what is looked at, in pixels."""

_MULTIPLE = 32
"""Sides are multiples of the coarsest stride."""

_SHARE_OF_ANCHOR = 2
"""Places lie no farther apart than half of the smallest boxes' sides. With a third, films of 512 × 352 pixels had
places every 4 pixels, and took longer to learn from than those of 640 × 448 with places every 8."""

_MOST = 50
"""Findings an image, unless there are images with more than half as many."""

_WIDTH = 64
"""Maps of each resolution. On CBIS-DDSM's masses 96 maps, 128 proposed places and one more stage that learns gave a
mean sensitivity of .719 after two epochs, where these gave .711; two threads learned from 2.1 and 3.2 films a
second."""

_FEW_BOXES, _REGIONS, _REGIONS_OF_MANY = 8, 64, 128
"""Of images with at most so many boxes few proposed places need be learned from."""

_VANISHING = 8.0
"""Pixels of a small box's side at the largest size of the whole image, below which images are looked at in tiles …"""

_SEEN = 16.0
"""… at a size at which its side is this long, or at their own."""

_CLEAR = 40.0
"""Pixels of the middling box's side, up to which minutes go to larger images before they go to further networks."""

_ENOUGH, _LONG = 50.0, 576
"""The same, from which on larger images find no more, and the longer side of images that may be as large in any case;
small boxes are not made to vanish for that.
On CBIS-DDSM's masses the mean sensitivity was .711 after two epochs at 576 pixels, where the middling box is 48 long,
and .693 at 704; at 448, in the same minutes, .701 after three. Each is of one network."""

_UPSIDE_DOWN = (0,)
"""Films are turned to one side already; a mass upside down is as likely as the mass itself."""

_TILE = 512
"""Pixels along a tile's sides."""

_MOST_IN_VOLUMES = 20
"""The same of volumes."""

_SIDES_IN_VOLUMES = (128, 112, 96, 80, 64, 48, 40, 32, 28, 24)
"""Longer side of volumes."""

_MULTIPLE_IN_VOLUMES = 8
"""Sides of volumes that are looked at in tiles are multiples of it."""

_TILE_IN_VOLUMES, _SHORTEST_IN_VOLUMES = 64, 24
"""Voxels along the longest and, where slices lie far apart, the shortest side of a tile."""

_LONGEST_IN_VOLUMES = 192
"""Longest side of a volume that is looked at in tiles, which are then 64 or so."""

_FITS = 0.75
"""Of a tile's side, that the side of a large box takes at most: what is longer would be found in pieces."""

_GAIN = 1.25
"""By how much a volume in tiles is longer than the largest that is looked at as a whole, at least."""

_VANISHING_IN_VOLUMES, _SEEN_IN_VOLUMES, _CLEAR_IN_VOLUMES = 5.0, 8.0, 12.0
"""As `_VANISHING`, `_SEEN` and `_CLEAR`, in voxels."""

_WIDTHS_IN_VOLUMES, _WIDTH_IN_VOLUMES = (16, 32, 64, 96), 32
"""Maps of each stage of the network, and where they are merged. With (32, 64, 96, 96) and 64 two threads learned from
1.9 volumes of 64 x 64 x 64 a second, with these from 6.3."""

_FINEST, _COARSEST = 4, 32
_LEVELS = 3


def finder(fingerprint: Fingerprint, kind: Kind, backbone: str | None) -> Family:
    """Faster R-CNN for the boxes of some data.

    Args:
        fingerprint: Of whole images with boxes.
        kind: How they are prepared.
        backbone: timm's name of the pretrained network whose maps are looked at, "convnet" for the five layers of the
            case study; a residual network from scratch where there is none.
    """
    deep = ResidualChoice(widths=(16, 32, 64, 128, 160, 160), blocks=(1,) * 6)
    return Family(
        name=FASTER_RCNN,
        reason=f"Faster R-CNN: places are proposed and judged, on {maps_of(backbone)}",
        network=lambda sides: _choice(fingerprint, kind, sides).model_copy(
            update={"encoder": encoder_for(backbone, sides) if backbone else deep}
        ),
        sides=_shapes,
        images_wanted=5_000,
        epochs_wanted=12,
        longest=60,
        side_before_folds=_clear_side(fingerprint, kind),
        fewest_folds=1,
        optimisation={
            "batch_size": 4,
            "learning_rate": 4e-4,
            "weight_decay": 0.01,
            "clip_norm": 5.0,
            "keep": "last",
            **encoder_tuning(backbone, frozen=3),
        },
        augmentation={"flip_axes": _UPSIDE_DOWN} if kind.cut_to_breast else {},
        reasons={
            "optimisation.class_weights": "",
            "network.anchor_sides": "boxes are asked about in the sizes and shapes that the data's boxes have",
            "optimisation.keep": "after a whole cycle the last epoch is as good as the best",
            **({"augmentation.flip_axes": "a mass upside down is one as well"} if kind.cut_to_breast else {}),
        },
    )


def centre_finder(fingerprint: Fingerprint, kind: Kind, backbone: str | None) -> Family:
    """A network that finds lesions by their centres, flat or in volumes.

    Args:
        fingerprint: Of whole images with boxes.
        kind: How they are prepared.
        backbone: As for `finder`; none for volumes.
    """
    return Family(
        name=CENTRES,
        reason=f"each place says how likely a lesion is centred there, and how large that is, on {maps_of(backbone)}",
        network=lambda sides: _centres(fingerprint, tile_of(fingerprint, kind)[1] or sides, backbone),
        sides=_shapes if fingerprint.planar else _volumes,
        side_before_folds=_clear_side(fingerprint, kind),
        images_wanted=20_000,
        epochs_wanted=100,
        longest=300,
        optimisation={
            "batch_size": 4 if fingerprint.planar else 2,
            "learning_rate": 1e-3,
            "weight_decay": 0.01,
            "clip_norm": 5.0,
            "keep": "last",
            **encoder_tuning(backbone, frozen=2),
        },
        reasons={
            "optimisation.class_weights": "",
            "optimisation.keep": "after a whole cycle the last epoch is as good as the best",
        },
    )


def _centres(fingerprint: Fingerprint, sides: Sides, backbone: str | None) -> CentreChoice:
    flat = fingerprint.planar
    return CentreChoice(
        stride=4 if is_pretrained(backbone) else 2,
        width=_WIDTH if flat else _WIDTH_IN_VOLUMES,
        most=max(_MOST if flat else _MOST_IN_VOLUMES, 2 * fingerprint.most_boxes),
        encoder=encoder_for(backbone, sides, volume_widths=_WIDTHS_IN_VOLUMES),
    )


def tile_of(fingerprint: Fingerprint, kind: Kind) -> tuple[Sides, Sides]:
    """The shape of the whole image and that of a tile, where small boxes would vanish; nothing twice where not.

    Args:
        fingerprint: Of whole images with boxes.
        kind: How they are prepared.
    """
    side = fingerprint.box_side
    if side is None:
        return (), ()
    if not fingerprint.planar:
        return _tile_in_volumes(fingerprint, side)
    height, width = flat_shape(fingerprint, kind)
    largest = finding_sides(fingerprint, kind)[0]
    scale = max(largest) / max(height, width)
    if side.low * scale >= _VANISHING or max(height, width) <= _TILE:
        return (), ()
    wanted = min(1.0, _SEEN / side.low)
    if wanted <= scale:
        return (), ()
    whole = _rounded(height, width, wanted)
    return whole, tuple(min(_TILE, own) for own in whole)


def _tile_in_volumes(fingerprint: Fingerprint, side: Spread) -> tuple[Sides, Sides]:
    """The same of volumes: a tile is a cube in the patient, but for slices that lie far apart."""
    sides, spacing = fingerprint.shape_median, fingerprint.spacing_mm or (1.0, 1.0, 1.0)
    longest = max(sides)
    scale = max(volume_sides(fingerprint, _SIDES_IN_VOLUMES)[0]) / longest
    wanted = min(1.0, _SEEN_IN_VOLUMES / side.low, _FITS * _TILE_IN_VOLUMES / side.high, _LONGEST_IN_VOLUMES / longest)
    if side.low * scale >= _VANISHING_IN_VOLUMES or wanted < _GAIN * scale:
        return (), ()
    whole = [_up(length * wanted) for length in sides]
    tile = [max(_SHORTEST_IN_VOLUMES, _up(_TILE_IN_VOLUMES * min(spacing) / own)) for own in spacing]
    return tuple(whole), tuple(min(pair) for pair in zip(tile, whole, strict=True))


def _up(length: float) -> int:
    """To the next multiple."""
    return -(-round(length) // _MULTIPLE_IN_VOLUMES) * _MULTIPLE_IN_VOLUMES


def _shapes(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate shapes of the whole image, the largest first: one alone where it is looked at in tiles, and otherwise
    none that is larger than the middling box and the small ones need."""
    whole, _ = tile_of(fingerprint, kind)
    found, side = finding_sides(fingerprint, kind), fingerprint.box_side
    if whole or side is None:
        return [whole] if whole else found
    longest = max(flat_shape(fingerprint, kind))
    seen = [max(sides) for sides in found if max(sides) >= longest * _VANISHING / side.low]
    enough = max(_LONG, longest * _ENOUGH / side.median, min(seen, default=max(found[0])))
    return [sides for sides in found if max(sides) <= enough]


def finding_sides(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate shapes, the largest first; none is larger than most images are, unless all are small."""
    height, width = flat_shape(fingerprint, kind)
    longest = max(height, width)
    fitting = [side for side in _SIDES if side <= longest] or [max(_MULTIPLE, longest // _MULTIPLE * _MULTIPLE)]
    return list(dict.fromkeys(_rounded(height, width, side / longest) for side in fitting))


def _volumes(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate shapes of volumes, the largest first: one alone where they are looked at in tiles."""
    whole, _ = tile_of(fingerprint, kind)
    return [whole] if whole else volume_sides(fingerprint, _SIDES_IN_VOLUMES)


def _clear_side(fingerprint: Fingerprint, kind: Kind) -> int:
    """Longer side of images on which the middling box is as long as it need be; short of the largest there can be."""
    if fingerprint.box_side is None:
        return 0
    flat = fingerprint.planar
    longest = max(flat_shape(fingerprint, kind) if flat else fingerprint.shape_median)
    wanted = longest * (_CLEAR if flat else _CLEAR_IN_VOLUMES) / fingerprint.box_side.median
    return min(round(wanted), max((_shapes if flat else _volumes)(fingerprint, kind)[0]) - 1)


def _rounded(height: int, width: int, scale: float) -> Sides:
    return tuple(max(_MULTIPLE, round(side * scale / _MULTIPLE) * _MULTIPLE) for side in (height, width))


def _choice(fingerprint: Fingerprint, kind: Kind, sides: Sides) -> FasterRCNNChoice:
    """Strides and anchors for images of this shape."""
    scale = min(side / length for side, length in zip(sides, flat_shape(fingerprint, kind), strict=True))
    side, ratio = fingerprint.box_side, fingerprint.box_ratio
    most = max(_MOST, 2 * fingerprint.most_boxes)
    regions = _REGIONS if fingerprint.most_boxes <= _FEW_BOXES else _REGIONS_OF_MANY
    if side is None or ratio is None:
        return FasterRCNNChoice(width=_WIDTH, regions=regions, most=most)
    low, high = max(4.0, side.low * scale), max(8.0, side.high * scale)
    finest = _FINEST
    while finest < _COARSEST // 2 ** (_LEVELS - 1) and 2 * finest <= low / _SHARE_OF_ANCHOR:
        finest *= 2
    strides = tuple(finest * 2**level for level in range(_LEVELS))
    asked = np.geomspace(low, high, _LEVELS) if high > 1.5 * low else np.array([low, (low * high) ** 0.5, high])
    ratios = sorted({round(float(value), 2) for value in (ratio.low, ratio.median, ratio.high)})
    return FasterRCNNChoice(
        width=_WIDTH,
        regions=regions,
        strides=strides,
        anchor_sides=tuple((round(float(value), 1),) for value in asked),
        anchor_ratios=tuple(ratios),
        most=most,
    )
