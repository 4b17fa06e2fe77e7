"""An agent that walks to landmarks: a deep Q-network on what it sees around the place where it stands.

At each step the agent sees the image around it and may go one step forward or back along each axis; the network says
what each of these steps is worth. It walks at several scales: far-sighted and with long strides first, then near. All
landmarks share the convolutions that look, and each has a layer of its own that decides. An agent that has arrived goes
to and fro: where it is on average in its last steps is its answer, and how far apart several agents end who began in
different places says how sure that is. How the network learns is in `learning/reinforcement.py`.

Reference:
    Mnih et al., "Human-level control through deep reinforcement learning" (2015), doi:10.1038/nature14236; Ghesu et
    al., "Multi-scale deep reinforcement learning for real-time 3D-landmark detection in CT scans" (2017),
    doi:10.1109/TPAMI.2017.2782687; Alansary et al., "Evaluating reinforcement learning agents for anatomical landmark
    detection" (2019), doi:10.1016/j.media.2019.02.007; Vlontzos et al., "Multiple landmark detection using multi-agent
    reinforcement learning" (2019), arXiv:1907.00318 (shared convolutions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.networks.encoders import Staged
from hounsfield.networks.landmarks import answer_of, landmarks_in
from hounsfield.networks.untouched import Untouched

AVERAGED = 4
"""Last steps of a walk whose mean is where it ends: an agent that has arrived goes to and fro."""

BEGIN = (0.35, 0.65)
"""Where walks begin along every axis, as shares of the sides; one more begins in the middle."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Agents, and where they stand: many at once, each before an image of a batch."""

    image: Tensor
    """(agents,), number of the image in the batch."""
    landmark: Tensor
    """(agents,), which one each looks for."""
    place: Tensor
    """(agents, dims), in pixels from the outer edge of the first, in array order: the middle of one."""
    scale: Tensor
    """(agents,), pixels of a step."""


