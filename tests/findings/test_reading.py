"""A reading as plain values."""

import json

import numpy as np

from hounsfield.findings import Answer, Box, Finding, ModelIdentity, Quality, Reading


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
