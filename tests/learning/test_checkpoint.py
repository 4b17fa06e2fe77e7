"""Checkpoints: the same next step, whole at any moment, never a pickle."""

import re
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hounsfield
from hounsfield.errors import StorageError, TrainingError
from hounsfield.learning.checkpoint import EpochRecord, FitState, load_checkpoint, save_checkpoint
from hounsfield.learning.classes import ClassLesson
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.supervised import Setup, setup, train_epoch
from hounsfield.plan import Plan
from hounsfield.plan.task import task_of

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]


def inputs(plan: Plan) -> Inputs:
    rng = np.random.default_rng(0)
    voxels = rng.random((16, plan.input.channels, *plan.input.canvas)).astype(np.float16)
    return Inputs(voxels, np.arange(16) % 2, (), ())


def learn(run: Setup, plan: Plan, epoch: int) -> float:
    return train_epoch(run, plan, ClassLesson(task_of(plan), inputs(plan)), np.arange(16), member=0, epoch=epoch)


def begun(plan: Plan, *, member: int = 0) -> Setup:
    return setup(plan, member=member)


def save(run: Setup, path: Path, state: FitState | None = None) -> None:
    save_checkpoint(path, state or FitState(epoch=1), run.network, run.optimizer)


VARIANTS: list[dict[str, Any]] = [
    {"channels": 3, "channels_last": True},
    {"channels": 3, "channels_last": False},
    {"shape": (8, 8, 8), "channels": 2, "channels_last": True, "flip_axes": ()},
    {"shape": (8, 8, 8), "channels_last": True, "flip_axes": (), "widths": (8, 8), "optimizer": "muon"},
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_step_after_loading_is_the_step_without_a_stop_bit_for_bit(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, variant: dict[str, Any]
) -> None:
    plan = make_tiny_plan(**variant)
    undisturbed = begun(plan)
    for epoch in range(2):
        learn(undisturbed, plan, epoch)
    save(undisturbed, tmp_path / "c.safetensors")
    resumed = begun(plan, member=7)  # other weights, to be overwritten
    load_checkpoint(tmp_path / "c.safetensors", resumed.network, resumed.optimizer)
    assert learn(resumed, plan, 2) == learn(undisturbed, plan, 2)
    for key, value in undisturbed.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[key], value), key


def test_everything_known_of_the_run_comes_back(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    plan = make_tiny_plan()
    run = begun(plan)
    learn(run, plan, 0)
    best = {key: value.clone() for key, value in run.network.state_dict().items()}
    history = [EpochRecord(1, 0.5, float("inf"), float("nan"), 1.5), EpochRecord(2, 0.4, 0.3, 0.9, 1.25)]
    save(run, tmp_path / "c.safetensors", FitState(2, 0.3, 2, history, best))
    state = load_checkpoint(tmp_path / "c.safetensors", run.network, run.optimizer)
    assert (state.epoch, state.best_loss, state.best_epoch) == (2, 0.3, 2)
    assert repr(state.history) == repr(history)
    assert state.best.keys() == best.keys()
    assert all(torch.equal(state.best[key], value) for key, value in best.items())


def test_a_checkpoint_before_the_first_good_epoch_comes_back(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    run = begun(make_tiny_plan())
    save(run, tmp_path / "c.safetensors", FitState())
    state = load_checkpoint(tmp_path / "c.safetensors", run.network, run.optimizer)
    assert (state.epoch, state.best_loss, state.best) == (0, float("inf"), {})


@pytest.mark.parametrize("damage", ["cut short", "empty", "garbage", "without a state", "of another network", "gone"])
def test_a_checkpoint_that_cannot_be_used_is_a_sentence(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, damage: str
) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "c.safetensors"
    run = begun(make_tiny_plan())
    save(run, path)
    if damage == "of another network":
        save(begun(make_tiny_plan(widths=(3, 5))), path)
    elif damage == "without a state":
        save_file({"network/x": torch.zeros(1)}, path)
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut short": path.read_bytes()[:-9], "empty": b"", "garbage": b"\xff" * 99}[damage])
    with pytest.raises(
        TrainingError, match=r"^the checkpoint .*c\.safetensors cannot be used \(.*; delete it to start"
    ):
        load_checkpoint(path, run.network, run.optimizer)


@pytest.fixture
def full_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder on a disk of 256 kB, or one in which no file may grow beyond that."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limit":
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (256_000, hard))
        yield folder
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return
    mount, umount = shutil.which("mount"), shutil.which("umount")
    words = [mount or "", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if mount is None or umount is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run([umount, "--lazy", str(folder)], check=True)  # weights that were read may still be mapped


@pytest.mark.parametrize("full_disk", ["limit", "mounted"], indirect=True)
def test_a_disk_that_fills_while_a_checkpoint_is_written_keeps_the_old_one(
    make_tiny_plan: MakeTinyPlan, full_disk: Path
) -> None:
    small, path = make_tiny_plan(), full_disk / "c.safetensors"
    run = begun(small)
    learn(run, small, 0)
    save(run, path, FitState(epoch=1))
    large = begun(make_tiny_plan(widths=(64, 128)))
    with pytest.raises(StorageError, match=r"could not write .*c\.safetensors: .*(No space|too large).*nothing was"):
        save(large, path)
    assert [file.name for file in full_disk.iterdir()] == ["c.safetensors"]
    assert load_checkpoint(path, run.network, run.optimizer).epoch == 1


def test_nothing_in_the_package_unpickles() -> None:
    forbidden = re.compile(r"torch\.load\b|\bpickle\b(?!\.)|\bimport pickle|joblib|allow_pickle=True|weights_only")
    from_wheels = Path("networks", "weights.py")  # the one place where torch's archive is read, of tensors alone
    for path in Path(hounsfield.__file__).parent.rglob("*.py"):
        code = re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text(encoding="utf-8"))
        if path.relative_to(Path(hounsfield.__file__).parent) == from_wheels:
            code = re.sub(r"torch\.load\([^)]*\bweights_only=True\)", "", code)
        assert not forbidden.search(code), path
