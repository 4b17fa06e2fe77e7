"""`write_phantom`: a folder of films as DICOM files, masks, tables and the two descriptions that open them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from hounsfield.atomic import atomic_folder
from hounsfield.datasets.phantom.descriptions import FILMS, LANDMARKS, MASSES
from hounsfield.datasets.phantom.dicom import write_film
from hounsfield.datasets.phantom.film import Film, draw_film
from hounsfield.datasets.phantom.woman import Laterality, View, draw_woman
from hounsfield.errors import StorageError, UsageError
from hounsfield.progress import track

_VERSION = 1
"""Goes into every UID; raised when the same seed gives other films."""
_FILMS: tuple[tuple[Laterality, View], ...] = (("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO"))
_Row = dict[str, str | int | float]


def write_phantom(
    folder: Path,
    *,
    women: int = 100,
    seed: int = 0,
    size: tuple[int, int] = (1024, 768),
    films_per_woman: int = 4,
    benign: float = 0.35,
    malignant: float = 0.35,
    workers: int | None = None,
) -> Path:
    """The path of `masses.toml`, the description of a phantom data set that was written to `folder`.

    The folder holds `films/*.dcm`, `masks/*.png`, `masses.csv`, `films.csv`, `masses.toml` (a case is a mass, benign or
    malignant, cut around its box), `films.toml` (a case is a film, with a malignant mass or without) and
    `landmarks.toml` (a case is a film with its nipple and the chest wall behind it). The same
    arguments give the same bytes on the same versions of the libraries, whatever the number of workers.

    Args:
        folder: Must not exist yet, or be empty.
        women: How many patients, 1 or more.
        seed: Chooses everything that is random, 0 or more.
        size: (height, width) of a film in pixels, 64 x 48 or more; a film is 240 mm high, whatever its pixels.
        films_per_woman: 1 to 4: left CC, left MLO, right CC, right MLO.
        benign: Probability that a breast holds a benign mass.
        malignant: Probability that it holds a malignant one; the two sum to at most 1.
        workers: Threads; by default one a core, at most 4.

    Raises:
        UsageError: An argument is out of its range.
        StorageError: The folder is not empty, or the disk refuses.
    """
    _check(women, seed, size, films_per_woman, benign, malignant)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StorageError(f"{folder} exists and is not empty; choose another folder for the phantom")
    key = f"hounsfield phantom {_VERSION} {seed} {size[0]}x{size[1]} {benign} {malignant}"
    with atomic_folder(folder) as building:
        (building / "films").mkdir()
        (building / "masks").mkdir()
        work = partial(
            _write_woman, building, key=key, seed=seed, size=size, films=films_per_woman, shares=(benign, malignant)
        )
        rows = list(track(_in_order(work, women, workers), "drawing the phantom", total=women))
        write_table(building / "films.csv", [film for films, _ in rows for film in films], _FILM_COLUMNS)
        write_table(building / "masses.csv", [mass for _, masses in rows for mass in masses], _MASS_COLUMNS)
        (building / "films.toml").write_text(FILMS, encoding="utf-8")
        (building / "landmarks.toml").write_text(LANDMARKS, encoding="utf-8")
        (building / "masses.toml").write_text(MASSES, encoding="utf-8")
    return folder / "masses.toml"


_FILM_COLUMNS = (
    *("image", "patient", "laterality", "view", "nipple_x", "nipple_y", "chest_wall_x", "chest_wall_y"),
    *("density", "age", "sex", "site", "n_masses", "any_malignant", "labelled"),
)
_MASS_COLUMNS = (
    *("image", "box_index", "x0", "y0", "x1", "y1", "label", "margin", "size_mm", "any_malignant", "patient"),
    *("laterality", "view", "density", "age", "sex", "site"),
)


def _check(women: int, seed: int, size: tuple[int, int], films_per_woman: int, benign: float, malignant: float) -> None:
    if women < 1:
        raise UsageError(f"a phantom needs at least one woman, not {women}")
    if seed < 0:
        raise UsageError(f"the seed must be 0 or more, not {seed}")
    if size[0] < 64 or size[1] < 48:
        raise UsageError(f"phantom films must have at least 64 x 48 pixels, not {size[0]} x {size[1]}")
    if not 1 <= films_per_woman <= len(_FILMS):
        raise UsageError(f"films_per_woman must be 1 to {len(_FILMS)}, not {films_per_woman}")
    if not (benign >= 0 and malignant >= 0 and benign + malignant <= 1):
        raise UsageError(f"benign = {benign} and malignant = {malignant} must be 0 or more and sum to at most 1")


def _in_order(
    work: partial[tuple[list[_Row], list[_Row]]], women: int, workers: int | None
) -> Iterator[tuple[list[_Row], list[_Row]]]:
    """The rows of every woman, drawn in parallel, in the order of their numbers."""
    with ThreadPoolExecutor(workers or min(4, os.cpu_count() or 1)) as pool:
        yield from pool.map(work, range(1, women + 1))


def _write_woman(
    folder: Path,
    number: int,
    *,
    key: str,
    seed: int,
    size: tuple[int, int],
    films: int,
    shares: tuple[float, float],
) -> tuple[list[_Row], list[_Row]]:
    """Draw and write one woman's films: her rows for films.csv and masses.csv."""
    woman = draw_woman(np.random.default_rng([seed, number]), number, benign=shares[0], malignant=shares[1])
    film_rows: list[_Row] = []
    mass_rows: list[_Row] = []
    for place, (laterality, view) in enumerate(_FILMS[:films], start=1):
        # A generator a film: fewer films a woman leave the others as they were.
        film = draw_film(np.random.default_rng([seed, number, place]), woman, laterality, view, shape=size)
        write_film(film, folder / "films" / f"{film.name}.dcm", key=key, number=place)
        _write_masks(film, folder / "masks")
        film_rows.append(_film_row(film))
        mass_rows.extend(_mass_rows(film))
    return film_rows, mass_rows


