"""The sections of a plan, each a frozen value; an unknown key or a value out of range is refused.

The pydantic models here are the file's schema: what `plan.toml` may say is what these fields allow.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from hounsfield.datasets.lesions import ELSEWHERE
from hounsfield.datasets.segmentation import MOST_NUMBERS, MOST_OVERLAPPING
from hounsfield.errors import EvaluationError, UsageError
from hounsfield.evaluation.conformal import COVERAGE
from hounsfield.evaluation.matching import rule_from
from hounsfield.evaluation.threshold import DEFAULT_RULE, require_rule
from hounsfield.plan.network_choices import (
    ConvNetChoice,
    FasterRCNNChoice,
    FindingChoice,
    LandmarkChoice,
    MultipleInstanceChoice,
    Network,
    OutlineChoice,
    PretrainedChoice,
    RecurrentChoice,
)
from hounsfield.plan.section import Section
from hounsfield.preprocessing import Pipeline


class Column(Section):
    """A column of a table as numbers: beside the image, or learned beside the class."""

    name: str
    kind: Literal["number", "category"]
    mean: float = 0.0
    """Of a number, over the cases learned from; so is `std`."""
    std: PositiveFloat = 1.0
    values: tuple[str, ...] = ()
    """Of a category: the words it may be."""

    @model_validator(mode="after")
    def _a_category_has_words(self) -> Self:
        if self.kind == "category" and not self.values:
            raise ValueError(f"the column {self.name!r} is a category and needs its values")
        return self

    @property
    def numbers(self) -> int:
        """How many numbers it becomes."""
        return len(self.values) if self.kind == "category" else 1


class Input(Section):
    """What the network is shown."""

    shape: tuple[PositiveInt, ...] = Field(min_length=2, max_length=3)
    """(height, width) or (depth, height, width) of one input, in pixels."""
    channels: int = Field(default=1, ge=1)
    """Of one image."""
    channel_names: tuple[str, ...] = ()
    """Of an image that is put together from several, in order; empty of grey and coloured ones."""
    windows: bool = False
    """Whether images keep the size that `steps` give them, and the network is shown parts of `shape`; else all are
    brought to `shape`."""
    views: tuple[str, ...] = ()
    """Names of the images of a case, in order; empty where a case has one image."""
    columns: tuple[Column, ...] = ()
    """Of a table, beside the images."""
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
        names = self.channel_names
        if names and (len(names) != self.channels or len(set(names)) < len(names)):
            raise ValueError(
                f"input.channel_names {', '.join(names)} must name each of input.channels {self.channels} once"
            )
        of = [step["channel"] for step in (*self.film_steps, *self.steps) if "channel" in step]
        if unknown := [name for name in of if name not in names]:
            raise ValueError(
                f"input.steps are for the channels {', '.join(unknown)}, and input.channel_names has "
                f"{', '.join(names) or 'none'}"
            )
        return self

    @property
    def stored_channels(self) -> int:
        """Channels of a case's array: those of its views, one after another."""
        return self.channels * max(1, len(self.views))

    @property
    def shown_channels(self) -> int:
        """Channels of what the network is shown: the views, and a plane for each number of the table."""
        return self.stored_channels + sum(column.numbers for column in self.columns)

    @property
    def canvas(self) -> tuple[int, ...]:
        """Shape of the stored input, as `canvas_of`."""
        return canvas_of(self.shape, self.margin)


def canvas_of(shape: tuple[int, ...], margin: float) -> tuple[int, ...]:
    """`shape` times `margin`, rounded so that on both sides of the input the same number of pixels is to spare.

    So the middle of the canvas lies on its grid, and an unchanged training image is what validation and reading see.
    """
    return tuple(side + 2 * round(side * (margin - 1) / 2) for side in shape)


class Augmentation(Section):
    """By how much training images are changed, drawn anew for each image, or batch of mixed ones, and epoch."""

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
    stain: float = Field(default=0.0, ge=0, lt=1)
    """Of colour images with values in [0, 1]: each colour's optical density multiplied by a factor of up to exp(this)
    either way, as tissue is stained more or less strongly."""
    mirrored_border: bool = False
    """What lies beyond the edges of an image that is turned: its mirror image, or else its last pixels repeated."""
    mixup: float = Field(default=0.0, ge=0)
    """Above 0: images are mixed in pairs, by a share drawn from the beta distribution with both parameters this."""


