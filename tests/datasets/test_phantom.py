import csv
import hashlib
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from hounsfield.datasets import load, open_dataset
from hounsfield.datasets.phantom import write_phantom
from hounsfield.datasets.phantom.dicom_modules import uid
from hounsfield.datasets.phantom.film import Film, draw_film
from hounsfield.datasets.phantom.woman import View, draw_woman
from hounsfield.errors import StorageError, UsageError
from hounsfield.image import Image, Source
from hounsfield.preprocessing.breast import BreastRegion, region

Row = dict[str, str]


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 women, films of 256 x 192."""
    return write_phantom(tmp_path_factory.mktemp("phantom") / "p", women=60, seed=4, size=(256, 192)).parent


def _rows(path: Path) -> list[Row]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _draw(number: int, view: View) -> Film:
    rng = np.random.default_rng([8, number])
    return draw_film(rng, draw_woman(rng, number, benign=0.5, malignant=0.5), "R", view, shape=(512, 384))


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(tmp_path: Path) -> None:
    write_phantom(tmp_path / "a", women=2, seed=1, size=(128, 96), workers=1)
    write_phantom(tmp_path / "b", women=2, seed=1, size=(128, 96), workers=3)
    write_phantom(tmp_path / "c", women=2, seed=2, size=(128, 96))

    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    films = _digests(tmp_path / "a" / "films"), _digests(tmp_path / "c" / "films")
    assert films[0].keys() == films[1].keys()
    assert not set(films[0].values()) & set(films[1].values())


def test_fewer_films_a_woman_leave_the_others_as_they_were(tmp_path: Path) -> None:
    write_phantom(tmp_path / "four", women=1, seed=1, size=(128, 96))
    write_phantom(tmp_path / "two", women=1, seed=1, size=(128, 96), films_per_woman=2)

    four, two = _digests(tmp_path / "four" / "films"), _digests(tmp_path / "two" / "films")
    assert list(two) == ["P0001_L_CC.dcm", "P0001_L_MLO.dcm"]
    assert two.items() <= four.items()


def test_both_descriptions_open(phantom: Path) -> None:
    masses, films = open_dataset(phantom / "masses.toml"), open_dataset(phantom / "films.toml")

    assert masses.classes == ("benign", "malignant")
    assert films.classes == ("not malignant", "malignant")
    assert len(films.cases) == 240
    assert not masses.notes
    assert not films.notes
    case = masses.cases[0]
    assert case.patient == case.id[:5]
    assert case.age_years is not None
    assert case.site in ("north", "south")
    crop = load(case.images["image"])
    assert crop.shape[1] == crop.shape[2] == round(1.5 * max(case.boxes[0].width, case.boxes[0].height))
    assert sum(len(case.boxes) for case in films.cases) == len(masses.cases)


def test_a_mass_is_seen_in_both_views_of_its_breast_and_films_know_of_it(phantom: Path) -> None:
    masses = {row["image"]: row for row in _rows(phantom / "masses.csv")}

    for row in _rows(phantom / "films.csv"):
        other = row["image"].replace("CC", "MLO") if row["view"] == "CC" else row["image"].replace("MLO", "CC")
        assert (row["image"] in masses) == (other in masses) == (row["n_masses"] == "1")
        malignant = row["image"] in masses and masses[row["image"]]["label"] == "malignant"
        assert row["any_malignant"] == str(int(malignant))
    shares = [row["label"] for row in masses.values()]
    assert 0.3 < shares.count("malignant") / len(shares) < 0.7
    assert {row["margin"] for row in masses.values() if row["label"] == "malignant"} == {"spiculated"}


def test_boxes_hold_their_masks_and_the_masks_lie_in_the_breast(phantom: Path) -> None:
    for row in _rows(phantom / "masses.csv"):
        mask = cv2.imread(str(phantom / "masks" / f"{row['image']}_{row['box_index']}.png"), cv2.IMREAD_GRAYSCALE) > 0
        x0, y0, x1, y1 = (int(row[key]) for key in ("x0", "y0", "x1", "y1"))
        assert mask.shape == (256, 192)
        assert mask[y0:y1, x0:x1].sum() == mask.sum() > 0
        assert 0 <= x0 < x1 <= 192
        assert 0 <= y0 < y1 <= 256
        width = np.ptp(np.flatnonzero(mask.any(axis=0))) + 1
        assert width <= x1 - x0 <= 1.5 * max(width, np.ptp(np.flatnonzero(mask.any(axis=1))) + 1)


def test_a_mass_stands_out_from_what_surrounds_it() -> None:
    with_mass, without = [], []
    for number in range(1, 9):
        film = _draw(number, "CC")
        (truth,) = film.masses
        ring = cv2.dilate(truth.mask.astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool) & ~truth.mask
        with_mass.append(film.pixels[truth.mask].mean())
        without.append(film.pixels[ring & film.breast].mean())
    assert np.mean(np.array(with_mass) > without) > 0.8


def test_the_tags_say_what_the_films_are(phantom: Path) -> None:
    seen: set[str] = set()
    rows = _rows(phantom / "films.csv")
    for row in rows:
        film = pydicom.dcmread(phantom / "films" / f"{row['image']}.dcm")
        assert film.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.2"
        assert (film.Modality, film.PresentationIntentType) == ("MG", "FOR PRESENTATION")
        assert film.PatientID == row["patient"]
        assert film.PatientAge == f"{int(row['age']):03d}Y"
        assert film.ImageLaterality == row["laterality"]
        assert film.ViewPosition == row["view"]
        assert film.ViewCodeSequence[0].CodeValue == {"CC": "399162004", "MLO": "399368009"}[row["view"]]
        assert film.ImagerPixelSpacing == [0.9375, 0.9375]
        assert (
            film.PresentationLUTShape
            == {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}[film.PhotometricInterpretation]
        )
        assert film.pixel_array.max() <= 4095
        assert 0 < film.WindowCenter < 4095
        seen.add(film.PhotometricInterpretation)
        assert (
            film.StudyInstanceUID == pydicom.dcmread(phantom / "films" / f"{row['patient']}_L_CC.dcm").StudyInstanceUID
        )
    assert seen == {"MONOCHROME1", "MONOCHROME2"}


def test_uids_are_uuids_under_2_25_and_follow_from_the_text() -> None:
    assert uid("a") == uid("a") != uid("b")
    assert uid("a").is_valid
    assert 0 < int(uid("a").removeprefix("2.25.")) < 2**128


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(phantom: Path) -> None:
    for path in sorted((phantom / "films").iterdir())[:12]:
        said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        assert "MammographyImageForPresentation" in said.stderr + said.stdout
        assert "Error" not in said.stderr + said.stdout, path.name


def test_labels_are_burnt_into_some_films_and_not_by_class(phantom: Path) -> None:
    rows = _rows(phantom / "films.csv")
    labelled = [[int(row["labelled"]) for row in rows if row["any_malignant"] == word] for word in "01"]

    assert all(0.4 < np.mean(group) < 0.8 for group in labelled)
    corner = [pydicom.dcmread(phantom / "films" / f"{row['image']}.dcm").pixel_array for row in rows[:40]]
    bright = [np.abs(film[:60].astype(int) - np.median(film)).max() > 1500 for film in corner]
    assert np.mean(np.array(bright) >= [int(row["labelled"]) for row in rows[:40]]) == 1


def test_simple_figures_of_the_crops_do_not_tell_the_class(phantom: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    dataset = open_dataset(phantom / "masses.toml")
    figures, labels, women = [], [], []
    for case in dataset.cases:
        crop = load(case.images["image"]).voxels[0, 0].astype(float)
        third = len(crop) // 3
        middle = crop[third:-third, third:-third]
        box = case.boxes[0]
        levels = [crop.mean(), crop.std(), crop.max(), crop.min(), np.median(crop), middle.mean(), middle.std()]
        figures.append([*levels, box.width, box.height, *box.center])
        labels.append(case.target)
        women.append(case.patient)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    guesses = cross_val_predict(model, figures, labels, groups=women, cv=GroupKFold(5), method="decision_function")

    assert len(labels) > 140
    assert roc_auc_score(labels, guesses) < 0.65


def test_file_sizes_tell_nothing(phantom: Path) -> None:
    sizes = {path.stat().st_size for path in (phantom / "films").iterdir()}

    assert max(sizes) - min(sizes) < 100


def test_the_texture_follows_a_power_law_of_about_3() -> None:
    film = _draw(3, "CC").pixels.astype(float)
    rows, columns = np.array(np.nonzero(_draw(3, "CC").breast)).mean(axis=1).astype(int)
    part = film[rows - 64 : rows + 64, columns - 64 : columns + 64]
    window = np.hanning(128)[:, None] * np.hanning(128)
    power = np.abs(np.fft.fft2((part - part.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    band = (frequency > 0.03) & (frequency < 0.2)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]

    assert -4.2 < slope < -2.2


def test_the_breast_region_and_the_muscle_are_found_where_they_were_drawn() -> None:
    regions, muscles = [], []
    for number in range(1, 9):
        film = _draw(number, "MLO")
        image = Image(film.pixels[np.newaxis, np.newaxis], np.eye(4), source=Source(view="MLO"))
        found = region(image)
        kept = BreastRegion(pectoral="remove", crop=False, side="as_is").apply(image).voxels[0, 0] > 0
        regions.append(_dice(found, film.breast))
        muscles.append(_dice(found & ~kept, film.muscle))

    assert min(regions) > 0.98
    assert np.mean(muscles) > 0.9


@pytest.mark.parametrize("size", [(64, 48), (131, 97), (300, 301)])
def test_films_of_odd_sizes_are_drawn_too(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_phantom(tmp_path / "p", women=2, seed=3, size=size, benign=0.5, malignant=0.5)

    assert len(open_dataset(path).cases) == 8
    assert pydicom.dcmread(path.parent / "films" / "P0001_R_MLO.dcm").pixel_array.shape == size


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"women": 0}, "at least one woman, not 0"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"size": (32, 32)}, "at least 64 x 48 pixels, not 32 x 32"),
        ({"films_per_woman": 5}, "films_per_woman must be 1 to 4, not 5"),
        ({"benign": 0.6, "malignant": 0.6}, "must be 0 or more and sum to at most 1"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        write_phantom(tmp_path / "p", **arguments)

    assert not (tmp_path / "p").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")

    with pytest.raises(StorageError, match="exists and is not empty; choose another folder"):
        write_phantom(tmp_path, women=1)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_left_when_drawing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hounsfield.datasets.phantom.write.write_film", full)

    with pytest.raises(StorageError, match="No space left on device; nothing was changed there"):
        write_phantom(tmp_path / "p", women=1, size=(64, 48))

    assert list(tmp_path.iterdir()) == []
