"""Labelling in bounded memory against the plain way: all answers at once, resampled at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hounsfield import geometry
from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import GeometryError
from hounsfield.tasks import windows as module
from hounsfield.tasks.windows import Windows, label_image, window_of

OUTPUTS = 4


def network(seed: int = 0, channels: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv3d(channels, 6, 3, padding=1), nn.ReLU(), nn.Conv3d(6, OUTPUTS, 3, padding=1)).eval()


def smooth(shape: tuple[int, ...], seed: int = 0) -> FloatArray:
    from scipy import ndimage

    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    scaled: FloatArray = (noise / noise.std()).astype(np.float32)
    return scaled


def argmax(logits: Tensor) -> Tensor:
    return logits.argmax(dim=0)


@torch.inference_mode()
def plain(look: nn.Module, voxels: FloatArray, windows: Windows, shape: tuple[int, int, int]) -> IntArray:
    """Every window's logits added up over the whole image, then enlarged, then the likeliest label."""
    sides = voxels.shape[1:]
    padded = [max(side, own) for side, own in zip(sides, windows.shape, strict=True)]
    inside = tuple(
        slice((whole - side) // 2, (whole - side) // 2 + side) for whole, side in zip(padded, sides, strict=True)
    )
    image = torch.zeros((1, len(voxels), *padded))
    image[(0, slice(None), *inside)] = torch.from_numpy(voxels)
    total, weight = torch.zeros((1, OUTPUTS, *padded)), torch.zeros((1, 1, *padded))
    own = windows.weights()
    for d in windows.starts(padded[0], 0):
        for h in windows.starts(padded[1], 1):
            for w in windows.starts(padded[2], 2):
                place = tuple(slice(start, start + side) for start, side in zip((d, h, w), windows.shape, strict=True))
                total[(0, slice(None), *place)] += look(image[(slice(None), slice(None), *place)])[0] * own
                weight[(0, 0, *place)] += own
    logits = (total / weight)[(slice(None), slice(None), *inside)]
    resampled = nn.functional.interpolate(logits, size=shape, mode="trilinear", align_corners=False)
    return resampled[0].argmax(dim=0).numpy()


def onto_of(stored: tuple[int, int, int], prepared: tuple[int, int, int]) -> FloatArray:
    affine = np.eye(4)
    return np.linalg.inv(geometry.resized(affine, stored, prepared)) @ affine


@pytest.mark.parametrize(
    ("sides", "stored"),
    [
        ((20, 24, 18), (20, 24, 18)),
        ((20, 24, 18), (31, 50, 41)),
        ((20, 24, 18), (9, 13, 40)),
        ((5, 30, 33), (11, 30, 66)),
        ((33, 7, 9), (70, 9, 9)),
    ],
)
def test_slab_by_slab_gives_what_all_at_once_gives(sides: tuple[int, int, int], stored: tuple[int, int, int]) -> None:
    look, windows, voxels = network(), Windows((8, 12, 10)), smooth((1, *sides))
    with torch.inference_mode():
        found = label_image(look, voxels, windows, argmax, outputs=OUTPUTS, onto=onto_of(stored, sides), shape=stored)
    assert found.dtype == np.uint8
    assert len(np.unique(found)) > 1
    assert (found == plain(look, voxels, windows, stored)).mean() > 0.9999


def test_beyond_a_part_that_was_cut_out_there_is_nothing() -> None:
    look, windows, voxels = network(), Windows((8, 12, 10)), smooth((1, 20, 24, 18))
    part = (slice(4, 16), slice(3, 20), slice(5, 17))
    onto = np.eye(4)
    onto[:3, 3] = [-side.start for side in part]
    with torch.inference_mode():
        own = label_image(
            look, voxels[(0, *part)][None], windows, argmax, outputs=OUTPUTS, onto=np.eye(4), shape=(12, 17, 12)
        )
        found = label_image(
            look, voxels[(0, *part)][None], windows, argmax, outputs=OUTPUTS, onto=onto, shape=(20, 24, 18)
        )
    wanted = np.zeros((20, 24, 18), np.uint8)
    wanted[part] = own
    assert np.array_equal(found, wanted)
    assert own.any()


def test_answers_held_in_half_precision_change_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    look, windows, voxels = network(), Windows((8, 12, 10)), smooth((1, 20, 24, 18))
    monkeypatch.setattr(module, "MOST_BYTES", 0)
    with torch.inference_mode():
        found = label_image(look, voxels, windows, argmax, outputs=OUTPUTS, onto=np.eye(4), shape=(20, 24, 18))
    assert (found == plain(look, voxels, windows, (20, 24, 18))).mean() > 0.995


def test_an_image_turned_round_gets_its_labels_turned_back() -> None:
    look, windows, voxels = network(), Windows((8, 12, 10)), smooth((1, 20, 24, 18))
    turned = np.diag([-1.0, 1.0, -1.0, 1.0])
    turned[0, 3], turned[2, 3] = 19, 17
    with torch.inference_mode():
        as_it_is = label_image(look, voxels, windows, argmax, outputs=OUTPUTS, onto=np.eye(4), shape=(20, 24, 18))
        back = label_image(look, voxels, windows, argmax, outputs=OUTPUTS, onto=turned, shape=(20, 24, 18))
    np.testing.assert_array_equal(back, as_it_is[::-1, :, ::-1])


def test_no_more_slices_are_held_than_a_window_is_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, ...]] = []
    zeros = torch.zeros

    def watched(shape: tuple[int, ...], **options: torch.dtype) -> Tensor:
        made.append(tuple(shape))
        return zeros(shape, **options)  # type: ignore[call-overload, no-any-return]

    look, voxels = network(), smooth((1, 60, 16, 16))
    monkeypatch.setattr(module.torch, "zeros", watched)
    with torch.inference_mode():
        label_image(look, voxels, Windows((8, 16, 16)), argmax, outputs=OUTPUTS, onto=np.eye(4), shape=(60, 16, 16))
    assert max(np.prod(shape) for shape in made) == OUTPUTS * 8 * 16 * 16