class Optimisation(Section):
    """How the weights are found."""

    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=32, ge=2)
    optimizer: Literal["adamw", "muon"] = "adamw"
    """How a gradient becomes a step; "muon" lets all directions of a convolution's gradient count alike."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """The peak of a one-cycle schedule."""
    answer_rate: float = Field(default=1.0, gt=0)
    """How many times as fast the answer learns as the layers before it."""
    start: str = ""
    """Where the weights come from: "" drawn at random; "imagenet"; or the folder of a bundle."""
    head_only: bool = False
    """A linear probe: only the answer is learned, as a logistic regression on the features."""
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    """The rate of each stage is this times that of the stage after it, the answer's being the highest."""
    frozen_stages: int = Field(default=0, ge=0)
    """As many stages from the input on keep the weights they started with."""
    unfreeze_epochs: int = Field(default=0, ge=0)
    """Above 0: training begins with the answer alone, and every so many epochs one more stage is let go, the last
    first, down to `frozen_stages`."""
    weight_decay: float = Field(default=0.05, ge=0)
    clip_norm: float = Field(default=0.0, ge=0)
    """The gradient of all weights together is no longer than this; 0 for no limit."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    class_weights: tuple[PositiveFloat, ...] = ()
    """Weight of each class in the loss; empty for equal ones."""
    keep: Literal["best", "last"] = "best"
    """Whose weights are kept: of the epoch with the lowest validation loss, or of the last, when the rate has ended."""
    patience: int = Field(default=20, ge=1)
    """Where the best is kept, training stops after this many epochs without a better validation loss."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    channels_last: bool = True
    """Memory order of the images: channels innermost."""
    threads: int = Field(default=2, ge=1)


class Auxiliary(Section):
    """What else is learned beside the answer, for what it teaches the network; reading does without it."""

    columns: tuple[Column, ...] = ()
    """Of a table."""
    weight: float = Field(default=0.3, ge=0)
    """Of the mean loss of these columns beside the loss of the answer."""


class Lesions(Section):
    """What each network learns before the images: to tell apart squares around boxes on them, and from elsewhere."""

    epochs: int = Field(default=0, ge=0)
    """0: nothing is learned before."""
    classes: tuple[str, ...] = ()
    """Labels of boxes; a square without a box is a class of its own."""
    side: int = Field(default=128, ge=1)
    """Pixels of the image as stored that a square shows along each side."""
    shape: tuple[PositiveInt, ...] = Field(default=(128, 128), min_length=2, max_length=2)
    """(height, width) to which a square is brought; margin, film_steps and steps as in `input`."""
    margin: float = Field(default=1.4, ge=1.0, le=2.0)
    film_steps: tuple[dict[str, Any], ...] = ()
    steps: tuple[dict[str, Any], ...] = ()
    mixup: float = Field(default=0.0, ge=0)
    """As in `augmentation`."""

    @model_validator(mode="after")
    def _classes_are_there(self) -> Self:
        if self.epochs and not self.classes:
            raise ValueError("lesions.epochs needs lesions.classes, the labels of the boxes that are learned first")
        if len(set(self.classes)) < len(self.classes) or ELSEWHERE in self.classes:
            raise ValueError(
                f"lesions.classes needs each label once, and not {ELSEWHERE!r}, which stands for squares without a box"
            )
        Pipeline.from_data(self.film_steps)
        Pipeline.from_data(self.steps)
        canvas = list(canvas_of(self.shape, self.margin))
        sizes = [step["shape"] for step in self.steps if step.get("step") == "resize"]
        if self.epochs and (not sizes or list(sizes[-1]) != canvas):
            raise ValueError(f"lesions.steps must resize to lesions.shape times lesions.margin, {canvas}")
        return self


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


class Decision(Section):
    """From when on an answer is positive, and when a class is ruled out; both chosen on the validation cases."""

    threshold: str = DEFAULT_RULE
    """"youden", "sensitivity>=x" or "specificity>=x"; of more than two classes the most probable is the answer."""
    coverage: float = Field(default=COVERAGE, gt=0, lt=1)
    """Share of each class's cases whose set of classes that cannot be ruled out holds the truth."""

    @field_validator("threshold")
    @classmethod
    def _rule_is_known(cls, rule: str) -> str:
        try:
            return require_rule(rule)
        except UsageError as error:
            raise ValueError(str(error)) from error


