"""Work ahead of the networks takes no more of the processor than it should."""

from __future__ import annotations

import cv2

from hounsfield.reading.ahead import ahead


def test_opencv_has_its_threads_back_afterwards() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        assert [future.result() for _, future in ahead(lambda _: cv2.getNumThreads(), range(2), count=1)] == [1, 1]
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
