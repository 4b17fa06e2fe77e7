"""The description of a data set: a small TOML file that says what the columns of a table, or an npz file, mean."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator, model_validator

from hounsfield.datasets.case import Part
from hounsfield.datasets.landmarks import place_rule
from hounsfield.datasets.segmentation import EACH, require_alone
from hounsfield.errors import DatasetError

Name = Annotated[str, Field(min_length=1)]

OnMask = PositiveInt | Name
"""A number on masks, or the name that a structure has in DICOM segmentations and structure sets."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ClassSection(_Section):
    """[class] of a table: which column holds the class, and how its cells are read."""

    column: Name
    names: tuple[Name, ...] | None = Field(default=None, strict=False)
    """In order; of two the second is the positive one, and of several rows of one case the later name wins. When not
    given, the names found, "normal" and the like first."""
    positive: Name | None = None
    """The class to move to the end."""
    values: dict[str, Name] = {}
    """Other names for cells; "" stands for empty cells, "*" for every cell not listed."""
    drop: tuple[str, ...] = Field(default=(), strict=False)
    """Cells whose rows are left out."""


class NpzClassSection(_Section):
    """[class] of an npz file: the names of the labels 0, 1, 2 …"""

    names: tuple[Name, ...] | None = Field(default=None, strict=False)
    positive: Name | None = None


class BoxSection(_Section):
    """[box]: columns of a box's corners, or of a circle's centre and radius, in pixels of the image as stored; or masks
    whose parts have a box each."""

    table: Name | None = None
    """Another table with any number of boxes a row of the first one."""
    on: Name | None = None
    """Column by which that table is joined."""
    label: Name | None = None
    """Column with the class of what is inside the box."""
    x0: Name | None = None
    y0: Name | None = None
    x1: Name | None = None
    """One past the last column of pixels."""
    y1: Name | None = None
    z0: Name | None = None
    """Of volumes: the first slice, from 0."""
    z1: Name | None = None
    """One past the last slice."""
    center_x: Name | None = None
    """Index of the pixel in the middle of a circle."""
    center_y: Name | None = None
    radius: Name | None = None
    values: dict[str, Name] = {}
    """Other names for cells of `label`."""
    drop: tuple[str, ...] = Field(default=(), strict=False)
    """Labels of boxes; an image with one of these is left out."""
    mask: Name | None = None
    """A file with labels on the image's grid, written as `image` is: of several labels each has a box, of one each of
    its parts that hang together."""
    attributes: tuple[Name, ...] = Field(default=(), strict=False)
    """Columns that say more of what is inside; results are shown by them."""

    @model_validator(mode="after")
    def _corners_or_circle(self) -> BoxSection:
        corners = [self.x0, self.y0, self.x1, self.y1]
        circle = [self.center_x, self.center_y, self.radius]
        groups = (corners, circle, [self.mask])
        given = [all(group) for group in groups], [any(group) for group in groups]
        if sum(given[0]) != 1 or given[0] != given[1]:
            raise ValueError("give either x0, y0, x1, y1, or center_x, center_y, radius, or mask")
        if (self.z0 is None) != (self.z1 is None) or (self.z0 is not None and self.x0 is None):
            raise ValueError("z0 and z1 go together, beside x0, y0, x1, y1")
        if self.mask is not None and (self.table is not None or self.attributes):
            raise ValueError("a mask has no table of its own, and no attributes: leave out table, on and attributes")
        if (self.table is None) != (self.on is None):
            raise ValueError("table and on go together: the other table, and the column that joins it")
        return self


class CropSection(_Section):
    """[crop]: a case is the square around its box, not the whole image."""

    context: float = Field(default=1.5, gt=0, le=100, strict=False)


class ViewsSection(_Section):
    """[views]: the rows of one id show several images of one case."""

    name: Name
    """What an image of a case is called; written as `image` is."""
    names: tuple[Name, ...] | None = Field(default=None, min_length=1, strict=False)
    """Those to use, in order; images of other names are left out. When not given, those found, sorted."""

    @model_validator(mode="after")
    def _each_once(self) -> ViewsSection:
        if self.names is not None and len(set(self.names)) < len(self.names):
            raise ValueError(f"names has a name twice: {', '.join(self.names)}")
        return self


