"""Near duplicates by hash and by points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.audit.aligned import points_in_common, points_of
from hounsfield.datasets.audit.glance import Glance, glance
from hounsfield.datasets.audit.likeness import likeness
from hounsfield.datasets.audit.moved import moved_copies
from hounsfield.datasets.audit.similar import nearest, pairs_above
from hounsfield.datasets.audit.twins import Twin, groups_of, near_duplicates
from hounsfield.datasets.case import ImageRef

Picture = Callable[..., VoxelArray]


def _written(pictures: list[VoxelArray], folder: Path) -> tuple[list[ImageRef], list[Glance]]:
    refs = []
    for number, pixels in enumerate(pictures):
        path = folder / f"{number}.png"
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
        refs.append(ImageRef(path))
    return refs, [glance(ref) for ref in refs]


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_picture_turned_by_right_angles_is_found(picture: Picture, tmp_path: Path, turns: int, mirror: bool) -> None:
    pictures = [picture(number) for number in range(12)]
    copy = np.rot90(pictures[5][:, ::-1] if mirror else pictures[5], turns)
    _, glances = _written([*pictures, np.ascontiguousarray(copy)], tmp_path)
    assert near_duplicates(glances) == [Twin(5, 12, "mirrored or turned")]


@pytest.mark.parametrize("mirror", [False, True])
def test_a_picture_turned_by_any_angle_and_cut_is_found(picture: Picture, tmp_path: Path, mirror: bool) -> None:
    pictures = [picture(number, 240) for number in range(12)]
    turn = cv2.getRotationMatrix2D((120, 120), 21, 1.3)
    copy = cv2.warpAffine(pictures[4], turn, (240, 240))
    refs, glances = _written([*pictures, np.ascontiguousarray(copy[:, ::-1]) if mirror else copy], tmp_path)
    assert near_duplicates(glances) == []
    found, passed_over = moved_copies(refs, glances, [])
    assert found == [Twin(4, 12, "moved")] and passed_over == 0
    assert moved_copies(refs, glances, [Twin(4, 12, "same")])[0] == []
    assert moved_copies(refs, glances, [], most_pairs=1)[1] > 10


def test_the_points_of_a_mirrored_picture_are_those_found_in_it(picture: Picture) -> None:
    plane = picture(0, 240).astype(np.float32) / 255
    turned = points_of(np.ascontiguousarray(plane[:, ::-1]))
    common = points_in_common(points_of(plane), turned)
    assert common > 0.8 * len(np.unique(turned.place, axis=0))
    assert points_in_common(points_of(plane), points_of(picture(1, 240).astype(np.float32) / 255)) < 12


def test_two_volumes_with_the_same_planes_are_twins(picture: Picture, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    volumes = [cv2.GaussianBlur(rng.normal(size=(24, 24, 24)), (0, 0), 2) for _ in range(12)]
    volumes = [np.round(255 * (v - v.min()) / np.ptp(v)).astype(np.uint8) for v in volumes]
    np.savez(tmp_path / "v.npz", images=np.stack([*volumes, volumes[2]]))
    glances = [glance(ImageRef(tmp_path / "v.npz", "images", row)) for row in range(13)]
    assert glances[0].planes.shape == (3, 64, 64) and glances[0].bits.shape == (768,)
    assert near_duplicates(glances) == [Twin(2, 12, "same")]


def test_where_all_films_look_alike_only_the_closest_agreement_counts(picture: Picture, tmp_path: Path) -> None:
    common = picture(99).astype(np.float32)
    films = [common * 0.7 + 0.3 * picture(number).astype(np.float32) for number in range(20)]
    pictures = [np.round(film).astype(np.uint8) for film in films]
    again = cv2.convertScaleAbs(pictures[7], alpha=0.97, beta=2)
    _, glances = _written([*pictures, again], tmp_path)
    assert Twin(7, 20, "same") in near_duplicates(glances)
    assert all(20 in (twin.first, twin.second) for twin in near_duplicates(glances))


def test_likeness_does_not_mind_brightness_and_counts_nothing_where_both_are_flat(picture: Picture) -> None:
    plane = picture(0, 64).astype(np.float32) / 255
    assert likeness(plane, plane * 0.5 + 0.2) == pytest.approx(1, abs=1e-3)
    assert abs(likeness(plane, picture(1, 64).astype(np.float32) / 255) or 1) < 0.3
    assert likeness(np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)) is None


def test_groups_are_joined_through_a_common_twin() -> None:
    twins = [Twin(0, 4, "same"), Twin(4, 2, "same"), Twin(5, 6, "same")]
    assert groups_of(twins, 8) == [(0, 2, 4), (5, 6)]
    assert groups_of([], 8) == []


def test_pairs_are_those_of_the_slow_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hounsfield.datasets.audit.similar._BLOCK", 7)
    monkeypatch.setattr("hounsfield.datasets.audit.similar._ROWS", 7)
    vectors = torch.nn.functional.normalize(torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    products = (vectors @ vectors.T).numpy()
    slow = {(a, b) for a in range(40) for b in range(a + 1, 40) if products[a, b] >= 0.6}
    assert set(zip(*(side.tolist() for side in pairs_above(vectors, 0.6)), strict=True)) == slow
    even = pairs_above(vectors, 0.6, also=lambda first, second: (first + second) % 2 == 0)
    assert set(zip(*(side.tolist() for side in even), strict=True)) == {pair for pair in slow if sum(pair) % 2 == 0}
    np.fill_diagonal(products, -1)
    near = {(min(a, b), max(a, b)) for a in range(40) for b in np.argsort(-products[a])[:2].tolist()}
    assert set(zip(*(side.tolist() for side in nearest(vectors, 2)[:2]), strict=True)) == near
