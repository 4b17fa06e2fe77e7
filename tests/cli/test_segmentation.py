"""A segmentation by its commands: train, evaluate, read, on spheres in volumes and discs in flat images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
from drawn_files import closed, square, write_rtstruct, write_seg, write_series

from hounsfield.cli.main import main
from hounsfield.plan import RecurrentChoice, read_plan
from hounsfield.reading import outlining
from hounsfield.reporting.segmentation_part import SURFACES


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, spheres: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("data") / "spheres"
    spheres(folder, count=30)
    names = {"labels": {"0": "background", "1": "bright", "2": "dark"}}
    (folder / "dataset.json").write_text(json.dumps(names), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def bundle(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    assert main(["train", str(data), "--task", "segmentation", "-o", str(out), "--minutes", "0.1"]) == 0
    return out


def test_names_come_from_the_data_and_figures_are_printed(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(bundle), str(data), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "bright" in printed and "all labels" in printed
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in evidence["segmentation"]["labels"]][0] == "all labels"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What was outlined" in page and "data:image/webp" in page
    for name in ("report.html", "card.html", "card.md"):
        assert "bright" in (bundle / name).read_text(encoding="utf-8")
    validated = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))["segmentation"]["results"]
    page = (bundle / "report.html").read_text(encoding="utf-8")
    assert validated and all(f'alt="Image of case {one["case"]}: ' in page for one in validated[:6])


def test_a_reading_writes_every_voxel_on_the_images_grid(bundle: Path, data: Path, tmp_path: Path) -> None:
    image = data / "images" / "case01.nii.gz"
    assert main(["read", str(bundle), str(image), "-o", str(tmp_path / "out")]) == 0
    (reading,) = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    assert reading["outlined"] and reading["looked_for"] == ["bright", "dark"]
    labels = nibabel.load(tmp_path / "out" / reading["labels"])
    stored = nibabel.load(image)
    assert labels.shape == stored.shape
    np.testing.assert_allclose(labels.affine, stored.affine)
    numbers = np.asarray(labels.dataobj)
    for place, name in enumerate(reading["looked_for"], start=1):
        own = [finding for finding in reading["findings"] if finding["label"] == name]
        assert sum(finding["size"] for finding in own) == pytest.approx(np.count_nonzero(numbers == place) / 1000)
    assert (tmp_path / "out" / reading["figure"]).is_file()


def test_a_volume_that_does_not_fit_into_memory_is_named_and_the_others_are_measured(
    bundle: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = iter(range(100))
    monkeypatch.setattr(outlining, "bytes_held", lambda *words: 10**15 if next(asked) == 1 else 1)
    assert main(["evaluate", str(bundle), str(data), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "image, while it is outlined, needs 1000000.0 GB of memory" in said and ".nii.gz: its " in said
    results = json.loads((tmp_path / "out" / "evidence.json").read_text(encoding="utf-8"))["segmentation"]["results"]
    assert len(results) == 2  # of three


def test_two_bundles_are_compared_label_by_label(
    bundle: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(bundle), str(bundle), str(data), "-o", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("distances in mm")
    assert [line[:18].strip() for line in lines if line[18:22] == "Dice"] == ["all labels", "bright", "dark"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Both outline equally well" in page and "95 % of surfaces, mm" in page and "Surface Dice" in page
    assert main(["compare", str(bundle), str(bundle), "--json"]) == 0
    named = json.loads(capsys.readouterr().out)["named"]
    evidence = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))["segmentation"]
    for one in evidence["labels"]:
        assert named[one["name"]]["dice"]["first"] == pytest.approx(one["scores"]["dice"]["value"])
    assert main(["seeds", str(bundle), str(bundle), "--json"]) == 0
    seeds = json.loads(capsys.readouterr().out)
    assert seeds["named"]["all labels"]["dice"]["spread"] == 0 and seeds["scores"] == {}


@pytest.fixture(scope="module")
def recurrent(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recurrent") / "bundle"
    words = ["--task", "segmentation", "--network", "recurrent", "--minutes", "0.1"]
    assert main(["train", str(data), *words, "-o", str(out)]) == 0
    return out


def test_a_recurrent_network_is_planned_trained_and_measured(
    recurrent: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = read_plan(recurrent / "plan.toml")
    assert isinstance(plan.network, RecurrentChoice) and plan.input.windows
    assert plan.input.shape[0] in (8, 16)
    said = []
    for surface, edges in (("elements", ""), ("edge voxels", " of edge voxels")):
        words = ["evaluate", str(recurrent), str(data), "-o", str(tmp_path / surface), "--surface", surface]
        assert main(words) == 0
        printed = capsys.readouterr().out
        assert "all labels" in printed and f"between surfaces{edges}; surface Dice within 1" in printed
        said.append(json.loads((tmp_path / surface / "evidence.json").read_text(encoding="utf-8"))["segmentation"])
        assert said[-1]["surface"] == surface
        assert SURFACES[surface] in (tmp_path / surface / "report.html").read_text(encoding="utf-8")
    first, second = (one["labels"][0]["scores"] for one in said)
    assert first["dice"] == second["dice"] and first["hausdorff"] != second["hausdorff"]


@pytest.mark.parametrize("name", ["bundle", "recurrent"])
def test_openvino_outlines_as_torch_does(
    name: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    bundle, said = request.getfixturevalue(name), []
    for runtime in ("torch", "openvino"):
        image, out = data / "images" / "case00.nii.gz", tmp_path / runtime
        assert main(["read", str(bundle), str(image), "-o", str(out), "--runtime", runtime]) == 0
        document = json.loads((out / "readings.json").read_text(encoding="utf-8"))
        assert document["runtime"] in ("torch", "OpenVINO f32")
        said.append(np.asarray(nibabel.load(out / document["readings"][0]["labels"]).dataobj))
    assert document["runtime"] == "OpenVINO f32"
    assert (said[0] == said[1]).mean() > 0.9999
    assert main(["read", str(bundle), str(image), "-o", str(out), "--runtime", "openvino-int8"]) != 0
    assert "8 bits were never tried" in capsys.readouterr().err


def labelled_elsewhere(data: Path, folder: Path, names: dict[str, int]) -> Path:
    """Three of the volumes, labelled in their first slices alone, with these numbers and another structure (7)."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(3):
        name = f"case{number:02}.nii.gz"
        shutil.copy(data / "images" / name, folder / "images" / name)
        stored = nibabel.load(data / "labels" / name)
        numbers = np.array([0, names["bright"], names["dark"]], dtype=np.uint8)[np.asarray(stored.dataobj)]
        numbers[:2, :2, :9] = 7
        numbers[:, :, 9:] = names["ignore"]
        nibabel.save(nibabel.Nifti1Image(numbers, stored.affine), folder / "labels" / name)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, **names}}), encoding="utf-8")
    return folder


