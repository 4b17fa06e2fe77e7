"""How long until `hounsfield --help` has answered, and until `import hounsfield` is done?"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from record import record

REPEATS = 15
ENOUGH_S = 20.0
"""After this long, three runs are enough."""
QUESTION = "Wall time of a whole process, from its start to its end, in seconds; aims: --help 0.3, import 0.15."
PYTHON = [sys.executable, "-c"]
COMMANDS: dict[str, tuple[list[str], float | None]] = {
    "hounsfield --help": ([sys.executable, "-m", "hounsfield", "--help"], 0.3),
    "hounsfield train --help": ([sys.executable, "-m", "hounsfield", "train", "--help"], 0.3),
    "import hounsfield": ([*PYTHON, "import hounsfield"], 0.15),
    "python doing nothing": ([*PYTHON, "pass"], None),
    "import torch (what a command that is not lazy pays)": ([*PYTHON, "import torch"], None),
    "import monai": ([*PYTHON, "import monai"], None),
}
"""What is run, and how long it may take."""


def seconds(command: list[str]) -> list[float] | None:
    """Wall times of up to `REPEATS` runs after a first one that warms the disk cache; None when the command fails."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found: list[float] = []
    while len(found) <= REPEATS and (len(found) <= 3 or sum(found) < ENOUGH_S):
        start = time.perf_counter()
        done = subprocess.run(command, env=compiled, capture_output=True, check=False)
        found.append(time.perf_counter() - start)
        if done.returncode != 0:
            return None
    return found[1:]


def main() -> int:
    """0 when every aim is met by the fastest run, else 1."""
    rows: list[dict[str, object]] = []
    missed = []
    for name, (command, aim) in COMMANDS.items():
        found = seconds(command)
        if found is None:
            print(f"left out: {name} (not installed)", file=sys.stderr)
            continue
        row = {"command": name, "fastest_s": min(found), "median_s": statistics.median(found), "aim_s": aim or ""}
        rows.append(row)
        if aim is not None and min(found) > aim:
            missed.append(name)
    notes = [
        f"Up to {REPEATS} runs each, at least three, after one that is not counted. The fastest is the least disturbed."
    ]
    record("startup", QUESTION, rows, packages=["torch", "monai"], notes=notes)
    for name in missed:
        print(f"too slow: {name}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
