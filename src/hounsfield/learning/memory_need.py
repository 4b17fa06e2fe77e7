"""How much memory a training step of a plan takes, counted without one: on torch's meta device tensors have no values.

The network runs forward and back on a batch of such tensors, and every storage counts from its making to its end, so
that what autograd keeps, what frozen stages do not keep, and the gradients are all seen at the moment of their peak.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hounsfield.learning.transfer import freeze
from hounsfield.networks.build import build_from
from hounsfield.networks.depthwise import speed_up_depthwise
from hounsfield.networks.found import Finder
from hounsfield.networks.heatmap import HeatMap
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.networks.policy import Policy
from hounsfield.networks.recurrent import Recurrent
from hounsfield.networks.unet import UNet
from hounsfield.plan import Plan
from hounsfield.plan.network import outputs_of

KERNELS = 1.75
"""What the step's tensors take is multiplied by this, for copies that kernels work on and memory between tensors that
cannot be used. With it the needs of ten plans in float32 were 1.0 to 2.0 times what the process then grew by, and that
of one in bfloat16 2.6 times."""

AUGMENTING = 3
"""Batches as large as the canvas: as stored, in float32, and resampled."""

LEARNED = 5
"""Arrays for each weight that learns: itself, its gradient, AdamW's two moments (Muon has one), and that of the best
epoch."""

KEPT = 2
"""For each that does not: itself, and that of the best epoch."""


def step_bytes(plan: Plan) -> int:
    """Bytes that a training of the plan needs above what the process took before, at its largest.

    bfloat16 counts as float32, for mixed precision keeps copies in both.
    """
    with torch.random.fork_rng(devices=[]):
        outputs = outputs_of(plan)
        network = build_from(plan.network.model_dump(), dims=plan.dims, channels=plan.input.channels, outputs=outputs)
    speed_up_depthwise(network)
    freeze(network, plan, epoch=plan.optimisation.epochs - 1)
    weights = sum(weight.nbytes * (LEARNED if weight.requires_grad else KEPT) for weight in network.parameters())
    batch = plan.optimisation.batch_size * plan.input.stored_channels
    canvas = batch * prod(plan.input.canvas) * torch.float32.itemsize
    return round(KERNELS * _peak_of_step(network.to("meta"), plan) + weights + AUGMENTING * canvas)


def _peak_of_step(network: nn.Module, plan: Plan) -> int:
    """Most bytes alive at once while the network, on the meta device, learns from a batch."""
    size, channels = plan.optimisation.batch_size, plan.input.channels
    living = _Living()
    with living:
        images = torch.empty(size * max(1, len(plan.input.views)), channels, *plan.looked_at, device="meta")
        if plan.optimisation.head_only:
            with torch.no_grad():
                _answer(network.eval(), images, plan)
        else:
            _answer(network.train(), images, plan).sum().backward()  # type: ignore[no-untyped-call]
    return living.most


def _answer(network: nn.Module, images: Tensor, plan: Plan) -> Tensor:
    """The network's output; of several views the maps that its encoder makes, beside which the rest is small, of one
    that finds or makes heat what it computes everywhere, and of an agent what it thinks of what many of it see."""
    if isinstance(network, Policy):
        agents = len(images) * network.landmarks * plan.reinforcement.walks
        seen = network.look(images.new_empty((agents, images.shape[1], *[network.window] * network.dims)))
        known = torch.cat([seen.flatten(1), seen.new_empty(agents, len(network.scales))], dim=1)
        worth: Tensor = network.answer(network.think(known))
        return worth
    if isinstance(network, HeatMap):
        heat: Tensor = network.heat(images)
        return heat
    if isinstance(network, UNet | Recurrent):
        return torch.stack([level.sum() for level in network(images, deep=True)])
    if isinstance(network, Finder):
        return torch.stack([part.sum() for part in network.dense(images).parts()])
    if isinstance(network, MultipleInstance) and network.over == "views":
        return network.encoder.feature_maps(images)
    output: Tensor = network(images)
    return output


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of storages from the operation that makes them until nothing refers to them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """The operation's own result, its storages counted."""
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._count(leaf.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self._known:
            return
        self._known.add(storage._cdata)
        self._now += storage.nbytes()
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._forget, storage._cdata, storage.nbytes())

    def _forget(self, number: int, size: int) -> None:
        self._known.discard(number)
        self._now -= size
