"""Landmarks move with their images; in three ways they are learned, measured, kept and read from a bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hounsfield.bundle import read_bundle
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.load import load
from hounsfield.datasets.localization import for_localization
from hounsfield.errors import DatasetError, PlanError, TrainingError
from hounsfield.evaluation.store import evidence_text, read_evidence, write_evidence
from hounsfield.findings.region import Point
from hounsfield.learning.augmentation import draw_affines, warp, warp_points
from hounsfield.learning.inputs import prepare_inputs, sought_by
from hounsfield.learning.memory_need import step_bytes
from hounsfield.learning.points import PointLesson, pointed_batch
from hounsfield.learning.reinforcement import (
    DISCOUNT,
    Copy,
    WalkLesson,
    draw_standing,
    eager_step,
    reward,
    worth_of_steps,
)
from hounsfield.learning.throughput import images_per_second
from hounsfield.learning.train import train
from hounsfield.learning.validation import validation_evidence
from hounsfield.networks.landmarks import numbers_for
from hounsfield.networks.policy import Policy, Standing
from hounsfield.plan import (
    Augmentation,
    BoxRegressionChoice,
    HeatMapChoice,
    Input,
    Localization,
    Network,
    Optimisation,
    Plan,
    PolicyChoice,
    plan_from_text,
    plan_to_text,
)
from hounsfield.plan.network_choices import ResidualChoice
from hounsfield.plan.schema import Reinforcement
from hounsfield.plan.task import task_of
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader

pytestmark = pytest.mark.usefixtures("one_thread")

SHAPE = (32, 48)
ENCODER = ResidualChoice(widths=(8, 16), blocks=(1, 1))
WAYS: dict[str, Network] = {
    "heatmap": HeatMapChoice(stride=1, width=16, encoder=ENCODER),
    "box_regression": BoxRegressionChoice(width=16, hidden=64, encoder=ENCODER),
    "policy": PolicyChoice(window=11, scales=(4, 1), steps=6, widths=(8, 16), hidden=32, stem_stride=2),
}


@pytest.fixture
def spotted(tmp_path: Path) -> Dataset:
    """40 images of 20 patients, 64 high and 96 wide, with a bright and a dark spot; the last has no dark one."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :96] + 0.5
    images, cases = np.zeros((40, 64, 96), dtype=np.uint8), []
    for number in range(40):
        image = rng.normal(110, 4, (64, 96))
        points = []
        for name, sign in (("bright", 1), ("dark", -1)):
            x, y = float(rng.uniform(16, 80)), float(rng.uniform(12, 28) + 24 * (name == "dark"))
            if number < 39 or name == "bright":
                image += sign * 100 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 72)
                points.append(Point(x, y, 0.5, name))
        images[number] = np.clip(image, 0, 255).astype(np.uint8)
        ref = ImageRef(tmp_path / "spots.npz", "images", number)
        cases.append(Case(f"case-{number:02d}", f"woman-{number // 2:02d}", {"image": ref}, points=tuple(points)))
    np.savez(tmp_path / "spots.npz", images=images)
    places = {"bright": "", "dark": ""}
    return for_localization(Dataset("spots", tmp_path, tuple(cases), (), "table", places=places))


