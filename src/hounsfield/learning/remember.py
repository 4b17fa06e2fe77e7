"""What a bundle remembers of the images it learned from, so that reading can say what it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import nn

from hounsfield.arrays import IntArray
from hounsfield.datasets.audit.glance import SIDE, Small
from hounsfield.datasets.case import Case, ImageRef
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.learning.inputs import Inputs, images_of, table_of
from hounsfield.likeness import Distances, Examples, Remembered
from hounsfield.likeness.distance import distances_of
from hounsfield.likeness.look import can_look, look_at, seen_in
from hounsfield.likeness.postures import Postures, postures_of
from hounsfield.likeness.store import Kind
from hounsfield.networks.beside_table import with_table
from hounsfield.plan import Plan
from hounsfield.progress import track
from hounsfield.tasks.predict import centre, memory_order

MOST = 1000
"""Images that are remembered, of as many patients as there are."""

_BATCH = 16


def remember(inputs: Inputs, plan: Plan, network: nn.Module) -> Remembered:
    """What is remembered of a training.

    Args:
        inputs: The prepared cases.
        plan: That was followed.
        network: The first of the bundle, in evaluation mode, on the CPU.
    """
    rows = _spread([case.unit for case in inputs.cases], plan.seed, MOST)
    distances: dict[Kind, Distances] = {}
    postures: dict[Kind, Postures] = {}
    if can_look():
        for kind, refs in _refs(inputs.cases, rows, plan).items():
            found = _looked_at(refs, kind)
            if found is None:
                continue
            pictures, patient = found
            near = distances_of(seen_in(pictures), patient)
            if near is not None:
                distances[kind] = near
                probe = postures_of(pictures, patient, seed=plan.seed)
                postures |= {kind: probe} if probe else {}
    return Remembered(distances, postures, _examples(inputs, rows, plan, network))


def _spread(patients: Sequence[str], seed: int, most: int) -> IntArray:
    """At most `most` rows, in rising order: of each patient one, then of each a second, and so on, by chance."""
    order = np.random.default_rng(seed).permutation(len(patients))
    turn: dict[str, int] = {}
    place = np.zeros(len(patients), dtype=np.int64)
    for row in order.tolist():
        place[row] = turn[patients[row]] = turn.get(patients[row], -1) + 1
    return np.sort(order[np.argsort(place[order], kind="stable")][:most])


def _refs(cases: Sequence[Case], rows: IntArray, plan: Plan) -> dict[Kind, list[tuple[str, ImageRef]]]:
    """(patient, image) to look at: what cases are, and the whole images that squares were cut from."""
    looked_at = rows
    if plan.input.views:  # of fewer cases every view
        place = _spread([cases[row].unit for row in rows.tolist()], plan.seed, MOST // len(plan.input.views))
        looked_at = rows[place]
    shown = [
        (cases[row].unit, ref)
        for row in looked_at.tolist()
        for name, ref in cases[row].images.items()
        if not plan.input.views or name in plan.input.views
    ]
    if all(ref.crop is None for _, ref in shown):
        return {"image": shown}
    whole = {replace(ref, crop=None): patient for patient, ref in shown}
    return {"square": shown, "image": [(patient, ref) for ref, patient in whole.items()]}


def _looked_at(refs: Sequence[tuple[str, ImageRef]], kind: Kind) -> tuple[Small, IntArray] | None:
    """Pictures (n, planes, side, side) of the images that can be read, and whose they are; None of none."""
    words = f"looking at the {'squares' if kind == 'square' else 'images'} once more"
    looks = in_threads(lambda entry: look_at(load(entry[1])), refs, words)
    fit = [(look, patient) for look, (patient, _) in zip(looks, refs, strict=True) if isinstance(look, np.ndarray)]
    if not fit:
        return None
    patient = np.unique([patient for _, patient in fit], return_inverse=True)[1]
    return np.stack([look for look, _ in fit]), patient


@torch.inference_mode()
def _examples(inputs: Inputs, rows: IntArray, plan: Plan, network: nn.Module) -> Examples | None:
    """The cases as the network sees them; None where it has no features before its answer."""
    pooled = getattr(network, "pooled", None)
    if pooled is None:
        return None
    features = []
    starts = range(0, len(rows), _BATCH)
    for start in track(starts, "keeping examples", total=len(starts)):
        own = rows[start : start + _BATCH]
        images = with_table(centre(images_of(inputs, own), plan.input.shape), table_of(inputs, own))
        features.append(pooled(memory_order(images, channels_last=plan.optimisation.channels_last)).float())
    pictures = np.stack([_picture(inputs, row, plan) for row in rows.tolist()])
    return Examples(torch.cat(features).numpy(), inputs.targets[rows], pictures)


def _picture(inputs: Inputs, row: int, plan: Plan) -> Small:
    """(64, 64): what the network is shown of a case, of its first view that was taken; of a volume the middle slice."""
    whole = centre(images_of(inputs, np.array([row])), plan.input.shape)[0]
    views = whole.reshape(-1, plan.input.channels, *whole.shape[1:])
    taken = [place for place in range(len(views)) if bool(views[place].any())]
    shown = views[taken[0] if taken else 0].mean(dim=0).numpy()
    flat = shown[len(shown) // 2] if shown.ndim == 3 else shown
    low, high = float(flat.min()), float(flat.max())
    scaled = (flat - low) / (high - low or 1.0)
    small = cv2.resize(np.ascontiguousarray(scaled, np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.round(255 * small).astype(np.uint8)
