"""A network of the timm library, pretrained on ImageNet, with an answer of our own.

Grey images become three equal channels, other numbers of channels are mixed to three by weights that are learned, and
all are brought to the mean and standard deviation that the backbone's weights were made with: the network takes values
in [0, 1], of 8 or 16 bits before, it does not matter. With `folded`, the batch normalisations are part of the
convolutions (see `folding`): fine-tuning then depends on no statistics of small batches, and is about twice as fast on
a CPU. For volumes the kernels are inflated (see `inflation`).

Reference:
    Tan, Le, "EfficientNet" (2019), arXiv:1905.11946; Ilse et al., "Attention-based deep multiple instance learning"
    (2018), arXiv:1802.04712 (places weighted by attention); Wightman, "PyTorch image models",
    doi:10.5281/zenodo.4414861 (timm).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError, UnknownNameError
from hounsfield.networks.encoders import Encoder, averaged
from hounsfield.networks.folding import fold
from hounsfield.networks.places import AnswerOfPlaces

SMALLEST_SIDE = 32
"""Backbones halve five times."""

_ASKED_SIDE = 64
"""Of the image that a backbone is shown once to see what it makes of it."""


class Pretrained(Encoder):
    """A backbone of timm, averaged over space, dropout and a linear answer."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        backbone: str = "tf_efficientnet_lite0",
        folded: bool = True,
        dropout: float = 0.3,
        drop_path: float = 0.0,
        pooling: Literal["mean", "attention", "lse"] = "mean",
    ) -> None:
        """Make the layers, with weights drawn from torch's generator; `learning.transfer` puts the pretrained ones in.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: 1 for grey, 3 for colour; of any other number a mixture that is learned gives three.
            outputs: Length of the answer.
            backbone: timm's name of the network.
            folded: Whether its batch normalisations are folded into the convolutions.
            dropout: Share of the averaged features set to zero in training.
            drop_path: Share of the residual branches left out in training, rising from 0 to this with depth.
            pooling: How the maps become one answer: averaged over space; weighted by an attention that begins as the
                average and learns where to look; or answered place by place, and put together by log-sum-exp.

        Raises:
            ShapeError: The backbone cannot be inflated.
            UnknownNameError: timm has no network of this name, or it makes no maps to be averaged over space.
        """
        super().__init__()
        self.channels = channels
        self.mixture = None if channels in (1, 3) else _mixture(dims, channels)
        self.backbone, facts = create_backbone(backbone, drop_path=drop_path)
        self.finish(dims=dims, folded=folded)
        shape = (1, 3, *[1] * dims)
        self.register_buffer("mean", torch.tensor(facts.mean).view(shape))
        self.register_buffer("std", torch.tensor(facts.std).view(shape))
        self.attention = _attention(facts.features) if pooling == "attention" else None
        self.dropout = nn.Dropout(dropout)
        self.answer = (AnswerOfPlaces if pooling == "lse" else nn.Linear)(facts.features, outputs)

    def finish(self, *, dims: Literal[2, 3], folded: bool) -> None:
        """Make what timm gave into what the plan wants: folded or not, flat or inflated for volumes.

        Raises:
            ShapeError: The backbone has layers that cannot be inflated.
        """
        self.dims = dims
        self.smallest_side = SMALLEST_SIDE if dims == 2 else 1
        if folded:
            fold(self.backbone)
        if dims == 3:
            from hounsfield.networks.inflation import inflate

            self.backbone = inflate(self.backbone)

    def feature_maps(self, images: Tensor) -> Tensor:
        """Maps of the last layer, (N, features, …).

        Raises:
            ShapeError: The images have another number of axes or channels, or are too small to be halved that often.
        """
        maps: Tensor = self.backbone.forward_features(self._normal(images))  # type: ignore[operator]
        return maps

    def pyramid(self, images: Tensor) -> list[tuple[int, Tensor]]:
        """The last maps of each resolution, the finest first: pixels between places, and (N, C, …).

        Raises:
            ShapeError: As `feature_maps`.
        """
        places = list(range(len(self.pyramid_facts)))
        found = self.backbone.forward_intermediates(  # type: ignore[operator]
            self._normal(images), indices=places, intermediates_only=True
        )
        return [(stride, maps) for (stride, _), maps in zip(self.pyramid_facts, found, strict=True)]

    @property
    def pyramid_facts(self) -> list[tuple[int, int]]:
        """Pixels between places, and how many maps, of each resolution that `pyramid` gives.

        Raises:
            ShapeError: The backbone gives no maps of several resolutions.
        """
        if not hasattr(self.backbone, "forward_intermediates"):
            raise ShapeError(
                f"timm's {type(self.backbone).__name__} gives no maps of several resolutions; take an efficientnet, "
                "resnet or convnext"
            )
        facts: Any = self.backbone.feature_info
        each = facts if isinstance(facts, list) else facts.get_dicts()
        return [(int(one["reduction"]), int(one["num_chs"])) for one in each]

    def _normal(self, images: Tensor) -> Tensor:
        """Three channels with the mean and standard deviation that the weights were made with.

        Raises:
            ShapeError: As `feature_maps`.
        """
        self.require(images)
        coloured = images.expand(-1, 3, *images.shape[2:]) if self.channels == 1 else images
        if self.mixture is not None:
            coloured = self.mixture(images)
        normal = (coloured - self.mean) / self.std
        if images.is_contiguous(memory_format=torch.channels_last if self.dims == 2 else torch.channels_last_3d):
            normal = normal.contiguous(memory_format=torch.channels_last if self.dims == 2 else torch.channels_last_3d)
        return normal

    def pooled(self, images: Tensor) -> Tensor:
        """Features averaged or weighted over space, (N, features)."""
        return self._together(self.feature_maps(images))

    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of feature maps (N, features, …)."""
        by_place = isinstance(self.answer, AnswerOfPlaces)
        features = maps.flatten(2).transpose(1, 2) if by_place else self._together(maps)
        logits: Tensor = self.answer(self.dropout(features))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The backbone's stages from input to output, and the answer, for rates that differ by depth."""
        own: list[nn.Module] = [self.answer] if self.attention is None else [self.attention, self.answer]
        first, *others = backbone_stages(self.backbone)
        return [first if self.mixture is None else [self.mixture, *first], *others, own]

    def _together(self, maps: Tensor) -> Tensor:
        if self.attention is None:
            return averaged(maps)
        features = maps.flatten(2).transpose(1, 2)
        weights = torch.softmax(self.attention(features).float(), dim=1).to(features.dtype)
        return (weights * features).sum(dim=1)


