"""Shortcuts: whether the class can be told from what is not anatomy: the border, the size of image and file, the site.

A network learns whatever tells the classes apart. Where a marker, a crop or a scanner does, it learns that, and fails
elsewhere. So a plain linear model is given each of these by itself, and answers patients that it did not learn from.

Reference:
    Geirhos et al., "Shortcut learning in deep neural networks" (2020), doi:10.1038/s42256-020-00257-z;
    Zech et al., "Variable generalization performance of a deep learning model to detect pneumonia in chest
    radiographs" (2018), doi:10.1371/journal.pmed.1002683 (a network that told the hospital).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.datasets.audit.glance import SIDE, Glance, shrunk
from hounsfield.datasets.case import Case
from hounsfield.datasets.stratify import deal, patients_of
from hounsfield.errors import SplitError

FOLDS = 5

FEWEST = 20
"""Cases of a class, below which nothing is said."""

_BORDER = 1 / 8
"""Width of the border, as a share of the image's side."""

_STRENGTH = 0.1
"""Of the ridge: weight of the squared coefficients, per case."""


@dataclass(frozen=True)
class Shortcut:
    """How well the class is told from one thing alone."""

    source: str
    """"border", "size", "site" or "thumbnail"."""
    auc: float
    """Of patients that were not learned from; with more than two classes the mean of each against the rest."""
    low: float
    """Ends of its 95 % interval, and so is `high`."""
    high: float


def find_shortcuts(cases: Sequence[Case], glances: Sequence[Glance], classes: Sequence[str]) -> list[Shortcut]:
    """How well each source tells the class, where it says anything at all; the best first.

    Args:
        cases: With a class.
        glances: The same number of looks, one for each case.
        classes: Names.
    """
    targets = np.array([case.target for case in cases])
    counts = np.bincount(targets, minlength=len(classes))
    if (counts >= FEWEST).sum() < 2:
        return []
    try:
        folds = _folds(cases, classes)
    except SplitError:  # too few patients to ask any that was not learned from
        return []
    found = []
    for source, features in _sources(cases, glances).items():
        varied = features[:, features.std(axis=0) > 1e-6]
        if varied.shape[1]:
            found.append(_told(source, varied, targets, folds, np.flatnonzero(counts >= FEWEST)))
    return sorted(found, key=lambda shortcut: -shortcut.auc)


def _sources(cases: Sequence[Case], glances: Sequence[Glance]) -> dict[str, FloatArray]:
    """Features of each case by source, (n, …)."""
    pictures = np.stack([one.planes.mean(axis=0) / 255 for one in glances]).astype(np.float32)
    sites = sorted({case.site for case in cases})
    kinds = {"size": np.stack([_sizes(one) for one in glances]), "border": np.stack([_border(p) for p in pictures])}
    if len(sites) > 1:
        kinds["site"] = np.array([[case.site == site for site in sites] for case in cases], np.float64)
    kinds["thumbnail"] = np.stack([shrunk(picture, (16, 16)).ravel() for picture in pictures])
    return {source: np.asarray(features, np.float64) for source, features in kinds.items()}


def _sizes(one: Glance) -> FloatArray:
    """What a listing of the folder says: sides, their ratio, bytes; in logarithms, for sizes differ by factors."""
    depth, height, width = one.shape
    pixels = depth * height * width
    facts = [depth, height, width, height / width, one.bytes + 1, (one.bytes + 1) / pixels]
    found: FloatArray = np.r_[np.log(facts), one.colour]
    return found


def _border(picture: FloatArray) -> FloatArray:
    """The ring along the edges, at half the picture's resolution, and the brightest spot of each of its eight parts."""
    wide = round(SIDE * _BORDER)
    inner = slice(wide, -wide)
    small, half = shrunk(picture, (SIDE // 2, SIDE // 2)), wide // 2
    ring = np.ones(small.shape, bool)
    ring[half:-half, half:-half] = False
    parts = [picture[:wide, :wide], picture[:wide, -wide:], picture[-wide:, :wide], picture[-wide:, -wide:]]
    sides = [picture[:wide, inner], picture[-wide:, inner], picture[inner, :wide], picture[inner, -wide:]]
    brightest = np.array([part.max() for part in (*parts, *sides)])
    found: FloatArray = np.r_[small[ring], brightest, np.sort(brightest)]
    return found


def _folds(cases: Sequence[Case], classes: Sequence[str]) -> IntArray:
    """(n,) fold of each case, by patient, classes spread evenly."""
    groups = deal(patients_of(cases), [1 / FOLDS] * FOLDS, seed=0, classes=tuple(classes))
    fold_of = {patient: number for number, group in enumerate(groups) for patient in group}
    return np.array([fold_of[case.patient] for case in cases])


def _told(source: str, features: FloatArray, targets: IntArray, folds: IntArray, classes: IntArray) -> Shortcut:
    truth = targets[:, None] == classes
    scores = np.empty(truth.shape)
    for fold in np.unique(folds):
        held = folds == fold
        scores[held] = _ridge(features[~held], truth[~held].astype(np.float64), features[held])
    columns = [1] if len(classes) == 2 else range(len(classes))
    areas = [_area(truth[:, k], scores[:, k]) for k in columns]
    mean = float(np.mean([area for area, _ in areas]))
    half = 1.96 * float(np.mean([error for _, error in areas]))
    return Shortcut(source, mean, max(0.0, mean - half), min(1.0, mean + half))


def _ridge(features: FloatArray, truth: FloatArray, asked: FloatArray) -> FloatArray:
    """Scores (m, k) of `asked` (m, d) by a ridge regression of `truth` (n, k) on `features` (n, d)."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    known, new = (features - mean) / spread, (asked - mean) / spread
    offset = truth.mean(axis=0)
    strength = _STRENGTH * len(known)
    if len(known) <= known.shape[1]:  # the smaller of the two systems of equations
        weights = known.T @ np.linalg.solve(known @ known.T + strength * np.eye(len(known)), truth - offset)
    else:
        weights = np.linalg.solve(known.T @ known + strength * np.eye(known.shape[1]), known.T @ (truth - offset))
    scores: FloatArray = new @ weights + offset
    return scores


def _area(truth: BoolArray, score: FloatArray) -> tuple[float, float]:
    """AUC and its standard error (Hanley, McNeil 1982, doi:10.1148/radiology.143.1.7063747)."""
    from scipy.stats import rankdata

    positives, negatives = int(truth.sum()), int((~truth).sum())
    ranks = rankdata(score)
    area = float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
    both, same = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (both - area**2) + (negatives - 1) * (same - area**2)
    return area, float(np.sqrt(max(0.0, spread) / (positives * negatives)))