def _write_masks(film: Film, folder: Path) -> None:
    import cv2

    for index, truth in enumerate(film.masses):
        encoded = cv2.imencode(".png", truth.mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        (folder / f"{film.name}_{index}.png").write_bytes(np.asarray(encoded).tobytes())


def _film_row(film: Film) -> _Row:
    woman = film.woman
    return {
        "image": film.name,
        "patient": woman.id,
        "laterality": film.laterality,
        "view": film.view,
        "density": woman.density,
        "age": woman.age,
        "sex": "F",
        "site": woman.site,
        "n_masses": len(film.masses),
        "any_malignant": int(any(truth.lesion.label == "malignant" for truth in film.masses)),
        "labelled": int(film.labelled),
        **{
            f"{name}_{axis}": round(place - 0.5, 1)  # as an index: the middle of a pixel is half a pixel past its edge
            for name, at in (("nipple", film.nipple), ("chest_wall", film.chest_wall))
            for axis, place in zip("xy", at, strict=True)
        },
    }


def _mass_rows(film: Film) -> list[_Row]:
    of_film = _film_row(film)
    rows: list[_Row] = []
    for index, truth in enumerate(film.masses):
        box, lesion = truth.box, truth.lesion
        corners = {"x0": int(box.x0), "y0": int(box.y0), "x1": int(box.x1), "y1": int(box.y1)}
        words = {"label": lesion.label, "margin": lesion.margin, "size_mm": round(lesion.diameter_mm, 1)}
        rows.append({**of_film, "box_index": index, **corners, **words})
    return rows


def write_table(path: Path, rows: Sequence[Mapping[str, str | int | float]], columns: Sequence[str]) -> None:
    """Write rows as CSV with these columns, in this order; what else a row holds is left out."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
