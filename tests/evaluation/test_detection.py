"""The evidence of a detection: by hand on a few films, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation import hits
from hounsfield.evaluation.detection import measure_detection, measure_false_alarms
from hounsfield.evaluation.evidence import Detected, DetectionEvidence, ImageResult
from hounsfield.evaluation.matching import HitRule
from hounsfield.findings.region import Box

KINDS = ("benign", "malignant")


def measured(results: list[ImageResult], **changed: object) -> DetectionEvidence:
    options: dict[str, object] = {
        "kinds": KINDS,
        "rule": HitRule(0.2),
        "threshold": 0.5,
        "threshold_from": "by hand",
        "attributes": {},
        "resamples": 100,
    }
    return measure_detection(results, **(options | changed))  # type: ignore[arg-type]


def film(name: str, truths: list[Box], found: list[tuple[Box, float, float]], patient: str = "") -> ImageResult:
    return ImageResult(name, patient or name, tuple(truths), tuple(Detected(box, (b, m)) for box, b, m in found))


BENIGN, MALIGNANT = Box(10, 10, 30, 30, "benign"), Box(50, 50, 80, 80, "malignant")
ELSEWHERE = Box(200, 200, 220, 220)


def test_two_films_by_hand() -> None:
    found = measured(
        [
            film("a", [BENIGN, MALIGNANT], [(BENIGN, 0.2, 0.7), (MALIGNANT, 0.1, 0.3), (ELSEWHERE, 0.3, 0.3)]),
            film("b", [MALIGNANT], [(MALIGNANT, 0.1, 0.8)]),
        ]
    )

    assert found.lesions == (1, 2)
    assert found.confusion == ((0, 1, 0), (0, 1, 1))  # the benign mass was called malignant, a malignant one too late
    assert found.scores["sensitivity"].value == pytest.approx(2 / 3)
    assert found.scores["false_alarms"].value == 0.5
    assert found.scores["right_kind"].value == 0.5
    # below half an alarm an image nothing up to 0.6 may be said; from there on everything
    assert found.scores["sensitivity_at_0.25"].value == pytest.approx(2 / 3)
    assert found.scores["sensitivity_at_1"].value == 1
    assert found.scores["sensitivity_malignant_at_0.25"].value == 0.5
    assert found.rule == "IoU ≥ 0.2"
    assert {"froc", "froc_benign", "froc_malignant", "precision_recall"} == set(found.curves)


@pytest.mark.parametrize(("rule", "times"), [(HitRule(0.2), 3 + 2), (HitRule(0.3), 4 + 2), (HitRule(0), 4 + 2)])
def test_findings_are_matched_once_at_each_overlap_and_once_of_each_kind(
    rule: HitRule, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, match = [], hits.match

    def counted(*given: object) -> object:
        rules.append(given[-1])
        return match(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(hits, "match", counted)
    measured([film("a", [BENIGN], [(BENIGN, 0.2, 0.7), (ELSEWHERE, 0.3, 0.3)])], rule=rule)

    assert len(rules) == times and set(rules) == {rule, HitRule(0.2), HitRule(0.5), HitRule(0.75)}


def test_films_without_a_lesion_count_for_false_alarms() -> None:
    sick = [film("a", [BENIGN], [(BENIGN, 0.4, 0.0)])]
    well = [film(f"n{k}", [], [(ELSEWHERE, 0.5 + k / 10, 0)]) for k in range(3)]

    assert measured(sick).scores["sensitivity_at_0.5"].value == 1
    assert measured([*sick, *well]).scores["sensitivity_at_0.5"].value == 0
    assert measured([*sick, *well]).scores["sensitivity_at_1"].value == 1
    assert measured([*sick, *well]).scores["false_alarms"].value == pytest.approx(3 / 4)


def test_of_films_without_any_lesion_false_alarms_are_counted_and_nothing_else() -> None:
    said = ((), (0.9,), (0.8, 0.7, 0.2), (0.4,))
    films = [film(f"n{k}", [], [(ELSEWHERE, 0, score) for score in said[k % 4]]) for k in range(40)]

    found = measure_false_alarms(
        films, kinds=KINDS, rule=HitRule(0.2), threshold=0.5, threshold_from="by hand", resamples=400
    )

    assert set(found.scores) == {"false_alarms"} and found.curves == {} and found.lesions == (0, 0)
    score = found.scores["false_alarms"]
    assert score.value == 3 / 4 and 0.4 < score.low < 0.6 < 0.9 < score.high < 1.1
    assert found.confusion == ((0, 0, 0), (0, 0, 0)) and "false alarms alone" in found.notes[0]


def test_lesions_are_shown_by_kind_size_and_attributes() -> None:
    rng = np.random.default_rng(0)
    films = []
    for number in range(60):
        side = 10 + number
        clear = number % 2 == 0
        box = Box(0, 0, side, side, KINDS[number % 2], attributes=(("margin", "clear" if clear else "vague"),))
        found = [(box, 0.5, 0.1)] if clear else []
        films.append(film(f"f{number}", [box], [*found, (ELSEWHERE, float(rng.uniform(0, 0.3)), 0)]))

    groups = measured(films, attributes={f"f{k}": {"density": "1"} for k in range(5)}).subgroups

    by_name = {(group.attribute, group.value): group for group in groups}
    assert by_name["margin", "clear"].positives == 30 and by_name["margin", "vague"].positives == 0
    assert by_name["margin", "clear"].scores["sensitivity_at_1"].value == 1
    assert by_name["size", "smallest third, up to 30 pixels"].cases == 20
    assert {value for name, value in by_name if name == "size"} == {
        "smallest third, up to 30 pixels",
        "middle third, 30 to 49 pixels",
        "largest third, over 49 pixels",
    }
    assert by_name["kind", "malignant"].positives == 0
    assert "5 of at least 10 patients" in by_name["density", "1"].note


def test_sizes_are_in_mm_where_all_images_with_lesions_know_their_pixels() -> None:
    deep = [film(f"v{n}", [Box(0, 0, 10, 10, "benign", z0=0, z1=n + 2)], []) for n in range(30)]
    flat = [film(f"f{n}", [Box(0, 0, 10 + n, 10 + n, "benign")], []) for n in range(30)]

    def sizes(films: list[ImageResult]) -> set[str]:
        groups = measured([*films, film("normal", [], [])], resamples=2).subgroups
        return {group.value for group in groups if group.attribute == "size"}

    def known(films: list[ImageResult], *spacing_mm: float) -> list[ImageResult]:
        return [replace(one, spacing_mm=spacing_mm) for one in films]

    assert "smallest third, up to 5.9 mm" in sizes(known(flat, 1.0, 0.2, 0.45))  # 19.67 pixels of 0.09 mm²
    assert "largest third, over 26 mm" in sizes(known(deep, 8.0, 0.5, 2.0))  # 12.87 pixels of 8 mm³
    assert "smallest third, up to 20 pixels" in sizes(flat)
    assert sizes([*known(flat[:1], 1.0, 0.3, 0.3), *flat[1:]]) == sizes(flat)


def test_right_places_are_found_again_with_cuboids() -> None:
    box = Box(10, 10, 30, 30, "benign", z0=5, z1=15)
    beside = Box(10, 10, 30, 30, z0=20, z1=30)

    found = measured([film(name, [box], [(box, 0.9, 0.0), (beside, 0.8, 0.0)]) for name in "vw"])

    assert found.scores["sensitivity"].value == 1
    assert found.scores["false_alarms"].value == 1


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "no images"),
        ([film("a", [], [])], "none of the 1 images has a box"),
        ([film("a", [BENIGN], [])] * 2, "measured twice"),
        ([film("a", [Box(0, 0, 1, 1, "cyst")], [])], "'cyst', and the model knows benign, malignant"),
        ([ImageResult("a", "a", (BENIGN,), (Detected(BENIGN, (0.5,)),))], "1 probabilities for 2 kinds"),
    ],
)
def test_what_cannot_be_measured_is_refused(results: list[ImageResult], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        measured(results)


def test_the_order_of_the_films_changes_nothing() -> None:
    films = [film(f"f{k}", [BENIGN], [(BENIGN, k / 10, 0), (ELSEWHERE, 0.35, 0)]) for k in range(9)]

    assert measured(films).scores == measured(films[::-1]).scores


def test_a_group_of_images_has_its_own_false_alarms() -> None:
    def films(site: str, alarms: int) -> list[ImageResult]:
        wrong = [(Box(200 + 10 * k, 0, 205 + 10 * k, 5), 0.9, 0.0) for k in range(alarms)]
        return [film(f"{site}{k}", [BENIGN], [(BENIGN, 0.5, 0.0), *wrong]) for k in range(12)]

    results = [*films("quiet", 0), *films("loud", 2)]
    attributes = {one.case: {"site": one.case.rstrip("0123456789")} for one in results}

    groups = {group.value: group for group in measured(results, attributes=attributes).subgroups}

    assert groups["quiet"].scores["sensitivity_at_1"].value == 1
    assert groups["loud"].scores["sensitivity_at_1"].value == 0
    assert groups["loud"].cases == groups["loud"].positives == 12


def test_no_false_alarm_seen_does_not_mean_never() -> None:
    alarms = measured([film(f"f{k}", [BENIGN], [(BENIGN, 0.9, 0.0)]) for k in range(12)]).scores["false_alarms"]

    assert alarms.value == alarms.low == 0
    assert alarms.high == pytest.approx(0.31, abs=0.01)


def test_what_lesions_say_of_themselves_comes_before_what_their_image_says() -> None:
    box = Box(0, 0, 9, 9, "benign", attributes=(("margin", "clear"),))
    other = Box(0, 0, 9, 9, "benign", attributes=(("margin", "vague"),))
    results = [film("a", [box], []), film("b", [other], [])]

    groups = measured(results, attributes={"a": {"margin": "x", "size": "big"}, "b": {"margin": "y"}}).subgroups

    assert {group.value for group in groups if group.attribute == "margin"} == {"clear", "vague"}
