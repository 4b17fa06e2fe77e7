"""A training run's folder: what was asked, the plan, the split and the checkpoints, so that a stop loses little."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hounsfield.atomic import atomic_folder, remove_folder, write_text
from hounsfield.bundle import require_room, unfinished_folder
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import Split, read_split
from hounsfield.errors import HounsfieldError, TrainingError
from hounsfield.plan import Plan, read_plan, write_plan
from hounsfield.progress import say


@dataclass(frozen=True)
class Run:
    """A training that is going on."""

    folder: Path
    """Beside the bundle; removed when the bundle is whole."""
    plan: Plan
    split: Split
    resumed: bool

    def begin_anew_unless(self, key: str) -> None:
        """Forget what the networks have learned when they learned it from other inputs or weights than `key` says."""
        path = self.folder / "learned-from"
        if path.is_file() and path.read_text(encoding="utf-8") != key:
            say(
                "warning: images, or the weights to begin from, changed since this training was stopped; its networks "
                "begin anew"
            )
            for checkpoint in self.folder.glob("member-*.safetensors"):
                checkpoint.unlink()
        write_text(path, key)

    def close(self) -> None:
        """Remove the folder."""
        remove_folder(self.folder)


def open_run(out: Path, request: Mapping[str, Any], choose: Callable[[Path], tuple[Plan, Split]]) -> Run:
    """Begin a run, or take up the one that was stopped.

    Args:
        out: The bundle's folder.
        request: What was asked for, as plain values; a stopped run goes on only for the same request.
        choose: Makes plan and split for a new run; what it tries on the way may be kept in the folder it is given.

    Raises:
        TrainingError: An unfinished run of another request lies there, or is damaged.
        StorageError: The disk refused, or something that is no bundle is at `out`.
    """
    require_room(out)
    folder = unfinished_folder(out)
    if not folder.is_dir():
        with atomic_folder(folder) as temporary:
            (temporary / "request.json").write_text(json.dumps(request), encoding="utf-8")
    _require_same_request(folder, request)
    resumed = (folder / "plan.toml").is_file()  # it is written last, when plan and split are chosen
    if not resumed:
        try:
            plan, split = choose(folder)
        except HounsfieldError:  # a run that cannot begin leaves nothing behind
            remove_folder(folder)
            raise
        split.write(folder / "split.json")
        write_plan(plan, folder / "plan.toml")
    return Run(folder, read_plan(folder / "plan.toml"), read_split(folder / "split.json"), resumed=resumed)


def _require_same_request(folder: Path, request: Mapping[str, Any]) -> None:
    request_path = folder / "request.json"
    try:
        earlier = json.loads(request_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} is not a training that can go on ({error}); delete it to start anew") from error
    if earlier != json.loads(json.dumps(request)):
        changed = ", ".join(sorted(key for key in request if earlier.get(key) != request[key]))
        raise TrainingError(
            f"{folder} holds an unfinished training that was asked for otherwise ({changed}); give its command again "
            "to go on, choose another -o, or delete the folder to start anew"
        )


def cases_digest(dataset: Dataset) -> str:
    """SHA-256 of the cases' ids, patients, targets, images, boxes, landmarks, cells: changes when these do."""
    digest = hashlib.sha256()
    for case in dataset.cases:
        cells = sorted(case.columns.items()), sorted(case.auxiliary.items())
        images, places = list(case.images.items()), (case.boxes, case.points)
        digest.update(repr((case.id, case.unit, case.patient, case.target, images, *places, *cells)).encode())
    return digest.hexdigest()
