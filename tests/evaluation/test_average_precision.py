"""Average precision against pycocotools, which means the same by it."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from hounsfield.evaluation.detection import measure_detection
from hounsfield.evaluation.evidence import Detected, ImageResult
from hounsfield.evaluation.matching import HitRule
from hounsfield.findings.region import Box


def images(count: int, *, seed: int) -> list[ImageResult]:
    """Lesions, findings near them, findings said twice, and false alarms, with different scores."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        corners = rng.uniform(0, 200, (rng.integers(0, 4), 2))
        truths = tuple(Box(x, y, x + rng.uniform(20, 60), y + rng.uniform(20, 60), "mass") for x, y in corners)
        near = [
            Box(
                b.x0 + rng.uniform(-9, 9),
                b.y0 + rng.uniform(-9, 9),
                b.x1 + rng.uniform(-9, 9),
                b.y1 + rng.uniform(-9, 9),
            )
            for b in (*truths, *truths)
            if rng.random() < 0.7
        ]
        far = [Box(x, y, x + 30, y + 30) for x, y in rng.uniform(0, 250, (rng.integers(0, 5), 2))]
        found = tuple(Detected(box, (float(rng.random()),)) for box in (*near, *far))
        made.append(ImageResult(f"film {number}", f"woman {number // 2}", truths, found))
    return made


def coco_precision(results: list[ImageResult], overlap: float) -> float:
    def xywh(box: Box) -> list[float]:
        return [box.x0, box.y0, box.width, box.height]

    truths = [(number, box) for number, one in enumerate(results, 1) for box in one.truths]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": number} for number in range(1, len(results) + 1)],
            "categories": [{"id": 1, "name": "mass"}],
            "annotations": [
                {"id": k, "image_id": n, "category_id": 1, "bbox": xywh(b), "area": b.width * b.height, "iscrowd": 0}
                for k, (n, b) in enumerate(truths, 1)
            ],
        }
        coco.createIndex()
        said = [
            {"image_id": number, "category_id": 1, "bbox": xywh(found.box), "score": found.score}
            for number, one in enumerate(results, 1)
            for found in one.found
        ]
        judge = COCOeval(coco, coco.loadRes(said), "bbox")
        judge.params.iouThrs = np.array([overlap])
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    return float(judge.eval["precision"][0, :, 0, 0, -1].mean())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.75])
def test_average_precision_is_that_of_pycocotools(overlap: float, seed: int) -> None:
    results = images(30, seed=seed)

    found = measure_detection(
        results, kinds=("mass",), rule=HitRule(), threshold=0.5, threshold_from="", attributes={}, resamples=20
    )

    own = found.scores[f"average_precision_{round(100 * overlap)}"].value
    assert own == pytest.approx(coco_precision(results, overlap), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_each_kind_by_itself_is_a_category_of_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    results = []
    for one in images(30, seed=seed):
        truths = tuple(replace(box, label=str(rng.choice(["benign", "malignant"]))) for box in one.truths)
        found = tuple(Detected(found.box, tuple(rng.uniform(0, 0.5, 2).tolist())) for found in one.found)
        results.append(replace(one, truths=truths, found=found))
    scores = measure_detection(
        results, kinds=("benign", "malignant"), rule=HitRule(), threshold=0.5, threshold_from="", attributes={},
        resamples=20,
    ).scores  # fmt: skip
    for place, kind in enumerate(("benign", "malignant")):
        alone = [
            replace(
                one,
                truths=tuple(box for box in one.truths if box.label == kind),
                found=tuple(Detected(found.box, (found.probabilities[place],)) for found in one.found),
            )
            for one in results
        ]
        own = scores[f"average_precision_{kind}_50"].value
        assert own == pytest.approx(coco_precision(alone, 0.5), abs=1e-9)
