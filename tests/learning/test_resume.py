"""A training that is killed and started again ends with the weights of an undisturbed one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hounsfield.bundle import read_bundle
from hounsfield.plan import Plan, write_plan

MakeTinyPlan = Callable[..., Plan]
DRIVER = Path(__file__).with_name("killed_training.py")


def ends_of(folder: Path, plan: Plan, jobs: list[dict[str, Any]]) -> list[str]:
    """How the processes of `killed_training.py` ended."""
    write_plan(plan, folder / "plan.toml")
    (folder / "jobs.json").write_text(json.dumps([{"out": "undisturbed"}, *jobs]))
    command = [sys.executable, "-W", "error", str(DRIVER), str(folder / "jobs.json")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    ends: list[str] = json.loads(result.stdout)
    assert "failed" not in ends, result.stderr
    return ends


def assert_same_bundle(folder: Path) -> None:
    """The killed training left what the undisturbed one left, and nothing beside it."""
    one, other = (read_bundle(folder / name) for name in ("undisturbed", "killed"))
    assert one.identity.sha256 == other.identity.sha256
    for name in ("weights.safetensors", "plan.toml", "split.json", "evidence.json"):
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
    left = {path.name for path in folder.iterdir()}
    assert left == {"undisturbed", "killed", "plan.toml", "jobs.json", "tiny.npz"}
    assert {path.name for path in one.folder.iterdir()} == {path.name for path in other.folder.iterdir()}


def test_killed_at_five_random_moments(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    moments = [random.random() for _ in range(5)]  # noqa: S311 - not for secrets
    jobs = [{"out": "killed", "share": share} for share in moments] + [{"out": "killed"}]
    ends = ends_of(tmp_path, make_tiny_plan(folds=2, flips=True, epochs=6), jobs)
    assert ends[-1] == "done", moments
    assert_same_bundle(tmp_path)


def test_killed_before_ever_later_changes_of_the_disk(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    # while the run is begun, the inputs and checkpoints are written, between members, while the bundle and what is
    # added to it are written, and while the run's folder is removed
    ends = ends_of(tmp_path, make_tiny_plan(folds=2, epochs=2), [{"out": "killed", "stride": 2}])
    assert ends.count("killed") > 10
    assert ends[-1] == "done"
    assert_same_bundle(tmp_path)
