"""`Family`: how networks of one kind are trained, so that a plan needs only the data's size and the minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.errors import UnknownNameError
from hounsfield.networks.pretrained import require_backbone
from hounsfield.networks.weights import PACKAGES, at_hand, how_to_get
from hounsfield.plan.inputs import Kind, fitted_sides, input_sides
from hounsfield.plan.network_choices import (
    ConvNetChoice,
    Encoder,
    MultipleInstanceChoice,
    Network,
    PretrainedChoice,
    ResidualChoice,
)
from hounsfield.plan.schema import Optimisation, Plan

Sides = tuple[int, ...]

PROBE = ":probe"
"""Behind a pretrained network's name: only its answer is learned."""

NO_LIMIT = 10**9
"""Images wanted, where only the times that each is seen are limited."""

ANSWERING = 0.3
"""Where an image is answered by one pass: without gradients .25 and .29 of the time to learn from it were measured of
fine-tuned networks at 320 and 128 pixels, and .27 of five layers at 28, and the scores take some too."""

SLICES = "slices"
"""Name of the family that looks at a volume's slices."""


@dataclass(frozen=True)
class Family:
    """How networks of one kind are trained."""

    name: str
    """As `--network` takes it."""
    reason: str
    """Why a plan has this network, in words."""
    network: Callable[[Sides], Network]
    """The choice for inputs of this shape."""
    sides: Callable[[Fingerprint, Kind], list[Sides]]
    """Candidate input shapes, the largest first."""
    images_wanted: int
    """Images each network should see in training, changed anew each time, before the minutes go to further networks."""
    epochs_wanted: int
    """And no more than this often each: from few images no smaller input and no time is given up for more."""
    longest: int
    """Epochs; more only repeat what was seen."""
    images_for_size: int = 0
    """Before the minutes go to a larger input; as many as are wanted where it is 0."""
    share_needed: float = 1 / 3
    """Of the images wanted; below this fewer networks are the better use of the time."""
    once: bool = False
    """Whether every image is seen once, for all folds together: nothing is gained by seeing it again, nor by further
    networks, which would all be the same."""
    answering: float = ANSWERING
    """Time in which an image is answered, of that in which it is learned from."""
    trial: float = 1.0
    """Share of the trials' minutes, beside those of the other candidates: what begins slowly gets more."""
    lesions_first: bool = False
    """Whether squares around boxes are learned before whole images."""
    most_repeats: int = 4
    """Networks for each fold, at most: each of them makes reading slower."""
    most_networks: int = 20
    """For all folds together."""
    side_before_folds: int = 0
    """Where as many folds as wanted leave inputs no longer than this, and larger ones are there, there are fewer folds,
    and larger inputs …"""
    fewest_folds: int = 3
    """… but no fewer than this."""
    windows: bool = False
    """Whether images keep their size, and are looked at window by window."""
    filters: bool = False
    """Whether mammograms go through the filters of the case study."""
    optimisation: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the schema's defaults."""
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    few_epochs: int = 0
    """With fewer, nothing is learned by heart, and images that are changed much teach more slowly: then …"""
    with_few: Mapping[str, Any] = field(default_factory=dict)
    """… this of the augmentation is taken instead."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Of single choices, by "section.key"."""


CONVNET = Family(
    name="convnet",
    reason="the five convolution layers of the case study",
    network=lambda sides: ConvNetChoice(pool_after=pool_after(sides)),
    sides=input_sides,
    images_wanted=60_000,
    epochs_wanted=100,
    longest=150,
    filters=True,
)

RESIDUAL = Family(
    name="residual",
    reason="a residual network from scratch: more depth than the convnet, for images that look like no photograph",
    network=lambda sides: _residual(sides),
    sides=input_sides,
    images_wanted=40_000,
    epochs_wanted=60,
    longest=100,
    optimisation={"learning_rate": 1e-3},
)

_MIXING_EPOCHS = 9
"""On two validation folds of CBIS-DDSM's masses mixing gave AUC .839 instead of .849 after 6 epochs, and .873 instead
of .858 after 12."""

_FINE_TUNING: Mapping[str, Any] = {
    "start": "imagenet",
    "batch_size": 16,
    "learning_rate": 2e-4,
    "layer_decay": 0.8,
    "frozen_stages": 3,
    "clip_norm": 1.0,
    "label_smoothing": 0.1,
    "keep": "last",
}
_FINE_TUNING_REASONS: Mapping[str, str] = {
    "optimisation.start": "edges, textures and shapes learned from photographs serve medical images too",
    "optimisation.layer_decay": "early stages are of use as they are; later ones learn faster",
    "optimisation.keep": "after a whole cycle the last epoch is as good as the best, and no validation case chose it",
    "optimisation.label_smoothing": "few cases are soon learned by heart; a network never quite sure learns longer",
    "optimisation.frozen_stages": "edges and blobs stay as they are, which also saves time",
}


