"""How long does a 300-slice CT series take to become a float32 volume, beside the tools people use?

    python benchmarks/ct_series.py [--slices 300] [--rounds 5] [--threads 2]

The series is made here: an ellipse of a body with lungs and a spine, and noise with the grain of a CT, 12 bits stored,
under the header that pydicom's CT_small.dcm has (256 elements, private ones too); files are named in random order. Each
reader runs in a process of its own, after its imports, and reads the series several times; the processes take turns, so
that a busy minute hurts all. Every volume is compared with the voxels and the geometry that were written.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

SPACING_MM = (1.25, 0.7, 0.7)
ORIGIN_MM = (-180.0, -170.5, -300.0)
SIZE = 512
AIM_MEMORY = 1.5
TOLERANCE_MM = 1e-4
REPEATS = {"uncompressed": 5, "jpeg2000": 1}
"""Reads in each process."""
KINDS = {"uncompressed": "explicit little endian", "jpeg2000": "JPEG 2000 lossless"}
QUESTION = (
    "Wall time, CPU time and peak memory of reading a CT series of {slices} slices of 512 x 512 from a folder into a "
    "float32 volume in Hounsfield units with its geometry, {threads} threads, files in the page cache. Aim: at least "
    "as fast as the fastest other, and peak memory at most 1.5 times the volume."
)

Volume = tuple[Any, Any]
"""The voxels (d, h, w) and the affine (4, 4) over (d, h, w) in LPS; None as an affine where the tool gives none."""


def make_series(folder: Path, slices: int) -> None:
    """Write both series, and `volume.npy` with the Hounsfield units."""
    import imagecodecs
    import pydicom
    from pydicom.data import get_testdata_file
    from pydicom.encaps import encapsulate
    from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid

    rng = np.random.default_rng(0)
    made = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    for keyword in ("PixelPaddingValue", "SmallestImagePixelValue", "LargestImagePixelValue"):
        if keyword in made:
            delattr(made, keyword)
    made.Rows, made.Columns, made.PixelSpacing = SIZE, SIZE, list(SPACING_MM[1:])
    made.BitsStored, made.HighBit, made.PixelRepresentation = 12, 11, 0
    made.RescaleSlope, made.RescaleIntercept, made.SliceThickness = 1, -1024, SPACING_MM[0]
    made.SeriesInstanceUID = generate_uid()
    names = rng.permutation(slices)
    volume = np.lib.format.open_memmap(folder / "volume.npy", "w+", np.float32, (slices, SIZE, SIZE))
    for kind in KINDS:
        (folder / kind).mkdir()
    for index in range(slices):
        pixels = ct_slice(index / slices, rng)
        volume[index] = pixels.astype(np.float32) - 1024
        height = ORIGIN_MM[2] + SPACING_MM[0] * index
        made.ImagePositionPatient, made.SliceLocation = [*ORIGIN_MM[:2], height], height
        made.InstanceNumber, made.SOPInstanceUID = index + 1, generate_uid()
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        code = imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, codecformat="j2k", bitspersample=12)
        for kind, syntax, data in (
            ("uncompressed", ExplicitVRLittleEndian, pixels.tobytes()),
            ("jpeg2000", JPEG2000Lossless, encapsulate([code])),
        ):
            made.file_meta.TransferSyntaxUID = syntax
            made.PixelData = data
            made["PixelData"].VR = "OW" if kind == "uncompressed" else "OB"
            made["PixelData"].is_undefined_length = kind == "jpeg2000"
            made.save_as(folder / kind / f"{names[index]:04d}.dcm", enforce_file_format=True)
    volume.flush()


def ct_slice(place: float, rng: np.random.Generator) -> Any:
    """(512, 512) stored values of a chest-like slice; `place` in [0, 1) from bottom to top."""
    from scipy import ndimage

    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    body = (x / 0.85) ** 2 + (y / 0.6) ** 2 < 1
    units = np.where(body, 40.0, -1000.0)
    for side in (-1, 1):
        lung = ((x - side * 0.38) / 0.28) ** 2 + ((y + 0.02) / 0.4) ** 2 < 1 - 0.5 * abs(place - 0.5)
        units[lung] = -850
    units[(x / 0.07) ** 2 + ((y - 0.4) / 0.07) ** 2 < 1] = 600
    noise = ndimage.gaussian_filter(rng.normal(0, 60, units.shape), 1.0)
    return np.clip(np.rint(units + noise * np.where(body, 1, 0.3)) + 1024, 0, 4095).astype(np.uint16)


def affine(origin: Any, spacing: Any, directions: Any) -> Any:
    made = np.eye(4)
    made[:3, :3] = np.asarray(directions, float) * np.asarray(spacing, float)
    made[:3, 3] = origin
    return made


_KEPT: list[Any] = []


def read_hounsfield() -> Callable[[str], Volume]:
    import imagecodecs  # noqa: F401  the imports of all readers are left out of the time
    import pydicom  # noqa: F401

    from hounsfield.formats import dicom_series, read  # noqa: F401

    def run(folder: str) -> Volume:
        image = read(folder)
        return image.voxels[0], image.affine

    return run


def read_pydicom() -> Callable[[str], Volume]:
    import pydicom

    def run(folder: str) -> Volume:
        slices = [pydicom.dcmread(entry.path) for entry in os.scandir(folder)]
        slices.sort(key=lambda made: float(made.ImagePositionPatient[2]))
        volume = np.empty((len(slices), slices[0].Rows, slices[0].Columns), np.float32)
        for index, made in enumerate(slices):
            volume[index] = made.pixel_array * np.float32(made.RescaleSlope) + np.float32(made.RescaleIntercept)
        gap = float(slices[1].ImagePositionPatient[2]) - float(slices[0].ImagePositionPatient[2])
        spacing = (gap, *(float(part) for part in slices[0].PixelSpacing))
        return volume, affine([float(part) for part in slices[0].ImagePositionPatient], spacing, np.eye(3)[:, ::-1])

    return run


def read_simpleitk() -> Callable[[str], Volume]:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(int(os.environ["BENCH_THREADS"]))

    def run(folder: str) -> Volume:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
        reader.SetOutputPixelType(sitk.sitkFloat32)
        image = reader.Execute()
        directions = np.asarray(image.GetDirection()).reshape(3, 3)[:, ::-1]
        _KEPT[:] = [image]  # the view below does not own its memory
        return sitk.GetArrayViewFromImage(image), affine(image.GetOrigin(), image.GetSpacing()[::-1], directions)

    return run


def read_highdicom() -> Callable[[str], Volume]:
    import highdicom
    import pydicom

    def run(folder: str) -> Volume:
        datasets = [pydicom.dcmread(entry.path) for entry in os.scandir(folder)]
        volume = highdicom.get_volume_from_series(datasets, dtype=np.float32)
        array, matrix = volume.array, np.asarray(volume.affine, float)
        if matrix[2, 0] < 0:  # it counts slices from the head: a view from the other end, for the comparison
            array, matrix = array[::-1], matrix @ _flip(0, len(array))
        return array, matrix

    return run


def read_monai() -> Callable[[str], Volume]:
    from monai.data import PydicomReader

    def run(folder: str) -> Volume:
        reader = PydicomReader(affine_lps_to_ras=False, swap_ij=False)
        array, meta = reader.get_data(reader.read(folder))
        matrix = np.asarray(meta["affine"], float)[:, [2, 0, 1, 3]]  # its axes are (row, column, slice)
        return np.moveaxis(array, -1, 0).astype(np.float32, copy=False), matrix

    return run


def read_dicomsdl() -> Callable[[str], Volume]:
    import dicomsdl

    def run(folder: str) -> Volume:
        slices = [dicomsdl.open(entry.path) for entry in os.scandir(folder)]
        slices.sort(key=lambda made: float(made.ImagePositionPatient[2]))
        first = slices[0]
        volume = np.empty((len(slices), first.Rows, first.Columns), np.float32)
        for index, made in enumerate(slices):
            volume[index] = made.pixelData(storedvalue=True)
            volume[index] *= np.float32(made.RescaleSlope)
            volume[index] += np.float32(made.RescaleIntercept)
        gap = float(slices[1].ImagePositionPatient[2]) - float(first.ImagePositionPatient[2])
        return volume, affine(first.ImagePositionPatient, (gap, *first.PixelSpacing), np.eye(3)[:, ::-1])

    return run


def read_dcm2niix() -> Callable[[str], Volume]:
    import nibabel

    def run(folder: str) -> Volume:
        with tempfile.TemporaryDirectory() as out:
            command = ["dcm2niix", "-b", "n", "-z", "n", "-f", "ct", "-o", out, folder]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            image: Any = nibabel.load(next(Path(out).glob("*.nii")))
            voxels = np.asarray(image.dataobj, dtype=np.float32)
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine @ _flip(1, voxels.shape[1])
        return voxels[:, ::-1].T, lps[:, [2, 1, 0, 3]]

    return run


def _flip(axis: int, length: int) -> Any:
    made = np.eye(4)
    made[axis, axis], made[axis, 3] = -1, length - 1
    return made


READERS: dict[str, tuple[str, Callable[[], Callable[[str], Volume]]]] = {
    "hounsfield": ("hounsfield", read_hounsfield),
    "pydicom loop": ("pydicom", read_pydicom),
    "dicomsdl loop": ("dicomsdl", read_dicomsdl),
    "SimpleITK": ("SimpleITK", read_simpleitk),
    "highdicom": ("highdicom", read_highdicom),
    "MONAI PydicomReader": ("monai", read_monai),
    "dcm2niix + nibabel": ("dcm2niix", read_dcm2niix),
}
"""What each needs (a module, or a program), and how it reads."""


def reset_peak() -> float:
    """MiB resident now; the peak is counted from here (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return status_mib("VmRSS")


def peak_mib() -> float:
    """The largest resident set since `reset_peak`, and that of an ended child."""
    return status_mib("VmHWM") + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def status_mib(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def cpu_s() -> float:
    return sum(os.times()[:4])


def measure_one(name: str, folder: Path, kind: str, repeats: int) -> None:
    """Read several times and print what was measured; runs in a process of its own."""
    run = READERS[name][1]()
    before = reset_peak()
    found: dict[str, Any] = {"wall_s": [], "cpu_s": []}
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), cpu_s()
        voxels, matrix = run(str(folder / kind))
        found["wall_s"].append(time.perf_counter() - wall)
        found["cpu_s"].append(cpu_s() - cpu)
        found.setdefault("peak_mib", peak_mib() - before)
        keep = voxels, matrix
        del voxels
    voxels, matrix = keep
    truth = np.load(folder / "volume.npy", mmap_mode="r")
    same = voxels.shape == truth.shape and all(np.array_equal(a, b) for a, b in zip(voxels, truth, strict=True))
    expected = affine(ORIGIN_MM, SPACING_MM, np.eye(3)[:, ::-1])
    apart = float(np.abs(np.asarray(matrix) - expected).max())
    print(json.dumps(found | {"voxels_equal": same, "geometry_apart_mm": apart}))


def installed(need: str) -> bool:
    return shutil.which(need) is not None if need == "dcm2niix" else find_spec(need) is not None


def measure_all(folder: Path, options: argparse.Namespace) -> dict[tuple[str, str], list[dict[str, Any]]]:
    names = [name for name, (need, _) in READERS.items() if installed(need)]
    for name in READERS.keys() - set(names):
        print(f"left out: {name} (not installed)", file=sys.stderr)
    threads = str(options.threads)
    environment = os.environ | {"OMP_NUM_THREADS": threads, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": threads}
    environment |= {"BENCH_THREADS": threads, "PYTHONWARNINGS": "ignore"}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for turn in range(options.rounds):
        for kind in KINDS:
            for name in names:
                print(f"round {turn + 1}: {name}, {kind}", file=sys.stderr)
                command = [sys.executable, __file__, "--one", name, kind, str(folder), str(REPEATS[kind])]
                done = subprocess.run(command, env=environment, capture_output=True, text=True)
                if done.returncode:
                    print(f"failed: {name}, {kind}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                    continue
                found.setdefault((kind, name), []).append(json.loads(done.stdout.splitlines()[-1]))
    return found


def table(found: dict[tuple[str, str], list[dict[str, Any]]], volume_mib: float) -> list[dict[str, Any]]:
    rows = []
    for (kind, name), runs in found.items():
        walls = [wall for run in runs for wall in run["wall_s"]]
        cpus = [cpu for run in runs for cpu in run["cpu_s"]]
        rows.append(
            {
                "pixels": KINDS[kind], "reader": name,
                "wall_min_s": min(walls), "wall_median_s": float(np.median(walls)),
                "cpu_min_s": min(cpus), "cpu_median_s": float(np.median(cpus)),
                "peak_of_volume": min(run["peak_mib"] for run in runs) / volume_mib,
                "voxels_equal": all(run["voxels_equal"] for run in runs),
                "geometry_apart_mm": max(run["geometry_apart_mm"] for run in runs),
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row["pixels"] != KINDS["uncompressed"], row["wall_min_s"]))


def missed(rows: list[dict[str, Any]]) -> list[str]:
    """The aims that were not met, a sentence each."""
    problems = []
    for pixels in KINDS.values():
        here = [row for row in rows if row["pixels"] == pixels]
        ours = next(row for row in here if row["reader"] == "hounsfield")
        fastest = min((row for row in here if row is not ours), key=lambda row: row["wall_min_s"], default=ours)
        if ours["wall_min_s"] > fastest["wall_min_s"]:
            problems.append(f"{pixels}: {ours['wall_min_s']:.2f} s, {fastest['reader']} {fastest['wall_min_s']:.2f} s")
        if ours["peak_of_volume"] > AIM_MEMORY:
            problems.append(f"{pixels}: peak memory {ours['peak_of_volume']:.2f} times the volume")
        if not ours["voxels_equal"] or ours["geometry_apart_mm"] > TOLERANCE_MM:
            problems.append(f"{pixels}: voxels or geometry differ from what was written")
    return problems


def main() -> int:
    """0 when the aims are met, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    from record import record

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_series(folder, options.slices)
        found = measure_all(folder, options)
    volume_mib = options.slices * SIZE * SIZE * 4 / 2**20
    rows = table(found, volume_mib)
    notes = [
        f"{options.rounds} rounds in which the readers take turns, each in a fresh process that reads the series "
        f"{REPEATS['uncompressed']} times (JPEG 2000: once) after its imports. Other programs may have run beside it: "
        "compare the minima.",
        f"The volume takes {volume_mib:.0f} MiB; peak memory is that of the first read of a process, above its start.",
        "voxels equal: to what was written, in each read; geometry apart: largest difference in the affine, mm.",
        *(["All ran at a raised priority, because the machine was not idle."] if os.nice(0) < 0 else []),
        "dcm2niix writes a NIfTI file that is then loaded; its memory is counted in.",
    ]
    packages = ["numpy", "pydicom", "imagecodecs", "python-gdcm", "pylibjpeg-openjpeg", "SimpleITK", "highdicom"]
    question = QUESTION.format(slices=options.slices, threads=options.threads)
    record("ct_series", question, rows, packages=[*packages, "monai", "dicomsdl", "nibabel"], notes=notes)
    problems = missed(rows)
    for problem in problems:
        print(f"aim missed: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure_one(sys.argv[2], Path(sys.argv[4]), sys.argv[3], int(sys.argv[5]))
        sys.exit(0)
    sys.exit(main())
