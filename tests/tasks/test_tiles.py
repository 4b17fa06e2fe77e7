"""Large images looked at tile by tile."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

from hounsfield.networks.found import Found
from hounsfield.tasks.tiles import core_of, in_tiles, joined, starts_along, tiles_of


@pytest.mark.parametrize(
    ("side", "tile", "starts"),
    [(64, 64, [0]), (40, 64, [0]), (65, 64, [0, 1]), (112, 64, [0, 48]), (160, 64, [0, 48, 96])],
)
def test_tiles_cover_a_side_and_share_a_quarter(side: int, tile: int, starts: list[int]) -> None:
    assert starts_along(side, tile) == starts


def test_neighbours_share_at_least_a_quarter_whatever_the_side() -> None:
    for side in range(65, 700, 7):
        starts = starts_along(side, 64)
        assert starts[0] == 0 and starts[-1] == side - 64
        assert max(b - a for a, b in zip(starts, starts[1:], strict=False)) <= 48


def test_every_place_belongs_to_a_tile_that_shows_it_and_few_to_two() -> None:
    shape, tile = (100, 150), (64, 64)
    places = torch.stack(torch.meshgrid(torch.arange(150) + 0.5, torch.arange(100) + 0.5, indexing="ij"), -1).flatten(
        0, 1
    )

    owners = torch.zeros(len(places))
    for start in tiles_of(shape, tile):
        low, high = core_of(start, shape, tile)
        own = ((places >= low) & (places < high)).all(dim=1)
        owners += own
        shown = (places >= torch.tensor(start[::-1])) & (places < torch.tensor(start[::-1]) + 64)
        assert bool(shown.all(dim=1)[own].all())

    assert owners.min() == 1
    assert (owners == 1).float().mean() > 0.8


def test_a_lesion_that_each_of_two_tiles_places_on_the_others_side_is_found_once() -> None:
    """Tiles of 64 begin at 0 and 48 and share 16: their cores meet at 56."""
    shape, tile = (64, 112), (64, 64)

    def look(images: Tensor) -> list[list[Found]]:
        middle = 57.0 if float(images[0, 0, 0, 0]) == 0.0 else 55.0 - 48
        boxes = torch.tensor([[middle - 6, 10, middle + 6, 30]])
        return [[Found(boxes, torch.tensor([[0.6, 0.1]]))]]

    images = torch.arange(112.0).expand(1, 1, 64, 112)
    ((found,),) = in_tiles(look, tile, most=9)(images)
    assert found.boxes.tolist() == [[49, 10, 63, 30]]
    assert shape == tuple(images.shape[2:])


def bright(images: Tensor) -> list[list[Found]]:
    """One network that finds each bright pixel as a box around it, cut off by the border of what it is shown."""
    found = []
    for image in images[:, 0]:
        y, x = torch.where(image > 0)
        height, width = image.shape
        boxes = torch.stack(
            [(x - 4).clamp(min=0), (y - 4).clamp(min=0), (x + 5).clamp(max=width), (y + 5).clamp(max=height)], 1
        )
        found.append(Found(boxes.float(), image[y, x][:, None]))
    return [found]


def test_what_is_found_on_tiles_is_whole_each_once_and_where_it_is() -> None:
    images = torch.zeros(2, 1, 100, 150)
    places = {(10, 12): 0.9, (50, 75): 0.8, (47, 60): 0.7, (90, 140): 0.6}
    for (y, x), score in places.items():
        images[0, 0, y, x] = score

    ((first, second),) = in_tiles(bright, (64, 64), most=3)(images)

    assert first.probabilities[:, 0].tolist() == pytest.approx([0.9, 0.8, 0.7])  # the surest three
    assert first.boxes.tolist() == [[x - 4, y - 4, x + 5, y + 5] for y, x in list(places)[:3]]
    assert len(second.boxes) == 0


def test_a_lesion_that_two_tiles_saw_a_part_of_is_one() -> None:
    """A long lesion over the border of two tiles of 64, which begin at 0 and 48: each finds what it shows of it."""
    shape, tile = (64, 112), (64, 64)

    def look(images: Tensor) -> list[list[Found]]:
        left = float(images[0, 0, 0, 0]) == 0.0
        boxes = torch.tensor([[20.0, 10, 64, 30]]) if left else torch.tensor([[0.0, 10, 42, 31]])
        return [[Found(boxes, torch.tensor([[0.6, 0.1]]) if left else torch.tensor([[0.7, 0.2]]))]]

    images = torch.arange(112.0).expand(1, 1, 64, 112)
    ((found,),) = in_tiles(look, tile, most=5)(images)

    assert shape == tuple(images.shape[2:])
    assert found.boxes.tolist() == [[20, 10, 90, 31]]
    assert found.probabilities[0].tolist() == pytest.approx([0.7, 0.2])


def test_many_findings_on_many_tiles_are_joined_without_comparing_each_with_all() -> None:
    shape, tile, each = (3000, 3000), (512, 512), 50
    starts, generator = tiles_of(shape, tile), torch.Generator().manual_seed(0)
    found = []
    for _ in starts:
        corner = torch.rand(each, 2, generator=generator) * 490
        found.append(Found(torch.cat([corner, corner + 20], dim=1), torch.rand(each, 1, generator=generator)))

    began = time.process_time()
    whole = joined(found, starts, shape, tile, most=10_000)

    assert time.process_time() - began < 3  # some 30 with all pairs of tiles compared
    assert len(starts) == 64 and 1000 < len(whole.boxes) < 64 * each
