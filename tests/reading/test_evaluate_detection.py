"""A detector measured on data of other classes than its own, and on what was prepared with something around it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle, FindingPoint, OperatingPoint, TrainingRecord, write_bundle
from hounsfield.cli.main import main
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.load import load
from hounsfield.datasets.split import Split
from hounsfield.errors import DatasetError
from hounsfield.evaluation.measure import Origin
from hounsfield.evaluation.store import read_evidence, write_evidence
from hounsfield.findings.region import Box
from hounsfield.plan import Detection, Input, Plan
from hounsfield.plan.network import build_network
from hounsfield.plan.network_choices import CentreChoice, ConvNetChoice
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader
from hounsfield.tasks.detection import Findings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Looks at 32 × 32 pixels and finds two places on every image: the upper left corner, the more surely malignant
    the brighter the image is, and a surer one in the lowest quarter, which is beside an image twice as wide as high."""
    plan = Plan(
        task="detection",
        dataset="by hand",
        classes=("not malignant", "malignant"),
        input=Input(
            shape=(32, 32),
            steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": [32, 32], "anchor": "start"}),
        ),
        network=CentreChoice(stride=4, encoder=ConvNetChoice(widths=(4, 8), pool_after=(1, 2))),
        detection=Detection(kinds=("benign", "malignant"), positive=("malignant",)),
    )
    boxes = np.array([[8.0, 24, 24, 32], [-4, 0, 12, 12]])

    def found(self: Reader, arrays: FloatArray) -> list[Findings]:
        bright = [float(array[0, :16].mean()) for array in arrays]
        return [Findings(boxes, np.array([[0.9, 0.0], [0.1, 0.2 + 0.6 * share]])) for share in bright]

    monkeypatch.setattr(Reader, "_seen", lambda self, arrays, *, explain: [(one, None) for one in found(self, arrays)])
    torch.manual_seed(0)
    return write_bundle(
        tmp_path / "finder",
        plan=plan,
        members=[build_network(plan).state_dict()],
        operating=OperatingPoint(0.5, "by hand", findings=FindingPoint(0.5, "by hand")),
        training=TrainingRecord("by hand", 2, 2, 1, 0.0, "", "", "finished"),
        split=Split({}, {}, 0, (1.0, 0.0, 0.0), "none", "by hand"),
    )


def films(folder: Path, labels: Sequence[str], *, targets: Sequence[int | None], classes: tuple[str, ...]) -> Dataset:
    """One a label, 32 high and 64 wide, with a box of that label in the corner; an empty label is no box. Malignant
    ones are brighter."""
    images = np.random.default_rng(0).integers(0, 150, (len(labels), 32, 64), dtype=np.uint8)
    images[[label == "malignant" for label in labels]] += 100
    np.savez(folder / "films.npz", images=images)
    cases = tuple(
        Case(
            f"film-{number}",
            f"woman-{number}",
            {"image": ImageRef(folder / "films.npz", "images", number)},
            target,
            (Box(0, 0, 24, 24, label),) if label else (),
        )
        for number, (label, target) in enumerate(zip(labels, targets, strict=True))
    )
    return Dataset("films", folder, cases, classes, "table")


@pytest.mark.parametrize(
    ("classes", "targets"),
    [
        (("malignant", "benign"), (0, 1, 1)),
        (("normal", "abnormal"), (1, 1, 1)),
        (("normal", "benign", "malignant"), (2, 1, 1)),
        ((), (None, None, None)),
    ],
)
def test_whatever_classes_the_data_have_boxes_say_which_films_are_malignant(
    finder: Bundle, tmp_path: Path, classes: tuple[str, ...], targets: tuple[int | None, ...]
) -> None:
    data = films(tmp_path, ("malignant", "benign", "benign"), targets=targets, classes=classes)

    evidence = evaluate(finder, data, resamples=20).evidence

    assert evidence.classes == ("not malignant", "malignant") and evidence.class_counts == (2, 1)
    assert evidence.detection is not None and evidence.detection.lesions == (2, 1)
    assert any(note.startswith("Whether an image is malignant is what its boxes say") for note in evidence.notes)


@pytest.mark.parametrize(
    ("classes", "target", "words"),
    [(("left", "right"), 0, "has the classes left, right"), ((), None, "has no classes")],
)
def test_data_of_other_classes_without_any_box_are_refused(
    finder: Bundle, tmp_path: Path, classes: tuple[str, ...], target: int | None, words: str
) -> None:
    data = films(tmp_path, ("", ""), targets=(target, target), classes=classes)

    with pytest.raises(DatasetError, match=f"films {words}; the model finder answers not malignant, malignant"):
        evaluate(finder, data, resamples=20)


def test_a_detector_is_recalibrated_by_what_boxes_say_and_the_evidence_tells_so(
    finder: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = ("malignant", "benign") * 20
    data = films(tmp_path, labels, targets=(1,) * 40, classes=("normal", "abnormal"))
    monkeypatch.setattr("hounsfield.datasets.open_dataset", lambda *_, **__: data)
    monkeypatch.setattr("hounsfield.learning.recalibration.Origin", partial(Origin, resamples=20))

    assert main(["recalibrate", str(finder.folder), "films.toml", "-o", str(tmp_path / "new")]) == 0

    after = read_evidence(tmp_path / "new" / "evidence.json")
    assert after.class_counts == (20, 20) and after.scores["auc_roc"].value == 1
    assert "whether an image is malignant is what its boxes say" in capsys.readouterr().err.lower()


def test_a_set_of_normal_films_has_its_false_alarms_an_image_which_are_kept_in_the_file(
    finder: Bundle, tmp_path: Path
) -> None:
    data = films(tmp_path, ("",) * 12, targets=(0,) * 12, classes=finder.plan.classes)

    evidence = evaluate(finder, data, resamples=20).evidence

    assert evidence.class_counts == (12, 0) and evidence.detection is not None
    assert set(evidence.detection.scores) == {"false_alarms"}
    write_evidence(evidence, tmp_path / "evidence.json")
    assert read_evidence(tmp_path / "evidence.json").detection == evidence.detection


def test_what_lies_beside_an_image_is_no_false_alarm_and_boxes_are_measured_as_they_are_shown(
    finder: Bundle, tmp_path: Path
) -> None:
    data = films(tmp_path, ("benign", "malignant"), targets=(None, None), classes=())

    found = evaluate(finder, data, resamples=20).evidence.detection
    reading = Reader(finder, answer_all=True).read_case(data.cases[1], load(data.cases[1].image))

    assert found is not None
    assert [[own.box for own in one.found] for one in found.results] == [[Box(0, 0, 24, 24)]] * 2
    assert [finding.box for finding in reading.findings] == [Box(0, 0, 24, 24)]
    assert found.scores["false_alarms"].value == 0
    assert found.scores["average_precision_75"].value == 1
