"""Faster R-CNN: a network that proposes places, and one that says what is there.

Maps of several resolutions (a feature pyramid) are looked at in two steps. The region proposal network asks at every
place, for boxes of a few sizes and shapes, whether there is anything. The region-of-interest head looks at the best of
them again, each brought to 7 × 7 places: it says what is there and moves the box. A box is moved in one way whatever is
there, so that a finding is one box with a probability for each kind.

Reference:
    Ren, He, Girshick, Sun, "Faster R-CNN" (2015), arXiv:1506.01497; Lin et al., "Feature pyramid networks for object
    detection" (2016), arXiv:1612.03144; He et al., "Mask R-CNN" (2017), arXiv:1703.06870 (regions aligned).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers
from torchvision.ops import FeaturePyramidNetwork

from hounsfield.errors import ShapeError
from hounsfield.networks.encoders import Encoder, stages_after
from hounsfield.networks.found import Finder, Found, Truth
from hounsfield.networks.regions import RegionHead
from hounsfield.networks.untouched import Untouched

PROPOSALS = 100
"""Boxes an image that the second step is given in reading, or twice as many as there are findings; in training 1000. On
validation films of CBIS-DDSM 1000 found no more lesions than 100, at up to four false alarms a film."""


@dataclass(frozen=True, eq=False)
class Dense:
    """What is computed at every place of the images."""

    maps: list[Tensor]
    """Of each resolution, (N, width, height, width)."""
    objectness: list[Tensor]
    """(N, anchors, height, width), logits."""
    moves: list[Tensor]
    """(N, 4 · anchors, height, width), from each anchor to a box."""

    def parts(self) -> list[Tensor]:
        """All tensors, one after another."""
        return [*self.maps, *self.objectness, *self.moves]

    def like(self, parts: Sequence[Tensor]) -> Dense:
        """The same of other tensors."""
        third = len(parts) // 3
        return Dense([*parts[:third]], [*parts[third : 2 * third]], [*parts[2 * third :]])


class FasterRCNN(Finder[Dense]):
    """An encoder's pyramid, proposals and the head that judges them."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        strides: Sequence[int] = (8, 16, 32),
        width: int = 96,
        anchor_sides: Sequence[Sequence[float]] = ((32.0,), (64.0,), (128.0,)),
        anchor_ratios: Sequence[float] = (0.5, 1.0, 2.0),
        head_width: int = 512,
        regions: int = 128,
        dropout: float = 0.0,
        overlap: float = 0.3,
        most: int = 50,
    ) -> None:
        """Make the layers around `encoder`; their weights are drawn from torch's generator.

        Args:
            dims: 2: images are (N, C, H, W).
            channels: C.
            outputs: Kinds of findings, and one more for nothing.
            encoder: A flat network with `pyramid`, `pyramid_facts` and `stages`; its answer is taken off.
            strides: Pixels between places, of the resolutions that are looked at, the finest first.
            width: Maps of each resolution.
            anchor_sides: For each resolution the sides, in pixels, of square anchors.
            anchor_ratios: Height over width of the anchors of one area.
            head_width: Features of a region.
            regions: Boxes an image that the second step learns from.
            dropout: Share of a region's features set to zero in training.
            overlap: Findings that overlap by more than this intersection over union say the same, and the surest stays.
            most: Findings an image.

        Raises:
            ShapeError: The images are volumes, the encoder takes others, or has no maps of one of `strides`.
        """
        super().__init__()
        if dims != 2 or encoder.dims != 2 or encoder.channels != channels:
            raise ShapeError(
                f"Faster R-CNN looks at flat images, and its encoder at those of its channels, not {dims}-D images of "
                f"{channels} channels in an encoder of {encoder.dims}-D images with {encoder.channels}"
            )
        facts = dict(encoder.pyramid_facts)
        if absent := [stride for stride in strides if stride not in facts]:
            raise ShapeError(
                f"the encoder has no maps of every {', '.join(map(str, absent))} pixels, only of "
                f"{', '.join(map(str, facts))}: choose network.strides among them"
            )
        if len(anchor_sides) != len(strides):
            raise ShapeError(f"{len(strides)} strides need anchor sides each, not {len(anchor_sides)} lists of them")
        self.dims, self.channels = dims, channels
        self.strides = tuple(strides)
        self.smallest_side = max(strides)
        self.encoder = encoder
        self.encoder.answer = nn.Identity()
        self.pyramid = FeaturePyramidNetwork([facts[stride] for stride in strides], width)
        anchors = AnchorGenerator(tuple(tuple(sides) for sides in anchor_sides), (tuple(anchor_ratios),) * len(strides))
        each = anchors.num_anchors_per_location()
        if len(set(each)) > 1:
            raise ShapeError(f"every stride needs as many anchor sides, not {tuple(map(len, anchor_sides))}")
        self.proposals = _proposals(anchors, RPNHead(width, each[0]), most=most)
        self.answer = RegionHead(
            strides=strides,
            width=width,
            hidden=head_width,
            outputs=outputs,
            regions=regions,
            dropout=dropout,
            overlap=overlap,
            most=most,
        )

    def dense(self, images: Tensor) -> Dense:
        """What is computed at every place, whatever is there: the part that other runtimes can take over.

        Args:
            images: (N, C, H, W) with values in [0, 1].

        Raises:
            ShapeError: As the encoder's `feature_maps`.
        """
        maps = dict(self.encoder.pyramid(images))
        levels = OrderedDict((str(number), maps[stride]) for number, stride in enumerate(self.strides))
        merged = list(self.pyramid(levels).values())
        objectness, moves = self.proposals.head(merged)
        return Dense(merged, objectness, moves)

    def forward(self, images: Tensor, truths: Untouched[list[Truth]] | None = None) -> Tensor | list[Found]:
        """In training the losses, (4,): objectness, its boxes, kinds, their boxes; else the findings of each image."""
        dense, size = self.dense(images), tuple(images.shape[2:])
        return self.findings(dense, size) if truths is None else self.losses(dense, truths.value, size)

    def losses(self, dense: Dense, truths: Sequence[Truth], size: Sequence[int]) -> Tensor:
        """(4,), of what was computed and what is there, for images of `size` (height, width)."""
        anchors, objectness, moves, counts = self._by_anchor(dense, size)
        targets = [{"boxes": truth.boxes} for truth in truths]
        labels, matched = self.proposals.assign_targets_to_anchors(anchors, targets)
        wanted = self.proposals.box_coder.encode(matched, anchors)
        first = self.proposals.compute_loss(objectness, moves, labels, wanted)
        proposals = self._proposed(anchors, objectness, moves, counts, size)
        return torch.stack([*first, *self.answer.losses([level.float() for level in dense.maps], proposals, truths)])

    def findings(self, dense: Dense, size: Sequence[int]) -> list[Found]:
        """What is found on each image, of what was computed, for images of `size` (height, width)."""
        anchors, objectness, moves, counts = self._by_anchor(dense, size)
        proposals = self._proposed(anchors, objectness, moves, counts, size)
        maps = [level.float() for level in dense.maps]
        return [Found(boxes, shares) for boxes, shares in self.answer.findings(maps, proposals, size)]

    def warmth(self, dense: Dense) -> Tensor:
        """(N, height, width), how likely the first step holds it that there is anything: of each place the likeliest of
        its anchors, of all resolutions the likeliest."""
        likeliest = [torch.sigmoid(level.float().amax(dim=1, keepdim=True)) for level in dense.objectness]
        high, wide = likeliest[0].shape[2:]
        found = []
        for level, stride in zip(likeliest, self.strides, strict=True):
            apart = stride // self.strides[0]  # anchors of one index lie at the same corner, whatever the resolution
            size = [(side - 1) * apart + 1 for side in level.shape[2:]]
            finer = nn.functional.interpolate(level, size=size, mode="bilinear", align_corners=True)[..., :high, :wide]
            rest = (0, wide - finer.shape[3], 0, high - finer.shape[2])
            found.append(nn.functional.pad(finer, rest, mode="replicate"))
        return torch.stack(found).amax(dim=0)[:, 0]

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        return stages_after(self.encoder, [self.pyramid, self.proposals, self.answer])

    def _by_anchor(self, dense: Dense, size: Sequence[int]) -> tuple[list[Tensor], Tensor, Tensor, list[int]]:
        """Anchors of each image, and for all of them together objectness (n, 1) and moves (n, 4), float32."""
        count = len(dense.maps[0])
        empty = dense.maps[0].new_empty((count, 1, *size), dtype=torch.float32)
        anchors = self.proposals.anchor_generator(ImageList(empty, [size] * count), [m.float() for m in dense.maps])
        counts = [level[0].numel() for level in dense.objectness]
        objectness, moves = concat_box_prediction_layers(
            [level.float() for level in dense.objectness], [level.float() for level in dense.moves]
        )
        return anchors, objectness, moves, counts

    def _proposed(
        self, anchors: list[Tensor], objectness: Tensor, moves: Tensor, counts: list[int], size: Sequence[int]
    ) -> list[Tensor]:
        boxes = self.proposals.box_coder.decode(moves.detach(), anchors).view(len(anchors), -1, 4)
        found, _ = self.proposals.filter_proposals(boxes, objectness, [size] * len(anchors), counts)
        return list(found)


def _proposals(anchors: AnchorGenerator, head: RPNHead, *, most: int) -> RegionProposalNetwork:
    """The first step, for as many findings an image as there may be."""
    reading = max(PROPOSALS, 2 * most)
    return RegionProposalNetwork(
        anchors,
        head,
        fg_iou_thresh=0.6,
        bg_iou_thresh=0.3,
        batch_size_per_image=128,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 1000, "testing": 2 * reading},
        post_nms_top_n={"training": 1000, "testing": reading},
        nms_thresh=0.7,
    )
