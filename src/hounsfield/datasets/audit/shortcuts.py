"""Shortcuts: whether the class can be told from what is not anatomy: the border, the size of image and file, the site.

A network learns whatever tells the classes apart. Where a marker, a crop or a scanner does, it learns that, and fails
elsewhere. So a plain linear model is given each of these by itself, and answers patients that it did not learn from.

Reference:
    Geirhos et al., "Shortcut learning in deep neural networks" (2020), doi:10.1038/s42256-020-00257-z;
    Zech et al., "Variable generalization performance of a deep learning model to detect pneumonia in chest
    radiographs" (2018), doi:10.1371/journal.pmed.1002683 (a network that told the hospital).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.datasets.audit.glance import SIDE, Glance, shrunk
from hounsfield.datasets.case import Case
from hounsfield.datasets.stratify import deal, patients_of
from hounsfield.errors import SplitError
from hounsfield.evaluation.classification import auc_roc

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
    counts = np.bincount([case.target or 0 for case in cases], minlength=len(classes))
    enough = np.flatnonzero(counts >= FEWEST)
    if len(enough) < 2:
        return []
    kept = [number for number, case in enumerate(cases) if case.target in enough]
    cases, glances = [cases[number] for number in kept], [glances[number] for number in kept]
    targets = np.array([case.target for case in cases])
    try:
        folds = _folds(cases, classes)
    except SplitError:  # too few patients to ask any that was not learned from
        return []
    patients = [len({case.unit for case in cases if case.target == k}) for k in enough]
    found = []
    for source, features in _sources(cases, glances).items():
        varied = features[:, features.std(axis=0) > 1e-6]
        if varied.shape[1]:
            found.append(_told(source, varied, targets == enough[:, None], folds, patients))
    return sorted(found, key=lambda shortcut: -shortcut.auc)


def _sources(cases: Sequence[Case], glances: Sequence[Glance]) -> dict[str, FloatArray]:
    """Features of each case by source, (n, …)."""
    kinds = {
        "size": np.stack([_sizes(one) for one in glances]),
        "border": np.stack([_border(_picture(one)) for one in glances]).astype(np.float32),
        "thumbnail": np.stack([shrunk(_picture(one), (16, 16)).ravel() for one in glances]),
    }
    sites = [site for site, count in Counter(case.site for case in cases).items() if count >= FEWEST]
    if len(sites) > 1:
        place = {site: column for column, site in enumerate(sites)}
        kinds["site"] = np.zeros((len(cases), len(sites)), np.float32)
        for row, case in enumerate(cases):
            if case.site in place:
                kinds["site"][row, place[case.site]] = 1
    return kinds


def _picture(one: Glance) -> FloatArray:
    picture: FloatArray = one.planes.mean(axis=0, dtype=np.float32) / 255
    return picture


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
    return np.array([fold_of[case.unit] for case in cases])


def _told(source: str, features: FloatArray, of_class: BoolArray, folds: IntArray, patients: Sequence[int]) -> Shortcut:
    """How well the classes, (k, n) true where a case is of one, are told by features (n, d); patients of each."""
    truth, classes = of_class.T, len(of_class)
    scores = np.empty(truth.shape)
    for fold in np.unique(folds):
        held = folds == fold
        scores[held] = _ridge(features[~held], truth[~held].astype(np.float64), features[held])
    columns = [1] if classes == 2 else range(classes)
    areas = [_area(truth[:, k], scores[:, k], patients[k], sum(patients) - patients[k]) for k in columns]
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


def _area(truth: BoolArray, score: FloatArray, with_it: int, without: int) -> tuple[float, float]:
    """AUC and its standard error, for as many patients as there are and not as many cases.

    Reference:
        Hanley, McNeil (1982), doi:10.1148/radiology.143.1.7063747.
    """
    area = auc_roc(truth, score)
    both, same = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (with_it - 1) * (both - area**2) + (without - 1) * (same - area**2)
    return area, float(np.sqrt(max(0.0, spread) / (with_it * without)))
