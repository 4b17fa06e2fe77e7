import json
import sys
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy as np
import pytest

from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.formats import read

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
import drawn_files as drawn  # noqa: E402  (the path must be set first)
from dicom_files import dataset, item, save, write_series  # noqa: E402

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100


def converted(*words: object) -> int:
    return main(["convert", *(str(word) for word in words)])


def test_a_film_becomes_one_png(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(tmp_path / "film.dcm", dataset(PIXELS, Modality="MG"))
    assert converted(source, "-o", tmp_path / "out.png", "--bits", 16) == 0
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED), PIXELS)
    assert capsys.readouterr().out == f"1 of 1 images written to {tmp_path / 'out.png'}\n"


def test_a_series_becomes_one_nifti_file(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", [0, 2, 4])
    assert converted(folder, "-o", tmp_path / "out.nii.gz") == 0
    theirs: Any = nibabel.load(tmp_path / "out.nii.gz")
    assert theirs.shape == (5, 4, 3)
    np.testing.assert_allclose(np.diag(theirs.affine), [-0.7, -0.5, 2, 1], atol=1e-6)


def test_a_series_becomes_a_folder_of_pngs_through_the_window(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", [0, 2, 4])
    assert converted(folder, "-o", tmp_path / "out", "--window", "1,3") == 0
    values = [read(path).voxels[0, 0, 0, 0] for path in sorted((tmp_path / "out" / "ct").iterdir())]
    assert values == [64, 191, 255]  # PS3.3 C.11.2.1.2.1: (x - 0.5) / 2 + 0.5


def test_a_tree_keeps_its_folders_and_goes_on_past_a_bad_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    write_series(data / "p1" / "ct", [0, 2, 4])
    write_series(data / "p2" / "gap", [0, 2, 6, 8])
    save(data / "film.dcm", dataset(PIXELS))
    (data / "broken.dcm").write_bytes((data / "film.dcm").read_bytes()[:-5])
    assert converted(data, "-o", out, "--format", "nifti", "--json") == 1
    told, written = capsys.readouterr()
    document = json.loads(told)
    assert sorted(entry["target"] for entry in document["written"]) == [
        str(out / "film.nii.gz"), str(out / "p1" / "ct.nii.gz")
    ]  # fmt: skip
    errors = {Path(entry["source"]).name: entry["error"] for entry in document["failed"]}
    assert errors.keys() == {"broken.dcm", "gap"}
    assert "missing" in errors["gap"]
    assert written.count("not converted:") == 2
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["ct.nii.gz", "film.nii.gz"]


def test_several_processes_write_the_same_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for index in range(3):
        save(data / f"{index}.dcm", dataset(PIXELS + np.uint16(index)))
    assert converted(data, "-o", tmp_path / "one", "--jobs", 1) == 0
    assert converted(data, "-o", tmp_path / "two", "--jobs", 2) == 0
    for index in range(3):
        assert (tmp_path / "one" / f"{index}.png").read_bytes() == (tmp_path / "two" / f"{index}.png").read_bytes()


def test_names_that_would_meet_keep_their_suffix(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    save(data / "a.dcm", dataset(PIXELS))
    cv2.imwrite(str(data / "a.png"), PIXELS)
    save(data / "1.2.840.99", dataset(PIXELS))
    assert converted(data, "-o", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "1.2.840.99.png", "a.dcm.png", "a.png.png"
    ]  # fmt: skip


def test_one_series_of_several_is_chosen_by_its_uid(tmp_path: Path) -> None:
    write_series(tmp_path / "data" / "a", [0, 1, 2], SeriesInstanceUID="1.2.1")
    write_series(tmp_path / "data" / "b", [0, 1, 2, 3], SeriesInstanceUID="1.2.2")
    assert converted(tmp_path / "data", "-o", tmp_path / "b.nii", "--series", "1.2.2") == 0
    assert read(tmp_path / "b.nii").shape == (4, 4, 5)


@pytest.mark.parametrize(("words", "problem"), [
    (("--window", "1,0"), "width must be above 0"),
    (("--window", "bone"), "no window called 'bone'"),
    (("--jobs", "0"), "at least one process"),
    (("--format", "nifti", "--bits", "16"), "are for PNG"),
])  # fmt: skip
def test_wrong_words_are_usage_errors_and_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], problem: str
) -> None:
    source = save(tmp_path / "film.dcm", dataset(PIXELS, Modality="MG"))
    assert converted(source, "-o", tmp_path / "out", *words) == 2
    assert problem in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_several_images_do_not_go_into_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.dcm", dataset(PIXELS))
    save(tmp_path / "b.dcm", dataset(PIXELS))
    assert converted(tmp_path, "-o", tmp_path / "out.png") == 2
    assert "holds 2 images" in capsys.readouterr().err


def test_a_folder_without_images_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    assert converted(tmp_path / "in", "-o", tmp_path / "out") == 1
    assert "no image of a known format" in capsys.readouterr().err


def held(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("target", ["data", "data/ct.png", "data/ct"])
def test_a_series_is_never_replaced_by_its_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    folder = write_series(tmp_path / "data" / "ct", [0, 2, 4])
    before = held(tmp_path)
    assert converted(folder, "-o", tmp_path / target) in (1, 2)
    assert held(tmp_path) == before
    assert "which it is made from; give -o another place" in capsys.readouterr().err


def test_a_picture_is_never_converted_onto_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), PIXELS)
    before = held(tmp_path)
    for target in (tmp_path, tmp_path / "a.png"):
        assert converted(tmp_path / "a.png", "-o", target) in (1, 2)
        assert held(tmp_path) == before
    assert "would be written over" in capsys.readouterr().err


