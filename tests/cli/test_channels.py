"""Images of several channels by the commands: each of two balls shows in one channel alone, on grids that differ."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from hounsfield.bundle import read_bundle
from hounsfield.cli.main import main
from hounsfield.cli.read import find_items
from hounsfield.datasets import load
from hounsfield.datasets.channels import image_of
from hounsfield.errors import FormatError
from hounsfield.plan import read_plan
from hounsfield.reading.reader import Reader

SHAPE = (12, 24, 24)
CASES = 18


def ball(shape: tuple[int, ...], middle: np.ndarray, radius: float, spacing: float = 1.0) -> np.ndarray:
    grid = np.indices(shape).reshape(3, -1).T * spacing
    return (((grid - middle) ** 2).sum(axis=1) < radius**2).reshape(shape)


def save(path: Path, voxels: np.ndarray, spacing: float = 1.0, off_mm: float = 0.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[0, 3] = off_mm
    nibabel.save(nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine), path)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A description of cases with T1 of 1 mm, PET of 2 mm, and a mask on the grid of T1."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    rows = ["case"]
    for number in range(CASES):
        bright, hot = rng.uniform((4, 5, 5), (7, 10, 18)), rng.uniform((4, 14, 5), (7, 18, 18))
        first, second = ball(SHAPE, bright, 4), ball(SHAPE, hot, 4)
        coarse = ball((6, 12, 12), hot, 4, spacing=2.0)
        case = folder / f"P{number:02}"
        save(case / "t1.nii.gz", (np.where(first, 800, 100) + rng.normal(0, 20, SHAPE)).astype(np.int16))
        save(case / "pet.nii.gz", (np.where(coarse, 9, 1) + rng.normal(0, 0.2, coarse.shape)).astype(np.float32), 2.0)
        save(case / "gtv.nii.gz", np.where(first, 1, np.where(second, 2, 0)).astype(np.uint8))
        rows.append(case.name)
    (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    text = """table = "cases.csv"
