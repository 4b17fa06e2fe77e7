"""The sections of a plan, each a frozen value; an unknown key or a value out of range is refused.

The pydantic models here are the file's schema: what `plan.toml` may say is what these fields allow.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from hounsfield.preprocessing import Pipeline


class Section(BaseModel):
    """A part of the plan: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Input(Section):
    """What the network is shown."""

    shape: tuple[PositiveInt, ...] = Field(min_length=2, max_length=3)
    """(height, width) or (depth, height, width) of one input, in pixels."""
    channels: int = Field(default=1, ge=1)
    margin: float = Field(default=1.0, ge=1.0, le=2.0)
    """The stored input is this much larger than `shape` along every axis, so that turning and shifting it in
    training brings in true surroundings and not a black border."""
    film_steps: tuple[dict[str, Any], ...] = ()
    """Where a case is a square cut out of a larger image: preprocessing of the whole image before the cut, which
    must keep its grid."""
    steps: tuple[dict[str, Any], ...] = ()
    """Preprocessing of the image, or of the square; the same in training and in reading."""

    @model_validator(mode="after")
    def _steps_are_known(self) -> Self:
        Pipeline.from_data(self.film_steps)
        Pipeline.from_data(self.steps)
        return self

    @property
    def canvas(self) -> tuple[int, ...]:
        """Shape of the stored input, as `canvas_of`."""
        return canvas_of(self.shape, self.margin)


def canvas_of(shape: tuple[int, ...], margin: float) -> tuple[int, ...]:
    """`shape` times `margin`, rounded so that on both sides of the input the same number of pixels is to spare.

    So the middle of the canvas lies on its grid, and an unchanged training image is what validation and reading see.
    """
    return tuple(side + 2 * round(side * (margin - 1) / 2) for side in shape)


class Network(Section):
    """Which network, and how large."""

    name: str = "convnet"
    widths: tuple[PositiveInt, ...] = Field(default=(16, 32, 64, 128, 128), min_length=1)
    """Feature maps of each convolution layer."""
    pool_after: tuple[int, ...] = (1, 2, 3, 4, 5)
    """Layers, counted from 1, after which the maps are halved."""
    dropout: float = Field(default=0.3, ge=0, lt=1)


class Augmentation(Section):
    """By how much training images are changed, drawn anew for each image and epoch."""

    rotation_degrees: float = Field(default=0.0, ge=0, le=180)
    """Turned by up to this much either way, in the image plane."""
    zoom: float = Field(default=0.0, ge=0, lt=1)
    """Enlarged or shrunk by a factor of up to exp(zoom) either way."""
    shift: float = Field(default=0.0, ge=0, lt=1)
    """Moved by up to this share of half the side."""
    flip_axes: tuple[int, ...] = ()
    """Axes of `Input.shape` that may be reversed."""
    gain: float = Field(default=0.0, ge=0, lt=1)
    """Multiplied by 1 ± this."""
    bias: float = Field(default=0.0, ge=0)
    """Shifted by ± this, in units of the normalised image."""
    noise: float = Field(default=0.0, ge=0)
    """Gaussian noise of a standard deviation of up to this."""


class Optimisation(Section):
    """How the weights are found."""

    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=32, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    """The peak of a one-cycle schedule."""
    weight_decay: float = Field(default=0.05, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    class_weights: tuple[PositiveFloat, ...] = ()
    """Weight of each class in the loss; empty for equal ones."""
    patience: int = Field(default=20, ge=1)
    """Training stops after this many epochs without a better validation loss, and goes back to the best."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    channels_last: bool = True
    """Memory order of the images: channels innermost."""
    threads: int = Field(default=2, ge=1)


class Ensemble(Section):
    """How many networks answer together."""

    folds: int = Field(default=1, ge=1, le=20)
    """1: one network, on the split's own training and validation parts. More: that many networks, each validated on
    another fold of training and validation parts together, so that every case is validated once."""
    repeats: int = Field(default=1, ge=1, le=20)
    """The same again with fresh weights and, where there are folds, other folds: folds times repeats networks."""
    flips: bool = False
    """Whether reading averages over mirrored copies, along the augmentation's flip axes."""

    @property
    def networks(self) -> int:
        """How many networks are trained."""
        return self.folds * self.repeats


class Plan(Section):
    """Every choice of a run."""

    format: Literal[1] = 1
    task: Literal["classification"] = "classification"
    dataset: str
    classes: tuple[str, ...] = Field(min_length=2)
    """Of two, the second is the positive one."""
    seed: int = Field(default=0, ge=0)
    minutes: float = Field(default=10.0, gt=0)
    """The budget the choices were made for."""
    input: Input
    network: Network = Network()
    augmentation: Augmentation = Augmentation()
    optimisation: Optimisation = Optimisation()
    ensemble: Ensemble = Ensemble()
    reasons: dict[str, str] = {}
    """Why: "section.key" to a sentence; comments in the file."""

    @model_validator(mode="after")
    def _choices_agree(self) -> Self:
        sides = len(self.input.shape)
        halved = 2 ** len(self.network.pool_after)
        if min(self.input.shape) < halved:
            raise ValueError(
                f"input.shape {self.input.shape} is halved {len(self.network.pool_after)} times by "
                f"network.pool_after; every side needs at least {halved} pixels"
            )
        if not set(self.network.pool_after) <= set(range(1, len(self.network.widths) + 1)):
            raise ValueError(f"network.pool_after names a layer that network.widths {self.network.widths} has not")
        if not set(self.augmentation.flip_axes) <= set(range(sides)):
            raise ValueError(f"augmentation.flip_axes must lie in 0 … {sides - 1} for input.shape {self.input.shape}")
        if self.optimisation.class_weights and len(self.optimisation.class_weights) != len(self.classes):
            raise ValueError("optimisation.class_weights needs one number per class, or none")
        for name, values in (
            ("classes", self.classes),
            ("network.pool_after", self.network.pool_after),
            ("augmentation.flip_axes", self.augmentation.flip_axes),
        ):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names something twice: {', '.join(map(str, values))}")
        return self

    @property
    def dims(self) -> Literal[2, 3]:
        """2 for flat images, 3 for volumes."""
        return 3 if len(self.input.shape) == 3 else 2
