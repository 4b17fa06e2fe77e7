"""How long do 2,000 patient-clustered bootstrap draws of all scores take, beside scikit-learn in a loop?"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from record import record

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.bootstrap import draw_scores
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.resampling import patient_weights
from hounsfield.evaluation.scores import SCORES

CASES = 10_000
DRAWS = 2_000
DRAWS_OF_ALL = 200
"""Draws that scikit-learn computes all scores of; its time is multiplied up."""
REPEATS = 7
AIM_S = 2.0
QUESTION = (
    f"Wall time of {DRAWS} bootstrap draws, resampled by patient, of {CASES} cases, in seconds; "
    f"aim: {', '.join(SCORES)} together in {AIM_S:g} s on one core."
)


def predictions(*, patients: int) -> Predictions:
    """Cases of a model with an AUC of about 0.8, a fifth of them positive; the first cases give each patient one."""
    rng = np.random.default_rng(0)
    target = (rng.random(CASES) < 0.2).astype(np.int64)
    positive = 1 / (1 + np.exp(-(rng.normal(size=CASES) + 1.2 * target - 1)))
    patient = np.r_[np.arange(patients), rng.integers(0, patients, CASES - patients)]
    return Predictions(target, np.stack([1 - positive, positive], axis=1), patient, 0.4)


def drawn_cases(measured: Predictions, draws: int) -> list[FloatArray]:
    """How often each case is in each draw: the same draws that `draw_scores` makes."""
    weights = np.concatenate(list(patient_weights(measured.patients, resamples=draws, seed=0)))
    return [row[measured.patient] for row in weights]


def scikit_auc(measured: Predictions, draws: list[FloatArray]) -> FloatArray:
    """`roc_auc_score` of each draw, the draw given as weights, which saves scikit-learn the copying."""
    from sklearn.metrics import roc_auc_score

    positive = measured.probabilities[:, 1]
    return np.array([roc_auc_score(measured.target, positive, sample_weight=weight) for weight in draws])


def scikit_all(measured: Predictions, draws: list[FloatArray]) -> FloatArray:
    """The seven scores of each draw, each by scikit-learn's function for it; (draws, 7) in the order of `SCORES`."""
    from sklearn import metrics

    target, called, positive = measured.target, measured.called, measured.probabilities[:, 1]
    rows = []
    for weight in draws:
        rows.append(
            [
                metrics.accuracy_score(target, called, sample_weight=weight),
                metrics.precision_score(target, called, sample_weight=weight),
                metrics.recall_score(target, called, sample_weight=weight),
                metrics.recall_score(target, called, pos_label=0, sample_weight=weight),
                metrics.roc_auc_score(target, positive, sample_weight=weight),
                metrics.average_precision_score(target, positive, sample_weight=weight),
                metrics.brier_score_loss(target, positive, sample_weight=weight),
            ]
        )
    return np.array(rows)


Row = dict[str, Any]
"""A line of the table."""

Times = list[tuple[float, float]]
"""Wall and CPU seconds of each run."""


def timed(run: Callable[[], object], repeats: int) -> Times:
    """The times of `repeats` runs."""
    found = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return found


def peak_mib() -> float:
    """The largest resident set so far; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(what: str, found: Times, *, scale: float = 1.0, memory_mib: float | str = "") -> Row:
    """A line of the table: the fastest run and the median of all."""
    wall, cpu = [run[0] * scale for run in found], [run[1] * scale for run in found]
    return {
        "what": what,
        "fastest_s": min(wall),
        "median_s": statistics.median(wall),
        "fastest_cpu_s": min(cpu),
        "peak_memory_mib": memory_mib,
    }


def beside(measured: Predictions, ours_cpu_s: float) -> tuple[list[Row], list[str]]:
    """The lines of scikit-learn, and what to say of them."""
    few, draws = drawn_cases(measured, DRAWS_OF_ALL), drawn_cases(measured, DRAWS)
    auc = row("scikit-learn, roc_auc_score alone in a loop", timed(lambda: scikit_auc(measured, draws), 1))
    times = timed(lambda: scikit_all(measured, few), 3)
    every = row(f"scikit-learn, all {len(SCORES)} scores in a loop", times, scale=DRAWS / DRAWS_OF_ALL)
    same = draw_scores(measured, resamples=DRAWS_OF_ALL)
    apart = np.abs(np.stack([same[name] for name in SCORES], axis=1) - scikit_all(measured, few)).max()
    ratios = [found["fastest_cpu_s"] / ours_cpu_s for found in (auc, every)]
    return [auc, every], [
        "hounsfield's time includes the drawing; scikit-learn's does not: it is given the same draws as weights.",
        f"scikit-learn's seven scores: {DRAWS_OF_ALL} draws were timed, three times, and the time multiplied up.",
        f"Largest difference between the two in any score of these {DRAWS_OF_ALL} draws: {apart:.1g}.",
        f"scikit-learn takes {ratios[0]:.0f} times the CPU seconds for the AUC alone, {ratios[1]:.0f} times for all.",
    ]


def main() -> int:
    """0 when the aim is met by the fastest run, else 1."""
    one_each, two_each = predictions(patients=CASES), predictions(patients=CASES // 2)
    draw_scores(two_each, resamples=1)
    before = peak_mib()
    ours = timed(lambda: draw_scores(one_each, resamples=DRAWS), REPEATS)
    memory = peak_mib() - before
    rows = [row(f"hounsfield, all {len(SCORES)} scores, {CASES} patients", ours, memory_mib=memory)]
    clustered = timed(lambda: draw_scores(two_each, resamples=DRAWS), REPEATS)
    rows.append(row(f"hounsfield, all {len(SCORES)} scores, {CASES // 2} patients", clustered))
    notes = [
        f"One thread. {REPEATS} runs each of hounsfield.",
        "Where the load says that other programs ran beside it, compare CPU seconds.",
    ]
    if find_spec("sklearn") is None:
        print("left out: scikit-learn (not installed)", file=sys.stderr)
    else:
        more_rows, more_notes = beside(one_each, min(cpu for _, cpu in ours))
        rows, notes = rows + more_rows, notes + more_notes
    record("bootstrap", QUESTION, rows, packages=["numpy", "scipy", "scikit-learn"], notes=notes)
    fastest = min(wall for wall, _ in ours)
    if fastest > AIM_S:
        print(f"too slow: {fastest:.2f} s, the aim is {AIM_S:g} s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
