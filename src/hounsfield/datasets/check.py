"""What is wrong with a data set before anything is learned from it: problems to refuse, and problems to warn of."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.digest import content_digest, files_of
from hounsfield.datasets.lesions import count_lesions
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.misplaced import misplaced_boxes
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import HounsfieldError

_FEWEST_PATIENTS = 3
"""Of a class, without which train, val and test cannot each have one."""

_FEW_PATIENTS = 30
_FEW_CASES = 5

_CASES_PER_CELL = 3
"""On average, below which the classes of cases with one cell may agree by chance."""

_FEWEST_OVER, _SHARE_OVER = 3, 0.1
"""Images, and their share of those with boxes, from which on boxes that reach over the border are no accident."""

_SIDE_OR_VIEW = re.compile(r"[_\- ](left|right|[lr]|[lr]?cc|[lr]?mlo)(?=[_\- ]|$)", re.IGNORECASE)
"""Words in a patient id that tell images of one patient apart; CBIS-DDSM's DICOM files call a woman
"Mass-Test_P_00173_LEFT_CC" in one of her films and "Mass-Test_P_00173_RIGHT_MLO" in another."""


@dataclass(frozen=True)
class Problem:
    """A sentence about something that is wrong."""

    severity: Literal["refuse", "warn"]
    """"refuse": nothing can be learned from the data as they are; "warn": what is measured may mislead."""
    text: str
    cases: tuple[str, ...] = ()
    """Ids of the cases it is about, where it is about some."""


def check_dataset(dataset: Dataset, *, content: bool = True, to_classify: bool = True) -> tuple[Problem, ...]:
    """The problems of a data set, the worst first; none is raised.

    Args:
        dataset: The cases.
        content: Whether to read files of equal size to find images that are byte for byte the same, and the sizes of
            images with boxes.
        to_classify: Whether classes are to be told apart; else a data set without any is none the worse for it.
    """
    problems = [
        *(_counts(dataset) if to_classify else ()),
        *_patients(dataset, to_classify=to_classify),
        *_inputs(dataset),
        *_rare_lesions(dataset),
        *_same_place(dataset),
    ]
    if content:
        problems.extend(_misplaced(dataset))
        problems.extend(_same_content(dataset))
    return tuple(sorted(problems, key=lambda problem: problem.severity != "refuse"))


def _counts(dataset: Dataset) -> Iterator[Problem]:
    counts = Counter(dataset.classes[case.target] for case in dataset.cases if case.target is not None)
    if not counts:
        yield Problem("refuse", f"no case has a class; {_other_than_classes(dataset)}")
        return
    if len(counts) == 1:
        only = next(iter(counts))
        yield Problem(
            "refuse",
            f"every labelled case is {only!r}; to tell classes apart, two are needed: add cases of another class",
        )
    unlabelled = tuple(case.id for case in dataset.cases if case.target is None)
    if unlabelled:
        yield Problem(
            "warn", f"{counted(len(unlabelled), 'case')} without a class: nothing is learned from them", unlabelled
        )
    empty = [name for name in dataset.classes if not counts[name]]
    if empty and len(counts) > 1:
        yield Problem("warn", f"no case is {some(empty)}")
    for name, count in counts.items():
        if count < _FEW_CASES:
            yield Problem(
                "warn", f"only {counted(count, 'case')} of class {name!r}: too few to learn or to measure anything"
            )


def _other_than_classes(dataset: Dataset) -> str:
    """What there is to learn where no case has a class."""
    there = {
        "boxes": ("detection", any(case.boxes for case in dataset.cases)),
        "landmarks": ("localization", any(case.points for case in dataset.cases)),
        "masks": ("segmentation", any(case.mask is not None for case in dataset.cases)),
    }
    found = {what: task for what, (task, is_there) in there.items() if is_there}
    if not found:
        return "there is nothing to learn from"
    ways = " or ".join(f"--task {task}" for task in found.values())
    return f"only {' and '.join(found)}: write a description that says where the classes are, or give {ways}"


def _rare_lesions(dataset: Dataset) -> Iterator[Problem]:
    """Labels of boxes that are hardly there, and positive classes that no box is labelled with though others are."""
    found = count_lesions(dataset.cases).boxes
    for name in dataset.classes[1:] if not found.keys().isdisjoint(dataset.classes) else ():
        if name not in found and any(dataset.classes[case.target] == name for case in dataset.cases if case.target):
            yield Problem("warn", f"no box is labelled {name!r}, which is a class: what that looks like is not learned")
    for name, count in found.items():
        if count < _FEW_CASES:
            boxes = counted(count, "box")
            yield Problem("warn", f"only {boxes} labelled {name!r}: too few to learn to find it or to measure that")


def _misplaced(dataset: Dataset) -> Iterator[Problem]:
    """Boxes that do not lie on their image, or that may count pixels of images of another size."""
    found = misplaced_boxes(dataset.cases)
    images = counted(found.images, "image")
    outside = tuple(name for name, _ in found.outside)
    over = (*outside, *found.over)
    if len(over) >= max(_FEWEST_OVER, _SHARE_OVER * found.images):
        yield Problem(
            "warn",
            f"boxes that reach over the border: on {len(over)} of {images} ({some(over)}); they may count pixels of "
            "images of another size than these",
            over,
        )
    if outside:
        text = f"boxes that do not lie on their image: on {len(outside)} of {images} ({some(outside)}); the first: "
        yield Problem("warn", text + found.outside[0][1], outside)


def _patients(dataset: Dataset, *, to_classify: bool) -> Iterator[Problem]:
    if not dataset.patients_known:
        yield Problem(
            "warn", "patients are not known: if any has several images, scores are too good; name them in a table"
        )
    ids = {case.patient for case in dataset.cases}
    people = {_SIDE_OR_VIEW.sub("", patient) for patient in ids}
    if dataset.patients_known and len(people) < len(ids):
        example = min(patient for patient in ids if _SIDE_OR_VIEW.search(patient))
        yield Problem(
            "warn",
            f"{len(ids)} patient ids look like {counted(len(people), 'patient')}, for ids such as {example!r} name the "
            "side or view as well; give ids without them in a table, or scores will be too good",
        )
    patients: dict[int, set[str]] = defaultdict(set)
    for case in dataset.cases if to_classify else ():
        if case.target is not None:
            patients[case.target].add(case.patient)
    split_by_makers = any(case.part for case in dataset.cases)
    for target, names in sorted(patients.items()):
        if len(names) < _FEWEST_PATIENTS and not split_by_makers:
            yield Problem(
                "refuse",
                f"only {counted(len(names), 'patient')} with class {dataset.classes[target]!r}; train, validation and "
                f"test need one each, so at least {_FEWEST_PATIENTS}",
            )
    if len(ids) < _FEW_PATIENTS:
        yield Problem("warn", f"only {counted(len(ids), 'patient')}: every figure will have a very wide interval")


def _inputs(dataset: Dataset) -> Iterator[Problem]:
    """Columns whose cell alone says the class, in cases of which several share a cell."""
    labelled = [case for case in dataset.cases if case.target is not None]
    for name in dataset.inputs:
        cells = {case.columns[name] for case in labelled}
        pairs = {(case.columns[name], case.target) for case in labelled}
        often = len(labelled) >= _CASES_PER_CELL * len(cells)
        if often and len(pairs) == len(cells) and len({target for _, target in pairs}) > 1:
            yield Problem(
                "warn",
                f"the input {name!r} gives the class away: all cases with one cell are of one class; take it out of "
                "[columns] inputs unless it will be known of every new image too",
            )


def _same_place(dataset: Dataset) -> Iterator[Problem]:
    """Cases that show the very same pixels because they name the same file, row and crop."""
    groups: dict[Hashable, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        for part in _parts(case):
            groups[part].append(case)
    yield from _sentences(list(groups.values()), "name the same image")


def _same_content(dataset: Dataset) -> Iterator[Problem]:
    """Cases whose images lie in different places but are byte for byte the same."""
    digests = _digests(list(dict.fromkeys(ref.whole for case in dataset.cases for ref in _parts(case))))
    groups: dict[Hashable, dict[Hashable, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in dataset.cases:
        for ref in _parts(case):
            if ref.whole in digests:
                groups[digests[ref.whole], ref.crop][ref.whole].append(case)
    copies = [[cases[0] for cases in places.values()] for places in groups.values()]
    yield from _sentences(copies, "hold the same image, byte for byte")


def _parts(case: Case) -> list[ImageRef]:
    """The files of a case's images, each channel by itself."""
    return [part for ref in case.images.values() for part in ref.parts]


