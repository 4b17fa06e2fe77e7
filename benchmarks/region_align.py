"""How fast are regions cut out of a detector's maps, and learned from, beside torchvision's MultiScaleRoIAlign?

Both get the same maps of four films at three resolutions and the same regions of every size, in one process, with two
threads, in turns; the fastest of several rounds counts. Ours gives torchvision's numbers, which is looked at first.
"""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from record import record
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from hounsfield.networks.region_align import cut_out

FILMS, WIDTH, SIZE, STRIDES = 4, 64, (512, 352), (8, 16, 32)
READ, LEARNED = 100, 64
"""Regions of a film, in reading and in training."""
ROUNDS = 20
THREADS = 2
LARGEST_DIFFERENCE = 1e-4

Cut = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


def theirs(maps: Sequence[Tensor], regions: Sequence[Tensor]) -> Tensor:
    """As torchvision cuts them."""
    names = [str(number) for number in range(len(maps))]
    align = MultiScaleRoIAlign(names, output_size=7, sampling_ratio=2)
    found: Tensor = align(OrderedDict(zip(names, maps, strict=True)), [*regions], [SIZE] * len(regions))
    return found


def ours(maps: Sequence[Tensor], regions: Sequence[Tensor]) -> Tensor:
    """As we do."""
    return cut_out(maps, regions, STRIDES)


def drawn(count: int) -> tuple[list[Tensor], list[Tensor]]:
    """Maps (films, width, …) of each resolution, and of each film `count` regions within it."""
    maps = [torch.randn(FILMS, WIDTH, SIZE[0] // own, SIZE[1] // own) for own in STRIDES]
    limits = torch.tensor([SIZE[1], SIZE[0]] * 2, dtype=torch.float32)
    regions = []
    for _ in range(FILMS):
        centres = torch.rand(count, 2) * limits[:2]
        sides = torch.exp(torch.randn(count, 2) * 0.8 + 4)
        boxes = torch.cat([centres - sides / 2, centres + sides / 2], dim=1)
        regions.append(torch.minimum(boxes.clamp(min=0), limits))
    return maps, regions


def cut(way: Cut, maps: Sequence[Tensor], regions: Sequence[Tensor], *, learn: bool) -> None:
    """Cut out once, and go back with `learn`."""
    if learn:
        leaves = [level.detach().requires_grad_() for level in maps]
        way(leaves, regions).sum().backward()
    else:
        with torch.inference_mode():
            way(maps, regions)


def main() -> int:
    """Compare, measure and record; 1 where the numbers differ."""
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    rows, differ = [], False
    for what, count, learn in (("reading", READ, False), ("learning, forth and back", LEARNED, True)):
        maps, regions = drawn(count)
        difference = float((ours(maps, regions) - theirs(maps, regions)).abs().max())
        differ = differ or difference > LARGEST_DIFFERENCE
        fastest = {"torchvision": float("inf"), "hounsfield": float("inf")}
        for _ in range(ROUNDS):
            for name, way in (("torchvision", theirs), ("hounsfield", ours)):
                began = time.perf_counter()
                cut(way, maps, regions, learn=learn)
                fastest[name] = min(fastest[name], time.perf_counter() - began)
        rows += [
            {
                "what": what,
                "by": name,
                "regions a film": count,
                "ms a film": round(1000 * seconds / FILMS, 2),
                "times": round(fastest["torchvision"] / seconds, 2),
                "largest difference": f"{difference:.1g}" if name == "hounsfield" else "",
            }
            for name, seconds in fastest.items()
        ]
    record(
        "region_align",
        f"Regions cut out of maps, 7 × 7 of {WIDTH} maps, the fastest of {ROUNDS} rounds, {THREADS} threads.",
        rows,
        packages=("torch", "torchvision"),
    )
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
