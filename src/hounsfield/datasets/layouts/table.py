"""A data set in a table: a description says which columns hold image, patient, class, box, mask, site and age."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.description import TableDescription
from hounsfield.datasets.layouts.drafts import CaseReader, Draft, case_reader
from hounsfield.datasets.layouts.labels import LabelledRow, read_labels
from hounsfield.datasets.layouts.landmarks import described_places
from hounsfield.datasets.layouts.rows import Table, join, read_table, table_of_files, template
from hounsfield.datasets.layouts.selection import rows_where, without_repeats
from hounsfield.datasets.layouts.views import read_views
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError


def open_table(description: TableDescription, root: Path, *, name: str) -> Dataset:
    """The data set that a description finds under `root`; no image is read.

    Raises:
        DatasetError: A table, a column or an image file is missing, a cell cannot be understood, rows of one case
            contradict each other, or nothing is left.
    """
    table, repeats, repeated = without_repeats(_joined(description, root))
    table, unwanted = rows_where(table, description.where)
    views = read_views(table, description.views)
    labels = read_labels(views.table, description.classes)
    reader = case_reader(description, table, views, root)
    groups: dict[str, list[LabelledRow]] = {}
    for row, target in zip(labels.rows, labels.targets, strict=True):
        groups.setdefault(reader.id.fill(row), []).append((row, target))
    drafts = [reader.draft(key, rows, labels.classes) for key, rows in groups.items()]
    reader.require_boxes(drafts)
    kept = [draft for draft in drafts if description.crop is None or any(draft.boxes.values())]
    dropped = description.box.drop if description.box else ()
    odd = [draft for draft in kept if any(box.label in dropped for boxes in draft.boxes.values() for box in boxes)]
    kept = [draft for draft in kept if draft not in odd] if odd else kept
    if not kept:
        raise DatasetError(f"{table.path}: no case is left; {'; '.join(labels.notes) or 'no row has a box'}")
    _refuse_missing_images(kept, root, table)
    cases = tuple(reader.case(draft) for draft in kept)
    notes = [
        *repeated,
        *unwanted,
        *views.notes,
        *labels.notes,
        *_notes_on_images(reader, kept),
        *_notes(reader, kept, cases),
    ]
    if odd:
        notes.append(
            f"{counted(len(odd), 'case')} with boxes labelled {', '.join(dropped)} left out, as [box] drop says"
        )
    if boxless := len(drafts) - len(kept) - len(odd):
        notes.append(f"{counted(boxless, 'case')} without a box left out, for [crop] cuts around one")
    return Dataset(
        name=name,
        root=root,
        cases=cases,
        classes=labels.classes,
        layout="table",
        patients_known=description.patient is not None,
        notes=tuple(notes),
        fractions=description.split.fractions if description.split else None,
        parts_from=(description.split.column or "") if description.split else "",
        modality=description.modality_of(next(iter(description.channels), "")),
        views=views.names,
        channels={name: description.modality_of(name) for name in description.channels},
        inputs=description.columns.inputs,
        auxiliary=description.columns.auxiliary,
        places=described_places(description.landmarks),
        numbers=description.labels,
        unlabelled=description.unlabelled,
        others_are_nothing=description.others_are_nothing,
        repeated_rows=repeats,
    )


def _joined(description: TableDescription, root: Path) -> Table:
    """The table, or that of the files, with those that are joined to it.

    Raises:
        DatasetError: One is missing, or cannot be joined; or no file fits.
    """
    table = _table(description, root)
    for other, on in description.join.items():
        table = join(table, read_table(root / other), on)
    return table


def _table(description: TableDescription, root: Path) -> Table:
    if description.table is None:
        return table_of_files(root, description.files or "")
    if not (root / description.table).is_file():
        raise DatasetError(
            f"there is no table {description.table} in {root}; if the data lie elsewhere, give root (--root)"
        )
    return read_table(root / description.table)


def _notes_on_images(reader: CaseReader, drafts: Sequence[Draft]) -> list[str]:
    """What a user should know about cases of several images."""
    if reader.views.name is None:
        return []
    notes = []
    lacking = {view: sum(view not in draft.images for draft in drafts) for view in reader.views.names}
    if without := [f"{count} without {view}" for view, count in lacking.items() if count]:
        notes.append(f"of {counted(len(drafts), 'case')} {', '.join(without)}")
    if repeated := [path for draft in drafts for path in draft.repeated]:
        notes.append(
            f"{counted(len(repeated), 'image')} left out, for an earlier row of the case shows the same view: "
            f"{some(repeated)}"
        )
    boxes = sum(len(boxes) for draft in drafts for boxes in draft.boxes.values())
    if boxes and reader.description.crop is None:
        notes.append("boxes left out, for a case of [views] has several images and a box lies on one")
    return notes


def _notes(reader: CaseReader, drafts: Sequence[Draft], cases: Sequence[Case]) -> list[str]:
    """What a user should know about gaps in the table."""
    notes = []
    lonely = sum(not draft.patient for draft in drafts) if reader.patient else 0
    if lonely:
        notes.append(f"{counted(lonely, 'case')} with an empty patient cell: each counts as a patient of its own")
    if reader.mask is not None and (without := sum(case.mask is None for case in cases)):
        if without == len(cases):
            looked = reader.root / reader.mask.fill(drafts[0].rows[0])
            raise DatasetError(f"none of the masks is there, for instance {looked}; check [columns] mask")
        notes.append(f"{without} of {counted(len(cases), 'case')} without a mask file")
    if absent := [name for name in reader.description.columns.auxiliary if name not in reader.table.columns]:
        notes.append(f"nothing is learned from the auxiliary columns {', '.join(absent)}: the table has none so called")
    box = reader.description.box
    if box is not None and box.mask is not None:
        path_of = template(box.mask, reader.table, "[box] mask")
        bare = [draft.id for draft in drafts if not (reader.root / path_of.fill(draft.rows[0])).is_file()]
        if bare:
            notes.append(f"{counted(len(bare), 'case')} without a mask of [box], and so without a box: {some(bare)}")
    age = reader.description.columns.age
    if age and (odd := sum(bool(d.rows[0][age]) and c.age_years is None for d, c in zip(drafts, cases, strict=True))):
        notes.append(f"{counted(odd, 'cell')} of {age} unknown, for no age stands there")
    return notes


def _refuse_missing_images(drafts: Sequence[Draft], root: Path, table: Table) -> None:
    wanted = list(dict.fromkeys(path for draft in drafts for path in draft.paths))
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