class Policy(Staged):
    """Convolutions on the window around an agent, and what each step is worth to it."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        window: int = 25,
        scales: Sequence[int] = (4, 2, 1),
        steps: int = 12,
        widths: Sequence[int] = (16, 32, 32, 64),
        hidden: int = 128,
        stem_stride: Literal[1, 2] = 1,
    ) -> None:
        """Make the layers; the weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: C.
            outputs: Length of the answer, see `networks.landmarks`.
            window: Points along each side of what an agent sees, `scale` pixels apart; odd.
            scales: Pixels of a step, the largest first.
            steps: At each scale but the first, where the whole image may have to be crossed.
            widths: Maps of each convolution layer; each but the first halves them while more than
                three a side are left, the first as `stem_stride` says.
            hidden: Features of the layer before each landmark's own.
            stem_stride: 2: the first layer halves what is seen already.
        """
        super().__init__()
        self.dims, self.channels = dims, channels
        self.landmarks = landmarks_in(outputs, dims)
        self.window, self.scales, self.steps = window, tuple(scales), steps
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        layers: list[nn.Module] = []
        before, side = channels, window
        for number, width in enumerate(widths):
            stride = (2 if side > 3 else 1) if number else stem_stride
            layers += [convolution(before, width, 3, stride=stride, padding=1), nn.ReLU(inplace=True)]
            before, side = width, -(-side // stride)
        self.look = nn.Sequential(*layers)
        self.think = nn.Sequential(nn.Linear(before * side**dims + len(self.scales), hidden), nn.ReLU(inplace=True))
        self.answer = nn.Linear(hidden, self.landmarks * 2 * dims)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.answer.weight, std=0.01)

    def forward(self, images: Tensor, standing: Untouched[Standing] | None = None) -> Tensor:
        """Answers, (N, outputs), see `networks.landmarks`, where agents arrive; or what their steps are worth.

        Args:
            images: (N, C, …).
            standing: Agents before these images; (agents, 2 · dims), the worth of a step back and one forward along
                each axis, is then given.
        """
        if standing is not None:
            return self.worth(images, standing.value)
        ends = self.walked(images)[-AVERAGED:].mean(dim=0)  # (N, agents, landmarks, dims)
        sides = _sides(images)
        middle = ends.median(dim=1).values
        apart = (ends - middle[:, None]).abs().mean(dim=1) + 0.5 * min(self.scales)
        return answer_of(middle / sides, apart / sides)

    def worth(self, images: Tensor, standing: Standing) -> Tensor:
        """(agents, 2 · dims), what a step back and one forward along each axis is worth."""
        seen = self.look(windows(images, standing, self.window))
        scale = torch.tensor(self.scales, device=standing.scale.device)
        at = (standing.scale[:, None] == scale).to(seen)
        every = self.answer(self.think(torch.cat([seen.flatten(1), at], dim=1)))
        chosen: Tensor = every.reshape(len(seen), self.landmarks, -1)[torch.arange(len(seen)), standing.landmark]
        return chosen.float()

    @torch.no_grad()
    def walked(self, images: Tensor) -> Tensor:
        """Where the agents stand after each step, (steps + 1, N, agents, landmarks, dims) in pixels."""
        count, sides = len(images), _sides(images)
        begin = torch.tensor([[0.5] * self.dims, *product(BEGIN, repeat=self.dims)])
        if self.dims == 3:  # of the eight corners every second one: four that lie farthest apart
            begin = begin[[0, 1, 4, 6, 7]]
        agents = len(begin)
        begin = middle_of_pixel(begin * sides, sides)[None, :, None]
        place = begin.expand(count, agents, self.landmarks, self.dims).reshape(-1, self.dims)
        image = torch.arange(count).repeat_interleave(agents * self.landmarks)
        landmark = torch.arange(self.landmarks).repeat(count * agents)
        path = [place]
        for scale in self.scales:
            far = scale == self.scales[0]
            for _ in range(int((1 - min(BEGIN)) * float(sides.sum()) / scale) + AVERAGED if far else self.steps):
                standing = Standing(image, landmark, path[-1], torch.full((len(place),), scale))
                path.append(stepped(standing, self.worth(images, standing).argmax(dim=1), sides))
        return torch.stack(path).reshape(len(path), count, agents, self.landmarks, self.dims)

    def stages(self) -> list[list[nn.Module]]:
        """What looks, and what decides, for rates that differ by depth."""
        return [[self.look], [self.think, self.answer]]


def windows(images: Tensor, standing: Standing, side: int) -> Tensor:
    """What agents see: (agents, C, side, …), pixels `scale` apart around the one they stand on; beyond the image its
    edge goes on.

    Args:
        images: (N, C, …).
        standing: The agents.
        side: Points along each axis; odd.
    """
    around = torch.arange(side) - side // 2
    reach = standing.scale[:, None] * around
    dims = images.ndim - 2
    chosen = [standing.image.reshape(-1, *[1] * dims)]
    for axis, length in enumerate(images.shape[2:]):
        at = (standing.place[:, axis, None].floor().long() + reach).clamp(0, length - 1)
        chosen.append(at.reshape(-1, *[side if own == axis else 1 for own in range(dims)]))
    seen: Tensor = images.movedim(1, -1)[tuple(chosen)]
    return seen.movedim(-1, 1)


def stepped(standing: Standing, step: Tensor, sides: Tensor) -> Tensor:
    """Where agents stand, (agents, dims), after a step each, (agents,): 0 back along the first axis, 1 forward, 2 back
    along the second …; nobody leaves the image."""
    axis, way = step // 2, 2 * (step % 2) - 1
    moved = torch.nn.functional.one_hot(axis, standing.place.shape[1]) * (way * standing.scale)[:, None]
    return middle_of_pixel(standing.place + moved, sides)


def middle_of_pixel(places: Tensor, sides: Tensor) -> Tensor:
    """The middles, (…, dims), of the pixels of an image of `sides`, (dims,), that lie under places or next to them."""
    return torch.minimum(places.floor().clamp(min=0.0), sides - 1) + 0.5


def _sides(images: Tensor) -> Tensor:
    return torch.tensor(list(images.shape[2:]), dtype=torch.float32)
