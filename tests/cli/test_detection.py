"""A detection by its commands: train, evaluate and read on the phantom's films, with pictures of what was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hounsfield.cli.main import main
from hounsfield.evaluation.store import read_evidence

PLAN = """\
task = "detection"
dataset = "phantom_films"
classes = ["not malignant", "malignant"]
[input]
shape = [96, 64]
steps = [{step = "display"}, {step = "breast"}, {step = "resize", shape = [96, 64], anchor = "start"}]
[network]
name = "faster_rcnn"
strides = [4, 8]
width = 16
anchor_sides = [[8.0], [16.0]]
head_width = 32
regions = 32
most = 8
encoder = {name = "convnet", widths = [8, 16, 16], pool_after = [1, 2, 3]}
[optimisation]
epochs = 2
batch_size = 4
keep = "last"
threads = 1
[detection]
kinds = ["malignant", "benign"]
positive = ["malignant"]
false_alarms = 2.0
"""


@pytest.fixture(scope="module")
def detector(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that finds masses on films, trained for a moment. Not to be changed."""
    folder = tmp_path_factory.mktemp("detector")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    words = ["train", str(phantom / "films.toml"), "--task", "detection", "--plan", str(folder / "plan.toml")]
    assert main([*words, "-o", str(folder / "bundle")]) == 0
    return folder / "bundle"


def test_a_bundle_tells_what_was_found_on_the_validation_films(detector: Path) -> None:
    evidence = read_evidence(detector / "evidence.json")
    assert evidence.task == "detection" and evidence.detection is not None
    assert sum(evidence.detection.lesions) > 0
    assert all(len(one.spacing_mm) == 3 for one in evidence.detection.results)
    page = (detector / "report.html").read_text(encoding="utf-8")
    assert "What was found" in page and "Mean sensitivity on validation cases" in page
    assert "#films" in page and page.count("data:image/webp") >= 3
    assert not (detector / "explanations.json").is_file()
    card = (detector / "card.md").read_text(encoding="utf-8")
    assert "detection" in card and "Grad-CAM" not in card


def test_films_are_measured_and_shown_with_their_marks(
    detector: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(detector), str(phantom / "films.toml"), "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "a hit is IoU ≥ 0.2" in said and "1 an image" in said
    evidence = read_evidence(tmp_path / "out" / "evidence.json")
    assert evidence.split == "test" and evidence.detection is not None
    assert all(len(one.spacing_mm) == 3 for one in evidence.detection.results)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Images with" not in page.split("<main", 1)[0]
    assert 'id="films"' in page and "of 1 lesion found" in page


def test_two_detectors_are_compared_by_what_they_find_and_by_images_as_a_whole(
    detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(detector), str(detector)]
    assert main(["compare", *words, "-o", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["of"] == "lesions" and printed["differences"]["auc_roc"]["difference"]["value"] == 0
    found = read_evidence(detector / "evidence.json").detection
    at_one = printed["named"]["all lesions"]["sensitivity_at_1"]
    assert found is not None and at_one["first"] == at_one["second"] == found.scores["sensitivity_at_1"].value
    assert "<h3>Images as a whole</h3>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert main(["compare", *words]) == 0
    said = capsys.readouterr()
    assert "Both find equally well" in said.out and "all lesions       Found at 0.5" in said.out
    assert "note: Of lesions, a hit is IoU ≥ 0.2." in said.err
    assert main(["seeds", *words]) == 0
    assert "all lesions       Mean sensitivity" in capsys.readouterr().out


def test_a_film_is_read_into_findings_on_its_own_pixels(
    detector: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = sorted((phantom / "films").glob("*.dcm"))[:3]
    assert main(["read", str(detector), *map(str, films), "-o", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))
    assert any(reading["findings"] for reading in document["readings"])
    assert {reading["explained_by"] for reading in document["readings"]} == {"objectness"}
    lines, page = capsys.readouterr().out, (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for reading in document["readings"]:
        for finding in reading["findings"][:3]:
            shares = sorted(((share, name) for name, share in finding["by_kind"]), reverse=True)
            told = ", ".join(f"{name} {share:.2f}" for share, name in shares if share >= 0.005)
            told += f", any kind {finding['probability']:.2f}, "
            assert told in lines and told in page
        assert (tmp_path / "out" / reading["figure"]).is_file()
        for finding in reading["findings"]:
            assert {name for name, _ in finding["by_kind"]} == {"malignant", "benign"}
            assert len(finding["sides"]) == 2 and finding["sides_unit"] == "mm"
            box = finding["box"]
            assert -10 <= box["x0"] < box["x1"] <= 154 and -10 <= box["y0"] < box["y1"] <= 202
    assert "The heat is what the network made of each place" in page and "first step held it" in page
    assert "no influence" not in page


def test_what_it_cannot_do_is_said(detector: Path, phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(detector), str(phantom / "films.toml")]) == 2
    assert "draws its boxes, landmarks or outlines" in capsys.readouterr().err
    film = next((phantom / "films").glob("*.dcm"))
    words = ["read", str(detector), str(film), "--heat", "grad_cam", "-o", str(detector.parent / "y")]
    assert main(words) == 2
    assert "grad_cam explains answers of classes: leave out --heat" in capsys.readouterr().err
    assert main(["train", str(phantom / "masses.toml"), "--task", "detection", "-o", str(detector.parent / "x")]) == 1
    assert "is a square cut out of one" in capsys.readouterr().err


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_another_runtime_finds_the_same(detector: Path, phantom: Path, tmp_path: Path, runtime: str) -> None:
    found = {}
    for name in ("torch", runtime):
        out = tmp_path / name
        assert main(["evaluate", str(detector), str(phantom / "films.toml"), "--runtime", name, "-o", str(out)]) == 0
        found[name] = read_evidence(out / "evidence.json")
    own, other = found["torch"].detection, found[runtime].detection
    assert own is not None and other is not None
    assert any("computed by" in note for note in found[runtime].notes)
    for name, score in own.scores.items():
        assert other.scores[name].value == pytest.approx(score.value, abs=0.02)
