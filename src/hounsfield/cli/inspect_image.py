"""`hounsfield inspect` of one image: what its file says, whether it is fit to be read, and the preprocessing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hounsfield.findings import Quality
    from hounsfield.image import Image
    from hounsfield.plan import Input


def is_one_image(path: Path) -> bool:
    """Whether a path is an image file, or a folder that is one DICOM series and no data set."""
    from hounsfield.formats import identify, list_images
    from hounsfield.formats.folder import survey

    if path.is_dir():
        entries = list(path.iterdir())
        flat = not any(entry.is_dir() or entry.suffix in (".toml", ".npz") for entry in entries)
        if not flat or list_images(path) != [path]:
            return False
        contents = survey(path, below=False)
        return not contents.drawings or len(contents.series) == 1  # else a data set: series with what was drawn on them
    return identify(path) is not None


def inspect_image(arguments: argparse.Namespace, command: str) -> int:
    """0 when the image is fit to be read, 1 when it is not.

    Args:
        arguments: Of the verb.
        command: That looks at the same again, for the report.

    Raises:
        HounsfieldError: It cannot be read, or a step of the preprocessing refuses it.
    """
    from hounsfield import formats
    from hounsfield.errors import UsageError
    from hounsfield.plan import read_plan
    from hounsfield.reading.quality import judge

    if arguments.root:
        raise UsageError(f"--root moves the data of a description; {arguments.data} is an image")
    image = formats.read(arguments.data)
    spec = read_plan(arguments.plan).input if arguments.plan else usual_input(arguments.data)
    quality = judge(image, spec)
    facts = image_facts(arguments.data, image)
    if arguments.output and quality.verdict != "unfit":
        write_page(arguments, facts, quality, trace(image, spec), command)
    if arguments.json:
        verdict = {"verdict": quality.verdict, "reasons": list(quality.reasons)}
        print(json.dumps({"image": facts, "quality": verdict}, indent=2))
    else:
        print("\n".join(f"{name.replace('_', ' ')}: {words(value)}" for name, value in facts.items() if value))
        print(f"quality: {quality.verdict}" + (f" ({'; '.join(quality.reasons)})" if quality.reasons else ""))
        if arguments.output and quality.verdict != "unfit":
            print(f"report: {arguments.output / 'report.html'}")
    return 1 if quality.verdict == "unfit" else 0


def image_facts(path: Path, image: Image) -> dict[str, Any]:
    """What the file says of its image, as plain values; what it does not say is empty. The patient is not named."""
    source = image.source
    return {
        "path": str(path),
        "format": source.format,
        "shape": list(image.shape[1:] if image.planar else image.shape),
        "channels": image.channels,
        "dtype": str(image.voxels.dtype),
        "lowest": float(image.voxels.min()),
        "highest": float(image.voxels.max()),
        "modality": image.modality,
        "spacing_mm": [] if image.spacing_kind == "none" else list(image.spacing_mm[1 if image.planar else 0 :]),
        "spacing_kind": image.spacing_kind,
        "windows": [{"name": w.name, "center": w.center, "width": w.width} for w in image.windows],
        "photometric": source.photometric,
        "body_part": source.body_part,
        "laterality": source.laterality,
        "view": source.view,
        "manufacturer": source.manufacturer,
        "description": source.description,
        "study_uid": source.study_uid,
        "series_uid": source.series_uid,
    }


def words(value: Any) -> str:
    """A fact's value for people."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(f"{w['name'] or 'window'} {w['center']:g} ± {w['width'] / 2:g}" for w in value)
    if isinstance(value, list):
        return " × ".join(f"{item:.4g}" if isinstance(item, float) else str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def usual_input(path: Path) -> Input:
    """How an image like this would be prepared: what a plan for a data set of it alone would choose."""
    from hounsfield.datasets.case import Case, Dataset, ImageRef
    from hounsfield.datasets.fingerprint import make_fingerprint
    from hounsfield.plan import input_of

    case = Case(id=path.name, patient=path.name, images={"image": ImageRef(path)})
    dataset = Dataset(path.name, path.parent, (case,), classes=(), layout="image")
    return input_of(dataset, make_fingerprint(dataset))


def trace(image: Image, spec: Input) -> list[tuple[str, Image]]:
    """The image after every step, the first one as stored; a plan for lesions is shown on the whole image."""
    from hounsfield.preprocessing import Pipeline

    return Pipeline.from_data((*spec.film_steps, *spec.steps)).trace(image)


def write_page(
    arguments: argparse.Namespace,
    facts: dict[str, Any],
    quality: Quality,
    images: list[tuple[str, Image]],
    command: str,
) -> None:
    """Write the report: facts, quality, and the preprocessing before and after."""
    from hounsfield.reporting.image_report import write_image_page
    from hounsfield.reporting.page import Fact

    shown = [
        Fact(name.replace("_", " ").capitalize().replace("uid", "UID"), words(value))
        for name, value in facts.items()
        if value
    ]
    name = arguments.data.name
    write_image_page(arguments.output / "report.html", name, shown, quality, images, command=command)
