"""Findings of several voices put together, by hand and against what fusing must keep."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hounsfield.findings.region import Box
from hounsfield.tasks.detection import Findings, detected, fused, mirrored_back, whole_logits


def voice(*boxes: tuple[float, float, float, float, float, float]) -> Findings:
    """Boxes with probabilities of two kinds, the surest first."""
    plain = np.array(boxes, dtype=np.float64).reshape(-1, 6)
    return Findings(plain[:, :4], plain[:, 4:])


def test_findings_that_overlap_are_one_with_the_mean_box_as_heavy_as_they_are_sure() -> None:
    first, second = voice((0, 0, 10, 10, 0.6, 0.0)), voice((2, 0, 12, 10, 0.0, 0.2))

    together = fused([first, second], overlap=0.5, most=9)

    assert_allclose(together.boxes, [[0.5, 0, 10.5, 10]])
    assert_allclose(together.probabilities, [[0.3, 0.1]])


def test_who_finds_nothing_counts_as_zero() -> None:
    alone = fused([voice((0, 0, 10, 10, 0.9, 0)), voice(), voice()], overlap=0.5, most=9)

    assert_allclose(alone.scores, [0.3])


def test_findings_of_one_voice_stay_apart_and_the_surest_come_first() -> None:
    first = voice((0, 0, 10, 10, 0.5, 0), (1, 0, 11, 10, 0.4, 0))
    second = voice((0, 0, 10, 10, 0.8, 0), (50, 50, 60, 60, 0.2, 0))

    together = fused([first, second], overlap=0.5, most=9)

    assert_allclose(together.scores, [0.65, 0.2, 0.1])
    assert len(fused([first, second], overlap=0.5, most=2).boxes) == 2


def test_one_voice_is_given_back_and_none_at_all_is_nothing() -> None:
    only = voice((0, 0, 1, 1, 0.5, 0))

    assert fused([only], overlap=0.5, most=1) is only
    assert len(fused([voice(), voice()], overlap=0.5, most=1).boxes) == 0


@pytest.mark.parametrize("flipped", [(0,), (1,), (0, 1)])
def test_mirrored_findings_come_back_and_mirrored_twice_are_as_they_were(flipped: tuple[int, ...]) -> None:
    found = voice((5, 1, 20, 9, 0.5, 0))

    there = mirrored_back(found, flipped, (50, 80))

    assert_allclose(mirrored_back(there, flipped, (50, 80)).boxes, found.boxes)
    x0, y0, x1, y1 = there.boxes[0]
    assert (x0, x1) == ((60, 75) if 1 in flipped else (5, 20))
    assert (y0, y1) == ((41, 49) if 0 in flipped else (1, 9))


def test_findings_go_to_the_image_as_stored() -> None:
    onto = np.diag([1.0, 2.0, 4.0, 1.0])  # pixels of the input are 2 high and 4 wide
    onto[1:3, 3] = 0.5, 1.5  # so that the outer edges lie on each other

    (one,) = detected(voice((10, 5, 20, 10, 0.1, 0.3)), onto, (1, 50, 100))

    assert (one.box.x0, one.box.x1, one.box.y0, one.box.y1) == pytest.approx((40, 80, 10, 20))
    assert one.score == pytest.approx(0.4)


def test_findings_end_where_the_image_does_and_what_lies_beside_it_alone_is_none() -> None:
    flat = voice((-3, 10, 20, 60, 0.1, 0.7), (0, 50, 9, 60, 0.8, 0.0))
    deep = Findings(np.array([[-3.0, 10, 4, 20, 60, 9], [0, 10, 8, 9, 20, 9]]), np.array([[0.1, 0.7], [0.8, 0.0]]))

    (one,) = detected(flat, np.eye(4), (1, 50, 15))
    (other,) = detected(deep, np.eye(4), (8, 50, 15))

    assert one.box == Box(0, 10, 15, 50) and one.probabilities == (0.1, 0.7)
    assert other.box == Box(0, 10, 15, 50, z0=4, z1=8)


def test_an_image_is_as_positive_as_its_surest_finding_of_a_positive_kind() -> None:
    found = [voice((0, 0, 1, 1, 0.7, 0.2), (2, 2, 3, 3, 0.0, 0.5)), voice()]

    of_one = whole_logits(found, ("benign", "malignant"), ("malignant",))
    of_both = whole_logits(found, ("benign", "malignant"), ("benign", "malignant"))

    assert_allclose(1 / (1 + np.exp(-of_one[:, 1])), [0.5, 1e-4])
    assert_allclose(1 / (1 + np.exp(-of_both[:, 1])), [0.9, 1e-4])
