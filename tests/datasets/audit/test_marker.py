"""A marker planted in the malignant films of the phantom."""

from __future__ import annotations

import csv
from pathlib import Path

import pydicom

from hounsfield.datasets import open_dataset
from hounsfield.datasets.audit import audit_dataset
from hounsfield.datasets.phantom import write_phantom


def test_a_marker_in_malignant_films_is_a_shortcut_and_without_it_there_is_none(tmp_path: Path) -> None:
    write_phantom(tmp_path, women=30, size=(192, 144))
    before = audit_dataset(open_dataset(tmp_path / "films.toml"))
    assert before.shortcut_auc is not None and "tells the class" not in " ".join(before.reasons)
    for row in csv.DictReader((tmp_path / "films.csv").read_text(encoding="utf-8").splitlines()):
        if row["any_malignant"] == "1":
            path = tmp_path / "films" / f"{row['image']}.dcm"
            film = pydicom.dcmread(path)
            pixels = film.pixel_array.copy()
            pixels[4:14, 60:84] = pixels.max() if film.PhotometricInterpretation == "MONOCHROME2" else pixels.min()
            film.set_pixel_data(pixels, film.PhotometricInterpretation, film.BitsStored)
            film.save_as(path)
    after = audit_dataset(open_dataset(tmp_path / "films.toml"))
    assert after.shortcut_auc is not None and after.shortcut_auc > 0.95 > before.shortcut_auc
    assert after.verdict == "warn" and "the border of an image alone tells the class" in " ".join(after.reasons)
