"""Distances between solids, held against proofs by separating planes and against brute force on fine surfaces."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.depth import depth, fits
from hounsfield.datasets.phantom3d.separation import apart, gap
from hounsfield.datasets.phantom3d.solids import Capsule, Drum, Ellipsoid, Lobe, Solid, Trunk, ball, unit, vector
from hounsfield.datasets.phantom3d.structure import Structure, measure

POINTS = 1200


def turn(rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.linalg.qr(rng.standard_normal((3, 3)))[0])


def ellipsoid(rng: np.random.Generator, place: FloatArray, low: float = 5, high: float = 25) -> Ellipsoid:
    return Ellipsoid(place, rng.uniform(low, high, 3), turn(rng))


def far(rng: np.random.Generator) -> FloatArray:
    return np.asarray(unit(rng.standard_normal(3)) * rng.uniform(70, 120))


def lobe(rng: np.random.Generator) -> Lobe:
    thick = ellipsoid(rng, far(rng), 18, 30)
    return Lobe(thick, thick.center + unit(rng.standard_normal(3)) * 45, 0.3)


SOLIDS: dict[str, Callable[[np.random.Generator], Solid]] = {
    "ball": lambda rng: ball(far(rng), rng.uniform(3, 20)),
    "capsule": lambda rng: Capsule(far(rng), far(rng) + 30, rng.uniform(2, 6)),
    "ellipsoid": lambda rng: ellipsoid(rng, far(rng), 8, 40),
    "lobe": lobe,
    "drum": lambda rng: Drum(far(rng), 22, 16, 12.5),
}


def surface(solid: Solid, rays: FloatArray) -> FloatArray:
    """Points of a surface: rays from the middle of a solid, halved until they end on it."""
    low, high = solid.bounds
    middle = (solid.support(np.eye(3)).mean(axis=0) + solid.support(-np.eye(3)).mean(axis=0)) / 2
    near, away = np.zeros(len(rays)), np.full(len(rays), float(np.linalg.norm(high - low)))
    for _ in range(40):
        half = (near + away) / 2
        inside = solid.signed(*(middle + half[:, np.newaxis] * rays).T) <= 0
        near, away = np.where(inside, half, near), np.where(inside, away, half)
    return np.asarray(middle + near[:, np.newaxis] * rays)


def brute_force(rng: np.random.Generator, *solids: Solid) -> float:
    """The least distance between points of two surfaces: all over them, then ever closer around the nearest pair."""
    rays = [unit(rng.standard_normal((POINTS, 3))) for _ in solids]
    least = math.inf
    for spread in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003):
        between = cdist(*(surface(solid, ray) for solid, ray in zip(solids, rays, strict=True)))
        least = min(least, float(between.min()))
        nearest = np.unravel_index(between.argmin(), between.shape)
        around = spread * rng.standard_normal((POINTS, 3))
        rays = [
            unit(ray[place] + around * (1 if turn else -1))
            for turn, (ray, place) in enumerate(zip(rays, nearest, strict=True))
        ]
    return least


@pytest.mark.parametrize("kind", SOLIDS)
def test_a_plane_proves_that_nothing_is_nearer_and_two_points_that_nothing_is_further(kind: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(15):
        tumour, other = ellipsoid(rng, np.zeros(3)), SOLIDS[kind](rng)
        found = gap(tumour, other)
        if found is None:
            continue
        way = found.there - found.here
        ahead = way / found.distance_mm
        assert np.linalg.norm(way) == pytest.approx(found.distance_mm, abs=1e-9)
        assert (other.support(-ahead) - tumour.support(ahead)) @ ahead == pytest.approx(found.distance_mm, abs=2e-6)
        for solid, point in ((tumour, found.here), (other, found.there)):
            assert abs(float(solid.signed(*point[:, np.newaxis])[0])) < 1e-5


@pytest.mark.parametrize("kind", SOLIDS)
def test_brute_force_on_fine_surfaces_finds_the_same(kind: str) -> None:
    rng = np.random.default_rng(2)
    tumour, other = ellipsoid(rng, np.zeros(3), 8, 14), SOLIDS[kind](rng)
    found = gap(tumour, other)
    assert found is not None
    assert found.distance_mm - 1e-6 <= brute_force(rng, tumour, other) <= found.distance_mm + 2e-3


def test_the_general_way_agrees_with_the_closed_form_between_balls_and_capsules() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        tumour, vessel = ball(np.zeros(3), rng.uniform(5, 20)), Capsule(far(rng), far(rng), rng.uniform(1, 6))
        general, closed = gap(tumour, vessel), measure(tumour, Structure("vessel", (vessel,)))
        assert (general is None) == (closed.relation == "touching")
        if general is not None:
            assert general.distance_mm == pytest.approx(closed.gap.distance_mm, abs=1e-9)
            np.testing.assert_allclose(general.there, closed.gap.there, atol=1e-6)


def test_distances_known_by_hand() -> None:
    # Balls of 3 and 4 with centres 10 apart: 3 mm; a ball of 3 beside a capsule of 2 along z at x = 10: 5 mm.
    two = gap(ball(vector(0, 0, 0), 3), ball(vector(0, 10, 0), 4))
    assert two is not None
    assert two.distance_mm == pytest.approx(3)
    np.testing.assert_allclose((two.here, two.there), ((0, 3, 0), (0, 6, 0)), atol=1e-9)
    beside = measure(ball(vector(0, 0, 0), 3), Structure("v", (Capsule(vector(10, 0, -9), vector(10, 0, 20), 2),)))
    assert (beside.relation, beside.gap.distance_mm) == ("outside", pytest.approx(5))
    # An ellipsoid of 2, 5, 9 within a ball of 20 about the same centre: 11 mm, along its longest axis.
    within = depth(Ellipsoid(np.zeros(3), vector(2, 5, 9), np.eye(3)), ball(np.zeros(3), 20))
    assert within is not None
    assert within.distance_mm == pytest.approx(11, abs=1e-9)
    # A ball of 4 in an elliptic trunk of 30 × 20, at its axis: 16 mm.
    trunk = depth(ball(np.zeros(3), 4), Trunk(30, 20, 2.0))
    assert trunk is not None
    assert trunk.distance_mm == pytest.approx(16, abs=1e-9)


@pytest.mark.parametrize("exponent", [2.0, 2.6])
def test_the_depth_in_a_trunk_is_that_of_brute_force(exponent: float) -> None:
    rng = np.random.default_rng(4)
    body, angle = Trunk(165, 115, exponent), np.linspace(0, 2 * math.pi, 3000)
    x = body.semi_x * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / exponent)
    y = body.semi_y * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / exponent)
    outline = np.stack([x, y], axis=1)
    rays = unit(rng.standard_normal((2000, 3)))
    for _ in range(4):
        tumour = ellipsoid(rng, rng.uniform(-1, 1, 3) * vector(90, 60, 60), 5, 16)
        found = depth(tumour, body)
        assert found is not None
        brute = cdist(surface(tumour, rays)[:, :2], outline).min()
        assert found.distance_mm - 1e-6 <= brute <= found.distance_mm + 0.05


def test_the_depth_in_a_liver_is_that_of_brute_force() -> None:
    rng = np.random.default_rng(5)
    thick = Ellipsoid(vector(-60, 0, 0), vector(60, 64, 66), turn(rng))
    liver = Lobe(thick, vector(25, -30, 15), 0.3)
    for _ in range(4):
        tumour = ellipsoid(rng, thick.center + rng.uniform(-18, 18, 3), 6, 14)
        found = depth(tumour, liver)
        assert found is not None
        assert fits(tumour, liver, found.distance_mm - 0.01)
        assert found.distance_mm - 1e-6 <= brute_force(rng, tumour, liver) <= found.distance_mm + 2e-3


def test_what_touches_or_overlaps_has_no_distance_and_shares_a_point() -> None:
    tumour = Ellipsoid(np.zeros(3), vector(6, 9, 12), np.eye(3))
    vessel = Capsule(vector(7, -40, 0), vector(7, 40, 0), 2)
    found = measure(tumour, Structure("vessel", (Capsule(vector(60, 0, 0), vector(70, 0, 0), 2), vessel)))
    assert (found.relation, found.gap.distance_mm) == ("touching", 0)
    np.testing.assert_array_equal(found.gap.here, found.gap.there)
    for solid in (tumour, vessel):
        assert abs(float(solid.signed(*found.gap.here[:, np.newaxis])[0])) < 1e-6
    assert gap(tumour, vessel) is None
    assert not apart(tumour, vessel, 0.0)
    assert depth(tumour, ball(vector(0, 0, 12), 11)) is None


def test_a_structure_is_as_near_as_its_nearest_part() -> None:
    rng = np.random.default_rng(6)
    parts = tuple(SOLIDS[kind](rng) for kind in SOLIDS for _ in range(6))
    tumour = ellipsoid(rng, np.zeros(3), 5, 12)
    ways = [way.distance_mm if (way := gap(tumour, part)) else 0.0 for part in parts]
    assert measure(tumour, Structure("all", parts)).gap.distance_mm == pytest.approx(min(ways), abs=2e-6)


@pytest.mark.parametrize("kind", SOLIDS)
def test_support_points_lie_on_the_surface_and_nothing_lies_beyond(kind: str) -> None:
    rng = np.random.default_rng(7)
    solid = SOLIDS[kind](rng)
    directions = unit(rng.standard_normal((50, 3)))
    points = solid.support(directions)
    assert np.abs(solid.signed(*points.T)).max() < 1e-6
    reach = surface(solid, unit(rng.standard_normal((POINTS, 3)))) @ directions.T
    assert (reach.max(axis=0) <= np.sum(points * directions, axis=1) + 1e-6).all()
