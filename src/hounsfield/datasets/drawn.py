"""Masks whose parts have names, DICOM segmentations and structure sets, as masks of numbers that all cases share.

A segment's own number is of its file alone, so structures are known by their names, whatever capitals and blanks these
are written with. Every label gets a number, and so does every combination of labels that overlap somewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hounsfield.arrays import BoolArray, IntArray
from hounsfield.datasets.case import Case, DrawnMask
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import header_of
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, GeometryError, HounsfieldError
from hounsfield.formats.drawing import plain
from hounsfield.formats.folder import list_images
from hounsfield.formats.overlay import Combination, overlay
from hounsfield.formats.structures import drawing_on, drawings_at, open_drawing, parts_of

Names = Mapping[str, tuple[str, ...]]
"""By label the names that its structures have in files."""


@dataclass(frozen=True)
class Numbered:
    """Cases whose masks were looked at."""

    cases: Mapping[str, tuple[Case, frozenset[int]]]
    """By id, each with the numbers on its mask."""
    labels: Mapping[str, tuple[int, ...]]
    """By label the numbers that count as it."""
    failed: tuple[str, ...] = ()
    """Why the masks of other cases cannot be used, a sentence each."""
    notes: tuple[str, ...] = ()
    """What a user should know of them, a sentence each."""


NOTHING = Numbered({}, {})


@dataclass(frozen=True, eq=False)
class _Overlaid:
    """The structures of a case on its image's grid."""

    numbers: IntArray
    """(d, h, w), places in `combinations`."""
    combinations: list[Combination]
    notes: tuple[str, ...]


def drawn_mask(case: Case) -> DrawnMask | None:
    """The mask of a case as a drawing, where it is one; None where it is an image of numbers.

    Raises:
        FormatError: A folder holds several drawings that may be of the image, or one is damaged.
        GeometryError: It was drawn on another image.
    """
    mask = case.mask
    if mask is None or isinstance(mask, DrawnMask):
        return mask
    slices = not mask.path.is_dir() or list_images(mask.path) == [mask.path]
    if mask.array or (slices and not drawings_at(mask.path)):
        return None
    return DrawnMask((drawing_on(mask.path, header_of(case.image)).path,))


def numbers_drawn(case: Case, mask: DrawnMask) -> IntArray:
    """(d, h, w) int32: the number of every voxel, on the grid of the case's image.

    Raises:
        DatasetError: The file was changed after its structures got their numbers.
        HounsfieldError: It cannot be read, or not be put on that grid.
    """
    found = _overlaid(case, mask)
    known = {(): 0} | {own: mask.first + place for place, own in enumerate(mask.combinations)}
    if any(combination not in known for combination in found.combinations):
        raise DatasetError(f"{mask.paths[0]} was changed while it was in use; give the command again")
    table = np.array([known[combination] for combination in found.combinations], dtype=np.int32)
    return table[found.numbers]


def with_numbers(cases: Sequence[tuple[Case, DrawnMask]], wanted: Names, *, first: int) -> Numbered:
    """Look at drawings, and give the labels on them numbers.

    Args:
        cases: With their drawings.
        wanted: The labels; none takes every name as it stands, of which something is drawn.
        first: Number of the first label; each label has the next, and then each combination.

    Raises:
        DatasetError: A label that is wanted is named by no file; the message lists the names there are.
    """
    named = in_threads(_names_of, [mask for _, mask in cases], "looking at names")
    readable = [(*case, own) for case, own in zip(cases, named, strict=True) if not isinstance(own, HounsfieldError)]
    failed = [str(own) for own in named if isinstance(own, HounsfieldError)]
    names = wanted or _as_they_stand([own for _, _, own in readable])
    _require_named(names, [own for _, _, own in readable])
    chosen, strange = [], []
    for case, mask, own in readable:
        if any(plain(name) in own for label in names.values() for name in label):
            chosen.append((case, replace(mask, labels=tuple(names.values()))))
        else:
            strange.append(f"{case.id} ({some(list(own.values()), most=3)})")
    found = in_threads(lambda one: _places_on(*one), chosen, "looking at structures")
    failed += [str(own) for own in found if isinstance(own, HounsfieldError)]
    usable = [(*case, own) for case, own in zip(chosen, found, strict=True) if not isinstance(own, HounsfieldError)]
    there = set().union(*(combination for _, _, (own, _) in usable for combination in own))
    kept = [place for place in range(len(names)) if wanted or place in there]
    every = {own for _, _, (combinations, _) in usable for own in combinations if len(own) > 1}
    combinations = [*((place,) for place in kept), *sorted(every, key=lambda own: (len(own), own))]
    numbers = {own: first + number for number, own in enumerate(combinations)}
    labels = list(names)
    notes = _notes(labels, kept, [own for _, _, (own, _) in usable], strange, [told for _, _, (_, told) in usable])
    return Numbered(
        cases={
            case.id: (
                replace(case, mask=replace(mask, combinations=tuple(combinations), first=first)),
                frozenset(numbers.get(own, 0) for own in combined),
            )
            for case, mask, (combined, _) in usable
        },
        labels={labels[place]: tuple(number for own, number in numbers.items() if place in own) for place in kept},
        failed=tuple(failed),
        notes=tuple(notes),
    )


