"""Text in the pixels."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.audit.burnt_in import lines_of_text


@pytest.mark.parametrize("size", [0.4, 0.7, 1.0])
def test_letters_in_a_row_are_a_line(picture: Callable[..., VoxelArray], size: float) -> None:
    plain = picture(0, 400) // 3
    written = cv2.putText(plain.copy(), "DOE JANE 1957", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1)
    assert lines_of_text(plain.astype(np.float32) / 255) == 0
    assert lines_of_text(written.astype(np.float32) / 255) >= 1


def test_nothing_is_read_in_a_picture_too_small_for_letters() -> None:
    assert lines_of_text(np.random.default_rng(0).random((28, 28)).astype(np.float32)) == 0
