"""The second step of Faster R-CNN: what each proposed region shows, and where exactly it lies."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, smooth_l1_loss
from torchvision.ops import box_iou, clip_boxes_to_image, nms

from hounsfield.networks.found import Truth
from hounsfield.networks.region_align import SIDE, cut_out

HIT = 0.5
"""A proposal shows a lesion from this intersection over union on."""

SHARE_OF_HITS = 0.25
"""Of the regions that are learned from, at most."""

_SCALES = (10.0, 10.0, 5.0, 5.0)
_LARGEST_STEP = 4.135  # ln(1000 / 16): a box never grows more than that in one step
_SMALLEST_SIDE = 1.0


class RegionHead(nn.Module):
    """Two layers for each region, its kind and its box."""

    def __init__(
        self,
        *,
        strides: Sequence[int],
        width: int,
        hidden: int,
        outputs: int,
        regions: int,
        dropout: float,
        overlap: float,
        most: int,
    ) -> None:
        """Make the layers; the arguments are those of `FasterRCNN`."""
        super().__init__()
        self.strides = tuple(strides)
        self.regions, self.overlap, self.most = regions, overlap, most
        self.features = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width * SIDE**2, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )
        self.kind = nn.Linear(hidden, outputs)
        self.move = nn.Linear(hidden, 4)
        for layer, spread in ((self.kind, 0.01), (self.move, 0.001)):
            nn.init.normal_(layer.weight, std=spread)
            nn.init.zeros_(layer.bias)

    def judged(self, maps: Sequence[Tensor], regions: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (n, outputs) and moves (n, 4), float32, of all regions of all images, one after another."""
        features = self.features(cut_out(maps, regions, self.strides))
        return self.kind(features).float(), self.move(features).float()

    def losses(
        self, maps: Sequence[Tensor], proposals: Sequence[Tensor], truths: Sequence[Truth]
    ) -> tuple[Tensor, Tensor]:
        """Of kinds and of boxes, of a sample of the proposals and the true boxes themselves."""
        chosen = [self._sampled(own, truth) for own, truth in zip(proposals, truths, strict=True)]
        regions = [boxes for boxes, _, _ in chosen]
        kinds = torch.cat([own for _, own, _ in chosen])
        wanted = torch.cat([moves_to(boxes, goals) for boxes, _, goals in chosen])
        logits, moves = self.judged(maps, regions)
        hits = kinds > 0
        far = smooth_l1_loss(moves[hits], wanted[hits], beta=1 / 9, reduction="sum") / max(1, len(kinds))
        return cross_entropy(logits, kinds), far

    @torch.no_grad()
    def _sampled(self, proposals: Tensor, truth: Truth) -> tuple[Tensor, Tensor, Tensor]:
        """Regions (n, 4), their kinds (n,), and the boxes (n, 4) that they should become."""
        boxes = torch.cat([proposals, truth.boxes])
        if len(truth.boxes):
            best, which = box_iou(boxes, truth.boxes).max(dim=1)
            kinds = torch.where(best >= HIT, truth.kinds[which], 0)
            goals = truth.boxes[which]
        else:
            kinds, goals = torch.zeros(len(boxes), dtype=torch.int64), boxes
        order = torch.randperm(len(boxes))
        hits = order[kinds[order] > 0][: int(self.regions * SHARE_OF_HITS)]
        others = order[kinds[order] == 0][: self.regions - len(hits)]
        rows = torch.cat([hits, others])
        return boxes[rows], kinds[rows], goals[rows]

    def findings(
        self, maps: Sequence[Tensor], proposals: Sequence[Tensor], size: Sequence[int]
    ) -> list[tuple[Tensor, Tensor]]:
        """Of each image boxes (n, 4) and probabilities of kinds (n, kinds), the surest first, none said twice."""
        logits, moves = self.judged(maps, proposals)
        shares = torch.softmax(logits, dim=1)[:, 1:]
        counts = [len(own) for own in proposals]
        found = []
        for regions, own_moves, own_shares in zip(
            proposals, torch.split(moves, counts), torch.split(shares, counts), strict=True
        ):
            boxes = clip_boxes_to_image(moved(regions, own_moves), list(size))
            sides = boxes[:, 2:] - boxes[:, :2]
            fit = (sides >= _SMALLEST_SIDE).all(dim=1)
            boxes, own_shares = boxes[fit], own_shares[fit]
            kept = nms(boxes, own_shares.sum(dim=1), self.overlap)[: self.most]
            found.append((boxes[kept], own_shares[kept]))
        return found


def moves_to(boxes: Tensor, goals: Tensor) -> Tensor:
    """(n, 4): how far the centres go, in sides, and by which factors the sides grow, as logarithms; each scaled."""
    sides, wanted = boxes[:, 2:] - boxes[:, :2], goals[:, 2:] - goals[:, :2]
    shift = (goals[:, :2] + wanted / 2 - boxes[:, :2] - sides / 2) / sides
    return torch.cat([shift, torch.log(wanted / sides)], dim=1) * torch.tensor(_SCALES)


def moved(boxes: Tensor, moves: Tensor) -> Tensor:
    """The boxes (n, 4) that `moves` (n, 4), as `moves_to` gives them, lead to."""
    steps = moves / torch.tensor(_SCALES)
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + sides / 2 + steps[:, :2] * sides
    grown = sides * torch.exp(steps[:, 2:].clamp(max=_LARGEST_STEP))
    return torch.cat([centres - grown / 2, centres + grown / 2], dim=1)
