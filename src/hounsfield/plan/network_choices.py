"""The networks that a plan may choose, each a section with the options that its class takes."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, PositiveFloat, PositiveInt, Tag, model_validator

from hounsfield.plan.section import Section


class ConvNetChoice(Section):
    """`networks.convnet`: the convolution layers of the case study, from scratch."""

    name: Literal["convnet"] = "convnet"
    widths: tuple[PositiveInt, ...] = Field(default=(16, 32, 64, 128, 128), min_length=1)
    """Feature maps of each convolution layer."""
    pool_after: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Layers, counted from 1, after which the maps are halved."""
    dropout: float = Field(default=0.3, ge=0, lt=1)

    @model_validator(mode="after")
    def _layers_are_there(self) -> Self:
        if not set(self.pool_after) <= set(range(1, len(self.widths) + 1)):
            raise ValueError(f"network.pool_after names a layer that network.widths {self.widths} has not")
        if len(set(self.pool_after)) < len(self.pool_after):
            raise ValueError(f"network.pool_after names something twice: {', '.join(map(str, self.pool_after))}")
        return self

    def shrinks(self, dims: int) -> tuple[int, ...]:
        """By how much the maps are shrunk along each axis in all."""
        return (2**self.halvings,) * dims

    @property
    def halvings(self) -> int:
        """How often the maps are halved along every side."""
        return len(self.pool_after)


class ResidualChoice(Section):
    """`networks.residual`: a residual network, from scratch."""

    name: Literal["residual"] = "residual"
    widths: tuple[PositiveInt, ...] = Field(default=(32, 64, 128, 256), min_length=1)
    """Feature maps of each stage; every stage but the first halves them along every side."""
    blocks: tuple[PositiveInt, ...] = (1, 1, 1, 1)
    """Residual blocks of each stage."""
    stem_stride: Literal[1, 2] = 1
    """2: the first layer halves the image already."""
    strides: tuple[tuple[PositiveInt, ...], ...] = ()
    """By how much each stage but the first shrinks its maps along each axis; by 2 along all where empty."""
    normalisation: Literal["batch", "instance"] = "batch"
    """Over the images of a batch together, or over each alone."""
    dropout: float = Field(default=0.3, ge=0, lt=1)

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.blocks) != len(self.widths):
            raise ValueError(f"network.blocks {self.blocks} needs one number a stage of network.widths {self.widths}")
        if self.strides and len(self.strides) != len(self.widths) - 1:
            raise ValueError(f"network.strides {self.strides} needs one a stage of network.widths but the first")
        return self

    def shrinks(self, dims: int) -> tuple[int, ...]:
        """By how much the maps are shrunk along each axis in all."""
        each = self.strides or ((2,) * dims,) * (len(self.widths) - 1)
        return tuple(self.stem_stride * prod(stride[axis] for stride in each) for axis in range(dims))

    @property
    def halvings(self) -> int:
        """How often the maps are halved along every side."""
        return len(self.widths) - 1 + (self.stem_stride == 2)


class PretrainedChoice(Section):
    """`networks.pretrained`: a network of timm, pretrained on ImageNet; inflated for volumes."""

    name: Literal["pretrained"] = "pretrained"
    backbone: str = Field(default="tf_efficientnet_lite0", min_length=1)
    """timm's name of the network."""
    folded: bool = True
    """Whether batch normalisations are folded into the convolutions before fine-tuning."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    """Share of the residual branches left out in training, rising from 0 to this with depth."""
    pooling: Literal["mean", "attention", "lse"] = "mean"
    """How the last maps become one answer: averaged over space, weighted by where it pays to look, or answered place by
    place and put together by log-sum-exp."""

    def shrinks(self, dims: int) -> tuple[int, ...]:
        """By how much the maps are shrunk along each axis in all."""
        return (2**self.halvings,) * dims

    @property
    def halvings(self) -> int:
        """How often the maps are halved along every side; short axes of volumes stop at one voxel."""
        return 5


def _name_of(choice: Any) -> str:
    return str(choice.get("name", "convnet") if isinstance(choice, dict) else getattr(choice, "name", "convnet"))


Encoder = Annotated[
    Annotated[ConvNetChoice, Tag("convnet")]
    | Annotated[ResidualChoice, Tag("residual")]
    | Annotated[PretrainedChoice, Tag("pretrained")],
    Discriminator(_name_of),
]
"""A network that looks at one image."""


class MultipleInstanceChoice(Section):
    """`networks.multiple_instance`: one network on every slice, or every image of a case, and attention over them."""

    name: Literal["multiple_instance"] = "multiple_instance"
    over: Literal["slices", "views"] = "slices"
    """Of a volume, or the images of a case."""
    stride: int = Field(default=1, ge=1)
    """Every how many slices are looked at."""
    attention: PositiveInt = 64
    """Width of the layer that weighs the instances."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    encoder: Encoder = PretrainedChoice()
    """The network that looks at each of them."""

    @property
    def halvings(self) -> int:
        """How often the encoder halves its maps."""
        return self.encoder.halvings


