"""Scores as tables on stdout."""

from __future__ import annotations

import re

import pytest

from hounsfield.cli.words import print_detection
from hounsfield.evaluation.detection import measure_detection, measure_false_alarms
from hounsfield.evaluation.evidence import Detected, ImageResult
from hounsfield.evaluation.matching import HitRule
from hounsfield.findings.region import Box

KINDS = ("benign", "malignant")


def test_all_rates_their_mean_and_every_average_precision_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    lesion = Box(0, 0, 20, 20, "benign")
    films = [ImageResult(f"f{n}", f"p{n}", (lesion,), (Detected(lesion, (0.8, 0.1)),)) for n in range(3)]
    print_detection(
        measure_detection(
            films, kinds=KINDS, rule=HitRule(0.2), threshold=0.5, threshold_from="by hand", attributes={}, resamples=20
        )
    )

    lines = capsys.readouterr().out.splitlines()

    assert [line[:18].rstrip() for line in lines[2:14]] == [
        *(f"{rate} an image" for rate in ("0.125", "0.25", "0.5", "1", "2", "4", "8")), "mean of these",
        "AP at IoU 0.2", "AP at IoU 0.5", "AP at IoU 0.75", "AP benign, 0.5",
    ]  # fmt: skip
    assert all(line[18:25] == "  1.000" for line in lines[2:14])


def test_of_images_without_a_lesion_false_alarms_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    alarm = Detected(Box(0, 0, 20, 20), (0.8, 0.1))
    films = [ImageResult(f"f{n}", f"p{n}", (), (alarm,) * (n % 2)) for n in range(20)]

    print_detection(
        measure_false_alarms(
            films, kinds=KINDS, rule=HitRule(0.2), threshold=0.5, threshold_from="by hand", resamples=200
        )
    )

    said = capsys.readouterr().out
    assert said.startswith("shown from a score of 0.500 on: by hand\nOn these images, none of which has a lesion, ")
    assert re.search(r"it shows 0\.50 false alarms an image \(95.% interval 0\.[23]\d–0\.[67]\d\)", said)
