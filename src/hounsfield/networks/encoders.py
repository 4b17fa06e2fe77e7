"""What networks have in common that look at the maps of an encoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from hounsfield.errors import ShapeError


def require_encoder(encoder: nn.Module, *, dims: int, channels: int) -> None:
    """Accept an encoder for images of so many axes and channels.

    Raises:
        ShapeError: It takes others.
    """
    if encoder.dims != dims or encoder.channels != channels:
        raise ShapeError(
            f"the encoder is for {encoder.dims}-D images of {encoder.channels} channels, not for {dims}-D ones of "
            f"{channels}"
        )


def stages_after(encoder: nn.Module, own: Sequence[nn.Module]) -> list[list[nn.Module]]:
    """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
    stages: list[list[nn.Module]] = encoder.stages()  # type: ignore[operator]
    learned = [stage for stage in stages if any(True for module in stage for _ in module.parameters())]
    return [*learned, [*own]]
