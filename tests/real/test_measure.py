"""The worksheet on real tumours: every distance is that of brute force to 0.01 mm."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from hounsfield import geometry
from hounsfield.cli.main import main
from hounsfield.findings.worksheet import criteria_from_text, fill_worksheet
from hounsfield.formats import read

pytestmark = pytest.mark.real

CASES = ("STS_008", "STS_025", "STS_042")
CRITERIA = """\
[[criterion]]
name = "No contact with bone"
measure = "contact"
structure = "bone"
most_mm2 = 0
[[criterion]]
name = "10 mm to bone"
measure = "distance"
structure = "bone"
least_mm = 10
[[criterion]]
name = "10 mm to skin"
measure = "distance"
structure = "skin"
from = "inside"
least_mm = 10
[[criterion]]
name = "Smaller than 5 cm"
measure = "long_axis"
most_mm = 50
"""


def masks(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """The tumour, bone by a threshold, the body as what is not air, and the affine."""
    ct = read(folder / "ct.nii.gz")
    tumour = read(folder / "gtv.nii.gz").voxels[0] > 0
    bone = ndimage.binary_opening(ct.voxels[0] > 200) & ~tumour
    parts, _ = ndimage.label(ndimage.binary_opening(ct.voxels[0] > -300, iterations=2))
    body = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return tumour, {"bone": bone, "skin": np.stack([ndimage.binary_fill_holes(plane) for plane in body])}, ct.affine


def pieces(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Centres of the pieces of a surface, found once more: the mean of the middles of the edges that lead out of each
    connected group of corners of the rarer side, cell by cell."""
    found = []
    corners = np.array(list(product((0, 1), repeat=3)))
    counts = sum(mask[d : d - 1 or None, h : h - 1 or None, w : w - 1 or None].astype(int) for d, h, w in corners)
    for cell in np.argwhere((counts > 0) & (counts < 8)):
        inside = mask[tuple(slice(start, start + 2) for start in cell)]
        rarer = inside if inside.sum() <= 4 else ~inside
        groups, count = ndimage.label(rarer)
        for group in range(1, count + 1):
            own = groups == group
            middles = [
                np.add(corner, other) / 2
                for corner in np.argwhere(own)
                for other in corners
                if np.abs(other - corner).sum() == 1 and not own[tuple(other)]
            ]
            found.append(cell + np.mean(middles, axis=0))
    return geometry.world_from_index(affine, np.array(found))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_distances_of_a_worksheet_are_those_of_brute_force(real_data: Path, case: str) -> None:
    tumour, structures, affine = masks(real_data / "sts_ct_mr_pet" / case)
    sheet = fill_worksheet(criteria_from_text(CRITERIA), tumour, structures, affine)
    ours = pieces(tumour, affine)
    for margin in sheet.margins:
        apart = cdist(ours, pieces(structures[margin.structure], affine))
        assert margin.minimum_mm == pytest.approx(apart.min(), abs=0.01)
        row, column = np.unravel_index(apart.argmin(), apart.shape)
        assert np.linalg.norm(ours[row] - margin.closest.lesion_mm) < 0.01 or np.isclose(
            apart.min(), np.partition(apart.ravel(), 1)[1], atol=1e-6
        )
    by_name = {margin.structure: margin for margin in sheet.margins}
    for answer in sheet.answers:
        if answer.measure == "distance":
            assert answer.value == by_name[answer.structure].minimum_mm
            assert answer.from_mm is not None and answer.to_mm is not None
            assert np.linalg.norm(np.subtract(answer.from_mm, answer.to_mm)) == pytest.approx(answer.value)


def test_a_tumour_has_its_worksheet_with_pictures(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "sts_ct_mr_pet" / "STS_025"
    stored = nibabel.load(folder / "ct.nii.gz")  # type: ignore[attr-defined]
    _, structures, _ = masks(folder)
    words = ["measure", str(folder / "ct.nii.gz"), "--lesion", f"{folder / 'gtv.nii.gz'}:1"]
    for name, mask in structures.items():
        path = tmp_path / f"{name}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(mask.T.astype(np.uint8), stored.affine), path)  # type: ignore[attr-defined]
        words += ["--structure", f"{name}={path}"]
    (tmp_path / "wishes.toml").write_text(CRITERIA, encoding="utf-8")
    assert main([*words, "--criteria", str(tmp_path / "wishes.toml"), "-o", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("criterion-*.png"))) == 4
