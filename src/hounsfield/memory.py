"""How the C library of this process hands out memory."""

from __future__ import annotations

import ctypes
import functools
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Names of glibc's parameters, mallopt(3)."""

_KEPT = 2**31 - 1
_PAD = 64 * 2**20


@functools.cache
def keep_freed_memory() -> bool:
    """Let glibc keep up to 2 GiB of freed memory for the next request instead of giving it back to the system.

    Every step of a training asks for the same few hundred megabytes; fresh from the system each page of them costs a
    fault, together a tenth of the step and more. For the whole process, once; nothing is changed on another C library
    or when the user has set a MALLOC_… variable.

    Returns:
        Whether it was done.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(name, value) for name, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _PAD))])
