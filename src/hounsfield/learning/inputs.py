"""All cases preprocessed once and kept on disk, so that an epoch reads them at the speed of memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.atomic import atomic_file, write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.parallel import in_order
from hounsfield.errors import HounsfieldError
from hounsfield.findings.region import Box
from hounsfield.learning.stored import STORED_TYPE, no_memory, require_half, require_in_range
from hounsfield.plan import Input, Plan
from hounsfield.plan.columns import encode
from hounsfield.plan.network_input import Placed, case_array, placed_case
from hounsfield.progress import track

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sought:
    """What is to be found or located on images."""

    kinds: tuple[str, ...] = ()
    """Labels of the boxes that are kept, in order."""
    landmarks: tuple[str, ...] = ()
    """Names of the points."""

    def __bool__(self) -> bool:
        return bool(self.kinds or self.landmarks)


NOTHING = Sought()


def sought_by(plan: Plan) -> Sought:
    """What a plan finds or locates."""
    return Sought(plan.detection.kinds, plan.localization.landmarks)


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
    boxes: tuple[FloatArray, ...] = ()
    """Of each row (boxes, 2 · dims + 1): x0, y0, x1, y1 in pixels of the canvas, or x0, y0, z0, x1, y1, z1, and the
    number of the kind; empty where the plan
    looks for none, as the next one."""
    points: FloatArray | None = None
    """(n, landmarks, dims) float32, in pixels of the canvas from its outer edge, axes in the array's order; NaN where
    one is not there. None, or without any landmark, where the plan locates nothing."""
    onto: FloatArray | None = None
    """(n, 4, 4), from array index (d, h, w) of the canvas to that of the image as stored."""
    spacing_mm: tuple[tuple[float, ...], ...] = ()
    """Of the images as stored, along (d, h, w), each empty where it is not known; of none where `onto` is None."""
    shapes: tuple[tuple[int, int, int], ...] = ()
    """Of the images as stored, (d, h, w), where `onto` is known and nothing is outlined."""
    images: tuple[VoxelArray, ...] = ()
    """Where labels are outlined: of each row (channels, d, h, w) float16 of its own size; `voxels` is then empty."""
    codes: tuple[IntArray, ...] = ()
    """Of each row (d, h, w) uint8: what its voxels are, see `tasks.segmentation`."""

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


def prepare_inputs(
    dataset: Dataset, cases: Sequence[Case], spec: Input, folder: Path, *, threads: int, sought: Sought = NOTHING
) -> Inputs:
    """Preprocess every labelled case into `folder`, or take what an earlier call left there.

    Args:
        dataset: Where the cases come from.
        cases: Cases with a target.
        spec: The plan's input section.
        folder: Where the array is kept.
        threads: Cases prepared at once; decoding and filters run outside Python's lock.
        sought: What on the images is kept beside them.

    Raises:
        TrainingError: Fewer than half of the cases can be read; the message shows the first reasons.
        StorageError: The disk refused, or the memory is too short to prepare a case.
    """
    key = inputs_key(cases, spec, sought=sought)
    array_path, index_path = (folder / f"inputs-{key[:16]}.{suffix}" for suffix in ("npy", "json"))
    if index_path.is_file() and array_path.is_file():
        index = json.loads(index_path.read_text(encoding="utf-8"))
        if index["key"] == key and all("shape" in own for own in index.get("placed", ())):  # earlier versions kept none
            return _open(array_path, cases, index, key, spec)
    index_path.unlink(missing_ok=True)
    failed: dict[str, str] = {}
    placed: list[_Placed] = []
    with (
        atomic_file(array_path) as temporary,
        temporary.open("wb") as stream,
        closing(in_order(lambda case: _prepare(case, spec, sought), cases, threads=threads)) as results,
    ):
        _write_header(stream, len(cases), spec)
        for case, result in zip(cases, track(results, f"preparing {dataset.name}", total=len(cases)), strict=True):
            if isinstance(result, HounsfieldError):
                failed[case.id] = str(result)
            else:
                stream.write(result[0].tobytes())
                placed.append(result[1])
        stream.seek(0)
        _write_header(stream, len(cases) - len(failed), spec)
    require_half(failed, cases, dataset)
    index = {"key": key, "failed": failed, "placed": placed if sought else []}
    write_text(index_path, json.dumps(index))
    return _open(array_path, cases, index, key, spec)


def _write_header(stream: BinaryIO, rows: int, spec: Input) -> None:
    """Begin an npy file; NumPy leaves room for any number of rows, so the header can be written again."""
    shape = (rows, spec.stored_channels, *spec.canvas)
    header = {"descr": np.lib.format.dtype_to_descr(STORED_TYPE), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)


_Placed = dict[str, list[list[float]]]
"""The "boxes" and "points" of an image as in `Inputs`, its way "onto" the stored one, and the "spacing" and "shape" of
that."""
_Prepared = tuple[VoxelArray, _Placed]


def _prepare(case: Case, spec: Input, sought: Sought) -> _Prepared | HounsfieldError:
    """The array of a case, and what is sought on it."""
    try:
        placed = placed_case(case, spec, landmarks=sought.landmarks) if sought else None
        array = case_array(case, spec) if placed is None else placed.array
        require_in_range(array, _first(case))
        return array.astype(STORED_TYPE), {} if placed is None else _plain(placed, sought, len(spec.shape))
    except HounsfieldError as error:
        return error
    except MemoryError as error:
        raise no_memory(_first(case)) from error


def _plain(placed: Placed, sought: Sought, dims: int) -> _Placed:
    boxes = [
        [*corners_of(box, dims), float(sought.kinds.index(box.label))] for box in (placed.boxes if sought.kinds else ())
    ]
    return {
        "boxes": boxes,
        "points": placed.points[:, 3 - dims :].tolist(),
        "onto": placed.onto.tolist(),
        "spacing": [list(placed.spacing_mm)],
        "shape": [list(placed.shape)],
    }


def corners_of(box: Box, dims: int) -> list[float]:
    """x0, y0, x1, y1 of a flat box; x0, y0, z0, x1, y1, z1 of one in a volume."""
    return [box.x0, box.y0, box.x1, box.y1] if dims == 2 else [box.x0, box.y0, box.z0, box.x1, box.y1, box.z1]


def _first(case: Case) -> Path:
    return next(iter(case.images.values())).path


def _open(path: Path, cases: Sequence[Case], index: Mapping[str, Any], key: str, spec: Input) -> Inputs:
    failed: dict[str, str] = index["failed"]
    kept = tuple(case for case in cases if case.id not in failed)
    voxels = np.load(path, mmap_mode="r")
    targets = np.asarray([case.target for case in kept], dtype=np.int64)
    table = np.stack([encode(case.columns, spec.columns) for case in kept]) if spec.columns else None
    placed: Sequence[_Placed] = index.get("placed", ())
    boxes = tuple(np.array(own["boxes"], dtype=np.float32).reshape(-1, 2 * len(spec.shape) + 1) for own in placed)
    points = np.array([own.get("points", []) for own in placed], dtype=np.float32) if placed else None
    onto = np.array([own["onto"] for own in placed]) if placed else None
    spacing = tuple(tuple(*own.get("spacing", [])) for own in placed)
    shapes = tuple((int(d), int(h), int(w)) for own in placed for d, h, w in own["shape"])
    return Inputs(voxels, targets, kept, tuple(failed.items()), key, table, boxes, points, onto, spacing, shapes)


def inputs_key(cases: Sequence[Case], spec: Input, *, sought: Sought = NOTHING, labels: str = "") -> str:
    """Changes when a case, its file or the preprocessing changes; or a box, landmark or mask, where these are learned,
    and the `labels` of masks."""
    digest = hashlib.sha256(f"{spec.model_dump_json()}{labels}".encode())
    if sought.kinds:
        digest.update(repr((tuple(sought.kinds), [case.boxes for case in cases])).encode())
    if sought.landmarks:
        digest.update(repr((tuple(sought.landmarks), [case.points for case in cases])).encode())
    for case in cases:
        masks = [(case.mask, path) for path in case.mask_paths] if labels else []
        images = [(ref, part.path) for ref in case.images.values() for part in ref.parts]
        for ref, path in (*images, *masks):
            state = path.stat() if path.exists() else None
            stamp = (state.st_size, state.st_mtime_ns) if state else ()
            digest.update(repr((case.id, case.target, ref, stamp, sorted(case.columns.items()))).encode())
    return digest.hexdigest()
