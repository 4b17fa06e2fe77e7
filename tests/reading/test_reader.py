"""The reader gives what a slow, obvious computation from the bundle's weights gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from hounsfield import formats
from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle, read_bundle
from hounsfield.datasets import load, open_dataset
from hounsfield.datasets.case import Case, Crop, ImageRef
from hounsfield.errors import FormatError, ShapeError
from hounsfield.findings import Box
from hounsfield.geometry import planar_affine
from hounsfield.image import Image
from hounsfield.plan.machine import Machine
from hounsfield.plan.network_input import network_array, prepare
from hounsfield.preprocessing import Pipeline
from hounsfield.reading import reader as module
from hounsfield.reading.reader import Reader

MakeBundle = Callable[..., Bundle]
SlowProbability = Callable[[Bundle, FloatArray], FloatArray]

AS_THEY_ARE = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [32, 32]})


def film_of(phantom: Path) -> Path:
    return phantom / "films" / "P0003_R_MLO.dcm"


def by_hand(bundle: Bundle, image: Image, slow: SlowProbability) -> FloatArray:
    prepared = Pipeline.from_data(bundle.plan.input.steps).apply(image)
    return slow(bundle, prepared.voxels[:, 0].astype(np.float32))


def test_a_dicom_film_read_by_two_networks_and_their_mirror_images(
    phantom: Path, film_bundle: Path, slow_probability: SlowProbability
) -> None:
    bundle, path = read_bundle(film_bundle), film_of(phantom)
    assert bundle.training.members == 2 and bundle.plan.ensemble.flips
    reading = Reader(bundle).read(path)
    expected = by_hand(bundle, formats.read(path), slow_probability)
    (answer,) = reading.answers
    assert answer.probability == pytest.approx(expected[1], abs=1e-5)
    assert (answer.label, answer.threshold) == ("malignant", bundle.operating.threshold)
    assert answer.positive == (expected[1] >= bundle.operating.threshold)
    assert (reading.case, reading.path) == ("P0003_R_MLO.dcm", str(path))
    assert reading.sop_uids == formats.read(path).source.sop_uids and reading.study_uid
    assert reading.model == bundle.identity
    assert not reading.scanned and reading.quality.verdict == "good"


def test_as_many_threads_read_as_suit_the_machine_at_hand_whatever_the_one_that_trained_had(
    make_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, asked = make_bundle(), []  # trained in one thread
    laptop = Machine(name="a laptop", cores=12, threads=2, memory_bytes=2**33, bf16=False)
    monkeypatch.setattr(module, "inspect_machine", lambda: laptop)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    Reader(bundle)
    Reader(bundle, threads=5)
    assert asked == [2, 5]


def test_a_png_of_the_same_film(
    phantom: Path, film_bundle: Path, slow_probability: SlowProbability, tmp_path: Path
) -> None:
    formats.write_png(formats.read(film_of(phantom)), tmp_path / "film.png", bits=16)
    bundle = read_bundle(film_bundle)
    reading = Reader(bundle).read(tmp_path / "film.png")
    expected = by_hand(bundle, formats.read(tmp_path / "film.png"), slow_probability)
    assert reading.answers[0].probability == pytest.approx(expected[1], abs=1e-5)


def test_a_row_of_an_npz_file(make_bundle: MakeBundle, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    case = Case(id="row 2", patient="2", images={"image": ImageRef(tmp_path / "images.npz", "images", 2)})
    reader = Reader(make_bundle(steps=AS_THEY_ARE))
    reading = reader.read_case(case, reader.load_case(case))
    mean = images[2].mean() / 255
    assert reading.answers[0].probability == pytest.approx(1 / (1 + np.exp(-mean)), abs=1e-5)
    assert reading.case == "row 2"


def test_a_case_cut_by_its_box(phantom: Path, lesion_bundle: Path, slow_probability: SlowProbability) -> None:
    """Film steps on the whole film, the square with its margin cut out, the other steps, the middle shown."""
    bundle = read_bundle(lesion_bundle)
    case = open_dataset(phantom / "masses.toml").cases[5]
    reader = Reader(bundle)
    reading = reader.read_case(case, reader.load_case(case))
    spec, (ref,) = bundle.plan.input, case.images.values()
    assert ref.crop is not None
    film = Pipeline.from_data(spec.film_steps).apply(formats.read(ref.path))
    side = round(ref.crop.context * spec.margin * max(ref.crop.box.width, ref.crop.box.height))
    left, top = (round(middle - side / 2) for middle in ref.crop.box.center)
    square = np.zeros((side, side), np.float32)
    for row in range(side):
        for column in range(side):
            if 0 <= top + row < film.shape[1] and 0 <= left + column < film.shape[2]:
                square[row, column] = film.voxels[0, 0, top + row, left + column]
    expected = by_hand(bundle, Image(square[None, None], planar_affine()), slow_probability)
    assert reading.answers[0].probability == pytest.approx(expected[1], abs=1e-5)
    assert reading.heat is not None and reading.heat.shape == load(ref).shape[1:]
    assert not reading.scanned


def test_a_model_of_whole_images_reads_the_whole_image_of_a_case_with_a_box(phantom: Path, film_bundle: Path) -> None:
    case = open_dataset(phantom / "masses.toml").cases[0]
    (ref,) = case.images.values()
    reader = Reader(read_bundle(film_bundle))
    whole = reader.load_case(case)
    assert whole.shape == (1, 192, 144)
    assert reader.read_case(case, whole).answers == reader.read(ref.path).answers


def test_a_volume(make_bundle: MakeBundle, slow_probability: SlowProbability, tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (1, 12, 20, 16), dtype=np.uint8)
    voxels[0, 3:5, 12:15, 4:7] = 255
    steps = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [6, 10, 8]})
    bundle = make_bundle(shape=(6, 10, 8), steps=steps, flip_axes=(2,))
    volume = Image(voxels, planar_affine())
    reading = Reader(bundle).read_image(volume, case="volume")
    prepared = Pipeline.from_data(steps).apply(volume).voxels.astype(np.float32)
    assert reading.answers[0].probability == pytest.approx(slow_probability(bundle, prepared)[1], abs=1e-5)
    assert reading.heat is not None and reading.heat.shape == (12, 20, 16)


@pytest.mark.parametrize("place", [(30, 12), (90, 40)])
def test_the_heat_is_warmest_where_the_network_looked(make_bundle: MakeBundle, place: tuple[int, int]) -> None:
    """The network's map is its input: a breast with a bright spot, turned, cut and shrunk; back on the stored film."""
    rows, columns = np.mgrid[:128, :96]
    breast = ((rows - 64) / 56) ** 2 + ((columns - 95) / 90) ** 2 < 1
    pixels = np.where(breast, 100, 0).astype(np.uint8)
    pixels[breast] += np.random.default_rng(0).integers(0, 20, int(breast.sum()), dtype=np.uint8)
    row, column = place[0], 95 - place[1]
    pixels[row - 3 : row + 4, column - 3 : column + 4] = 250
    steps = ({"step": "breast"}, {"step": "float", "scale": "type"}, {"step": "resize", "shape": [64, 64]})
    reading = Reader(make_bundle(shape=(64, 64), steps=steps)).read_image(
        Image(pixels[None, None], planar_affine()), case="film"
    )
    assert reading.heat is not None
    found = np.unravel_index(int(reading.heat.argmax()), reading.heat.shape)
    assert abs(found[0] - row) <= 3 and abs(found[1] - column) <= 3
    assert reading.heat.min() >= 0 and reading.heat.max() <= 1


