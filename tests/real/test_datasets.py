"""The shipped descriptions on the real data, with the counts their READMEs give."""

from collections import Counter
from pathlib import Path

import pytest

from hounsfield.datasets import Dataset, load, open_dataset
from hounsfield.datasets.check import check_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.split import make_folds, make_split
from hounsfield.errors import DatasetError

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = {"cbis_ddsm_films": "cbis_ddsm_mass"}
"""Data folder of an example, where it is not called like it."""


def _open(name: str, real_data: Path) -> Dataset:
    return open_dataset(EXAMPLES / f"{name}.toml", root=real_data / FOLDERS.get(name, name))


def _counts(dataset: Dataset) -> dict[str, int]:
    return Counter("" if case.target is None else dataset.classes[case.target] for case in dataset.cases)


@pytest.mark.parametrize(
    ("name", "patients", "counts", "positive"),
    [
        ("cbis_ddsm_mass", None, {"benign": 675, "malignant": 629}, "malignant"),
        ("cbis_ddsm_films", 691, {"benign": 629, "malignant": 602}, "malignant"),
        ("mini_mias", 128, {"normal": 165, "abnormal": 91}, "abnormal"),
        ("breastmnist", None, {"normal or benign": 399 + 57, "malignant": 147 + 21}, "malignant"),
        ("pneumoniamnist", None, {"normal": 1214 + 135, "pneumonia": 3494 + 389}, "pneumonia"),
        ("adrenalmnist3d_64", None, {"normal": 929 + 76, "hyperplasia": 259 + 22}, "hyperplasia"),
    ],
)
def test_an_example_opens_with_the_counts_of_its_readme(
    real_data: Path, name: str, patients: int | None, counts: dict[str, int], positive: str
) -> None:
    dataset = _open(name, real_data)
    assert _counts(dataset) == counts
    assert dataset.classes[1] == positive
    assert all(case.images["image"].path.is_file() for case in dataset.cases)
    if patients is not None:
        assert len({case.patient for case in dataset.cases}) == patients
    assert not [problem for problem in check_dataset(dataset, content=False) if problem.severity == "refuse"]


def test_masses_are_crops_with_their_attributes_and_ambiguous_ones_are_counted(real_data: Path) -> None:
    dataset = _open("cbis_ddsm_mass", real_data)
    assert dataset.notes == ("14 rows with label = 'ambiguous' left out, as [class] drop says",)
    first = dataset.cases[0]
    assert first.id == "00001_LEFT_CC_0"
    assert first.patient == "P_00001"
    assert first.attributes == {
        "breast_density": "3",
        "view": "CC",
        "subtlety": "4",
        "bi_rads_assessment": "4",
        "mass_margins": "SPICULATED",
    }
    image = load(first.images["image"])
    assert image.voxels.shape == (1, 1, 158, 158)  # 1.5 x the box's longer side, 105.56
    assert image.voxels.std() > 0
    assert all(load(case.images["image"]).planar for case in dataset.cases[1:30])


def test_films_carry_the_boxes_of_all_their_masses(real_data: Path) -> None:
    dataset = _open("cbis_ddsm_films", real_data)
    assert Counter(len(case.boxes) for case in dataset.cases)[1] == 1173
    assert Counter(box.label for case in dataset.cases for box in case.boxes) == {
        "malignant": 629,
        "benign": 675,
        "ambiguous": 14,
    }


def test_mini_mias_circles_are_boxes_and_films_with_several_findings_one_case(real_data: Path) -> None:
    dataset = _open("mini_mias", real_data)
    assert sum(len(case.boxes) for case in dataset.cases) == 94
    assert Counter(case.attributes["tissue"] for case in dataset.cases) == {"D": 88, "F": 86, "G": 82}
    box = dataset.cases[0].boxes[0]
    assert (box.center, box.width, box.height, box.label) == ((535.5, 598.5), 394, 394, "CIRC")
    assert max(len(case.boxes) for case in dataset.cases) > 1


@pytest.mark.parametrize("name", ["cbis_ddsm_mass", "mini_mias"])
def test_splits_and_folds_of_real_patients_are_apart_and_balanced(real_data: Path, name: str) -> None:
    dataset = _open(name, real_data)
    share = sum(case.target == 1 for case in dataset.cases) / len(dataset.cases)
    for seed in range(3):
        split = make_split(dataset, seed=seed)
        for part, fraction in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
            cases = split.select(dataset, part)  # type: ignore[arg-type]  # a literal, taken from a tuple
            assert len(cases) / len(dataset.cases) == pytest.approx(fraction, abs=0.015)
            assert sum(case.target == 1 for case in cases) / len(cases) == pytest.approx(share, abs=0.05)
    folds = make_folds(dataset, [case.id for case in dataset.cases], folds=5, seed=0)
    assert max(map(len, folds)) - min(map(len, folds)) <= 8


def test_the_fingerprint_of_the_masses(real_data: Path) -> None:
    found = make_fingerprint(_open("cbis_ddsm_mass", real_data), sample=40)
    assert (found.cases, found.patients, found.classes) == (1304, 690, ("benign", "malignant"))
    assert found.unreadable == ()
    assert found.planar
    assert not found.colour
    assert found.box_width is not None
    assert found.box_width.median == pytest.approx(80, abs=2)
    assert 0 <= found.intensity["0"] < found.intensity["50"] < found.intensity["100"] <= 255


def test_the_fingerprint_of_volumes(real_data: Path) -> None:
    found = make_fingerprint(_open("adrenalmnist3d_64", real_data), sample=10)
    assert (found.shape_min, found.shape_max, found.planar) == ((64, 64, 64), (64, 64, 64), False)
    assert (found.intensity["0"], found.intensity["100"]) == (0, 255)


def test_images_that_pneumoniamnist_has_twice_are_found(real_data: Path) -> None:
    texts = [problem.text for problem in check_dataset(_open("pneumoniamnist", real_data))]
    assert any("in different official parts" in text for text in texts)


def test_class_folders_of_tissue_tiles(real_data: Path) -> None:
    dataset = open_dataset(real_data / "lc25000_lung" / "images")
    assert _counts(dataset) == {"lung_aca": 234, "lung_n": 239, "lung_scc": 238}


@pytest.mark.parametrize("name", ["busi_ultrasound", "cxr_lungs_tb"])
def test_folders_of_images_and_masks_are_not_taken_for_classes(real_data: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="do not look like classes"):
        open_dataset(real_data / name)
