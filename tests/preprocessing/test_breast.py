from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.errors import ImageError, ShapeError
from hounsfield.image import Image
from hounsfield.preprocessing.breast import BreastRegion, chest_side, region
from hounsfield.preprocessing.transfer import move_points


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _tissue(film: np.ndarray) -> np.ndarray:
    return np.asarray(film == 120)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_the_region_is_the_tissue_without_label_and_frame(make_image, film, dtype) -> None:
    found = region(make_image(film.astype(dtype) * (16 if dtype != np.uint8 else 1)))

    assert found.shape == film.shape
    assert _dice(found, _tissue(film)) > 0.97
    assert not found[:35, :45].any()
    assert not found[196:, :60].any()


def test_the_background_becomes_exactly_0_and_the_breast_keeps_its_values(make_image, film) -> None:
    done = BreastRegion(crop=False, side="as_is").apply(make_image(film)).voxels[0, 0]

    inside = region(make_image(film))
    assert not done[~inside].any()
    np.testing.assert_array_equal(done[inside], film[inside])


def test_the_chest_wall_is_turned_to_the_wanted_side(make_image, film) -> None:
    for picture in (film, film[:, ::-1].copy()):
        left = BreastRegion(side="left").apply(make_image(picture)).voxels[0, 0] > 0
        right = BreastRegion(side="right").apply(make_image(picture)).voxels[0, 0] > 0
        assert chest_side(left) == "left"
        assert chest_side(right) == "right"
        np.testing.assert_array_equal(left, right[:, ::-1])


def test_the_cut_keeps_the_margin_inside_the_film_and_the_affine_follows(make_image, film) -> None:
    image = make_image(film)

    done = BreastRegion(margin=0.05).apply(image)

    rows = np.flatnonzero((done.voxels[0, 0] > 0).any(axis=1))
    assert rows[0] == pytest.approx(0.05 * len(rows), abs=2)
    corner = move_points(np.array([[0.0, 0, 0]]), origin=done, target=image)[0]
    assert corner[2] == film.shape[1] - 1  # turned: the first column was the film's last


def test_a_bright_strip_along_the_chest_wall_is_cut_off_too(make_image, film) -> None:
    picture = film.copy()
    picture[:, 147:] = 250

    assert not region(make_image(picture))[:, 148:].any()


def test_holes_in_the_breast_are_filled(make_image, film) -> None:
    picture = film.copy()
    picture[90:110, 110:130] = 6

    assert region(make_image(picture))[90:110, 110:130].all()


def test_a_film_that_is_all_breast_is_kept_whole(make_image) -> None:
    picture = np.random.default_rng(1).normal(150, 8, (128, 100)).clip(100, 200).astype(np.uint8)
    picture[0, 0] = 0

    assert region(make_image(picture)).mean() > 0.98


@pytest.mark.parametrize("array", [np.zeros((60, 50), np.uint8), np.full((60, 50), 9, np.uint16)])
def test_a_film_of_one_grey_level_is_refused(make_image, array) -> None:
    with pytest.raises(ImageError, match="no breast was found on this film of 60 x 50 pixels: it shows one grey level"):
        BreastRegion().apply(make_image(array))


def test_a_film_with_a_label_only_is_refused_by_name(make_image) -> None:
    array = np.zeros((256, 200), dtype=np.uint8)
    array[20:28, 20:60] = 255
    image = make_image(array)
    image = replace(image, source=replace(image.source, path=Path("film.png")))

    with pytest.raises(ImageError, match=r"film\.png: no breast .*: nothing on it is larger than a label"):
        region(image)


def test_a_volume_is_refused(make_image) -> None:
    with pytest.raises(ShapeError, match="step 'breast' works on planar images, but this one has 5 slices"):
        region(make_image(np.zeros((5, 9, 9))))


def _oblique(height: int = 240, width: int = 180) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width]
    breast = ((y - 120) / 118) ** 2 + (x / 120) ** 2 < 1
    breast |= (y < 120) & (x < 105)
    muscle = breast & (x / 70 + y / 150 < 1)
    picture = np.where(breast, 110.0, 3.0) + 60 * muscle
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8), muscle


@pytest.mark.parametrize("turned", [False, True])
def test_the_pectoral_muscle_is_set_to_0_when_asked(make_image, turned) -> None:
    picture, muscle = _oblique()
    if turned:
        picture, muscle = picture[:, ::-1].copy(), muscle[:, ::-1]
    image = make_image(picture)

    done = BreastRegion(pectoral="remove", crop=False, side="as_is").apply(image).voxels[0, 0]

    gone = region(image) & (done == 0)
    assert _dice(gone, muscle) > 0.9


def test_the_muscle_is_not_sought_on_a_cc_view_nor_where_there_is_none(make_image) -> None:
    picture, muscle = _oblique()
    image = make_image(picture)
    cc = replace(image, source=replace(image.source, view="CC"))
    plain = make_image(np.where(muscle, picture - 60, picture).astype(np.uint8))

    for each in (cc, plain):
        done = BreastRegion(pectoral="remove", crop=False, side="as_is").apply(each).voxels[0, 0]
        assert (done[region(each)] == 0).mean() < 0.01


@pytest.mark.real
def test_the_region_agrees_with_the_outlines_of_every_tenth_mini_mias_film(make_image, real_data: Path) -> None:
    folder = real_data / "mini_mias"
    scores, sides = [], []
    for path in sorted((folder / "images").glob("*.jpg"))[::10]:
        image: Image = make_image(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
        outline = cv2.imread(str(folder / "breast_masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE) > 0
        found = region(image)
        scores.append(_dice(found, outline))
        sides.append(chest_side(found) == ("left" if int(path.stem[3:]) % 2 == 0 else "right"))
    assert np.mean(scores) > 0.97
    assert min(scores) > 0.9
    assert np.mean(sides) > 0.95