def test_more_than_two_classes_are_answered_in_order_and_the_first_is_positive(make_bundle: MakeBundle) -> None:
    bundle = make_bundle(steps=AS_THEY_ARE, classes=("a", "b", "c"), threshold=0.5)
    image = Image(np.random.default_rng(0).integers(0, 255, (1, 1, 32, 32), dtype=np.uint8), planar_affine())
    answers = Reader(bundle).read_image(image, case="x").answers
    assert [answer.label for answer in answers] == ["c", "a", "b"]
    assert [answer.positive for answer in answers] == [True, False, False]
    assert sum(answer.probability for answer in answers) == pytest.approx(1)


def test_a_blank_image_gets_no_answer_and_says_why(make_bundle: MakeBundle) -> None:
    blank = Image(np.full((1, 1, 40, 40), 9, np.uint8), planar_affine())
    reading = Reader(make_bundle(steps=AS_THEY_ARE)).read_image(blank, case="blank")
    assert reading.answers == () and reading.heat is None
    assert reading.abstained == "the image is blank: export it again, or leave it out" == reading.quality.reasons[0]


def test_a_colour_picture_is_read_by_its_luminance(make_bundle: MakeBundle, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "colour.png"), pixels)
    reading = Reader(make_bundle(steps=AS_THEY_ARE)).read(tmp_path / "colour.png")
    mean = (pixels[..., ::-1] @ [0.299, 0.587, 0.114]).mean() / 255
    assert reading.answers[0].probability == pytest.approx(1 / (1 + np.exp(-mean)), abs=1e-3)
    assert reading.quality.verdict == "doubtful"


def test_a_grey_picture_is_read_by_a_network_of_colour(make_bundle: MakeBundle) -> None:
    grey = Image(np.random.default_rng(0).integers(0, 255, (1, 1, 32, 32), dtype=np.uint8), planar_affine())
    spec = make_bundle(steps=AS_THEY_ARE, channels=3).plan.input
    array = network_array(prepare(grey, spec), spec)
    np.testing.assert_array_equal(array, np.repeat(grey.voxels[:, 0] / np.float32(255), 3, axis=0))


def test_a_volume_for_a_flat_model_and_a_damaged_file_are_refused(make_bundle: MakeBundle, tmp_path: Path) -> None:
    reader = Reader(make_bundle(steps=AS_THEY_ARE))
    with pytest.raises(ShapeError, match="is a volume"):
        reader.read_image(Image(np.random.default_rng(0).random((1, 9, 32, 32)), planar_affine()), case="volume")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(FormatError, match=r"cut\.png"):
        reader.read(tmp_path / "cut.png")


def test_without_explanation_there_is_no_heat_and_the_same_answer(phantom: Path, film_bundle: Path) -> None:
    reader, path = Reader(read_bundle(film_bundle)), film_of(phantom)
    plain, explained = reader.read(path, explain=False), reader.read(path)
    assert plain.heat is None and explained.heat is not None
    assert plain.answers == explained.answers


def test_a_crop_beyond_the_film_is_filled_with_nothing(lesion_bundle: Path, phantom: Path) -> None:
    case = open_dataset(phantom / "masses.toml").cases[0]
    (ref,) = case.images.values()
    corner = Case("corner", "x", {"image": ImageRef(ref.path, crop=Crop(Box(0, 90, 30, 120), context=2.0))})
    reader = Reader(read_bundle(lesion_bundle))
    reading = reader.read_case(corner, reader.load_case(corner))
    assert reading.heat is not None and reading.heat.shape == (60, 60)
