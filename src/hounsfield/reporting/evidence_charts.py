"""The charts of an evidence, each with the sentence that says what to see in it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.evidence import Curve, Evidence
from hounsfield.reporting import wording
from hounsfield.reporting.charts.curves import (
    calibration_chart,
    decision_chart,
    group_sizes,
    precision_recall_chart,
    roc_chart,
)
from hounsfield.reporting.charts.separation import separation_chart


@dataclass(frozen=True)
class Chart:
    """A figure and what a reader should see in it."""

    title: str
    drawing: Markup
    caption: str


def evidence_charts(evidence: Evidence) -> list[Chart]:
    """ROC and precision–recall, of each class when there are several, the calibration and the decision curve."""
    charts = _separation(evidence)
    for key, curve in evidence.curves.items():
        for kind in ("roc", "precision_recall"):
            if key == kind or key.startswith(f"{kind}_"):
                charts.append(_curve(kind, key.removeprefix(kind).removeprefix("_"), curve, evidence))
    if "calibration" in evidence.curves:
        charts.append(_calibration(evidence.curves["calibration"], evidence))
    if "net_benefit" in evidence.curves:
        charts.append(_decision(evidence))
    return charts


def _decision(evidence: Evidence) -> Chart:
    positive = evidence.classes[1]
    return Chart(
        "Is it worth acting on?",
        decision_chart(evidence.curves["net_benefit"], evidence.curves["net_benefit_of_all"]),
        f"Who would act from a probability of 0.2 of {positive} on takes four false alarms for one case found. At each "
        "such exchange: what following the model is worth, in cases found without a false alarm, as a share of all. "
        "The dashed lines are acting on everybody and on nobody; use the model where its line is the highest.",
    )


def _separation(evidence: Evidence) -> list[Chart]:
    if len(evidence.classes) != 2 or not evidence.results:
        return []
    negative, positive = evidence.classes
    of_class: tuple[list[float], list[float]] = ([], [])
    for result in evidence.results:
        of_class[result.target].append(result.probabilities[1])
    drawing = separation_chart(*of_class, classes=(negative, positive), threshold=evidence.threshold)
    caption = (
        f"Every case once. To the right of the upright line, the threshold, cases are called {positive}: "
        f"{negative} ones there are false alarms, {positive} ones to its left are missed."
    )
    return [Chart("Answers", drawing, caption)]


def _curve(kind: str, of_class: str, curve: Curve, evidence: Evidence) -> Chart:
    scores = {} if of_class else evidence.scores
    ending = f", {of_class}" if of_class else ""
    point = " The dot is the threshold in use." if scores else ""
    if kind == "roc":
        band = " The band holds the curve in 95\u202f% of resamples." if curve.low else ""
        return Chart(
            f"ROC{ending}",
            roc_chart(curve, scores),
            f"Up and left is better; the dashed line is chance.{band}{point}",
        )
    names = list(evidence.classes)
    spoken_of = of_class if of_class in names else names[-1] if len(names) == 2 else ""
    share = evidence.class_counts[names.index(spoken_of)] / evidence.cases if spoken_of and evidence.cases else None
    chance = f" Chance is the dashed line, {wording.percent(share)}." if share is not None else ""
    return Chart(
        f"Precision and recall{ending}",
        precision_recall_chart(curve, scores, prevalence=share),
        f"Up and right is better.{chance}{point}",
    )


def _calibration(curve: Curve, evidence: Evidence) -> Chart:
    said = evidence.classes[1] if len(evidence.classes) == 2 else "the class it named"
    groups = f" {len(curve.count)} groups of {group_sizes(curve)} cases." if curve.count else ""
    return Chart(
        "Calibration",
        calibration_chart(curve),
        f"Of the cases given about the same probability of {said}, the share that was so. On the dashed line a "
        f"probability can be taken at its word; whiskers are 95\u202f% intervals.{groups}",
    )