def test_answers_are_added_label_by_label() -> None:
    class Watched(TorchDispatchMode):
        largest = 0

        def __init__(self, *given: Tensor) -> None:
            super().__init__()
            self.given = {one.untyped_storage().data_ptr() for one in given}

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor) and result.untyped_storage().data_ptr() not in self.given:
                self.largest = max(self.largest, result.numel())
            return result

    for kept in (torch.float32, torch.float16):
        answers, total = torch.zeros((OUTPUTS, 8, 12, 10), dtype=kept), torch.zeros((8, 12, 10))
        logits, weights = torch.ones(OUTPUTS, 8, 12, 10), torch.ones(8, 12, 10)
        with Watched(answers, total, logits, weights) as watched:
            module._add(answers, total, logits, weights, (0, 0, 0))
        assert 0 < watched.largest <= 8 * 12 * 10
        assert (answers == 1).all() and (total == 1).all()


def test_numbers_too_large_for_8_bits_are_kept_in_16() -> None:
    def look(windows: Tensor) -> Tensor:
        return windows

    def labelled(logits: Tensor) -> Tensor:
        return logits[0].round().int()

    column: FloatArray = np.array([0, 3, 300, 7], dtype=np.float32).reshape(1, 4, 1, 1) * np.ones(
        (1, 4, 5, 5), dtype=np.float32
    )
    found = label_image(look, column, Windows((2, 5, 5)), labelled, outputs=1, onto=np.eye(4), shape=(4, 5, 5))
    assert found.dtype == np.uint16 and found[:, 0, 0].tolist() == [0, 3, 300, 7]
    few = label_image(look, column / 2, Windows((2, 5, 5)), labelled, outputs=1, onto=np.eye(4), shape=(4, 5, 5))
    assert few.dtype == np.uint8 and few[:, 0, 0].tolist() == [0, 2, 150, 4]


def test_windows_cover_an_axis_evenly_and_share_enough() -> None:
    windows = Windows((10, 10, 10), overlap=0.5)
    assert windows.starts(7, 0) == [-1]
    assert windows.starts(10, 0) == [0]
    starts = windows.starts(33, 0)
    assert starts[0] == 0
    assert starts[-1] == 23
    assert all(later - earlier <= 5 for earlier, later in zip(starts, starts[1:], strict=False))


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        (-2, [0, 0, 1, 2, 3]),
        (-1, [0, 1, 2, 3, 0]),
        (1, [2, 3, 0, 0, 0]),
        (5, [0, 0, 0, 0, 0]),
        (-9, [0, 0, 0, 0, 0]),
    ],
)
def test_beyond_the_image_a_window_is_0(start: int, wanted: list[int]) -> None:
    column = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    for axis in range(3):
        voxels = column.reshape([1, *(3 if own == axis else 1 for own in range(3))])
        place, sides = ([own if at == axis else usual for at in range(3)] for own, usual in ((start, 0), (5, 1)))
        assert window_of(voxels, place, sides).flatten().tolist() == wanted


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        (-2, [1, 1, 1, 2, 3]),
        (-1, [1, 1, 2, 3, 3]),
        (1, [2, 3, 3, 3, 3]),
        (5, [3, 3, 3, 3, 3]),
        (-9, [1, 1, 1, 1, 1]),
    ],
)
def test_or_goes_on_as_the_image_ends_along_some_axes(start: int, wanted: list[int]) -> None:
    column = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    for axis in range(3):
        voxels = column.reshape([1, *(3 if own == axis else 1 for own in range(3))])
        place, sides = ([own if at == axis else usual for at in range(3)] for own, usual in ((start, 0), (5, 1)))
        assert window_of(voxels, place, sides, repeated=(axis,)).flatten().tolist() == wanted
        wider = [own if at == axis else 2 for at, own in enumerate(sides)]
        beside = window_of(voxels, place, wider, repeated=(axis,)).sum(dim=[at + 1 for at in range(3) if at != axis])
        assert beside.flatten().tolist() == wanted  # 0 along the other axes


