"""What `hounsfield read` writes: a figure for each image, readings.json and report.html."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hounsfield.atomic import write_text
from hounsfield.bundle import Bundle
from hounsfield.findings import ModelIdentity, Reading
from hounsfield.formats.drawn_by import by_model
from hounsfield.formats.write import write_nifti, write_png
from hounsfield.image import Image, Mask
from hounsfield.likeness import Examples
from hounsfield.reading.batch import Failure, Item
from hounsfield.reporting.case_figure import write_case_figure
from hounsfield.reporting.marks import placed
from hounsfield.reporting.outline_figure import outline_figure
from hounsfield.reporting.outline_views import outline_views
from hounsfield.reporting.pictures import write_picture
from hounsfield.reporting.reading_report import (
    StudyPictures,
    landmark_lines,
    marked,
    study_pictures,
    write_reading_page,
)

FORMAT_VERSION = "1"
"""Raised when a key of readings.json changes its meaning or goes; added keys leave it."""

_LONGEST_NAME = 80
"""Characters of a figure's name: well below what any file system takes."""

_MOST_MARKED = 30
"""Findings that are drawn on a figure."""

_DOCUMENT = "readings.json"


class Batch:
    """Collects readings, writes a figure for each as it comes, and the rest at the end."""

    def __init__(self, folder: Path, *, figures: bool, examples: Examples | None = None) -> None:
        """Nothing is written yet; `examples` are the bundle's, to show which ones an image is like."""
        self._examples = examples.pictures if examples else None
        self.folder = folder
        self.readings: list[Reading] = []
        self.failures: list[Failure] = []
        self._figures = figures
        self._pictures: dict[str, StudyPictures | Image] = {}
        self._names: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def take(self, item: Item, image: Image | None, result: Reading | Failure) -> None:
        """Keep a result, and draw it."""
        if isinstance(result, Failure):
            self.failures.append(result)
            return
        if self._figures and image is not None:
            views = None if result.outline is None else outline_views(image, result.outline)
            self._pictures[item.case] = study_pictures(result, image, examples=self._examples, views=views)
            self._draw(item, image, result, views)
        if result.outline is not None and image is not None:
            self._write_labels(item, image, result.outline, result.model)
        self.readings.append(replace(result, heat=None, outline=None))

    def _write_labels(self, item: Item, image: Image, outline: Mask, model: ModelIdentity) -> None:
        """The labels as numbers on the image's grid: PNG of a flat image, NIfTI of a volume, or where 16 bits are too
        few for all objects."""
        voxels = outline.labels[None].astype(np.min_scalar_type(int(outline.labels.max(initial=0))))
        as_picture = image.planar and voxels.dtype.itemsize <= 2
        name = self._labels[item.case] = f"{self._stem(item.case)}.labels.{'png' if as_picture else 'nii.gz'}"
        labels = replace(image, voxels=voxels, windows=(), channel_names=())  # a window would change the numbers
        if as_picture:
            write_png(labels, self.folder / name, bits=16 if voxels.dtype == np.uint16 else 8)
        else:
            write_nifti(labels, self.folder / name, description=by_model(model.name, model.sha256))

    def _draw(self, item: Item, image: Image, reading: Reading, views: NDArray[np.uint8] | None) -> None:
        self._names[item.case] = f"{self._stem(item.case)}.png"
        subtitle = f"{reading.model.name} · {reading.model.sha256[:12]}"
        if reading.outline is not None:
            pixels = outline_figure(image, reading.outline, reading, title=item.case, subtitle=subtitle, views=views)
            write_picture(self.folder / self._names[item.case], pixels)
            return
        marks, slice_ = marked(reading, image, most=_MOST_MARKED)
        boxes = [finding.box for finding in reading.findings[:1] if finding.box is not None and not marks]
        write_case_figure(
            self.folder / self._names[item.case],
            image,
            reading.heat,
            reading.answers[0] if reading.answers else None,
            title=item.case,
            subtitle=subtitle,
            reason=reading.abstained,
            by_threshold=len(reading.answers) == 1,
            scanned=reading.scanned,
            boxes=boxes,
            marks=marks,
            findings=placed(reading.findings) if reading.looked_for else None,
            landmarks=landmark_lines(reading),
            depth_index=slice_,
        )

    def write(self, bundle: Bundle, command: str, *, earlier: Path, runtime: str) -> dict[str, Any]:
        """Write readings.json and report.html; what readings.json holds.

        Args:
            bundle: What read.
            command: How to read the same again.
            earlier: Where the results are going to lie; figures of an earlier reading there are removed.
            runtime: What the networks were computed with, in words.
        """
        created = datetime.now(UTC).isoformat(timespec="seconds")
        document = {
            "format": FORMAT_VERSION,
            "created": created,
            "model": {
                "name": bundle.identity.name,
                "version": bundle.identity.version,
                "sha256": bundle.identity.sha256,
            },
            "runtime": runtime,
            "readings": [
                {
                    **reading.as_json(),
                    "figure": self._names.get(reading.case, ""),
                    "labels": self._labels.get(reading.case, ""),
                }
                for reading in self.readings
            ],
            "failed": [{"path": failure.path, "reason": failure.reason} for failure in self.failures],
        }
        write_text(self.folder / _DOCUMENT, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        problems = [(failure.path, failure.reason) for failure in self.failures]
        write_reading_page(
            self.folder / "report.html", self.readings, self._pictures, problems, command=command, created=created
        )
        _remove_figures(earlier)
        return document

    def _stem(self, case: str) -> str:
        """The beginning of the names of a case's files, that every file system takes, unlike all others whatever their
        capitals."""
        if case not in self._stems:
            plain = re.sub(r"[^\w.\-]+", "_", case).strip("._")[-_LONGEST_NAME:].strip("._") or "image"
            taken = {name.casefold() for name in self._stems.values()}
            name, number = plain, 2
            while name.casefold() in taken:
                name, number = f"{plain}-{number}", number + 1
            self._stems[case] = name
        return self._stems[case]


def _remove_figures(folder: Path) -> None:
    """Remove the figures that an earlier readings.json in the folder names, so that none is taken for a new one."""
    try:
        earlier = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
        names = [reading.get(key, "") for reading in earlier["readings"] for key in ("figure", "labels")]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in names:
        if isinstance(name, str) and name and Path(name).name == name:
            (folder / name).unlink(missing_ok=True)
