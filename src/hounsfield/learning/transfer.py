"""Beginning from weights that others learned: where they come from, and how fast each stage may leave them.

Reference:
    Howard, Ruder, "Universal language model fine-tuning" (2018), arXiv:1801.06146 (rates by layer, gradual unfreezing).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from hounsfield.bundle import Bundle, read_bundle
from hounsfield.errors import PlanError, WeightsError
from hounsfield.networks.beside_table import BesideTable
from hounsfield.networks.encoders import Staged
from hounsfield.networks.imagenet import put_imagenet
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.networks.places import AnswerOfPlaces
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.recurrent import Recurrent
from hounsfield.networks.weights import at_hand, load_weights
from hounsfield.plan import Plan, PretrainedChoice
from hounsfield.plan.network_choices import Network

IMAGENET = "imagenet"

KEPT_WEIGHTS = "start.safetensors"
"""In a run's folder: a copy of what `weights_of` gave of the bundle that it begins from, network by network."""


def load_start(network: nn.Module, plan: Plan, *, member: int = 0, kept: Path | None = None) -> None:
    """Put the weights that `optimisation.start` names into a network; its answer keeps its own.

    Args:
        network: As the plan says.
        plan: The choices.
        member: Its number in the ensemble, from 0: it begins from the network of the same number of a bundle, and
            where that has fewer, they are gone through again.
        kept: A run's copy of the weights of a bundle, used instead of the bundle itself where it is there.

    Raises:
        PlanError: The network is of a kind that has none.
        WeightsError: They are not at hand, or do not fit.
        BundleError: The bundle named cannot be read.
    """
    start = plan.optimisation.start
    if start == IMAGENET:
        _load_imagenet(network, plan)
    elif start:
        _put_learned(network, plan, *_learned_before(plan, kept, member))
    elif plan.optimisation.frozen_stages:
        raise PlanError(
            'optimisation.frozen_stages lets stages stay as they began, and optimisation.start is "": they would never '
            "learn anything; let frozen_stages be 0"
        )


def _load_imagenet(network: nn.Module, plan: Plan) -> None:
    choice = pretrained_part(plan.network)
    if choice is None:
        encoder = getattr(plan.network, "encoder", None)
        which = f'network.encoder is "{encoder.name}"' if encoder else f'network.name is "{plan.network.name}"'
        raise PlanError(
            f'optimisation.start = "imagenet" is for pretrained networks, and {which}: let start be "", and '
            "frozen_stages 0"
        )
    for part in network.modules():
        if isinstance(part, Pretrained):
            put_imagenet(part, choice.backbone, folded=choice.folded)


