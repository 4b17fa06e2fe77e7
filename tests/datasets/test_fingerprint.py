import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets import Case, Crop, Dataset, ImageRef, open_dataset
from hounsfield.datasets.channels import image_of
from hounsfield.datasets.fingerprint import Spread, make_fingerprint
from hounsfield.errors import DatasetError
from hounsfield.findings import Box

WriteFilm = Callable[..., Path]


@pytest.fixture
def films(write_film: WriteFilm, tmp_path: Path) -> Dataset:
    """Three films of 10 × 20, 20 × 20 and 30 × 40 pixels (height × width), grey value 0, 100 and 200."""
    cases = []
    for number, (height, width) in enumerate([(10, 20), (20, 20), (30, 40)]):
        path = write_film(f"{number}.png", np.full((height, width), 100 * number, np.uint8))
        cases.append(
            Case(
                id=str(number),
                patient=f"P{number // 2}",
                images={"image": ImageRef(path)},
                target=number % 2,
                boxes=(Box(0, 0, 4 * (number + 1), 2),),
                site="north",
                age_years=50.0 + number,
                sex="F",
            )
        )
    return Dataset("films", tmp_path, tuple(cases), ("benign", "malignant"), "table")


def test_counts_sizes_and_intensities_are_as_made(films: Dataset) -> None:
    found = make_fingerprint(films)
    assert (found.cases, found.patients, found.class_counts, found.unlabelled) == (3, 2, (2, 1), 0)
    assert (found.shape_min, found.shape_median, found.shape_max) == ((1, 10, 20), (1, 20, 20), (1, 30, 40))
    assert (found.planar, found.channels, found.colour) == (True, 1, False)
    assert found.dtypes == {"uint8": 3}
    assert found.spacing_mm is None
    assert (found.intensity["0"], found.intensity["100"]) == (0, 200)
    assert found.intensity["mean"] == pytest.approx((0 * 200 + 100 * 400 + 200 * 1200) / 1800)
    assert found.box_width is not None
    assert found.box_width.low == pytest.approx(4.4)
    assert found.box_width.median == 8
    assert found.box_width.high == pytest.approx(11.6)
    assert found.box_height == Spread(2, 2, 2)
    sides = [8**0.5, 16**0.5, 24**0.5 / 2]  # the third film is twice as long as the middling one
    assert found.box_side is not None and found.box_side.median == pytest.approx(np.median(sides))
    assert found.box_side.low == pytest.approx(np.percentile(sides, 5))
    assert found.age_years is not None
    assert (found.age_years.median, found.ages_known) == (51, 3)
    assert (found.sexes, found.sites) == ({"F": 3}, {"north": 3})
    assert found.unreadable == ()


def test_some_cases_alone_can_be_looked_at(films: Dataset) -> None:
    found = make_fingerprint(films, ["2"])
    assert (found.cases, found.shape_median) == (1, (1, 30, 40))
    with pytest.raises(DatasetError, match="no cases to look at"):
        make_fingerprint(films, [])


def test_sizes_are_those_of_the_crop(films: Dataset) -> None:
    crops = [
        replace(case, images={"image": replace(case.images["image"], crop=Crop(case.boxes[0], 2.0))})
        for case in films.cases
    ]
    found = make_fingerprint(replace(films, cases=tuple(crops)))
    assert (found.shape_min, found.shape_median, found.shape_max) == ((1, 8, 8), (1, 16, 16), (1, 24, 24))


def test_a_bad_file_is_named_and_stops_nothing(films: Dataset) -> None:
    path = films.cases[1].images["image"].path
    path.write_bytes(path.read_bytes()[:20])
    found = make_fingerprint(films)
    assert (found.cases, found.sampled) == (3, 2)
    assert [case for case, _ in found.unreadable] == ["1"]
    assert "1.png" in found.unreadable[0][1]


def test_only_bad_files_are_refused(films: Dataset) -> None:
    for case in films.cases:
        case.images["image"].path.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"none of the 3 images of films can be read; 0: "):
        make_fingerprint(films)


def test_colour_is_told_from_grey_stored_as_colour(write_film: WriteFilm, films: Dataset) -> None:
    grey = np.repeat(np.arange(64, dtype=np.uint8).reshape(8, 8, 1), 3, axis=2)
    colour = grey * np.array([1, 2, 3], np.uint8)
    for pixels, expected in ((grey, False), (colour, True)):
        write_film("0.png", pixels)
        found = make_fingerprint(films, ["0"])
        assert (found.channels, found.colour) == (3, expected)