name = "balls"
id = "case"
patient = "case"
image = { T1 = "{case}/t1.nii.gz", PET = "{case}/pet.nii.gz" }
modality = { T1 = "MR", PET = "PT" }
[labels]
bright = 1
hot = 2
[columns]
mask = "{case}/gtv.nii.gz"
"""
    (folder / "balls.toml").write_text(text, encoding="utf-8")
    return folder / "balls.toml"


@pytest.fixture(scope="module")
def bundle(data: Path, trained_for: Callable[..., Path]) -> Path:
    return trained_for(data, "--task", "segmentation", epochs=10)


def test_what_shows_in_either_channel_is_outlined_on_the_grid_of_the_first(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = read_plan(bundle / "plan.toml")
    assert plan.input.channel_names == ("T1", "PET") and plan.input.channels == 2
    assert main(["evaluate", str(bundle), str(data), "-o", str(tmp_path / "out")]) == 0
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text(encoding="utf-8"))
    dice = {one["name"]: one["scores"]["dice"]["value"] for one in evidence["segmentation"]["labels"]}
    assert dice["bright"] > 0.3 and dice["hot"] > 0.3, dice
    card = (bundle / "card.md").read_text(encoding="utf-8")
    assert "The channels T1, PET of one image, all of them" in card and "voxels of T1 and PET" in card
    assert "lacks one gets no answer" in card
    assert "data:image/webp" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_folder_with_files_called_like_the_channels_is_read_as_a_case(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = data.parent / "P03", tmp_path / "out"
    assert main(["read", str(bundle), str(folder), "-o", str(out)]) == 0
    assert "1 image left out, of none of the channels T1, PET: gtv.nii.gz" in capsys.readouterr().err
    (reading,) = json.loads((out / "readings.json").read_text(encoding="utf-8"))["readings"]
    assert reading["case"] == "P03"
    labels, stored = nibabel.load(out / reading["labels"]), nibabel.load(folder / "t1.nii.gz")
    assert labels.shape == stored.shape
    np.testing.assert_allclose(labels.affine, stored.affine)
    assert (out / reading["figure"]).is_file()
    (data.parent / "two.csv").write_text("case\nP03\nP04\n", encoding="utf-8")
    two, again = described(data, table='table = "two.csv"'), tmp_path / "again"
    assert main(["read", str(bundle), str(two), "-o", str(again), "--no-heat"]) == 0
    readings = json.loads((again / "readings.json").read_text(encoding="utf-8"))["readings"]
    assert [one["case"] for one in readings] == ["P03", "P04"]
    assert readings[0]["findings"] == reading["findings"]


def test_channels_in_one_file_are_read_as_those_in_several(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = data.parent / "P03"
    together = load(image_of({"T1": folder / "t1.nii.gz", "PET": folder / "pet.nii.gz"}))
    path = tmp_path / "P03.nii.gz"
    nibabel.save(nibabel.Nifti1Image(together.voxels.T, np.eye(4)), path)
    assert main(["read", str(bundle), str(path), "-o", str(tmp_path / "out")]) == 0
    assert "taken for the channels T1, PET in the order of its numbers or volumes" in capsys.readouterr().err
    (reading,) = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    apart = Reader(read_bundle(bundle)).read(folder)
    assert [one["size"] for one in reading["findings"]] == [one.size for one in apart.findings] != []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["t1.nii.gz"], "has the channels T1, and the model looks at T1, PET: give PET too"),
        (["gtv.nii.gz"], "this model looks at 2 channels of each case, T1, PET: give files whose names end in"),
    ],
)
def test_a_case_that_lacks_a_channel_gets_a_sentence(
    files: list[str], words: str, bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new").mkdir()
    for name in files:
        shutil.copy(data.parent / "P03" / name, tmp_path / "new" / name)
    assert main(["read", str(bundle), str(tmp_path / "new"), "-o", str(tmp_path / "out")]) == 1
    assert words in capsys.readouterr().err


def described(data: Path, **changed: str) -> Path:
    """Another description of the same cases."""
    text = data.read_text(encoding="utf-8")
    for old, new in changed.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{old} ="))
        text = text.replace(line, new)
    path = data.with_name("other.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_other_data_are_measured_by_the_names_of_channels(bundle: Path, data: Path, tmp_path: Path) -> None:
    """The same cases with a third channel between the two."""
    three = 'image = { T1 = "{case}/t1.nii.gz", CT = "{case}/gtv.nii.gz", PET = "{case}/pet.nii.gz" }'
    for path, out in ((data, "same"), (described(data, image=three), "three")):
        assert main(["evaluate", str(bundle), str(path), "-o", str(tmp_path / out)]) == 0
    told = [json.loads((tmp_path / out / "evidence.json").read_text(encoding="utf-8")) for out in ("same", "three")]
    assert told[0]["segmentation"]["results"] == told[1]["segmentation"]["results"]


def test_channels_that_the_model_does_not_look_at_are_not_opened(bundle: Path, data: Path, tmp_path: Path) -> None:
    """A CT that lies elsewhere in the patient."""
    for number in range(CASES):
        save(data.parent / f"P{number:02}" / "ct.nii.gz", np.zeros(SHAPE, np.int16), off_mm=900)
    three = 'image = { T1 = "{case}/t1.nii.gz", CT = "{case}/ct.nii.gz", PET = "{case}/pet.nii.gz" }'
    for path, out in ((data, "same"), (described(data, image=three), "three")):
        assert main(["evaluate", str(bundle), str(path), "-o", str(tmp_path / out)]) == 0
    told = [json.loads((tmp_path / out / "evidence.json").read_text(encoding="utf-8")) for out in ("same", "three")]
    assert told[0]["segmentation"]["results"] == told[1]["segmentation"]["results"] != []


def test_a_reading_names_the_first_channel_that_the_network_saw(bundle: Path, data: Path, tmp_path: Path) -> None:
    (data.parent / "one.csv").write_text("case\nP03\n", encoding="utf-8")
    three = 'image = { CT = "{case}/gtv.nii.gz", T1 = "{case}/t1.nii.gz", PET = "{case}/pet.nii.gz" }'
    path = described(data, image=three, table='table = "one.csv"')
    assert main(["read", str(bundle), str(path), "-o", str(tmp_path / "out"), "--no-heat"]) == 0
    (reading,) = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    assert reading["path"] == str(data.parent / "P03" / "t1.nii.gz")
    (item,) = find_items([path], None, channels=("T1", "PET"))
    assert item.path == reading["path"]


def test_a_channel_that_is_there_twice_stops_no_other_case(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("P01", "P02", "P03"):
        for channel in ("t1", "pet"):
            (tmp_path / "new").mkdir(exist_ok=True)
            shutil.copy(data.parent / name / f"{channel}.nii.gz", tmp_path / "new" / f"{name}_{channel}.nii.gz")
    shutil.copy(tmp_path / "new" / "P03_t1.nii.gz", tmp_path / "new" / "P03-T1.nii.gz")
    assert main(["read", str(bundle), str(tmp_path / "new"), "-o", str(tmp_path / "out"), "--no-heat"]) == 1
    assert "are both the channel T1 of one case: give one of them alone" in capsys.readouterr().err
    readings = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    assert [one["case"] for one in readings] == ["P01", "P02"]
    with pytest.raises(FormatError, match="both the channel T1 of one case"):
        Reader(read_bundle(bundle)).read(tmp_path / "new")


@pytest.mark.parametrize(
    ("image", "modality", "words"),
    [
        ('image = "{case}/t1.nii.gz"', 'modality = "MR"', "balls has one image a case, and the model looks at the"),
        (
            'image = { T1 = "{case}/t1.nii.gz", CT = "{case}/pet.nii.gz" }',
            "",
            "balls has the channels T1, CT, and the model looks at T1, PET: give PET too",
        ),
    ],
)
def test_data_without_the_channels_are_not_measured_nor_learned_by_the_plan(
    image: str, modality: str, words: str, bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = described(data, image=image, modality=modality)
    assert main(["evaluate", str(bundle), str(path), "-o", str(tmp_path / "out"), "--cases", "all"]) == 1
    assert words in capsys.readouterr().err
    arguments = ["--task", "segmentation", "-o", str(tmp_path / "new"), "--plan", str(bundle / "plan.toml")]
    assert main(["train", str(path), *arguments]) == 2
    assert "the plan is for the channels T1, PET, and balls has" in capsys.readouterr().err


def test_other_verbs_say_what_they_cannot_do(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = data.read_text(encoding="utf-8") + '[class]\ncolumn = "kind"\n'
    table = "case,kind\n" + "".join(f"P{number:02},{'no' if number % 2 else 'yes'}\n" for number in range(CASES))
    (data.parent / "kinds.csv").write_text(table, encoding="utf-8")
    classes = data.with_name("classes.toml")
    classes.write_text(text.replace("cases.csv", "kinds.csv"), encoding="utf-8")
    assert main(["train", str(classes), "-o", str(tmp_path / "classes")]) == 1
    assert "they can be outlined (--task segmentation), and nothing else is learned of them" in capsys.readouterr().err
    for words, said in (
        (["export", str(bundle), "--format", "onnx"], "is a segmentation: it cannot be written as one network"),
        (["explain", str(bundle), str(data)], "only heat maps that explain a class can be tested"),
    ):
        assert main([*words, "-o", str(tmp_path / words[0])]) != 0
        assert said in capsys.readouterr().err


def test_inspect_says_which_channels_there_are_and_shows_their_steps(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(data), "-o", str(tmp_path / "out")]) == 0
    assert "channels: T1 MR, PET PT" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "T1, PET" in page and "Intensity PET PT" in page and "The image after: rescale" in page
