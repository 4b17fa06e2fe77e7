"""Text in the pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.audit.burnt_in import lines_of_text
from hounsfield.datasets.audit.glance import glance
from hounsfield.datasets.channels import image_of


@pytest.mark.parametrize("size", [0.4, 0.7, 1.0])
def test_letters_in_a_row_are_a_line(picture: Callable[..., VoxelArray], size: float) -> None:
    plain = picture(0, 400) // 3
    written = cv2.putText(plain.copy(), "DOE JANE 1957", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1)
    assert lines_of_text(plain.astype(np.float32) / 255) == 0
    assert lines_of_text(written.astype(np.float32) / 255) >= 1


def test_nothing_is_read_in_a_picture_too_small_for_letters() -> None:
    assert lines_of_text(np.random.default_rng(0).random((28, 28)).astype(np.float32)) == 0


@pytest.mark.parametrize("channel", ["first", "second", ""])
def test_text_is_found_on_any_channel(tmp_path: Path, picture: Callable[..., VoxelArray], channel: str) -> None:
    paths = {name: tmp_path / f"{name}.png" for name in ("first", "second")}
    for name, path in paths.items():
        drawn = picture(0, 400) // 3
        if name == channel:
            cv2.putText(drawn, "DOE JANE 1957", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 1)
        cv2.imwrite(str(path), drawn)
    assert bool(glance(image_of(paths)).text_lines) == bool(channel)
