import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hounsfield.errors import GeometryError
from hounsfield.formats.stack import Plane, stack

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def plane(label: str, position: tuple[float, float, float], **changed: object) -> Plane:
    usual: dict[str, object] = {"orientation": AXIAL, "pixel_spacing_mm": (0.5, 0.7), "rows": 4, "columns": 5}
    return Plane(label=label, position_mm=position, **(usual | changed))  # type: ignore[arg-type]  # tests mix freely


def axial(heights: list[float]) -> list[Plane]:
    return [plane(f"{index}.dcm", (-10.0, -20.0, height)) for index, height in enumerate(heights)]


def test_slices_are_sorted_along_the_normal_and_the_affine_begins_at_the_lowest() -> None:
    order, affine = stack(axial([5.0, 0.0, 2.5]), "series")
    assert order.tolist() == [1, 2, 0]
    expected = [[0, 0, 0.7, -10], [0, 0.5, 0, -20], [2.5, 0, 0, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(affine, expected)


angles = st.floats(-3, 3)


@given(st.integers(3, 12), st.floats(0.3, 10), angles, angles, angles)
def test_any_rotated_even_stack_is_put_back_in_order(count: int, gap: float, a: float, b: float, c: float) -> None:
    turn = Rotation.from_euler("xyz", [a, b, c]).as_matrix()
    places = np.arange(count)
    shuffled = np.random.default_rng(count).permutation(places)
    orientation = tuple(np.concatenate([turn[:, 0], turn[:, 1]]).tolist())
    planes = [plane(str(i), tuple(turn[:, 2] * gap * i), orientation=orientation) for i in shuffled]
    order, affine = stack(planes, "series")
    assert [planes[index].label for index in order] == [str(i) for i in places]
    np.testing.assert_allclose(affine[:3, 0], turn[:, 2] * gap, atol=1e-9)


def test_a_missing_slice_is_told_with_its_neighbours() -> None:
    with pytest.raises(GeometryError, match=r"1 slice is missing: 5.00 mm between 1.dcm \(at 2.50 mm\) and 2.dcm"):
        stack(axial([0.0, 2.5, 7.5, 10.0, 12.5]), "series")


def test_a_doubled_slice_is_told_with_its_twin() -> None:
    with pytest.raises(GeometryError, match=r"doubled.*1.dcm \(at 2.50 mm\) and 2.dcm \(at 2.50 mm\)"):
        stack(axial([0.0, 2.5, 2.5, 5.0]), "series")


def test_a_series_doubled_throughout_is_told_too() -> None:
    with pytest.raises(GeometryError, match="doubled"):
        stack(axial([0.0, 0.0, 2.5, 2.5, 5.0, 5.0]), "series")


def test_uneven_spacing_is_not_called_missing() -> None:
    with pytest.raises(GeometryError, match=r"uneven slice spacing, usually 2.00 mm: 2.60 mm between"):
        stack(axial([0.0, 2.0, 4.0, 6.6, 8.6]), "series")


def test_a_slow_drift_of_the_spacing_is_uneven() -> None:
    heights = np.cumsum(np.linspace(1.0, 1.08, 30)).tolist()
    with pytest.raises(GeometryError, match="lies .* mm from its even place"):
        stack(axial(heights), "series")


def test_positions_rounded_to_a_hundredth_are_even() -> None:
    heights = [round(0.625 * index, 2) for index in range(40)]
    _, affine = stack(axial(heights), "series")
    assert affine[2, 0] == pytest.approx(0.625, abs=1e-3)


def test_gantry_tilt_is_told_in_degrees() -> None:
    shift = float(np.tan(np.radians(12.0)))
    planes = [plane(str(index), (0.0, index * shift, float(index))) for index in range(4)]
    with pytest.raises(GeometryError, match=r"gantry tilt of 12.0 degrees"):
        stack(planes, "series")


def test_a_slice_beside_the_others_is_told() -> None:
    planes = [plane(str(index), (3.0 if index == 2 else 0.0, 0.0, float(index))) for index in range(5)]
    with pytest.raises(GeometryError, match=r"shifted sideways against each other by up to 3.00 mm"):
        stack(planes, "series")


@pytest.mark.parametrize(("changed", "words"), [
    ({"orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)}, r"mixed orientations: axial .* in 0, 1, 3, sagittal .* in 2"),
    ({"rows": 8}, r"mixed sizes: 4 x 5 in 0, 1, 3, 8 x 5 in 2"),
    ({"pixel_spacing_mm": (0.5, 0.8)}, r"mixed pixel spacings: 0.5 x 0.7 mm in 0, 1, 3, 0.5 x 0.8 mm in 2"),
])  # fmt: skip
def test_slices_of_two_kinds_are_told_apart(changed: dict[str, object], words: str) -> None:
    planes = [plane(str(index), (0.0, 0.0, float(index)), **(changed if index == 2 else {})) for index in range(4)]
    with pytest.raises(GeometryError, match=words):
        stack(planes, "series")


def test_two_slices_are_too_few() -> None:
    with pytest.raises(GeometryError, match=r"only 2 slices \(0.dcm, 1.dcm\), too few for a volume"):
        stack(axial([0.0, 1.0]), "series")


def test_an_orientation_that_is_none_is_refused() -> None:
    planes = [plane(str(i), (0.0, 0.0, float(i)), orientation=(0.0,) * 6) for i in range(3)]
    with pytest.raises(GeometryError, match="not two unit vectors"):
        stack(planes, "series")
