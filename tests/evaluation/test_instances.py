"""Objects matched with objects: by hand, against a slow way, and as evidence."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.arrays import IntArray
from hounsfield.evaluation.evidence import MatchedInstances, OutlinedImage
from hounsfield.evaluation.instances import INSTANCE_SCORES, PERCENTS, match_instances
from hounsfield.evaluation.outlines import compare_outline
from hounsfield.evaluation.segmentation import head_score, measure_segmentation
from hounsfield.image import Mask
from hounsfield.reporting.segmentation_part import choose_outlined


def row(*numbers: int) -> IntArray:
    return np.array([[numbers]], dtype=np.int32)


def score(name: str, one: MatchedInstances) -> float | None:
    return INSTANCE_SCORES[name](one)


def test_objects_are_matched_by_hand() -> None:
    truth = row(0, 1, 1, 1, 1, 0, 2, 2, 2, 2, 3, 3)
    found = row(0, 0, 5, 5, 5, 0, 9, 9, 9, 9, 9, 0)
    one = match_instances(found, truth)  # 5 has 3 of 4 (.75), 9 has 4 of 5 (.8) of object 2, 3 is missed
    assert (one.instances, one.found) == (3, 2)
    assert one.matched == (2, 2, 2, 2, 2, 1, 0, 0, 0, 0)
    assert one.overlap == pytest.approx(0.75 + 0.8)
    assert score("instance_average_precision", one) == pytest.approx((5 * 2 / 3 + 1 / 4) / 10)
    assert score("instance_f1_50", one) == pytest.approx(4 / 5)
    assert score("panoptic_quality", one) == pytest.approx(2 * 1.55 / 5)
    assert score("count_error", one) == pytest.approx(1 / 3)
    assert score("count_bias", one) == pytest.approx(-1 / 3)
    # 3 is matched with 9, which shares one of six voxels with it, and 9 is counted twice, as in the paper
    assert one.aggregated == pytest.approx((3 + 4 + 1) / (4 + 5 + 6))


def test_half_is_not_more_than_half() -> None:
    assert match_instances(row(1, 1, 0, 0), row(1, 1, 1, 1)).matched[0] == 0
    assert match_instances(row(1, 1, 1, 0, 0), row(1, 1, 1, 1, 1)).matched[:3] == (1, 1, 0)


def test_nothing_on_both_says_nothing_and_nothing_on_one_says_all() -> None:
    neither = match_instances(row(0, 0), row(0, 0))
    assert [score(name, neither) for name in INSTANCE_SCORES if name != "aggregated_jaccard"] == [None] * 6
    assert neither.aggregated == 1.0
    for found, truth in ((row(1, 2), row(0, 0)), (row(0, 0), row(1, 2))):
        one = match_instances(found, truth)
        assert score("instance_average_precision", one) == score("panoptic_quality", one) == one.aggregated == 0.0
    assert score("count_error", match_instances(row(1, 2), row(0, 0))) is None


def slowly(found: IntArray, truth: IntArray) -> MatchedInstances:
    """The same, object against object, mask against mask."""
    ours = [found == number for number in np.unique(found[found > 0])]
    theirs = [truth == number for number in np.unique(truth[truth > 0])]
    iou = np.array([[(a & b).sum() / (a | b).sum() for b in ours] for a in theirs]).reshape(len(theirs), len(ours))
    matched = tuple(int((iou > percent / 100 + 1e-12).sum()) for percent in PERCENTS)
    both = either = 0
    used = set()
    for own, shares in zip(theirs, iou, strict=True):
        if not len(shares) or shares.max() == 0:
            either += own.sum()
            continue
        best = int(shares.argmax())
        both, either = both + (own & ours[best]).sum(), either + (own | ours[best]).sum()
        used.add(best)
    either += sum(mask.sum() for place, mask in enumerate(ours) if place not in used)
    overlap = float(iou[iou > 0.5].sum())
    return MatchedInstances(len(theirs), len(ours), matched, overlap, float(both / either) if either else 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_pairs_counted_at_once_are_those_counted_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.zeros((1, 40, 50), dtype=np.int32)
    for number in rng.permutation(np.arange(1, 900, 60)):
        top, left, high, wide = *rng.integers(0, 40, 2), *rng.integers(2, 14, 2)
        truth[0, top : top + high, left : left + wide] = number
    found = np.roll(truth, rng.integers(-2, 3, 2), axis=(1, 2)) * 1000
    found[0, rng.integers(0, 40) :] = rng.integers(0, 3)
    fast, slow = match_instances(found, truth), slowly(found, truth)
    assert fast.matched == slow.matched
    assert (fast.instances, fast.found) == (slow.instances, slow.found)
    assert fast.overlap == pytest.approx(slow.overlap)
    assert fast.aggregated == pytest.approx(slow.aggregated)


def test_a_thousand_objects_beside_each_other_are_all_matched() -> None:
    truth = (np.arange(1000 * 1000).reshape(1, 1000, 1000) // 1000 + 1).astype(np.int32)
    one = match_instances(np.roll(truth, 3, axis=2), truth)
    assert one.instances == one.found == 1000
    assert one.matched == (1000,) * 10


def squares(count: int) -> IntArray:
    mask = np.zeros((1, 12, 12 * count), dtype=np.int32)
    for number in range(count):
        mask[0, 2:10, 12 * number + 2 : 12 * number + 10] = number + 1
    return mask


def test_all_objects_together_are_measured_as_a_label_too() -> None:
    truth = squares(3)
    found = np.where(truth == 3, 0, truth)
    found[0, 0:2, 0:2] = 7
    (label,) = compare_outline(Mask(found, ("cell",), instances=True), truth, (), (), tolerance=1.0).labels
    assert label.instances is not None
    assert (label.instances.instances, label.instances.found, label.instances.matched[-1]) == (3, 3, 2)
    assert label.dice == pytest.approx(2 * 128 / (192 + 132))
    assert label.volume == 192.0


def test_objects_where_nobody_knows_count_neither_way() -> None:
    truth = squares(3)
    truth[truth == 2] = 255
    found = squares(3)
    (label,) = compare_outline(
        Mask(found, ("cell",), instances=True), truth, (), (), tolerance=1.0, unlabelled=255
    ).labels
    assert label.instances is not None
    assert (label.instances.instances, label.instances.found, label.dice) == (2, 2, 1.0)


def measured_image(case: str, *, right: int, there: int, found: int) -> OutlinedImage:
    truth = squares(there + 4)
    truth[truth > there] = 0
    own = np.where(truth > right, 0, truth)
    for number in range(found - right):
        own[0, 11, 2 * number] = 100 + number
    image = compare_outline(Mask(own, ("cell",), instances=True), truth, (), (), tolerance=1.0, case=case, patient=case)
    return image


def test_means_over_images_have_intervals_and_images_without_objects_say_nothing() -> None:
    images = [measured_image(str(place), right=place % 3, there=3, found=3) for place in range(24)]
    images.append(measured_image("empty", right=0, there=0, found=0))
    images.append(measured_image("false", right=0, there=0, found=2))
    groups = {image.case: {"stain": "one" if int(image.case) % 2 else "other"} for image in images[:24]}
    found = measure_segmentation(images, labels=("cell",), tolerance=1.0, attributes=groups, resamples=200)
    (_, label) = found.labels
    precision = label.scores["instance_average_precision"]
    assert head_score(label.scores) == "instance_average_precision"
    assert label.images == 25
    assert precision.value == pytest.approx(np.mean([0, 1 / 5, 2 / 4] * 8 + [0]))
    assert precision.low < precision.value < precision.high
    assert label.scores["count_error"].value == 0
    scored = [group for group in found.subgroups if group.scores]
    assert {name for group in scored for name in group.scores} == {"dice", "instance_average_precision"}


def test_images_are_ranked_by_their_objects() -> None:
    images = [measured_image(str(place), right=place, there=4, found=4) for place in (2, 0, 4, 1, 3)]
    assert [one.case for one in choose_outlined(images, each=1)] == ["0", "2", "4"]
