"""The page about plans says what the schema says."""

import re
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from hounsfield.plan import Plan, plan_from_text
from hounsfield.plan.network_choices import CHOICES

PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")


def keys() -> dict[str, object]:
    """Default of every key of the schema, `...` where it is needed."""
    found: dict[str, object] = {}
    for name, field in Plan.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= {f"{name}.{key}": own.default for key, own in kind.model_fields.items()}
        elif name != "reasons":
            found[name] = field.default
    return {key: ... if default is PydanticUndefined else default for key, default in found.items()}


def rows_of(text: str) -> dict[str, str]:
    """Default of every key in the tables of some text."""
    return dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", text, re.MULTILINE))


def as_toml(default: object) -> str:
    if isinstance(default, BaseModel):
        return str(default.name)  # type: ignore[attr-defined]
    if default is ...:
        return "needed"
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]"
    if isinstance(default, bool):
        return str(default).lower()
    return f'"{default}"' if isinstance(default, str) else str(default)


def test_every_key_is_on_the_page_with_its_default_and_no_other() -> None:
    networks = PAGE[PAGE.index("## `[network]`") : PAGE.index("## `[augmentation]`")]
    wanted = {key: as_toml(default) for key, default in keys().items() if key != "network"}
    assert rows_of(PAGE.replace(networks, "")) == wanted
    sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^###|\Z)", networks, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(CHOICES)
    for name, text in sections.items():
        own = {f"network.{key}": as_toml(field.default) for key, field in CHOICES[name].model_fields.items()}
        assert rows_of(text) == own, name


def test_the_example_is_a_plan() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    plan = plan_from_text(example[1])
    assert plan.input.canvas == (180, 180)
    assert plan.reasons["seed"] == "as asked"
