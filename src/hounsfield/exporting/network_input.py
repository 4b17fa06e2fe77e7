"""`NetworkInput`: from an image file to what an exported network takes; the transform of an exported MONAI bundle."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from hounsfield import formats
from hounsfield.plan import read_plan
from hounsfield.plan.network_input import network_array, prepare
from hounsfield.tasks.predict import centre


class NetworkInput:
    """Prepares images by a plan.

    Args:
        plan: A plan.toml.
    """

    def __init__(self, plan: str | Path) -> None:
        """Read the plan."""
        self._spec = read_plan(Path(plan)).input

    def __call__(self, path: str | Path) -> Tensor:
        """The image at `path` as (channels, *shape) float32.

        Raises:
            HounsfieldError: It cannot be read, or is not of the kind the plan is for.
        """
        array = network_array(prepare(formats.read(path), self._spec), self._spec)
        return centre(torch.from_numpy(array)[None], self._spec.shape)[0].contiguous()
