"""What holds of results image by image, whatever was found, located or outlined there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import ImageResult, LocatedImage, OutlinedImage


def patients_of(results: Sequence[ImageResult] | Sequence[LocatedImage] | Sequence[OutlinedImage]) -> IntArray:
    """(n,), the number of the patient of each image, from 0 in the order of their ids.

    Raises:
        EvaluationError: There is no image, or one comes twice.
    """
    if not results:
        raise EvaluationError("there are no images to measure: the evaluated part of the data set holds no case")
    cases = [one.case for one in results]
    if len(set(cases)) < len(cases):
        twice = next(case for case in cases if cases.count(case) > 1)
        raise EvaluationError(f"case {twice!r} was measured twice; every case counts once")
    numbers: IntArray = np.unique([one.patient for one in results], return_inverse=True)[1]
    return numbers
