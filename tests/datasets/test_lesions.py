from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets import Case, Crop, ImageRef, load
from hounsfield.datasets.lesions import (
    ELSEWHERE,
    LesionCounts,
    count_lesions,
    free_place,
    has_elsewhere,
    lesion_squares,
)
from hounsfield.findings import Box

WriteFilm = Callable[..., Path]

MASS, CYST = Box(20, 30, 30, 40, "mass"), Box(70, 60, 80, 64, "cyst")


@pytest.fixture
def film(write_film: WriteFilm) -> ImageRef:
    """100 × 120 pixels (width × height); tissue is at 10 … 99, a mass of 255 and a cyst of 200 on it."""
    pixels = np.zeros((120, 100), np.uint8)
    pixels[:, 10:] = 120
    pixels[30:40, 20:30] = 255
    pixels[60:64, 70:80] = 200
    return ImageRef(write_film("film.png", pixels))


def _case(name: str, ref: ImageRef, *boxes: Box) -> Case:
    return Case(id=name, patient=f"woman {name}", images={"image": ref}, target=0, boxes=boxes)


def test_boxes_are_counted_by_label_on_whole_images_of_one_view_alone(film: ImageRef) -> None:
    whole = _case("a", film, MASS, MASS, CYST, Box(0, 0, 1, 1))
    square = _case("b", ImageRef(film.path, crop=Crop(MASS)), MASS)
    views = Case(id="c", patient="c", images={"left": film, "right": film}, target=0)
    found = count_lesions([whole, square, views, _case("d", film, MASS), _case("e", film)])
    assert found == LesionCounts({"mass": 3, "cyst": 1}, {"mass": 2, "cyst": 1}, images=2)
    assert list(found.boxes) == ["mass", "cyst"]


def test_a_square_lies_around_each_box_of_a_class_and_around_each_place_elsewhere(film: ImageRef) -> None:
    cases = [_case("a", film, MASS, CYST), _case("b", film, Box(0, 0, 4, 4, "other"))]
    squares = lesion_squares(cases, {"a": (60.0, 100.0)}, classes=("cyst", "mass"), side=16)
    assert [(square.id, square.target) for square in squares] == [("a box-0", 2), ("a box-1", 1), (f"a {ELSEWHERE}", 0)]
    assert {square.patient for square in squares} == {"woman a"}
    mass, cyst, elsewhere = (load(square.image).voxels[0, 0] for square in squares)
    assert mass.shape == cyst.shape == elsewhere.shape == (16, 16)
    assert (mass == 255).sum() == 100
    np.testing.assert_array_equal(np.argwhere(mass == 255).mean(axis=0), [7.5, 7.5])
    assert (cyst == 200).sum() == 40
    assert (elsewhere == 120).all()


@pytest.mark.parametrize("background", [0, -1000])
def test_a_free_place_is_on_tissue_and_shows_next_to_nothing_of_a_box(background: int) -> None:
    plane = np.full((120, 100), background, np.int16)
    plane[:, 10:] = 120
    places = set()
    for seed in range(50):
        place = free_place(plane, [MASS, CYST], 16, np.random.default_rng(seed))
        assert place is not None
        x, y = place
        assert x >= 10
        for box in (MASS, CYST):
            width = min(x + 8, box.x1) - max(x - 8, box.x0)
            height = min(y + 8, box.y1) - max(y - 8, box.y0)
            assert max(0, width) * max(0, height) <= 0.1 * min(256, box.width * box.height)
        places.add(place)
    assert len(places) > 40


def test_places_on_a_large_image_are_in_its_own_pixels() -> None:
    plane = np.zeros((3000, 2000), np.uint16)
    plane[2000:, 1000:] = 4000
    x, y = free_place(plane, [], 100, np.random.default_rng(0)) or (0, 0)
    assert x >= 1000
    assert y >= 2000


@pytest.mark.parametrize("box", [Box(0, 0, 100, 120), Box(-10, -10, 110, 130)])
def test_where_lesions_fill_the_image_or_nothing_is_on_it_there_is_no_place(box: Box) -> None:
    rng = np.random.default_rng(0)
    inside = np.zeros((120, 100))
    inside[20:100, 20:80] = 1
    assert free_place(inside, [box], 16, rng) is None
    assert free_place(np.zeros((120, 100)), [], 16, rng) is None


def test_images_without_boxes_count_only_where_their_class_has_no_lesions(film: ImageRef) -> None:
    assert has_elsewhere(_case("a", film, MASS), ())
    assert has_elsewhere(_case("b", film), (0,))
    assert not has_elsewhere(_case("c", film), (1,))
    assert not has_elsewhere(_case("d", ImageRef(film.path, crop=Crop(MASS)), MASS), (0,))