def tiny(way: str = "heatmap", **changed: object) -> Plan:
    """A network that learns the spots in a moment."""
    epochs = {"heatmap": 8, "box_regression": 20, "policy": 40}[way]
    sections: dict[str, object] = {
        "input": Input(
            shape=SHAPE, steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": list(SHAPE)})
        ),
        "network": WAYS[way],
        "augmentation": Augmentation(gain=0.1, shift=0.1),
        "optimisation": Optimisation(epochs=epochs, batch_size=4, learning_rate=3e-3, keep="last", threads=1),
        "localization": Localization(landmarks=("bright", "dark")),
        "reinforcement": Reinforcement(walks=4, steps=4),
    }
    return Plan(task="localization", dataset="spots", classes=("image",), **(sections | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", list(WAYS))
def test_the_memory_of_a_step_is_told_of_each_way(way: str) -> None:
    assert step_bytes(tiny(way)) > 0


@pytest.mark.parametrize("dims", [2, 3])
def test_points_move_with_their_image(dims: int) -> None:
    canvas = (20, 40, 60)[3 - dims :]
    point = torch.tensor([[8.5, 25.5, 20.5][3 - dims :]])
    images = torch.zeros(6, 1, *canvas)
    images[(slice(None), 0, *[int(value) for value in point[0]])] = 1.0
    augmentation = Augmentation(rotation_degrees=20, zoom=0.1, shift=0.2)
    affines = draw_affines(6, dims=dims, augmentation=augmentation, generator=torch.Generator().manual_seed(0))

    changed = warp(images, affines, canvas)

    for image, affine in zip(changed[:, 0], affines, strict=True):
        places = torch.stack(torch.meshgrid(*[torch.arange(side) + 0.5 for side in canvas], indexing="ij"), dim=-1)
        seen = (places * image[..., None]).flatten(0, -2).sum(dim=0) / image.sum()
        assert warp_points(point, affine, canvas, canvas)[0].tolist() == pytest.approx(seen.tolist(), abs=0.6)


def test_prepared_points_lie_on_the_spots_and_leave_with_the_image(spotted: Dataset, tmp_path: Path) -> None:
    plan = tiny(augmentation=Augmentation())
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))

    images, truth = pointed_batch(plan, inputs, np.arange(40), generator=torch.Generator().manual_seed(0))
    moved, gone = pointed_batch(
        tiny(augmentation=Augmentation(shift=0.9)), inputs, np.arange(40), generator=torch.Generator().manual_seed(0)
    )

    assert bool(torch.isnan(truth[39, 1]).all()) and not bool(torch.isnan(truth[:39]).any())
    for image, (bright, dark) in zip(images[:39, 0], truth[:39] * torch.tensor(SHAPE), strict=True):
        assert float(image[int(bright[0]), int(bright[1])]) > 0.6
        assert float(image[int(dark[0]), int(dark[1])]) < 0.3
    assert bool(torch.isnan(gone[:39]).any())
    assert float(gone.nan_to_num(0.5).min()) >= 0 and float(gone.nan_to_num(0.5).max()) <= 1
    assert moved.shape == images.shape


@pytest.mark.parametrize("way", list(WAYS))
def test_spots_are_located_kept_and_read_alike(way: str, spotted: Dataset, tmp_path: Path) -> None:
    shown = replace(spotted, cases=spotted.cases[:32])
    trained = train(shown, tmp_path / "bundle", plan=tiny(way))
    bundle = read_bundle(tmp_path / "bundle")

    evidence = validation_evidence(trained)
    path = tmp_path / "evidence.json"
    write_evidence(evidence, path)
    new = evaluate(bundle, replace(spotted, cases=spotted.cases[32:]), runtime="torch", resamples=50).evidence

    assert read_evidence(path) == evidence
    assert evidence_text(evidence.as_json()) == path.read_text(encoding="utf-8")
    for own in (evidence, new):
        assert own.task == "localization" and own.localization is not None and not own.scores
        assert own.localization.unit == "pixels"
        assert [one.name for one in own.localization.landmarks] == ["all landmarks", "bright", "dark"]
    assert new.split == "test" and new.localization is not None
    assert new.localization.landmarks[2].images == 7  # the last image has no dark spot
    limit = {"heatmap": 4.0, "box_regression": 14.0, "policy": 8.0}[way]
    assert new.localization.landmarks[0].scores["median"].value < limit

    reader = Reader(bundle, answer_all=True)
    case = spotted.cases[33]
    reading = reader.read_case(case, load(case.image))
    measured = next(one for one in new.localization.results if one.case == case.id)
    assert [finding.label for finding in reading.findings] == ["bright", "dark"]
    assert reading.answers == () and reading.looked_for == ("bright", "dark")
    for finding, located in zip(reading.findings, measured.found, strict=True):
        assert finding.point is not None
        assert (finding.point.x, finding.point.y) == pytest.approx((located.point.x, located.point.y), abs=1e-3)
    walked = [len(finding.path) for finding in reading.findings]
    assert min(walked) > 1 if way == "policy" else walked == [0, 0]
    if way == "policy":
        assert reading.findings[0].path[0].x == pytest.approx(49.0)  # from the pixel in the middle, of two as stored
    json.dumps(reading.as_json())
    assert reading.explained_by == ("landmark_heat" if way == "heatmap" else "")
    if reading.heat is not None:
        assert reading.heat.shape == (64, 96)
        for finding in reading.findings:
            assert finding.point is not None
            assert reading.heat[int(finding.point.y), int(finding.point.x)] > 0.5
    assert (reading.heat is None) == (way != "heatmap")
    assert reader.read_case(case, load(case.image), explain=False).heat is None