def family_of(name: str) -> Family:
    """The family that `--network` names.

    Args:
        name: "convnet", "residual", "slices", or timm's name of a pretrained network, with ":probe" behind it for one
            whose answer alone is learned.

    Raises:
        UnknownNameError: There is none of this name, it makes no maps, or its weights are not at hand.
    """
    if name in _OWN:
        return _OWN[name]
    backbone = name.removesuffix(PROBE)
    if why_not := _why_not(backbone):
        known = ", ".join([*_OWN, *(known for known in PACKAGES if at_hand(known))])
        raise UnknownNameError(
            f"there is no network {name!r}; known: auto, {known}, the folder of a bundle, or timm's name of a network "
            f"whose weights are here ({why_not})"
        )
    return probe(backbone) if name.endswith(PROBE) else fine_tuned(backbone)


def _why_not(backbone: str) -> str:
    """Why timm's network cannot be taken, weights last: nobody is to fetch those of a network that is refused; empty
    where it can."""
    try:
        require_backbone(backbone)
    except UnknownNameError as error:
        return str(error)
    return "" if at_hand(backbone) else how_to_get(backbone)


def fine_tuned(backbone: str) -> Family:
    """A network of timm, pretrained on ImageNet, of which all but the first stages learn."""
    return Family(
        name=backbone,
        reason=f"{backbone}, pretrained on ImageNet and fine-tuned: few cases suffice",
        network=lambda sides: PretrainedChoice(backbone=backbone, dropout=0.5, drop_path=0.2),
        sides=fitted_sides,
        images_wanted=30_000,
        epochs_wanted=12,
        longest=20,
        share_needed=1 / 4,
        trial=2.0,
        lesions_first=True,
        optimisation=_FINE_TUNING,
        augmentation={"mixup": 0.4},
        few_epochs=_MIXING_EPOCHS,
        with_few={"mixup": 0.0},
        reasons={
            **_FINE_TUNING_REASONS,
            "augmentation.mixup": "images and their truth are mixed in pairs: no single case can be learned by heart",
        },
    )


def probe(backbone: str) -> Family:
    """A network of timm as it is; a logistic regression on its features answers."""
    return Family(
        name=backbone + PROBE,
        reason=f"{backbone} as ImageNet left it, and a logistic regression on its features: seconds, not minutes",
        network=lambda sides: PretrainedChoice(backbone=backbone),
        sides=fitted_sides,
        images_wanted=NO_LIMIT,
        epochs_wanted=1,
        longest=1,
        once=True,
        optimisation={"start": "imagenet", "head_only": True, "precision": "32-true"},
        reasons={
            "optimisation.start": _FINE_TUNING_REASONS["optimisation.start"],
            "optimisation.epochs": "the answer is solved for, not approached",
            "ensemble.repeats": "the features are always the same, and so is the answer",
            "optimisation.head_only": "features are computed once, and only the answer is learned from them",
        },
    )