def test_a_folder_with_other_things_is_not_replaced_and_an_earlier_conversion_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_series(tmp_path / "ct", [0, 2, 4])
    (tmp_path / "out" / "ct").mkdir(parents=True)
    (tmp_path / "out" / "ct" / "notes.txt").write_text("mine")
    assert converted(folder, "-o", tmp_path / "out") in (1, 2)
    assert held(tmp_path / "out") == {"ct/notes.txt": b"mine"}
    assert "holds other files (notes.txt)" in capsys.readouterr().err
    for _ in range(2):
        assert converted(folder, "-o", tmp_path / "elsewhere") == 0
    assert len(held(tmp_path / "elsewhere")) == 3


SHAPE = (4, 8, 9)
OVERLAPPING = {"Liver": [(1, 3), (1, 7), (1, 5)], "Tumour": [(2, 3), (2, 4), (2, 6)], "Spleen": [(0, 0)] * 3}


def test_a_segmentation_becomes_numbers_with_their_names_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    ct = drawn.write_series(study / "ct", np.ones(SHAPE))
    drawn.write_series(study / "mr", np.zeros(SHAPE))
    parts = drawn.boxes(SHAPE, OVERLAPPING)
    seg = drawn.write_seg(study / "seg.dcm", ct, parts)
    task = tmp_path / "task"
    assert converted(study / "ct", "-o", task / "images" / "a.nii.gz") == 0
    assert converted(seg, "-o", task / "labels" / "a.nii.gz") == 0
    names = task / "labels" / "a.json"
    assert json.loads(names.read_text(encoding="utf-8")) == {
        "labels": {"Liver": [1, 4], "Tumour": [2, 4], "Spleen": 3},
        "codes": {name: "SCT 10200004" for name in OVERLAPPING},
    }
    names.rename(task / "dataset.json")  # which has the form of nnU-Net's
    found = for_segmentation(open_dataset(task))
    for name, inside in parts:
        np.testing.assert_array_equal(np.isin(mask_of(found.cases[0]), found.labels[name]), inside != 0)
    capsys.readouterr()


def test_a_structure_set_is_put_on_the_image_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct = drawn.write_series(tmp_path / "ct", np.zeros(SHAPE))
    (tmp_path / "rt").mkdir()
    contours = [drawn.square(1, -2.5, 3.5)]
    path = drawn.write_rtstruct(
        tmp_path / "rt" / "1.dcm", ct, [("GTV", contours), ("GTV", [drawn.square(2, 0.5, 2.5)])]
    )
    assert converted(path, "-o", tmp_path / "out.nii.gz") == 1
    uid = ct.source.series_uid
    assert f"was drawn on the series {uid}, which is not in {tmp_path / 'rt'}: name the" in capsys.readouterr().err
    assert converted(path, "-o", tmp_path / "out.nii.gz", "--image", tmp_path, "--json") == 0
    told, said = capsys.readouterr()
    note = "1.dcm: GTV leaves the image by up to 2.1 mm, it is cut at the border"
    assert f"note: {note}" in said and json.loads(told)["written"][0]["notes"] == [note]
    assert list(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["labels"]) == ["GTV (1)", "GTV (2)"]
    written = read(tmp_path / "out.nii.gz")
    assert (written.voxels == 1).sum() == 16 and (written.voxels == 2).sum() == 4
    np.testing.assert_allclose(written.affine, ct.affine, atol=1e-5)


