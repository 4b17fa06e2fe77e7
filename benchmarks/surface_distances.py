"""How long, and in how much memory, are five labels of a 512 × 512 × 300 image measured by how far their surfaces lie
apart, beside surface-distance, MONAI and SimpleITK?

Each runs in a process of its own on the same labels with one thread, and gives the 95th percentile of the Hausdorff
distance, the mean distance of surfaces and the surface Dice within 2 mm. Surfaces are taken as polygons between voxels
or as edge voxels; which is nearer to the truth is measured on balls within balls, whose surfaces lie a known distance
apart.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
from record import record

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.evaluation.surface_distance import Surface, surface_distances

SHAPE = (300, 512, 512)
SPACING = (1.0, 0.8, 0.8)
TOLERANCE = 2.0
LABELS = 5
AIM = 4.0
"""Times as fast as surface-distance, at its values."""

Figures = list[tuple[float, float, float]]
"""Of each label: Hausdorff distance, mean distance and surface Dice."""


def labels() -> tuple[IntArray, IntArray]:
    """What was outlined, and what is there: five ellipsoids, 11 million voxels, the former with smooth errors."""
    from scipy import ndimage

    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    truth, found = np.zeros(SHAPE, dtype=np.uint8), np.zeros(SHAPE, dtype=np.uint8)
    middles = [(150, 150, 150), (150, 150, 360), (150, 360, 150), (150, 360, 360), (60, 256, 256)]
    radii = [(90, 70, 95), (90, 75, 80), (80, 80, 85), (85, 80, 80), (50, 90, 90)]
    for label, (middle, radius) in enumerate(zip(middles, radii, strict=True), start=1):
        apart = np.sqrt(sum(((axis - m) / r) ** 2 for axis, m, r in zip((z, y, x), middle, radius, strict=True)))
        noise = ndimage.zoom(rng.normal(size=(20, 33, 33)), (15, 512 / 33, 512 / 33), order=1)[:300, :512, :512]
        truth[apart < 1] = label
        found[apart + 0.03 * noise < 1] = label
    return found, truth


def ours(found: IntArray, truth: IntArray, *, surface: Surface = "elements") -> Figures:
    """Everything that `evaluate` measures of a case: Dice, volumes and lesions too."""
    from hounsfield.evaluation.outlines import compare_outline
    from hounsfield.image import Mask

    names = tuple(str(label) for label in range(1, LABELS + 1))
    numbers = [(label,) for label in range(1, LABELS + 1)]
    measured = compare_outline(Mask(found, names), truth, numbers, SPACING, tolerance=TOLERANCE, surface=surface)
    return [(one.hausdorff or 0.0, one.surface_distance or 0.0, one.surface_dice) for one in measured.labels]


def by_surface_distance(found: IntArray, truth: IntArray) -> Figures:
    """The reference implementation; its two mean distances are weighted by the surfaces' areas."""
    import surface_distance as peer

    figures = []
    for label in range(1, LABELS + 1):
        apart = peer.compute_surface_distances(truth == label, found == label, SPACING)
        there, back = peer.compute_average_surface_distance(apart)
        sizes = [apart["surfel_areas_gt"].sum(), apart["surfel_areas_pred"].sum()]
        mean = (there * sizes[0] + back * sizes[1]) / sum(sizes)
        figures.append(
            (
                float(peer.compute_robust_hausdorff(apart, 95)),
                float(mean),
                float(peer.compute_surface_dice_at_tolerance(apart, TOLERANCE)),
            )
        )
    return figures


def monai(found: IntArray, truth: IntArray) -> Figures:
    """MONAI's metrics, all labels as channels of one tensor."""
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    one, other = (
        torch.stack([torch.from_numpy(mask == label) for label in range(1, LABELS + 1)])[None]
        for mask in (found, truth)
    )
    far = compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=SPACING)
    mean = compute_average_surface_distance(one, other, include_background=True, symmetric=True, spacing=SPACING)
    dice = compute_surface_dice(one, other, [TOLERANCE] * LABELS, include_background=True, spacing=SPACING)
    return [(float(far[0, k]), float(mean[0, k]), float(dice[0, k])) for k in range(LABELS)]


def simpleitk(found: IntArray, truth: IntArray) -> Figures:
    """Signed Maurer distance maps on the contours of both."""
    import SimpleITK as sitk

    def contour_and_map(mask: IntArray) -> tuple[FloatArray, FloatArray]:
        image = sitk.GetImageFromArray(mask)
        image.SetSpacing(SPACING[::-1])
        edge = sitk.LabelContour(image, fullyConnected=False)
        apart = sitk.Abs(sitk.SignedMaurerDistanceMap(edge, squaredDistance=False, useImageSpacing=True))
        return sitk.GetArrayViewFromImage(edge).astype(bool), sitk.GetArrayFromImage(apart)

    figures = []
    for label in range(1, LABELS + 1):
        (edge, apart), (other_edge, other_apart) = (
            contour_and_map((mask == label).astype(np.uint8)) for mask in (found, truth)
        )
        there, back = other_apart[edge], apart[other_edge]
        both = np.concatenate([there, back])
        far = max(float(np.percentile(there, 95)), float(np.percentile(back, 95)))
        figures.append((far, float(both.mean()), float((both <= TOLERANCE).mean())))
    return figures