def test_other_data_are_measured_by_the_names_of_labels_and_where_somebody_labelled_them(
    bundle: Path, data: Path, tmp_path: Path
) -> None:
    told = []
    for folder, names in (
        ("same", {"bright": 1, "dark": 2, "ignore": 255}),
        ("other", {"dark": 1, "bright": 3, "ignore": 4}),
    ):
        elsewhere, out = labelled_elsewhere(data, tmp_path / folder, names), tmp_path / f"{folder}-out"
        assert main(["evaluate", str(bundle), str(elsewhere), "-o", str(out), "--cases", "all"]) == 0
        told.append(json.loads((out / "evidence.json").read_text(encoding="utf-8")))
    same, other = (own["segmentation"]["results"] for own in told)
    assert same == other
    assert any("count as nothing" in note and "(7)" in note for note in told[1]["notes"])
    for one in other:
        numbers = np.asarray(nibabel.load(data / "labels" / f"{one['case']}.nii.gz").dataobj)[:, :, :9].copy()
        numbers[:2, :2] = 0
        assert [own["volume"] for own in one["labels"]] == [np.count_nonzero(numbers == place) for place in (1, 2)]
    assert sum(own["volume"] for one in other for own in one["labels"]) > 0


def test_flat_images_are_outlined_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / "discs" / name).mkdir(parents=True)
    grid = np.indices((48, 64))
    for number in range(20):
        middle = rng.integers(12, (36, 52))
        disc = ((grid - middle[:, None, None]) ** 2).sum(axis=0) < 49
        image = np.where(disc, 200, 60) + rng.normal(0, 8, disc.shape)
        cv2.imwrite(str(tmp_path / "discs" / "images" / f"{number:02}.png"), image.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(tmp_path / "discs" / "masks" / f"{number:02}.png"), 255 * disc.astype(np.uint8))
    words = ["--task", "segmentation", "-o", str(tmp_path / "bundle"), "--minutes", "0.1"]
    assert main(["train", str(tmp_path / "discs"), *words]) == 0
    image_path = tmp_path / "discs" / "images" / "00.png"
    assert main(["read", str(tmp_path / "bundle"), str(image_path), "-o", str(tmp_path / "out")]) == 0
    (reading,) = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    labels = cv2.imread(str(tmp_path / "out" / reading["labels"]), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    assert labels.shape == (48, 64)
    assert set(np.unique(labels)) <= {0, 1}


def test_data_without_masks_are_refused_by_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / "data" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "data" / name / "0.png"), np.zeros((8, 8), np.uint8))
    assert main(["train", str(tmp_path / "data"), "--task", "segmentation", "-o", str(tmp_path / "out")]) != 0
    assert "has a mask" in capsys.readouterr().err


