"""Work ahead: in order, bounded, and errors stay with their own thing."""

from __future__ import annotations

import threading

import cv2
import pytest

from hounsfield.reading.ahead import ahead


def test_results_come_in_order_and_errors_with_their_own_thing() -> None:
    def half(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    found = list(ahead(half, range(6), count=2))
    assert [number for number, _ in found] == list(range(6))
    assert [future.result() for number, future in found if number % 2 == 0] == [0, 1, 2]
    with pytest.raises(ValueError, match="3 is odd"):
        found[3][1].result()


def test_never_more_than_the_bound_is_begun_before_it_is_asked_for() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
        return number

    for place, (_, future) in enumerate(ahead(work, range(20), count=3)):
        future.result()
        assert max(begun) <= place + 3


def test_leaving_early_cancels_what_was_not_begun() -> None:
    gate = threading.Event()
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        gate.wait(10)

    stream = ahead(work, range(100), count=50)
    next(stream)
    threading.Timer(0.1, gate.set).start()
    stream.close()  # type: ignore[attr-defined]
    assert len(begun) < 10


def test_opencv_has_its_threads_back_afterwards() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        assert [future.result() for _, future in ahead(lambda _: cv2.getNumThreads(), range(2), count=1)] == [1, 1]
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
