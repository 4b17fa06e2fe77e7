"""`Image`: an array and where it lies in the patient; `Mask`: what its voxels are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray, IntArray, VoxelArray
from hounsfield.errors import ShapeError

SpacingKind = Literal["patient", "detector", "none"]
"""What a millimetre means: in the patient (PixelSpacing, an affine), at the detector (ImagerPixelSpacing, so
magnified), or nothing (a PNG: spacing is 1 by convention and no distance may be quoted)."""


@dataclass(frozen=True)
class Window:
    """A grey-level window for display (PS3.3 C.11.2.1.2)."""

    center: float
    """Level shown as mid grey, in the image's units."""
    width: float
    """Range of levels from black to white, > 0."""
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"
    name: str = ""
    """The window's explanation in the file, for instance "LUNG"."""
    table: tuple[float, ...] = ()
    """A VOI LUT instead of a function (PS3.3 C.11.2.1.1): output in [0, 1] at even steps from center - width / 2 to
    center + width / 2. Where a table is not known what to do with, the line through its ends comes close."""


@dataclass(frozen=True)
class Source:
    """Where an image came from, and what its file says about it. Empty strings mean: not said."""

    path: Path | None = None
    format: str = ""
    """"dicom", "nifti", "nrrd", "metaimage", "png", "jpeg", "tiff", "npz" …"""
    patient_id: str = ""
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    sop_uids: tuple[str, ...] = ()
    """SOP instance UIDs, in the order of the slices; one where the slices are frames of one file."""
    frames: tuple[int, ...] = ()
    """Of slices that are frames of one file, which frame each is, from 0."""
    body_part: str = ""
    laterality: Literal["L", "R", "B", ""] = ""
    view: str = ""
    """Mammography view, "CC", "MLO" …, or the radiographic view position."""
    sex: str = ""
    age_years: float | None = None
    manufacturer: str = ""
    description: str = ""
    photometric: str = ""
    """As stored: "MONOCHROME1" voxels were already inverted by the reader, so that bright is always dense."""


@dataclass(frozen=True, eq=False)
class Image:
    """An image and where it lies in the patient. Values never change: use `dataclasses.replace`."""

    voxels: VoxelArray
    """(channel, depth, height, width), depth 1 when planar. CT in Hounsfield units, otherwise after the modality
    LUT; as stored (uint8, uint16 …) where nothing had to be rescaled, else float32."""
    affine: FloatArray
    """(4, 4) float64, array index (depth, height, width) to patient space, LPS, millimetres."""
    modality: str = ""
    """DICOM modality code ("MG", "CT", "MR" …), empty when the file does not say."""
    spacing_kind: SpacingKind = "none"
    windows: tuple[Window, ...] = ()
    """The file's own windows, in its order; CT in HU."""
    source: Source = field(default_factory=Source)
    channel_names: tuple[str, ...] = ()
    """Of an image that was put together from several; empty of a grey or a coloured one."""

    def __post_init__(self) -> None:
        if self.voxels.ndim != 4 or 0 in self.voxels.shape:
            raise ShapeError(f"voxels must have shape (channel, depth, height, width), not {self.voxels.shape}")
        if self.channel_names and len(self.channel_names) != len(self.voxels):
            raise ShapeError(f"{len(self.voxels)} channels cannot be called {', '.join(self.channel_names)}")
        if self.affine.shape != (4, 4):
            raise ShapeError(f"affine must have shape (4, 4), not {self.affine.shape}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(depth, height, width)."""
        return self.voxels.shape[1], self.voxels.shape[2], self.voxels.shape[3]

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour, or as many as are named."""
        return int(self.voxels.shape[0])

    @property
    def apart(self) -> tuple[Image, ...]:
        """Of named channels a grey image each, of which the first has modality and windows; else the image itself.

        Pictures show the first.
        """
        if not self.channel_names:
            return (self,)
        first = replace(self, voxels=self.voxels[:1], channel_names=())
        others = [replace(first, voxels=one[None], modality="", windows=()) for one in self.voxels[1:]]
        return first, *others

    @property
    def planar(self) -> bool:
        """Whether there is only one slice."""
        return self.shape[0] == 1

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distances between neighbours along (d, h, w); mean nothing when `spacing_kind` is "none"."""
        return geometry.spacing_mm(self.affine)

    @property
    def placed(self) -> bool:
        """Whether its affine says where it lies in the patient: not that of a flat image whose file knows no place."""
        return is_placed(self.affine, self.spacing_kind)


def is_placed(affine: FloatArray, spacing_kind: SpacingKind) -> bool:
    """Whether an affine says where an image lies in the patient, as `Image.placed`."""
    _, down, across = geometry.spacing_mm(affine)
    return spacing_kind == "patient" and not np.array_equal(affine, geometry.planar_affine((down, across)))


@dataclass(frozen=True, eq=False)
class Mask:
    """What the voxels of an image are, on the image's own grid."""

    labels: IntArray
    """(depth, height, width) whole numbers: the place of a voxel's name in `names` from 1, or 0 for none; where names
    may overlap a bit each, the first one's the lowest. Of instances, the number of the object a voxel is of."""
    names: tuple[str, ...]
    exclusive: bool = True
    """Whether a voxel has one name at most."""
    instances: bool = False
    """Whether each number is an object by itself; all of them have the one name."""

    def __post_init__(self) -> None:
        if self.instances and (len(self.names) != 1 or not self.exclusive):
            raise ShapeError(f"objects that are numbered have one name for all, not {self.names}")
        if self.labels.ndim != 3:
            raise ShapeError(f"labels must have shape (depth, height, width), not {self.labels.shape}")
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise ShapeError(f"labels must be whole numbers, not {self.labels.dtype}")

    def parts(self) -> Iterator[tuple[str, BoolArray]]:
        """Each name and where it is, (depth, height, width), one after another."""
        if self.instances:
            yield self.names[0], self.labels > 0
            return
        for place, name in enumerate(self.names):
            where: BoolArray = self.labels == place + 1 if self.exclusive else (self.labels >> place) & 1 == 1
            yield name, where
