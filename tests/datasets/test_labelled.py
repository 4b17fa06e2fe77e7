"""Levels of labelled voxels: what a CT's window must leave apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets import Dataset, open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.labelled import labelled_levels
from hounsfield.datasets.segmentation import for_segmentation
from hounsfield.formats.write import write_nifti
from hounsfield.image import Image
from hounsfield.plan.inputs import kind_of


def task(folder: Path, level: int, *, facts: dict[str, object] | None = None) -> Dataset:
    """Three CTs of air, soft tissue and something labelled, in the Decathlon's folders."""
    rng = np.random.default_rng(0)
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for number in range(3):
        voxels = np.full((1, 8, 16, 16), -1000, dtype=np.int16)
        voxels[:, 2:6, 2:14, 2:14] = 40
        mask = np.zeros(voxels.shape, dtype=np.uint8)
        mask[:, 3:5, 4:9, 4:9] = 1
        voxels[mask > 0] = level + rng.integers(-20, 21, np.count_nonzero(mask))
        mask[:, 0, 0, 0] = 2  # nobody knows
        for part, values in (("imagesTr", voxels), ("labelsTr", mask)):
            image = Image(values, np.diag([2.0, 1, 1, 1]), spacing_kind="patient")
            write_nifti(image, folder / part / f"ct_{number}.nii.gz")
    labels = {"background": 0, "organ": 1, "ignore": 2}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, **(facts or {})}), encoding="utf-8")
    return for_segmentation(open_dataset(folder))


CT = {"modality": {"0": "CT"}}


@pytest.mark.parametrize(
    ("level", "wanted"), [(60, (-160.0, 240.0)), (-850, (-870.0, 240.0)), (1200, (-160.0, 1220.0))]
)
def test_a_ct_is_shown_as_far_as_what_is_labelled_reaches(
    tmp_path: Path, level: int, wanted: tuple[float, float]
) -> None:
    fingerprint = make_fingerprint(task(tmp_path, level, facts=CT))
    assert fingerprint.modalities == {"CT": 3}
    kind = kind_of(fingerprint, modality="CT", cropped=False)
    (step,) = kind.steps
    shown = step["center"] - step["width"] / 2, step["center"] + step["width"] / 2
    assert step["step"] == "window" and shown == pytest.approx(wanted, abs=2)
    assert ("widened to the levels of what is labelled" in kind.reason) == (level != 60)


def test_levels_are_those_of_labels_alone(tmp_path: Path) -> None:
    dataset = task(tmp_path, -850)
    low, high = labelled_levels(dataset, dataset.cases) or (0, 0)
    assert (low, high) == (pytest.approx(-870, abs=2), pytest.approx(-830, abs=2))
    assert labelled_levels(replace(dataset, labels={}), dataset.cases) is None
    assert labelled_levels(dataset, ()) is None
    (tmp_path / "imagesTr/ct_0.nii.gz").write_bytes(b"no image")
    assert labelled_levels(dataset, dataset.cases) == (pytest.approx(low, abs=2), pytest.approx(high, abs=2))
    assert labelled_levels(dataset, dataset.cases[:1]) is None


def test_of_other_images_levels_are_not_asked_for(tmp_path: Path) -> None:
    assert make_fingerprint(task(tmp_path, 60)).labelled_levels is None
