"""The page of `inspect` for one image: what its file says, and what every step of the preprocessing makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hounsfield.findings import Quality
from hounsfield.image import Image
from hounsfield.reporting.page import Fact, render, write_page
from hounsfield.reporting.pictures import film_picture, tallest

_STEP_SIDE = 480


def image_page(
    name: str, facts: Sequence[Fact], quality: Quality, trace: Sequence[tuple[str, Image]], *, command: str = ""
) -> str:
    """One image as an HTML page.

    Args:
        name: Of the file.
        facts: What the file says.
        quality: Whether the image is fit to be read.
        trace: The image after every step of the preprocessing, the first one as stored (`Pipeline.trace`).
        command: How this page was made.
    """
    steps = [(step, film_picture(image, alt=f"The image after: {step}", max_side=_STEP_SIDE)) for step, image in trace]
    return render(
        "image.html.jinja",
        contents=[("steps", "Preprocessing"), ("file", "The file")],
        name=name,
        quality=quality,
        steps=steps,
        step_ratio=tallest([picture for _, picture in steps]),
        facts=facts,
        command=command,
    )


def write_image_page(
    path: Path,
    name: str,
    facts: Sequence[Fact],
    quality: Quality,
    trace: Sequence[tuple[str, Image]],
    *,
    command: str = "",
) -> None:
    """Write `image_page` to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    write_page(path, image_page(name, facts, quality, trace, command=command))
