"""Several images of one case: which row shows which view, and in what order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hounsfield.datasets.case import ONE_VIEW
from hounsfield.datasets.description import ViewsSection
from hounsfield.datasets.layouts.labels import LabelledRow
from hounsfield.datasets.layouts.rows import Row, Table, Template, template
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError


@dataclass(frozen=True)
class Views:
    """The views that the rows of a table show."""

    names: tuple[str, ...]
    """In the order in which a case holds them."""
    name: Template | None
    """None where a case has one image."""
    table: Table
    """The rows that show one of the views."""
    notes: tuple[str, ...] = ()

    def of(self, row: Row) -> str:
        """The view that a row shows."""
        return self.name.fill_known(row).strip() if self.name else self.names[0]

    def arranged(self, rows: Iterable[LabelledRow], image: Template) -> dict[str, dict[str, list[LabelledRow]]]:
        """The rows of one case by view, in the order of the names, and then by image, in the order of the table."""
        found: dict[str, dict[str, list[LabelledRow]]] = {name: {} for name in self.names}
        for row, target in rows:
            path = image.fill_known(row).replace("\\", "/")
            found[self.of(row)].setdefault(path, []).append((row, target))
        return {name: images for name, images in found.items() if images}


def read_views(table: Table, section: ViewsSection | None) -> Views:
    """The views of a table's rows; without a [views] section every case has one image.

    Raises:
        DatasetError: A column does not exist, a row has no view name, or no row shows one of the named views.
    """
    if section is None:
        return Views(ONE_VIEW, None, table)
    every = Views((), template(section.name, table, "[views] name"), table)
    counts = Counter(every.of(row) for row in table.rows)
    if section.names is None:
        if nameless := counts[""]:
            raise DatasetError(
                f"{table.path}: [views] name = {section.name!r} is empty in {counted(nameless, 'row')}; fill in the "
                "cells, or list the views to use in [views] names"
            )
        return replace(every, names=tuple(sorted(counts)))
    kept = tuple(row for row in table.rows if every.of(row) in section.names)
    listed = ", ".join(section.names)
    if not kept:
        raise DatasetError(
            f"{table.path}: no image shows one of the views {listed}; [views] name = {section.name!r} gives "
            f"{_listed(counts)}"
        )
    notes = []
    if others := {name: count for name, count in counts.items() if name not in section.names}:
        left = counted(len(table.rows) - len(kept), "row")
        notes.append(f"{left} left out, of other views than {listed}: {_listed(Counter(others))}")
    if absent := [name for name in section.names if not counts[name]]:
        notes.append(f"no image shows the view {some(absent)}; the views found are {_listed(counts)}")
    return Views(section.names, every.name, replace(table, rows=kept), tuple(notes))


def _listed(counts: Counter[str]) -> str:
    return some([f"{name or 'an empty name'} ({counted(count, 'row')})" for name, count in counts.most_common()])
