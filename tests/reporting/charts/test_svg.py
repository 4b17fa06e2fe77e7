"""SVG as text."""

from xml.etree import ElementTree

from hounsfield.reporting.charts.svg import drawing, element, share

HOSTILE = "</svg><script>alert('x')</script>\" onload=\"x"


def test_text_and_attributes_are_escaped() -> None:
    drawn = str(drawing(element("text", HOSTILE, class_=HOSTILE), width=10, height=10, title=HOSTILE))
    assert "<script" not in drawn
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own text, parsed to see that it is well formed
    assert set(root.attrib) == {"viewBox", "role", "aria-label", "class"}
    assert root.attrib["aria-label"] == HOSTILE
    assert root[1].text == HOSTILE


def test_every_drawing_says_what_it_shows() -> None:
    drawn = str(drawing(width=10, height=10, title="A title"))
    assert 'role="img"' in drawn and "<title>A title</title>" in drawn and 'aria-label="A title"' in drawn


def test_numbers_are_rounded_and_none_is_left_out() -> None:
    assert str(element("line", x1=1.23456, x2=2.0, class_=None, stroke_width=3)) == (
        '<line x1="1.2" x2="2" stroke-width="3"></line>'
    )


def test_a_share_stays_inside_its_strip() -> None:
    assert [share(value) for value in (-1, 0, 0.5, 2)] == ["0.00%", "0.00%", "50.00%", "100.00%"]
    assert share(5, 5, 5) == "0.00%"
