"""Boxes by hand."""

from hounsfield.findings import Box


def test_a_box_measures_from_its_exclusive_borders() -> None:
    box = Box(x0=2, y0=1, x1=6, y1=9)
    assert (box.width, box.height, box.center) == (4, 8, (4, 5))