def test_dicom_studies_are_learned_from_as_they_lie_and_names_count_elsewhere(
    tmp_path: Path, trained_for: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Learned from a folder of studies, measured on a table of structure sets with other numbers and spelling."""
    rng = np.random.default_rng(0)
    grid = np.indices((8, 20, 20))
    for number in range(14):
        middle = rng.integers((3, 6, 6), (5, 14, 14))
        ball = (((grid - middle[:, None, None, None]) * np.array([2, 1, 1])[:, None, None, None]) ** 2).sum(axis=0) < 26
        voxels = np.where(ball, 300, 0) + rng.normal(0, 20, ball.shape)
        folder = tmp_path / ("studies" if number < 12 else "others") / f"P{number:02}"
        header = write_series(folder / "ct", voxels, spacing=(2, 1, 1), patient=f"P{number:02}")
        if number < 12:
            write_seg(folder / "seg.dcm", header, [("Ball", ball)], shuffled=True)
        else:
            slices = np.flatnonzero(ball.any(axis=(1, 2)))
            contours = [closed(float(place), *_around(ball[place])) for place in slices]
            write_rtstruct(folder / "rt.dcm", header, [("Body", [square(0, 0.5, 18.5)]), ("BALL ", contours)])
    bundle = trained_for(tmp_path / "studies", "--task", "segmentation", epochs=10)
    assert "structures on 12 images: Ball (12)" in capsys.readouterr().err
    (tmp_path / "others.csv").write_text("patient\nP12\nP13\n", encoding="utf-8")
    (tmp_path / "others.toml").write_text(
        'table = "others.csv"\nimage = "others/{patient}/ct"\npatient = "patient"\n'
        '[columns]\nmask = "others/{patient}"\n',
        encoding="utf-8",
    )
    out = tmp_path / "evidence"
    assert main(["evaluate", str(bundle), str(tmp_path / "others.toml"), "-o", str(out)]) == 0
    evidence = json.loads((out / "evidence.json").read_text(encoding="utf-8"))
    (ball_label,) = [one for one in evidence["segmentation"]["labels"] if one["name"] == "Ball"]
    assert ball_label["images"] == 2 and ball_label["scores"]["dice"]["value"] > 0.3


def _around(plane: np.ndarray) -> list[tuple[float, float]]:
    """The convex outline of some pixels, half a pixel outside of their centres."""
    centres = np.argwhere(plane)[:, None] + np.array([(-0.4, 0), (0, 0.4), (0.4, 0), (0, -0.4)])
    hull = cv2.convexHull(centres.reshape(-1, 2).astype(np.float32))[:, 0]
    return [(float(h), float(w)) for h, w in hull]
