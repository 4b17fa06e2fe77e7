"""A data set in a table: a description says which columns hold image, patient, class, box, mask, site and age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hounsfield.datasets.case import Case, Crop, Dataset, ImageRef, Part
from hounsfield.datasets.description import TableDescription
from hounsfield.datasets.layouts import person
from hounsfield.datasets.layouts.boxes import BoxesOfRow, box_reader
from hounsfield.datasets.layouts.labels import read_labels
from hounsfield.datasets.layouts.parts import part_of_word
from hounsfield.datasets.layouts.rows import Row, Table, Template, join, read_table, template
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import check_box
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box


def open_table(description: TableDescription, root: Path, *, name: str) -> Dataset:
    """The data set that a description finds under `root`; no image is read.

    Raises:
        DatasetError: A table, a column or an image file is missing, a cell cannot be understood, rows of one case
            contradict each other, or nothing is left.
    """
    if not (root / description.table).is_file():
        raise DatasetError(
            f"there is no table {description.table} in {root}; if the data lie elsewhere, give root (--root)"
        )
    table = read_table(root / description.table)
    for other, on in description.join.items():
        table = join(table, read_table(root / other), on)
    table, repeated = _without_repeats(table)
    labels = read_labels(table, description.classes)
    reader = _reader(description, table, root)
    groups: dict[str, list[tuple[Row, int | None]]] = {}
    for row, target in zip(labels.rows, labels.targets, strict=True):
        groups.setdefault(reader.id.fill(row), []).append((row, target))
    drafts = [reader.draft(key, rows, labels.classes) for key, rows in groups.items()]
    kept = [draft for draft in drafts if description.crop is None or draft.boxes]
    if not kept:
        raise DatasetError(f"{table.path}: no case is left; {'; '.join(labels.notes) or 'no row has a box'}")
    _refuse_missing_images(kept, root, table)
    cases = tuple(reader.case(draft) for draft in kept)
    notes = [*repeated, *labels.notes, *reader.notes(kept, cases)]
    if len(kept) < len(drafts):
        notes.append(f"{counted(len(drafts) - len(kept), 'case')} without a box left out, for [crop] cuts around one")
    return Dataset(
        name=name,
        root=root,
        cases=cases,
        classes=labels.classes,
        layout="table",
        patients_known=description.patient is not None,
        notes=tuple(notes),
        fractions=description.split.fractions if description.split else None,
        modality=description.modality,
    )


@dataclass(frozen=True)
class _Draft:
    """A case before its files have been looked for."""

    id: str
    rows: tuple[Row, ...]
    image: str
    patient: str
    target: int | None
    boxes: tuple[Box, ...]
    part: Part | None


@dataclass(frozen=True)
class _Reader:
    """The description, its templates checked against the table's columns."""

    description: TableDescription
    root: Path
    table: Table
    id: Template
    image: Template
    patient: Template | None
    mask: Template | None
    boxes: BoxesOfRow

    def draft(self, key: str, rows: Sequence[tuple[Row, int | None]], classes: tuple[str, ...]) -> _Draft:
        """The rows of one id as one case: boxes collected, the class with the highest index taken."""
        only_rows = tuple(row for row, _ in rows)
        boxes: list[Box] = []
        for row, target in rows:
            boxes.extend(self.boxes(row, "" if target is None else classes[target]))
        boxes = list(dict.fromkeys(boxes))
        for box in boxes:
            check_box(box, None, where=f"{self.table.path}, case {key!r}")
        if self.description.crop is not None and len(boxes) > 1:
            self._refuse(key, f"has {len(boxes)} boxes; [crop] needs one a case, so give every box an id of its own")
        targets = [target for _, target in rows if target is not None]
        return _Draft(
            id=key,
            rows=only_rows,
            image=self._same(key, self.image, only_rows, "image").replace("\\", "/"),
            patient=self._same(key, self.patient, only_rows, "patient") if self.patient else "",
            target=max(targets, default=None),
            boxes=tuple(boxes),
            part=self._part(key, only_rows),
        )

    def case(self, draft: _Draft) -> Case:
        """The case, with its paths, and what else the table says of it."""
        columns, crop = self.description.columns, self.description.crop
        ref = ImageRef(self.root / draft.image, crop=Crop(draft.boxes[0], crop.context) if crop else None)
        return Case(
            id=draft.id,
            patient=draft.patient or draft.id,
            images={"image": ref},
            target=draft.target,
            boxes=draft.boxes,
            mask=self._mask(draft),
            site=self._together(draft, columns.site),
            age_years=person.age_years(draft.rows[0][columns.age]) if columns.age else None,
            sex=person.sex(self._together(draft, columns.sex)),
            part=draft.part,
            attributes={name: cell for name in columns.subgroups if (cell := self._together(draft, name))},
        )

    def notes(self, drafts: Sequence[_Draft], cases: Sequence[Case]) -> list[str]:
        """What a user should know about gaps in the table."""
        notes = []
        lonely = sum(not draft.patient for draft in drafts) if self.patient else 0
        if lonely:
            notes.append(f"{counted(lonely, 'case')} with an empty patient cell: each counts as a patient of its own")
        if self.mask is not None and (without := sum(case.mask is None for case in cases)):
            if without == len(cases):
                looked = self.root / self.mask.fill(drafts[0].rows[0])
                raise DatasetError(f"none of the masks is there, for instance {looked}; check [columns] mask")
            notes.append(f"{without} of {counted(len(cases), 'case')} without a mask file")
        age = self.description.columns.age
        if age and (
            odd := sum(bool(d.rows[0][age]) and c.age_years is None for d, c in zip(drafts, cases, strict=True))
        ):
            notes.append(f"{counted(odd, 'cell')} of {age} unknown, for no age stands there")
        return notes

    def _mask(self, draft: _Draft) -> ImageRef | None:
        if self.mask is None:
            return None
        paths = dict.fromkeys(self.root / self.mask.fill(row) for row in draft.rows)
        there = [path for path in paths if path.is_file()]
        if len(there) > 1:
            self._refuse(draft.id, f"has {len(there)} mask files; give every mask an id of its own")
        crop = self.description.crop
        return ImageRef(there[0], crop=Crop(draft.boxes[0], crop.context) if crop else None) if there else None

    def _part(self, key: str, rows: Sequence[Row]) -> Part | None:
        section = self.description.split
        if section is None or section.column is None:
            return None
        cell = self._same(key, Template("{" + section.column + "}", (section.column,)), rows, "part")
        return section.values.get(cell) or part_of_word(cell, where=f"{self.table.path}: {section.column}")

    def _same(self, key: str, words: Template, rows: Sequence[Row], what: str) -> str:
        found = list(dict.fromkeys(words.fill(row) for row in rows))
        if len(found) > 1:
            self._refuse(key, f"has rows with more than one {what}: {some(found)}; rows of one id are one case")
        return found[0] if any(rows[0][column] for column in words.columns) else ""

    def _together(self, draft: _Draft, column: str | None) -> str:
        """The cells of all rows, each once: "CALC + CIRC" where rows of one case differ."""
        if column is None:
            return ""
        return " + ".join(sorted({row[column] for row in draft.rows if row[column]}))

    def _refuse(self, key: str, text: str) -> NoReturn:
        raise DatasetError(f"{self.table.path}: the case {key!r} {text}")


