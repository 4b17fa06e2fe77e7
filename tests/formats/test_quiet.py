"""What libraries say is dropped while files are read, by however many threads, and no longer."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from hounsfield.formats.quiet import quiet, quiet_pydicom


def test_warnings_and_pydicoms_log_are_dropped_inside_and_not_after(caplog: pytest.LogCaptureFixture) -> None:
    with quiet_pydicom():
        warnings.warn("odd", stacklevel=1)
        logging.getLogger("pydicom").error("odd")
    with quiet():
        warnings.warn("odd", stacklevel=1)
    assert caplog.records == []
    with pytest.warns(UserWarning, match="odd"):
        warnings.warn("odd", stacklevel=1)
    logging.getLogger("pydicom").error("odd")
    assert len(caplog.records) == 1


def test_a_silence_ends_with_the_last_of_the_threads_that_read() -> None:
    logger, before = logging.getLogger("pydicom"), list(warnings.filters)
    level, begun, joined, left = logger.level, threading.Event(), threading.Event(), threading.Event()
    inside: list[int] = []

    def first() -> None:
        with quiet_pydicom():
            begun.set()
            joined.wait(10)

    def second() -> None:
        begun.wait(10)
        with quiet_pydicom():
            joined.set()
            left.wait(10)
            inside.append(logger.level)

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    threads[0].join()
    left.set()
    threads[1].join()
    assert inside == [logging.CRITICAL]
    assert (logger.level, list(warnings.filters)) == (level, before)


def test_an_error_ends_a_silence() -> None:
    level = logging.getLogger("pydicom").level
    with pytest.raises(ValueError, match="damaged"), quiet_pydicom():
        raise ValueError("damaged")
    assert logging.getLogger("pydicom").level == level