def test_a_landmark_on_too_few_images_is_refused(spotted: Dataset, tmp_path: Path) -> None:
    bare = [replace(case, points=case.points[:1]) for case in spotted.cases]

    with pytest.raises(TrainingError, match="the landmark 'dark' is on 0 images to learn from, and [1-9]"):
        train(replace(spotted, cases=tuple(bare)), tmp_path / "bundle", plan=tiny())


def test_a_plan_for_other_landmarks_or_another_task_is_refused(spotted: Dataset, tmp_path: Path) -> None:
    other = tiny(localization=Localization(landmarks=("bright", "grey")))

    with pytest.raises(PlanError, match="the plan locates bright, grey, and spots has the landmarks bright, dark"):
        train(spotted, tmp_path / "bundle", plan=other)
    with pytest.raises(PlanError, match="the plan is for a localization, and a classification was asked for"):
        train(replace(spotted, landmarks=(), classes=("a", "b")), tmp_path / "b", plan=tiny())
    bundle = train(replace(spotted, cases=spotted.cases[:32]), tmp_path / "whole", plan=tiny()).bundle
    unmarked = replace(
        spotted,
        name="elsewhere",
        landmarks=(),
        places={"nose": ""},
        cases=tuple(replace(c, points=()) for c in spotted.cases),
    )
    with pytest.raises(DatasetError, match="has the landmarks nose, and the model locates bright, dark"):
        evaluate(bundle, unmarked)


def test_a_plan_of_each_way_survives_its_file_and_says_what_does_not_fit() -> None:
    for way in WAYS:
        assert plan_from_text(plan_to_text(tiny(way))) == tiny(way)
    for change, words in (
        ({"augmentation": Augmentation(flip_axes=(1,))}, "tells left from right"),
        ({"localization": Localization()}, "do not fit"),
        ({"network": PolicyChoice(scales=(4, 1)).model_copy(update={"scales": (1, 4)})}, "must fall"),
        ({"network": PolicyChoice().model_copy(update={"window": 24})}, "24 must be odd"),
    ):
        with pytest.raises((PlanError, ValueError), match=words):
            plan_from_text(plan_to_text(tiny().model_copy(update=change)))


def test_the_speed_of_each_way_can_be_measured() -> None:
    for way in WAYS:
        assert images_per_second(tiny(way)) > 0


def agents(places: list[list[float]], *, scale: int) -> Standing:
    zeros = torch.zeros(len(places), dtype=torch.long)
    return Standing(zeros, zeros, torch.tensor(places), torch.full((len(places),), scale))


