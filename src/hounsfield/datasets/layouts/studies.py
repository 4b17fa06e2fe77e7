"""DICOM studies as they lie: the series on which a segmentation or a structure set was drawn are the cases."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hounsfield.datasets.case import Case, Dataset, DrawnMask, ImageRef
from hounsfield.datasets.layouts.parts import known_part
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.formats.dicom_slice import Slice
from hounsfield.formats.drawing import Drawing, plain
from hounsfield.formats.folder import Contents, survey
from hounsfield.formats.identify import identify
from hounsfield.formats.natural import natural_key
from hounsfield.formats.structures import open_drawing

_LOOKED_AT = 5
"""Files of each folder that are looked at to know whether there is DICOM at all."""


def studies_in(root: Path) -> Contents | None:
    """What lies below a folder, where drawings on DICOM images do and its folders are no classes.

    Folders are taken for classes where there are several and one of them holds several patients, unless they are called
    train, val and test.
    """
    if not _has_dicom(root):
        return None
    contents = survey(root)
    if not contents.drawings:
        return None
    patients: dict[str, set[str]] = defaultdict(set)
    for one in _slices(contents):
        above = one.path.relative_to(root).parts
        patients[above[0] if len(above) > 1 else ""].add(one.patient)
    several = len(patients) > 1 and any(len(own) > 1 for own in patients.values())
    return contents if not several or all(map(known_part, patients)) else None


def _has_dicom(root: Path) -> bool:
    for folder, _, names in os.walk(root):
        seen = [name for name in sorted(names) if not name.startswith(".")][:_LOOKED_AT]
        if any(identify(Path(folder, name)) == "dicom" for name in seen):
            return True
    return False


def _slices(contents: Contents) -> Iterator[Slice]:
    for members in contents.series.values():
        yield from members


def open_studies(
    root: Path, contents: Contents | None = None, *, name: str = "", labels: Mapping[str, tuple[str, ...]] | None = None
) -> Dataset:
    """The data set of the series below a folder that something was drawn on; no pixel is read.

    A drawing belongs to the series that it names, or, where it names none, to the only one in its frame of reference.
    Where a series has segmentations and structure sets, the segmentations count: they lie on its voxels already; of the
    structure sets those count too that name a wanted label which no segmentation of the series names.

    Args:
        root: The folder.
        contents: What lies below it, where that is known.
        name: Of the data set; the folder's own when not given.
        labels: By name what structures are called in the files; all of them as they stand where not given.

    Raises:
        DatasetError: Nothing was drawn on any series that is there.
    """
    contents = contents or survey(root)
    opened = in_threads(open_drawing, contents.drawings, "reading structures")
    drawings = [own for own in opened if not isinstance(own, HounsfieldError)]
    failed = [str(own) for own in opened if isinstance(own, HounsfieldError)]
    there: dict[str, list[Drawing]] = defaultdict(list)
    lost: list[str] = []
    for drawing in drawings:
        owners = _series_of(drawing, contents)
        for uid in owners:
            there[uid].append(drawing)
        if not owners:
            lost.append(drawing.path.name)
    by_series = {uid: _counting(own, labels or {}) for uid, own in there.items()}
    aside = [drawing.path.name for uid, own in there.items() for drawing in own if drawing not in by_series[uid]]
    images_in = Counter(one.path.parent for one in _slices(contents))
    images_in.update(path.parent for path in contents.others)
    refs = {uid: _image_ref(contents.series[uid], images_in) for uid in by_series}
    cases, patients_known = _cases(root, contents, refs, by_series)
    notes = _notes(contents, by_series, refs, lost, aside, failed)
    if not cases:
        why = "; ".join(notes) if drawings or failed else "no DICOM segmentation or structure set is there"
        raise DatasetError(f"{root} has no series on which something was drawn: {why}")
    return Dataset(
        name or root.resolve().name,
        root,
        cases,
        (),
        "DICOM studies",
        patients_known=patients_known,
        notes=tuple(notes),
        numbers=dict(labels or {}),
    )


def _series_of(drawing: Drawing, contents: Contents) -> list[str]:
    if drawing.series_uids:
        return [uid for uid in drawing.series_uids if uid in contents.series]
    found = [
        uid
        for uid, members in contents.series.items()
        if members[0].frame_of_reference_uid in drawing.frame_of_reference_uids
    ]
    return found if len(found) == 1 else []


def _image_ref(members: Sequence[Slice], images_in: Mapping[Path, int]) -> ImageRef | None:
    """Where a series lies, in folders of so many images; None where it is several images that are no slices of one."""
    if len(members) == 1:
        return ImageRef(members[0].path)
    if not all(one.stackable for one in members):
        return None
    folders = {one.path.parent for one in members}
    folder = Path(os.path.commonpath(folders))
    if len(folders) == 1 and images_in[folder] == len(members):
        return ImageRef(folder)
    return ImageRef(folder, series=members[0].series_uid, files=tuple(one.path for one in members))


def _cases(
    root: Path,
    contents: Contents,
    refs: Mapping[str, ImageRef | None],
    by_series: Mapping[str, Sequence[Drawing]],
) -> tuple[tuple[Case, ...], bool]:
    """The cases in natural order of their places, and whether patients are known."""
    placed = {uid: (ref, _place(root, ref, contents.series[uid][0])) for uid, ref in refs.items() if ref is not None}
    often = Counter(place for _, place in placed.values())
    people = {contents.series[uid][0].patient for uid in placed}
    known = "" not in people and (len(people) > 1 or len(placed) == 1)
    cases = []
    for uid, (ref, place) in placed.items():
        key = place if often[place] == 1 else f"{place} {uid}"
        patient = contents.series[uid][0].patient
        paths = tuple(drawing.path for drawing in by_series[uid])
        owner = patient if patient and len(people) > 1 else key
        part = known_part(ref.path.relative_to(root).parts[0]) if ref.path != root else None
        cases.append(Case(id=key, patient=owner, images={"image": ref}, mask=DrawnMask(paths), part=part))
    return tuple(sorted(cases, key=lambda case: natural_key(Path(case.id)))), known


def _place(root: Path, ref: ImageRef, first: Slice) -> str:
    """How a case is called: after its folder or file, and the series where that holds several."""
    place = ref.path.relative_to(root).as_posix()
    place = root.resolve().name if place == "." else place
    return f"{place} {first.series_name or first.modality}".strip() if ref.series else place


def _counting(drawings: Sequence[Drawing], labels: Mapping[str, tuple[str, ...]]) -> list[Drawing]:
    """The drawings of a series that count: of those that name a wanted label, if any do, the segmentations, and the
    structure sets with a label that these lack; where none is wanted, the structure sets if there is nothing else."""
    naming = {drawing: _labels_in(drawing, labels) for drawing in drawings}
    kept = [drawing for drawing, own in naming.items() if own] or list(drawings)
    segmentations = [drawing for drawing in kept if drawing.kind == "segmentation"]
    named = {label for drawing in segmentations for label in naming[drawing]}
    more = [drawing for drawing in kept if drawing.kind != "segmentation" and naming[drawing] - named]
    return sorted([*segmentations, *more] or kept, key=lambda drawing: natural_key(drawing.path))


def _labels_in(drawing: Drawing, labels: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The labels that a drawing names."""
    there = {plain(one.name) for one in drawing.structures}
    return {label for label, names in labels.items() if any(plain(name) in there for name in names)}


def _notes(
    contents: Contents,
    by_series: Mapping[str, Sequence[Drawing]],
    refs: Mapping[str, ImageRef | None],
    lost: Sequence[str],
    aside: Sequence[str],
    failed: Sequence[str],
) -> list[str]:
    """What was left out, and why."""
    counts = Counter(one.name for own in by_series.values() for drawing in own for one in drawing.structures)
    named = [f"{name} ({count})" for name, count in counts.most_common()]
    notes = [f"structures on {counted(len(by_series), 'image')}: {some(named, most=12)}"] if by_series else []
    if bare := len(contents.series) - len(by_series):
        notes.append(f"{bare} series on which nothing was drawn left out")
    if loose := sum(ref is None for ref in refs.values()):
        notes.append(f"{loose} series left out, whose images are no slices of a volume")
    if aside:
        notes.append(
            f"{counted(len(aside), 'drawing')} set aside, for others of the same image have the wanted names or are "
            f"segmentations: {some(aside)}"
        )
    if lost:
        notes.append(f"{counted(len(lost), 'drawing')} left out, of series that are not here: {some(lost)}")
    if failed:
        notes.append(f"{counted(len(failed), 'drawing')} left out: {some(failed, most=3)}")
    return notes