def over_slices(backbone: str) -> Family:
    """A network pretrained on photographs looks at every slice of a volume; attention weighs them."""
    return Family(
        name=SLICES,
        reason=f"{backbone} looks at slices, and attention finds those that matter",
        network=lambda sides: MultipleInstanceChoice(
            encoder=PretrainedChoice(backbone=backbone, drop_path=0.1), stride=max(1, sides[0] // 16)
        ),
        sides=fitted_sides,
        images_wanted=10_000,
        epochs_wanted=10,
        longest=16,
        optimisation={**_FINE_TUNING, "batch_size": 8, "channels_last": True},
        reasons=_FINE_TUNING_REASONS,
    )


def family_like(plan: Plan, folder: str) -> Family:
    """Fine-tuning of a bundle's network: what it learned before is where this training begins.

    It learns half as fast as such a network usually does, or as fast as the bundle did where that is slower. A probe
    learned nothing but its answer: its network is tuned as ImageNet's is.
    """
    pretrained = not isinstance(plan.network, ConvNetChoice | ResidualChoice)
    network, learned = plan.network, plan.optimisation
    if isinstance(network, PretrainedChoice) and network.pooling == "lse":  # the answer of places is not taken over
        network = network.model_copy(update={"pooling": "mean"})
    usual = _usual(network)
    rate = usual.optimisation.get("learning_rate", Optimisation.model_fields["learning_rate"].default) / 2
    further = {
        "batch_size": learned.batch_size * max(1, len(plan.input.views)),  # shared out among the views again
        "learning_rate": min(rate, learned.learning_rate),
        "layer_decay": 0.8,
        "frozen_stages": learned.frozen_stages,
        "clip_norm": 1.0,
        "label_smoothing": learned.label_smoothing,
        "keep": "last",
    }
    return Family(
        name=folder,
        reason="the network of another bundle, which learns on from what it knows",
        network=lambda sides: network,
        sides=fitted_sides if pretrained else input_sides,
        images_wanted=30_000,
        epochs_wanted=12 if pretrained else 60,
        longest=20 if pretrained else 100,
        share_needed=1 / 4,
        filters=isinstance(plan.network, ConvNetChoice),
        optimisation={**(usual.optimisation if learned.head_only else further), "start": folder},
        augmentation=usual.augmentation if learned.head_only else {"mixup": plan.augmentation.mixup},
        few_epochs=_MIXING_EPOCHS,
        with_few={"mixup": 0.0},
        reasons={"optimisation.start": "what the bundle learned from its own data"},
    )


def _usual(network: Network) -> Family:
    """How a network of this kind is trained where it begins from no bundle."""
    looks = getattr(network, "encoder", network)
    if isinstance(looks, PretrainedChoice):
        return fine_tuned(looks.backbone)
    return RESIDUAL if isinstance(looks, ResidualChoice) else CONVNET


DEFAULT_BACKBONE = "tf_efficientnet_lite0"
"""Its weights come with the package."""

_OWN: dict[str, Family] = {
    "convnet": CONVNET,
    "residual": RESIDUAL,
    SLICES: over_slices(DEFAULT_BACKBONE),
}


def pool_after(sides: Sides) -> tuple[int, ...]:
    """The layers after which the maps are halved: as many, the first ones last, as leave about four a side."""
    halvings = 0
    while halvings < 5 and min(sides) // 2 ** (halvings + 1) >= 3:
        halvings += 1
    return {5: (1, 2, 3, 4, 5), 4: (1, 2, 3, 4), 3: (1, 3, 5), 2: (2, 4), 1: (3,), 0: ()}[halvings]


def _residual(sides: Sides) -> ResidualChoice:
    """As many stages as leave some pixels; volumes are halved at once, and get half the maps, for they take long."""
    volume = len(sides) == 3 and min(sides) >= 32
    widths = (16, 32, 64, 128) if len(sides) == 3 else (32, 64, 128, 256)
    stages = 1
    while stages < 4 and min(sides) // 2 ** (stages + volume) >= 3:
        stages += 1
    return ResidualChoice(widths=widths[:stages], blocks=(1,) * stages, stem_stride=2 if volume else 1)


def is_pretrained(backbone: str | None) -> bool:
    """Whether a network that others look at the maps of begins from photographs."""
    return backbone not in (None, CONVNET.name)


def maps_of(backbone: str | None) -> str:
    """Which network's maps others look at, in words."""
    if is_pretrained(backbone):
        return f"maps of {backbone}, pretrained on ImageNet"
    return f"maps of {'five convolution layers' if backbone else 'a residual network'} from scratch"


def encoder_tuning(backbone: str | None, *, frozen: int = 0) -> Mapping[str, Any]:
    """How the optimisation of a network around an encoder differs where that is pretrained.

    Args:
        backbone: As for `encoder_for`.
        frozen: Stages of a pretrained one that stay as they are.
    """
    return {"start": "imagenet", "layer_decay": 0.8, "frozen_stages": frozen} if is_pretrained(backbone) else {}


def encoder_for(backbone: str | None, sides: Sides, *, volume_widths: Sides = (32, 64, 96, 96)) -> Encoder:
    """A network whose maps others look at: pretrained, or one from scratch, small enough for the images.

    Args:
        backbone: timm's name, or "convnet", for five layers from scratch; None for a residual network from scratch.
        sides: Shape of the images.
        volume_widths: Maps of each stage of one from scratch, for volumes.
    """
    if backbone == CONVNET.name:
        return ConvNetChoice()
    if backbone:
        return PretrainedChoice(backbone=backbone, drop_path=0.1)
    volume = len(sides) == 3  # halved at once: what is found and located there has a place every 2 voxels
    widths = volume_widths if volume else (32, 64, 128, 160)
    stages = 2
    while stages < len(widths) and min(sides) // 2 ** (stages + volume) >= 4:
        stages += 1
    return ResidualChoice(widths=widths[:stages], blocks=(1,) * stages, stem_stride=2 if volume else 1)
