"""Boxes move with their images; a detection is learned, measured, kept and read from a bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hounsfield.bundle import FindingPoint, read_bundle
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.detection import for_detection
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.errors import PlanError, TrainingError
from hounsfield.evaluation.evidence import Detected, ImageResult
from hounsfield.findings.region import Box
from hounsfield.learning.augmentation import draw_affines, warp, warp_boxes
from hounsfield.learning.boxes import BoxLesson, boxed_batch, clipped, on_tiles
from hounsfield.learning.finding_point import choose_finding_point
from hounsfield.learning.inputs import Sought, prepare_inputs, sought_by
from hounsfield.learning.lessons import lesson_of
from hounsfield.learning.supervised import setup
from hounsfield.learning.throughput import images_per_second
from hounsfield.learning.train import Trained, train
from hounsfield.learning.validation import validation_evidence
from hounsfield.networks.found import Found, Truth
from hounsfield.plan import Augmentation, Detection, Ensemble, Input, Optimisation, Plan, plan_from_text, plan_to_text
from hounsfield.plan.finding import finder
from hounsfield.plan.inputs import kind_of
from hounsfield.plan.network import build_network
from hounsfield.plan.network_choices import ConvNetChoice, FasterRCNNChoice
from hounsfield.plan.task import task_of
from hounsfield.reading.evaluate import evaluate
from hounsfield.tasks.detection import Findings

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (64, 64)


@pytest.fixture
def spotted(tmp_path: Path) -> Dataset:
    """40 images of 20 patients, 50 high and 100 wide; three in four have a "bright" or a "dark" square of 20 pixels."""
    from hounsfield.datasets.case import Case, ImageRef

    rng = np.random.default_rng(0)
    images = rng.integers(90, 130, (40, 50, 100), dtype=np.uint8)
    cases = []
    for number in range(40):
        boxes: tuple[Box, ...] = ()
        if number % 4 != 3:
            x, y = int(rng.integers(0, 80)), int(rng.integers(0, 30))
            bright = number % 2 == 0
            images[number, y : y + 20, x : x + 20] = 240 if bright else 10
            boxes = (Box(x, y, x + 20, y + 20, "bright" if bright else "dark"),)
        ref = ImageRef(tmp_path / "spots.npz", "images", number)
        cases.append(Case(f"case-{number:02d}", f"woman-{number // 2:02d}", {"image": ref}, None, boxes))
    np.savez(tmp_path / "spots.npz", images=images)
    return for_detection(Dataset("spots", tmp_path, tuple(cases), (), "table"))


def tiny(**changed: object) -> Plan:
    """A detector that learns the spots in a moment."""
    sections: dict[str, object] = {
        "input": Input(
            shape=SHAPE, steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": list(SHAPE)})
        ),
        "network": FasterRCNNChoice(
            strides=(4, 8),
            width=16,
            anchor_sides=((12.0,), (20.0,)),
            anchor_ratios=(1.0,),
            head_width=32,
            regions=32,
            most=10,
            encoder=ConvNetChoice(widths=(8, 16, 16), pool_after=(1, 2, 3)),
        ),
        "augmentation": Augmentation(flip_axes=(1,), gain=0.1, shift=0.1),
        "optimisation": Optimisation(epochs=12, batch_size=4, learning_rate=4e-3, keep="last", threads=1),
        "detection": Detection(kinds=("bright", "dark"), positive=("bright", "dark")),
        "ensemble": Ensemble(flips=True),
    }
    return Plan(task="detection", dataset="spots", classes=("no finding", "any finding"), **(sections | changed))  # type: ignore[arg-type]


@pytest.fixture
def trained(spotted: Dataset, tmp_path: Path) -> Trained:
    longer = tiny().optimisation.model_copy(update={"epochs": 30})  # so that any seed finds the spots' middles
    return train(spotted, tmp_path / "bundle", plan=tiny(optimisation=longer))


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(zoom=0.3, shift=0.2, flip_axes=(0, 1)),
        Augmentation(rotation_degrees=25, zoom=0.2, shift=0.1),
    ],
)
def test_the_box_around_a_round_lesion_is_still_around_it_on_the_changed_image(augmentation: Augmentation) -> None:
    canvas, box = (100, 140), torch.tensor([[45.0, 32, 75, 48]])
    affines = draw_affines(12, dims=2, augmentation=augmentation, generator=torch.Generator().manual_seed(0))
    rows, columns = torch.meshgrid(torch.arange(100) + 0.5, torch.arange(140) + 0.5, indexing="ij")
    ellipse = (((columns - 60) / 15) ** 2 + ((rows - 40) / 8) ** 2 <= 1).float()

    changed = warp(ellipse.expand(12, 1, *canvas), affines, canvas)

    for image, affine in zip(changed[:, 0], affines, strict=True):
        y, x = torch.where(image > 0.5)
        seen = [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert warp_boxes(box, affine, canvas, canvas)[0].tolist() == pytest.approx([float(v) for v in seen], abs=1.5)


def test_boxes_are_cut_at_the_border_and_left_out_where_little_is_left() -> None:
    boxes = torch.tensor([[-5.0, 10, 5, 20, 0], [-9, 10, 1, 20, 1], [10, 10, 20, 20, 1], [70, 0, 90, 9, 0]])

    assert clipped(boxes, (50, 60)).tolist() == [[0, 10, 5, 20, 0], [10, 10, 20, 20, 1]]


def test_prepared_boxes_lie_on_the_squares(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny()
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))

    images, truths = boxed_batch(
        tiny(augmentation=Augmentation()), inputs, np.arange(8), generator=torch.Generator().manual_seed(0)
    )

    for number, (image, truth) in enumerate(zip(images[:, 0], truths, strict=True)):
        assert len(truth.boxes) == (number % 4 != 3)
        for (x0, y0, x1, y1), kind in zip(truth.boxes.round().int().tolist(), truth.kinds.tolist(), strict=True):
            inside = image[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1]
            assert bool((inside > 0.8).all()) if kind == 1 else bool((inside < 0.2).all())


def test_a_detection_is_learned_measured_and_read_again(trained: Trained, spotted: Dataset) -> None:
    evidence = validation_evidence(trained)
    assert evidence.detection is not None
    assert evidence.detection.scores["sensitivity_at_1"].value > 0.9
    assert evidence.detection.kinds == ("bright", "dark")
    assert evidence.task == "detection"
    assert evidence.classes == ("no finding", "any finding")
    again = evaluate(read_bundle(trained.bundle.folder), spotted, which="val", resamples=50).evidence
    assert again.detection is not None
    for own, other in zip(evidence.detection.results, again.detection.results, strict=True):
        assert own.case == other.case
        if own.truths:  # what was learned from is kept in half precision, which moves weak findings about
            assert other.found[0].score == pytest.approx(own.found[0].score, abs=0.02)
            assert other.found[0].box.x0 == pytest.approx(own.found[0].box.x0, abs=0.5)
    truths = {case.id: case.boxes for case in spotted.cases}
    assert all(one.truths == truths[one.case] for one in evidence.detection.results)
    surest = [one for one in evidence.detection.results if one.truths and one.found]
    middle = [(one.found[0].box.center, one.truths[0].center) for one in surest]
    assert np.mean([np.hypot(a[0] - b[0], a[1] - b[1]) < 6 for a, b in middle]) > 0.8


def test_five_hundred_boxes_on_one_image_are_learned_from_and_as_many_may_be_found(
    spotted: Dataset, tmp_path: Path
) -> None:
    many = tuple(Box(x, y, x + 3, y + 2, "dark") for x in range(0, 100, 4) for y in range(0, 40, 2))
    assert len(many) == 500
    crowded = replace(spotted, cases=(replace(spotted.cases[0], boxes=many), *spotted.cases[1:]))
    plan = tiny()
    inputs = prepare_inputs(crowded, crowded.cases[:4], plan.input, tmp_path, threads=1, sought=sought_by(plan))
    lesson, run = lesson_of(plan, inputs), setup(plan, member=0)
    loss = lesson.taught(run, plan, np.arange(4), torch.Generator().manual_seed(0))
    assert len(inputs.boxes[0]) == 500 and bool(torch.isfinite(loss))
    fingerprint = make_fingerprint(crowded)
    network = finder(fingerprint, kind_of(fingerprint, modality="US", cropped=False), None).network(SHAPE)
    assert isinstance(network, FasterRCNNChoice) and network.most == 1000


def test_boxes_too_small_for_the_network_are_counted(
    spotted: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thin = (*spotted.cases[0].boxes, Box(50, 5, 50.6, 25, "dark"), Box(60, 5, 60.6, 25, "dark"))
    plan, cases = tiny(), (replace(spotted.cases[0], boxes=thin), *spotted.cases[1:8])
    inputs = prepare_inputs(spotted, cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    BoxLesson(task_of(plan), inputs).require_enough(np.arange(4), np.arange(4, 8))
    assert "note: 2 of 8 boxes left out of training, for they are less than a pixel" in capsys.readouterr().err


def test_folds_validate_every_image_once(spotted: Dataset, tmp_path: Path) -> None:
    few = Optimisation(epochs=1, batch_size=4, learning_rate=4e-3, keep="last", threads=1)

    found = train(spotted, tmp_path / "folds", plan=tiny(ensemble=Ensemble(folds=2), optimisation=few))

    assert len({one.case for one in found.val_found}) == len(found.val_found) == len(found.val_cases) == 36
    assert len(found.members) == 2


def test_a_plan_of_a_detection_goes_through_its_file_and_is_measured() -> None:
    plan = tiny()

    assert plan_from_text(plan_to_text(plan)) == plan
    assert images_per_second(plan) > 0


def test_nothing_to_find_is_refused(spotted: Dataset, tmp_path: Path) -> None:
    bare = replace(spotted, cases=tuple(replace(case, boxes=()) for case in spotted.cases))
    plan = tiny()
    inputs = prepare_inputs(bare, bare.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))

    with pytest.raises(TrainingError, match="0 boxes are left to learn from"):
        BoxLesson(task_of(plan), inputs).require_enough(np.arange(20), np.arange(20, 40))


def test_boxes_smaller_than_a_pixel_of_the_input_are_nothing_to_validate_on(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny()
    speck = (Box(10, 10, 10.5, 10.5, plan.detection.kinds[0]),)
    cases = tuple(replace(case, boxes=speck) if row >= 20 else case for row, case in enumerate(spotted.cases))
    inputs = prepare_inputs(
        replace(spotted, cases=cases), cases, plan.input, tmp_path, threads=1, sought=sought_by(plan)
    )

    with pytest.raises(TrainingError, match="and 0 to validate on"):
        BoxLesson(task_of(plan), inputs).require_enough(np.arange(20), np.arange(20, 40))


def test_a_refusal_says_why_the_first_image_was_left_out(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny()
    cases = tuple(
        replace(case, boxes=(Box(150, 10, 170, 30, "bright"),)) if row % 3 == 0 else replace(case, boxes=())
        for row, case in enumerate(spotted.cases)
    )
    inputs = prepare_inputs(spotted, cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))

    with pytest.raises(
        TrainingError, match=r"without 14 images that had to be left out \(the first, case-00: .*outside"
    ):
        BoxLesson(task_of(plan), inputs).require_enough(np.arange(10), np.arange(10, 20))


def test_a_kind_of_the_plan_without_an_example_is_told(
    spotted: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tuple(case for row, case in enumerate(spotted.cases) if row % 2 == 0)  # of the bright ones alone
    train(
        for_detection(replace(spotted, cases=cases, kinds=())), tmp_path / "x",
        plan=tiny(optimisation=Optimisation(epochs=1, batch_size=4, threads=1)),
    )  # fmt: skip
    assert "no box of spots is labelled dark: what that looks like is not learned" in capsys.readouterr().err


def test_an_examination_is_alike_each_time_and_leaves_chance_as_it_was(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny()
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    lesson, network = BoxLesson(task_of(plan), inputs), build_network(plan)
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    first = lesson.examined(network, plan, np.arange(12))
    assert torch.equal(torch.random.get_rng_state(), state)

    torch.manual_seed(4)
    assert lesson.examined(network, plan, np.arange(12)).loss == first.loss


def test_what_is_found_beside_an_image_counts_neither_while_learning_nor_in_the_results(
    spotted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny()
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    lesson, rows = BoxLesson(task_of(plan), inputs), np.arange(4)
    beside = torch.tensor([[0.0, 0, 64, 12]])  # above the image, which is half as high as wide

    def looked(network: object, images: torch.Tensor, truths: list[Truth], plan: Plan) -> tuple[float, list[Found]]:
        shares = torch.tensor([[0.5, 0.0], [0.0, 0.9]])
        return 0.0, [Found(torch.cat([truth.boxes, beside]), shares[-len(truth.boxes) - 1 :]) for truth in truths]

    monkeypatch.setattr("hounsfield.learning.boxes._looked", looked)
    found = [Findings(np.array([[-9.0, 14, 20, 40], [0, 0, 64, 12]]), np.array([[0.5, 0], [0, 0.9]]))] * 4

    assert lesson.examined(build_network(plan), plan, rows).score == 1
    assert [len(one.found) for one in lesson.results(plan, rows, found)] == [1] * 4
    assert lesson.results(plan, rows, found)[0].found[0].box.x0 == 0


def test_inputs_that_an_earlier_version_prepared_are_prepared_anew(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny()
    (tmp_path / "run").mkdir()
    for _ in range(2):
        inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path / "run", threads=1, sought=sought_by(plan))
        assert inputs.shapes == ((1, 50, 100),) * 40
        (index,) = (tmp_path / "run").glob("inputs-*.json")
        kept = json.loads(index.read_text(encoding="utf-8"))
        for own in kept["placed"]:
            del own["shape"]
        index.write_text(json.dumps(kept), encoding="utf-8")


def test_the_threshold_of_findings_keeps_the_false_alarms_that_were_asked_for() -> None:
    rng = np.random.default_rng(0)
    lesion, elsewhere = Box(0, 0, 10, 10, "bright"), Box(50, 50, 60, 60)
    results = []
    for number in range(60):
        hit, alarm = rng.beta(4, 2), rng.beta(2, 4)
        found = (Detected(lesion, (float(hit), 0.0)), Detected(elsewhere, (0.0, float(alarm))))
        results.append(ImageResult(f"i{number}", f"p{number}", (lesion,), found))
    detection = Detection(kinds=("bright", "dark"), positive=("bright",), false_alarms=0.25)

    point = choose_finding_point(results, detection, where="by hand")

    shown = [point.of(one) for one in results]
    alarms = sum(one.found[1].score >= point.threshold for one in shown)
    assert alarms == 15
    assert point.calibrated and point.slope > 0
    assert "false alarms ≤ 0.25 an image: 0.25" in point.threshold_from
    said = np.array([found.score for one in shown for found in one.found])
    assert said.mean() == pytest.approx(0.5, abs=0.02)  # half of them hit
    assert isinstance(choose_finding_point([], detection, where="nothing"), FindingPoint)


def test_few_new_images_keep_the_calibration_and_set_the_threshold() -> None:
    begin = FindingPoint(0.3, "earlier", slope=2.0, intercept=-1.0, calibrated=True)
    lesion, elsewhere = Box(0, 0, 10, 10, "bright"), Box(50, 50, 60, 60)
    found = (Detected(lesion, (0.8, 0.0)), Detected(lesion, (0.7, 0.0)), Detected(elsewhere, (0.6, 0.0)))
    results = [ImageResult(f"i{k}", f"p{k}", (lesion,), found) for k in range(12)]

    point = choose_finding_point(results, tiny().detection, where="here", begin=begin)

    assert (point.slope, point.intercept, point.calibrated) == (2.0, -1.0, True)
    assert point.threshold != 0.3 and "here" in point.threshold_from


@pytest.mark.parametrize(
    ("task", "kinds", "message"),
    [("classification", ("bright", "dark"), "give --task"), ("detection", ("bright",), "has boxes of dark")],
)
def test_a_plan_for_something_else_is_refused(
    spotted: Dataset, tmp_path: Path, task: str, kinds: tuple[str, ...], message: str
) -> None:
    plan = tiny(detection=Detection(kinds=kinds, positive=kinds))
    if task == "classification":
        plan = tiny().model_copy(update={"task": task, "network": ConvNetChoice(), "detection": Detection()})
    with pytest.raises(PlanError, match=message):
        train(spotted, tmp_path / "x", plan=plan)


def test_an_image_whose_box_lies_outside_is_left_out_by_name(spotted: Dataset, tmp_path: Path) -> None:
    far = replace(spotted.cases[0], boxes=(Box(500, 10, 520, 30, "bright"),))
    cases = (far, *spotted.cases[1:])

    inputs = prepare_inputs(spotted, cases, tiny().input, tmp_path, threads=1, sought=Sought(spotted.kinds))

    ((name, reason),) = inputs.failed
    assert name == far.id and "outside the image" in reason or "far out of the image" in reason


def test_small_lesions_on_large_images_are_found_tile_by_tile(tmp_path: Path) -> None:
    from hounsfield.datasets.case import Case, ImageRef
    from hounsfield.datasets.load import load
    from hounsfield.reading.reader import Reader

    rng = np.random.default_rng(0)
    images = rng.integers(90, 130, (24, 100, 140), dtype=np.uint8)
    cases = []
    for number in range(24):
        boxes: tuple[Box, ...] = ()
        if number % 4 != 3:
            x, y = int(rng.integers(0, 130)), int(rng.integers(0, 90))
            images[number, y : y + 9, x : x + 9] = 240
            boxes = (Box(x, y, x + 9, y + 9, "bright"),)
        ref = ImageRef(tmp_path / "large.npz", "images", number)
        cases.append(Case(f"case-{number:02d}", f"woman-{number // 2:02d}", {"image": ref}, None, boxes))
    np.savez(tmp_path / "large.npz", images=images)
    large = for_detection(Dataset("spots", tmp_path, tuple(cases), (), "table"))
    shape = (96, 136)
    plan = tiny(
        input=Input(
            shape=shape,
            steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": list(shape), "keep_aspect": False}),
        ),
        detection=Detection(kinds=("bright",), positive=("bright",), tile=(64, 64)),
        optimisation=Optimisation(epochs=14, batch_size=4, learning_rate=4e-3, keep="last", threads=1),
    )

    trained = train(replace(large, cases=large.cases[:18]), tmp_path / "bundle", plan=plan)
    bundle = read_bundle(tmp_path / "bundle")
    new = replace(large, cases=large.cases[18:])
    measured = evaluate(bundle, new, runtime="torch", resamples=20).evidence.detection
    reading = Reader(bundle, answer_all=True).read_case(new.cases[0], load(new.cases[0].image))

    assert trained.bundle.plan.looked_at == (64, 64)
    assert measured is not None and measured.scores["sensitivity_at_1"].value >= 0.75
    (result,) = [one for one in measured.results if one.case == new.cases[0].id]
    shown = [found.box.x0 for found in result.found if found.score >= measured.threshold]
    assert [finding.box.x0 for finding in reading.findings if finding.box] == pytest.approx(shown, abs=1e-3)


def test_tiles_lie_on_the_image_and_most_show_a_box() -> None:
    boxes = [np.array([[130.0, 5, 138, 12, 0]], np.float32)] * 200
    affines = torch.eye(2, 3).repeat(200, 1, 1)

    moved = on_tiles(affines, boxes, (100, 140), (64, 64), torch.Generator().manual_seed(0))

    middle = moved[:, :, 2] * 32 + torch.tensor([70.0, 50.0])
    assert float(middle[:, 0].min()) >= 32 and float(middle[:, 0].max()) <= 108
    assert float(middle[:, 1].min()) >= 32 and float(middle[:, 1].max()) <= 68
    shown = (middle[:, 0] + 32 >= 138) & (middle[:, 1] - 32 <= 5)
    assert 0.5 < float(shown.float().mean()) < 1.0


def test_lesions_that_a_mirrored_border_shows_are_learned_as_such(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny(augmentation=Augmentation(rotation_degrees=180, mirrored_border=True))
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    rows = np.arange(0, 40, 4)  # of bright spots
    generator = torch.Generator().manual_seed(0)

    images, truths = boxed_batch(plan, inputs, rows, generator=generator)

    for image, truth in zip(images[:, 0], truths, strict=True):
        bare = image.clone()
        for x0, y0, x1, y1 in truth.boxes.tolist():
            bare[max(0, int(y0) - 1) : int(y1) + 2, max(0, int(x0) - 1) : int(x1) + 2] = 0
        assert int((bare > 0.8).sum()) < 20  # slivers of which too little is left