class FasterRCNNChoice(Section):
    """`networks.faster_rcnn`: places are proposed, then judged; lengths in pixels of the input."""

    name: Literal["faster_rcnn"] = "faster_rcnn"
    strides: tuple[PositiveInt, ...] = Field(default=(8, 16, 32), min_length=1)
    """Pixels between places, of the resolutions that are looked at, the finest first."""
    width: PositiveInt = 96
    """Feature maps of each resolution."""
    anchor_sides: tuple[tuple[PositiveFloat, ...], ...] = ((32.0,), (64.0,), (128.0,))
    """Of square boxes that are asked about, for each of the resolutions."""
    anchor_ratios: tuple[PositiveFloat, ...] = Field(default=(0.5, 1.0, 2.0), min_length=1)
    """Height over width of the boxes of one area."""
    head_width: PositiveInt = 512
    """Features of a proposed place."""
    regions: PositiveInt = 128
    """Proposed places an image that the second step learns from."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    overlap: float = Field(default=0.3, gt=0, lt=1)
    """Findings that overlap by more than this intersection over union say the same, and the surest stays."""
    most: PositiveInt = 50
    """Findings an image."""
    encoder: Encoder = PretrainedChoice()
    """The network whose maps are looked at."""

    @model_validator(mode="after")
    def _anchors_agree(self) -> Self:
        if len(self.anchor_sides) != len(self.strides) or len({len(sides) for sides in self.anchor_sides}) != 1:
            raise ValueError(
                f"network.anchor_sides {self.anchor_sides} needs a list for each of network.strides {self.strides}, "
                "all of one length"
            )
        if any(stride & (stride - 1) for stride in self.strides) or list(self.strides) != sorted(set(self.strides)):
            raise ValueError(f"network.strides {self.strides} must be rising powers of 2")
        return self

    @property
    def halvings(self) -> int:
        """How often the coarsest maps are halved."""
        return max(self.strides).bit_length() - 1


class CentreChoice(Section):
    """`networks.centres`: how likely each place is the centre of a lesion, and how large that is."""

    name: Literal["centres"] = "centres"
    stride: PositiveInt = 4
    """Pixels of the input between places."""
    width: PositiveInt = 64
    """Maps of each resolution."""
    overlap: float = Field(default=0.3, gt=0, lt=1)
    """Findings that overlap by more than this intersection over union say the same, and the surest stays."""
    most: PositiveInt = 50
    """Findings an image."""
    encoder: Encoder = ResidualChoice()
    """The network whose maps are looked at."""

    @property
    def halvings(self) -> int:
        """How often the encoder halves its maps."""
        return self.encoder.halvings


FindingChoice = FasterRCNNChoice | CentreChoice


class HeatMapChoice(Section):
    """`networks.heatmap`: a map for each landmark, warm where it lies; lengths in pixels of the input."""

    name: Literal["heatmap"] = "heatmap"
    stride: PositiveInt = 4
    """Pixels between places of the heat."""
    width: PositiveInt = 64
    """Maps of each resolution."""
    sigma: float = Field(default=1.5, gt=0)
    """Standard deviation of the Gaussian that the heat is to equal, in places."""
    encoder: Encoder = ResidualChoice()
    """The network whose maps are looked at."""

    @property
    def halvings(self) -> int:
        """How often the encoder halves its maps."""
        return self.encoder.halvings


class BoxRegressionChoice(Section):
    """`networks.box_regression`: the landmarks' places as numbers, straight from the image."""

    name: Literal["box_regression"] = "box_regression"
    width: PositiveInt = 48
    """Maps that are kept of the encoder's last."""
    hidden: PositiveInt = 256
    """Features of the layer before the answer."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    encoder: Encoder = ResidualChoice()
    """The network whose last maps are looked at."""

    @property
    def halvings(self) -> int:
        """How often the encoder halves its maps."""
        return self.encoder.halvings


class PolicyChoice(Section):
    """`networks.policy`: an agent that walks to landmarks; lengths in pixels of the input."""

    name: Literal["policy"] = "policy"
    window: int = Field(default=25, ge=9)
    """Points along each side of what an agent sees around it; odd, for it stands on the middle one."""
    scales: tuple[PositiveInt, ...] = Field(default=(4, 2, 1), min_length=1)
    """Pixels of a step, and between the points that it sees; the largest first."""
    steps: PositiveInt = 12
    """At each scale but the first, where the whole image may have to be crossed."""
    widths: tuple[PositiveInt, ...] = Field(default=(16, 32, 32, 64), min_length=1)
    """Maps of each convolution layer."""
    hidden: PositiveInt = 128
    """Features of the layer before each landmark's own."""
    stem_stride: Literal[1, 2] = 1
    """2: the first layer halves what is seen already."""

    @model_validator(mode="after")
    def _can_walk(self) -> Self:
        if list(self.scales) != sorted(set(self.scales), reverse=True):
            raise ValueError(f"network.scales {self.scales} must fall, each once")
        if self.window % 2 == 0:
            raise ValueError(f"network.window {self.window} must be odd: the agent stands on the middle one")
        return self

    @property
    def halvings(self) -> int:
        """The image itself is never halved."""
        return 0


