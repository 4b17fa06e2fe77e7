"""How many films of the phantom are drawn and written in a second on one core?"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
from record import record

from hounsfield.datasets.phantom import write_phantom

AIM = 5.0
"""Films of 1024 x 768 a second."""
SIZES = ((1024, 768), (512, 384), (256, 192))
WOMEN, REPEATS = 6, 5


def films_a_second(size: tuple[int, int]) -> tuple[list[float], float]:
    """Films a second of each run after a first that is not counted, and MB a film; one thread, writing included."""
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(REPEATS + 1):
            start = time.perf_counter()
            target = write_phantom(Path(folder) / str(run), women=WOMEN, seed=run, size=size, workers=1).parent
            found.append(4 * WOMEN / (time.perf_counter() - start))
        sizes = [path.stat().st_size for path in (target / "films").iterdir()]
    return found[1:], statistics.mean(sizes) / 1e6


def main() -> int:
    """0 when the aim is met by the fastest run, else 1."""
    cv2.setNumThreads(1)
    rows: list[dict[str, object]] = []
    for size in SIZES:
        found, megabytes = films_a_second(size)
        rows.append(
            {
                "film": f"{size[0]} x {size[1]}",
                "fastest_films_a_second": max(found),
                "median_films_a_second": statistics.median(found),
                "MB_a_film": megabytes,
                "aim": AIM if size == SIZES[0] else "",
            }
        )
    notes = [
        f"{REPEATS} runs of {4 * WOMEN} films after one that is not counted, one thread (workers=1, OpenCV 1 thread).",
        "Drawing, DICOM files, masks, tables and their flush to disk are all in the time.",
    ]
    question = "Films of the phantom drawn and written in a second on one core; aim: 5 of 1024 x 768."
    record("phantom", question, rows, packages=["numpy", "scipy", "opencv-python-headless", "pydicom"], notes=notes)
    fastest = rows[0]["fastest_films_a_second"]
    assert isinstance(fastest, float)
    return 0 if fastest >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
