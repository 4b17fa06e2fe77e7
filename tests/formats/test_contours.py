"""Closed contours of one plane as pixels."""

import numpy as np

from hounsfield.formats.contours import Contour, fill
from hounsfield.formats.polygon import inside_polygons

SHAPE = (14, 11)
SQUARE = np.array([[1.5, 1.5], [1.5, 4.5], [4.5, 4.5], [4.5, 1.5]])


def test_contours_one_by_one_give_what_the_even_odd_rule_gives_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        polygons = [rng.uniform(-4, 16, (rng.integers(3, 7), 2)) for _ in range(5)]
        polygons += [rng.integers(-2, 14, (5, 2)).astype(float)]  # corners on the centres of pixels
        filled = fill([Contour(own) for own in polygons], SHAPE)
        np.testing.assert_array_equal(filled.inside, inside_polygons(polygons, SHAPE))
        alone = [inside_polygons([own], SHAPE) for own in polygons]
        pairs = [(one, other) for place, one in enumerate(alone) for other in alone[:place]]
        assert filled.crossing == sum(
            bool((one & other).any() and (one & ~other).any() and (other & ~one).any()) for one, other in pairs
        )


def test_a_repeat_is_one_wherever_it_begins_and_whether_or_not_it_is_closed() -> None:
    again = np.roll(SQUARE[::-1], 2, axis=0)
    filled = fill([Contour(SQUARE), Contour(np.concatenate([again, again[:1]])), Contour(SQUARE + 5)], SHAPE)
    assert filled.repeated == 1 and filled.inside.sum() == 2 * 9
    with_zero = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    assert fill([Contour(with_zero), Contour(np.where(with_zero == 0, -0.0, with_zero))], SHAPE).repeated == 1


def test_contours_without_a_centre_are_counted_where_they_lie_on_the_grid() -> None:
    filled = fill([Contour(SQUARE / 9), Contour(SQUARE + 50), Contour(SQUARE)], SHAPE)
    assert filled.centreless == 1 and filled.inside.sum() == 9
    assert not fill([], SHAPE).inside.any()