class _AroundEncoder(Section):
    """What U-Nets have in common."""

    name: str
    finest: PositiveInt = 16
    """Maps of the whole image, where those of the encoder begin smaller."""
    normalisation: Literal["batch", "instance"] = "batch"
    """On the way up: over the images of a batch together, or over each alone."""
    supervised: PositiveInt = 3
    """Resolutions that answer in training, from the finest on."""
    encoder: Encoder = ResidualChoice()
    """The way down."""

    @property
    def halvings(self) -> int:
        """Images of any size are looked at."""
        return 0


class UNetChoice(_AroundEncoder):
    """`networks.unet`: what every voxel is."""

    name: Literal["unet"] = "unet"
    skip: Literal["concatenate", "add"] = "concatenate"
    """How maps of the way down come into those of the way up."""

    def shrinks(self, dims: int) -> tuple[int, ...]:
        """By how much the maps are shrunk along each axis in all."""
        return self.encoder.shrinks(dims)


class RecurrentChoice(_AroundEncoder):
    """`networks.recurrent`: what every voxel is, slice by slice, with a memory of the slices beside."""

    name: Literal["recurrent"] = "recurrent"
    cell: Literal["gru", "lstm"] = "gru"
    """Which gates the cells have."""
    axes: Literal["slices", "volume"] = "slices"
    """Cells go from slice to slice alone, or along rows and columns too: a multi-dimensional GRU."""
    bidirectional: bool = True
    """Whether cells go back too."""
    levels: int = Field(default=1, ge=0)
    """Resolutions that cells go through, from the coarsest on; 0: every slice is outlined by itself."""
    width: PositiveInt = 64
    """Maps that each cell keeps."""

    def shrinks(self, dims: int) -> tuple[int, ...]:
        """As a U-Net's; slices stay as many as they are."""
        return (1, *self.encoder.shrinks(dims - 1))


OutlineChoice = UNetChoice | RecurrentChoice

LandmarkChoice = HeatMapChoice | BoxRegressionChoice | PolicyChoice

Network = Annotated[
    Annotated[ConvNetChoice, Tag("convnet")]
    | Annotated[ResidualChoice, Tag("residual")]
    | Annotated[PretrainedChoice, Tag("pretrained")]
    | Annotated[MultipleInstanceChoice, Tag("multiple_instance")]
    | Annotated[FasterRCNNChoice, Tag("faster_rcnn")]
    | Annotated[CentreChoice, Tag("centres")]
    | Annotated[HeatMapChoice, Tag("heatmap")]
    | Annotated[BoxRegressionChoice, Tag("box_regression")]
    | Annotated[PolicyChoice, Tag("policy")]
    | Annotated[UNetChoice, Tag("unet")]
    | Annotated[RecurrentChoice, Tag("recurrent")],
    Discriminator(_name_of),
]
"""Which network, and how large: one of the choices, by its name."""


CHOICES: dict[str, type[Section]] = {
    "convnet": ConvNetChoice,
    "residual": ResidualChoice,
    "pretrained": PretrainedChoice,
    "multiple_instance": MultipleInstanceChoice,
    "faster_rcnn": FasterRCNNChoice,
    "centres": CentreChoice,
    "heatmap": HeatMapChoice,
    "box_regression": BoxRegressionChoice,
    "policy": PolicyChoice,
    "unet": UNetChoice,
    "recurrent": RecurrentChoice,
}
"""The sections that `[network]` may be, by their name."""
