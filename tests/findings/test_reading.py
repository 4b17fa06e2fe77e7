"""A reading as plain values."""

import json

import numpy as np

from hounsfield.findings import Answer, Box, Finding, ModelIdentity, Point, Quality, Reading


def test_a_reading_becomes_json_without_its_heat_map() -> None:
    reading = Reading(
        case="film-1",
        path="films/1.dcm",
        answers=(Answer("malignant", 0.7, 0.5, True),),
        model=ModelIdentity("reader", "0.1.0", "ab"),
        findings=(Finding("mass", 0.9, Box(1, 2, 3, 4)),),
        quality=Quality("doubtful", ("too dark",)),
        heat=np.zeros((2, 2)),
    )
    values = json.loads(json.dumps(reading.as_json()))
    assert "heat" not in values
    assert values["answers"] == [{"label": "malignant", "probability": 0.7, "threshold": 0.5, "positive": True}]
    assert values["findings"][0]["box"] | {"x0": 1, "y0": 2, "x1": 3, "y1": 4} == values["findings"][0]["box"]
    assert (values["quality"]["verdict"], values["quality"]["reasons"]) == ("doubtful", ["too dark"])
    assert values["model"]["sha256"] == "ab"
    assert reading.heat is not None


def test_findings_are_placed_by_their_point_or_the_middle_of_their_box() -> None:
    affine = np.array([[0.0, 0, 0.5, 10], [0, 0.5, 0, 20], [3, 0, 0, 30], [0, 0, 0, 1]])
    apex = Finding("apex", 1.0, point=Point(2.5, 4.5, 1.5)).placed(affine)
    mass = Finding("mass", 0.9, Box(1, 2, 5, 4, z0=1, z1=3)).placed(affine)
    assert apex.position_mm == (11, 22, 33)
    assert apex.edges_mm == ()
    assert mass.position_mm == (11.25, 21.25, 34.5)
    assert mass.edges_mm == ((0, 0, 6), (0, 1, 0), (2, 0, 0))
    assert Finding("nothing", 0.5).placed(affine) == Finding("nothing", 0.5)
