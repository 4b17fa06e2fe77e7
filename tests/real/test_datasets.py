"""The shipped descriptions on the real data, with the counts their READMEs give."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from hounsfield.datasets import Dataset, load, open_dataset
from hounsfield.datasets.check import check_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.datasets.split import make_folds, make_split
from hounsfield.errors import DatasetError
from hounsfield.plan.columns import choose_columns

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = {
    "cbis_ddsm_mass_with_words": "cbis_ddsm_mass",
    "cbis_ddsm_films": "cbis_ddsm_mass",
    "cbis_ddsm_breasts": "cbis_ddsm_mass",
    "cbis_ddsm_women": "cbis_ddsm_mass",
    "cxr_lungs_tb_mcu_to_chn": "cxr_lungs_tb",
    "cxr_lungs_tb_chn_to_mcu": "cxr_lungs_tb",
}
"""Data folder of an example, where it is not called like it."""


def _open(name: str, real_data: Path) -> Dataset:
    return open_dataset(EXAMPLES / f"{name}.toml", root=real_data / FOLDERS.get(name, name))


def _counts(dataset: Dataset) -> dict[str, int]:
    return Counter("" if case.target is None else dataset.classes[case.target] for case in dataset.cases)


@pytest.mark.parametrize(
    ("name", "patients", "counts", "positive"),
    [
        ("cbis_ddsm_mass", None, {"benign": 675, "malignant": 629}, "malignant"),
        ("cbis_ddsm_mass_with_words", None, {"benign": 675, "malignant": 629}, "malignant"),
        ("cbis_ddsm_films", 691, {"benign": 629, "malignant": 602}, "malignant"),
        ("cbis_ddsm_breasts", 691, {"benign": 372, "malignant": 350}, "malignant"),
        ("cbis_ddsm_women", 691, {"benign": 345, "malignant": 346}, "malignant"),
        ("busi_ultrasound", None, {"benign": 351 - 10, "malignant": 169 - 6}, "malignant"),
        ("cxr_lungs_tb", None, {"normal": 64 + 70, "tuberculosis": 46 + 70}, "tuberculosis"),
        ("cxr_lungs_tb_mcu_to_chn", None, {"normal": 64 + 70, "tuberculosis": 46 + 70}, "tuberculosis"),
        ("cxr_lungs_tb_chn_to_mcu", None, {"normal": 64 + 70, "tuberculosis": 46 + 70}, "tuberculosis"),
        (
            "lc25000_lung",
            591,
            {"benign": 239, "adenocarcinoma": 234, "squamous cell carcinoma": 238},
            "adenocarcinoma",
        ),
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
    assert all(ref.path.is_file() for case in dataset.cases for ref in case.images.values())
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
        split = make_split(dataset, seed=seed, fractions=(0.8, 0.1, 0.1))
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


def test_folders_of_images_and_masks_are_not_taken_for_classes(real_data: Path) -> None:
    dataset = open_dataset(real_data / "busi_ultrasound")
    assert (len(dataset.cases), dataset.classes, dataset.layout) == (625, (), "images and masks")
    assert sum(case.mask is not None for case in dataset.cases) == 520
    name = "cxr_lungs_tb"
    with pytest.raises(DatasetError, match="do not look like classes"):
        open_dataset(real_data / name)


def test_a_breast_has_its_two_films_and_a_woman_up_to_four(real_data: Path) -> None:
    breasts = _open("cbis_ddsm_breasts", real_data)
    assert breasts.views == ("CC", "MLO")
    assert Counter(tuple(case.images) for case in breasts.cases) == {("CC", "MLO"): 509, ("MLO",): 149, ("CC",): 64}
    assert breasts.notes == ("of 722 cases 149 without CC, 64 without MLO",)
    first = breasts.cases[0]
    assert (first.id, first.patient, first.target) == ("P_00001_LEFT", "P_00001", 1)
    assert [ref.path.name for ref in first.images.values()] == ["00001_LEFT_CC.jpg", "00001_LEFT_MLO.jpg"]
    women = _open("cbis_ddsm_women", real_data)
    assert women.views == ("RIGHT CC", "LEFT CC", "RIGHT MLO", "LEFT MLO")
    assert Counter(len(case.images) for case in women.cases) == {1: 200, 2: 461, 3: 11, 4: 19}
    assert sum(len(case.images) for case in breasts.cases) == sum(len(case.images) for case in women.cases) == 1231


def test_the_fingerprint_of_breasts_counts_their_views(real_data: Path) -> None:
    found = make_fingerprint(_open("cbis_ddsm_breasts", real_data), sample=10)
    assert (found.cases, found.views, found.sampled) == (722, {"CC": 573, "MLO": 658}, 10)
    assert (found.shape_min, found.shape_max, found.unreadable) == ((1, 800, 800), (1, 800, 800), ())


def test_near_duplicates_stay_together_and_contradictory_ones_are_left_out(real_data: Path) -> None:
    dataset = _open("busi_ultrasound", real_data)
    assert dataset.notes == (
        "18 rows left out, for [where] keeps those with class_conflict_in_group = '0'",
        "103 rows with class = 'normal' left out, as [class] drop says",
    )
    assert dataset.modality == "US"
    assert all(case.mask is not None for case in dataset.cases)
    sides: dict[str, set[str]] = defaultdict(set)
    split = make_split(dataset)
    for case in dataset.cases:
        sides[case.patient].add(split.parts[case.id])
    assert {len(parts) for parts in sides.values()} == {1}
    assert len(sides) < len(dataset.cases)


def test_copies_of_a_source_tile_stay_together(real_data: Path) -> None:
    dataset = _open("lc25000_lung", real_data)
    assert Counter(Counter(case.patient for case in dataset.cases).values()) == {1: 471, 2: 120}
    assert (dataset.patients_known, dataset.modality) == (True, "SM")
    assert len(make_split(dataset).ids("train")) == pytest.approx(0.9 * 711, abs=3)


@pytest.mark.parametrize("name", ["cbis_ddsm_mass", "cbis_ddsm_women", "busi_ultrasound", "cxr_lungs_tb", "mini_mias"])
def test_all_cases_are_learned_from_where_those_to_test_on_are_kept_elsewhere(real_data: Path, name: str) -> None:
    split = make_split(_open(name, real_data))
    assert set(split.parts.values()) == {"train", "val"}


def test_what_radiologists_said_of_a_mass_is_there_to_be_learned(real_data: Path) -> None:
    dataset = _open("cbis_ddsm_mass", real_data)
    assert dataset.cases[0].auxiliary == {
        "mass_shape": "IRREGULAR-ARCHITECTURAL_DISTORTION",
        "mass_margins": "SPICULATED",
        "bi_rads_assessment": "4",
        "subtlety": "4",
    }
    columns = choose_columns(dataset.auxiliary, [case.auxiliary for case in dataset.cases], grades=True)
    assert [column.kind for column in columns] == ["category"] * 4
    assert not any("ambiguous" in column.values for column in columns)
    assert columns[2].values == ("0", "2", "3", "4", "5")  # two masses are of grade 1


@pytest.mark.parametrize(
    ("name", "learned", "measured"),
    [("mcu_to_chn", "Montgomery", "Shenzhen"), ("chn_to_mcu", "Shenzhen", "Montgomery")],
)
def test_one_site_is_learned_from_and_the_other_measured(
    real_data: Path, name: str, learned: str, measured: str
) -> None:
    dataset = _open(f"cxr_lungs_tb_{name}", real_data)
    counts = {"Montgomery": {0: 64, 1: 46}, "Shenzhen": {0: 70, 1: 70}}
    split = make_split(dataset, seed=1)
    train, val, test = (split.select(dataset, part) for part in ("train", "val", "test"))
    assert {case.site for case in train + val} == {learned}
    assert {case.site for case in test} == {measured}
    assert Counter(case.target for case in train + val) == counts[learned]
    assert Counter(case.target for case in test) == counts[measured]
    assert len(val) / len(train + val) == pytest.approx(1 / 9, abs=0.02)
    assert {case.target for case in val} == {0, 1}
    assert "parts by the column 'site' (train, test); val taken out of train" in split.reason


def test_every_chest_x_ray_has_its_lungs_as_a_mask(real_data: Path) -> None:
    dataset = _open("cxr_lungs_tb", real_data)
    assert Counter(case.site for case in dataset.cases) == {"Montgomery": 110, "Shenzhen": 140}
    assert all(case.mask is not None for case in dataset.cases)
    assert not dataset.patients_known


def test_series_with_structure_sets_are_a_data_set_as_they_lie(real_data: Path) -> None:
    dataset = open_dataset(real_data / "dicom_series")
    assert Counter(case.patient for case in dataset.cases) == {"STS_002": 3, "STS_019": 3, "1": 1}
    assert dataset.layout == "DICOM studies" and "4 series on which nothing was drawn left out" in dataset.notes
    outlined = for_segmentation(dataset)
    assert list(outlined.labels) == ["GTV-1", "GTV_Mass_CT", "GTV_Mass_MR_T1", "GTV_Mass_PET"]
    voxels = {case.id: np.count_nonzero(mask_of(case)) for case in outlined.cases}
    assert voxels["ibsi1_lung_ct/ct"] == 125_256 and min(voxels.values()) > 200


def test_pet_of_sarcomas_is_brought_onto_the_grid_of_t1_where_the_tumour_is(real_data: Path) -> None:
    """The tumour was drawn on T1, and takes up sugar: PET that lay elsewhere would not be hotter in it."""
    folder = real_data / "sts_ct_mr_pet"
    both = for_segmentation(open_dataset(EXAMPLES / "sts_outlines.toml", root=folder))
    alone = for_segmentation(open_dataset(EXAMPLES / "sts_outlines_t1.toml", root=folder))
    assert both.channels == {"mr_t1": "MR", "pet_suv": "PT"}
    assert [case.id for case in both.cases] == [case.id for case in alone.cases] and len(both.cases) == 13
    for case, other in zip(both.cases, alone.cases, strict=True):
        image, inside = load(case.image), mask_of(case) > 0
        np.testing.assert_array_equal(image.voxels[0], load(other.image).voxels[0])
        pet = image.voxels[1]
        assert pet[inside].mean() > 1.5 * pet[~inside].mean() > 0, case.id
