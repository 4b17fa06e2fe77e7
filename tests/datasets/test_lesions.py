from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets import Case, Crop, ImageRef, load
from hounsfield.datasets.lesions import ELSEWHERE, lesion_counts, lesion_squares
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
    assert lesion_counts([whole, square, views]) == {"mass": 2, "cyst": 1}


def test_a_square_lies_around_each_box_of_a_class_and_one_elsewhere(film: ImageRef) -> None:
    squares = lesion_squares([_case("a", film, MASS, CYST)], classes=("cyst", "mass"), side=16, seed=0)
    assert [(square.id, square.target) for square in squares] == [("a box-0", 2), ("a box-1", 1), (f"a {ELSEWHERE}", 0)]
    assert {square.patient for square in squares} == {"woman a"}
    mass, cyst, _ = (load(square.image).voxels[0, 0] for square in squares)
    assert mass.shape == cyst.shape == (16, 16)
    assert (mass == 255).sum() == 100
    np.testing.assert_array_equal(np.argwhere(mass == 255).mean(axis=0), [7.5, 7.5])
    assert (cyst == 200).sum() == 40


def test_a_place_elsewhere_is_on_tissue_and_shows_at_most_a_quarter_of_a_box(film: ImageRef) -> None:
    for seed in range(30):
        *_, elsewhere = lesion_squares([_case("a", film, MASS, CYST)], classes=("mass",), side=16, seed=seed)
        crop = elsewhere.image.crop
        assert crop is not None
        assert crop.box.center[0] >= 10
        shown = load(elsewhere.image).voxels
        assert (shown == 255).sum() <= 25
        assert (shown == 200).sum() <= 10


def test_the_same_seed_gives_the_same_places_and_another_seed_others(film: ImageRef) -> None:
    def places(seed: int) -> tuple[Case, ...]:
        return lesion_squares([_case("a", film, MASS), _case("b", film, MASS)], classes=("mass",), side=16, seed=seed)

    assert places(1) == places(1)
    assert places(1) != places(2)
    _, first, _, second = places(1)
    assert first.image.crop != second.image.crop


def test_none_is_taken_where_lesions_fill_the_image_or_it_cannot_be_read(film: ImageRef, tmp_path: Path) -> None:
    full = _case("full", film, Box(0, 0, 100, 120, "mass"))
    missing = _case("missing", ImageRef(tmp_path / "missing.png"), MASS)
    without = _case("without", film)
    squares = lesion_squares([full, missing, without], classes=("mass",), side=16, seed=0)
    assert [square.id for square in squares] == ["full box-0"]
