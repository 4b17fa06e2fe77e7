"""The gate: what is unlike the training images gets no answer and the reason, whatever the networks would say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield import formats
from hounsfield.bundle import Bundle, read_bundle
from hounsfield.datasets import open_dataset
from hounsfield.errors import ImageError
from hounsfield.findings import Reading
from hounsfield.image import Image
from hounsfield.likeness import Remembered
from hounsfield.reading.batch import items_of_paths, read_many
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader
from hounsfield.reading.uncertainty import Gate


@pytest.fixture
def bundle(film_bundle: Path) -> Bundle:
    return read_bundle(film_bundle)


@pytest.fixture
def film(phantom: Path) -> Image:
    return formats.read(phantom / "films" / "P0003_L_CC.dcm")


def noise(film: Image) -> Image:
    """Something that is no film, whichever way it is held."""
    voxels = np.random.default_rng(0).integers(0, 4000, film.voxels.shape).astype(film.voxels.dtype)
    return replace(film, voxels=voxels)


def test_the_films_it_learned_from_pass_and_noise_gets_no_answer(bundle: Bundle, film: Image) -> None:
    reader = Reader(bundle)
    known = reader.read_image(film, case="known")
    assert known.answers and not known.abstained
    assert known.quality.distance is not None and known.quality.farthest is not None
    assert known.quality.distance < known.quality.farthest
    strange = reader.read_image(noise(film), case="noise")
    assert not strange.answers
    assert "unlike all that the model learned from" in strange.abstained
    assert strange.quality.unlike and strange.quality.verdict == "unfit"


def test_an_inverted_film_is_called_so(bundle: Bundle, film: Image) -> None:
    voxels = 2 * film.windows[0].center - film.voxels.astype(np.float32)  # as on a screen, black for white
    inverted = replace(film, voxels=voxels.clip(0).astype(film.voxels.dtype))
    reading = Reader(bundle).read_image(inverted, case="inverted")
    assert "looks inverted: put it right and read it again" in reading.abstained


def test_when_all_answers_are_wanted_the_reason_becomes_a_doubt(bundle: Bundle, film: Image) -> None:
    reading = Reader(bundle, answer_all=True).read_image(noise(film), case="noise")
    assert reading.answers and not reading.abstained
    assert reading.quality.verdict == "doubtful" and reading.quality.unlike
    assert "unlike all that the model learned from" in reading.quality.reasons[0]


def test_a_bundle_that_remembers_nothing_lets_everything_pass(film: Image) -> None:
    assert Gate(Remembered()).glimpse(noise(film)) is None


def test_images_judged_together_get_the_verdict_each_gets_alone(bundle: Bundle, film: Image) -> None:
    gate = Gate(bundle.remembered())
    inverted = replace(film, voxels=film.voxels.max() - film.voxels, windows=())
    glimpses = [gate.glimpse(image) for image in (film, noise(film), inverted, film)]
    together = gate.judge([one for one in glimpses if one])
    alone = [gate.judge([one])[0] for one in glimpses if one]
    assert len(together) == 4 and gate.judge([]) == []
    for one, other in zip(together, alone, strict=True):
        assert (one.verdict, one.unlike) == (other.verdict, other.unlike)
        assert one.distance == pytest.approx(other.distance, abs=1e-4)
    assert [one.verdict for one in together][::3] == ["good", "good"] and together[1].unlike


def test_a_strange_image_in_the_middle_of_many_gets_no_answer_and_the_others_theirs(
    bundle: Bundle, film: Image, phantom: Path, tmp_path: Path
) -> None:
    paths = [phantom / "films" / "P0003_L_CC.dcm", tmp_path / "noise.png", phantom / "films" / "P0003_R_CC.dcm"]
    formats.write_png(noise(film), paths[1])
    read = list(read_many(Reader(bundle), items_of_paths(paths), explain=False))
    for (_, _, reading), path in zip(read, paths, strict=True):
        alone = Reader(bundle).read(path, explain=False)
        assert isinstance(reading, Reading)
        assert (bool(reading.answers), reading.quality.verdict) == (bool(alone.answers), alone.quality.verdict)
        assert reading.quality.distance == pytest.approx(alone.quality.distance, abs=1e-4)
    assert [bool(reading.answers) for _, _, reading in read if isinstance(reading, Reading)] == [True, False, True]


def test_images_of_other_kinds_and_planes_are_judged_apart(bundle: Bundle, film: Image) -> None:
    distances = bundle.remembered().distances["image"]
    gate = Gate(Remembered({"image": distances, "square": distances}))
    volume = replace(film, voxels=np.repeat(film.voxels, 3, axis=1))
    glimpses = [gate.glimpse(film), gate.glimpse(volume), gate.glimpse(noise(film), "square")]
    verdicts = gate.judge([one for one in glimpses if one])
    assert [one.unlike for one in verdicts] == [False, False, True]
    assert verdicts[1].distance is None  # nothing is known of volumes


def test_an_image_that_cannot_be_prepared_and_is_unlike_all_others_gets_no_answer(
    bundle: Bundle, film: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(image: Image, spec: object) -> Image:
        raise ImageError(f"{image.shape}: no breast")

    monkeypatch.setattr("hounsfield.reading.reader.prepare", refuse)
    reader = Reader(bundle)
    assert "unlike all that the model learned from" in reader.read_image(noise(film), case="noise").abstained
    with pytest.raises(ImageError, match="no breast"):
        reader.read_image(film, case="film")


def test_a_model_of_squares_knows_whole_films_and_squares(lesion_bundle: Path, phantom: Path, film: Image) -> None:
    bundle = read_bundle(lesion_bundle)
    assert set(bundle.remembered().distances) == {"image", "square"}
    reader = Reader(bundle)
    assert reader.read_image(noise(film), case="noise").abstained
    assert reader.read_image(film, case="film").scanned
    case = open_dataset(phantom / "masses.toml").cases[0]
    reading = reader.read_case(case, reader.load_case(case))
    assert reading.answers and reading.quality.distance is not None


def test_the_nearest_training_images_are_named_the_nearest_first(bundle: Bundle, phantom: Path) -> None:
    reader = Reader(bundle)
    examples = bundle.remembered().examples
    assert examples is not None
    case = next(case for case in open_dataset(phantom / "films.toml").cases if case.patient == "P0003")
    reading = reader.read_case(case, reader.load_case(case))
    assert len(reading.nearest) == 6
    similarities = [one.similarity for one in reading.nearest]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] > 0.7  # it was learned from, so its own example is among the nearest
    assert {one.label for one in reading.nearest} <= set(bundle.plan.classes)


def test_an_evaluation_measures_all_and_says_how_many_a_reading_would_refuse(
    bundle: Bundle, phantom: Path, tmp_path: Path
) -> None:
    dataset = open_dataset(phantom / "films.toml")
    fresh = replace(dataset, cases=tuple(replace(case, patient=f"Q{case.patient}") for case in dataset.cases))
    for case in fresh.cases[:8]:  # eight become noise
        path = tmp_path / f"{case.id}.png"
        formats.write_png(noise(formats.read(case.image.path)), path)
    cases = tuple(
        replace(case, images={"image": replace(case.image, path=tmp_path / f"{case.id}.png")}) if n < 8 else case
        for n, case in enumerate(fresh.cases)
    )
    evidence = evaluate(bundle, replace(fresh, name="elsewhere", cases=cases[:24]), which="all", resamples=20).evidence
    assert evidence.cases == 24
    told = next(note for note in evidence.notes if "unlike those the model learned from" in note)
    assert told.startswith("8 of 24 cases")
