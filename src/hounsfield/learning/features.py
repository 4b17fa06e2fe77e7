"""What a network that stays as it is sees in every case, computed once and kept for all folds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.atomic import atomic_file
from hounsfield.learning.inputs import Inputs, images_of, table_of
from hounsfield.networks.answering import mirrors
from hounsfield.networks.beside_table import with_table
from hounsfield.networks.encoders import Mapped
from hounsfield.plan import Plan
from hounsfield.progress import track
from hounsfield.tasks.predict import centre, memory_order


def features_of(network: nn.Module, plan: Plan, inputs: Inputs, folder: Path) -> Tensor:
    """Features (n, copies, F) of every row and its mirrored copies, the unchanged image first, on the CPU.

    Args:
        network: In evaluation mode, on any device.
        plan: Its flip axes say which copies there are.
        inputs: The prepared cases; without a key nothing is kept.
        folder: Where the features are kept, and taken from when an earlier call had the same inputs and weights.

    Raises:
        StorageError: The disk refused.
    """
    from safetensors.torch import load_file, save_file

    if not inputs.key:
        return _computed(network, plan, inputs)
    path = folder / f"features-{_key(network, plan, inputs)[:16]}.safetensors"
    if path.is_file():
        return load_file(path)["features"]
    features = _computed(network, plan, inputs)
    with atomic_file(path) as temporary:
        save_file({"features": features}, temporary)
    return features


@torch.no_grad()
def _computed(network: nn.Module, plan: Plan, inputs: Inputs) -> Tensor:
    device = next(network.parameters()).device
    size, count = plan.optimisation.batch_size, len(inputs.targets)
    found = []
    for start in track(range(0, count, size), "looking at the images", total=-(-count // size)):
        rows = np.arange(start, min(start + size, count))
        images = with_table(centre(images_of(inputs, rows), plan.input.shape), table_of(inputs, rows))
        copies = [images.flip([axis + 2 for axis in mirror]) for mirror in mirrors(plan.augmentation.flip_axes)]
        found.append(torch.stack([_pooled(network, plan, copy.to(device)) for copy in copies], dim=1))
    return torch.cat(found)


def _pooled(network: nn.Module, plan: Plan, images: Tensor) -> Tensor:
    shown = memory_order(images, channels_last=plan.optimisation.channels_last)
    return cast("Mapped", network).pooled(shown).float().cpu()


def _key(network: nn.Module, plan: Plan, inputs: Inputs) -> str:
    """Changes when an image, its preparation, a mirrored copy or a weight before the answer does."""
    digest = hashlib.sha256(repr((inputs.key, plan.input.shape, plan.augmentation.flip_axes)).encode())
    for name, value in network.state_dict().items():
        if not name.startswith("answer."):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