def test_a_reward_is_how_much_nearer_an_agent_came_in_steps() -> None:
    goal = torch.tensor([[10.0, 10.0]] * 4)
    before = torch.tensor([[4.0, 10.0], [4.0, 10.0], [10.0, 10.0], [0.0, 10.0]])
    after = torch.tensor([[6.0, 10.0], [2.0, 10.0], [12.0, 10.0], [9.0, 10.0]])

    rewards = reward(before, after, goal, torch.tensor([2, 2, 2, 2]))

    assert rewards.tolist() == [1.0, -1.0, -1.0, 1.0]  # never more than one step


def test_what_a_step_is_worth_ends_where_the_agent_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(dims=2, channels=1, outputs=numbers_for(1, 2), window=9, scales=(2,), widths=(4,), hidden=8)
    slow = Copy().of(policy, torch.Generator())
    monkeypatch.setattr(policy, "worth", lambda images, standing: torch.tensor([[0.0, 9.0, 1.0, 2.0]] * 2))
    monkeypatch.setattr(slow, "worth", lambda images, standing: torch.tensor([[5.0, 0.5, 7.0, 7.0]] * 2))
    before, after = agents([[4.0, 8.0], [0.0, 8.0]], scale=2), agents([[6.0, 8.0], [2.0, 8.0]], scale=2)

    wanted = worth_of_steps(policy, slow, torch.zeros(1, 1, 16, 16), before, after, torch.tensor([[6.5, 8.0]] * 2))

    assert wanted.tolist() == pytest.approx([1.0, 1.0 + DISCOUNT * 0.5])  # the copy's worth of the step that is best


def test_a_curious_agent_takes_any_step_and_another_the_best() -> None:
    worth = torch.tensor([[0.0, 3.0, 1.0, 2.0]]).repeat(400, 1)
    generator = torch.Generator().manual_seed(0)

    assert set(eager_step(worth, 0.0, generator).tolist()) == {1}
    often = torch.bincount(eager_step(worth, 1.0, generator), minlength=4)
    assert int(often.min()) > 60


def test_agents_begin_anywhere_and_near_their_goal_but_not_where_it_is_not() -> None:
    policy = Policy(dims=2, channels=1, outputs=numbers_for(2, 2), window=9, scales=(4, 1), widths=(4,), hidden=8)
    goals = torch.tensor([[[50.0, 20.0], [torch.nan, torch.nan]], [[10.0, 80.0], [90.0, 90.0]]])
    sides = torch.tensor([100.0, 100.0])

    standing = draw_standing(policy, goals, sides, walks=200, generator=torch.Generator().manual_seed(0))

    assert {(i, k) for i, k in zip(standing.image.tolist(), standing.landmark.tolist(), strict=True)} == {
        (0, 0), (1, 0), (1, 1),
    }  # fmt: skip
    assert set(standing.scale.tolist()) == {1, 4}
    apart = (standing.place - goals[standing.image, standing.landmark]).abs().amax(dim=1)
    assert float(standing.place.min()) >= 0.5 and float(standing.place.max()) <= 99.5
    assert set((standing.place % 1).unique().tolist()) == {0.5}  # on the middle of a pixel
    assert float((apart <= 12 * standing.scale).float().mean()) > 0.45
    assert float((apart > 48).float().mean()) > 0.1


def test_the_copy_follows_and_begins_anew_with_each_epoch() -> None:
    policy = Policy(dims=2, channels=1, outputs=numbers_for(1, 2), window=9, scales=(1,), widths=(4,), hidden=8)
    copy, first, second = Copy(), torch.Generator(), torch.Generator()

    def bias(network: Policy) -> Tensor:
        return network.answer.bias.detach().clone()

    assert torch.equal(bias(copy.of(policy, first)), torch.zeros(4))
    with torch.no_grad():
        policy.answer.bias.fill_(1.0)
    copy.follow(policy)
    assert bias(copy.of(policy, first)).tolist() == pytest.approx([0.05] * 4)
    assert bias(copy.of(policy, second)).tolist() == [1.0] * 4


