"""Calibration, threshold and conformal limits, chosen on cases that the networks did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.bundle import OperatingPoint
from hounsfield.evaluation.bends import FEWEST as FEWEST_TO_BEND
from hounsfield.evaluation.bends import bends_pay, fit_bends
from hounsfield.evaluation.calibration import fit_platt, fit_temperature
from hounsfield.evaluation.conformal import fit_conformal
from hounsfield.evaluation.sets import Held
from hounsfield.evaluation.threshold import choose_threshold
from hounsfield.plan import Decision
from hounsfield.tasks.task import Task

FEWEST_TO_CALIBRATE = 20
"""Fewer cases than this of any class say too little about probabilities to correct them."""

FEWEST_TO_CHOOSE = 2
"""Fewer cases than this of any class say nothing about a threshold."""

FOLDS = 5
"""Parts of the patients that conformal sets are tried on, with limits chosen on the others."""


def validated(folds: int) -> str:
    """How cases were validated, in words."""
    return "the validation part" if folds == 1 else f"{folds} folds, each read by the network that had not seen it"


def choose_operating_point(
    logits: FloatArray,
    targets: IntArray,
    task: Task,
    *,
    where: str,
    patients: Sequence[str] | None = None,
    decision: Decision | None = None,
    begin: OperatingPoint | None = None,
    shift_only: bool = False,
) -> OperatingPoint:
    """Scale, offset, threshold and conformal limits from logits, (n, outputs), and class indices, (n,).

    Args:
        logits: Of cases that were not learned from.
        targets: Their classes.
        task: How logits are decoded.
        where: What the cases are, for the sentence that says where the threshold comes from.
        patients: Whose the cases are; each its own where not given.
        decision: The rule of the threshold, and the coverage of the sets; those of a plan where not given.
        begin: An earlier choice, whose calibration is only shifted where the cases are too few for a new one, or where
            they show no rank.
        shift_only: Whether it is only shifted, however many cases there are.
    """
    fewest = min(int((targets == number).sum()) for number in range(task.outputs))
    if fewest < FEWEST_TO_CHOOSE:
        return begin or OperatingPoint(0.5, f"0.5: {len(targets)} validation cases are too few to choose on")
    decision = decision or Decision()
    owner = _numbered(patients, len(targets))
    point = _calibrated(logits, targets, 0 if shift_only else fewest, owner, begin)
    probabilities = task.decode(point.apply(logits))
    conformal = fit_conformal(probabilities, targets, coverage=decision.coverage, patient=owner)
    if conformal.promises:
        point = replace(point, conformal=conformal)
    if task.outputs != 2:
        return replace(point, threshold_from="the most probable class")
    chosen = choose_threshold(targets == 1, probabilities[:, 1], decision.threshold)
    return replace(point, threshold=chosen.threshold, threshold_from=f"{chosen}: {where}")


@dataclass(frozen=True, eq=False)
class ByOthers:
    """What an operating point says of cases of patients that it was not chosen on."""

    probabilities: FloatArray
    """(n, classes)."""
    held: Held | None
    """Conformal sets; None where no limits could be chosen, were it in one part only."""


def by_others(
    logits: FloatArray,
    targets: IntArray,
    task: Task,
    patients: Sequence[str],
    decision: Decision,
    *,
    begin: OperatingPoint | None = None,
    shift_only: bool = False,
    seed: int = 0,
) -> ByOthers:
    """Probabilities and sets of cases, their calibration and limits chosen on other patients.

    Args:
        logits: (n, outputs), of cases that were not learned from.
        targets: (n,), their classes.
        task: How logits are decoded.
        patients: Whose the cases are.
        decision: The coverage of the sets.
        begin: As for `choose_operating_point`, and so is `shift_only`.
        shift_only: Decided once, on all cases.
        seed: Of the parts that patients are dealt into.
    """
    owner = _numbered(patients, len(targets))
    fold = np.random.default_rng(seed).permutation(int(owner.max()) + 1)[owner] % FOLDS
    held: BoolArray = np.ones((len(targets), task.outputs), dtype=bool)
    probabilities = np.zeros((len(targets), task.outputs))
    promised: set[float] = set()
    for number in np.unique(fold).tolist():
        own, rest = fold == number, np.flatnonzero(fold != number)
        names = [patients[row] for row in rest.tolist()]
        point = choose_operating_point(
            logits[rest],
            targets[rest],
            task,
            where="",
            patients=names,
            decision=decision,
            begin=begin,
            shift_only=shift_only,
        )
        probabilities[own] = task.decode(point.apply(logits[own]))
        promised.add(point.conformal.coverage if point.conformal else 0.0)
        if point.conformal is not None:
            held[own] = point.conformal.sets(probabilities[own])
    return ByOthers(probabilities, None if 0.0 in promised else Held(held, promised.pop()))


def _numbered(patients: Sequence[str] | None, cases: int) -> IntArray:
    return np.arange(cases) if patients is None else np.unique(patients, return_inverse=True)[1]


def _calibrated(
    logits: FloatArray, targets: IntArray, fewest: int, owner: IntArray, begin: OperatingPoint | None
) -> OperatingPoint:
    """Scale and offset, and bends where they pay; the threshold is still 0.5."""
    plain = OperatingPoint(0.5, "")
    if fewest < FEWEST_TO_CALIBRATE:
        return plain if begin is None else _shifted(begin, logits, targets)
    if logits.shape[1] > 2:
        return replace(plain, scale=1 / fit_temperature(logits, targets).temperature, calibrated=True)
    line = fit_platt(logits, targets)
    if line.slope <= 0:  # worse than chance: a calibration would turn the answers round
        return plain if begin is None else _shifted(begin, logits, targets)
    point = replace(plain, scale=line.slope, offset=(0.0, line.intercept), calibrated=True)
    straight = point.apply(logits)
    odds, positive = straight[:, 1] - straight[:, 0], targets == 1
    if fewest >= FEWEST_TO_BEND and int(owner.max()) + 1 >= FEWEST_TO_BEND and bends_pay(odds, positive, owner):
        return replace(point, bends=fit_bends(odds, positive).points)
    return point


def _shifted(begin: OperatingPoint, logits: FloatArray, targets: IntArray) -> OperatingPoint:
    """An earlier calibration, all its log-odds moved by one number, so that it says as many positive cases as there
    are ("calibration in the large"); of more than two classes as it was."""
    from scipy.optimize import brentq
    from scipy.special import expit

    point = replace(begin, threshold=0.5, threshold_from="", conformal=None)
    if logits.shape[1] > 2:
        return point
    earlier = begin.apply(logits)
    odds, share = earlier[:, 1] - earlier[:, 0], float((targets == 1).mean())
    reach = float(np.abs(odds).max()) + 20
    shift = float(brentq(lambda by: float(expit(odds + by).mean()) - share, -reach, reach))
    if begin.bends:
        return replace(point, bends=tuple((x, y + shift) for x, y in begin.bends))
    offset = begin.offset or (0.0, 0.0)
    return replace(point, offset=(offset[0], offset[1] + shift))
