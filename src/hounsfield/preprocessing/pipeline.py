"""`Pipeline`: preprocessing steps in their order, as data in a plan and as one object in training and in reading."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from hounsfield.errors import PlanError
from hounsfield.image import Image
from hounsfield.preprocessing.breast import BreastRegion
from hounsfield.preprocessing.channels import Grey, OfChannel, applied, need_applied
from hounsfield.preprocessing.display import Display
from hounsfield.preprocessing.filters import Bilateral, Gaussian, Median
from hounsfield.preprocessing.foreground import Foreground
from hounsfield.preprocessing.intensity import Clahe, Float, Rescale, WindowLevel, ZScore
from hounsfield.preprocessing.orient import Orient
from hounsfield.preprocessing.resample import Resize, Spacing
from hounsfield.preprocessing.sketch import Sketch
from hounsfield.preprocessing.step import Step, finite_need, require_finite

if TYPE_CHECKING:
    from pydantic import TypeAdapter

STEPS: dict[str, type[Step]] = {
    kind.step: kind
    for kind in cast(
        "tuple[type[Step], ...]",
        (
            BreastRegion,
            Foreground,
            Orient,
            Gaussian,
            Median,
            Bilateral,
            Display,
            Float,
            Rescale,
            ZScore,
            WindowLevel,
            Clahe,
            Resize,
            Spacing,
            Grey,
        ),
    )
}
"""Every step by the name a plan calls it."""


@dataclass(frozen=True)
class Pipeline:
    """Steps applied one after the other."""

    steps: tuple[Step, ...] = ()

    def apply(self, image: Image) -> Image:
        """The image after all steps.

        Raises:
            ImageError: The image holds values that are not finite numbers, or a step finds nothing to work on.
        """
        require_finite(image)
        for step in self.steps:
            image = applied(step, image)
        return image

    def need(self, image: Sketch) -> int:
        """Bytes of memory that `apply` takes at most, beside an image as stored."""
        most = image.kept + finite_need(image)
        for step in self.steps:
            more, result = need_applied(step, image)
            most = max(most, image.kept + more)
            image = result
        return most

    def trace(self, image: Image) -> list[tuple[str, Image]]:
        """The image as it came, called "stored", and after every step, called by the step's name; of a step on one
        channel that channel alone.

        Raises:
            ImageError: As `apply`.
        """
        require_finite(image)
        images = [("stored", image)]
        for step in self.steps:
            image = applied(step, image)
            own = image.channel_names.index(step.channel) if isinstance(step, OfChannel) else None
            images.append((step_words(_data(step)), image if own is None else image.apart[own]))
        return images

    def as_data(self) -> list[dict[str, Any]]:
        """One dict a step with all its fields, fit for TOML: `from_data` gives the same pipeline back."""
        return [_data(step) for step in self.steps]

    @classmethod
    def from_data(cls, data: Sequence[Mapping[str, Any]]) -> Pipeline:
        """The pipeline that a plan describes.

        Args:
            data: One mapping a step: `{"step": "median", "size": 3}`; fields left out keep their defaults. With a
                "channel" the step works on that one alone.

        Raises:
            PlanError: A step or a field is unknown (the known ones are named), or a value is of the wrong type or
                out of range.
        """
        return cls(tuple(_step(entry, number) for number, entry in enumerate(data, start=1)))


def step_words(data: Mapping[str, Any]) -> str:
    """A step as data, for people: its name, and the channel that it is for."""
    return f"{data['step']} ({data['channel']})" if "channel" in data else str(data["step"])


def _data(step: Step) -> dict[str, Any]:
    if isinstance(step, OfChannel):
        return {**_data(step.inner), "channel": step.channel}
    return {"step": step.step, **_fields(step)}


def _fields(step: Step) -> dict[str, Any]:
    values = {field: getattr(step, field) for field in step.__dataclass_fields__ if field != "step"}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _step(entry: Mapping[str, Any], number: int) -> Step:
    name = entry.get("step")
    kind = STEPS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise PlanError(f"preprocessing step {number} is called {name!r}; known steps: {', '.join(sorted(STEPS))}")
    values = {key: value for key, value in entry.items() if key not in ("step", "channel")}
    known = [field.name for field in dataclasses.fields(cast(Any, kind))]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise PlanError(f"step {name!r} has no field {unknown[0]!r}; its fields: {', '.join(known) or 'none'}")
    step, channel = _validated(kind, values), entry.get("channel")
    if channel is None:
        return step
    if not isinstance(channel, str):
        raise PlanError(f"step {name!r}, field 'channel': found {channel!r}: input should be the name of a channel")
    return OfChannel(step, channel)


def _validated(kind: type[Step], values: dict[str, Any]) -> Step:
    from pydantic import ValidationError

    try:
        # Strict JSON mode takes a list for a tuple and a whole number for a float, as TOML needs, and nothing else.
        return _adapter(kind).validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = first["loc"][0] if first["loc"] else "?"
        raise PlanError(
            f"step {kind.step!r}, field {str(field)!r}: found {first['input']!r}: {first['msg'].lower()}"
        ) from None
    except TypeError as error:
        raise PlanError(f"step {kind.step!r} holds a value that no plan can hold: {error}") from None


@cache
def _adapter(kind: type[Step]) -> TypeAdapter[Step]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
