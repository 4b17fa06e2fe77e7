"""Masks whose parts have names, DICOM segmentations and structure sets, as masks of numbers that all cases share.

A segment's own number is of its file alone, so structures are known by their names, whatever capitals and blanks these
are written with. Every label gets a number, and so does every combination of labels that overlap somewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np

from hounsfield.arrays import BoolArray, IntArray
from hounsfield.datasets.case import Case, DrawnMask
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import header_of
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, GeometryError, HounsfieldError
from hounsfield.formats.drawing import plain
from hounsfield.formats.folder import list_images
from hounsfield.formats.overlay import Combination, numbers_of, overlay
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
class _Looked:
    """A case whose structures were put on its image's grid."""

    case: Case
    mask: DrawnMask
    combinations: Sequence[Combination]
    """The labels that voxels have, by their places."""
    notes: tuple[str, ...]


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
    """(d, h, w) of the narrowest type: the number of every voxel, on the grid of the case's image.

    Raises:
        DatasetError: The file was changed after its structures got their numbers.
        HounsfieldError: It cannot be read, or not be put on that grid.
    """
    found = _overlaid(case, mask)
    known = dict(mask.numbers)
    if any(combination not in known for combination in found.combinations):
        raise DatasetError(f"{mask.paths[0]} was changed while it was in use; give the command again")
    numbers = [known[combination] for combination in found.combinations]
    table = np.array(numbers, dtype=np.min_scalar_type(max(numbers, default=0)))
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
    asked = frozenset(plain(name) for label in wanted.values() for name in label)
    opened = in_threads(partial(_names_of, asked=asked), [mask for _, mask in cases], "looking at names")
    named = [(*case, own) for case, own in zip(cases, opened, strict=True) if not isinstance(own, HounsfieldError)]
    names = wanted or _as_they_stand([own for _, _, own in named])
    _require_named(names, [own for _, _, own in named])
    sought = {plain(name) for label in names.values() for name in label}
    labels = tuple(names.values())
    chosen = [replace(case, mask=replace(mask, labels=labels)) for case, mask, own in named if sought & own.keys()]
    strange = [f"{case.id} ({some([*own.values()], most=3)})" for case, _, own in named if not sought & own.keys()]
    found = in_threads(_looked_at, chosen, "looking at structures")
    looked = [own for own in found if isinstance(own, _Looked)]
    there = {place for one in looked for combination in one.combinations for place in combination}
    kept = {name: place for place, name in enumerate(names) if wanted or place in there}
    numbers = numbers_of(kept.values(), chain.from_iterable(one.combinations for one in looked), first=first)
    return Numbered(
        cases={one.case.id: _numbered(one, numbers) for one in looked},
        labels={name: tuple(number for own, number in numbers.items() if place in own) for name, place in kept.items()},
        failed=tuple(str(own) for own in (*opened, *found) if isinstance(own, HounsfieldError)),
        notes=(*_notes_on_names(kept, [name for name in names if name not in kept], looked), *_notes(strange, looked)),
    )


def _numbered(looked: _Looked, numbers: Mapping[Combination, int]) -> tuple[Case, frozenset[int]]:
    mask = replace(looked.mask, numbers=tuple(numbers.items()))
    return replace(looked.case, mask=mask), frozenset(numbers[own] for own in looked.combinations)


def _names_of(mask: DrawnMask, asked: frozenset[str]) -> dict[str, str]:
    """The names in the files of a mask, as they are compared, each with its spelling.

    Args:
        mask: Of one image.
        asked: The names that count; where there are none, every name does.

    Raises:
        DatasetError: Two files name the same that counts.
        FormatError: One is damaged.
    """
    found: dict[str, str] = {}
    for path in mask.paths:
        own = {plain(one.name): one.name for one in open_drawing(path).structures}
        if both := sorted(name for name in found.keys() & own.keys() if name in asked or not asked):
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
    absent = [
        f"{' or '.join(own)} (the label {label})" if own != (label,) else label
        for label, own in names.items()
        if not any(plain(name) in there for name in own)
    ]
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


def _looked_at(case: Case) -> _Looked:
    if not isinstance(case.mask, DrawnMask):
        raise TypeError(f"the mask of {case.id} is no drawing")
    found = _overlaid(case, case.mask)
    return _Looked(case, case.mask, found.combinations, found.notes)


def _notes_on_names(kept: Mapping[str, int], nowhere: Sequence[str], looked: Sequence[_Looked]) -> Iterator[str]:
    """Which labels are not everywhere."""
    for name, place in kept.items():
        count = sum(any(place in own for own in one.combinations) for one in looked)
        if count < len(looked):
            yield f"{name} is drawn on {count} of {counted(len(looked), 'image')}: on the others it is nowhere"
    if nowhere:
        yield f"{some(nowhere)} left out: no voxel of any image is inside"


def _notes(strange: Sequence[str], looked: Sequence[_Looked]) -> Iterator[str]:
    """Which files name no label, and which structures were changed."""
    if strange:
        yield f"{counted(len(strange), 'image')} left out, whose files name none of the labels: {some(strange, most=3)}"
    if changed := [note for one in looked for note in one.notes]:
        count = sum(bool(one.notes) for one in looked)
        yield f"on {counted(count, 'image')} structures were not taken as they were drawn: {some(changed, most=3)}"