class ColumnsSection(_Section):
    """[columns]: what else the table knows of a case."""

    age: Name | None = None
    sex: Name | None = None
    site: Name | None = None
    mask: Name | None = None
    """A file with labels on the image's grid, written as `image` is."""
    subgroups: tuple[Name, ...] = Field(default=(), strict=False)
    """Columns by which results are shown."""
    inputs: tuple[Name, ...] = Field(default=(), strict=False)
    """Columns that go into the network beside the images."""
    auxiliary: tuple[Name, ...] = Field(default=(), strict=False)
    """Columns that are learned beside the class, for what they teach; reading does without them."""

    @model_validator(mode="after")
    def _columns_once(self) -> ColumnsSection:
        for key in ("inputs", "auxiliary"):
            names: tuple[str, ...] = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"{key} names a column twice: {', '.join(names)}")
        if both := [name for name in self.auxiliary if name in self.inputs]:
            raise ValueError(
                f"{', '.join(map(repr, both))} cannot be both in inputs, which reading needs, and in auxiliary, which "
                "it does without: choose one"
            )
        return self


class SplitSection(_Section):
    """[split]: the column with the parts the data's makers chose, or that parts go by, such as the site; or the
    fractions of a split to be made."""

    column: Name | None = None
    values: dict[str, Part] = {}
    """Part of each cell, where the cells are not train, val and test themselves."""
    fractions: tuple[float, float, float] | None = Field(default=None, strict=False)
    """Of train, val and test; together 1."""

    @model_validator(mode="after")
    def _one_of_two(self) -> SplitSection:
        if (self.column is None) == (self.fractions is None):
            raise ValueError("give either column or fractions")
        return self


