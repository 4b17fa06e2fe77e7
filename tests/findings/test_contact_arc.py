"""How much of a vessel's circumference a lesion touches."""

import numpy as np
import pytest

from hounsfield.errors import ImageError
from hounsfield.findings.contact_arc import measure_contact_arc

ROWS, COLUMNS = np.mgrid[:80, :80]
VESSEL = np.repeat(((ROWS - 40) ** 2 + (COLUMNS - 40) ** 2 <= 12**2)[None], 6, axis=0)


def sector(degrees: float) -> np.ndarray:
    """A lesion around the vessel over so many degrees, in slices 2 to 3; the arc is smaller in slice 2."""
    angle = np.degrees(np.arctan2(ROWS - 40.0, COLUMNS - 40.0)) % 360
    around = ~VESSEL[0] & ((ROWS - 40) ** 2 + (COLUMNS - 40) ** 2 <= 20**2)
    lesion = np.zeros_like(VESSEL)
    lesion[2] = around & (angle < degrees / 2)
    lesion[3] = around & (angle < degrees)
    return lesion


@pytest.mark.parametrize("degrees", [60, 150, 270])
def test_the_arc_is_that_of_the_slice_where_it_is_largest(degrees: float) -> None:
    arc = measure_contact_arc(sector(degrees), VESSEL, np.eye(4))
    assert arc.degrees_as_drawn == pytest.approx(degrees, abs=10)
    assert arc.degrees == pytest.approx(degrees, abs=20)
    assert (arc.slice_index, arc.cut) == (3, False)


def test_a_vessel_inside_a_lesion_is_encased() -> None:
    lesion = np.zeros_like(VESSEL)
    lesion[3] = (ROWS - 40) ** 2 + (COLUMNS - 40) ** 2 <= 20**2
    assert measure_contact_arc(lesion, VESSEL, np.eye(4)).degrees == pytest.approx(360)
    assert measure_contact_arc(lesion & ~VESSEL, VESSEL, np.eye(4)).degrees_as_drawn == pytest.approx(360)


@pytest.mark.parametrize("degrees", [150, 270])
def test_of_a_wall_the_outer_circumference_counts(degrees: float) -> None:
    wall = VESSEL & ((ROWS - 40) ** 2 + (COLUMNS - 40) ** 2 > 8**2)
    drawn, filled = (measure_contact_arc(sector(degrees), vessel, np.eye(4)) for vessel in (wall, VESSEL))
    assert drawn == filled


def test_a_lesion_that_is_not_near_touches_nothing() -> None:
    lesion = np.zeros_like(VESSEL)
    lesion[1:4, 60:70, 60:70] = True
    arc = measure_contact_arc(lesion, VESSEL, np.eye(4))
    assert (arc.degrees, arc.degrees_as_drawn, arc.cut) == (0, 0, False)


def test_a_circumference_that_leaves_the_image_is_not_known() -> None:
    arc = measure_contact_arc(sector(60)[:, :, :50], VESSEL[:, :, :50], np.eye(4))
    assert arc.cut


def test_of_two_vessels_the_one_that_is_touched_more_counts() -> None:
    two = np.concatenate([VESSEL, np.roll(VESSEL, 20, axis=1)], axis=2)
    lesion = np.concatenate([sector(120), np.zeros_like(VESSEL)], axis=2)
    assert measure_contact_arc(lesion, two, np.eye(4)).degrees_as_drawn == pytest.approx(120, abs=10)


def test_without_a_lesion_there_is_no_arc() -> None:
    with pytest.raises(ImageError, match="empty"):
        measure_contact_arc(np.zeros_like(VESSEL), VESSEL, np.eye(4))
