"""`Audit`: what would make figures too good, or a model learn the wrong thing, before anything is learned.

Every image is looked at (see `glance`). Then: patients on both sides of a split, pictures that are there twice and
under two labels, rows of tables that repeat, files that cannot be read or are empty, text in the pixels, and whether
the class can be told from what is not anatomy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hounsfield.datasets.audit.glance import Glance, glance
from hounsfield.datasets.audit.moved import MOST_PAIRS, moved_copies
from hounsfield.datasets.audit.shortcuts import Shortcut, find_shortcuts
from hounsfield.datasets.audit.twins import Twin, groups_of, near_duplicates
from hounsfield.datasets.audit.verdict import MOST_LEAKING, Verdict
from hounsfield.datasets.case import Case, Dataset, ImageRef, Part
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import HounsfieldError

TELLING = 0.8
"""AUC that a border, a size or a site surely reaches before it is spoken of: less may be anatomy at the border."""

CLIPPED = 0.2
"""Share of pixels at an image's highest value from which on detail was probably lost."""

NOT_ANATOMY = ("border", "size", "site")
"""Sources of which a high AUC is a shortcut; a thumbnail shows anatomy too."""


@dataclass(frozen=True)
class Group:
    """Images that show one exposure."""

    cases: tuple[str, ...]
    """Ids."""
    across: bool
    """Whether a split can put, or has put, one on each side: they are of several patients, or in several parts."""
    conflict: bool
    """Whether the data give them several classes."""


