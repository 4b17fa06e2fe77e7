"""Calibration and threshold, chosen on cases that the networks did not learn from."""

from __future__ import annotations

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import OperatingPoint
from hounsfield.evaluation.calibration import fit_platt, fit_temperature
from hounsfield.evaluation.threshold import choose_threshold
from hounsfield.tasks.task import Task

FEWEST_TO_CALIBRATE = 20
"""Fewer cases than this of any class say too little about probabilities to correct them."""

FEWEST_TO_CHOOSE = 2
"""Fewer cases than this of any class say nothing about a threshold."""


def choose_operating_point(logits: FloatArray, targets: IntArray, task: Task, *, folds: int) -> OperatingPoint:
    """Scale, offset and threshold from validation logits, (n, outputs), and class indices, (n,).

    Args:
        logits: Of cases that were not learned from.
        targets: Their classes.
        task: How logits are decoded.
        folds: How the cases were validated, for the sentence that says where the threshold comes from.
    """
    where = "the validation part" if folds == 1 else f"{folds} folds, each read by the network that had not seen it"
    fewest = min(int((targets == number).sum()) for number in range(task.outputs))
    if fewest < FEWEST_TO_CHOOSE:
        return OperatingPoint(0.5, f"0.5: {len(targets)} validation cases are too few to choose on")
    scale, offset, calibrated = _calibration(logits, targets, fewest)
    if task.outputs != 2:
        return OperatingPoint(0.5, "the most probable class", scale, offset, calibrated)
    plain = OperatingPoint(0.5, "", scale, offset, calibrated)
    chosen = choose_threshold(targets == 1, task.decode(plain.apply(logits))[:, 1])
    return OperatingPoint(chosen.threshold, f"{chosen}: {where}", scale, offset, calibrated)


def _calibration(logits: FloatArray, targets: IntArray, fewest: int) -> tuple[float, tuple[float, ...], bool]:
    if fewest < FEWEST_TO_CALIBRATE:
        return 1.0, (), False
    if logits.shape[1] > 2:
        return 1 / fit_temperature(logits, targets).temperature, (), True
    line = fit_platt(logits, targets)
    if line.slope <= 0:  # worse than chance: a calibration would turn the answers round
        return 1.0, (), False
    return line.slope, (0.0, line.intercept), True
