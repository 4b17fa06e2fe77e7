"""evidence.json: written whole or not at all, checked when it is read; docs/evidence.md describes the format."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hounsfield.atomic import write_text
from hounsfield.errors import EvaluationError, FormatError
from hounsfield.evaluation.evidence import FORMAT_VERSION, Evidence

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def write_evidence(evidence: Evidence, path: Path) -> None:
    """Write `evidence` as JSON, one line for each key, score, curve, subgroup and result.

    Raises:
        EvaluationError: A number is NaN or infinite, which JSON does not know, or the parts do not fit together.
        StorageError: The disk refused.
    """
    plain = evidence.as_json()
    for place, number in _numbers(plain, ""):
        if not math.isfinite(number):
            raise EvaluationError(f"{path} was not written: {place} is {number}; leave out a score that does not exist")
    problem = _contradiction(evidence)
    if problem:
        raise EvaluationError(f"{path} was not written: {problem}")
    write_text(path, evidence_text(plain))


def read_evidence(path: Path) -> Evidence:
    """The evidence in a file. Keys this version does not know are passed over, for later versions may add some.

    Raises:
        FormatError: The file is missing or is not evidence.json of this format.
    """
    from pydantic import ValidationError

    try:
        plain = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}; name an evidence.json file") from error
    except ValueError as error:  # not JSON, not UTF-8
        raise FormatError(f"{path} is not valid JSON ({error}); write it again with `hounsfield evaluate`") from error
    found = plain.get("format") if isinstance(plain, dict) else None
    if found != FORMAT_VERSION:
        raise FormatError(
            f"{path} has evidence format {found!r}, expected {FORMAT_VERSION!r}; "
            "write it again with `hounsfield evaluate`, or read it with the version of hounsfield that made it"
        )
    try:
        evidence: Evidence = _adapter().validate_python(plain)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(f"{path}: {place}: {first['msg']}; write it again with `hounsfield evaluate`") from error
    problem = _contradiction(evidence)
    if problem:
        raise FormatError(f"{path}: {problem}; was it edited? write it again with `hounsfield evaluate`")
    return evidence


def evidence_text(plain: dict[str, Any]) -> str:
    """The JSON text of `Evidence.as_json()`: a line for each key, and for each entry of the long ones."""
    lines = []
    for key, value in plain.items():
        if isinstance(value, dict) and value:
            entries = [f"    {_json(name)}: {_json(entry)}" for name, entry in value.items()]
            text = "{\n" + ",\n".join(entries) + "\n  }"
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], (dict, list, tuple)):
            text = "[\n" + ",\n".join(f"    {_json(entry)}" for entry in value) + "\n  ]"
        else:
            text = _json(value)
        lines.append(f"  {_json(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def evidence_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of evidence.json, made from the dataclasses."""
    schema = _adapter().json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@cache
def _adapter() -> TypeAdapter[Evidence]:
    from pydantic import TypeAdapter

    return TypeAdapter(Evidence)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _numbers(value: object, place: str) -> Iterator[tuple[str, float]]:
    """Every float inside, and where it stands: "scores.auc_roc.low"."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _numbers(entry, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for number, entry in enumerate(value):
            yield from _numbers(entry, f"{place}[{number}]")
    elif isinstance(value, float):
        yield place, value


def _contradiction(evidence: Evidence) -> str:
    """What does not fit together, in words; empty when all does."""
    classes = len(evidence.classes)
    if len(evidence.class_counts) != classes or sum(evidence.class_counts) != evidence.cases:
        return (
            f"class_counts {list(evidence.class_counts)} do not add up to {evidence.cases} cases of {classes} classes"
        )
    if evidence.localization is not None or evidence.segmentation is not None:
        return ""
    if [sum(row) for row in evidence.confusion] != list(evidence.class_counts):
        return f"the rows of confusion do not add up to class_counts {list(evidence.class_counts)}"
    if len(evidence.results) != evidence.cases:
        return f"there are {len(evidence.results)} results, expected one for each of the {evidence.cases} cases"
    for name, score in evidence.scores.items():
        if score.low > score.high:
            return f"scores.{name}: low {score.low} is above high {score.high}"
    for name, curve in evidence.curves.items():
        for key in ("y", "low", "high", "threshold", "count"):
            if len(getattr(curve, key)) not in ({len(curve.x)} if key == "y" else {0, len(curve.x)}):
                return f"curves.{name}: {key} has {len(getattr(curve, key))} numbers, x has {len(curve.x)}"
    return ""
