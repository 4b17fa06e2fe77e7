"""All cases preprocessed once and kept on disk, so that an epoch reads them at the speed of memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.atomic import atomic_file, write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.errors import HounsfieldError, ImageError, StorageError, TrainingError
from hounsfield.plan import Input
from hounsfield.plan.columns import encode
from hounsfield.plan.network_input import case_array
from hounsfield.progress import track

if TYPE_CHECKING:
    from torch import Tensor

_STORED_TYPE = np.dtype(np.float16)
"""Half the memory of float32; its steps near 1 are 0.001, finer than the grey levels of an 8-bit film."""

_LARGEST = float(np.finfo(_STORED_TYPE).max)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The network's inputs and targets, row by row."""

    voxels: VoxelArray
    """(n, stored channels, *canvas) float16, mapped from disk."""
    targets: IntArray
    """(n,) class indices."""
    cases: tuple[Case, ...]
    failed: tuple[tuple[str, str], ...]
    """Cases that could not be read: id, and the reason as a sentence."""
    key: str = ""
    """Changes when a case, its file or the preprocessing changes."""

    table: FloatArray | None = None
    """(n, K) numbers beside the images, NaN where one is missing; None where the plan has no columns."""

    def rows(self, ids: Sequence[str]) -> IntArray:
        """Row numbers of those of the cases `ids` that could be read, in the order of `ids`."""
        number = {case.id: row for row, case in enumerate(self.cases)}
        return np.asarray([number[case] for case in ids if case in number], dtype=np.int64)


def images_of(inputs: Inputs, rows: IntArray) -> Tensor:
    """Images (n, channels, *canvas) float32 of some rows."""
    import torch

    return torch.from_numpy(inputs.voxels[rows].astype(np.float32))


def table_of(inputs: Inputs, rows: IntArray) -> Tensor | None:
    """Numbers (n, K) beside the images of some rows, if there are any."""
    import torch

    return None if inputs.table is None else torch.from_numpy(inputs.table[rows])


def require_enough(inputs: Inputs, train_rows: IntArray, val_rows: IntArray) -> None:
    """Accept rows that can be learned from and validated on.

    Raises:
        TrainingError: Fewer than two classes are left to learn from, or no case to validate on.
    """
    classes = len(np.unique(inputs.targets[train_rows]))
    if classes < 2 or len(val_rows) == 0:
        raise TrainingError(
            f"{len(train_rows)} cases of {classes} classes are left to learn from and {len(val_rows)} to validate on, "
            f"after {len(inputs.failed)} that cannot be read; two classes and a validation case are needed: mend the "
            "files that inspect names, or use another split"
        )


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
        StorageError: The disk refused, or the memory is too short to prepare a case.
    """
    key = inputs_key(cases, spec)
    array_path, index_path = (folder / f"inputs-{key[:16]}.{suffix}" for suffix in ("npy", "json"))
    if index_path.is_file() and array_path.is_file():
        index = json.loads(index_path.read_text(encoding="utf-8"))
        if index["key"] == key:
            return _open(array_path, cases, index["failed"], key, spec)
    index_path.unlink(missing_ok=True)
    failed: dict[str, str] = {}
    with (
        atomic_file(array_path) as temporary,
        temporary.open("wb") as stream,
        closing(_prepared(cases, spec, threads)) as results,
    ):
        _write_header(stream, len(cases), spec)
        for case, result in zip(cases, track(results, f"preparing {dataset.name}", total=len(cases)), strict=True):
            if isinstance(result, HounsfieldError):
                failed[case.id] = str(result)
            else:
                stream.write(result.tobytes())
        stream.seek(0)
        _write_header(stream, len(cases) - len(failed), spec)
    if len(failed) > len(cases) / 2:
        some = "; ".join(f"{case}: {reason}" for case, reason in list(failed.items())[:3])
        raise TrainingError(f"{len(failed)} of {len(cases)} cases of {dataset.root} cannot be read ({some})")
    write_text(index_path, json.dumps({"key": key, "failed": failed}))
    return _open(array_path, cases, failed, key, spec)


def _write_header(stream: BinaryIO, rows: int, spec: Input) -> None:
    """Begin an npy file; NumPy leaves room for any number of rows, so the header can be written again."""
    shape = (rows, spec.stored_channels, *spec.canvas)
    header = {"descr": np.lib.format.dtype_to_descr(_STORED_TYPE), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)


def _prepared(cases: Sequence[Case], spec: Input, threads: int) -> Generator[VoxelArray | HounsfieldError, None, None]:
    """What `_prepare` gives of each case, in order; closing it stops the work."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(lambda case: _prepare(case, spec), cases)
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(case: Case, spec: Input) -> VoxelArray | HounsfieldError:
    try:
        array = case_array(case, spec)
        largest = float(np.abs(array).max())
        if not largest <= _LARGEST:
            return ImageError(
                f"{_first(case)}: preprocessing gave values up to {largest:g}; networks learn from values near 0 … 1, "
                'end input.steps with "rescale" or "zscore"'
            )
        return array.astype(_STORED_TYPE)
    except HounsfieldError as error:
        return error
    except MemoryError as error:
        raise StorageError(
            f"{_first(case)}: there is not enough memory to prepare it; end other programs and give the command again"
        ) from error


def _first(case: Case) -> Path:
    return next(iter(case.images.values())).path


def _open(path: Path, cases: Sequence[Case], failed: dict[str, str], key: str, spec: Input) -> Inputs:
    kept = tuple(case for case in cases if case.id not in failed)
    voxels = np.load(path, mmap_mode="r")
    targets = np.asarray([case.target for case in kept], dtype=np.int64)
    table = np.stack([encode(case.columns, spec.columns) for case in kept]) if spec.columns else None
    return Inputs(voxels, targets, kept, tuple(failed.items()), key, table)


def inputs_key(cases: Sequence[Case], spec: Input) -> str:
    """Changes when a case, its file or the preprocessing changes."""
    digest = hashlib.sha256(spec.model_dump_json().encode())
    for case in cases:
        for ref in case.images.values():
            state = ref.path.stat() if ref.path.exists() else None
            stamp = (state.st_size, state.st_mtime_ns) if state else ()
            digest.update(repr((case.id, case.target, ref, stamp, sorted(case.columns.items()))).encode())
    return digest.hexdigest()
