"""`hounsfield measure`: from files to a worksheet."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from drawn_files import boxes, square, write_rtstruct, write_seg, write_series

from hounsfield.cli.main import main
from hounsfield.cli.measure import mask_words
from hounsfield.datasets.phantom3d.grid import choose_grid
from hounsfield.datasets.phantom3d.paint import number_parts
from hounsfield.datasets.phantom3d.patient import draw_patient
from hounsfield.datasets.phantom3d.write import SPACING_MM

AFFINE = np.diag([1.0, 1, 3, 1])
CRITERIA = """\
[[criterion]]
name = "5 mm to bone"
measure = "distance"
structure = "bone"
least_mm = 5
[[criterion]]
name = "Free of the artery"
measure = "contact"
structure = "artery"
most_mm2 = 0
"""


def save(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)  # type: ignore[attr-defined, no-untyped-call]
    return path


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """ct.nii.gz; organs.nii.gz with the lesion, 1, and bone, 2, 12 mm from it; wishes.toml."""
    rows, columns, slices = np.ogrid[:40, :48, :12]
    labels = np.zeros((40, 48, 12), dtype=np.uint8)
    labels[8:20, 10:20, 4:8] = 1
    labels[8:20, 32:38, 3:9] = 2
    save(tmp_path / "ct.nii.gz", (rows + columns + slices).astype(np.int16))
    save(tmp_path / "organs.nii.gz", labels)
    (tmp_path / "wishes.toml").write_text(CRITERIA, encoding="utf-8")
    return tmp_path


def measured(case: Path, *words: object) -> int:
    ct, organs = case / "ct.nii.gz", case / "organs.nii.gz"
    usual = ["measure", ct, "--lesion", f"{organs}:1", "--structure", f"bone={organs}:2", "-o", case / "out"]
    return main([str(word) for word in (*usual, *words)])


def test_a_worksheet_has_a_page_a_json_and_a_picture_for_what_was_measured(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measured(case, "--criteria", case / "wishes.toml") == 0
    printed = capsys.readouterr().out
    assert "bone: 12.0 ± 3.3 mm at the closest" in printed
    assert "met         5 mm to bone: 12.0 mm; wanted at least 5 mm" in printed
    assert "cannot say  Free of the artery: wanted at most 0 mm²" in printed
    assert sorted(path.name for path in (case / "out").iterdir()) == [
        "criterion-01.png", "planes.png", "report.html", "surface.png", "worksheet.json"
    ]  # fmt: skip
    values = json.loads((case / "out" / "worksheet.json").read_text(encoding="utf-8"))
    assert values["answers"][0]["value"] == pytest.approx(12, abs=0.01)
    assert values["structures"] == {"bone": f"{case / 'organs.nii.gz'}:2"}
    page = (case / "out" / "report.html").read_text(encoding="utf-8")
    assert "No mask was given for artery; given: bone." in page and page.count("data:image/webp") == 3


def test_without_criteria_it_measures(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(case, "--json", "--outline", f"{case / 'organs.nii.gz'}:1") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["answers"] == [] and values["margins"][0]["spread"]["distances_mm"] == [pytest.approx(12)] * 2
    assert values["size"]["volume"] == 12 * 10 * 4 * 3


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--structure", "bone=x.nii"), 2, "--structure bone=…: the name is given twice"),
        (("--structure", "bone"), 2, "expected NAME=MASK"),
        (("--window", "40,0"), 2, "width must be above 0"),
        (("--lesion", "organs.nii.gz:9"), 1, "no such file"),
        (("--criteria", "none.toml"), 2, "cannot read the criteria none.toml"),
    ],
)
def test_wrong_words_write_nothing(
    case: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, sentence: str
) -> None:
    assert measured(case, *words) == code
    assert sentence in capsys.readouterr().err
    assert not (case / "out").exists()


def test_a_mask_on_another_grid_is_refused_with_both_names(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = save(case / "other.nii.gz", np.ones((40, 48, 11), dtype=np.uint8))
    assert measured(case, "--structure", f"skin={other}") == 1
    error = capsys.readouterr().err
    assert "other.nii.gz has 11 × 48 × 40 voxels" in error and "ct.nii.gz has 12 × 48 × 40" in error


def test_an_empty_lesion_and_an_image_without_millimetres_are_refused(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    empty = save(case / "empty.nii.gz", np.zeros((40, 48, 12), dtype=np.uint8))
    assert measured(case, "--lesion", empty) == 1
    assert f"{empty}: the lesion's mask is empty" in capsys.readouterr().err
    assert measured(case, "--outline", empty) == 1
    assert f"{empty}: the lesion's mask is empty" in capsys.readouterr().err
    photograph = str(case / "photograph.png")
    cv2.imwrite(photograph, np.zeros((8, 9), dtype=np.uint8))
    assert main(["measure", photograph, "--lesion", photograph, "-o", str(case / "out")]) == 1
    assert "does not say how large its pixels are" in capsys.readouterr().err


def test_a_planar_image_is_measured_in_its_plane(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.zeros((40, 48, 1), dtype=np.uint8)
    labels[8:20, 10:20], labels[8:20, 32:38] = 1, 2
    save(case / "ct.nii.gz", labels.astype(np.int16) * 100)
    save(case / "organs.nii.gz", labels)
    assert measured(case, "--criteria", case / "wishes.toml") == 0
    assert "lesion: area 120.0 mm²" in capsys.readouterr().out
    assert not (case / "out" / "surface.png").exists()


def test_a_lesion_and_its_neighbours_may_be_dicom_structures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = (12, 40, 48)
    voxels = np.arange(12)[:, None, None] + np.zeros(shape)
    ct = write_series(tmp_path / "study", voxels, spacing=(3, 1, 1))
    write_series(tmp_path / "study" / "other", voxels)
    parts = {"bone": [(3, 9), (8, 20), (32, 38)], "Tumour": [(4, 8), (8, 20), (10, 20)]}
    seg = write_seg(tmp_path / "seg.dcm", ct, boxes(shape, parts))
    rows = [square(place, 7.5, 19.5) for place in range(4, 8)] + [square(20, 7.5, 19.5)]
    rt = write_rtstruct(tmp_path / "rt.dcm", ct, [("PTV: 60 Gy", rows), ("Marker", [])])
    words = ["--lesion", f"{seg}:tumour", "--structure", f"bone={seg}:1", "--structure", f"target={rt}:PTV: 60 Gy"]
    out = str(tmp_path / "out")
    series = ["--series", ct.source.series_uid]
    assert main(["measure", str(tmp_path / "study"), *words, "-o", out, *series]) == 0
    said = capsys.readouterr()
    assert "bone: 12.0 ± 3.3 mm at the closest" in said.out
    note = "rt.dcm: PTV: 60 Gy leaves the image by up to 25.5 mm, it is cut at the border"
    assert f"note: {note}" in said.err
    values = json.loads((tmp_path / "out" / "worksheet.json").read_text(encoding="utf-8"))
    assert values["series"] == ct.source.series_uid
    assert values["size"]["volume"] == 12 * 10 * 4 * 3 and values["notes"] == [note]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert note in page and f"--series {ct.source.series_uid}" in page
    assert main(["measure", str(tmp_path / "study"), "--lesion", f"{rt}:Marker", "-o", out, *series]) == 1
    assert f"{rt}:Marker: the lesion's mask is empty" in capsys.readouterr().err
    assert main(["measure", str(tmp_path / "study"), "--lesion", str(seg), "-o", out, *series]) == 1
    assert "has 2 structures; say behind a colon" in capsys.readouterr().err
    assert main(["measure", str(tmp_path / "study" / "other"), "--lesion", f"{seg}:tumour", "-o", out]) == 1
    assert f"seg.dcm was drawn on the series {ct.source.series_uid}" in capsys.readouterr().err


def test_an_organ_is_joined_with_its_lesion(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.zeros((40, 48, 12), dtype=np.uint8)
    labels[2:30, 2:40, 1:11] = 3
    labels[8:20, 10:20, 4:8] = 1
    labels[35:38, 44:46, 3:9] = 2
    save(case / "organs.nii.gz", labels)
    organs = case / "organs.nii.gz"
    assert measured(case, "--structure", f"liver={organs}:3") == 0
    assert "liver: 0.0 ± 3.3 mm at the closest" in (printed := capsys.readouterr().out)
    assert "joined by a plus: --structure liver=MASK:1+2" in printed
    page, values = ((case / "out" / name).read_text(encoding="utf-8") for name in ("report.html", "worksheet.json"))
    assert "give liver together with the lesion" in page and "--structure liver=MASK" not in page + values
    assert measured(case, "--structure", f"liver={organs}:1+3") == 0
    assert "liver (from inside): 6.0 ± 3.3 mm at the closest" in (printed := capsys.readouterr().out)
    assert "joined by a plus" not in printed


def test_files_and_labels_may_have_colons_in_their_names(tmp_path: Path) -> None:
    for name in ("a:5", "b"):
        (tmp_path / name).touch()
    folder = str(tmp_path)
    assert mask_words(f"{folder}/a:5") == (tmp_path / "a:5", None)
    assert mask_words(f"{folder}/a:5:6") == (tmp_path / "a:5", 6)
    assert mask_words(f"{folder}/b: PTV: 60 Gy") == (tmp_path / "b", "PTV: 60 Gy")
    assert mask_words(f"{folder}/b:") == mask_words(f"{folder}/b: ") == (tmp_path / "b", None)
    assert mask_words(f"{folder}/b:0") == (tmp_path / "b", 0)
    assert mask_words("none:9") == (Path("none"), 9)


def test_the_phantoms_exact_distances_come_out_to_half_a_voxels_diagonal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two tumours of a patient to each structure, as the masks show it; what a tumour lies in is given whole."""
    folder = tmp_path / "abdomens"
    assert main(["phantom", "-o", str(folder), "--kind", "volumes", "--patients", "1"]) == 0
    half = float(np.linalg.norm(SPACING_MM)) / 2
    masks = folder / "masks" / "P0001.nii.gz"
    numbers = {row["name"]: row["label"] for row in rows_of(folder / "labels.csv")}
    every = [row for row in rows_of(folder / "distances.csv") if row["in_image"] == "1"]
    rows = [row for row in every if row["tumour"] in (every[0]["tumour"], every[-1]["tumour"])]
    whole = whole_structures(tmp_path, masks, {row["structure"] for row in rows if row["relation"] == "within"})
    off: dict[tuple[str, str, str], float] = {}
    for tumour in sorted({row["tumour"] for row in rows}):
        own = {row["structure"]: row for row in rows if row["tumour"] == tumour}
        lesion = f"{folder / 'tumours' / 'P0001.nii.gz'}:{tumour}"
        words: list[object] = ["measure", folder / "images" / "P0001.nii.gz", "--lesion", lesion]
        for name, row in own.items():
            mask = whole[name] if row["relation"] == "within" else f"{masks}:{numbers[name]}"
            words += ["--structure", f"{name}={mask}"]
        capsys.readouterr()
        assert main([str(word) for word in (*words, "--json", "-o", tmp_path / f"out-{tumour}")]) == 0
        for margin in json.loads(capsys.readouterr().out)["margins"]:
            row = own[margin["structure"]]
            assert margin["side"] == ("inside" if row["relation"] == "within" else "outside")
            apart = abs(margin["minimum_mm"] - float(row["distance_mm"]))
            off[tumour, row["structure"], row["relation"]] = apart
    assert {relation for _, _, relation in off} == {"outside", "within", "touching"} and len(off) == len(rows) > 30
    assert {key: apart for key, apart in off.items() if apart > half} == {}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def whole_structures(folder: Path, masks: Path, names: set[str]) -> dict[str, Path]:
    """By name the masks of some structures of the first patient, with what lies in them and runs through them."""
    patient, grid = draw_patient(np.random.default_rng([0, 1]), 1), choose_grid(SPACING_MM, None)
    affine = nibabel.load(masks).affine  # type: ignore[attr-defined, no-untyped-call]
    found = {}
    for structure in (own for own in patient.structures if own.name in names):
        voxels = (number_parts(structure.parts, grid) > 0).astype(np.uint8)
        found[structure.name] = save(folder / f"{structure.name}.nii.gz", voxels.transpose(2, 1, 0), affine)
    return found
