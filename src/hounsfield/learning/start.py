"""What a training begins from, kept in the run's folder: as it was at the beginning, whatever happens to it since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from hounsfield.atomic import atomic_file, write_text
from hounsfield.bundle import read_bundle
from hounsfield.errors import TrainingError
from hounsfield.learning.transfer import IMAGENET, KEPT_WEIGHTS, imagenet_digest, load_start, network_words, weights_of
from hounsfield.plan import Plan
from hounsfield.plan.network import build_network

_FACTS = "start.json"


@dataclass(frozen=True)
class Seen:
    """Digests of patients and images, as a bundle keeps them."""

    patients: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Start:
    """What a training begins from."""

    sha256: str = ""
    """Of the weights; empty where they are drawn at random."""
    seen: Seen = Seen()
    """By the bundle that they come from."""


def keep_start(plan: Plan, folder: Path) -> Start:
    """Copy the weights of the bundle that a plan begins from, and what it has seen, into a run's folder.

    An earlier call's copy is used as it is. ImageNet's weights are not copied; their digest tells whether they are
    still the same.

    Raises:
        PlanError, WeightsError: The weights do not fit the plan's network, or are not at hand.
        BundleError: The bundle cannot be read.
        TrainingError: The copy is damaged.
        StorageError: The disk refused.
    """
    path = folder / _FACTS
    if not plan.optimisation.start:
        return Start()
    if plan.optimisation.start != IMAGENET:
        if not path.is_file():
            _copy(plan, folder)
        return _read(path)
    if not path.is_file():
        _require_fitting(plan)
    if digest := imagenet_digest(plan):
        _write(path, Start(digest))
    return _read(path)


def _copy(plan: Plan, folder: Path) -> None:
    from safetensors.torch import save_file

    bundle = read_bundle(Path(plan.optimisation.start))
    kept = folder / KEPT_WEIGHTS
    with atomic_file(kept) as temporary:
        save_file(weights_of(bundle), temporary, metadata={"network": network_words(bundle.plan)})
    _require_fitting(plan, kept)
    seen = Seen(frozenset(bundle.training.seen_patients), frozenset(bundle.training.seen_images))
    _write(folder / _FACTS, Start(hashlib.sha256(kept.read_bytes()).hexdigest(), seen))


def _require_fitting(plan: Plan, kept: Path | None = None) -> None:
    load_start(build_network(plan, outputs=len(plan.classes)), plan, kept=kept)


def _write(path: Path, start: Start) -> None:
    seen = {"patients": sorted(start.seen.patients), "images": sorted(start.seen.images)}
    write_text(path, json.dumps({"sha256": start.sha256, "seen": seen}))


def _read(path: Path) -> Start:
    facts = json.loads(path.read_text(encoding="utf-8"))
    seen = Seen(frozenset(facts["seen"]["patients"]), frozenset(facts["seen"]["images"]))
    kept = path.with_name(KEPT_WEIGHTS)
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() != facts["sha256"]:
        raise TrainingError(
            f"{kept}, the copy of the weights that this training begins from, was changed; delete {path.parent} to "
            "begin anew"
        )
    return Start(facts["sha256"], seen)