class TableDescription(_Section):
    """A data set in a table, one row a case, or one row a finding of a case."""

    name: str = ""
    root: Name | None = None
    """Where the data lie, relative to the description; its own folder when not given."""
    modality: str | dict[Name, Name] = ""
    """DICOM modality code ("MG", "US", "CT" …) of images whose files do not say; or of channels, by their names."""
    table: Name | None = None
    """Path of the table, relative to the root."""
    files: Name | None = None
    """Where there is no table: a regular expression for the paths of the images below the root. Each that fits it as a
    whole is a row, its named groups are columns, and the path is the column "file"."""
    image: Name | dict[Name, Name]
    """Path of the image relative to the root, with columns in braces, or a column that holds it. Of an image that is
    put together from several, that of each channel by its name; the mask lies on the first. Channels of one path are
    the volumes of that file."""
    id: Name | None = None
    """Written as `image` is; the image's path when not given. Rows of one id are one case."""
    patient: Name | None = None
    """Column, or columns in braces."""
    join: dict[str, Name] = {}
    """Further tables, and the column on which each is joined, many rows to one."""
    also: tuple[Name, ...] = Field(default=(), strict=False)
    """Further descriptions, relative to this one, whose cases are taken too; their classes must be among this one's."""
    where: dict[str, Annotated[tuple[str, ...], Field(min_length=1, strict=False)]] = {}
    """Rows are kept whose cell in each of these columns is one of those listed."""
    classes: ClassSection | None = Field(default=None, alias="class")
    box: BoxSection | None = None
    crop: CropSection | None = None
    views: ViewsSection | None = None
    landmarks: dict[Name, Name | Annotated[tuple[Name, ...], Field(min_length=2, max_length=3, strict=False)]] = {}
    """Named places: on the mask of [columns], in words (see `datasets.landmarks`), or the columns of x, y and, of
    volumes, z, which count pixels from 0."""
    labels: dict[Name, tuple[OnMask, ...]] = {}
    """What the numbers on the mask of [columns], or its named structures, are called; a region that holds others has
    several. Of a label that is "each", every number is one object, and none its own (see `datasets.segmentation`)."""
    unlabelled: int = Field(default=0, ge=0)
    """The number on masks where nobody knows; 0 where there is none."""
    others_are_nothing: bool = False
    """Whether numbers on masks that are no label count as nothing, as where few of many organs are wanted; else an
    image on which one is, is left out."""
    columns: ColumnsSection = ColumnsSection()
    split: SplitSection | None = None

    @field_validator("image", "modality", mode="before")
    @classmethod
    def _one_or_by_channel(cls, said: Any) -> Any:
        own = list(said.values()) if isinstance(said, dict) else [said]
        if not all(isinstance(one, str) for one in own):
            raise ValueError("give text, or where an image has several channels, text for each by its name")
        return said

    @field_validator("labels", mode="before")
    @classmethod
    def _labels_have_numbers(cls, labels: Any) -> Any:
        return {name: _on_masks(name, own) for name, own in labels.items()} if isinstance(labels, dict) else labels

    @model_validator(mode="after")
    def _a_table_or_files(self) -> TableDescription:
        if (self.table is None) == (self.files is None):
            raise ValueError("give either table or files")
        if self.files is not None:
            try:
                re.compile(self.files)
            except re.error as error:
                raise ValueError(f"files = {self.files!r} is no regular expression: {error}") from error
        return self

    @model_validator(mode="after")
    def _channels_of_one_image(self) -> TableDescription:
        described = list(self.modality) if isinstance(self.modality, dict) else []
        if unknown := [name for name in described if name not in self.channels]:
            raise ValueError(
                f"modality names {', '.join(unknown)}, and image has the channels "
                f"{', '.join(self.channels) or '(none)'}: name them alike"
            )
        if isinstance(self.image, dict) and len(self.image) < 2:
            raise ValueError("image names fewer than two channels: write the path of one image alone")
        if self.channels and (self.views or self.box or self.crop):
            raise ValueError(
                "an image of several channels is outlined as a whole, by [columns] mask: leave out [views], [box] and "
                "[crop]"
            )
        return self

    @model_validator(mode="after")
    def _labels_are_on_a_mask(self) -> TableDescription:
        if (self.labels or self.unlabelled) and self.columns.mask is None:
            raise ValueError("[labels] are numbers on a mask: name the mask in [columns] mask")
        try:
            require_alone(self.labels)
        except DatasetError as error:
            raise ValueError(f"[labels] {error}") from error
        for name, numbers in self.labels.items():
            if self.unlabelled in numbers or len(set(numbers)) < len(numbers):
                raise ValueError(f"[labels] {name} has a number twice, or that of unlabelled: give each once")
        return self

    @model_validator(mode="after")
    def _crop_needs_a_box(self) -> TableDescription:
        if self.crop is not None and self.box is None:
            raise ValueError("[crop] needs a [box] to cut around")
        return self

    @model_validator(mode="after")
    def _landmarks_are_places(self) -> TableDescription:
        for name, place in self.landmarks.items():
            if isinstance(place, str):
                try:
                    place_rule(place)
                except DatasetError as error:
                    raise ValueError(f"[landmarks] {name}: {error}") from error
                if self.columns.mask is None:
                    raise ValueError(f"[landmarks] {name} is a place on a mask: name the mask in [columns] mask")
        if self.landmarks and self.views is not None:
            raise ValueError("[views] cannot go with [landmarks]: a landmark lies on one image, and a case has several")
        return self

    @model_validator(mode="after")
    def _inputs_without_the_answer(self) -> TableDescription:
        answers = [self.classes.column] if self.classes else []
        answers += [self.box.label] if self.box and self.box.label else []
        if given := [column for column in self.columns.inputs if column in answers]:
            raise ValueError(
                f"[columns] inputs names {', '.join(map(repr, given))}, the column that holds the class: it would give "
                "the answer away, take it out"
            )
        if useless := [column for column in self.columns.auxiliary if column in answers]:
            raise ValueError(
                f"[columns] auxiliary names {', '.join(map(repr, useless))}, the column that holds the class: it is "
                "learned already, take it out"
            )
        return self

    @model_validator(mode="after")
    def _views_of_a_case(self) -> TableDescription:
        if self.views is not None and self.id is None:
            raise ValueError('[views] needs an id that names the case, for instance id = "{patient}_{laterality}"')
        if self.views is not None and self.columns.mask is not None:
            raise ValueError(
                "[views] cannot go with [columns] mask: a mask lies on one image, a case of views has several"
            )
        return self

    @property
    def channels(self) -> dict[str, str]:
        """What `image` says of each channel, by name; empty where it is one image."""
        return self.image if isinstance(self.image, dict) else {}

    @property
    def first_image(self) -> str:
        """What `image` says of the one image, or of the first channel."""
        return next(iter(self.channels.values()), "") or str(self.image)

    def modality_of(self, channel: str = "") -> str:
        """DICOM modality code, as described, of a channel, or of images without; "" where nothing is."""
        return self.modality if isinstance(self.modality, str) else self.modality.get(channel, "")