def _sentences(groups: Sequence[Sequence[Case]], what: str) -> Iterator[Problem]:
    """One problem for copies with different classes, one for copies across patients or parts, one for the rest.

    Before them one for cases that are in a group twice, and so show an image twice.
    """
    doubled = tuple(dict.fromkeys(case.id for group in groups for case, n in _times(group) if n > 1))
    if doubled:
        yield Problem(
            "warn",
            f"{counted(len(doubled), 'case')} with the same image as two views or channels ({some(doubled)})",
            doubled,
        )
    kinds: dict[str, list[Sequence[Case]]] = defaultdict(list)
    for repeated in groups:
        group = [case for case, _ in _times(repeated)]
        if len(group) < 2:
            continue
        if len({case.target for case in group}) > 1:
            kinds[", yet have different classes: one label is wrong"].append(group)
        elif len({case.part for case in group}) > 1:
            kinds[", yet are in different official parts: scores are too good"].append(group)
        elif group[0].part is None and len({case.patient for case in group}) > 1:
            kinds[" under different patients, or unknown ones: a split may put one on each side"].append(group)
        else:
            kinds[""].append(group)
    for consequence, found in kinds.items():
        cases = tuple(dict.fromkeys(case.id for group in found for case in group))
        pairs = some([" = ".join(case.id for case in group) for group in found], most=3)
        yield Problem(
            "warn", f"{len(cases)} cases in {counted(len(found), 'group')} {what}{consequence} ({pairs})", cases
        )


def _times(group: Sequence[Case]) -> list[tuple[Case, int]]:
    """Each case of a group, and how often it is in it."""
    counts = Counter(case.id for case in group)
    return [(case, counts[case.id]) for case in {case.id: case for case in group}.values()]


def _digests(refs: Sequence[ImageRef]) -> Mapping[ImageRef, str]:
    """Hashes of the contents of images that can have a twin: of files whose size occurs twice, and of rows."""
    sizes = {ref: _size(ref) for ref in refs if not ref.array}
    often = Counter(sizes.values())
    wanted = [ref for ref in refs if ref.array or often[sizes[ref]] > 1]
    results = in_threads(content_digest, wanted, "looking for copies")
    found = zip(wanted, results, strict=True)
    return {ref: result for ref, result in found if not isinstance(result, HounsfieldError)}


def _size(ref: ImageRef) -> int:
    """Bytes of all files of an image; 0 when they cannot be reached."""
    try:
        return sum(file.stat().st_size for file in files_of(ref))
    except OSError:
        return 0
