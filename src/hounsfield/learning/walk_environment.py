"""The walk to a landmark as an environment of Gymnasium, for agents that learn by other means than ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.errors import MissingExtraError, ShapeError
from hounsfield.learning.reinforcement import reward
from hounsfield.networks.policy import Standing, middle_of_pixel, stepped, windows

try:
    import gymnasium
except ImportError as error:
    raise MissingExtraError(
        "the environment needs the package gymnasium: pip install 'hounsfield[reinforcement]'"
    ) from error

STEPS = 200
"""After which a walk is cut short."""


class LandmarkWalk(gymnasium.Env[FloatArray, np.int64]):
    """One agent before one image: it sees the window around it, and goes a step along one axis.

    Actions are 0 back along the first axis, 1 forward, 2 back along the second …; the reward is how much nearer the
    step brought it, in steps, in [-1, 1]. The walk ends where the goal is within half a step along every axis.
    """

    def __init__(self, voxels: VoxelArray, goal: Sequence[float], *, window: int = 25, scale: int = 1) -> None:
        """Put an agent before an image.

        Args:
            voxels: (height, width) or (depth, height, width), with values near 0 … 1.
            goal: Where the landmark lies, in pixels from the outer edge of the first, in the array's order of axes.
            window: Points along each side of what the agent sees; odd.
            scale: Pixels of a step, and between these points.

        Raises:
            ShapeError: `goal` does not lie in the image.
        """
        if len(goal) != voxels.ndim or not all(
            0 <= place <= side for place, side in zip(goal, voxels.shape, strict=True)
        ):
            raise ShapeError(f"the goal {tuple(goal)} does not lie in an image of {voxels.shape}")
        self.image = torch.from_numpy(np.asarray(voxels, dtype=np.float32))[None, None]
        self.sides = torch.tensor(voxels.shape, dtype=torch.float32)
        self.goal = torch.tensor([*goal], dtype=torch.float32)[None]
        self.window, self.scale = window, scale
        levels = float(self.image.min()), float(self.image.max())
        self.observation_space = gymnasium.spaces.Box(*levels, (window,) * voxels.ndim, np.float32)
        self.action_space = gymnasium.spaces.Discrete(2 * voxels.ndim)
        self.place = middle_of_pixel(self.sides[None] / 2, self.sides)
        self.taken = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin anywhere, or on the pixel nearest to `options["place"]`; what the agent sees, and its place."""
        super().reset(seed=seed)
        anywhere = self.np_random.random(len(self.sides)) * self.sides.numpy()
        place = torch.tensor(np.asarray((options or {}).get("place", anywhere)), dtype=torch.float32)
        self.place = middle_of_pixel(place[None], self.sides)
        self.taken = 0
        return self._seen(), self._told()

    def step(self, action: np.int64) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """What the agent sees after a step, its reward, whether it has arrived, or walked too long, and its place."""
        standing = self._standing()
        after = stepped(standing, torch.tensor([int(action)]), self.sides)
        gained = float(reward(self.place, after, self.goal, standing.scale))
        self.place = after
        self.taken += 1
        arrived = bool((after - self.goal).abs().max() <= self.scale / 2)
        return self._seen(), gained, arrived, self.taken >= STEPS and not arrived, self._told()

    def _standing(self) -> Standing:
        zero = torch.zeros(1, dtype=torch.long)
        return Standing(zero, zero, self.place, torch.tensor([self.scale]))

    def _seen(self) -> FloatArray:
        seen: FloatArray = windows(self.image, self._standing(), self.window)[0, 0].numpy()
        return seen

    def _told(self) -> dict[str, Any]:
        return {"place": self.place[0].numpy().copy()}
