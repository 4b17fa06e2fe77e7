"""Scores, intervals and evidence."""

from hounsfield.evaluation.evidence import Attainable, CaseResult, Curve, Evidence, Score, Sets, Subgroup
from hounsfield.evaluation.measure import Origin, measure
from hounsfield.evaluation.store import read_evidence, write_evidence
from hounsfield.evaluation.threshold import OperatingPoint, choose_threshold

__all__ = [
    "Attainable",
    "CaseResult",
    "Curve",
    "Evidence",
    "OperatingPoint",
    "Origin",
    "Score",
    "Sets",
    "Subgroup",
    "choose_threshold",
    "measure",
    "read_evidence",
    "write_evidence",
]
