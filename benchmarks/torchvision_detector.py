"""torchvision's Faster R-CNN and its reference loop, with the pretrained backbone that our detector has.

Its own network, transforms and recipe: two images a step, stochastic gradient descent with momentum, half the rate in
the first epoch, a tenth after two thirds and a hundredth after nine tenths of the time, float32, mirrored half of the
time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork, nms

from hounsfield.datasets.case import Case
from hounsfield.networks.imagenet import put_imagenet
from hounsfield.networks.pretrained import Pretrained

BACKBONE = "tf_efficientnet_lite0"
STRIDES, WIDTH = (8, 16, 32), 96
SIDES, RATIOS = ((32.0,), (64.0,), (128.0,)), (0.5, 0.8, 1.3)
RATE = 0.005
FROZEN = 2
OVERLAP = 0.5
"""From which on two findings say the same, its own default."""


class Backbone(torch.nn.Module):
    """The pretrained network, whose batch normalisations stay as they are as in the reference, and a pyramid."""

    out_channels = WIDTH

    def __init__(self) -> None:
        """With ImageNet's weights."""
        super().__init__()
        self.body = Pretrained(dims=2, channels=3, outputs=1, backbone=BACKBONE, folded=False)
        put_imagenet(self.body, BACKBONE, folded=False)
        for own in self._normalisations():
            own.requires_grad_(False)
        facts = dict(self.body.pyramid_facts)
        self.fpn = FeaturePyramidNetwork([facts[stride] for stride in STRIDES], WIDTH)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Maps of each resolution."""
        maps = dict(self.body.pyramid(images))
        merged: dict[str, Tensor] = self.fpn({str(number): maps[stride] for number, stride in enumerate(STRIDES)})
        return merged

    def train(self, mode: bool = True) -> Backbone:
        """As any module's, but for the normalisations, of which batches of two images know too little."""
        super().train(mode)
        for own in self._normalisations():
            own.eval()
        return self

    def _normalisations(self) -> list[torch.nn.Module]:
        return [own for own in self.body.modules() if isinstance(own, torch.nn.BatchNorm2d)]


def network(kinds: int, shape: tuple[int, int]) -> FasterRCNN:
    """torchvision's own, for images of `shape` (height, width)."""
    backbone = Backbone()
    for stage in backbone.body.stages()[:FROZEN]:
        for module in stage:
            module.requires_grad_(False)
    return FasterRCNN(
        backbone,
        num_classes=kinds + 1,
        min_size=min(shape),
        max_size=max(shape),
        image_mean=[0.0, 0.0, 0.0],  # the backbone does it
        image_std=[1.0, 1.0, 1.0],
        rpn_anchor_generator=AnchorGenerator(SIDES, (RATIOS,) * len(STRIDES)),
        box_score_thresh=0.01,
    )


class Loop:
    """The reference loop over some cases."""

    def __init__(self, cases: Sequence[Case], kinds: Sequence[str], shape: tuple[int, int]) -> None:
        """Nothing is learned yet."""
        self.cases, self.kinds, self.shape = list(cases), tuple(kinds), shape
        self.network = network(len(kinds), shape)
        parameters = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=0.9, weight_decay=1e-4)

    def loaded(self, case: Case, *, mirrored: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """An image and its target, decoded each time as the reference does."""
        image = decode_image(str(case.image.path), mode=ImageReadMode.RGB).float() / 255
        height, width = image.shape[1:]
        image = torch.nn.functional.interpolate(image[None], size=self.shape, mode="bilinear", antialias=True)[0]
        scale = torch.tensor([self.shape[1] / width, self.shape[0] / height] * 2)
        boxes = torch.tensor([[box.x0, box.y0, box.x1, box.y1] for box in case.boxes]).reshape(-1, 4) * scale
        if mirrored:
            image, boxes = image.flip(2), boxes[:, [2, 1, 0, 3]]
            boxes[:, [0, 2]] = self.shape[1] - boxes[:, [0, 2]]
        labels = torch.tensor([1 + self.kinds.index(box.label) for box in case.boxes], dtype=torch.int64)
        return image, {"boxes": boxes, "labels": labels}

    def epoch(self, *, rate: float = 1.0, until: float = float("inf")) -> float:
        """One pass in a random order, or what of it there is time for; the mean loss."""
        self.network.train()
        order = torch.randperm(len(self.cases)).tolist()
        losses = []
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * rate
        for start in range(0, len(order) - 1, 2):
            if time.perf_counter() > until:
                break
            pairs: list[Any] = [
                self.loaded(self.cases[row], mirrored=bool(torch.rand(()) < 0.5)) for row in order[start : start + 2]
            ]
            parts = self.network([image for image, _ in pairs], [target for _, target in pairs])
            loss = sum(parts.values())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(float(loss.detach()))
        return sum(losses) / max(1, len(losses))

    def learn(self, minutes: float) -> int:
        """Learn for so many minutes by the reference's schedule; how many epochs that were."""
        began = time.perf_counter()
        seconds, epochs = minutes * 60, 0
        while (spent := time.perf_counter() - began) < seconds:
            share = spent / seconds
            rate = 0.5 if epochs == 0 else 1.0 if share < 2 / 3 else 0.1 if share < 0.9 else 0.01
            self.epoch(rate=rate, until=began + seconds)
            epochs += 1
        return epochs

    @torch.inference_mode()
    def found(self, case: Case) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes (n, 4) in pixels of the image as stored, scores and kinds, from 0; of each place the likeliest kind
        alone, for each of the others would be a false alarm of its own."""
        self.network.eval()
        image, _ = self.loaded(case, mirrored=False)
        from hounsfield.formats import header

        _, height, width = header(case.image.path).shape
        (found,) = self.network([image])
        scale = torch.tensor([width / self.shape[1], height / self.shape[0]] * 2)
        kept = nms(found["boxes"], found["scores"], OVERLAP)  # its own went kind by kind
        return found["boxes"][kept] * scale, found["scores"][kept], found["labels"][kept] - 1
