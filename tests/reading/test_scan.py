"""Reading whole images with a model of lesions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hounsfield.bundle import Bundle
from hounsfield.datasets.case import Crop
from hounsfield.datasets.load import cut
from hounsfield.errors import ImageError, ShapeError
from hounsfield.findings import Box
from hounsfield.geometry import planar_affine
from hounsfield.image import Image
from hounsfield.plan.network_input import network_array, prepare, prepare_film
from hounsfield.reading.reader import Reader
from hounsfield.reading.scan import LEAST_TISSUE, SCAN_NOTE, _squares

MakeBundle = Callable[..., Bundle]
STEPS = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [16, 16]})


def film(height: int = 64, width: int = 48) -> Image:
    """A dark film with noise and a bright patch of 8 × 8 pixels around (44, 20)."""
    pixels = np.random.default_rng(0).integers(1, 30, (height, width), dtype=np.uint8)
    pixels[40:48, 16:24] = 250
    return Image(pixels[None, None], planar_affine())


def test_squares_cover_the_whole_image_and_stay_inside() -> None:
    squares = _squares(np.ones((50, 70), bool), side=16)
    covered = np.zeros((50, 70), int)
    for box in squares:
        assert box.x0 >= 0 and box.x1 <= 70 and box.y0 >= 0 and box.y1 <= 50
        covered[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)] += 1
    assert covered.min() >= 1


def test_neighbouring_squares_are_at_most_half_a_side_apart() -> None:
    rows = sorted({box.y0 for box in _squares(np.ones((100, 16), bool), side=16)})
    assert max(np.diff(rows)) <= 8


def test_only_squares_on_tissue_are_looked_at() -> None:
    tissue = np.zeros((64, 64), bool)
    tissue[:, :32] = True
    for box in _squares(tissue, side=16):
        inside = tissue[round(box.y0) : round(box.y1), round(box.x0) : round(box.x1)]
        assert inside.sum() >= LEAST_TISSUE * 16 * 16
    assert {box.x0 for box in _squares(tissue, side=16)} == {0.0, 8.0, 16.0, 24.0}


def test_a_square_larger_than_the_image_is_the_image() -> None:
    assert _squares(np.ones((14, 12), bool), side=16)[0] == Box(0, 0, 16, 16)


def test_the_answer_is_that_of_the_most_suspicious_square(make_bundle: MakeBundle) -> None:
    """Every square shown by hand: cut, prepared, and the network's answer known in closed form (the mean)."""
    bundle = make_bundle(shape=(16, 16), steps=STEPS, input_sides=(0.25, 0.5))
    image, spec = film(), bundle.plan.input
    means = []
    prepared = prepare_film(image, spec)
    for side in (0.25 * 64, 0.5 * 64):
        for box in _squares(np.ones((64, 48), bool), side=side):
            means.append(network_array(prepare(cut(prepared, Crop(box, context=1.0)), spec), spec).mean())
    reading = Reader(bundle).read_image(image, case="film")
    assert reading.answers[0].probability == pytest.approx(1 / (1 + np.exp(-max(means))), abs=1e-5)
    assert reading.scanned and not reading.calibrated
    assert SCAN_NOTE in reading.notes


def test_findings_are_the_most_suspicious_squares_and_do_not_lie_on_each_other(make_bundle: MakeBundle) -> None:
    bundle = make_bundle(shape=(16, 16), steps=STEPS, input_sides=(0.25, 0.25))
    reading = Reader(bundle).read_image(film(), case="film")
    found = [finding.probability for finding in reading.findings]
    assert found == sorted(found, reverse=True) and len(found) == 5
    assert reading.answers[0].probability == pytest.approx(found[0])
    first = reading.findings[0].box
    assert first is not None and first.x0 <= 20 <= first.x1 and first.y0 <= 44 <= first.y1
    boxes = [finding.box for finding in reading.findings if finding.box is not None]
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            width = max(0.0, min(one.x1, other.x1) - max(one.x0, other.x0))
            assert width * max(0.0, min(one.y1, other.y1) - max(one.y0, other.y0)) <= 0.5 * 16 * 16


