"""The gate on real images: films of other women pass, what is no mammogram gets no answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets import load, open_dataset
from hounsfield.findings import Quality
from hounsfield.image import Image
from hounsfield.likeness import Remembered
from hounsfield.likeness.distance import distances_of
from hounsfield.likeness.look import look_at, seen_in
from hounsfield.likeness.postures import postures_of
from hounsfield.reading.uncertainty import Gate

EXAMPLES = Path(__file__).parents[2] / "examples"


def images(real_data: Path, name: str, folder: str, count: int) -> list[tuple[str, Image]]:
    cases = open_dataset(EXAMPLES / f"{name}.toml", root=real_data / folder).cases
    chosen = np.random.default_rng(0).permutation(len(cases))[:count].tolist()
    return [(cases[place].patient, load(next(iter(cases[place].images.values())))) for place in chosen]


@pytest.fixture(scope="module")
def films(real_data: Path) -> list[tuple[str, Image]]:
    return images(real_data, "cbis_ddsm_films", "cbis_ddsm_mass", 320)


@pytest.fixture(scope="module")
def own(films: list[tuple[str, Image]]) -> list[Image]:
    """Films of women that the gate has not seen."""
    known = {patient for patient, _ in films[:250]}
    return [film for patient, film in films[250:] if patient not in known]


@pytest.fixture(scope="module")
def gate(films: list[tuple[str, Image]]) -> Gate:
    pictures = np.stack([look_at(film) for _, film in films[:250]])
    patient = np.unique([name for name, _ in films[:250]], return_inverse=True)[1]
    distances, postures = distances_of(seen_in(pictures), patient), postures_of(pictures, patient)
    assert distances is not None and postures is not None
    return Gate(Remembered({"image": distances}, {"image": postures}))


def judged(gate: Gate, shown: list[Image]) -> list[Quality]:
    return gate.judge([glimpse for glimpse in map(gate.glimpse, shown) if glimpse])


def refused(gate: Gate, shown: list[Image]) -> float:
    return float(np.mean([one.unlike for one in judged(gate, shown)]))


def test_films_of_other_women_pass(gate: Gate, own: list[Image]) -> None:
    assert len(own) > 30
    assert refused(gate, own) < 0.1


@pytest.mark.parametrize("name", ["cxr_lungs_tb", "busi_ultrasound", "lc25000_lung"])
def test_what_is_no_mammogram_is_refused(gate: Gate, real_data: Path, name: str) -> None:
    assert refused(gate, [image for _, image in images(real_data, name, name, 40)]) > 0.97


def test_inverted_and_turned_films_are_refused_and_named(gate: Gate, own: list[Image]) -> None:
    inverted = [replace(film, voxels=film.voxels.max() + film.voxels.min() - film.voxels) for film in own]
    turned = [replace(film, voxels=np.ascontiguousarray(np.rot90(film.voxels, axes=(2, 3)))) for film in own]
    for shown, word in ((inverted, "inverted"), (turned, "turned a quarter")):
        said = [one.reasons for one in judged(gate, shown)]
        assert np.mean([any(word in reason for reason in reasons) for reasons in said]) > 0.95
