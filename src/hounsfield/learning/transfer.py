"""Beginning from weights that others learned: where they come from, and how fast each stage may leave them.

Reference:
    Howard, Ruder, "Universal language model fine-tuning" (2018), arXiv:1801.06146 (rates by layer, gradual unfreezing).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hounsfield.bundle import read_bundle
from hounsfield.errors import PlanError, WeightsError
from hounsfield.networks.beside_table import BesideTable
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.weights import load_weights
from hounsfield.plan import Plan, PretrainedChoice
from hounsfield.plan.schema import Network

IMAGENET = "imagenet"

_FOLDED_TOLERANCE = 0.01
"""Largest difference between features before and after folding, as a share of the largest feature."""


def load_start(network: nn.Module, plan: Plan) -> None:
    """Put the weights that `optimisation.start` names into a network; its answer keeps its own.

    Raises:
        PlanError: The network is of a kind that has none.
        WeightsError: They are not at hand, or do not fit.
        BundleError: The bundle named cannot be read.
    """
    start = plan.optimisation.start
    if start == IMAGENET:
        _load_imagenet(network, plan)
    elif start:
        load_bundle_weights(network, plan, Path(start))


@dataclass(frozen=True)
class Seen:
    """Digests of patients and images, as a bundle keeps them."""

    patients: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()


def seen_before(plan: Plan) -> Seen:
    """What was seen by the bundle that a training begins from; nothing where it begins from none.

    Raises:
        BundleError: The bundle cannot be read.
    """
    start = plan.optimisation.start
    if start in ("", IMAGENET):
        return Seen()
    record = read_bundle(Path(start)).training
    return Seen(frozenset(record.seen_patients), frozenset(record.seen_images))


def _load_imagenet(network: nn.Module, plan: Plan) -> None:
    choice = pretrained_part(plan.network)
    if choice is None:
        raise PlanError(
            f'optimisation.start = "imagenet" is for pretrained networks, and network.name is "{plan.network.name}"'
        )
    for part in network.modules():
        if isinstance(part, Pretrained):
            put_imagenet(part, choice)


def pretrained_part(choice: Network) -> PretrainedChoice | None:
    """The choice of a pretrained backbone inside a network's choice, or None."""
    if isinstance(choice, PretrainedChoice):
        return choice
    encoder = getattr(choice, "encoder", None)
    return encoder if isinstance(encoder, PretrainedChoice) else None


def put_imagenet(network: Pretrained, choice: PretrainedChoice) -> None:
    """ImageNet weights into the backbone of a pretrained network, folded and inflated as it is.

    Raises:
        WeightsError: They are not at hand, or do not fit.
    """
    found = load_weights(choice.backbone)
    donor = Pretrained(dims=2, channels=3, outputs=1, backbone=choice.backbone, folded=False)
    donor.backbone.load_state_dict(_fitted(found, donor.backbone.state_dict(), choice.backbone))
    if choice.folded:
        _require_foldable(donor, choice.backbone)
    donor.finish(dims=network.dims, folded=choice.folded)
    network.backbone.load_state_dict(donor.backbone.state_dict())


def _require_foldable(network: Pretrained, name: str) -> None:
    """Accept a network that answers the same when its normalisations are folded.

    Raises:
        WeightsError: It does not.
    """
    folded = copy.deepcopy(network).eval()
    folded.finish(dims=2, folded=True)
    images = torch.linspace(0, 1, 3 * 64 * 64).view(1, 3, 64, 64)
    with torch.no_grad():
        expected, found = network.eval().feature_maps(images), folded.feature_maps(images)
    if float((found - expected).abs().max()) > _FOLDED_TOLERANCE * float(expected.abs().max()):
        raise WeightsError(
            f"the batch normalisations of {name} cannot be folded into its convolutions without changing its answers; "
            "set network.folded = false in the plan"
        )


