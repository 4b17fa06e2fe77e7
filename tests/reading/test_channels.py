"""Which files are channels of one case."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from hounsfield.reading.channels import cases_of_files, words_for

NAMES = ("T1", "T1 CE", "PET")


def touched(folder: Path, *names: str) -> list[Path]:
    """Files that are no images, at these paths."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def found(folder: Path, *names: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """File names by case and channel, and those that are none."""
    found = cases_of_files(touched(folder, *names), NAMES)
    return (
        {case.id: {one.name: one.path.name for one in case.image.taken} for case in found.cases},
        [path.name for path in found.others],
    )


def test_files_that_end_in_the_name_of_a_channel_are_one_case(tmp_path: Path) -> None:
    cases, others = found(tmp_path, "x_pet.nii.gz", "x_T1 ce.nii.gz", "x_T1.nii.gz", "y-T1.nii", "x_gtv.nii.gz")
    assert cases["x"] == {"T1": "x_T1.nii.gz", "T1 CE": "x_T1 ce.nii.gz", "PET": "x_pet.nii.gz"}
    assert list(cases["x"]) == list(NAMES)
    assert cases["y"] == {"T1": "y-T1.nii"}
    assert others == ["x_gtv.nii.gz"]


def test_files_that_are_called_like_channels_are_a_case_called_like_their_folder(tmp_path: Path) -> None:
    cases, _ = found(tmp_path, "P1/T1.nii.gz", "P1/pet.nii.gz", "P2/PET.nii.gz")
    assert cases == {"P1": {"T1": "T1.nii.gz", "PET": "pet.nii.gz"}, "P2": {"PET": "PET.nii.gz"}}


def test_numbers_are_those_of_nnunet(tmp_path: Path) -> None:
    cases, others = found(tmp_path, "x_0000.nii.gz", "x_0002.nii.gz", "x_0003.nii.gz", "nut1.nii.gz")
    assert cases == {"x": {"T1": "x_0000.nii.gz", "PET": "x_0002.nii.gz"}}
    assert others == ["x_0003.nii.gz", "nut1.nii.gz"]


def volumes(path: Path, count: int, shape: tuple[int, ...] = (4, 4, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.zeros((*shape, count), np.int16), np.eye(4)), path)
    return path


def test_a_file_of_as_many_volumes_is_a_case_by_itself(tmp_path: Path) -> None:
    paths = [volumes(tmp_path / f"{name}.nii.gz", count) for name, count in (("one", 1), ("two", 2), ("x_0002", 3))]
    found = cases_of_files(paths, NAMES)
    assert [case.id for case in found.cases] == ["x_0002.nii.gz"]
    assert [(one.name, one.volume, one.volumes) for one in found.cases[0].image.taken] == [
        ("T1", 0, 3),
        ("T1 CE", 1, 3),
        ("PET", 2, 3),
    ]
    assert [path.name for path in found.others] == ["one.nii.gz", "two.nii.gz"]
    assert found.by_order == (paths[2],)


def test_a_file_that_is_called_like_a_channel_is_that_one_whatever_it_holds(tmp_path: Path) -> None:
    found = cases_of_files([volumes(tmp_path / "x_PET.nii.gz", 3)], NAMES)
    assert [(one.name, one.volumes) for one in found.cases[0].image.taken] == [("PET", 1)]


def test_a_series_in_time_beside_channels_is_left_out(tmp_path: Path) -> None:
    paths = [volumes(tmp_path / "P7_bold.nii.gz", 3), *touched(tmp_path, "P7_T1.nii.gz", "P7_PET.nii.gz")]
    found = cases_of_files(paths, NAMES)
    assert [case.id for case in found.cases] == ["P7"] and found.others == (paths[0],)


def test_a_field_of_vectors_is_no_case(tmp_path: Path) -> None:
    path = volumes(tmp_path / "warp.nii.gz", 3, (4, 4, 4, 1))
    assert cases_of_files([path], NAMES).others == (path,)


def test_several_exports_of_one_channel_are_not_taken_for_all(tmp_path: Path) -> None:
    cases, others = found(tmp_path, "P9_T1_0000.nii.gz", "P9_T1_0001.nii.gz", "T1_0002.nii.gz")
    assert not cases and len(others) == 3


def test_channels_that_are_called_by_numbers_end_a_longer_name(tmp_path: Path) -> None:
    """Files 0000, 0001 are of two patients as soon as of one."""
    names = ("0000", "0001")
    alone = cases_of_files(touched(tmp_path / "a", "0000.nii.gz", "0001.nii.gz"), names)
    assert not alone.cases and len(alone.others) == 2
    behind = cases_of_files(touched(tmp_path / "b", "x_0000.nii.gz", "x_0001.nii.gz", "y-0000.nii.gz"), names)
    assert [case.id for case in behind.cases] == ["x"] and len(behind.others) == 1 and not behind.by_order


@pytest.mark.parametrize("below", ["", "imagesTs/"])
def test_numbers_and_volumes_are_what_dataset_json_says_they_are(tmp_path: Path, below: str) -> None:
    said = {"channel_names": {"0": "pet", "1": "CT", "2": "T1"}}
    (tmp_path / "dataset.json").write_text(json.dumps(said), encoding="utf-8")
    paths = touched(tmp_path, *(f"{below}x_000{number}.nii.gz" for number in range(4)))
    apart = cases_of_files(paths, ("T1", "PET"))
    assert [(one.name, one.path.name) for one in apart.cases[0].image.taken] == [
        ("T1", "x_0002.nii.gz"),
        ("PET", "x_0000.nii.gz"),
    ]
    assert [path.name for path in apart.others] == ["x_0001.nii.gz", "x_0003.nii.gz"] and not apart.by_order
    whole = cases_of_files([volumes(tmp_path / "whole" / "y.nii.gz", 3)], ("T1", "PET"))
    assert [(one.name, one.volume) for one in whole.cases[0].image.taken] == [("PET", 0), ("CT", 1), ("T1", 2)]
    assert not whole.by_order


def test_where_nothing_names_numbers_their_order_counts_and_it_is_said(tmp_path: Path) -> None:
    paths = touched(tmp_path, "x_0000.nii.gz", "x_pet.nii.gz")
    assert cases_of_files(paths, NAMES).by_order == (paths[0],)


def test_two_files_for_one_channel_are_said_and_the_other_cases_stay(tmp_path: Path) -> None:
    paths = touched(tmp_path, "x_0000.nii", "x_t1.nii", "y_t1.nii", "y_pet.nii")
    found = cases_of_files(paths, NAMES)
    assert [case.id for case in found.cases] == ["y"]
    (doubled,) = found.doubled
    assert (doubled.id, doubled.path) == ("x", paths[0])
    assert str(doubled.error).startswith(f"{paths[0]} and {paths[1]} are both the channel T1 of one case")


def test_a_file_that_is_given_twice_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched(tmp_path, "P1/P1_T1.nii", "P1/P1_PET.nii")
    (tmp_path / "link").symlink_to(tmp_path / "P1")
    monkeypatch.chdir(tmp_path)
    paths = [Path("P1/P1_T1.nii"), Path("P1/P1_PET.nii"), tmp_path / "P1" / "P1_T1.nii", Path("link/P1_PET.nii")]
    found = cases_of_files(paths, NAMES)
    assert [[one.name for one in case.image.taken] for case in found.cases] == [["T1", "PET"]] and not found.doubled


def test_links_to_one_file_are_what_they_are_called(tmp_path: Path) -> None:
    (target,) = touched(tmp_path / "store", "1.nii")
    for name in ("x_T1.nii", "x_PET.nii"):
        (tmp_path / name).symlink_to(target)
    found = cases_of_files([tmp_path / "x_T1.nii", tmp_path / "x_PET.nii"], NAMES)
    assert [one.name for one in found.cases[0].image.taken] == ["T1", "PET"]


def test_it_is_said_how_files_have_to_be_called() -> None:
    assert "give files whose names end in _0000 and _0001, a NIfTI" in words_for(("0000", "0001"))
    assert "3 channels of each case, T1, T1 CE, PET: give files whose names end in 'T1' or _0000 and" in words_for(
        NAMES
    )
