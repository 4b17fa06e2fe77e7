"""Work on many files: what one of them refuses, or has no memory for, stops nothing."""

from __future__ import annotations

import threading
import time

import pytest

from hounsfield.datasets.parallel import futures_ahead, in_order, in_threads
from hounsfield.errors import DatasetError, StorageError


def test_a_refusal_and_a_shortage_of_memory_stand_in_the_place_of_the_result() -> None:
    def work(number: int) -> int:
        if number == 1:
            raise DatasetError("no")
        if number == 2:
            raise MemoryError
        return number

    first, refused, short, last = in_threads(work, [0, 1, 2, 3], "working")
    assert (first, last) == (0, 3)
    assert isinstance(refused, DatasetError)
    assert isinstance(short, StorageError)
    assert str(short) == "there is not enough memory to read it; end other programs, or leave it out"


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_behind_a_slow_item_only_as_many_wait_as_there_are_threads(threads: int) -> None:
    begun: list[int] = []
    gate = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            assert gate.wait(30)
        return number

    def ask() -> None:
        found.extend(in_order(work, range(20), threads=threads))

    found: list[int] = []
    asking = threading.Thread(target=ask)
    asking.start()
    others = threads if threads > 1 else 0  # a single thread is kept by the slow one
    until = time.monotonic() + 30
    while len(begun) < 1 + others and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.05)  # whoever would begin more has had the time to
    assert sorted(begun) == list(range(1 + others))
    gate.set()
    asking.join()
    assert found == list(range(20))


def test_results_come_in_order_and_an_error_ends_the_work() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.01 if number == 0 else 0)
        if number == 3:
            raise StorageError("full")
        return number

    results = in_order(work, range(100), threads=2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StorageError, match="full"):
        next(results)
    assert max(begun) <= 3 + 2


def test_an_error_stays_with_its_own_item() -> None:
    def half(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number // 2

    found = list(futures_ahead(half, range(6), threads=2, count=2))
    assert [number for number, _ in found] == list(range(6))
    assert [future.result() for number, future in found if number % 2 == 0] == [0, 1, 2]
    with pytest.raises(ValueError, match="3 is odd"):
        found[3][1].result()


def test_closing_cancels_what_was_not_begun() -> None:
    gate = threading.Event()
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        gate.wait(10)

    stream = futures_ahead(work, range(100), threads=2, count=50)
    next(stream)
    threading.Timer(0.1, gate.set).start()
    stream.close()
    assert len(begun) < 10
