"""`Case`: one patient's item with its images and its target; `Dataset`: the cases and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box, Point

Part = Literal["train", "val", "test"]

ONE_VIEW = ("image",)
"""What the image of a case is called where a case has one."""


@dataclass(frozen=True)
class Crop:
    """A square cut around a box, in pixels of the stored image."""

    box: Box
    context: float = 1.5
    """Side of the square as a multiple of the box's longer side; > 0."""


@dataclass(frozen=True)
class Channel:
    """One of the images that an image is put together from."""

    name: str
    path: Path
    volume: int = 0
    """Which of the volumes in that file it is …"""
    volumes: int = 1
    """… of so many."""


@dataclass(frozen=True)
class ImageRef:
    """Where an image lies; nothing is read until `datasets.load` is called."""

    path: Path
    array: str = ""
    """Name of the array in an npz file, else empty."""
    index: int | None = None
    """Row of that array."""
    crop: Crop | None = None
    series: str = ""
    """UID of the DICOM series that is meant in a folder of several, else empty."""
    files: tuple[Path, ...] = ()
    """Of that series, where they are known; else the folder is looked through for them."""
    channels: tuple[Channel, ...] = ()
    """Where it is put together from several: on the grid of the first, whose path `path` is."""
    wanted: tuple[str, ...] = ()
    """Names of those channels that are taken, in order; all where none is named."""

    @property
    def taken(self) -> tuple[Channel, ...]:
        """The channels that are loaded, in order."""
        by_name = {one.name: one for one in self.channels}
        return tuple(by_name[name] for name in self.wanted) if self.wanted else self.channels

    @property
    def parts(self) -> tuple[ImageRef, ...]:
        """What it is put together from, each file once; itself where it is one."""
        paths = dict.fromkeys(one.path for one in self.channels)
        return tuple(ImageRef(path) for path in paths) if paths else (self,)

    @property
    def whole(self) -> ImageRef:
        """The same without its crop: images of one are cut from the same."""
        return replace(self, crop=None)


@dataclass(frozen=True)
class DrawnMask:
    """Named structures that were drawn on the image of a case, in DICOM segmentations or structure sets."""

    paths: tuple[Path, ...]
    labels: tuple[tuple[str, ...], ...] = ()
    """Of each label the names that its structures have; none before `datasets.segmentation` has chosen them."""
    numbers: tuple[tuple[tuple[int, ...], int], ...] = ()
    """The number of each combination of labels, by their places, that a voxel may have."""