def _fitted(found: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """`found` under the names of `wanted`: by name, or else by order, where every shape agrees."""
    if set(wanted) <= set(found):
        matched = {key: found[key] for key in wanted}
    else:  # the same network under another library's names: everything but the last layer, in the same order
        matched = dict(zip(wanted, found.values(), strict=False))
    odd = [key for key, value in wanted.items() if key not in matched or matched[key].shape != value.shape]
    if odd:
        shape = tuple(matched[odd[0]].shape) if odd[0] in matched else "nothing"
        raise WeightsError(
            f"the weights for {name} do not fit the network: {odd[0]} is {tuple(wanted[odd[0]].shape)}, the weights "
            f"have {shape} ({len(odd)} of {len(wanted)} tensors differ); take weights made for timm's {name}"
        )
    return matched


def load_bundle_weights(network: nn.Module, plan: Plan, folder: Path) -> None:
    """The weights of a bundle's first member, but for its answer, into a network or that which looks at its views.

    Raises:
        BundleError: The bundle cannot be read.
        WeightsError: Its network is another one.
    """
    bundle = read_bundle(folder)
    theirs = bundle.networks()[0]
    network, theirs = _without_table(network), _without_table(theirs)
    if isinstance(network, MultipleInstance) and not isinstance(theirs, MultipleInstance):
        network = network.encoder
    own = network.state_dict()
    found = theirs.state_dict()
    body = {key: value for key, value in found.items() if not key.startswith("answer.")}
    odd = [key for key, value in own.items() if not key.startswith("answer.") and _differs(body.get(key), value)]
    if odd or len(body) != sum(not key.startswith("answer.") for key in own):
        raise WeightsError(
            f"{folder}: its weights, of a network {_words(bundle.plan)}, do not fit the plan's network, {_words(plan)} "
            f"({odd[0] if odd else 'it is a smaller one'}); begin from a bundle of the same network that was trained "
            "on such images, or leave out --network and optimisation.start"
        )
    network.load_state_dict(own | body)


def _words(plan: Plan) -> str:
    """A plan's network and images, for people."""
    kind = "volumes" if plan.dims == 3 else "flat images"
    return f"{plan.network.name!r} for {'colour' if plan.input.channels == 3 else 'grey'} {kind}"


def _without_table(network: nn.Module) -> nn.Module:
    """The image network alone, where a table stands beside it."""
    return network.fusion.image if isinstance(network, BesideTable) else network


def _differs(value: Tensor | None, wanted: Tensor) -> bool:
    return value is None or value.shape != wanted.shape


def parameter_groups(network: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Groups for the optimiser: each stage with its "scale" of the rate; biases and normalisations without decay."""
    stages = stages_of(network)
    groups: list[dict[str, Any]] = []
    for number, parameters in enumerate(stages):
        scale = plan.optimisation.layer_decay ** (len(stages) - 1 - number)
        for wanted, decay in ((True, plan.optimisation.weight_decay), (False, 0.0)):
            chosen = [parameter for parameter in parameters if (parameter.ndim > 1) == wanted]
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "scale": scale})
    return groups


def stages_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters by stage, from the input to the answer, every one once."""
    stages = [[p for module in stage for p in module.parameters()] for stage in network.stages()]  # type: ignore[operator]
    return [stage for stage in stages if stage]


def freeze(network: nn.Module, plan: Plan, *, epoch: int) -> None:
    """Hold back the stages that do not learn in this epoch (from 0), and let the others go."""
    stages = stages_of(network)
    frozen = frozen_in(plan, epoch=epoch, stages=len(stages))
    for number, parameters in enumerate(stages):
        for parameter in parameters:
            parameter.requires_grad_(number >= frozen)


def frozen_in(plan: Plan, *, epoch: int, stages: int) -> int:
    """How many stages from the input on do not learn in an epoch, of `stages` with the answer."""
    optimisation = plan.optimisation
    if optimisation.head_only:
        return stages - 1
    lowest = min(optimisation.frozen_stages, stages - 1)
    if not optimisation.unfreeze_epochs:
        return lowest
    return max(lowest, stages - 1 - epoch // optimisation.unfreeze_epochs)


def keep_statistics(network: nn.Module) -> None:
    """Normalisations of frozen stages go on with the statistics they came with."""
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            parameters = list(module.parameters(recurse=False))
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                module.eval()
