"""The views of a case: judged and prepared one by one, and which of them an answer looked at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from hounsfield.datasets.case import ImageRef
from hounsfield.findings import Quality
from hounsfield.image import Image
from hounsfield.likeness.store import Kind
from hounsfield.networks.beside_table import BesideTable
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.plan import Input
from hounsfield.plan.network_input import prepare, prepare_case


@dataclass(frozen=True, eq=False)
class View:
    """One image of a case, twice."""

    stored: Image
    """As it was read."""
    prepared: Image
    """As the networks are shown it."""


def open_views(
    stored: Mapping[str, Image],
    refs: Mapping[str, ImageRef],
    spec: Input,
    judge: Callable[[Image, Kind], Quality],
) -> tuple[Quality, dict[str, View]]:
    """The verdict on a case, and those of its views that can be read: a blank one, or one unlike what the model learned
    from, is left out, as if not taken.

    Args:
        stored: The images by view.
        refs: Where they came from.
        spec: What the network takes.
        judge: Gives the verdict on an image.

    Raises:
        HounsfieldError: An image is not of the kind the model takes.
    """
    verdicts = {name: judge(image, "image" if refs[name].crop is None else "square") for name, image in stored.items()}
    able = [name for name, quality in verdicts.items() if quality.verdict != "unfit"]
    fit = [name for name in able if not verdicts[name].unlike] or able
    reasons = tuple(f"{name}: {reason}" for name, quality in verdicts.items() for reason in quality.reasons)
    farthest = max(verdicts.values(), key=lambda quality: quality.distance or 0.0)
    quality = Quality(
        "good" if not reasons else "doubtful" if fit else "unfit",
        reasons,
        farthest.distance,
        farthest.farthest,
        all(quality.unlike for quality in verdicts.values()),
    )
    return quality, {name: View(stored[name], _prepared(stored[name], refs[name], spec)) for name in fit}


def _prepared(stored: Image, ref: ImageRef, spec: Input) -> Image:
    return prepare(stored, spec) if ref.crop is None else prepare_case(ref, spec)


def views_seen(taken: Iterable[str], spec: Input, *, words: str = "From") -> str:
    """Which views an answer rests on, as a sentence."""
    seen = set(taken)
    missing = [name for name in spec.views if name not in seen]
    found = ", ".join(name for name in spec.views if name in seen)
    return f"{words} {found}" + (f"; without {', '.join(missing)}" if missing else "") + "."


@torch.inference_mode()
def most_attended(networks: Sequence[nn.Module], images: Tensor) -> int:
    """Place of the view with the largest mean weight.

    Args:
        networks: For several views, in evaluation mode.
        images: (1, channels, H, W) of one case, as the networks take them.
    """
    return int(torch.stack([_attention(network, images) for network in networks]).mean(dim=0)[0].argmax())


def _attention(network: nn.Module, images: Tensor) -> Tensor:
    if isinstance(network, BesideTable):
        return _attention(network.fusion.image, network.parted(images)[0].contiguous())
    return cast("MultipleInstance", network).attention(images)  # a plan has no other network for views
