"""Plans on disk: TOML with the reason for each choice as a comment beside it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, ValidationError
from tomlkit.items import Item, Key, Table

from hounsfield.atomic import write_text
from hounsfield.errors import PlanError
from hounsfield.plan.network_choices import CHOICES
from hounsfield.plan.schema import Plan


def plan_to_text(plan: Plan) -> str:
    """The plan as TOML; reasons stand behind the values they explain."""
    document = tomlkit.document()
    document.add(tomlkit.comment("A plan of hounsfield: change what you like and give it back with --plan."))
    data = plan.model_dump(mode="json", exclude={"reasons"})
    for key, value in data.items():
        if not isinstance(value, dict):
            _put(document, key, value, plan.reasons.get(key))
    for key, value in data.items():
        if isinstance(value, dict):
            document.add(tomlkit.nl())
            document.add(key, _section(key, value, plan.reasons))
    return tomlkit.dumps(document)


def _section(name: str, values: dict[str, Any], reasons: dict[str, str]) -> Any:
    table = tomlkit.table()
    for key, value in values.items():
        if isinstance(value, dict):
            value = _inline(value)
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            tables = tomlkit.array().multiline(True)
            for step in value:
                tables.append(_inline(step))
            value = tables
        _put(table, key, value, reasons.get(f"{name}.{key}"))
    return table


def _inline(values: dict[str, Any]) -> Any:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _put(table: Any, key: str, value: Any, reason: str | None) -> None:
    item = tomlkit.item(value)
    if reason := _on_one_line(reason or ""):
        item.comment(reason)
    table.add(key, item)


def _on_one_line(reason: str) -> str:
    """A reason as a comment can hold it: without line breaks and other characters that cannot be seen."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in reason).split()).lstrip("# ")


def plan_from_text(text: str, *, name: str = "plan") -> Plan:
    """The plan written in `text`.

    Raises:
        PlanError: It is not TOML, has an unknown key, or a value out of range; the message names key and file.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{name} is not valid TOML: {error}") from error
    if "reasons" in data:
        raise PlanError(f"{name}: unknown key reasons; a reason is a comment behind the value it explains")
    try:
        return Plan.model_validate(data | {"reasons": _reasons(text)})
    except PlanError as error:  # of a step
        raise PlanError(f"{name}: {error}") from error
    except ValidationError as error:
        raise PlanError(f"{name}: " + "; ".join(_sentence(problem) for problem in error.errors())) from error


def read_plan(path: Path) -> Plan:
    """The plan in a TOML file.

    Raises:
        PlanError: The file cannot be read, or as `plan_from_text`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"cannot read the plan {path}: {error}") from error
    return plan_from_text(text, name=str(path))


def write_plan(plan: Plan, path: Path) -> None:
    """Write the plan as TOML, whole or not at all."""
    write_text(path, plan_to_text(plan))


def _reasons(text: str) -> dict[str, str]:
    """The comments that stand behind a value, by "section.key"."""
    found: dict[str, str] = {}

    def collect(body: list[tuple[Key | None, Item]], prefix: str) -> None:
        for key, item in body:
            if key is None:  # an empty line, or a comment of its own
                continue
            if isinstance(item, Table):
                collect(item.value.body, f"{key.key}.")
            elif comment := _on_one_line(item.trivia.comment):
                found[f"{prefix}{key.key}"] = comment

    collect(tomlkit.parse(text).body, "")
    return found


def _sentence(problem: Any) -> str:
    location = _without_tags(problem["loc"])
    place = ".".join(location) or "the plan"
    if problem["type"] == "extra_forbidden":
        section = _section_at(problem["loc"][:-1])
        known = ", ".join(name for name in section.model_fields if name != "reasons") if section else ""
        return f"unknown key {place}; known here: {known}"
    if problem["type"] == "union_tag_invalid":
        return f"{place}.name: there is no network {problem['ctx']['tag']!r}; known: {', '.join(CHOICES)}"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"


def _without_tags(location: tuple[Any, ...]) -> list[str]:
    """The keys of a place in the file: pydantic puts the name of the chosen network behind its section."""
    return [
        str(part)
        for before, part in zip(("", *location), location, strict=False)
        if not (before in ("network", "encoder") and part in CHOICES)
    ]


def _section_at(location: tuple[Any, ...]) -> type[BaseModel] | None:
    section: type[BaseModel] = Plan
    for part in location:
        if part in CHOICES:
            section = CHOICES[part]
            continue
        field = section.model_fields.get(str(part))
        if field is None:
            return None
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            section = field.annotation
    return section
