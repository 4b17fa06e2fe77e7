"""The boxes that a row of a table stands for, from corners or circles, in the same table or in one of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hounsfield.datasets.description import BoxSection
from hounsfield.datasets.layouts.rows import Row, Table, Template, read_table, template
from hounsfield.datasets.listing import some
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box
from hounsfield.formats.header import Header
from hounsfield.progress import say

_WHITE, _FEW_LEVELS = 250, 4
"""A mask in 8 bits with more values than these few, of which the highest is as good as white, has smooth edges."""

BoxesOfRow = Callable[[Row, str], tuple[Box, ...]]
"""The boxes of a row; the second argument is the label of boxes that have none of their own."""


def box_reader(section: BoxSection | None, table: Table, root: Path, *, image: Template) -> BoxesOfRow:
    """A function from rows of `table` to their boxes, on the image that `image` names.

    Raises:
        DatasetError: A column does not exist, or the table of boxes cannot be read.
    """
    if section is None:
        return lambda row, label: ()
    if section.mask is not None:
        return _masks_reader(section, section.mask, image, table, root)
    if section.table is None or section.on is None:
        _need_columns(section, table)
        here: BoxSection = section
        return lambda row, label: _boxes(row, here, table, label)
    boxes = read_table(root / section.table)
    on = boxes.need(table.need(section.on, "[box] on"), "[box] on")
    _need_columns(section, boxes)
    found: dict[str, list[Box]] = defaultdict(list)
    for row in boxes.rows:
        found[row[on]].extend(_boxes(row, section, boxes, ""))
    known = {row[on] for row in table.rows}
    if lonely := [key for key in found if key not in known]:
        where = f"{on} in {boxes.path.name}"
        say(f"note: boxes of {len(lonely)} values of {where} are on none of the images: {some(lonely)}")
    return lambda row, label: tuple(found.get(row[on], ()))


def number(row: Row, column: str, table: Table) -> float | None:
    """The number in a cell, None when the cell is empty.

    Raises:
        DatasetError: The cell is something else.
    """
    cell = row[column]
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        raise DatasetError(
            f"{table.path}: {column} should be a number, not {cell!r}, in the row {_short(row)}"
        ) from None


def _need_columns(section: BoxSection, table: Table) -> None:
    for key in ("x0", "y0", "x1", "y1", "z0", "z1", "center_x", "center_y", "radius", "label"):
        column = getattr(section, key)
        if column is not None:
            table.need(column, f"[box] {key}")
    for column in section.attributes:
        table.need(column, "[box] attributes")


def _masks_reader(section: BoxSection, mask: str, image: Template, table: Table, root: Path) -> BoxesOfRow:
    """A function from rows to the boxes of their masks; a row whose mask is not there has none.

    Raises:
        DatasetError: There is none at all.
    """
    from hounsfield.formats import header

    if section.label is not None:
        table.need(section.label, "[box] label")
    path_of = template(mask, table, "[box] mask")
    if not any((root / path_of.fill(row)).is_file() for row in table.rows):
        looked = root / path_of.fill(table.rows[0])
        raise DatasetError(f"none of the masks of [box] is there, for instance {looked}; check [box] mask")

    def boxes_of(row: Row, label: str) -> tuple[Box, ...]:
        path, own = root / path_of.fill(row), root / image.fill(row)
        cell = row[section.label] if section.label else label
        if not path.is_file():
            return ()
        return boxes_of_mask(path, section.values.get(cell, cell), on=header(own) if own.exists() else None)

    return boxes_of


def boxes_of_mask(path: Path, label: str, *, on: Header | None = None) -> tuple[Box, ...]:
    """A box around each label of a mask; where there is one label, around each of its parts that hang together.

    Args:
        path: Of the mask.
        label: Of the boxes.
        on: Its image, where known.

    Raises:
        DatasetError: The mask has channels that differ, or holds grey levels.
        FormatError: It cannot be read.
        GeometryError: It lies on another grid than its image.
    """
    from scipy import ndimage

    from hounsfield import formats
    from hounsfield.formats.mask import require_same_grid

    image = formats.read(path)
    if np.any(image.voxels != image.voxels[:1]):
        raise DatasetError(f"{path} is no mask: it has {image.channels} channels, which differ")
    if on is not None:
        require_same_grid(image, path, on)
    labels = np.rint(image.voxels[0]) if image.voxels.dtype.kind == "f" else image.voxels[0]
    there = np.unique(labels[labels != 0])
    if len(there) > _FEW_LEVELS and labels.dtype == np.uint8 and there[-1] >= _WHITE and there[-1] > 2 * len(there):
        raise DatasetError(
            f"{path} holds {len(there)} values up to {there[-1]}, as a smoothed mask does: set every pixel to 0 or 1, "
            "or to the number of its object, and save it without loss (PNG, not JPEG)"
        )
    if len(there) == 1:
        parts, _ = ndimage.label(labels != 0, structure=np.ones((3, 3, 3)))
    else:
        parts = np.searchsorted(there, labels) + 1
        parts[labels == 0] = 0
    found = [place for place in ndimage.find_objects(parts) if place is not None]
    return tuple(
        Box(
            float(across.start),
            float(down.start),
            float(across.stop),
            float(down.stop),
            label,
            float(deep.start),
            float(deep.stop),
        )
        for deep, down, across in found
    )


def _boxes(row: Row, section: BoxSection, table: Table, label: str) -> tuple[Box, ...]:
    """One box, or none where all cells are empty."""
    if section.label is not None:
        label = section.values.get(row[section.label], row[section.label])
    columns = [section.x0, section.y0, section.x1, section.y1, section.z0, section.z1]
    circle = section.radius is not None
    if circle:
        columns = [section.center_x, section.center_y, section.radius]
    values = [number(row, column, table) for column in columns if column is not None]
    if all(value is None for value in values):
        return ()
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        raise DatasetError(f"{table.path}: a box with an empty corner in the row {_short(row)}")
    more = tuple((name, row[name]) for name in section.attributes)
    if not circle:
        x0, y0, x1, y1, *deep = known
        z0, z1 = deep or (0.0, 1.0)
        return (Box(x0, y0, x1, y1, label, z0, z1, attributes=more),)
    x, y, radius = known[0] + 0.5, known[1] + 0.5, known[2]  # the middle of a pixel lies half a pixel past its index
    return (Box(x - radius, y - radius, x + radius, y + radius, label, attributes=more),)


def _short(row: Row) -> str:
    """Enough of a row to find it again."""
    return ", ".join(list(row.values())[:4]) + (" …" if len(row) > 4 else "")
