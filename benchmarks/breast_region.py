"""How well does the breast region agree with the outlines of others on mini-MIAS, and how long does it take?"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from record import record

from hounsfield import geometry
from hounsfield.image import Image
from hounsfield.preprocessing.breast import BreastRegion, chest_side, region


def main() -> int:
    """0 when the mean Dice reaches 0.95, or when the data are not there."""
    named = os.environ.get("HOUNSFIELD_DATA")
    folder = (Path(named) if named else Path(__file__).parents[2] / "shared" / "data") / "mini_mias"
    if not folder.is_dir():
        print(f"left out: no mini_mias at {folder}; set HOUNSFIELD_DATA", file=sys.stderr)
        return 0
    cv2.setNumThreads(1)
    scores, sides, finding, clearing = [], [], [], []
    for path in sorted((folder / "images").glob("*.jpg")):
        image = Image(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[np.newaxis, np.newaxis], geometry.planar_affine())
        outline = cv2.imread(str(folder / "breast_masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE) > 0
        start = time.perf_counter()
        found = region(image)
        finding.append(time.perf_counter() - start)
        start = time.perf_counter()
        BreastRegion(pectoral="remove").apply(image)
        clearing.append(time.perf_counter() - start)
        scores.append(float(2 * (found & outline).sum() / (found.sum() + outline.sum())))
        # Odd films are right breasts, hung with the chest wall on the right.
        sides.append(chest_side(found) == ("right" if int(path.stem[3:]) % 2 else "left"))
    row: dict[str, object] = {
        "films": len(scores),
        "dice_mean": statistics.mean(scores),
        "dice_median": statistics.median(scores),
        "dice_lowest": min(scores),
        "chest_wall_side_right": f"{sum(sides)} of {len(sides)}",
        "region_ms_median": 1000 * statistics.median(finding),
        "step_with_muscle_ms_median": 1000 * statistics.median(clearing),
    }
    notes = [
        "Outlines: Sharma et al., Comput. Biol. Med. 110 (2019) 244-253, by multi-atlas registration; muscle included.",
        "Films of 1024 x 1024, 8 bit; one thread.",
    ]
    question = (
        "Agreement of the breast region with outlines by others on mini-MIAS, and time a film; aims: 0.95, 100 ms."
    )
    record("breast_region", question, [row], packages=["numpy", "opencv-python-headless"], notes=notes)
    return 0 if statistics.mean(scores) >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
