"""Cases made of the rows of a table: the rows of one id are drafted as one case, then their files are looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hounsfield.datasets.case import ONE_VIEW, Case, Crop, ImageRef, Part
from hounsfield.datasets.channels import image_of
from hounsfield.datasets.description import TableDescription
from hounsfield.datasets.layouts import person
from hounsfield.datasets.layouts.boxes import BoxesOfRow, box_reader
from hounsfield.datasets.layouts.labels import LabelledRow
from hounsfield.datasets.layouts.landmarks import need_landmarks, points_of_rows
from hounsfield.datasets.layouts.parts import part_of_word
from hounsfield.datasets.layouts.rows import Row, Table, Template, template
from hounsfield.datasets.layouts.views import Views
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import check_box
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box


@dataclass(frozen=True)
class Draft:
    """A case before its files have been looked for."""

    id: str
    rows: tuple[Row, ...]
    images: Mapping[str, str]
    """Path below the root, by view; of several channels that of the first."""
    channels: Mapping[str, str]
    """The same by channel; empty where an image is one file."""
    boxes: Mapping[str, tuple[Box, ...]]
    """By view."""
    repeated: tuple[str, ...]
    """Paths left out because an earlier row shows the same view."""
    patient: str
    """Empty where the table does not say."""
    target: int | None
    part: Part | None

    @property
    def paths(self) -> tuple[str, ...]:
        """Of all its images, below the root."""
        return tuple(dict.fromkeys((*self.images.values(), *self.channels.values())))


@dataclass(frozen=True)
class CaseReader:
    """The description, its templates checked against the table's columns."""

    description: TableDescription
    root: Path
    table: Table
    views: Views
    id: Template
    image: Template
    """Of the first channel, where there are several."""
    channels: Mapping[str, Template]
    patient: Template | None
    mask: Template | None
    boxes: BoxesOfRow

    def draft(self, key: str, rows: Sequence[LabelledRow], classes: tuple[str, ...]) -> Draft:
        """The rows of one id as one case: images and boxes collected, the class with the highest index taken.

        Raises:
            DatasetError: The rows contradict each other, or a box or a part cannot be understood.
        """
        only_rows = tuple(row for row, _ in rows)
        if self.views.name is None:
            self._same(key, self.image, only_rows, "image")
        channels = {name: self._same(key, own, only_rows, f"image {name}") for name, own in self.channels.items()}
        arranged = self.views.arranged(rows, self.image)
        images = {view: next(iter(paths)) for view, paths in arranged.items()}
        targets = [target for _, target in rows if target is not None]
        return Draft(
            id=key,
            rows=only_rows,
            images=images,
            channels={name: path.replace("\\", "/") for name, path in channels.items()},
            boxes={view: self._boxes(key, view, arranged[view][path], classes) for view, path in images.items()},
            repeated=tuple(path for paths in arranged.values() for path in list(paths)[1:]),
            patient=self._same(key, self.patient, only_rows, "patient") if self.patient else "",
            target=max(targets, default=None),
            part=self._part(key, only_rows),
        )

    def case(self, draft: Draft) -> Case:
        """The case, with its paths, and what else the table says of it.

        Raises:
            DatasetError: It has several mask files, or several cells for one input.
        """
        columns = self.description.columns
        return Case(
            id=draft.id,
            patient=draft.patient or draft.id,
            images=self._images(draft),
            target=draft.target,
            boxes=draft.boxes[ONE_VIEW[0]] if self.views.name is None else (),
            points=points_of_rows(self.description.landmarks, draft.rows, self.table),
            mask=self._mask(draft),
            site=self._together(draft, columns.site),
            age_years=person.age_years(draft.rows[0][columns.age]) if columns.age else None,
            sex=person.sex(self._together(draft, columns.sex)),
            part=draft.part,
            attributes={name: cell for name in columns.subgroups if (cell := self._together(draft, name))},
            columns={name: self._cell(draft, name) for name in columns.inputs},
            auxiliary={name: self._agreed(draft, name) for name in columns.auxiliary},
        )

    def _boxes(self, key: str, view: str, rows: Sequence[LabelledRow], classes: tuple[str, ...]) -> tuple[Box, ...]:
        """The boxes on one image, each once."""
        found = [self.boxes(row, "" if target is None else classes[target]) for row, target in rows]
        boxes = tuple(dict.fromkeys(box for of_row in found for box in of_row))
        if self.description.crop is not None:
            self._check_crop(key, view, len(boxes))
        return boxes

    def require_boxes(self, drafts: Sequence[Draft]) -> None:
        """Accept boxes that cover something.

        Raises:
            DatasetError: Some are empty or turned round; the message says what is wrong with the first, and names all
                cases.
        """
        wrong: dict[str, str] = {}
        for draft in drafts:
            try:
                for box in (box for boxes in draft.boxes.values() for box in boxes):
                    check_box(box, None, where=f"{self.table.path}, case {draft.id!r}")
            except DatasetError as error:
                wrong[draft.id] = str(error)
        if wrong:
            first, *others = wrong
            more = f"; {counted(len(others), 'further case')} with such boxes: {some(others, 20)}" if others else ""
            raise DatasetError(wrong[first] + more)

    def _check_crop(self, key: str, view: str, boxes: int) -> None:
        if self.views.name is not None and boxes != 1:
            number = f"{boxes} boxes" if boxes else "no box"
            self._refuse(key, f"has {number} on its image {view!r}; [crop] with [views] needs one on every image")
        if boxes > 1:
            self._refuse(key, f"has {boxes} boxes; [crop] needs one a case, so give every box an id of its own")

    def _mask(self, draft: Draft) -> ImageRef | None:
        if self.mask is None:
            return None
        paths = dict.fromkeys(self.root / path for row in draft.rows if (path := self.mask.fill_known(row)))
        there = [path for path in paths if path.exists()]
        if len(there) > 1:
            self._refuse(draft.id, f"has {len(there)} mask files; give every mask an id of its own")
        return self._ref(draft, ONE_VIEW[0], there[0]) if there else None

    def _images(self, draft: Draft) -> dict[str, ImageRef]:
        if draft.channels:
            return {ONE_VIEW[0]: image_of({name: self.root / path for name, path in draft.channels.items()})}
        return {view: self._ref(draft, view, self.root / path) for view, path in draft.images.items()}

    def _ref(self, draft: Draft, view: str, path: Path) -> ImageRef:
        crop = self.description.crop
        return ImageRef(path, crop=Crop(draft.boxes[view][0], crop.context) if crop else None)

    def _part(self, key: str, rows: Sequence[Row]) -> Part | None:
        section = self.description.split
        if section is None or section.column is None:
            return None
        cell = self._same(key, Template("{" + section.column + "}", (section.column,)), rows, "part")
        return section.values.get(cell) or part_of_word(cell, where=f"{self.table.path}: {section.column}")

    def _same(self, key: str, words: Template, rows: Sequence[Row], what: str) -> str:
        found = list(dict.fromkeys(words.fill_known(row) for row in rows))
        if len(found) > 1:
            self._refuse(key, f"has rows with more than one {what}: {some(found)}; rows of one id are one case")
        return found[0]

    def _together(self, draft: Draft, column: str | None) -> str:
        """The cells of all rows, each once: "CALC + CIRC" where rows of one case differ."""
        if column is None:
            return ""
        return " + ".join(sorted({row[column] for row in draft.rows if row[column]}))

    def _agreed(self, draft: Draft, column: str) -> str:
        """The one cell that the rows of a case have in a column; "" where they differ, or there is no such column."""
        cells = {row[column] for row in draft.rows if row.get(column)}
        return cells.pop() if len(cells) == 1 else ""

    def _cell(self, draft: Draft, column: str) -> str:
        """The one cell that the rows of a case have in a column, some of which may be empty."""
        cells = sorted({row[column] for row in draft.rows if row[column]})
        if len(cells) > 1:
            self._refuse(
                draft.id,
                f"has rows with more than one {column}: {some(cells)}; an input ([columns] inputs) needs one a case",
            )
        return cells[0] if cells else ""

    def _refuse(self, key: str, text: str) -> NoReturn:
        raise DatasetError(f"{self.table.path}: the case {key!r} {text}")


def case_reader(description: TableDescription, table: Table, views: Views, root: Path) -> CaseReader:
    """The description with its columns looked up in the table.

    Raises:
        DatasetError: A column does not exist, or the table of boxes cannot be read.
    """
    columns, split = description.columns, description.split
    for key in ("age", "sex", "site"):
        if (column := getattr(columns, key)) is not None:
            table.need(column, f"[columns] {key}")
    for key in ("subgroups", "inputs"):
        for column in getattr(columns, key):
            table.need(column, f"[columns] {key}")
    need_landmarks(description.landmarks, table)
    if split is not None and split.column is not None:
        table.need(split.column, "[split] column")
    image = template(description.first_image, table, "image")
    return CaseReader(
        description=description,
        root=root,
        table=table,
        views=views,
        id=template(description.id or description.first_image, table, "id"),
        image=image,
        channels={name: template(own, table, f"image {name}") for name, own in description.channels.items()},
        patient=template(description.patient, table, "patient") if description.patient else None,
        mask=template(columns.mask, table, "[columns] mask") if columns.mask else None,
        boxes=box_reader(description.box, table, root, image=image),
    )