@dataclass(frozen=True)
class Audit:
    """What was found."""

    verdict: Verdict
    reasons: tuple[str, ...]
    """Why it is not clean, a sentence each, the worst first."""
    leaks: tuple[str, ...]
    """Of these, those for which it is refused."""
    images: int
    patients_on_both_sides: int
    near_duplicate_pairs: int
    """Pairs of images of different cases that show one exposure; of three that do, three pairs."""
    leaking_cases: int
    """Of cases held back by the data's makers, those with a near duplicate among the cases learned from."""
    label_conflicts: int
    """Cases that have a near duplicate with another class."""
    repeated_rows: int
    unreadable: int
    empty: int
    clipped: int
    burnt_in_text: int
    """Images with lines of text in their pixels."""
    shortcut_auc: float | None
    """The best of border, size and site; None where there are too few cases of two classes."""
    shortcuts: tuple[Shortcut, ...] = ()
    groups: tuple[Group, ...] = ()
    text_cases: tuple[str, ...] = ()
    not_read: tuple[tuple[str, str], ...] = ()
    """Case id and why an image of it cannot be read."""
    pairs_passed_over: int = 0
    """Neighbours that might be turned copies and were not looked at closely, for there were more alike ones."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def audit_dataset(dataset: Dataset, *, parts: Mapping[str, Part] | None = None, most_pairs: int = MOST_PAIRS) -> Audit:
    """The audit of a data set; one bad file stops nothing.

    Args:
        dataset: The cases.
        parts: Part by case id, of a split that is to be used; by default the parts of the data's makers.
        most_pairs: Pairs of pictures that are looked at closely for turned copies.
    """
    refs = _refs(dataset)
    looks = dict(zip(refs, in_threads(glance, list(refs), "looking at every image"), strict=True))
    places = [ref for ref in refs if isinstance(looks[ref], Glance)]
    glances = [look for look in looks.values() if isinstance(look, Glance)]
    if parts is None:
        parts = {case.id: case.part for case in dataset.cases if case.part}
    twins = near_duplicates(glances)
    moved, passed_over = moved_copies(places, glances, twins, most_pairs=most_pairs)
    facts = _audit(dataset, parts, looks, _groups([*twins, *moved], places, refs, parts))
    return replace(facts, pairs_passed_over=passed_over)


def with_parts_of(audit: Audit, dataset: Dataset) -> Audit:
    """The audit of the same images, judged by the parts that the cases are in now."""
    parts = {case.id: case.part for case in dataset.cases if case.part}
    of_id = {case.id: case for case in dataset.cases}
    groups = tuple(_group([of_id[case] for case in group.cases], parts) for group in audit.groups)
    facts = replace(
        audit,
        groups=groups,
        patients_on_both_sides=len(_torn(dataset, parts)),
        leaking_cases=len(leaking(groups, parts)),
    )
    return _judged(facts, parts)


def _refs(dataset: Dataset) -> dict[ImageRef, list[Case]]:
    """Every image with the cases that show it."""
    found: dict[ImageRef, list[Case]] = defaultdict(list)
    for case in dataset.cases:
        for ref in case.images.values():
            found[ref].append(case)
    return dict(found)


def _groups(
    twins: Sequence[Twin],
    places: Sequence[ImageRef],
    refs: Mapping[ImageRef, Sequence[Case]],
    parts: Mapping[str, Part],
) -> list[Group]:
    """Cases of images that are twins, and cases that name one image; squares cut from one film are no twins."""
    apart = [twin for twin in twins if not _one_film(places[twin.first], places[twin.second])]
    items = groups_of(apart, len(places))
    inside = {item for group in items for item in group}
    items += [(item,) for item, ref in enumerate(places) if item not in inside and len(refs[ref]) > 1]
    found = []
    for group in items:
        cases = list({case.id: case for item in group for case in refs[places[item]]}.values())
        if len(cases) > 1:
            found.append(_group(cases, parts))
    return found


def _one_film(first: ImageRef, second: ImageRef) -> bool:
    return (first.path, first.array, first.index) == (second.path, second.array, second.index)


def _group(cases: Sequence[Case], parts: Mapping[str, Part]) -> Group:
    return Group(
        cases=tuple(case.id for case in cases),
        across=len({parts.get(case.id) for case in cases}) > 1
        or (not any(case.id in parts for case in cases) and len({case.patient for case in cases}) > 1),
        conflict=len({case.target for case in cases if case.target is not None}) > 1,
    )


def _audit(
    dataset: Dataset,
    parts: Mapping[str, Part],
    looks: Mapping[ImageRef, Glance | HounsfieldError],
    groups: Sequence[Group],
) -> Audit:
    shown = [(case, looks[next(iter(case.images.values()))]) for case in dataset.cases if case.target is not None]
    told = [(case, look) for case, look in shown if isinstance(look, Glance)]
    shortcuts = find_shortcuts([case for case, _ in told], [look for _, look in told], dataset.classes) if told else []
    glances = [look for look in looks.values() if isinstance(look, Glance)]
    counted_areas = [shortcut.auc for shortcut in shortcuts if shortcut.source in NOT_ANATOMY]
    facts = Audit(
        verdict="clean",
        reasons=(),
        leaks=(),
        images=len(looks),
        patients_on_both_sides=len(_torn(dataset, parts)),
        near_duplicate_pairs=sum(len(group.cases) * (len(group.cases) - 1) // 2 for group in groups),
        leaking_cases=len(leaking(groups, parts)),
        label_conflicts=sum(len(group.cases) for group in groups if group.conflict),
        repeated_rows=dataset.repeated_rows,
        unreadable=sum(not isinstance(look, Glance) for look in looks.values()),
        empty=sum(look.empty for look in glances),
        clipped=sum(look.clipped > CLIPPED and not look.empty for look in glances),
        burnt_in_text=sum(look.text_lines > 0 for look in glances),
        shortcut_auc=max(counted_areas, default=None),
        shortcuts=tuple(shortcuts),
        groups=tuple(groups),
        text_cases=_with_text(dataset, looks),
        not_read=_not_read(dataset, looks),
    )
    return _judged(facts, parts)


def _judged(facts: Audit, parts: Mapping[str, Part]) -> Audit:
    leaks, warnings = judge(facts, parts)
    verdict: Verdict = "refuse" if leaks else "warn" if warnings else "clean"
    return replace(facts, verdict=verdict, reasons=leaks + warnings, leaks=leaks)


def _torn(dataset: Dataset, parts: Mapping[str, Part]) -> set[str]:
    """Patients in more than one part."""
    sides: dict[str, set[Part]] = defaultdict(set)
    for case in dataset.cases:
        if case.id in parts:
            sides[case.patient].add(parts[case.id])
    return {patient for patient, own in sides.items() if len(own) > 1}


def leaking(groups: Sequence[Group], parts: Mapping[str, Part]) -> set[str]:
    """Cases of val and test that show an exposure which a case of train, or of the other of the two, shows too."""
    found = set()
    for group in groups:
        own = {parts[case] for case in group.cases if case in parts}
        if len(own) > 1:
            found |= {case for case in group.cases if parts.get(case) in ("val", "test")}
    return found


def _not_read(dataset: Dataset, looks: Mapping[ImageRef, Glance | HounsfieldError]) -> tuple[tuple[str, str], ...]:
    found = [(case.id, looks[ref]) for case in dataset.cases for ref in case.images.values()]
    return tuple((case, str(look)) for case, look in found if not isinstance(look, Glance))


def _with_text(dataset: Dataset, looks: Mapping[ImageRef, Glance | HounsfieldError]) -> tuple[str, ...]:
    def written(case: Case) -> bool:
        return any(isinstance(look := looks[ref], Glance) and look.text_lines for ref in case.images.values())

    return tuple(case.id for case in dataset.cases if written(case))


def judge(facts: Audit, parts: Mapping[str, Part]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Why nothing must be learned from the data as they are split, and what else should be known of them."""
    held = sum(part != "train" for part in parts.values())
    refused: list[str] = []
    warned: list[str] = []
    if facts.patients_on_both_sides:
        refused.append(f"{counted(facts.patients_on_both_sides, 'patient')} in more than one part of the split")
    if facts.leaking_cases:
        where = refused if facts.leaking_cases > MOST_LEAKING * held else warned
        where.append(
            f"{facts.leaking_cases} of {counted(held, 'held-back case')} show an exposure that is in another part too"
        )
    if facts.unreadable:
        warned.append(f"{counted(facts.unreadable, 'image')} cannot be read")
    across = [group for group in facts.groups if group.across]
    if across and not facts.leaking_cases:
        cases = sum(len(group.cases) for group in across)
        named = some([" = ".join(group.cases[:3]) for group in across], most=3)
        warned.append(
            f"{cases} cases in {counted(len(across), 'group')} of near duplicates under different patients, or unknown "
            f"ones ({named}): figures are honest only where a split keeps each group on one side"
        )
    if facts.label_conflicts:
        warned.append(
            f"{counted(facts.label_conflicts, 'case')} with a near duplicate of another class: one label is wrong"
        )
    if facts.repeated_rows:
        warned.append(f"{counted(facts.repeated_rows, 'row')} of the table say the same as another")
    if facts.empty:
        warned.append(f"{counted(facts.empty, 'image')} of one grey level only")
    for shortcut in facts.shortcuts:
        if shortcut.source in NOT_ANATOMY and shortcut.low >= TELLING:
            warned.append(
                f"the {shortcut.source} of an image alone tells the class (AUC {shortcut.auc:.2f}): a model may learn "
                "that instead of disease"
            )
    if facts.burnt_in_text:
        warned.append(f"{counted(facts.burnt_in_text, 'image')} with text written into the pixels: look for names")
    return tuple(refused), tuple(warned)