def imagenet_digest(plan: Plan) -> str:
    """SHA-256 of the ImageNet weights that a plan starts from; "" where it does not, or they are not at hand."""
    choice = pretrained_part(plan.network)
    if plan.optimisation.start != IMAGENET or choice is None or not at_hand(choice.backbone):
        return ""
    digest = hashlib.sha256()
    for name, value in load_weights(choice.backbone).items():
        digest.update(name.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def pretrained_part(choice: Network) -> PretrainedChoice | None:
    """The choice of a pretrained backbone inside a network's choice, or None."""
    if isinstance(choice, PretrainedChoice):
        return choice
    encoder = getattr(choice, "encoder", None)
    return encoder if isinstance(encoder, PretrainedChoice) else None


def weights_of(bundle: Bundle) -> list[dict[str, Tensor]]:
    """The weights of each of a bundle's members, but for its answer and a table beside it.

    Raises:
        BundleError: They do not fit the bundle's network.
    """
    found = (_without_table(network).state_dict() for network in bundle.networks())
    return [{key: value.contiguous() for key, value in own.items() if not _of_answer(key)} for own in found]


def _of_answer(key: str) -> bool:
    """Whether a weight belongs to a network's answer, or to those of several resolutions, wherever that stands."""
    return not {"answer", "answers"}.isdisjoint(key.split(".")[:-1])


def keep_weights(bundle: Bundle, path: Path) -> None:
    """Write what `weights_of` gives of a bundle, as "0.features.0.weight" …, and what network it is of."""
    from safetensors.torch import save_file

    members = weights_of(bundle)
    flat = {f"{number}.{key}": value for number, own in enumerate(members) for key, value in own.items()}
    save_file(flat, path, metadata={"network": network_words(bundle.plan), "members": str(len(members))})


def network_words(plan: Plan) -> str:
    """A plan's network and images, for people."""
    kind = "volumes" if plan.dims == 3 else "flat images"
    if plan.input.channel_names:
        return f"{plan.network.name!r} for {kind} of {', '.join(plan.input.channel_names)}"
    return f"{plan.network.name!r} for {'colour' if plan.input.channels == 3 else 'grey'} {kind}"


def _learned_before(plan: Plan, kept: Path | None, member: int) -> tuple[dict[str, Tensor], str]:
    """The weights that a member starts from, of one of `weights_of`, and what network they are of, in words."""
    from safetensors import safe_open

    if kept is None or not kept.is_file():
        bundle = read_bundle(Path(plan.optimisation.start))
        found = weights_of(bundle)
        return found[member % len(found)], network_words(bundle.plan)
    with safe_open(kept, framework="pt") as stream:
        facts = stream.metadata()
        start = f"{member % int(facts['members'])}."
        own = [key for key in stream.keys() if key.startswith(start)]  # noqa: SIM118 - not a dict
        weights = {key.removeprefix(start): stream.get_tensor(key) for key in own if not _of_answer(key)}
        return weights, facts["network"]


def _put_learned(network: nn.Module, plan: Plan, found: dict[str, Tensor], words: str) -> None:
    """Weights as `weights_of` gives them into a network, or into that which looks at its views or slices.

    Raises:
        WeightsError: They are of another network.
    """
    network = _without_table(network)
    if isinstance(network, MultipleInstance) and not any(key.startswith("encoder.") for key in found):
        network = network.encoder
    if isinstance(network, Recurrent) and not any(key.startswith("unet.") for key in found):
        network = network.unet
        wanted = network.state_dict()
        found = {key: _beside_nothing(value, wanted.get(key)) for key, value in found.items()}
    own = network.state_dict()
    body = {key: value for key, value in own.items() if not _of_answer(key)}
    odd = [key for key, value in body.items() if _differs(found.get(key), value)]
    if odd or len(found) != len(body):
        raise WeightsError(
            f"{plan.optimisation.start}: its weights, of a network {words}, do not fit the plan's network, "
            f"{network_words(plan)} ({odd[0] if odd else 'it is a smaller one'}); begin from a bundle of the same "
            "network that was trained on such images, or leave out --network and optimisation.start"
        )
    network.load_state_dict(own | found)


def _beside_nothing(value: Tensor, wanted: Tensor | None) -> Tensor:
    """A first convolution (maps, channels, h, w) of single slices as one of slices between their neighbours, of which
    it makes nothing yet; other weights as they are."""
    channels = value.shape[1] if value.ndim == 4 else 0
    if wanted is None or not channels or wanted.shape != (len(value), 3 * channels, *value.shape[2:]):
        return value
    return torch.cat([torch.zeros_like(value), value, torch.zeros_like(value)], dim=1)


def put_lesions(network: nn.Module, plan: Plan, weights: Mapping[str, Tensor]) -> None:
    """The weights of a network that has learned lesions, as `plan.lesions` says, into one for whole images.

    Its answer keeps its own, but for one that is given place by place: what a square shows, a place shows.

    Raises:
        WeightsError: They are of another network.
    """
    body = {key: value for key, value in weights.items() if not _of_answer(key)}
    _put_learned(network, plan, body, network_words(plan))
    answer = _without_table(network).answer
    if isinstance(answer, AnswerOfPlaces) and set(plan.lesions.classes) == set(plan.classes):
        rows = [0, *(1 + plan.lesions.classes.index(name) for name in plan.classes)]
        answer.place.load_state_dict({key: weights[f"answer.{key}"][rows] for key in ("weight", "bias")})


def _without_table(network: nn.Module) -> nn.Module:
    """The image network alone, where a table stands beside it."""
    return network.fusion.image if isinstance(network, BesideTable) else network


def _differs(value: Tensor | None, wanted: Tensor) -> bool:
    return value is None or value.shape != wanted.shape


def parameter_groups(network: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Groups for the optimiser: each stage with its "scale" of the rate, and whether it is "hidden", and no answer;
    biases and normalisations without decay."""
    stages = stages_of(network)
    answers = {id(parameter) for name, parameter in network.named_parameters() if _of_answer(name)}
    groups: list[dict[str, Any]] = []
    for number, parameters in enumerate(stages):
        scale = plan.optimisation.layer_decay ** (len(stages) - 1 - number)
        decays = {True: plan.optimisation.weight_decay, False: 0.0}
        for wanted, hidden in product((True, False), (True, False)):
            chosen = [own for own in parameters if (own.ndim > 1, id(own) not in answers) == (wanted, hidden)]
            if chosen:
                own_scale = scale if hidden else scale * plan.optimisation.answer_rate
                groups.append({"params": chosen, "weight_decay": decays[wanted], "scale": own_scale, "hidden": hidden})
    return groups


def stages_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters by stage, from the input to the answer, every one once."""
    stages = [[p for module in stage for p in module.parameters()] for stage in cast("Staged", network).stages()]
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
