"""The volumes of the phantom: their masks are the solids, their two formats agree, their tables are true."""

import csv
import hashlib
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from hounsfield import formats, geometry
from hounsfield.datasets import open_dataset
from hounsfield.datasets.phantom3d import write_phantom3d
from hounsfield.datasets.phantom3d.fields import ct_noise
from hounsfield.datasets.phantom3d.grid import Grid
from hounsfield.datasets.phantom3d.layer import LABELS, Layer
from hounsfield.datasets.phantom3d.looks import LOOKS, Look, tissue_values
from hounsfield.datasets.phantom3d.paint import number_parts, paint
from hounsfield.datasets.phantom3d.patient import Patient, draw_patient
from hounsfield.datasets.phantom3d.separation import gap
from hounsfield.datasets.phantom3d.solids import Ellipsoid, ball
from hounsfield.datasets.phantom3d.tissue import AIR, FAT, LIVER, MUSCLE, RENAL_CORTEX, Tissue
from hounsfield.datasets.phantom3d.tumours import moved
from hounsfield.errors import StorageError, UsageError

Row = dict[str, str]
SEED, COARSE = 3, (8.0, 6.0, 6.0)
CLEAR = ("liver", "right kidney", "left kidney", "spleen", "aorta")
"""Structures of which nothing large is hidden by others."""


AROUND = {"liver": LIVER, "right kidney": RENAL_CORTEX, "left kidney": RENAL_CORTEX, "muscle": MUSCLE, "fat": FAT}