def test_the_heat_is_the_weighted_mean_of_the_squares_pixel_by_pixel(make_bundle: MakeBundle) -> None:
    bundle = make_bundle(shape=(16, 16), steps=STEPS, input_sides=(0.5, 0.5))
    image, spec = film(32, 32), bundle.plan.input
    reader = Reader(bundle)
    squares = _squares(np.ones((32, 32), bool), side=16)
    answers = [
        float(reader.probabilities(network_array(prepare(cut(image, Crop(box, 1.0)), spec), spec)[None])[0, 1])
        for box in squares
    ]
    heat = reader.read_image(image, case="film").heat
    assert heat is not None
    for row in range(0, 32, 5):
        for column in range(0, 32, 5):
            weights = [
                max(0, 1 - abs(row + 0.5 - box.center[1]) / 8) * max(0, 1 - abs(column + 0.5 - box.center[0]) / 8)
                for box in squares
            ]
            expected = np.dot(weights, answers) / sum(weights)
            assert heat[row, column] == pytest.approx(expected, abs=1e-5)


def test_off_the_breast_there_is_no_heat_and_nothing_is_looked_at(make_bundle: MakeBundle) -> None:
    pixels = np.zeros((128, 96), np.uint8)
    rows, columns = np.mgrid[:128, :96]
    breast = ((rows - 64) / 56) ** 2 + (columns / 60) ** 2 < 1
    pixels[breast] = np.random.default_rng(0).integers(90, 140, int(breast.sum()))
    steps = ({"step": "breast", "side": "as_is", "crop": False},)
    bundle = make_bundle(shape=(16, 16), film_steps=steps, steps=STEPS, input_sides=(0.2, 0.2))
    heat = Reader(bundle).read_image(Image(pixels[None, None], planar_affine()), case="film").heat
    assert heat is not None
    assert heat[64, 10] > 0.5 and heat[:, 70:].max() == 0


def test_what_cannot_be_scanned_is_refused_by_a_sentence(make_bundle: MakeBundle) -> None:
    volume = Image(np.random.default_rng(0).random((1, 8, 32, 32)), planar_affine())
    with pytest.raises(ShapeError, match="only flat images can be scanned"):
        Reader(make_bundle(shape=(16, 16), steps=STEPS, input_sides=(0.2, 0.2))).read_image(volume, case="volume")
    with pytest.raises(ShapeError, match="of 3 classes none is the suspicious one"):
        Reader(make_bundle(shape=(16, 16), steps=STEPS, input_sides=(0.2, 0.2), classes=("a", "b", "c"))).read_image(
            film(), case="film"
        )
    with pytest.raises(ImageError, match="no tissue was found"):
        Reader(make_bundle(shape=(16, 16), steps=STEPS, input_sides=(1.6, 1.6))).read_image(film(), case="film")


def test_a_larger_film_is_scanned_at_the_size_of_the_training_films(make_bundle: MakeBundle) -> None:
    """The film four times as large: the same squares, answers and findings, on the grid of the larger film."""
    reader = Reader(make_bundle(shape=(16, 16), steps=STEPS, input_sides=(0.25, 0.25), film_side=64))
    small = film()
    large = Image(small.voxels.repeat(4, axis=2).repeat(4, axis=3), planar_affine())
    once, again = reader.read_image(small, case="film"), reader.read_image(large, case="film")
    assert again.answers == once.answers
    for finding, other in zip(once.findings, again.findings, strict=True):
        assert finding.box is not None and other.box is not None
        assert (other.box.center, other.box.width) == (tuple(4 * v for v in finding.box.center), 4 * finding.box.width)
    assert once.heat is not None and again.heat is not None
    assert again.heat.shape == (256, 192)
    assert again.heat[:].reshape(64, 4, 48, 4).mean(axis=(1, 3)) == pytest.approx(once.heat, abs=0.05)