def _names_of(mask: DrawnMask) -> dict[str, str]:
    """The names in the files of a mask, as they are compared, each with its spelling.

    Raises:
        DatasetError: Two files name the same.
        FormatError: One is damaged.
    """
    found: dict[str, str] = {}
    for path in mask.paths:
        own = {plain(one.name): one.name for one in open_drawing(path).structures}
        if both := sorted(found.keys() & own.keys()):
            raise DatasetError(
                f"{', '.join(other.name for other in mask.paths)} in {path.parent} were drawn on one image and name "
                f"the same ({some([own[name] for name in both])}): keep the one that counts"
            )
        found.update(own)
    return found


def _as_they_stand(named: Sequence[Mapping[str, str]]) -> Names:
    """Every name as a label, in the order in which the files have them."""
    spelled: dict[str, str] = {}
    for own in named:
        spelled = {**spelled, **{key: name for key, name in own.items() if key not in spelled}}
    return {name: (name,) for name in spelled.values()}


def _require_named(names: Names, named: Sequence[Mapping[str, str]]) -> None:
    """Accept labels of which every one is in a file.

    Raises:
        DatasetError: One is in none.
    """
    there = Counter(name for own in named for name in own)
    spelled = {key: name for own in named for key, name in own.items()}
    absent = [label for label, own in names.items() if not any(plain(name) in there for name in own)]
    if absent and named:
        listed = [f"{spelled[key]} ({counted(count, 'image')})" for key, count in there.most_common()]
        raise DatasetError(
            f"no DICOM segmentation or structure set names {some(absent)}; they name {some(listed, most=12)}: say in "
            "the description which of these a label is ([labels])"
        )


def _overlaid(case: Case, mask: DrawnMask) -> _Overlaid:
    image = header_of(case.image)
    places: dict[str, list[int]] = {}
    for place, label in enumerate(mask.labels):
        for name in label:
            places.setdefault(plain(name), []).append(place)
    notes: list[str] = []
    cut = False

    def placed() -> Iterator[tuple[int, BoolArray]]:
        nonlocal cut
        for path in mask.paths:
            drawing = open_drawing(path)
            wanted = [one for one in drawing.structures if plain(one.name) in places]
            for part in parts_of(drawing, image, wanted):
                notes.extend(part.notes)
                cut = cut or part.cut
                for place in places[plain(part.structure.name)]:
                    yield place, part.inside

    numbers, combinations = overlay(placed(), image.shape)
    if cut and combinations == [()]:
        raise GeometryError(
            f"{mask.paths[0]}: all that is wanted of it lies outside of {case.image.path} ({notes[0]}): give the image "
            "that it was drawn on"
        )
    return _Overlaid(numbers, combinations, tuple(dict.fromkeys(notes)))


def _places_on(case: Case, mask: DrawnMask) -> tuple[list[Combination], tuple[str, ...]]:
    """The labels that voxels of a case have, by their places, and what was not taken as it was drawn."""
    found = _overlaid(case, mask)
    return found.combinations, found.notes


def _notes(
    labels: Sequence[str],
    kept: Sequence[int],
    found: Sequence[Sequence[Combination]],
    strange: Sequence[str],
    told: Sequence[Sequence[str]],
) -> Iterator[str]:
    """What a user should know of labels that are not everywhere, and of structures that were changed."""
    for place in kept:
        count = sum(any(place in own for own in combinations) for combinations in found)
        if count < len(found):
            yield f"{labels[place]} is drawn on {count} of {counted(len(found), 'image')}: on the others it is nowhere"
    if nowhere := [label for place, label in enumerate(labels) if place not in kept]:
        yield f"{some(nowhere)} left out: nothing is drawn of it"
    if strange:
        yield f"{counted(len(strange), 'image')} left out, whose files name none of the labels: {some(strange, most=3)}"
    if changed := [note for notes in told for note in notes]:
        count = sum(bool(notes) for notes in told)
        yield f"on {counted(count, 'image')} structures were not taken as they were drawn: {some(changed, most=3)}"