@dataclass(frozen=True)
class Case:
    """One patient's item."""

    id: str
    """Unique in its data set."""
    patient: str
    """Whom it is of; the case's own id where the data do not say."""
    images: Mapping[str, ImageRef]
    """By view, in the order of `Dataset.views`; where cases have one image it is called "image"."""
    target: int | None = None
    """Index into `Dataset.classes`; None when unlabelled."""
    boxes: tuple[Box, ...] = ()
    """On the one image; a case of views has none."""
    points: tuple[Point, ...] = ()
    """Landmarks on the one image, each labelled with its name; a case of views has none."""
    mask: ImageRef | DrawnMask | None = None
    site: str = ""
    age_years: float | None = None
    sex: str = ""
    part: Part | None = None
    """The part the data's makers put it in, or that a column of a table gives, such as the site; if any."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further columns by which results are shown in subgroups."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Cells that go into the network beside the images, as the table has them; "" where it has none."""
    auxiliary: Mapping[str, str] = field(default_factory=dict)
    """Cells that are learned beside the class, as the table has them; "" where it has none."""
    origin: str = ""
    """Of a case that another data set was joined with: the name of its own, which stands before its id and patient."""
    together: str = ""
    """Name of a group of patients who share an exposure, as an audit found; "" for none."""

    @property
    def unit(self) -> str:
        """What splits keep on one side: the patient, or the group of patients who share an exposure."""
        return self.together or self.patient

    @property
    def mask_paths(self) -> tuple[Path, ...]:
        """The files or folders of its mask."""
        if self.mask is None:
            return ()
        return self.mask.paths if isinstance(self.mask, DrawnMask) else (self.mask.path,)

    @property
    def image(self) -> ImageRef:
        """The case's only image.

        Raises:
            DatasetError: It has several.
        """
        if len(self.images) > 1:
            raise DatasetError(
                f"the case {self.id!r} has {len(self.images)} images ({', '.join(self.images)}) where one is expected; "
                "use a description without [views], or with one view in [views] names"
            )
        (ref,) = self.images.values()
        return ref

    def grouping(self) -> dict[str, str]:
        """What results are grouped by: the attributes, and where known the site, the sex and the decade of age."""
        found = dict(self.attributes)
        if self.site:
            found["site"] = self.site
        if self.sex:
            found["sex"] = self.sex
        if self.age_years is not None:
            decade = int(self.age_years // 10 * 10)
            found["age"] = f"{decade}–{decade + 9}"
        return found


@dataclass(frozen=True)
class Dataset:
    """The cases, lazily read, and where they came from."""

    name: str
    root: Path
    cases: tuple[Case, ...]
    classes: tuple[str, ...]
    """Class names; of two, the second is the positive one."""
    layout: str
    """"folders", "medmnist", "table" …"""
    patients_known: bool = True
    """False where no patient ids exist and every case counts as its own patient."""
    notes: tuple[str, ...] = ()
    """What was left out on opening, and why, a sentence each."""
    fractions: tuple[float, float, float] | None = None
    """Of train, val and test, where the data's description wishes a split of its own."""
    parts_from: str = ""
    """The column that gave the cases their parts; empty where the data's makers did without one."""
    modality: str = ""
    """DICOM modality code of images whose files do not say, for instance "MG" for film scans in JPEG."""
    views: tuple[str, ...] = ONE_VIEW
    """What the images of a case are called, in order; a case may lack some of them."""
    channels: Mapping[str, str] = field(default_factory=dict)
    """Names of the channels that the image of each case is put together from, in order, and the DICOM modality code of
    each where it is described; empty where images are grey or coloured ones."""
    inputs: tuple[str, ...] = ()
    """The keys of every `Case.columns`, in order."""
    auxiliary: tuple[str, ...] = ()
    """The keys of every `Case.auxiliary`, in order."""
    kinds: tuple[str, ...] = ()
    """Labels of boxes, where the boxes are to be found (see `datasets.detection`); else empty."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Landmarks that the data's description names, and where each lies on a case's mask, in words (see
    `datasets.landmarks`); "" where `Case.points` has it."""
    landmarks: tuple[str, ...] = ()
    """Names of those that are to be located (see `datasets.localization`); else empty."""
    numbers: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)
    """Names that the data's makers, or its description, give to numbers on masks, or to what structures are called in
    DICOM files; a region may have several, and a label none of its own, where each number is one object of it."""
    unlabelled: int = 0
    """The number on masks where nobody knows what a voxel is; 0 where there is none."""
    others_are_nothing: bool = False
    """Whether numbers on masks that are no label count as nothing; else their images are left out."""
    labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The names and numbers that are to be outlined (see `datasets.segmentation`); else empty."""
    repeated_rows: int = 0
    """Rows of its table that are word for word the same as another; each is used once."""

    def __post_init__(self) -> None:
        """Refuse cases that share an id, and images and cells that are none of the views and columns."""
        seen: set[str] = set()
        for case in self.cases:
            if case.id in seen:
                raise DatasetError(f"{self.root}: two cases are called {case.id!r}; every case needs an id of its own")
            seen.add(case.id)
            if not case.images or not set(case.images) <= set(self.views):
                raise DatasetError(
                    f"{self.root}: the case {case.id!r} has the images {', '.join(case.images) or '(none)'}; expected "
                    f"one or more of {', '.join(self.views)}"
                )
            if any([one.name for one in ref.channels] != list(self.channels) for ref in case.images.values()):
                raise DatasetError(
                    f"{self.root}: the case {case.id!r} has other channels than {', '.join(self.channels) or '(none)'}"
                )
            for what, cells, names in (
                ("inputs", case.columns, self.inputs),
                ("auxiliary columns", case.auxiliary, self.auxiliary),
            ):
                if set(cells) != set(names):
                    raise DatasetError(
                        f"{self.root}: the case {case.id!r} has the columns {', '.join(cells) or '(none)'}; "
                        f"expected the {what} {', '.join(names) or '(none)'}"
                    )