def test_volumes_in_an_npz_are_described_without_reading_all(tmp_path: Path) -> None:
    images = np.zeros((30, 5, 6, 7), np.uint8)
    images[3] = 255
    np.savez(tmp_path / "toy.npz", train_images=images, train_labels=np.arange(30) % 2)
    found = make_fingerprint(open_dataset(tmp_path / "toy.npz"), sample=4)
    assert (found.shape_median, found.planar, found.sampled, found.dtypes) == ((5, 6, 7), False, 4, {"uint8": 30})


def test_the_sample_follows_the_seed_and_json_holds_everything(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (90, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "toy.npz", train_images=images, train_labels=np.arange(90) % 2)
    dataset = open_dataset(tmp_path / "toy.npz")
    first = make_fingerprint(dataset, sample=5, seed=1)
    assert first == make_fingerprint(dataset, sample=5, seed=1)
    assert first.intensity != make_fingerprint(dataset, sample=5, seed=2).intensity
    document = json.loads(json.dumps(first.as_json()))
    assert document["class_counts"] == [45, 45]
    assert document["intensity"]["50"] == first.intensity["50"]


def test_every_view_of_a_case_is_looked_at(films: Dataset) -> None:
    first, second, third = films.cases
    cases = (
        replace(first, images={"CC": first.image, "MLO": second.image}),
        replace(third, images={"MLO": third.image}),
    )
    breasts = replace(films, cases=cases, views=("CC", "MLO"))
    found = make_fingerprint(breasts)
    assert (found.cases, found.sampled, found.views) == (2, 3, {"CC": 1, "MLO": 2})
    assert (found.shape_min, found.shape_max) == ((1, 10, 20), (1, 30, 40))
    assert make_fingerprint(films).views == {"image": 3}
    second.image.path.write_bytes(b"nothing")
    found = make_fingerprint(breasts)
    assert [case for case, _ in found.unreadable] == ["0"]
    assert "1.png" in found.unreadable[0][1]


def of_channels(tmp_path: Path, channels: dict[str, VoxelArray], described: dict[str, str]) -> Dataset:
    """A case put together from such volumes (d, h, w), with a mask on their first two columns."""
    for name, voxels in {**channels, "mask": np.zeros((4, 6, 8), np.uint8)}.items():
        if name == "mask":
            voxels[:, :, :2] = 1
        nibabel.save(nibabel.Nifti1Image(voxels.T, np.eye(4)), tmp_path / f"{name}.nii")
    image = image_of({name: tmp_path / f"{name}.nii" for name in channels})
    case = Case("1", "1", {"image": image}, target=0, mask=ImageRef(tmp_path / "mask.nii"))
    return Dataset("data", tmp_path, (case,), ("image",), "table", channels=described, labels={"one": (1,)})


def test_of_several_channels_each_is_looked_at_by_itself(tmp_path: Path) -> None:
    pet = np.broadcast_to(np.arange(8, dtype=np.float32), (4, 6, 8))
    ct = np.broadcast_to(np.arange(8, dtype=np.int16) * 100 - 700, (4, 6, 8))
    found = make_fingerprint(of_channels(tmp_path, {"PET": pet, "CT": ct}, {"PET": "PT", "CT": "CT"}))
    assert (found.channels, found.colour, found.coloured, found.dtypes) == (2, False, 0, {"float32": 1})
    assert found.modalities == {"": 1} and found.labelled_levels is None
    assert list(found.by_channel) == ["PET", "CT"]
    own = found.by_channel["PET"]
    assert (own.modality, own.labelled_levels, own.intensity["100"]) == ("PT", None, 7)
    assert found.by_channel["CT"].modality == "CT"
    assert (own.dtypes, found.by_channel["CT"].dtypes) == ({"float32": 1}, {"int16": 1})
    assert found.by_channel["CT"].labelled_levels == (-700, -600)
    assert found.by_channel["CT"].intensity["0"] == -700 and found.intensity["0"] == 0
    assert json.loads(json.dumps(found.as_json()))["by_channel"]["CT"]["modality"] == "CT"


def test_a_channel_that_cannot_be_put_beside_the_first_is_named(tmp_path: Path) -> None:
    channels = {"T1": np.ones((4, 6, 8), np.int16), "PET": np.ones((4, 6, 8), np.int16)}
    data = of_channels(tmp_path, channels, {"T1": "MR", "PET": "PT"})
    far = np.eye(4)
    far[2, 3] = 900
    nibabel.save(nibabel.Nifti1Image(channels["PET"].T, far), tmp_path / "PET.nii")
    with pytest.raises(DatasetError, match=r"PET\.nii shows 0% of what .*T1\.nii shows"):
        make_fingerprint(data)
