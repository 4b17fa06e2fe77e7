"""Reinforcement learning: an agent learns to walk to a landmark by walking.

A step is rewarded by how much nearer it brings the agent, in steps. Q-learning makes the worth of a step equal to its
reward and the discounted worth of the best step after it; a slowly following copy of the network says what that is
worth, and the network itself which is best (double Q-learning). Many agents walk before all images of a batch at once,
from places drawn anew, so that what is learned from together is as varied as what a replay memory would hold.

Reference:
    Mnih et al. (2015), doi:10.1038/nature14236; van Hasselt, Guez, Silver, "Deep reinforcement learning with double
    Q-learning" (2016), arXiv:1509.06461; Gallici et al., "Simplifying deep temporal difference learning" (2024),
    arXiv:2407.04811 (many walks at once in place of a replay memory).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import IntArray
from hounsfield.learning.lesson import Exam, Setup, descend
from hounsfield.learning.points import PointLesson, pointed_batch
from hounsfield.networks.policy import Policy, Standing, middle_of_pixel, stepped
from hounsfield.networks.untouched import Untouched
from hounsfield.plan import Plan

DISCOUNT = 0.5
"""What a reward one step later is worth. Each step is rewarded by itself, so that agents need not look far ahead: on
28 images of two spots the median distances of four seeds after 40 passes were 1.0 to 1.6 pixels with 0.3, 1.4 to 2.6
with 0.5 and 2.1 to 3.9 with 0.7, a fifth of the way being followed; 1.3 to 1.7 with 0.5 and `FOLLOWS`."""

EXAMINED = 16
"""Images that walks are taken before after each epoch; all are measured in the end."""

FOLLOWS = 0.05
"""By which share of the way the copy follows the network after each step of learning."""


class Copy:
    """The slowly following copy of a network that learns; it begins anew with each epoch, so that a training that was
    stopped goes on as it would have."""

    def __init__(self) -> None:
        """There is nothing to follow yet."""
        self._epoch: torch.Generator | None = None
        self._network: Policy | None = None

    def of(self, network: Policy, epoch: torch.Generator) -> Policy:
        """The copy of this network, in the epoch whose source of randomness this is."""
        if self._network is None or self._epoch is not epoch:
            self._epoch, self._network = epoch, copy.deepcopy(network).eval().requires_grad_(False)
        return self._network

    @torch.no_grad()
    def follow(self, network: Policy) -> None:
        """Go a little of the way to where the network is now."""
        if self._network is not None:
            for slow, quick in zip(self._network.parameters(), network.parameters(), strict=True):
                slow.lerp_(quick.to(slow), FOLLOWS)


@dataclass(frozen=True, eq=False)
class WalkLesson(PointLesson):
    """Prepared cases with landmarks, to which an agent learns to walk."""

    slow: Copy = field(default_factory=Copy)

    def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> Tensor:
        """Learn from walks before a batch of changed images; the loss of their steps, a scalar on the CPU."""
        policy, choice = run.network, plan.reinforcement
        if not isinstance(policy, Policy):
            raise TypeError(f"the network {plan.network.name!r} does not walk")
        images, truth = pointed_batch(plan, self.inputs, rows, generator=generator)
        slow = self.slow.of(policy, generator)
        sides = torch.tensor(list(images.shape[2:]), dtype=torch.float32)
        goals = truth * sides
        total = torch.zeros(())
        standing = draw_standing(policy, goals, sides, walks=choice.walks, generator=generator)
        if not len(standing.image):  # the landmarks of all these images have left them, or were never there
            return total
        for _ in range(choice.steps):
            worth, _ = run.wrapped(images, Untouched(standing))
            step = eager_step(worth.detach(), choice.curious, generator)
            after = replace(standing, place=stepped(standing, step, sides))
            wanted = worth_of_steps(policy, slow, images, standing, after, goals[standing.image, standing.landmark])
            loss = nn.functional.smooth_l1_loss(worth[torch.arange(len(step)), step], wanted)
            descend(run, plan, loss)
            self.slow.follow(policy)
            total += loss.detach().cpu()
            standing = after
        return total / choice.steps

    def examined(self, network: nn.Module, plan: Plan, rows: IntArray) -> Exam:
        """As `PointLesson.examined`, of a few rows, for walks take long; an agent that walks the same way before every
        image has learned little, and is not dead."""
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), EXAMINED)).round().astype(np.int64)]
        return replace(super().examined(network, plan, some), dead=False)


@torch.no_grad()
def worth_of_steps(
    policy: Policy, slow: Policy, images: Tensor, before: Standing, after: Standing, goal: Tensor
) -> Tensor:
    """(agents,), what the steps from `before` to `after` should be worth: their reward, and what the best step after
    them is worth, unless they have arrived.

    Args:
        policy: Says which step is the best one.
        slow: Says what that is worth.
        images: (N, C, …) that the agents stand before.
        before: Where they stood.
        after: Where they stand.
        goal: (agents, dims), where they are to go.
    """
    best = policy.worth(images, after).argmax(dim=1)
    later = slow.worth(images, after)[torch.arange(len(best)), best]
    arrived = (after.place - goal).abs().amax(dim=1) <= after.scale / 2
    wanted: Tensor = reward(before.place, after.place, goal, before.scale) + DISCOUNT * later * ~arrived
    return wanted


def reward(before: Tensor, after: Tensor, goal: Tensor, scale: Tensor) -> Tensor:
    """(agents,), how much nearer agents came to their goals, (agents, dims), in steps of `scale` pixels, in [-1, 1]."""
    nearer = (before - goal).norm(dim=1) - (after - goal).norm(dim=1)
    rewarded: Tensor = (nearer / scale).clamp(-1.0, 1.0)
    return rewarded


def eager_step(worth: Tensor, curious: float, generator: torch.Generator) -> Tensor:
    """(agents,), the steps that are worth most, or with probability `curious` any."""
    any_step = torch.randint(worth.shape[1], (len(worth),), generator=generator)
    at_random = torch.rand(len(worth), generator=generator) < curious
    return torch.where(at_random, any_step, worth.argmax(dim=1))


def draw_standing(policy: Policy, goals: Tensor, sides: Tensor, *, walks: int, generator: torch.Generator) -> Standing:
    """Agents at random places, before each image `walks` for each landmark that is there, each at some scale.

    Half of them stand anywhere. The others stand about as near to their goal as agents of their scale come: within
    twelve steps.

    Args:
        policy: Whose scales they walk at.
        goals: (N, landmarks, dims) in pixels; NaN where one is not there.
        sides: (dims,), of the images.
        walks: For each landmark of each image.
        generator: The source of randomness.
    """
    image, landmark = (~torch.isnan(goals).any(dim=2)).nonzero(as_tuple=True)
    image, landmark = image.repeat(walks), landmark.repeat(walks)
    count = len(image)
    scale = torch.tensor(policy.scales)[torch.randint(len(policy.scales), (count,), generator=generator)]
    anywhere = torch.rand((count, len(sides)), generator=generator) * sides
    aside = (2 * torch.rand((count, len(sides)), generator=generator) - 1) * 12 * scale[:, None]
    near = goals[image, landmark] + aside
    chosen = torch.rand((count, 1), generator=generator) < 0.5
    return Standing(image, landmark, middle_of_pixel(torch.where(chosen, anywhere, near), sides), scale)
