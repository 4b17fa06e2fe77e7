"""The file's own windows and VOI LUTs as `Window`s (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from hounsfield.formats.dicom_intensity import lookup_table
from hounsfield.image import Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def windows_of(dataset: Dataset, *, mirror: float | None = None) -> tuple[Window, ...]:
    """Windows in the file's order, then its VOI LUTs; those that make no sense (width 0) are left out.

    Args:
        dataset: pydicom's data set, or the FrameVOILUTSequence item of a frame.
        mirror: `Intensity.mirror`: the windows are turned over as the voxels are.
    """
    found = [*_functions(dataset), *_tables(dataset)]
    return tuple(found if mirror is None else (turned_over(window, mirror) for window in found))


def turned_over(window: Window, mirror: float) -> Window:
    """The window that shows mirror - y as bright as `window` shows y dark.

    LINEAR is not symmetric about its centre but about half a level below it (PS3.3 C.11.2.1.2.1), hence the + 1.
    """
    shift = 1.0 if window.function == "LINEAR" and not window.table else 0.0
    table = tuple(1.0 - level for level in reversed(window.table))
    return replace(window, center=mirror - window.center + shift, table=table)


def _functions(dataset: Dataset) -> list[Window]:
    centers, widths = _numbers(dataset.get("WindowCenter")), _numbers(dataset.get("WindowWidth"))
    names = _texts(dataset.get("WindowCenterWidthExplanation"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        function = "LINEAR"
    names += [""] * (len(centers) - len(names))
    return [
        Window(center=center, width=width, function=cast(Function, function), name=name)
        for center, width, name in zip(centers, widths, names, strict=False)
        if width > 0
    ]


def _tables(dataset: Dataset) -> list[Window]:
    found = []
    signed = dataset.get("PixelRepresentation", 0) == 1
    for item in dataset.get("VOILUTSequence") or ():
        first, table = lookup_table(item, signed=signed)
        low, high = float(table.min()), float(table.max())
        if len(table) < 2 or high <= low:
            continue
        width = float(len(table) - 1)
        levels = tuple(((table - low) / (high - low)).tolist())
        name = str(item.get("LUTExplanation") or "")
        found.append(Window(first + width / 2, width, function="LINEAR_EXACT", name=name, table=levels))
    return found


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    if isinstance(value, int | float | str):
        return [float(value)]
    return [float(part) for part in value]


def _texts(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(part) for part in value]