def test_a_network_that_does_not_walk_cannot_be_taught_to(spotted: Dataset, tmp_path: Path) -> None:
    from hounsfield.learning.supervised import setup

    plan = tiny("heatmap")
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    task = task_of(plan)
    lesson = WalkLesson(task, inputs)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="does not walk"):
        lesson.taught(setup(plan, member=0), plan, np.arange(4), torch.Generator())
    assert isinstance(lesson, PointLesson)


def test_a_batch_whose_landmarks_have_left_their_images_teaches_nothing(spotted: Dataset, tmp_path: Path) -> None:
    from hounsfield.learning.supervised import setup

    plan = tiny("policy")
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    bare = replace(inputs, points=np.full_like(inputs.points, np.nan))
    lesson = WalkLesson(task_of(plan), bare)  # type: ignore[arg-type]

    assert float(lesson.taught(setup(plan, member=0), plan, np.arange(4), torch.Generator())) == 0.0


def test_a_walk_that_was_stopped_is_learned_on_as_if_it_had_not_been(spotted: Dataset, tmp_path: Path) -> None:
    from hounsfield.learning.supervised import fit

    plan = tiny("policy", optimisation=Optimisation(epochs=3, batch_size=4, keep="last", threads=1))
    inputs = prepare_inputs(spotted, spotted.cases, plan.input, tmp_path, threads=1, sought=sought_by(plan))
    rows = {"train_rows": np.arange(24), "val_rows": np.arange(24, 32), "member": 0}

    def stop(record: object) -> None:
        if getattr(record, "epoch", 0) == 2:
            raise KeyboardInterrupt

    def lesson() -> WalkLesson:
        return WalkLesson(task_of(plan), inputs)  # type: ignore[arg-type]

    whole = fit(plan, lesson(), checkpoint=tmp_path / "whole.safetensors", **rows)  # type: ignore[arg-type]
    import hounsfield.learning.supervised as loop

    before, loop.CHECKPOINT_SECONDS = loop.CHECKPOINT_SECONDS, 0.0
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(plan, lesson(), checkpoint=tmp_path / "cut.safetensors", on_epoch=stop, **rows)  # type: ignore[arg-type]
        again = fit(plan, lesson(), checkpoint=tmp_path / "cut.safetensors", **rows)  # type: ignore[arg-type]
    finally:
        loop.CHECKPOINT_SECONDS = before

    assert [record.epoch for record in again.history] == [1, 2, 3]
    for name, value in whole.weights.items():
        torch.testing.assert_close(again.weights[name], value)


@pytest.mark.parametrize(
    ("network", "kinds", "planar", "message"),
    [
        ("heatmap", True, True, "lesions are found in flat images by faster_rcnn, centres, convnet, or timm's name"),
        ("centres", False, True, "landmarks are located in flat images by heatmap, box_regression, policy, or timm's"),
        ("faster_rcnn", True, False, "lesions are found in volumes by centres, not by 'faster_rcnn'"),
        (
            "convnet",
            False,
            False,
            "landmarks are located in volumes by heatmap, box_regression, policy, not by 'convnet'",
        ),
    ],
)
def test_a_network_for_something_else_is_refused(
    network: str, kinds: bool, planar: bool, message: str, spotted: Dataset
) -> None:
    from hounsfield.errors import UnknownNameError
    from hounsfield.learning.choosing import _require_way

    asked = replace(spotted, landmarks=(), kinds=("mass",)) if kinds else spotted

    with pytest.raises(UnknownNameError, match=message):
        _require_way(network, asked, planar=planar)
    for fine in ("auto", "centres" if kinds else "policy"):
        _require_way(fine, asked, planar=planar)


