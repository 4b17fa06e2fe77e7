"""Errors of landmarks, by hand: units, medians, shares within a distance, and radii."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hounsfield.bundle import LandmarkPoint
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.comparison import compare
from hounsfield.evaluation.evidence import Evidence, Located, LocatedImage
from hounsfield.evaluation.localization import ALL, error_of, measure_localization
from hounsfield.evaluation.measure import Origin, measure_places
from hounsfield.findings import ModelIdentity
from hounsfield.findings.region import Point
from hounsfield.learning.landmark_point import choose_landmark_point
from hounsfield.reporting.comparison_report import verdict


def image(
    number: int, off: float, *, radius: float = 0.0, spacing: tuple[float, ...] = (1.0, 2.0, 2.0)
) -> LocatedImage:
    """One image of a patient, its landmark "a" located `off` pixels to the right, and "b" where it is."""
    truths = (Point(10, 10, 0.5, "a"), Point(20, 20, 0.5, "b"))
    found = (Located(Point(10 + off, 10, 0.5, "a"), radius), Located(Point(20, 20, 0.5, "b"), radius))
    return LocatedImage(f"case-{number}", f"patient-{number}", truths, found, spacing)


def measured(results: list[LocatedImage], **changed: object):  # type: ignore[no-untyped-def]
    given = {"landmarks": ("a", "b"), "promised": 0.0, "attributes": {}, "resamples": 200} | changed
    return measure_localization(results, **given)  # type: ignore[arg-type]


def test_errors_are_in_millimetres_where_every_image_knows_its_pixels() -> None:
    in_mm = measured([image(n, n) for n in range(5)])
    in_pixels = measured([image(n, n, spacing=() if n == 2 else (1.0, 2.0, 2.0)) for n in range(5)])

    assert (in_mm.unit, in_pixels.unit) == ("mm", "pixels")
    of_mm = {one.name: one for one in in_mm.landmarks}
    assert list(of_mm) == [ALL, "a", "b"]
    assert of_mm["a"].scores["median"].value == 4.0  # 0, 2, 4, 6, 8 mm
    assert of_mm["a"].scores["mean"].value == 4.0
    assert of_mm["a"].scores["within_4"].value == pytest.approx(0.6)
    assert of_mm["b"].scores["within_2"].value == 1.0
    assert of_mm["b"].scores["within_2"].low < 1.0  # five patients without an error do not prove that there is none
    assert of_mm[ALL].images == 5
    assert {one.name: one for one in in_pixels.landmarks}["a"].scores["median"].value == 2.0
    assert any("errors are in pixels" in note for note in in_pixels.notes)


def test_intervals_hold_the_value_and_widen_with_the_spread() -> None:
    even = measured([image(n, 1.0) for n in range(20)]).landmarks[1].scores["median"]
    spread = measured([image(n, float(n)) for n in range(20)]).landmarks[1].scores["median"]

    assert even.low == even.value == even.high == 2.0
    assert spread.low < spread.value < spread.high


def test_a_median_of_draws_counts_each_patient_as_often_as_drawn() -> None:
    from hounsfield.evaluation.resampling import quantiles_of_draws

    errors = np.array([5.0, 1.0, 3.0])
    weights = np.array([[1.0, 1, 1], [0, 3, 0], [2, 0, 1], [0, 1, 2]])

    assert quantiles_of_draws(errors, weights, 0.5).tolist() == [3.0, 1.0, 5.0, 3.0]


def test_a_landmark_that_an_image_does_not_show_counts_nothing() -> None:
    one = image(0, 1.0)
    without = LocatedImage("x", "x", one.truths[:1], one.found, one.spacing_mm)

    found = measured([one, without])

    assert [(own.name, own.images) for own in found.landmarks] == [(ALL, 2), ("a", 2), ("b", 1)]


def test_subgroups_show_the_median_and_small_ones_say_so() -> None:
    results = [image(n, 1.0 if n < 12 else 3.0) for n in range(15)]
    attributes = {one.case: {"site": "north" if n < 12 else "south"} for n, one in enumerate(results)}

    small, large = measured(results, attributes=attributes).subgroups

    assert (small.value, large.value) == ("south", "north")
    assert "Too small to score: 3 of at least 10 patients" in small.note and not small.scores
    assert large.scores["median"].value == pytest.approx(1.0)  # of a (2 mm) and b (0 mm)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "no images to measure"),
        ([image(0, 1), image(0, 1)], "measured twice"),
        ([LocatedImage("x", "x", (), (), ())], "shows a, b"),
    ],
)
def test_nothing_to_measure_is_refused(results: list[LocatedImage], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        measured(results)


def test_distances_follow_the_spacing_of_each_axis() -> None:
    assert error_of(Point(0, 0, 0), Point(1, 2, 2), (3.0, 1.0, 2.0)) == pytest.approx((36 + 4 + 4) ** 0.5)


def test_radii_hold_as_often_as_promised_on_new_patients() -> None:
    rng = np.random.default_rng(0)

    def draw(count: int) -> list[LocatedImage]:
        reach = rng.uniform(0.5, 2.0, count)
        return [image(n, float(abs(rng.normal()) * own), radius=float(own)) for n, own in enumerate(reach)]

    point = choose_landmark_point(draw(400), ("a", "b"), coverage=0.9, where="validation")
    new = draw(2000)
    inside = [
        error_of(one.truths[0], own.found[0].point, one.spacing_mm) <= own.found[0].radius
        for one in new
        for own in [point.of(one, ("a", "b"))]
    ]

    assert point.coverage == 0.9
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_from_few_images_no_radius_is_promised() -> None:
    point = choose_landmark_point([image(n, 1.0, radius=1.0) for n in range(5)], ("a", "b"), coverage=0.9, where="")

    assert point == LandmarkPoint(0.0, (None, None), "")
    assert [own.radius for own in point.of(image(0, 1.0, radius=1.0), ("a", "b")).found] == [0.0, 0.0]


def evidence_of(off: float, cases: int = 15, *, seed: int = 0) -> Evidence:
    """Of a model that is off by about as many pixels at "a", and right at "b"."""
    own = np.random.default_rng(seed).uniform(0, 0.2, cases)
    model = ModelIdentity("m", "0", "0" * 64)
    origin = Origin("d", "val", ("image",), attributes={}, model=model, seconds=1.0, resamples=50)
    results = [image(n, off + own[n]) for n in range(cases)]
    return measure_places(results, origin, landmarks=("a", "b"), promised=0.0)


def with_results(evidence: Evidence, *results: LocatedImage) -> Evidence:
    assert evidence.localization is not None
    return replace(evidence, localization=replace(evidence.localization, results=results))


def test_a_nearer_model_is_nearer_by_as_much_and_not_by_chance() -> None:
    found = compare(evidence_of(1.0), evidence_of(3.0, seed=1), resamples=200)

    assert list(found.named) == [ALL, "a", "b"] and found.unit == "mm" and found.differences == {}
    a, b = found.named["a"]["median"], found.named["b"]["median"]
    assert a.difference.value == pytest.approx(-4.0, abs=0.4) and -4.5 < a.difference.low < a.difference.high < -3.5
    assert (a.p_value, b.p_value, a.cases) == (1 / 200, 1, 15)
    assert verdict(found).startswith("m ") and "median error of all landmarks" in verdict(found)


def test_from_three_patients_nothing_is_known_of_errors() -> None:
    few = compare(evidence_of(1.0, cases=3), evidence_of(3.0, cases=3, seed=1), resamples=200)

    gap = few.named["a"]["median"]
    assert gap.p_value == 1 and gap.difference.low < -3.5 and gap.difference.high > 3.5
    assert any("Fewer than 5 patients behind all landmarks, a, b" in note for note in few.notes)


def test_landmarks_that_one_did_not_locate_count_for_neither() -> None:
    one, other = evidence_of(1.0), evidence_of(3.0, seed=1)
    assert other.localization is not None
    without = [
        replace(own, found=own.found[1:]) if n else own for n, own in enumerate(other.localization.results)
    ]  # "a" on the first image alone

    found = compare(one, with_results(other, *without), resamples=50)

    assert found.named["a"]["median"].cases == 1 and found.named["b"]["median"].cases == 15


def test_models_of_other_landmarks_other_places_and_other_images_are_refused() -> None:
    one = evidence_of(1.0)
    assert one.localization is not None
    first = one.localization.results[0]
    with pytest.raises(EvaluationError, match="a at x 10, y 10, z 0.5, b at x 20, y 20, z 0.5 in one, a at x 9, y 9"):
        compare(one, with_results(one, replace(first, truths=(Point(9, 9, 0.5, "a"),))))
    with pytest.raises(EvaluationError, match="m answers the landmarks a, b, m the landmarks a: only models of the sa"):
        compare(one, with_results(one, *(replace(own, found=own.found[:1]) for own in one.localization.results)))
    with pytest.raises(EvaluationError, match="no case is among all of them"):
        compare(one, with_results(one, replace(first, case="elsewhere")))
    with pytest.raises(EvaluationError, match="m the classes image: only models of the same landmarks"):
        compare(one, replace(one, localization=None))


def test_whether_a_radius_held_is_told_in_the_unit_of_the_radius() -> None:
    fine = (1.0, 0.1, 0.1)
    results = [image(n, 20.0, radius=3.0, spacing=fine) for n in range(9)]  # off by 2 mm, within 3 mm
    results.append(image(9, 1.0, radius=2.0, spacing=()))  # off by 1 pixel, within 2 pixels

    found = measured(results, promised=0.9)

    assert found.unit == "pixels"
    assert found.landmarks[1].scores["median"].value == 20.0
    assert found.landmarks[1].scores["in_radius"].value == 1.0


def test_a_landmark_without_a_promise_takes_none_from_the_others() -> None:
    results = [image(n, 1.0 + 0.1 * n, radius=1.0) for n in range(30)]
    rare = [replace(one, truths=one.truths[: 1 + (n < 5)]) for n, one in enumerate(results)]  # "b" on five of them

    point = choose_landmark_point(rare, ("a", "b"), coverage=0.9, where="")
    told = [point.of(one, ("a", "b")) for one in rare]
    found = measured(told, promised=point.coverage)

    assert point.coverage == 0.9 and point.factors[1] is None
    assert [own.radius > 0 for own in told[0].found] == [True, False]
    assert "in_radius" in found.landmarks[1].scores and "in_radius" not in found.landmarks[2].scores
