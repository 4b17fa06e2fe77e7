"""DICOM studies as they lie: series with what was drawn on them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import dataset, save
from drawn_files import boxes, square, write_rtstruct, write_seg, write_series
from pydicom.uid import generate_uid

from hounsfield.cli.main import main
from hounsfield.datasets import load, open_dataset
from hounsfield.datasets.case import DrawnMask
from hounsfield.datasets.check import check_dataset
from hounsfield.datasets.digest import files_of
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.load import header_of
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.errors import DatasetError, FormatError
from hounsfield.formats.header import Header

SHAPE = (4, 8, 9)
LIVER = {"Liver": [(1, 3), (1, 7), (1, 5)]}


def study(folder: Path, patient: str, level: float = 0.0, **tags: str) -> Header:
    """A series whose voxels are all of one level, and a segmentation of it in a folder beside."""
    header = write_series(folder / "ct", np.full(SHAPE, level), patient=patient, **tags)
    (folder / "seg").mkdir(exist_ok=True)
    write_seg(folder / "seg" / "1.dcm", header, boxes(SHAPE, LIVER))
    return header


def test_series_with_what_was_drawn_on_them_are_cases(tmp_path: Path) -> None:
    for patient in ("A", "B", "C"):
        study(tmp_path / patient / "2020", patient)
    write_series(tmp_path / "A" / "2020" / "scout", np.zeros((3, 4, 4)), patient="A")
    found = open_dataset(tmp_path)
    assert [(case.id, case.patient) for case in found.cases] == [
        ("A/2020/ct", "A"), ("B/2020/ct", "B"), ("C/2020/ct", "C")
    ]  # fmt: skip
    assert found.layout == "DICOM studies" and found.patients_known and found.classes == ()
    assert found.cases[0].mask == DrawnMask((tmp_path / "A" / "2020" / "seg" / "1.dcm",))
    assert found.notes == ("structures on 3 images: Liver (3)", "1 series on which nothing was drawn left out")
    outlined = for_segmentation(found)
    assert outlined.labels == {"Liver": (1,)} and [mask_of(case).sum() for case in outlined.cases] == [48] * 3


def test_several_series_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    """Slices of all series, and what was drawn on them, in one folder."""
    headers = {}
    for level, name in enumerate(("arterial", "venous"), start=1):
        uid = generate_uid()
        whole = write_series(tmp_path / name, np.full(SHAPE, level), SeriesInstanceUID=uid, SeriesDescription=name)
        for path in (tmp_path / name).iterdir():
            path.rename(tmp_path / f"{name}-{path.name}")
        (tmp_path / name).rmdir()
        headers[name] = whole
        write_rtstruct(tmp_path / f"{name}.dcm", whole, [("Liver", [square(level, 0.5, 4.5)])])
    found = open_dataset(tmp_path)
    assert [case.id for case in found.cases] == [f"{tmp_path.name} {name}" for name in headers]
    assert [int(load(case.image).voxels.max()) for case in found.cases] == [1, 2]
    assert [header_of(case.image).source.series_uid for case in found.cases] == [
        whole.source.series_uid for whole in headers.values()
    ]
    outlined = for_segmentation(found)
    assert [np.flatnonzero(mask_of(case).any(axis=(1, 2))).tolist() for case in outlined.cases] == [[1], [2]]
    assert not any("byte for byte" in problem.text for problem in check_dataset(outlined, to_classify=False))
    assert make_fingerprint(outlined).shape_max == SHAPE
    assert main(["inspect", str(tmp_path)]) == 0


def test_a_folder_of_several_series_is_looked_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for level, name in enumerate(("early", "late"), start=1):
        uid = generate_uid()
        whole = write_series(tmp_path / name, np.full(SHAPE, level), SeriesInstanceUID=uid)
        for path in (tmp_path / name).iterdir():
            path.rename(tmp_path / f"{name}-{path.name}")
        (tmp_path / name).rmdir()
        write_rtstruct(tmp_path / f"{name}.dcm", whole, [("Liver", [square(level, 0.5, 4.5)])])
    cases = open_dataset(tmp_path).cases

    def again(*_: object, **__: object) -> None:
        raise AssertionError("the folder is looked through once more")

    for module in ("formats.read", "datasets.digest"):
        monkeypatch.setattr(sys.modules[f"hounsfield.{module}"], "survey", again)
    levels = [int(load(case.image).voxels.max()) for case in cases]
    assert sorted(levels) == [1, 2] and [header_of(case.image).shape for case in cases] == [SHAPE, SHAPE]
    for case, level in zip(cases, levels, strict=True):
        name = ("early", "late")[level - 1]
        assert [path.name for path in files_of(case.image)] == [f"{name}-{number:03}.dcm" for number in range(4)]
    changed = pydicom.dcmread(tmp_path / "late-001.dcm")
    changed.SeriesInstanceUID = "1.2.3"
    save(tmp_path / "late-001.dcm", changed)
    with pytest.raises(FormatError, match=r"late-001.dcm was of the series .* and is now of 1.2.3: it was changed"):
        load(cases[levels.index(2)].image)


def test_inspect_shows_what_was_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for patient in ("A", "B", "C"):
        study(tmp_path / "data" / patient, patient, level=ord(patient))
    assert main(["inspect", str(tmp_path / "data"), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "data (DICOM studies): 3 cases" in printed and "note: structures on 3 images: Liver (3)" in printed
    assert "structures on 3 images" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_folders_of_several_patients_are_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("benign", "benign", "malignant", "malignant")):
        study(tmp_path / name / str(number), f"P{number}")
    assert open_dataset(tmp_path).layout == "folders"


def test_folders_called_train_and_test_are_parts_and_a_description_says_that_others_are_no_classes(
    tmp_path: Path,
) -> None:
    for number, name in enumerate(("train", "train", "test", "test")):
        study(tmp_path / name / str(number), f"P{number}")
    assert [case.part for case in open_dataset(tmp_path).cases] == ["test", "test", "train", "train"]
    (tmp_path / "train").rename(tmp_path / "hospital")
    assert open_dataset(tmp_path).layout == "folders"
    (tmp_path / "all.toml").write_text('dicom = "."\n', encoding="utf-8")
    assert open_dataset(tmp_path).layout == "DICOM studies"


def test_a_folder_without_drawings_is_no_study(tmp_path: Path) -> None:
    for name in ("benign", "malignant"):
        write_series(tmp_path / name / "1", np.zeros(SHAPE), patient=name)
    assert open_dataset(tmp_path).layout == "folders"


def test_a_drawing_that_names_no_series_belongs_to_the_only_one_in_its_frame_of_reference(tmp_path: Path) -> None:
    study(tmp_path / "A", "A")
    header = study(tmp_path / "B", "B")
    path = tmp_path / "B" / "seg" / "1.dcm"
    made = pydicom.dcmread(path)
    del made.ReferencedSeriesSequence
    save(path, made)
    assert [case.id for case in open_dataset(tmp_path).cases] == ["A/ct", "B/ct"]
    write_series(
        tmp_path / "B" / "late", np.zeros(SHAPE), FrameOfReferenceUID=header.source.frame_of_reference_uid, patient="B"
    )
    found = open_dataset(tmp_path)
    assert [case.id for case in found.cases] == ["A/ct"]
    assert "1 drawing left out, of series that are not here: 1.dcm" in found.notes


def test_a_segmentation_counts_before_a_structure_set(tmp_path: Path) -> None:
    header = study(tmp_path / "A", "A")
    write_rtstruct(tmp_path / "A" / "rt.dcm", header, [("Liver", [square(1, 0.5, 4.5)])])
    write_seg(tmp_path / "A" / "more.dcm", header, boxes(SHAPE, {"Spleen": [(1, 2), (1, 3), (6, 8)]}))
    found = open_dataset(tmp_path)
    assert [path.name for path in found.cases[0].mask_paths] == ["more.dcm", "1.dcm"]
    assert (
        "1 drawing set aside, for others of the same image have the wanted names or are segmentations: rt.dcm"
    ) in found.notes
    assert set(for_segmentation(found).labels) == {"Spleen", "Liver"}


@pytest.mark.parametrize(
    ("labels", "paths", "aside"),
    [
        ('tumour = "gtv-1"', ["rt.dcm"], ["1.dcm"]),
        ('tumour = "GTV-1"\norgan = "Liver"', ["rt.dcm", "seg/1.dcm"], []),
        ('organ = "Liver"', ["seg/1.dcm"], ["rt.dcm"]),
    ],
)
def test_the_files_that_name_a_wanted_label_count(
    tmp_path: Path, labels: str, paths: list[str], aside: list[str]
) -> None:
    header = study(tmp_path / "A", "A")
    write_rtstruct(tmp_path / "A" / "rt.dcm", header, [("GTV-1", [square(1, 0.5, 4.5)])])
    (tmp_path / "all.toml").write_text(f'dicom = "."\n[labels]\n{labels}\n', encoding="utf-8")
    found = open_dataset(tmp_path)
    assert [path.relative_to(tmp_path / "A").as_posix() for path in found.cases[0].mask_paths] == paths
    assert [note.rpartition(": ")[2] for note in found.notes if "set aside" in note] == aside
    assert set(for_segmentation(found).labels) == {line.split()[0] for line in labels.splitlines()}


def test_a_missing_and_an_empty_folder_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "all.toml").write_text('dicom = "archiv"\n', encoding="utf-8")
    assert main(["inspect", str(tmp_path / "all.toml")]) == 1
    said = capsys.readouterr().err
    assert f"should be in {tmp_path / 'archiv'}, where no folder is; " in said and "(--root)" in said
    (tmp_path / "archiv").mkdir()
    with pytest.raises(DatasetError, match="something was drawn: no DICOM segmentation or structure set is there$"):
        open_dataset(tmp_path / "all.toml")


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    study(tmp_path / "A", "A")
    header = study(tmp_path / "B", "B")
    broken = pydicom.dcmread(tmp_path / "B" / "seg" / "1.dcm")
    del broken.SegmentSequence
    save(tmp_path / "B" / "seg" / "1.dcm", broken)
    (tmp_path / "films").mkdir()
    uid = generate_uid()
    for number in range(2):
        film = dataset(np.zeros((8, 9), np.uint8), SeriesInstanceUID=uid, Modality="DX", PatientID="C")
        save(tmp_path / "films" / f"{number}.dcm", film)
    films = pydicom.dcmread(tmp_path / "A" / "seg" / "1.dcm")
    films.ReferencedSeriesSequence[0].SeriesInstanceUID = uid
    save(tmp_path / "films" / "seg.dcm", films)
    found = open_dataset(tmp_path)
    assert [case.id for case in found.cases] == ["A/ct"]
    assert "1 series left out, whose images are no slices of a volume" in found.notes
    assert any("1 drawing left out: " in note and "names no segments" in note for note in found.notes)
    write_rtstruct(tmp_path / "B" / "rt.dcm", header, [("Liver", [])], ReferencedFrameOfReferenceSequence=[])
    assert "B/ct" in [case.id for case in open_dataset(tmp_path).cases]


def test_drawings_on_series_that_are_elsewhere_are_no_data_set(tmp_path: Path) -> None:
    study(tmp_path / "A", "A")
    for path in (tmp_path / "A" / "ct").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="has no series on which something was drawn: .*not here: 1.dcm"):
        open_dataset(tmp_path)


def test_a_description_says_what_structures_are_called(tmp_path: Path) -> None:
    for patient in ("A", "B"):
        header = study(tmp_path / "archive" / patient, patient)
        write_rtstruct(tmp_path / "archive" / patient / "rt.dcm", header, [("Body", [square(1, 0.5, 6.5)])])
    text = 'name = "livers"\nroot = "archive"\ndicom = "."\n[labels]\nliver = ["LIVER", "Lever"]\n'
    (tmp_path / "livers.toml").write_text(text, encoding="utf-8")
    found = open_dataset(tmp_path / "livers.toml")
    assert found.name == "livers" and len(found.cases) == 2
    assert for_segmentation(found).labels == {"liver": (1,)}
    (tmp_path / "livers.toml").write_text(f'table = "a.csv"\n{text}', encoding="utf-8")
    with pytest.raises(DatasetError, match="this one by table and dicom"):
        open_dataset(tmp_path / "livers.toml")