@pytest.mark.parametrize("dims", [2, 3])
def test_places_come_back_where_they_were_to_the_last_digit(dims: int, tmp_path: Path) -> None:
    """Through preprocessing that crops, mirrors and resizes, shares of the sides, and back onto the stored grid."""
    import nibabel

    from hounsfield.plan.network_input import placed_case
    from hounsfield.tasks.localization import located

    shape = (9, 40, 60)[3 - dims :]
    voxels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    if dims == 3:
        path, affine = tmp_path / "a.nii.gz", np.diag([-0.5, -0.7, 3.0, 1.0])
        nibabel.save(nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine), path)
        points = (Point(3.25, 30.5, 7.75, "a"), Point(55.1, 4.0, 0.6, "b"))
        steps = ({"step": "rescale"}, {"step": "resize", "shape": [12, 24, 36], "keep_aspect": False})
    else:
        import cv2

        path = tmp_path / "a.png"
        cv2.imwrite(str(path), voxels)
        points = (Point(3.25, 30.5, 0.5, "a"), Point(55.1, 4.0, 0.5, "b"))
        steps = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [48, 36], "keep_aspect": True})
    spec = Input(shape=tuple(steps[-1]["shape"]), steps=steps)
    placed = placed_case(Case("a", "a", {"image": ImageRef(path)}, points=points), spec, landmarks=("a", "b"))

    shares = placed.points[:, 3 - dims :] / np.array(spec.shape)
    places = np.stack([shares, np.full_like(shares, 0.1)], axis=1)
    found = located(places, ("a", "b"), spec.shape, placed.onto, placed.spacing_mm)

    for own, truth in zip(found, points, strict=True):
        assert (own.point.x, own.point.y, own.point.z) == pytest.approx((truth.x, truth.y, truth.z), abs=1e-9)
    assert len(placed.spacing_mm) == (3 if dims == 3 else 0)
    if dims == 3:  # a tenth of each side: 9 slices of 3 mm, 40 rows of 0.7, 60 columns of 0.5
        assert found[0].radius == pytest.approx(np.sqrt((2.7**2 + 2.8**2 + 3.0**2) / 3))


def test_other_runtimes_locate_as_torch_does_and_an_agent_walks_with_torch(spotted: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    shown = replace(spotted, cases=spotted.cases[:16])
    short = Optimisation(epochs=1, batch_size=4, keep="last", threads=1)
    case = spotted.cases[20]
    for way, words in (("heatmap", "ONNX Runtime"), ("box_regression", "ONNX Runtime"), ("policy", "torch")):
        bundle = train(shown, tmp_path / way, plan=tiny(way, optimisation=short)).bundle
        places = {}
        for runtime in ("torch", "onnxruntime"):
            reader = Reader(bundle, runtime=runtime, answer_all=True)  # type: ignore[arg-type]
            reading = reader.read_case(case, load(case.image))
            places[runtime] = [(own.point.x, own.point.y) for own in reading.findings if own.point]
        assert words in reader.runtime
        assert np.array(places["onnxruntime"]) == pytest.approx(np.array(places["torch"]), abs=0.01)


def test_a_training_that_begins_from_a_bundle_takes_the_body_and_not_the_answer(
    spotted: Dataset, tmp_path: Path
) -> None:
    from hounsfield.learning.supervised import setup

    short = Optimisation(epochs=1, batch_size=4, keep="last", threads=1)
    bundle = train(replace(spotted, cases=spotted.cases[:16]), tmp_path / "b", plan=tiny(optimisation=short)).bundle
    begun = Optimisation(epochs=1, batch_size=4, keep="last", threads=1, start=str(bundle.folder))
    plan = tiny(optimisation=begun, localization=Localization(landmarks=("bright",)))

    network = setup(plan, member=0).network

    (learned,) = bundle.networks()
    own, before = network.state_dict(), learned.state_dict()
    assert torch.equal(own["heat.look.0.weight"], before["heat.look.0.weight"])
    assert own["heat.answer.weight"].shape[0] == 1 and before["heat.answer.weight"].shape[0] == 2