class NpzDescription(_Section):
    """A data set in the form of MedMNIST."""

    name: str = ""
    root: Name | None = None
    modality: str = ""
    """As in a table."""
    npz: Name
    """File name, or a pattern such as "breastmnist*.npz"."""
    classes: NpzClassSection = Field(default=NpzClassSection(), alias="class")


class DicomDescription(_Section):
    """A data set of DICOM studies, of which some series have segmentations or structure sets."""

    name: str = ""
    root: Name | None = None
    dicom: Name
    """The folder, relative to the root; "." is the root itself."""
    labels: dict[Name, Name | Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]] = {}
    """What structures are called in the files; a region has several. All of them as they stand where not given."""

    @model_validator(mode="after")
    def _structures_are_whole(self) -> DicomDescription:
        for name, own in self.labels.items():
            if any(_is_each(one) for one in ((own,) if isinstance(own, str) else own)):
                raise ValueError(
                    f'[labels] {name} = "{EACH}" is for masks of numbers, of which each is one object: give the name '
                    "of a structure in the DICOM files"
                )
        return self


Description = TableDescription | NpzDescription | DicomDescription

_MODELS: dict[str, type[Description]] = {
    "table": TableDescription,
    "files": TableDescription,
    "npz": NpzDescription,
    "dicom": DicomDescription,
}
"""By the key that names the data."""


def read_description(path: Path) -> Description:
    """The description in a TOML file, checked.

    Raises:
        DatasetError: The file is missing, no TOML, or has an unknown, missing or contradictory key.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"cannot read the description {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not TOML: {error}") from error
    named = [key for key in _MODELS if key in data]
    if len(named) != 1:
        raise DatasetError(
            f'{path}: a description names its data by one of table = "….csv", files = "…", npz = "….npz" and '
            f'dicom = "folder", this one by {" and ".join(named) or "none"}; see docs/datasets.md'
        )
    model = _MODELS[named[0]]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        sentences = [_sentence(model, dict(problem)) for problem in error.errors()]
        raise DatasetError(f"{path}: {'; '.join(sentences)}") from error


def is_description(path: Path) -> bool:
    """Whether a file is TOML that names a table, files, an npz file or DICOM studies; it may still have mistakes."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return any(key in data for key in _MODELS)


def _on_masks(name: str, own: object) -> tuple[int | str, ...]:
    """What a label is on masks, as `datasets.segmentation` has it."""
    said = own if isinstance(own, list) and own else [own]
    if own == EACH:
        return ()
    if not all((type(one) is int and one > 0) or (isinstance(one, str) and one and not _is_each(one)) for one in said):
        raise ValueError(
            f"{name} = {own!r}: give the number that it has on masks (1, 2 …), of a region that holds others several, "
            f'or "{EACH}" where every number is one object of it; or the name of a structure in DICOM files'
        )
    return tuple(said)


def _is_each(name: str) -> bool:
    return name.strip().casefold() == EACH


def _sentence(model: type[BaseModel], problem: dict[str, Any]) -> str:
    *above, key = problem["loc"] or ("",)
    section = [str(step) for step in above]
    place = f" in [{'.'.join(section)}]" if section else ""
    if problem["type"] == "extra_forbidden":
        known = _keys(model, section)
        close = difflib.get_close_matches(str(key), known, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"unknown key {key!r}{place}{hint}; known: {', '.join(known)}"
    if problem["type"] == "missing":
        return f"{key!r}{place} is missing"
    message = str(problem["msg"]).removeprefix("Value error, ")
    where = ".".join([*section, str(key)]).strip(".")
    return f"{where}: {message}" if where else message


def _keys(model: type[BaseModel], section: list[str]) -> list[str]:
    """The keys a section knows, in the order they are documented."""
    for step in section:
        for name, field in model.model_fields.items():
            if step in (name, field.alias):
                kinds = getattr(field.annotation, "__args__", (field.annotation,))
                model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return [field.alias or name for name, field in model.model_fields.items()]
