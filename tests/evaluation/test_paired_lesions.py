"""Detections on the same images: differences of two, and several seeds as one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.comparison import compare
from hounsfield.evaluation.detection import with_detection
from hounsfield.evaluation.evidence import CaseResult, Detected, Evidence, ImageResult
from hounsfield.evaluation.froc import RATES
from hounsfield.evaluation.measure import Origin, measure
from hounsfield.evaluation.seeds import over_seeds
from hounsfield.findings import Box, ModelIdentity
from hounsfield.reporting.comparison_report import comparison_page, verdict

KINDS = ("benign", "malignant")
ELSEWHERE = Box(200, 200, 220, 220)


def evidence(
    name: str, films: Sequence[ImageResult], *, rule: str = "iou>=0.2", kinds: tuple[str, ...] = KINDS
) -> Evidence:
    """Of a model that found this; a film is as positive as its surest finding."""
    cases = [
        CaseResult(one.case, one.patient, int(bool(one.truths)), (1 - most, most))
        for one in films
        for most in [max((found.score for found in one.found), default=0.0)]
    ]
    model = ModelIdentity(name, "0", name * 8)
    origin = Origin(
        "made", "test", ("no finding", "any finding"), attributes={}, model=model, seconds=1.0, resamples=50
    )
    whole = measure(cases, origin, task="detection", threshold=0.5, threshold_from="")
    return with_detection(whole, films, kinds=kinds, rule=rule, threshold=0.5, threshold_from="", attributes={}, seed=0)


def model(name: str, skill: float, *, women: int = 40, seed: int = 0) -> Evidence:
    """Of a model that finds lesions the more surely the larger its skill is; hard ones are hard for every model.

    Each woman has a film with a lesion and one without, and on each of them three other places are taken for one.
    """
    hard, own = np.random.default_rng(7), np.random.default_rng(seed)
    films = []
    for woman in range(women):
        lesion = Box(10, 10, 40, 40, KINDS[woman % 2])
        sure = float(np.clip(skill + hard.normal(0, 0.15) + own.normal(0, 0.02), 0.01, 0.99))
        for name_of_film, there in ((f"l{woman}", (lesion,)), (f"n{woman}", ())):
            found = [Detected(one, (0.2 * sure, 0.8 * sure)) for one in there]
            for x in (100, 200, 300):
                alarm = float(np.clip(0.4 + hard.normal(0, 0.15), 0.01, 0.99))
                found.append(Detected(Box(x, 200, x + 20, 220), (0.0, alarm)))
            films.append(ImageResult(name_of_film, f"w{woman}", there, tuple(found)))
    return evidence(name, films)


def test_lesions_that_are_hard_for_both_do_not_hide_that_one_finds_more() -> None:
    better, worse = model("a", 0.5, seed=1), model("b", 0.35, seed=2)
    found = compare(better, worse, resamples=400)

    assert found.of == "lesions" and list(found.named) == ["all lesions", "benign", "malignant"]
    assert better.detection is not None and worse.detection is not None
    for rate in RATES:  # as when each is measured alone
        name = f"sensitivity_at_{rate:g}"
        one = found.named["all lesions"][name]
        assert (one.first, one.second) == (
            better.detection.scores[name].value, worse.detection.scores[name].value,
        )  # fmt: skip
        assert (
            found.named["malignant"][name].first == better.detection.scores[f"sensitivity_malignant_at_{rate:g}"].value
        )
    mean, alone = found.named["all lesions"]["mean_sensitivity"], better.detection.scores["mean_sensitivity"]
    assert 0 < mean.difference.low < mean.difference.value < mean.difference.high
    assert mean.difference.high - mean.difference.low < alone.high - alone.low
    assert mean.p_value == 1 / 400 and mean.cases == 80
    assert compare(worse, better, resamples=400).named["all lesions"]["mean_sensitivity"].difference.high < 0
    assert verdict(found).startswith("a finds better than b: share of all lesions found with one false alarm an image ")
    assert found.differences["auc_roc"].first == better.scores["auc_roc"].value  # images as a whole beside them


def test_the_thresholds_of_a_draw_are_those_of_its_own_false_alarms() -> None:
    """By hand: where the woman with the surest false alarm is drawn, less may be called."""
    lesion = Box(0, 0, 10, 10, "benign")
    films = [
        ImageResult(f"f{n}", f"w{n}", (lesion,), (Detected(lesion, (0.5, 0.0)), Detected(ELSEWHERE, (alarm, 0.0))))
        for n, alarm in enumerate([0.9, *[0.1] * 5])
    ]
    found = compare(evidence("a", films), evidence("b", [replace(one, found=one.found[:1]) for one in films]))

    at_eighth = found.named["all lesions"]["sensitivity_at_0.125"]
    assert (at_eighth.first, at_eighth.second) == (0, 1)  # one alarm among six images is too many
    assert at_eighth.difference.low == -1 and at_eighth.difference.high == 0  # a draw without her allows all
    assert found.named["all lesions"]["sensitivity_at_0.25"].first == 1


def test_a_detector_is_as_good_as_itself_and_three_women_tell_nothing() -> None:
    one = model("a", 0.5, seed=1)
    same = compare(one, one, resamples=50)
    few = compare(model("a", 0.9, women=3, seed=1), model("b", 0.1, women=3, seed=2), resamples=50)

    assert all(own.difference.value == 0 and own.p_value == 1 for own in same.named["all lesions"].values())
    assert "Both find equally well" in verdict(same)
    at_one = few.named["all lesions"]["sensitivity_at_0.25"]
    assert (at_one.difference.low, at_one.difference.high, at_one.p_value) == (-1, 1, 1)
    assert any("patients behind" in note and "all lesions" in note and "distances" not in note for note in few.notes)


def test_other_boxes_on_an_image_are_other_data() -> None:
    one = model("a", 0.5)
    assert one.detection is not None
    moved = replace(one.detection.results[0], truths=(Box(11, 10, 40, 40, "benign"),))
    other = replace(one, detection=replace(one.detection, results=(moved, *one.detection.results[1:])))

    with pytest.raises(
        EvaluationError, match="the case 'l0' is benign from x 10 to 40, y 10 to 40 in one, benign from x 11"
    ):
        compare(one, other, resamples=50)


def test_what_is_not_found_alike_is_compared_as_images_alone_and_it_is_said() -> None:
    one = model("a", 0.5)
    assert one.detection is not None
    films = one.detection.results
    classifier = replace(one, detection=None)
    by_centre = evidence("b", films, rule="centre")
    called = [
        replace(film, truths=tuple(replace(box, label="mass") for box in film.truths), found=()) for film in films
    ]
    of_masses = evidence("b", called, kinds=("mass",))

    for other, why in (
        (classifier, "Not all of the models found lesions"),
        (by_centre, "A hit is IoU ≥ 0.2 or centre inside"),
        (of_masses, "What is found is called benign, malignant or mass"),
    ):
        found = compare(one, other, resamples=50)
        assert not found.named and found.of == "" and "auc_roc" in found.differences
        assert any(note.startswith(why) for note in found.notes)
        assert verdict(found)


def test_images_without_a_lesion_are_compared_as_a_whole() -> None:
    one = model("a", 0.5)
    assert one.detection is not None
    films = [film for film in one.detection.results if not film.truths]
    bare = replace(one, detection=replace(one.detection, results=tuple(films)),
                   results=tuple(case for case in one.results if case.case[0] == "n"))  # fmt: skip

    found = compare(bare, bare, resamples=50)
    assert not found.named and any("None of these images has a lesion" in note for note in found.notes)


def test_seeds_of_a_detection_have_a_mean_and_a_spread_at_each_rate() -> None:
    each = [model("a", 0.40, seed=1), model("b", 0.5, seed=2), model("c", 0.6, seed=3)]
    found = over_seeds(each, resamples=200)
    values = [own.detection.scores["sensitivity_at_1"].value for own in each if own.detection]
    at_one = found.named["all lesions"]["sensitivity_at_1"]

    assert at_one.values == pytest.approx(tuple(values)) and at_one.spread == pytest.approx(np.std(values, ddof=1))
    assert at_one.mean.low <= at_one.mean.value <= at_one.mean.high
    assert "auc_roc" in found.scores and "auc_roc" in found.together


def test_the_page_has_a_table_of_each_kind_and_one_of_images_as_a_whole() -> None:
    page = comparison_page(compare(model("a", 0.5), model("b", 0.4), resamples=50))

    assert [page.index(f"<h3>{title}</h3>") for title in ("All lesions", "Benign", "Malignant", "Images as a whole")]
    assert "Found at 0.125" in page and "A hit is" not in page.split("Before you use", 1)[0]
    assert "a hit is IoU ≥ 0.2" in page