def value_of(tissue: Tissue, look: Look) -> float:
    return tissue.hu if look == "ct" else tissue.t1


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients, 64 × 128 × 128 voxels."""
    folder = tmp_path_factory.mktemp("phantom") / "p"
    return write_phantom3d(folder, patients=3, seed=SEED, spacing_mm=(4, 3, 3)).parent


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    """The same, and five more."""
    return [draw_patient(np.random.default_rng([SEED, number]), number) for number in range(1, 9)]


def rows(path: Path) -> list[Row]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    for name, seed, workers in (("a", 1, 1), ("b", 1, 2), ("c", 2, 1)):
        write_phantom3d(tmp_path / name, patients=2, seed=seed, spacing_mm=COARSE, workers=workers)
    one, other, third = (digests(tmp_path / name) for name in "abc")
    assert one == other
    assert one["images/P0001.nii.gz"] != third["images/P0001.nii.gz"]
    assert one["series/P0001/0001.dcm"] != third["series/P0001/0001.dcm"]


def test_bodies_do_not_depend_on_the_look_and_tables_not_on_the_grid(volumes: Path, tmp_path: Path) -> None:
    write_phantom3d(tmp_path / "mr", patients=1, seed=SEED, spacing_mm=(4, 3, 3), look="mr")
    write_phantom3d(tmp_path / "coarse", patients=3, seed=SEED, spacing_mm=COARSE)
    for name in ("masks", "tumours"):
        assert (tmp_path / "mr" / name / "P0001.nii.gz").read_bytes() == (volumes / name / "P0001.nii.gz").read_bytes()
    assert (tmp_path / "coarse" / "distances.csv").read_bytes() == (volumes / "distances.csv").read_bytes()
    image = formats.read(tmp_path / "mr" / "series" / "P0001")
    assert (image.modality, image.voxels.dtype) == ("MR", np.uint16)
    labels = formats.read(volumes / "masks" / "P0001.nii.gz").voxels
    shown = {name: np.median(image.voxels[labels == LABELS.index(name)]) for name in ("background", "fat", "liver")}
    assert shown["background"] < 60 < shown["liver"] < shown["fat"]
    np.testing.assert_array_equal(formats.read(tmp_path / "mr" / "images" / "P0001.nii.gz").voxels, image.voxels)


def test_the_series_and_the_nifti_are_the_same_ct(volumes: Path) -> None:
    series, nifti = formats.read(volumes / "series" / "P0002"), formats.read(volumes / "images" / "P0002.nii.gz")
    np.testing.assert_array_equal(series.voxels, nifti.voxels)
    np.testing.assert_allclose(series.affine, nifti.affine, atol=1e-5)
    assert series.shape == (64, 128, 128)
    assert series.spacing_mm == pytest.approx((4, 3, 3))
    assert (series.modality, geometry.orientation(series.affine)) == ("CT", "SPL")
    np.testing.assert_allclose(series.affine @ [31.5, 63.5, 63.5, 1], [0, 0, 0, 1], atol=1e-6)
    assert series.voxels.min() >= -1024
    assert series.voxels.max() <= 3071


def test_tissues_have_their_hounsfield_units(volumes: Path) -> None:
    image, mask = (formats.read(volumes / name / "P0001.nii.gz").voxels for name in ("images", "masks"))
    expected = {
        "background": (-1005, -990), "fat": (-112, -94), "muscle": (45, 75), "liver": (80, 145), "aorta": (120, 210),
        "lung": (-880, -700), "vertebrae": (180, 700), "spleen": (85, 160),
    }  # fmt: skip
    for name, (low, high) in expected.items():
        assert low < np.median(image[mask == LABELS.index(name)]) < high, name
    assert set(np.unique(mask)) == set(range(len(LABELS)))
    assert [row["name"] for row in rows(volumes / "labels.csv")] == list(LABELS)


def test_the_tags_make_one_series(volumes: Path) -> None:
    slices = [pydicom.dcmread(path) for path in sorted((volumes / "series" / "P0001").iterdir())]
    assert len(slices) == 64
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "SOPClassUID"):
        assert len({str(one[keyword].value) for one in slices}) == 1, keyword
    assert len({one.SOPInstanceUID for one in slices}) == 64
    assert all(one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID for one in slices)
    assert slices[0].SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert [one.InstanceNumber for one in slices] == list(range(1, 65))
    assert [float(one.ImagePositionPatient[2]) for one in slices] == pytest.approx(np.arange(64) * 4 - 126)
    other = pydicom.dcmread(volumes / "series" / "P0002" / "0001.dcm")
    assert other.StudyInstanceUID != slices[0].StudyInstanceUID


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(volumes: Path, tmp_path: Path) -> None:
    write_phantom3d(tmp_path / "mr", patients=1, spacing_mm=COARSE, look="mr")
    for path in (volumes / "series" / "P0001" / "0001.dcm", tmp_path / "mr" / "series" / "P0001" / "0009.dcm"):
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        assert "Error" not in said.stderr + said.stdout, path


def test_both_descriptions_open_with_masks_and_a_box_for_each_tumour(volumes: Path) -> None:
    tumours = rows(volumes / "tumours.csv")
    for name in ("volumes.toml", "series.toml"):
        dataset = open_dataset(volumes / name)
        assert (len(dataset.cases), dataset.modality, dataset.notes) == (3, "CT", ())
        for case in dataset.cases:
            assert case.patient == case.id
            assert case.mask is not None
            own = [row for row in tumours if row["patient"] == case.id]
            assert len(case.boxes) == len(own)
            assert {box.label for box in case.boxes} == {"tumour"}
            for row, box in zip(own, case.boxes, strict=True):
                assert box.x0 - 1 <= float(row["x"]) / 3 + 64 <= box.x1 + 1
                assert box.z0 - 1 <= float(row["z"]) / 4 + 32 <= box.z1 + 1


def test_every_voxel_is_what_the_last_solid_that_holds_its_middle_is(volumes: Path, patients: list[Patient]) -> None:
    mask = formats.read(volumes / "masks" / "P0001.nii.gz")
    rng = np.random.default_rng(0)
    index = np.stack([rng.integers(0, count, 4000) for count in mask.shape], axis=1)
    x, y, z = geometry.world_from_index(mask.affine, index).T
    expected = np.zeros(len(index), dtype=int)
    for layer in patients[0].layers:
        expected[layer.shape.signed(x, y, z) <= 0] = LABELS.index(layer.label)
    np.testing.assert_array_equal(mask.voxels[0][tuple(index.T)], expected)
    assert len(set(expected)) > 8


def test_a_mask_has_the_volume_in_the_table(
    patients: list[Patient],
) -> None:
    tumours = [tumour for patient in patients for tumour in patient.tumours]
    for tumour in tumours[:4]:
        centred = moved(tumour.solid, -tumour.center)
        count = math.ceil(2 * tumour.semi_axes[0] / 0.3) + 4
        fine = Grid((count,) * 3, (0.3,) * 3)
        voxels = int(number_parts([centred], fine).sum())
        assert voxels * 0.3**3 == pytest.approx(tumour.volume_mm3, rel=0.005)
        if isinstance(tumour.solid, Ellipsoid):
            assert tumour.volume_mm3 == pytest.approx(4 / 3 * math.pi * np.prod(tumour.solid.semi_axes))


def test_a_voxel_shows_how_much_of_it_is_covered() -> None:
    layer = Layer(ball(np.zeros(3), 20), MUSCLE, "muscle")
    grid, values = Grid((24, 40, 40), (4, 2.4, 2.4)), {AIR.name: 0.0, MUSCLE.name: 1.0}
    slab = paint([layer], grid, first=0, last=24, values=values)
    assert float(slab.values.sum()) * 4 * 2.4**2 == pytest.approx(4 / 3 * math.pi * 20**3, rel=0.02)


@pytest.mark.parametrize("look", LOOKS)
def test_tumours_in_organs_stand_out_in_every_patient(look: Look, patients: list[Patient]) -> None:
    for number, patient in enumerate(patients):
        values = tissue_values(np.random.default_rng(number), patient, look)
        for tumour in patient.tumours:
            away = abs(values[tumour.tissue.name] - values[tumour.tissue.around])
            assert away == pytest.approx(abs(value_of(tumour.tissue, look) - value_of(AROUND[tumour.host], look)))
            assert away >= (18 if look == "ct" else 50)


def test_slices_do_not_depend_on_which_others_are_painted_with_them(patients: list[Patient]) -> None:
    grid, layers = Grid((30, 64, 64), (8, 6, 6)), patients[0].layers
    values = {layer.tissue.name: layer.tissue.hu for layer in layers} | {AIR.name: AIR.hu}
    whole = paint(layers, grid, first=0, last=30, values=values)
    part = paint(layers, grid, first=11, last=14, values=values)
    np.testing.assert_array_equal(part.values, whole.values[11:14])
    np.testing.assert_array_equal(part.labels, whole.labels[11:14])


def test_the_table_of_distances_agrees_with_the_masks(volumes: Path) -> None:
    diagonal = math.sqrt(4**2 + 3**2 + 3**2)
    checked = 0
    for patient in ("P0001", "P0002", "P0003"):
        mask = formats.read(volumes / "masks" / f"{patient}.nii.gz")
        tumours = formats.read(volumes / "tumours" / f"{patient}.nii.gz").voxels[0]
        away: dict[str, list[float]] = {}
        for number in range(1, int(tumours.max()) + 1):
            field = ndimage.distance_transform_edt(tumours != number, sampling=(4, 3, 3))
            away[str(number)] = list(ndimage.minimum(field, mask.voxels[0], range(len(LABELS))))
        for row in rows(volumes / "distances.csv"):
            if row["patient"] != patient or row["relation"] != "outside":
                continue
            nearest = away[row["tumour"]][LABELS.index(row["structure"])]
            if nearest == 0:  # none of it is in the image
                continue
            assert nearest >= float(row["distance_mm"]) - 1e-3, row  # middles of voxels lie inside of the solids
            if row["structure"] in CLEAR and row["in_image"] == "1":
                assert nearest <= float(row["distance_mm"]) + 1.5 * diagonal, row
                checked += 1
    assert checked > 10


def test_the_ends_of_a_distance_lie_on_both_surfaces(patients: list[Patient]) -> None:
    for patient in patients:
        for tumour in patient.tumours:
            for distance in patient.distances(tumour):
                way = distance.gap
                if distance.relation == "touching":
                    continue
                assert abs(float(tumour.solid.signed(*way.here[:, np.newaxis])[0])) < 1e-5, (
                    distance.structure,
                    distance.relation,
                )
                structure = next(one for one in patient.structures if one.name == distance.structure)
                levels = [float(part.signed(*way.there[:, np.newaxis])[0]) for part in structure.parts]
                assert min(map(abs, levels)) < 1e-5, (distance.structure, distance.relation)
                assert np.linalg.norm(way.there - way.here) == pytest.approx(way.distance_mm, abs=1e-6)


def test_patients_differ_and_some_tumours_touch_vessels_or_bones_or_lie_near_the_skin() -> None:
    drawn = [draw_patient(np.random.default_rng([0, number]), number) for number in range(1, 16)]
    tumours = [(patient, tumour) for patient in drawn for tumour in patient.tumours]
    assert {len(patient.tumours) for patient in drawn} >= {1, 2, 3}
    assert {tumour.host for _, tumour in tumours} >= {"liver", "right kidney", "left kidney", "muscle", "fat"}
    assert len({patient.physique.half_width for patient in drawn}) == len(drawn)
    found = [
        {one.structure: one for one in patient.distances(tumour)} | {"host": tumour.host} for patient, tumour in tumours
    ]
    touched = {name for one in found for name in LABELS if name in one and one[name].relation == "touching"}
    assert touched & {"portal vein", "hepatic veins"}
    assert touched & {"vertebrae", "ribs"}
    assert any(one["body surface"].gap.distance_mm < 6 for one in found)
    assert all(one["body surface"].relation == "within" for one in found)
    assert all(one["liver"].relation == "within" for one in found if one["host"] == "liver")


def test_organs_do_not_overlap(patients: list[Patient]) -> None:
    names = ("liver", "spleen", "stomach", "pancreas", "gallbladder", "right kidney", "left kidney", "bowel")
    for patient in patients:
        parts = [(one.name, part) for one in patient.structures if one.name in names for part in one.parts]
        for place, (name, part) in enumerate(parts):
            if name != "bowel":
                assert all(other == name or gap(part, solid, limit_mm=0) for other, solid in parts[place + 1 :]), name


def test_noise_has_variance_1_and_little_power_at_the_longest_waves() -> None:
    grid = Grid((4, 128, 128), (1.0, 1.0, 1.0))
    planes = np.stack([ct_noise((1,), grid, index) for index in range(4)])
    assert planes.std() == pytest.approx(1, abs=0.05)
    power = np.abs(np.fft.fft2(planes)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    low, middle, high = (
        power[:, (frequency > a) & (frequency < b)].mean() for a, b in ((0, 0.03), (0.18, 0.28), (0.6, 0.7))
    )
    assert low < 0.3 * middle
    assert high < 0.3 * middle
    assert 0.3 < np.corrcoef(planes[0].ravel(), planes[1].ravel())[0, 1] < 0.95


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"patients": 0}, "at least one patient, not 0"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"look": "pet"}, "must be ct or mr, not 'pet'"),
        ({"spacing_mm": (0.0, 1, 1)}, "must be 0.3 to 8 mm along depth, height and width, not 0 × 1 × 1"),
        ({"spacing_mm": (math.nan, 1, 1)}, "must be 0.3 to 8 mm"),
        ({"size": (16, 160, 160)}, "cover 64 × 384 × 384 mm, and the phantom's bodies need 240 × 290 × 370 mm"),
        ({"size": (0, 160, 160)}, "cover 0 × 384 × 384 mm"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        write_phantom3d(tmp_path / "p", **arguments)  # type: ignore[arg-type]

    assert not (tmp_path / "p").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")

    with pytest.raises(StorageError, match="exists and is not empty; choose another folder"):
        write_phantom3d(tmp_path, patients=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_ball_is_a_capsule_without_length() -> None:
    assert ball(np.zeros(3), 5).holds(np.array([3.0, 0, 4]))
    assert not ball(np.zeros(3), 5).holds(np.array([3.0, 0.1, 4]))
