"""`Criteria`: what a surgeon wants to know before an operation, as TOML.

[[criterion]]
name = "10 mm to skin"
measure = "distance"
structure = "skin"
from = "inside"
least_mm = 10
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hounsfield.errors import CriteriaError
from hounsfield.findings.distances import Side

Name = Annotated[str, Field(min_length=1)]
NotNegative = Annotated[float, Field(ge=0)]


class _Criterion(BaseModel):
    """What all criteria have: closed to keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    unit: ClassVar[str]
    """Of the limits, as in their keys."""

    name: Name
    """As it is written on the worksheet."""

    @property
    def least(self) -> float | None:
        """The value must not be below this; None where there is no such limit."""
        value: float | None = getattr(self, f"least_{self.unit}", None)
        return value

    @property
    def most(self) -> float | None:
        """The value must not be above this; None where there is no such limit."""
        value: float | None = getattr(self, f"most_{self.unit}", None)
        return value

    @model_validator(mode="after")
    def _limited(self) -> _Criterion:
        limits = [key for key in type(self).model_fields if key.startswith(("least_", "most_"))]
        if self.least is None and self.most is None:
            raise ValueError(f"it has no limit; give {' or '.join(limits)}")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"{limits[0]} is above {limits[1]}, so that nothing can meet it")
        return self


class Distance(_Criterion):
    """The smallest distance between the surfaces of lesion and structure."""

    unit: ClassVar[str] = "mm"
    measure: Literal["distance"]
    structure: Name
    side: Annotated[Side, Field(alias="from")] = "outside"
    """"inside" where the structure is what the lesion lies in, as skin and organ are."""
    least_mm: NotNegative | None = None
    most_mm: NotNegative | None = None


class Contact(_Criterion):
    """How much of the lesion's surface touches the structure; in a planar image how much of its outline, in mm."""

    unit: ClassVar[str] = "mm2"
    measure: Literal["contact"]
    structure: Name
    side: Annotated[Side, Field(alias="from")] = "outside"
    """As of a distance."""
    most_mm2: NotNegative


class Arc(_Criterion):
    """How much of the structure's circumference the lesion touches, in the slice where it is most."""

    unit: ClassVar[str] = "degrees"
    measure: Literal["contact_arc"]
    structure: Name
    most_degrees: Annotated[float, Field(ge=0, le=360)]


class RemainingVolume(_Criterion):
    """How much of an organ is left, in per cent of the organ without the lesion, when the lesion goes with a margin."""

    unit: ClassVar[str] = "percent"
    measure: Literal["remaining_volume"]
    structure: Name
    least_percent: Annotated[float, Field(ge=0, le=100)]
    margin_mm: NotNegative = 0.0


class DiameterLimit(_Criterion):
    """A diameter of the lesion: the long or the short axis in a slice, or the longest one in space."""

    unit: ClassVar[str] = "mm"
    measure: Literal["long_axis", "short_axis", "longest_diameter"]
    least_mm: NotNegative | None = None
    most_mm: NotNegative | None = None


class Volume(_Criterion):
    """The lesion's volume."""

    unit: ClassVar[str] = "ml"
    measure: Literal["volume"]
    least_ml: NotNegative | None = None
    most_ml: NotNegative | None = None


Criterion: TypeAlias = Distance | Contact | Arc | RemainingVolume | DiameterLimit | Volume

MEASURES: dict[str, type[_Criterion]] = {
    measure: kind for kind in get_args(Criterion) for measure in get_args(kind.model_fields["measure"].annotation)
}
"""What can be asked for, by its name in the file."""


class Criteria(BaseModel):
    """A file of criteria."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: Annotated[tuple[Annotated[Criterion, Field(discriminator="measure")], ...], Field(min_length=1)]
    """In the order of the file."""


def criteria_from_text(text: str, *, name: str = "criteria") -> Criteria:
    """The criteria written in `text`.

    Args:
        text: TOML.
        name: Of the file, for messages.

    Raises:
        CriteriaError: It is not TOML, holds no criterion, or one with an unknown key or a value out of range; the
            message names file, criterion and key.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CriteriaError(f"{name} is not valid TOML: {error}") from error
    try:
        return Criteria.model_validate(data)
    except ValidationError as error:
        raise CriteriaError(f"{name}: " + "; ".join(_sentence(problem, data) for problem in error.errors())) from error


def read_criteria(path: Path) -> Criteria:
    """The criteria in a TOML file.

    Raises:
        CriteriaError: The file cannot be read, or as `criteria_from_text`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CriteriaError(f"cannot read the criteria {path}: {error}") from error
    return criteria_from_text(text, name=str(path))


def _sentence(problem: Any, data: dict[str, Any]) -> str:
    location, kind = problem["loc"], problem["type"]
    if len(location) < 2:
        if kind == "extra_forbidden":
            return f"unknown key {location[0]}; a file of criteria holds tables called [[criterion]] only"
        return "it holds no criterion; write one as a table called [[criterion]] with name, measure and a limit"
    place = f"criterion {location[1] + 1}{_named(data, location[1])}"
    if kind.startswith("union_tag"):
        asked = data["criterion"][location[1]].get("measure")
        said = "has no measure" if asked is None else f"there is no measure {asked!r}"
        return f"{place}: {said}; known: {', '.join(MEASURES)}"
    key = ".".join(str(part) for part in location[3:])
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in MEASURES[location[2]].model_fields.items()]
        return f"{place}: unknown key {key}; known here: {', '.join(known)}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {key}: {message}" if key else f"{place}: {message}"


def _named(data: dict[str, Any], number: int) -> str:
    entry = data["criterion"][number] if isinstance(data["criterion"], list) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    return f' "{name}"' if isinstance(name, str) and name else ""