class Detection(Section):
    """What is to be found on an image, and when it counts as found; empty where nothing is."""

    kinds: tuple[str, ...] = ()
    """Labels of the boxes."""
    positive: tuple[str, ...] = ()
    """Kinds of which one finding makes the whole image positive."""
    hit: str = "iou>=0.2"
    """When a finding hits a lesion: "iou>=x", or "centre"."""
    false_alarms: float = Field(default=1.0, gt=0)
    """Findings are shown from the score on at which there were as many an image among the validation cases."""
    tile: tuple[PositiveInt, ...] = ()
    """(height, width) of the parts that networks look at one by one, in pixels of the input; empty where they look at
    the whole image. Tiles overlap by a quarter of their sides."""
    fusion: float = Field(default=0.5, gt=0, lt=1)
    """Findings of several networks, or of mirrored copies, that overlap by this intersection over union are one."""

    @model_validator(mode="after")
    def _kinds_are_there(self) -> Self:
        if set(self.positive) - set(self.kinds) or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"detection.kinds {self.kinds} must name each once, and detection.positive some of them")
        try:
            rule_from(self.hit)
        except EvaluationError as error:
            raise ValueError(str(error)) from error
        return self


class Reinforcement(Section):
    """How an agent learns to walk; nothing of other networks."""

    walks: PositiveInt = 4
    """Agents for each landmark of each image of a batch."""
    steps: PositiveInt = 8
    """That each of them takes."""
    curious: float = Field(default=0.3, ge=0, le=1)
    """With which probability a step is any, instead of the best."""


