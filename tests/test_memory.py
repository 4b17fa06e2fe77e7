"""Memory that is freed is kept for the next request."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc alone")

FAULTS = """
import resource
import numpy as np
from hounsfield.memory import keep_freed_memory
done = keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**24)
before = faults()
for _ in range(4):
    np.ones(2**24)
print(done, faults() - before)
"""


def run(**variables: str) -> tuple[bool, int]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")} | variables
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True, env=environment)
    said, faults = done.stdout.split()
    return said == "True", int(faults)


def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    done, faults = run()
    left_alone, usual = run(MALLOC_ARENA_MAX="2")  # the user set a variable of glibc's: nothing is changed
    assert done and not left_alone
    assert faults < usual / 10
