"""All methods tested on a bundle, with cases that its networks had not learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle, digest_of
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.split import read_split
from hounsfield.errors import DatasetError, HounsfieldError, UsageError
from hounsfield.evaluation.explanations import TOO_SLOW, Explanations, Trial, mean_score
from hounsfield.image import Image
from hounsfield.progress import track
from hounsfield.reading.explain.checks import agreement, removal_areas, shuffled
from hounsfield.reading.explain.methods import METHODS, MethodName, explain, explainable
from hounsfield.reading.explain.stored import on_stored_grid
from hounsfield.reading.opened import Opened
from hounsfield.reading.reader import Reader

QUICK_METHODS: tuple[MethodName, ...] = tuple(name for name in METHODS if name not in TOO_SLOW)

CASES = 24
"""Explained where nobody asks for more."""

FEWEST = 4
"""Cases below which nothing is tested."""

MOST_TRIED = 4
"""For each case that is wanted as many are looked at, at most, to find one that is called what it is."""

_CHANCE = 2
"""Random orders, and heat maps of other cases, that chance is measured with."""


@dataclass(frozen=True, eq=False)
class _Shown:
    """A case, ready to be explained."""

    case: Case
    opened: Opened
    image: Tensor
    """(C, …), as the networks take it."""
    networks: tuple[nn.Module, ...]
    """That had not learned from its patient."""
    output: int


def try_explanations(
    bundle: Bundle,
    dataset: Dataset,
    *,
    cases: int = CASES,
    methods: Sequence[MethodName] = METHODS,
    seed: int = 0,
) -> Explanations:
    """Test methods on cases of a data set.

    Cases of the positive class that are called so are explained (of more than two classes: of each but the first); of a
    patient the model was trained on, only with networks that had not learned from that patient.

    Args:
        bundle: The model.
        dataset: Its classes must be the bundle's.
        cases: At most as many are explained.
        methods: Which are tested, the one that is to be the default first.
        seed: Of the choice of cases.

    Raises:
        DatasetError: There are too few such cases.
        UsageError: The model finds places, and answers no classes.
    """
    if bundle.plan.task != "classification":
        raise UsageError(
            f"{bundle.identity.name} says where on an image something is, and only heat maps that explain a class can "
            "be tested: hounsfield read draws its boxes, landmarks or outlines"
        )
    reader = Reader(bundle, runtime="torch", answer_all=True)
    shown = list(track(_right(reader, dataset, count=cases, seed=seed), "looking for cases to explain", total=cases))
    if len(shown) < FEWEST:
        raise DatasetError(
            f"{dataset.name} has {len(shown)} cases of {' or '.join(bundle.plan.classes[1:])} that a network which had "
            f"not learned from them calls so, and that can be read: at least {FEWEST} are needed to test explanations"
        )
    chance = [_by_chance(one, bundle) for one in track(shown, "explaining, by chance")]
    able = [name for name in methods if explainable(shown[0].networks, name)]
    return Explanations(dataset.name, tuple(_tested(name, shown, chance, bundle) for name in able))


def _right(reader: Reader, dataset: Dataset, *, count: int, seed: int, pictures: bool = False) -> Iterator[_Shown]:
    """At most `count` cases of a class but the first that the networks call so, in a random order."""
    kept_apart = _test_part(reader.bundle, dataset)
    fit = [
        case
        for case in dataset.cases
        if case.target and case.id not in kept_apart and _networks(reader, case, dataset.name)
    ]
    given = 0
    for place in np.random.default_rng(seed).permutation(len(fit))[: MOST_TRIED * count].tolist():
        if given == count:
            return
        one = _shown(reader, fit[place], dataset.name, pictures=pictures)
        if one is not None and _called(one, reader) == one.output:
            given += 1
            yield one


def _test_part(bundle: Bundle, dataset: Dataset) -> set[str]:
    """Cases of the training's own data that are kept for one test, and are not to choose anything."""
    path = bundle.folder / "split.json"
    if not path.is_file() or dataset.name != bundle.training.dataset:
        return set()
    return {case for case, part in read_split(path).parts.items() if part == "test"}


@torch.inference_mode()
def _called(one: _Shown, reader: Reader) -> int:
    """The class the networks call a case, by the bundle's own operating point."""
    logits = torch.stack([network(one.image[None]).float() for network in one.networks]).mean(dim=0).numpy()
    probabilities = reader.calibrated(logits)[0]
    if len(probabilities) == 2:
        return int(probabilities[1] >= reader.bundle.operating.threshold)
    return int(probabilities.argmax())


def _networks(reader: Reader, case: Case, name: str) -> tuple[nn.Module, ...]:
    return tuple(reader.networks[own] for own in reader.bundle.training.members_without(digest_of(case, name)))


def _shown(reader: Reader, case: Case, name: str, *, pictures: bool = False) -> _Shown | None:
    try:
        opened = reader.open_case(case, reader.load_case(case))
    except (HounsfieldError, OSError, MemoryError):
        return None
    if opened.array is None:
        return None
    image = torch.from_numpy(reader.middle(opened.array[None]))[0]
    if not pictures and not _can_be_pointed_at(case, opened):
        opened = replace(opened, stored=None, prepared=None, views={})  # so that volumes need not stay in memory
    return _Shown(case, opened, image, _networks(reader, case, name), int(case.target or 0))


