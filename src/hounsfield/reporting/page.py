"""A page: one self-contained HTML text from a template and its values, and the writing of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield import __version__
from hounsfield.atomic import write_text
from hounsfield.reporting import wording

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Fact:
    """A name and a value, shown as a pair."""

    name: str
    value: str
    detail: str = ""
    """Said more quietly behind the value."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """The template environment: everything that is not marked safe is escaped, a missing value is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("hounsfield.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=wording.number,
        figure=wording.figure,
        percent=wording.percent,
        duration=wording.duration,
        moment=wording.moment,
        count=wording.count,
        short_hash=wording.short_hash,
        spelled=wording.spelled,
    )
    environment.globals["package_version"] = __version__
    return environment


def render(template: str, /, **values: object) -> str:
    """The page as one HTML text with style and pictures inside; it asks nothing of the network.

    Args:
        template: Name of a file in `templates/`, for instance "evidence.html.jinja".
        values: What the template shows; all of it is escaped unless it is `Markup`.
    """
    return _environment().get_template(template).render(**values)


def write_page(path: Path, html: str) -> None:
    """Write the page to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    write_text(path, html)
