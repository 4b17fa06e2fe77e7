"""All cases preprocessed once and kept on disk, so that an epoch reads them at the speed of memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.atomic import atomic_file, write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.errors import HounsfieldError, TrainingError
from hounsfield.plan import Input
from hounsfield.plan.network_input import network_array, prepare_case
from hounsfield.progress import track

_STORED_TYPE = np.float16
"""Half the memory of float32; its steps near 1 are 0.001, finer than the grey levels of an 8-bit film."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """The network's inputs and targets, row by row."""

    voxels: VoxelArray
    """(n, channels, *canvas) float16, mapped from disk."""
    targets: IntArray
    """(n,) class indices."""
    cases: tuple[Case, ...]
    failed: tuple[tuple[str, str], ...]
    """Cases that could not be read: id, and the reason as a sentence."""

    def rows(self, ids: Sequence[str]) -> IntArray:
        """Row numbers of those of the cases `ids` that could be read, in the order of `ids`."""
        number = {case.id: row for row, case in enumerate(self.cases)}
        return np.asarray([number[case] for case in ids if case in number], dtype=np.int64)


def prepare_inputs(dataset: Dataset, cases: Sequence[Case], spec: Input, folder: Path, *, threads: int) -> Inputs:
    """Preprocess every labelled case into `folder`, or take what an earlier call left there.

    Args:
        dataset: Where the cases come from.
        cases: Cases with a target.
        spec: The plan's input section.
        folder: Where the array is kept.
        threads: Cases prepared at once; decoding and filters run outside Python's lock.

    Raises:
        TrainingError: Fewer than half of the cases can be read; the message shows the first reasons.
    """
    array_path, index_path = folder / "inputs.npy", folder / "inputs.json"
    key = _key(cases, spec)
    if index_path.is_file() and array_path.is_file():
        index = json.loads(index_path.read_text(encoding="utf-8"))
        if index["key"] == key:
            return _open(array_path, cases, index["failed"])
    index_path.unlink(missing_ok=True)
    failed: dict[str, str] = {}
    with atomic_file(array_path) as temporary:
        shape = (len(cases), spec.channels, *spec.canvas)
        voxels = np.lib.format.open_memmap(temporary, mode="w+", dtype=_STORED_TYPE, shape=shape)
        with ThreadPoolExecutor(threads) as pool:
            results = pool.map(lambda case: _prepare(case, spec), cases)
            for row, result in enumerate(track(results, f"preparing {dataset.name}", total=len(cases))):
                if isinstance(result, HounsfieldError):
                    failed[cases[row].id] = str(result)
                else:
                    voxels[row] = result
        voxels.flush()
        del voxels
    if len(failed) > len(cases) / 2:
        some = "; ".join(f"{case}: {reason}" for case, reason in list(failed.items())[:3])
        raise TrainingError(f"{len(failed)} of {len(cases)} cases of {dataset.root} cannot be read ({some})")
    write_text(index_path, json.dumps({"key": key, "failed": failed}))
    return _open(array_path, cases, failed)


def _prepare(case: Case, spec: Input) -> FloatArray | HounsfieldError:
    (ref,) = case.images.values()
    try:
        return network_array(prepare_case(ref, spec), spec)
    except HounsfieldError as error:
        return error


def _open(path: Path, cases: Sequence[Case], failed: dict[str, str]) -> Inputs:
    good = [row for row, case in enumerate(cases) if case.id not in failed]
    voxels = np.load(path, mmap_mode="r")
    if failed:
        voxels = voxels[good]
    kept = tuple(cases[row] for row in good)
    targets = np.asarray([case.target for case in kept], dtype=np.int64)
    return Inputs(voxels, targets, kept, tuple(failed.items()))


def _key(cases: Sequence[Case], spec: Input) -> str:
    """Changes when a case, its file or the preprocessing changes."""
    digest = hashlib.sha256(spec.model_dump_json().encode())
    for case in cases:
        for ref in case.images.values():
            state = ref.path.stat() if ref.path.exists() else None
            stamp = (state.st_size, state.st_mtime_ns) if state else ()
            digest.update(repr((case.id, case.target, ref, stamp)).encode())
    return digest.hexdigest()
