"""Work on many files: what one of them refuses, or has no memory for, stops nothing."""

from hounsfield.datasets.parallel import in_threads
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
