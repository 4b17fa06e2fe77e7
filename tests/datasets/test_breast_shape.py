"""The breast's share of a film decides the shape of the input; other images have none."""

from pathlib import Path

from hounsfield.datasets import open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.plan.inputs import fitted_sides, input_sides, kind_of


def test_the_input_of_whole_films_has_the_proportions_of_the_breast(phantom: Path) -> None:
    fingerprint = make_fingerprint(open_dataset(phantom / "films.toml"))
    assert fingerprint.shape_median == (1, 192, 144)
    assert fingerprint.breast_median is not None
    height, width = fingerprint.breast_median
    assert 60 < width < 120 < height <= 192  # narrower than the film
    kind = kind_of(fingerprint, modality="MG", cropped=False)
    for sides in (input_sides(fingerprint, kind)[0], fitted_sides(fingerprint, kind)[0]):
        assert abs(sides[0] / sides[1] - height / width) < 0.15


def test_squares_around_masses_have_no_breast(phantom: Path) -> None:
    assert make_fingerprint(open_dataset(phantom / "masses.toml")).breast_median is None
