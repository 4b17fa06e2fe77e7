"""Scores, intervals and evidence."""

from hounsfield.evaluation.evidence import CaseResult, Curve, Evidence, Score, Subgroup
from hounsfield.evaluation.measure import measure
from hounsfield.evaluation.store import read_evidence, write_evidence
from hounsfield.evaluation.threshold import OperatingPoint, choose_threshold

__all__ = [
    "CaseResult",
    "Curve",
    "Evidence",
    "OperatingPoint",
    "Score",
    "Subgroup",
    "choose_threshold",
    "measure",
    "read_evidence",
    "write_evidence",
]
