"""The worksheet: met, not met, or cannot say, and why."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from masks import ball  # noqa: E402  (the path must be set first)

from hounsfield.findings.worksheet import CriterionAnswer, criteria_from_text, fill_worksheet  # noqa: E402

SHAPE, UNIT = (60, 60, 60), (1.0, 1.0, 1.0)
LESION = ball(SHAPE, UNIT, np.array([30.0, 30, 22]), 10)
BONE = ball(SHAPE, UNIT, np.array([30.0, 30, 48]), 6)
"""10 mm from the lesion, ± 1.7."""
SKIN = ball(SHAPE, UNIT, np.full(3, 29.5), 28)


def answer(criterion: str, *, lesion: np.ndarray = LESION, **structures: np.ndarray) -> CriterionAnswer:
    criteria = criteria_from_text('[[criterion]]\nname = "asked"\n' + criterion.replace("; ", "\n"))
    return fill_worksheet(criteria, lesion, structures or {"bone": BONE, "skin": SKIN}, np.eye(4)).answers[0]


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [("least_mm = 5", "met"), ("least_mm = 10", "cannot say"), ("least_mm = 15", "not met"), ("most_mm = 15", "met")],
)
def test_a_limit_within_the_uncertainty_cannot_be_answered(limit: str, verdict: str) -> None:
    found = answer(f'measure = "distance"; structure = "bone"; {limit}')
    assert found.verdict == verdict
    assert found.value == pytest.approx(10, abs=0.9) and found.low is not None and found.high is not None
    assert found.high - found.low == pytest.approx(2 * 3**0.5)
    assert np.linalg.norm(np.subtract(found.from_mm, found.to_mm)) == pytest.approx(found.value)
    assert ("lies within the uncertainty" in found.why) == (verdict == "cannot say")


def test_no_contact_is_met_only_where_a_voxel_cannot_hide_it() -> None:
    criterion = 'measure = "contact"; structure = "bone"; most_mm2 = 0'
    assert answer(criterion).verdict == "met"
    moved = [np.roll(BONE, -step, axis=2) for step in (8, 9, 12)]
    assert [answer(criterion, bone=bone).verdict for bone in moved] == ["cannot say", "not met", "not met"]
    assert "mm apart" in answer(criterion).why


def test_a_lesion_in_a_structure_is_measured_from_inside_where_that_is_asked_for() -> None:
    within = ball(SHAPE, UNIT, np.full(3, 29.5), 18)
    criterion = 'measure = "distance"; structure = "skin"; least_mm = 3'
    found = answer(f'{criterion}; from = "inside"')
    assert (found.verdict, found.side, found.limit) == ("met", "inside", "at least 3 mm from inside")
    outside = answer(criterion, skin=within)
    assert (outside.verdict, outside.value, outside.side) == ("not met", 0.0, "outside")
    assert 'of the lesion lies in skin: write from = "inside" for the distance to its surface.' in outside.why
    beside = answer(f'{criterion}; from = "inside"', skin=BONE)
    assert (beside.verdict, beside.value) == ("not met", 0.0)
    assert '0 % of the lesion lies in skin: leave out from = "inside"' in beside.why


@pytest.mark.parametrize("radius", [8, 9, 14], ids=["half", "most", "all"])
def test_a_lesion_that_grows_into_a_bone_touches_it_however_deep(radius: int) -> None:
    bone = ball(SHAPE, UNIT, np.array([30.0, 30, 22 + (12 if radius < 14 else 0)]), 10 if radius < 14 else 16)
    lesion = ball(SHAPE, UNIT, np.array([30.0, 30, 16 + radius if radius < 14 else 22]), 6)
    found = answer('measure = "contact"; structure = "bone"; most_mm2 = 0', lesion=lesion, bone=bone)
    assert found.verdict == "not met" and found.low is not None and found.low > 50


def test_in_a_vessel_there_is_no_arc() -> None:
    criterion = 'measure = "contact_arc"; structure = "vein"; most_degrees = 180'
    found = answer(criterion, vein=SKIN)
    assert found.verdict == "cannot say" and "100 % of the lesion lies in vein" in found.why
    rows, columns = np.mgrid[:60, :60]
    away = np.hypot(rows - 30, columns - 30)
    wall, lumen = (np.zeros(SHAPE, dtype=bool) for _ in range(2))
    wall[:] = (away >= 8) & (away <= 12)
    lumen[26:34] = away < 8
    found = answer(criterion, lesion=lumen, vein=wall)
    assert found.verdict == "cannot say" and "Some of the lesion lies within vein" in found.why


def test_contact_arc_and_what_is_left() -> None:
    found = answer('measure = "contact_arc"; structure = "bone"; most_degrees = 180')
    assert (found.verdict, found.value, found.unit) == ("met", 0, "degrees")
    around = ball(SHAPE, UNIT, np.array([30.0, 30, 22]), 4)
    assert answer('measure = "contact_arc"; structure = "vein"; most_degrees = 180', vein=around).verdict == "not met"
    left = answer('measure = "remaining_volume"; structure = "skin"; least_percent = 60; margin_mm = 5')
    assert (left.verdict, left.margin_mm) == ("met", 5)


def test_the_size_of_the_lesion() -> None:
    assert answer('measure = "long_axis"; most_mm = 50').verdict == "met"
    assert answer('measure = "long_axis"; most_mm = 21').verdict == "cannot say"
    assert answer('measure = "short_axis"; least_mm = 25').verdict == "not met"
    assert answer('measure = "longest_diameter"; least_mm = 15; most_mm = 25').verdict == "met"
    assert answer('measure = "volume"; most_ml = 10').verdict == "met"


def test_a_structure_that_is_absent_or_empty_cannot_be_answered() -> None:
    criterion = 'measure = "distance"; structure = "artery"; least_mm = 5'
    absent = answer(criterion)
    assert (absent.verdict, absent.value) == ("cannot say", None)
    assert absent.why == "No mask was given for artery; given: bone, skin."
    assert "its mask is empty" in answer(criterion, artery=np.zeros_like(LESION)).why


def test_an_organ_without_its_lesion_is_told_beside_the_distance() -> None:
    organ = ball(SHAPE, UNIT, np.array([30.0, 30, 30]), 26)
    criterion = 'measure = "distance"; structure = "liver"; least_mm = 5'
    found = answer(criterion, liver=organ & ~LESION)
    assert found.verdict == "not met" and "liver touches 100 % of the lesion's surface" in found.why
    assert "touches" not in answer(criterion + '; from = "inside"', liver=organ | LESION).why


@pytest.mark.parametrize(
    ("beside", "verdict"), [(0, "cannot say"), (1, "cannot say"), (4, "met")], ids=["touching", "nearly", "apart"]
)
def test_contact_with_a_hole_that_was_filled_is_not_left_out(beside: int, verdict: str) -> None:
    organ = ball(SHAPE, UNIT, np.array([30.0, 30, 30]), 26)
    lesion, vein = (np.zeros(SHAPE, dtype=bool) for _ in range(2))
    lesion[26:34, 26:34, 30:36] = True
    vein[26:34, 28:32, 26 - beside : 30 - beside] = True  # carved out of the organ's mask
    criterion = 'measure = "contact"; structure = "liver"; from = "inside"; most_mm2 = 0'
    found = answer(criterion, lesion=lesion, liver=organ & ~vein)
    assert (found.verdict, found.value) == (verdict, 0.0)
    assert "Holes in the mask of liver, 0.1 ml, were filled" in found.why
    touched = "With what touches these holes, it is up to" in found.why
    assert touched == (found.high != 0) == (verdict == "cannot say")


def test_what_the_border_may_hide_counts_only_where_it_matters() -> None:
    crossing = BONE | ball(SHAPE, UNIT, np.array([30.0, 59, 48]), 4)  # leaves the image 19 mm from the lesion
    criterion = 'measure = "distance"; structure = "bone"; least_mm = '
    assert answer(criterion + "5", bone=crossing).verdict == "met"
    far = ball(SHAPE, UNIT, np.array([30.0, 59, 55]), 4)
    hidden = answer(criterion + "25", bone=far)
    assert hidden.verdict == "cannot say" and "goes on beyond the border of the image, 1" in hidden.why
    assert answer(criterion + "15", bone=far).verdict == "met"
    assert answer(criterion + "60", bone=far).verdict == "not met"


def test_of_a_lesion_that_is_cut_only_what_is_certain_is_said() -> None:
    cut = ball(SHAPE, UNIT, np.array([2.0, 30, 22]), 10)
    assert answer('measure = "long_axis"; most_mm = 50', lesion=cut).verdict == "cannot say"
    assert answer('measure = "long_axis"; most_mm = 10', lesion=cut).verdict == "not met"
    assert "reaches the border" in answer('measure = "volume"; most_ml = 50', lesion=cut).why
    assert answer('measure = "distance"; structure = "bone"; least_mm = 5', lesion=cut).verdict == "cannot say"


def test_an_organ_that_goes_on_beyond_the_image_is_at_least_what_is_seen() -> None:
    organ = np.ones(SHAPE, dtype=bool)
    organ[:, :, 50:] = False
    criterion = 'measure = "remaining_volume"; structure = "liver"; margin_mm = 2; least_percent = '
    assert answer(criterion + "60", liver=organ).verdict == "met"
    assert answer(criterion + "99.5", liver=organ).verdict == "cannot say"


def test_other_outlines_of_the_lesion_widen_what_may_be() -> None:
    criteria = criteria_from_text(
        '[[criterion]]\nname = "a"\nmeasure = "distance"\nstructure = "bone"\nleast_mm = 5\n'
        '[[criterion]]\nname = "b"\nmeasure = "long_axis"\nmost_mm = 25\n'
    )
    outlines = [ball(SHAPE, UNIT, np.array([30.0, 30, 22]), 14)]
    alone = fill_worksheet(criteria, LESION, {"bone": BONE}, np.eye(4))
    spread = fill_worksheet(criteria, LESION, {"bone": BONE}, np.eye(4), outlines=outlines)
    assert [one.verdict for one in alone.answers] == ["met", "met"]
    assert [one.verdict for one in spread.answers] == ["cannot say", "cannot say"]


def test_other_outlines_widen_contact_arc_and_what_remains_too() -> None:
    organ = ball(SHAPE, UNIT, np.array([30.0, 30, 30]), 26)
    criteria = criteria_from_text(
        '[[criterion]]\nname = "a"\nmeasure = "contact"\nstructure = "bone"\nmost_mm2 = 0\n'
        '[[criterion]]\nname = "b"\nmeasure = "contact_arc"\nstructure = "bone"\nmost_degrees = 0\n'
        '[[criterion]]\nname = "c"\nmeasure = "remaining_volume"\nstructure = "liver"\nmargin_mm = 3\n'
        "least_percent = 88\n"
        '[[criterion]]\nname = "d"\nmeasure = "distance"\nstructure = "bone"\nleast_mm = 1\n'
    )
    structures = {"bone": BONE, "liver": organ}
    alone = fill_worksheet(criteria, LESION, structures, np.eye(4))
    reaching = LESION | ball(SHAPE, UNIT, np.array([30.0, 30, 36]), 13)
    spread = fill_worksheet(criteria, LESION, structures, np.eye(4), outlines=[reaching])
    assert [one.verdict for one in alone.answers] == ["met", "met", "met", "met"]
    assert [one.verdict for one in spread.answers] == ["cannot say"] * 4
    assert [one.value for one in spread.answers] == [one.value for one in alone.answers]
    assert all("within the uncertainty" in one.why for one in spread.answers)


def test_what_lies_beyond_the_border_counts_for_each_outline() -> None:
    limits = {"long_axis": "most_mm = 60", "volume": "most_ml = 60", "distance": 'structure = "bone"\nleast_mm = 1'}
    text = "\n".join(f'[[criterion]]\nname = "a"\nmeasure = "{name}"\n{limit}' for name, limit in limits.items())
    at_border = LESION | ball(SHAPE, UNIT, np.array([30.0, 5, 22]), 7) | ball(SHAPE, UNIT, np.array([30.0, 16, 22]), 7)
    sheet = fill_worksheet(criteria_from_text(text), LESION, {"bone": BONE}, np.eye(4), outlines=[at_border])
    assert [one.verdict for one in sheet.answers] == ["cannot say"] * 3
    assert all("border" in one.why for one in sheet.answers)
    alone = fill_worksheet(criteria_from_text(text), LESION, {"bone": BONE}, np.eye(4))
    assert [one.verdict for one in alone.answers] == ["met"] * 3


def test_several_lesions_in_one_mask_are_told() -> None:
    two = LESION | ball(SHAPE, UNIT, np.array([30.0, 30, 45]), 6)
    found = fill_worksheet(None, two, {}, np.eye(4)).size
    assert found.parts == 2 and found.axes.long.length_mm > 30
    assert "in 2 parts that do not touch" in found.notes[0]
    assert not fill_worksheet(None, LESION, {}, np.eye(4)).size.notes


def test_a_planar_image_has_no_volumes_and_no_surfaces() -> None:
    found = answer('measure = "volume"; most_ml = 10', lesion=LESION[30:31], bone=BONE[30:31])
    assert found.verdict == "cannot say" and "planar" in found.why
    distance = answer('measure = "distance"; structure = "bone"; least_mm = 5', lesion=LESION[30:31], bone=BONE[30:31])
    assert distance.verdict == "met"


def test_a_worksheet_is_json_with_numbers_only() -> None:
    sheet = fill_worksheet(None, LESION, {"bone": BONE, "none": np.zeros_like(BONE)}, np.eye(4))
    values = json.loads(json.dumps(sheet.as_json(), allow_nan=False))
    assert set(values) == {"size", "margins", "missing", "answers"}
    assert values["margins"][0]["minimum_mm"] == sheet.margins[0].minimum_mm
    assert values["missing"] == [["none", "none: its mask is empty, so there is no distance to it"]]
    cut = answer('measure = "long_axis"; most_mm = 10', lesion=ball(SHAPE, UNIT, np.array([2.0, 30, 22]), 10))
    assert cut.high is None
