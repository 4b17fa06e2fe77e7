"""Each chart, with ordinary values and with hardly any."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from markupsafe import Markup

from hounsfield.evaluation.evidence import Curve, Score
from hounsfield.findings.margin import measure_margin
from hounsfield.reporting.charts.bars import amount_bar, composition, histogram, probability_bar
from hounsfield.reporting.charts.curves import calibration_chart, precision_recall_chart, roc_chart
from hounsfield.reporting.charts.intervals import interval_track, probability_ruler, ruler
from hounsfield.reporting.charts.learning_curves import LearningCurve, loss_chart, score_chart
from hounsfield.reporting.charts.margins import margin_chart
from hounsfield.reporting.charts.quantiles import quantile_strip
from hounsfield.reporting.charts.separation import separation_chart

NAN = math.nan
LEARNED = LearningCurve("", (1, 2, 3), (0.7, NAN, 0.5), (0.7, 0.6, 0.65), (0.5, 0.8, 0.7))
ROC = Curve(x=(0, 0.2, 1), y=(0, 0.7, 1), low=(0, 0.5, 1), high=(0.3, 0.9, 1))

DRAWINGS: list[Callable[[], Markup]] = [
    lambda: interval_track("AUC", Score(0.7, 0.6, 0.8), reference=0.5),
    lambda: interval_track("AUC", Score(0.7, NAN, NAN)),
    lambda: interval_track("AUC", Score(NAN, NAN, NAN)),
    lambda: ruler(Score(0.7, 0.6, 0.8), name="AUC", reference=0.5),
    lambda: ruler(Score(1.0, 1.0, 1.0), name="AUC"),
    lambda: probability_ruler([], thresholds=[], title="none"),
    lambda: roc_chart(ROC, {}),
    lambda: roc_chart(ROC, {"sensitivity": Score(NAN, NAN, NAN), "specificity": Score(1, 1, 1)}),
    lambda: precision_recall_chart(Curve(x=(1.0,), y=(0.4,)), {}, prevalence=None),
    lambda: calibration_chart(Curve(x=(0.1, NAN), y=(0.2, 0.3), low=(0.1, 0), high=(0.3, 1), count=(5, 0))),
    lambda: calibration_chart(Curve(x=(), y=())),
    lambda: separation_chart([], [], classes=("a", "b"), threshold=0.5),
    lambda: separation_chart([0.0, 0.1], [1.0], classes=("a", "b"), threshold=1.5),
    lambda: histogram([5.0, 5.0], x_label="x", title="one value"),
    lambda: histogram([], x_label="x", title="nothing"),
    lambda: composition(("a", "b"), (0, 0)),
    lambda: amount_bar("a", 0, 0),
    lambda: probability_bar("a", 1.0, None),
    lambda: quantile_strip({}, title="nothing"),
    lambda: loss_chart((LEARNED,)),
    lambda: loss_chart(()),
    lambda: score_chart((LearningCurve("", (1,), (0.5,), (0.5,), (0.5,)),), score="AUC"),
]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_no_place_is_undefined_and_no_size_negative(draw: Callable[[], Markup]) -> None:
    drawn = str(draw())
    inside = re.sub(r"<title>.*?</title>|aria-label=\"[^\"]*\"", "", drawn)
    assert "nan" not in inside and "inf" not in inside
    assert not re.search(r' (?:width|height|r)="-', inside)


def test_whiskers_stand_at_the_bounds() -> None:
    drawn = str(interval_track("AUC", Score(0.7, 0.61, 0.83)))
    assert 'x1="61.00%" x2="83.00%"' in drawn and 'cx="70.00%"' in drawn
    assert "AUC 0.700, 95\u202f% interval 0.610 to 0.830" in drawn


def test_the_operating_point_of_the_roc_is_where_the_scores_say() -> None:
    scores = {"sensitivity": Score(0.8, 0.7, 0.9), "specificity": Score(0.6, 0.5, 0.7), "auc_roc": Score(0.75, 0, 1)}
    drawn = str(roc_chart(ROC, scores))
    assert "sensitivity 0.800, specificity 0.600" in drawn and 'class="point"' in drawn


def test_a_probability_at_the_threshold_counts_as_positive() -> None:
    assert "bar hot" in str(probability_bar("malignant", 0.5, 0.5))
    assert "bar hot" not in str(probability_bar("malignant", 0.499, 0.5))
    assert "needle" not in str(probability_bar("malignant", 0.9, None))


def test_the_kept_epoch_is_the_best_unless_said() -> None:
    assert LEARNED.kept_place() == 1
    assert LearningCurve("", (4, 5), (1, 1), (1, 1), (0.5, 0.4), kept=5).kept_place() == 1
    assert LearningCurve("", (1,), (1,), (), ()).kept_place() is None


def test_a_histogram_counts_every_value_once() -> None:
    values = [float(value) for value in range(100)]
    heights = [
        float(found)
        for found in re.findall(r'height="([\d.]+)" class="bar"', str(histogram(values, x_label="x", title="t")))
    ]
    assert sum(heights) / max(heights) == pytest.approx(len(heights), rel=0.15)  # evenly spread values, even bars


def test_a_margin_is_drawn_with_its_smallest_and_median_distance() -> None:
    lesion, bone = np.zeros((2, 12, 12, 30), dtype=bool)
    lesion[2:10, 2:10, 2:10], bone[2:10, 2:10, 20:26] = True, True
    for structure, smallest in ((bone, "10.0"), (lesion, "0.0")):
        drawn = margin_chart(measure_margin(lesion, structure, np.eye(4), name="bone"))
        assert f"surface to bone: smallest {smallest}, median" in drawn and 'class="curve"' in drawn
        assert ">0.2</text>" in drawn and ">0.8</text>" in drawn