EDGES = "hounsfield, edge voxels"

WAYS: dict[str, tuple[str, Callable[[IntArray, IntArray], Figures]]] = {
    "hounsfield": ("hounsfield", ours),
    EDGES: ("hounsfield", partial(ours, surface="edge voxels")),
    "surface-distance": ("surface_distance", by_surface_distance),
    "monai": ("monai", monai),
    "simpleitk": ("SimpleITK", simpleitk),
}


def off_the_truth(spacing: tuple[float, float, float], surface: Surface, *, pairs: int = 20) -> tuple[float, float]:
    """Mean error in mm, of HD95 and of the mean distance, of balls within balls whose surfaces are 1.5 to 6 mm apart
    everywhere."""
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(*(np.arange(0, 60, mm) for mm in spacing), indexing="ij"), axis=-1)
    errors = []
    for _ in range(pairs):
        from_middle = np.linalg.norm(places - (30 + rng.uniform(-1, 1, 3)), axis=-1)
        radius, apart = rng.uniform(15, 17), rng.uniform(1.5, 6)
        found = surface_distances(from_middle <= radius, from_middle <= radius + apart, spacing, surface=surface)
        errors.append((found.hausdorff(95) - apart, found.mean - apart))
    far, mean = np.mean(errors, axis=0)
    return float(far), float(mean)


def child(name: str, folder: Path) -> None:
    """Measure one way on the labels in a folder, and print what it took."""
    package, way = WAYS[name]
    importlib.import_module(package)
    found, truth = (np.load(folder / f"{which}.npy") for which in ("found", "truth"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    held, cpu, began = status_mib("VmRSS"), time.process_time(), time.perf_counter()
    figures = way(found, truth)
    took = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
    print(json.dumps({**took, "grown_mib": status_mib("VmHWM") - held, "figures": figures}))


def status_mib(key: str) -> float:
    """Of this process, as the kernel counts it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def measured(name: str, folder: Path) -> dict[str, Any]:
    """What one way took, in a process of its own with one thread."""
    one = {"OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    command = [sys.executable, __file__, "--child", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | one)
    took: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return took


def main() -> int:
    """Run every way that is installed; 1 when the aim is missed."""
    rows: dict[str, dict[str, object]] = {}
    values: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for which, mask in zip(("found", "truth"), labels(), strict=True):
            np.save(folder / f"{which}.npy", mask)
        for name, (package, _) in WAYS.items():
            if find_spec(package) is None:
                print(f"{package} is not installed: {name} is left out", file=sys.stderr)
                continue
            took = measured(name, folder)
            values[name] = took["figures"]
            far, mean, dice = (float(np.mean([figures[k] for figures in took["figures"]])) for k in range(3))
            rows[name] = {
                "way": name,
                "cpu_s": round(took["cpu_s"], 2),
                "wall_s": round(took["wall_s"], 2),
                "peak_memory_above_labels_mib": round(took["grown_mib"]),
                "mean_hd95_mm": round(far, 3),
                "mean_assd_mm": round(mean, 4),
                "mean_surface_dice": round(dice, 4),
            }
    ratio, notes = 0.0, ["Hounsfield measures Dice, volumes and lesions of each label too. One thread each."]
    if "surface-distance" in rows:
        ratio = float(str(rows["surface-distance"]["cpu_s"])) / float(str(rows["hounsfield"]["cpu_s"]))
        apart = float(np.abs(np.array(values["hounsfield"]) - np.array(values["surface-distance"])).max())
        notes.append(f"{ratio:.1f} times as fast as surface-distance; no figure differs by more than {apart:.1g}.")
    if "monai" in rows:
        apart = np.abs(np.array(values[EDGES]) - np.array(values["monai"])).max(axis=0)
        notes.append(
            "MONAI and SimpleITK take edge voxels for surfaces, all of one weight, as the second row does: between it "
            f"and MONAI HD95 differs by up to {apart[0]:.2g} mm (MONAI interpolates between distances), the mean by "
            f"{apart[1]:.2g} mm, and surface Dice by {apart[2]:.2g}."
        )
    for spacing in ((1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (5.0, 0.8, 0.8)):
        told = []
        for surface in get_args(Surface):
            far, mean = off_the_truth(spacing, surface)
            told.append(f"{surface} HD95 {far:+.2f} mm, mean distance {mean:+.2f} mm")
        notes.append(
            f"Balls within balls, voxels of {' × '.join(f'{mm:g}' for mm in spacing)} mm, mean error: "
            f"{'; '.join(told)}."
        )
    record(
        "surface_distances",
        "95th percentile of the Hausdorff distance, mean surface distance and surface Dice of five labels, 11 million "
        "voxels, of a 512 × 512 × 300 image.",
        list(rows.values()),
        packages=("surface-distance", "monai", "simpleitk", "scipy"),
        notes=notes,
    )
    return int(ratio < AIM)


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[-2], Path(sys.argv[-1]))
    else:
        sys.exit(main())