def test_of_several_series_that_structures_were_drawn_on_one_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    late = drawn.write_series(study / "late", np.zeros(SHAPE), FrameOfReferenceUID="1.2.7")
    early = drawn.write_series(study / "early", np.zeros(SHAPE), FrameOfReferenceUID="1.2.7")
    uids = [own.source.series_uid for own in (late, early)]
    both = item(RTReferencedSeriesSequence=[item(SeriesInstanceUID=uid)[0] for uid in uids])
    frames = item(FrameOfReferenceUID="1.2.7", RTReferencedStudySequence=both)
    path = drawn.write_rtstruct(
        study / "rt.dcm", late, [("GTV", [drawn.square(1, 0.5, 3.5)])], ReferencedFrameOfReferenceSequence=frames
    )
    out = tmp_path / "out.nii.gz"
    assert converted(path, "-o", out) == 1
    said = capsys.readouterr().err
    listed = f"{study / 'late'} (UID {uids[0]}), {study / 'early'} (UID {uids[1]}); name the one that is meant"
    assert f"was drawn on 2 series that are in {study}: {listed}" in said
    for words in (("--image", study / "early"), ("--series", uids[1])):
        assert converted(path, "-o", out, *words) == 0
        assert (read(out).voxels == 1).sum() == 9
        out.unlink()
    capsys.readouterr()


def test_names_never_replace_a_file_of_another_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct = drawn.write_series(tmp_path / "ct", np.zeros(SHAPE))
    seg = drawn.write_seg(tmp_path / "seg.dcm", ct, drawn.boxes(SHAPE, OVERLAPPING))
    (tmp_path / "out").mkdir()
    names = tmp_path / "out" / "dataset.json"
    for text in ('{"labels": {"background": 0}, "channel_names": {"0": "CT"}}', "[1]", "no JSON"):
        names.write_text(text, encoding="utf-8")
        assert converted(seg, "-o", tmp_path / "out" / "dataset.nii.gz") == 2
        assert f"{names} is there already and holds something else" in capsys.readouterr().err
        assert names.read_text(encoding="utf-8") == text and list(names.parent.iterdir()) == [names]
    names.unlink()
    for _ in range(2):  # what was written so may be written again
        assert converted(seg, "-o", tmp_path / "out" / "dataset.nii.gz") == 0
    assert "Spleen" in json.loads(names.read_text(encoding="utf-8"))["labels"]
    capsys.readouterr()


def test_structures_in_a_tree_are_said_to_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct = drawn.write_series(tmp_path / "in" / "ct", np.zeros(SHAPE))
    seg = drawn.write_seg(tmp_path / "in" / "seg.dcm", ct, drawn.boxes(SHAPE, OVERLAPPING))
    assert converted(tmp_path / "in", "-o", tmp_path / "out", "--format", "nifti", "--json") == 0
    told, said = capsys.readouterr()
    assert "note: 1 DICOM segmentation or structure set of the folder left out; convert each by itself" in said
    assert str(seg) in said and json.loads(told)["left_out"] == [str(seg)]


def test_structures_are_no_pictures_and_other_files_have_no_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ct = drawn.write_series(tmp_path / "ct", np.zeros(SHAPE))
    seg = drawn.write_seg(tmp_path / "seg.dcm", ct, drawn.boxes(SHAPE, OVERLAPPING))
    assert converted(seg, "-o", tmp_path / "out.png") == 2
    assert "are written as NIfTI of numbers: give -o a name that ends in .nii.gz" in capsys.readouterr().err
    assert converted(tmp_path / "ct", "-o", tmp_path / "out.nii.gz", "--image", tmp_path / "ct") == 2
    assert "--image is for a DICOM segmentation or structure set; " in capsys.readouterr().err
