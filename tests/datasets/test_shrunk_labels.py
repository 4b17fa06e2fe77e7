"""Thin labels, that are lost where images are made small."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.datasets import Dataset, open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.segmentation import for_segmentation
from hounsfield.datasets.shrunk_labels import dice_when_shrunk

DESCRIPTION = """
name = "eyes"
files = '(?P<eye>\\d)\\.png'
root = "images"
image = "file"
id = "{eye}"

[labels]
%s

[columns]
mask = "../masks/{eye}.png"
"""


def eyes(folder: Path, labels: str = "vessel = 1\ndisc = 2", *, width: int = 1) -> Dataset:
    """Three images of 1024 × 768 with a disc and lines of so many pixels."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for eye in range(3):
        mask = np.zeros((1024, 768), dtype=np.uint8)
        cv2.circle(mask, (500, 400), 90, 2, -1)
        for column in range(50, 350, 50):
            cv2.line(mask, (column, 20), (column + 20 * eye, 1000), 1, width)
        cv2.imwrite(str(folder / "images" / f"{eye}.png"), rng.integers(0, 255, mask.shape, dtype=np.uint8))
        cv2.imwrite(str(folder / "masks" / f"{eye}.png"), mask)
    (folder / "eyes.toml").write_text(DESCRIPTION % labels, encoding="utf-8")
    return for_segmentation(open_dataset(folder / "eyes.toml"))


def test_the_thinnest_label_decides(tmp_path: Path) -> None:
    dataset = eyes(tmp_path / "thin")
    kept = dice_when_shrunk(dataset, dataset.cases)
    assert kept is not None and kept < 0.5
    assert make_fingerprint(dataset).dice_when_shrunk == kept
    assert dice_when_shrunk(dataset, dataset.cases, side=1024) == 1
    wide = eyes(tmp_path / "wide", width=20)
    assert (dice_when_shrunk(wide, wide.cases) or 0) > 0.97


def test_nothing_is_asked_of_objects_or_without_masks(tmp_path: Path) -> None:
    dataset = eyes(tmp_path / "objects", 'cell = "each"')
    assert dice_when_shrunk(dataset, dataset.cases) is None
    assert dice_when_shrunk(dataset, ()) is None


def test_a_mask_that_cannot_be_read_counts_for_nothing(tmp_path: Path) -> None:
    dataset = eyes(tmp_path / "eyes")
    kept = dice_when_shrunk(dataset, dataset.cases[1:])
    (tmp_path / "eyes/masks/0.png").write_bytes(b"no image")
    assert dice_when_shrunk(dataset, dataset.cases) == pytest.approx(kept)