def _mixture(dims: Literal[2, 3], channels: int) -> nn.Module:
    """From so many channels to three colours. At first each channel goes into one of them, in turn, of which it is the
    mean; a colour that is left is the mean of all, so that values in [0, 1] stay there."""
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dims](channels, 3, 1, bias=False)
    own = torch.arange(channels) % 3 == torch.arange(3)[:, None]
    own[~own.any(dim=1)] = True
    with torch.no_grad():
        layer.weight.copy_((own / own.sum(dim=1, keepdim=True)).view_as(layer.weight))
    return layer


def _attention(features: int) -> nn.Linear:
    """One number for each place; all the same at first."""
    layer = nn.Linear(features, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True)
class BackboneFacts:
    """What a backbone gives and expects."""

    features: int
    mean: tuple[float, ...]
    """Of the three channels of its training images, in [0, 1]; so is `std`."""
    std: tuple[float, ...]


def create_backbone(name: str, *, drop_path: float = 0.0) -> tuple[nn.Module, BackboneFacts]:
    """timm's network without its answer, with fresh weights, and what it gives and expects.

    Raises:
        UnknownNameError: As `require_backbone`.
    """
    require_backbone(name)
    model = _timm_model(name, drop_path=drop_path)
    config = model.pretrained_cfg
    return model, BackboneFacts(int(model.num_features), tuple(config["mean"]), tuple(config["std"]))


@functools.cache
def require_backbone(name: str) -> None:
    """Accept timm's name of a network whose last layer makes maps, (N, features, h, w), of images of any size.

    The network is made and asked on torch's "meta" device, which has shapes and no numbers: neither weights nor memory
    are needed, and no random number is drawn.

    Raises:
        UnknownNameError: timm has no network of this name, or it makes no such maps.
    """
    import difflib

    import timm

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=4)
        raise UnknownNameError(
            f"timm has no network {name!r}; " + (f"near it: {', '.join(near)}" if near else "see timm.list_models()")
        )
    try:
        with torch.device("meta"), torch.no_grad():
            model = _timm_model(name).eval()
            maps = model.forward_features(torch.zeros(1, 3, _ASKED_SIDE, _ASKED_SIDE))
    except Exception as error:  # of whatever kind: each family of timm has its own
        raise _unfit(name, f"it fails ({str(error).rstrip('.')})") from error
    shape = tuple(getattr(maps, "shape", ()))
    if len(shape) != 4 or shape[1] != model.num_features:
        raise _unfit(name, f"it answers {shape or type(maps).__name__}")


def _unfit(name: str, what: str) -> UnknownNameError:
    return UnknownNameError(
        f"timm's {name} makes no maps (N, features, height, width) of images of any size: shown one of {_ASKED_SIDE} × "
        f"{_ASKED_SIDE}, {what}; take an efficientnet, resnet or convnext"
    )


def _timm_model(name: str, *, drop_path: float = 0.0) -> Any:
    import timm

    options: dict[str, Any] = {"pretrained": False, "num_classes": 0, "global_pool": ""}
    try:
        return timm.create_model(name, drop_path_rate=drop_path, **options)
    except (TypeError, AssertionError):  # a family without this option
        return timm.create_model(name, **options)


def backbone_stages(backbone: nn.Module) -> list[list[nn.Module]]:
    """Children in the order of definition; what holds a list of stages is opened, layers between them go together."""
    stages: list[list[nn.Module]] = []
    loose: list[nn.Module] = []
    for child in backbone.children():
        if isinstance(child, nn.Sequential | nn.ModuleList) and len(child) > 1:
            stages += [*([loose] if loose else []), *([part] for part in child)]
            loose = []
        elif any(True for _ in child.parameters()):
            loose.append(child)
    return stages + ([loose] if loose else [])