class Localization(Section):
    """What is to be located on an image; empty where nothing is."""

    landmarks: tuple[str, ...] = ()
    """Names of places."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.landmarks)) < len(self.landmarks):
            raise ValueError(f"localization.landmarks names something twice: {', '.join(self.landmarks)}")
        return self


class Segmentation(Section):
    """What is to be outlined on an image; empty where nothing is."""

    labels: tuple[str, ...] = ()
    """Names of what voxels may be."""
    numbers: tuple[tuple[int, ...], ...] = ()
    """Of each label the numbers that it has on masks; a region that holds others has several. 0 is nothing. Of
    instances there is none."""
    instances: bool = False
    """Whether each number on masks is one object of the only label, told apart from all others."""
    smallest: int = Field(default=0, ge=0)
    """Of instances, voxels of the image as stored: smaller objects are not outlined."""
    unlabelled: int = Field(default=0, ge=0)
    """The number on masks where nobody knows; 0 where there is none."""
    overlap: float = Field(default=0.5, ge=0, lt=1)
    """Share of a window's sides that the next one shows again."""
    around_labels: float = Field(default=0.5, ge=0, le=1)
    """Share of the windows that are learned from around a voxel with a label."""
    windows_an_epoch: int = Field(default=1, ge=1)
    """Of each image, to learn from."""
    dice: Literal["batch", "image"] = "batch"
    """Over what the loss has its Dice: all windows of a batch together, or each, and their mean."""
    tolerance: float = Field(default=1.0, gt=0)
    """Of the surface Dice, in mm, or pixels where the images do not know how large these are."""
    surface: Literal["elements", "edge voxels"] = "elements"
    """What surfaces are, in what is measured of them: polygons between voxels, weighted by their area, or voxels of a
    label that have a neighbour outside, all of one weight."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if self.instances:
            if len(self.labels) != 1 or self.numbers:
                raise ValueError(
                    f"segmentation.instances: each number on masks is one object, so that segmentation.labels "
                    f"{self.labels} must be one name, and segmentation.numbers {self.numbers} none"
                )
            return self
        if len(set(self.labels)) < len(self.labels) or len(self.numbers) != len(self.labels):
            raise ValueError(
                f"segmentation.labels {self.labels} must name each once, with its numbers in segmentation.numbers "
                f"{self.numbers}"
            )
        known = {number for numbers in self.numbers for number in numbers}
        if not all(self.numbers) or known & {0, self.unlabelled} or min(known, default=1) < 0:
            raise ValueError(
                f"segmentation.numbers {self.numbers} must be above 0, one or more a label, and none of them "
                f"segmentation.unlabelled {self.unlabelled}"
            )
        every = [number for numbers in self.numbers for number in numbers]
        if len(known) > MOST_NUMBERS or (len(known) < len(every) and len(self.labels) > MOST_OVERLAPPING):
            raise ValueError(
                f"{len(self.labels)} segmentation.labels with {len(known)} numbers are too many: up to {MOST_NUMBERS} "
                f"numbers, or {MOST_OVERLAPPING} labels that overlap"
            )
        return self

    @property
    def by_name(self) -> dict[str, tuple[int, ...]]:
        """The labels and their numbers, as `datasets.segmentation` has them."""
        return dict.fromkeys(self.labels, ()) if self.instances else dict(zip(self.labels, self.numbers, strict=True))


class Plan(Section):
    """Every choice of a run."""

    format: Literal[1] = 1
    task: Literal["classification", "detection", "localization", "segmentation"] = "classification"
    dataset: str
    classes: tuple[str, ...] = Field(min_length=1)
    """Of images as a whole; of two, the second is the positive one; one alone says that nothing is asked of them."""
    seed: int = Field(default=0, ge=0)
    minutes: float = Field(default=10.0, gt=0)
    """The budget the choices were made for."""
    input: Input
    network: Network = ConvNetChoice()
    augmentation: Augmentation = Augmentation()
    optimisation: Optimisation = Optimisation()
    auxiliary: Auxiliary = Auxiliary()
    lesions: Lesions = Lesions()
    detection: Detection = Detection()
    localization: Localization = Localization()
    reinforcement: Reinforcement = Reinforcement()
    segmentation: Segmentation = Segmentation()
    ensemble: Ensemble = Ensemble()
    decision: Decision = Decision()
    reasons: dict[str, str] = {}
    """Why: "section.key" to a sentence; comments in the file."""

    @model_validator(mode="after")
    def _choices_agree(self) -> Self:
        sides = len(self.input.shape)
        self._sides_are_long_enough()
        self._task_fits()
        if not set(self.augmentation.flip_axes) <= set(range(sides)):
            raise ValueError(f"augmentation.flip_axes must lie in 0 … {sides - 1} for input.shape {self.input.shape}")
        if self.optimisation.class_weights and len(self.optimisation.class_weights) != len(self.classes):
            raise ValueError("optimisation.class_weights needs one number per class, or none")
        if self.lesions.epochs and (self.optimisation.head_only or self.input.views or len(self.input.shape) == 3):
            raise ValueError(
                "lesions.epochs teach the features of a network for flat images, one a case: set it to 0 with "
                "optimisation.head_only, input.views or volumes"
            )
        if getattr(self.network, "pooling", "") == "lse" and (self.optimisation.head_only or self.input.columns):
            raise ValueError(
                'network.pooling = "lse" answers place by place; optimisation.head_only and input.columns need "mean"'
            )
        if self.optimisation.head_only and self.auxiliary.columns:
            raise ValueError("auxiliary.columns teach the features, which optimisation.head_only leaves as they are")
        for name, values in (
            ("classes", self.classes),
            ("input.columns", tuple(column.name for column in self.input.columns)),
            ("auxiliary.columns", tuple(column.name for column in self.auxiliary.columns)),
            ("augmentation.flip_axes", self.augmentation.flip_axes),
        ):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names something twice: {', '.join(map(str, values))}")
        return self

    def _task_fits(self) -> None:
        if self.input.channel_names and self.task != "segmentation":
            raise ValueError(
                f"images of the channels {', '.join(self.input.channel_names)} are outlined, and nothing else is "
                'learned of them: task = "segmentation"'
            )
        self._detection_fits()
        locates = self.task == "localization"
        if locates != isinstance(self.network, LandmarkChoice) or locates != bool(self.localization.landmarks):
            raise ValueError(
                f'task = "{self.task}", network {self.network.name!r} and localization.landmarks '
                f'{self.localization.landmarks} do not fit: "localization" has a network "heatmap", "box_regression" '
                'or "policy" and the names of what is to be located, and no other task has them'
            )
        outlines = self._segmentation_fits()
        if len(self.classes) < 2 and not (locates or outlines):
            raise ValueError(f"classes {self.classes} are too few to tell apart; two or more are needed")
        if locates and (self.input.views or self.input.columns or self.auxiliary.columns or self.lesions.epochs):
            raise ValueError(
                "a localization looks at one image a case and learns its landmarks alone: leave out input.views, "
                "input.columns, auxiliary.columns and lesions.epochs"
            )
        if locates and (self.augmentation.flip_axes or self.ensemble.flips):
            raise ValueError(
                "a localization tells left from right: leave out augmentation.flip_axes and ensemble.flips"
            )
        if locates and (self.optimisation.head_only or self.augmentation.mixup or self.input.margin > 1):
            raise ValueError(
                "a localization learns whole images with their landmarks: leave out optimisation.head_only, "
                "augmentation.mixup and input.margin"
            )

    def _segmentation_fits(self) -> bool:
        outlines, network = self.task == "segmentation", self.network
        if outlines != isinstance(network, OutlineChoice) or outlines != bool(self.segmentation.labels):
            raise ValueError(
                f'task = "{self.task}", network {network.name!r} and segmentation.labels {self.segmentation.labels} '
                'do not fit: "segmentation" has a network "unet" or "recurrent" and the names of what is to be '
                "outlined, and no other task has them"
            )
        if self.input.windows and not outlines:
            raise ValueError("input.windows is for a segmentation: other networks are shown all of an image at once")
        if not isinstance(network, OutlineChoice):
            return False
        if isinstance(network, RecurrentChoice) and self.dims == 2:
            raise ValueError(
                f'network.name = "recurrent" goes through the slices of volumes, and input.shape {self.input.shape} is '
                'flat: take a "unet"'
            )
        steps = network.shrinks(self.dims)
        if any(side < step for side, step in zip(self.input.shape, steps, strict=True)):
            raise ValueError(
                f"input.shape {self.input.shape} is shrunk by {' × '.join(map(str, steps))}: each side must be as "
                "long as that at least"
            )
        if self.input.views or self.input.columns or self.auxiliary.columns or self.lesions.epochs:
            raise ValueError(
                "a segmentation looks at one image a case and learns its masks alone: leave out input.views, "
                "input.columns, auxiliary.columns and lesions.epochs"
            )
        if self.optimisation.head_only or self.augmentation.mixup:
            raise ValueError("a segmentation learns all layers: leave out optimisation.head_only, augmentation.mixup")
        return True

    def _detection_fits(self) -> None:
        finds = self.task == "detection"
        if finds != isinstance(self.network, FindingChoice) or finds != bool(self.detection.kinds):
            raise ValueError(
                f'task = "{self.task}", network {self.network.name!r} and detection.kinds {self.detection.kinds} do '
                'not fit: "detection" has a network "faster_rcnn" or "centres" and the kinds of boxes that are to be '
                "found, and no other task has them"
            )
        tile = self.detection.tile
        if tile and (
            len(tile) != len(self.input.shape) or any(a > b for a, b in zip(tile, self.input.shape, strict=True))
        ):
            raise ValueError(
                f"detection.tile {tile} must be no longer than input.shape {self.input.shape} along any axis"
            )
        if isinstance(self.network, FasterRCNNChoice):
            step = max(self.network.strides)
            if any(side % step for side in self.looked_at):
                what = f"detection.tile {tile}" if tile else f"input.shape {self.input.shape}"
                raise ValueError(
                    f"{what}: boxes are asked about every {step} pixels (network.strides), so that each side must be a "
                    "multiple of that"
                )
        if finds and (self.input.views or self.input.columns or self.auxiliary.columns or self.lesions.epochs):
            raise ValueError(
                "a detection looks at one image a case and learns its boxes alone: leave out input.views, "
                "input.columns, auxiliary.columns and lesions.epochs"
            )
        if finds and (self.optimisation.head_only or self.augmentation.mixup or self.input.margin > 1):
            raise ValueError(
                "a detection learns whole images with their boxes: leave out optimisation.head_only, "
                "augmentation.mixup and input.margin"
            )

    def _sides_are_long_enough(self) -> None:
        network, shape = self.network, self.looked_at
        if bool(self.input.views) != (isinstance(network, MultipleInstanceChoice) and network.over == "views"):
            raise ValueError(
                f"input.views {self.input.views} and network {network.name!r} do not fit: several images of a case go "
                'into network.name = "multiple_instance" with over = "views", and one image into any other'
            )
        if isinstance(network, MultipleInstanceChoice):
            if (network.over == "slices") != (len(shape) == 3):
                wanted = "volumes" if network.over == "slices" else "flat images"
                raise ValueError(f'network.over = "{network.over}" is for {wanted}, and input.shape is {shape}')
            shape = shape[-2:]
        elif isinstance(network, PretrainedChoice):
            shape = shape[-2:]  # the slices of a volume may be fewer
        if self.lesions.epochs and min(self.lesions.shape) < 2**network.halvings:
            raise ValueError(
                f"lesions.shape {self.lesions.shape} is halved {network.halvings} times by the network; every side "
                f"needs at least {2**network.halvings} pixels"
            )
        if min(shape) < 2**network.halvings:
            cause = "network.pool_after" if isinstance(network, ConvNetChoice) else f"the {network.name} network"
            raise ValueError(
                f"input.shape {self.input.shape} is halved {network.halvings} times by {cause}; "
                f"every side needs at least {2**network.halvings} pixels"
            )

    @property
    def looked_at(self) -> tuple[int, ...]:
        """Spatial shape of what networks are shown at once: a tile where there are any, else the input."""
        return self.detection.tile or self.input.shape

    @property
    def dims(self) -> Literal[2, 3]:
        """2 for flat images, 3 for volumes."""
        return 3 if len(self.input.shape) == 3 else 2
