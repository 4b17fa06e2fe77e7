"""What a training begins from, kept in the run's folder: as it was at the beginning, whatever happens to it since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from hounsfield.atomic import atomic_file, write_text
from hounsfield.bundle import read_bundle
from hounsfield.errors import TrainingError
from hounsfield.learning.transfer import IMAGENET, KEPT_WEIGHTS, imagenet_digest, keep_weights, load_start
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
    held_back: tuple[frozenset[str], ...] = ()
    """For each network of that bundle, which of these patients and images it had not learned from."""
    folds: int = 1
    """Of that bundle."""

    def seen_by(self, member: int) -> frozenset[str]:
        """What had been learned from by the network that a member of the new ensemble begins from."""
        return (self.seen.patients | self.seen.images) - self.held_back_by(member)

    def held_back_by(self, member: int) -> frozenset[str]:
        """What that network had not learned from."""
        return self.held_back[member % len(self.held_back)] if self.held_back else frozenset()


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
    bundle = read_bundle(Path(plan.optimisation.start))
    kept = folder / KEPT_WEIGHTS
    with atomic_file(kept) as temporary:
        keep_weights(bundle, temporary)
    _require_fitting(plan, kept)
    seen = Seen(frozenset(bundle.training.seen_patients), frozenset(bundle.training.seen_images))
    held_back = tuple(map(frozenset, bundle.training.held_back))
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    _write(folder / _FACTS, Start(digest, seen, held_back, bundle.plan.ensemble.folds))


def _require_fitting(plan: Plan, kept: Path | None = None) -> None:
    load_start(build_network(plan), plan, kept=kept)


def _write(path: Path, start: Start) -> None:
    seen = {"patients": sorted(start.seen.patients), "images": sorted(start.seen.images)}
    held_back = [sorted(own) for own in start.held_back]
    facts = {"sha256": start.sha256, "seen": seen, "held_back": held_back, "folds": start.folds}
    write_text(path, json.dumps(facts))


def _read(path: Path) -> Start:
    facts = json.loads(path.read_text(encoding="utf-8"))
    if "held_back" not in facts:
        raise TrainingError(
            f"{path} was written by an earlier version of this package; delete {path.parent} to begin anew"
        )
    seen = Seen(frozenset(facts["seen"]["patients"]), frozenset(facts["seen"]["images"]))
    kept = path.with_name(KEPT_WEIGHTS)
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() != facts["sha256"]:
        raise TrainingError(
            f"{kept}, the copy of the weights that this training begins from, was changed; delete {path.parent} to "
            "begin anew"
        )
    return Start(facts["sha256"], seen, tuple(map(frozenset, facts["held_back"])), facts["folds"])