def _reader(description: TableDescription, table: Table, root: Path) -> _Reader:
    columns, split = description.columns, description.split
    for key in ("age", "sex", "site"):
        if (column := getattr(columns, key)) is not None:
            table.need(column, f"[columns] {key}")
    for column in columns.subgroups:
        table.need(column, "[columns] subgroups")
    if split is not None and split.column is not None:
        table.need(split.column, "[split] column")
    return _Reader(
        description=description,
        root=root,
        table=table,
        id=template(description.id or description.image, table, "id"),
        image=template(description.image, table, "image"),
        patient=template(description.patient, table, "patient") if description.patient else None,
        mask=template(columns.mask, table, "[columns] mask") if columns.mask else None,
        boxes=box_reader(description.box, table, root),
    )


def _without_repeats(table: Table) -> tuple[Table, list[str]]:
    rows = tuple({tuple(row.values()): row for row in table.rows}.values())
    repeats = len(table.rows) - len(rows)
    notes = (
        [f"{counted(repeats, 'row')} of {table.path.name} left out, word for word the same as another"]
        if repeats
        else []
    )
    return Table(table.path, table.columns, rows), notes


def _refuse_missing_images(drafts: Sequence[_Draft], root: Path, table: Table) -> None:
    wanted = list(dict.fromkeys(draft.image for draft in drafts))
    missing = [image for image in wanted if not image or not (root / image).exists()]
    if not missing:
        return
    if len(missing) == len(wanted):
        raise DatasetError(
            f"none of the {len(wanted)} images that {table.path} names is there; the first one was looked for at "
            f"{root / missing[0]}; the root is probably wrong (--root), or the image key of the description"
        )
    named = [image or "(an empty cell)" for image in missing]
    raise DatasetError(
        f"{len(missing)} of the {len(wanted)} images that {table.path} names are not under {root}: {some(named)}; "
        "add the files, or take their rows out of the table"
    )