def test_a_window_in_the_image_is_the_same_however_the_image_goes_on() -> None:
    voxels = smooth((2, 9, 8, 7))
    inside = window_of(voxels, (1, 2, 3), (5, 6, 4))
    np.testing.assert_array_equal(inside, voxels[:, 1:6, 2:8, 3:7])
    assert torch.equal(window_of(voxels, (1, 2, 3), (5, 6, 4), repeated=(0, 1, 2)), inside)


def test_of_a_volume_shallower_than_a_window_no_slice_is_shown_that_does_not_exist() -> None:
    voxels: FloatArray = np.arange(1, 4, dtype=np.float32).reshape(1, 3, 1, 1) * np.ones((1, 3, 6, 6), dtype=np.float32)
    seen: list[Tensor] = []

    def look(windows: Tensor) -> Tensor:
        seen.append(windows)
        return torch.cat([windows * 0, windows], dim=1)

    windows = Windows.of((8, 6, 6), 0.5, repeated=(0,))
    found = label_image(look, voxels, windows, argmax, outputs=2, onto=np.eye(4), shape=(3, 6, 6))
    assert [window[0, 0, :, 0, 0].tolist() for window in seen] == [[1, 1, 1, 2, 3, 3, 3, 3]]
    assert found.shape == (3, 6, 6) and found.all()


def watched(look: nn.Module, seen: list[Tensor]) -> Callable[[Tensor], Tensor]:
    """A network whose answers lie in memory that the next one is written into, as those of a runtime may."""
    memory = torch.zeros(1, OUTPUTS, 8, 12, 10)

    def answer(windows: Tensor) -> Tensor:
        seen.append(windows.clone())
        return memory.copy_(look(windows))

    return answer


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kept", [10**9, 0])
def test_windows_of_one_level_are_looked_at_once_and_labels_stay_the_same(
    channels: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", kept)
    look, windows = network(channels=channels), Windows((8, 12, 10))
    voxels: FloatArray = np.zeros((channels, 30, 60, 40), np.float32)
    voxels[:, 10:20, 20:40, 5:20] = smooth((channels, 10, 20, 15))
    if channels == 2:
        voxels[1] += 3  # channels may have levels of their own
    places = list(product(*(windows.starts(side, axis) for axis, side in enumerate(voxels.shape[1:]))))
    shown = [window_of(voxels, place, windows.shape) for place in places]
    plain = sum(1 for one in shown if len(one.flatten(1).unique(dim=1).T) > 1)
    options: dict[str, Any] = {"outputs": OUTPUTS, "onto": np.eye(4), "shape": voxels.shape[1:]}
    seen: list[Tensor] = []
    said: list[Tensor] = []

    def kept_argmax(logits: Tensor) -> Tensor:
        said.append(logits.clone())
        return argmax(logits)

    with torch.inference_mode():
        found = label_image(watched(look, seen), voxels, windows, kept_argmax, **options)
        monkeypatch.setattr(module, "_level_of", lambda window: None)
        wanted = label_image(look, voxels, windows, kept_argmax, **options)
    assert len(seen) == plain + 1 < len(places) / 2
    assert (wanted > 0).sum() > 1000
    assert np.array_equal(found, wanted)
    half = len(said) // 2
    assert all(torch.equal(one, other) for one, other in zip(said[:half], said[half:], strict=True))


def test_another_level_is_looked_at_too() -> None:
    voxels = np.repeat(np.arange(4.0, dtype=np.float32), 8).reshape(1, 32, 1, 1) * np.ones((1, 32, 12, 10), np.float32)
    seen: list[Tensor] = []
    look, windows = watched(network(), seen), Windows((8, 12, 10), overlap=0.0)
    with torch.inference_mode():
        found = label_image(look, voxels, windows, argmax, outputs=OUTPUTS, onto=np.eye(4), shape=(32, 12, 10))
    assert [float(one.mean()) for one in seen] == [0, 1, 2, 3] and found.shape == (32, 12, 10)


def test_a_grid_turned_by_an_angle_is_refused() -> None:
    turned = np.eye(4)
    turned[1, 2], turned[2, 1] = 0.1, -0.1
    with pytest.raises(GeometryError, match="steps that rotate"):
        label_image(
            network(), smooth((1, 8, 8, 8)), Windows((8, 8, 8)), argmax, outputs=OUTPUTS, onto=turned, shape=(8, 8, 8)
        )