def _channels(bundle: Bundle) -> dict[str, int]:
    spec = bundle.plan.input
    return {"views": max(1, len(spec.views)), "channels": spec.channels}


def _by_chance(one: _Shown, bundle: Bundle) -> tuple[float, float]:
    """Deletion and insertion in random order."""
    own = _channels(bundle)
    shape = (own["views"], *one.image.shape[1:]) if own["views"] > 1 else one.image.shape[1:]
    areas = [
        removal_areas(one.networks, one.image, np.random.default_rng(draw).random(shape), output=one.output, **own)
        for draw in range(_CHANCE)
    ]
    deletion, insertion = np.mean(areas, axis=0)
    return float(deletion), float(insertion)


def _tested(name: MethodName, shown: Sequence[_Shown], chance: Sequence[tuple[float, float]], bundle: Bundle) -> Trial:
    own = _channels(bundle)
    unlearned: dict[int, nn.Module] = {}
    heats, agreements, areas = [], [], []
    for one in track(shown, f"explaining, {name.replace('_', ' ')}"):
        batch = one.image[None]
        heat = explain(name, one.networks, batch, output=one.output, **own)[0]
        for network in one.networks:
            unlearned.setdefault(id(network), shuffled(network))
        nothing = [unlearned[id(network)] for network in one.networks]
        agreements.append(abs(agreement(heat, explain(name, nothing, batch, output=one.output, **own)[0])))
        areas.append(removal_areas(one.networks, one.image, heat, output=one.output, **own))
        heats.append(heat)
    deletion, insertion = np.mean(areas, axis=0)
    by_chance = np.array(chance)
    gains = (np.array(areas) - by_chance) @ np.array([-1, 1])
    patients = [one.case.patient for one in shown]
    tested = Trial(
        method=name,
        cases=len(shown),
        agreement=float(np.mean(agreements)),
        deletion=float(deletion),
        insertion=float(insertion),
        deletion_by_chance=float(by_chance[:, 0].mean()),
        insertion_by_chance=float(by_chance[:, 1].mean()),
        gain=mean_score(gains, patients),
    )
    return _pointed(tested, shown, heats)


def _pointed(tested: Trial, shown: Sequence[_Shown], heats: Sequence[FloatArray]) -> Trial:
    """With the pointing game, where cases are whole images with boxes."""
    boxed = [place for place, one in enumerate(shown) if _can_be_pointed_at(one.case, one.opened)]
    if len(boxed) < 2:
        return tested
    truths = {place: _inside(shown[place]) for place in boxed}
    hits, inside = [], []
    for place in boxed:
        heat = _on_film(heats[place], shown[place])
        hits.append(_points_inside(heat, truths[place]))
        inside.append(float(heat[truths[place]].sum() / heat.sum()) if heat.sum() > 0 else 0.0)
    by_chance = [
        _points_inside(_on_film(heats[boxed[(number + step) % len(boxed)]], shown[place]), truths[place])
        for number, place in enumerate(boxed)
        for step in range(1, min(_CHANCE, len(boxed) - 1) + 1)
    ]
    return replace(
        tested,
        pointed_cases=len(boxed),
        pointing=mean_score(
            np.array(hits, dtype=np.float64), [shown[place].case.patient for place in boxed], share=True
        ),
        pointing_by_chance=float(np.mean(by_chance)),
        inside=float(np.mean(inside)),
        area=float(np.mean([truth.mean() for truth in truths.values()])),
    )


def _can_be_pointed_at(case: Case, opened: Opened) -> bool:
    """Whether it is one whole flat image with boxes."""
    whole = len(case.images) == 1 and case.image.crop is None
    flat = opened.stored is not None and opened.stored.planar and opened.prepared is not None
    return bool(case.boxes) and whole and flat


def _on_film(heat: FloatArray, one: _Shown) -> FloatArray:
    prepared, stored = one.opened.prepared, one.opened.stored
    if prepared is None or stored is None:
        raise ValueError("a case that is to be pointed at keeps its images")
    return on_stored_grid(heat, prepared, stored)


def _inside(one: _Shown) -> FloatArray:
    """(height, width), whether a pixel of the stored image lies in a box."""
    stored = one.opened.stored
    shape = stored.shape[1:] if isinstance(stored, Image) else (0, 0)
    inside = np.zeros(shape, dtype=bool)
    for box in one.case.boxes:
        inside[max(0, int(box.y0)) : int(np.ceil(box.y1)), max(0, int(box.x0)) : int(np.ceil(box.x1))] = True
    return inside


def _points_inside(heat: FloatArray, truth: FloatArray) -> bool:
    return bool(heat.max() > 0 and truth[np.unravel_index(int(heat.argmax()), heat.shape)])


def heats_of_cases(
    bundle: Bundle, dataset: Dataset, methods: Sequence[str], *, count: int, seed: int
) -> Iterator[tuple[Case, Image, dict[str, FloatArray]]]:
    """The first of the cases that were tested: each with its stored image, and the heat of every method on its grid.

    A case of several views is left out.
    """
    reader = Reader(bundle, runtime="torch", answer_all=True)
    for one in _right(reader, dataset, count=count, seed=seed, pictures=True):
        if one.opened.prepared is None or one.opened.stored is None:
            continue
        heats: dict[str, FloatArray] = {
            name: _on_film(explain(name, one.networks, one.image[None], output=one.output, **_channels(bundle))[0], one)
            for name in METHODS
            if name in methods
        }
        yield one.case, one.opened.stored, heats
