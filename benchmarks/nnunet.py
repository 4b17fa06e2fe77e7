"""nnU-Net beside our own: its folders, its plan and its trainer, in an environment that has nnunetv2 too."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from one_command import folder_of

THREADS = 2
EXAMPLE = "hippocampus_labels"
DATASET = "Dataset004_Hippocampus"


def nnunet_version(python: str) -> str:
    """Which nnU-Net an interpreter has; "" for none, and it is said."""
    command = [python, "-c", "import importlib.metadata as m; print(m.version('nnunetv2'))"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{python} has no nnunetv2: nothing is measured; name one that has it with --python", file=sys.stderr)
    return done.stdout.strip()


def cases_there() -> list[str]:
    """Names of all cases."""
    return sorted(path.name.removesuffix(".nii.gz") for path in (folder_of(EXAMPLE) / "images").glob("*.nii.gz"))


def write_nnunet_folder(folder: Path, cases: Sequence[str]) -> None:
    """Cases in nnU-Net's layout."""
    source = folder_of(EXAMPLE)
    target = folder / "raw" / DATASET
    for name in ("imagesTr", "labelsTr"):
        (target / name).mkdir(parents=True)
    for case in cases:
        (target / "imagesTr" / f"{case}_0000.nii.gz").symlink_to(source / "images" / f"{case}.nii.gz")
        (target / "labelsTr" / f"{case}.nii.gz").symlink_to(source / "labels" / f"{case}.nii.gz")
    facts = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "anterior": 1, "posterior": 2},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
    }
    (target / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")


def prepare_nnunet() -> None:
    """nnU-Net's fingerprint, plan and preprocessed volumes."""
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess

    with contextlib.redirect_stdout(sys.stderr):
        extract_fingerprints([4], num_processes=1)
        plan_experiments([4])
        preprocess([4], configurations=("3d_fullres",), num_processes=(1,))


def nnunet_plans(folder: Path) -> dict[str, Any]:
    """What its planner wrote."""
    found: dict[str, Any] = json.loads((folder / "preprocessed" / DATASET / "nnUNetPlans.json").read_text())
    return found


def nnunet_trainer(folder: Path, plans: dict[str, Any]) -> Any:
    """Its trainer of the first fold on the CPU, about to learn."""
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    torch.set_num_threads(THREADS)
    facts = json.loads((folder / "preprocessed" / DATASET / "dataset.json").read_text())
    with contextlib.redirect_stdout(sys.stderr):
        begun = {**plans, "continue_training": False}  # as its own command adds it
        trainer = nnUNetTrainer(begun, "3d_fullres", 0, facts, device=torch.device("cpu"))
        trainer.initialize()
        trainer.on_train_start()
        trainer.on_epoch_start()
        trainer.on_train_epoch_start()
    return trainer


def in_child(python: str, script: str, words: Sequence[str], folder: Path, *, workers: int = 1) -> list[dict[str, Any]]:
    """What a child process printed as results.

    Args:
        python: An interpreter that has nnunetv2.
        script: A benchmark.
        words: After `--one`.
        folder: Of nnU-Net.
        workers: Processes that change its images; its planner needs one.

    Raises:
        RuntimeError: It printed none and failed; the message is its own last line.
    """
    environment = os.environ | {
        "OMP_NUM_THREADS": str(THREADS),
        "nnUNet_raw": str(folder / "raw"),
        "nnUNet_preprocessed": str(folder / "preprocessed"),
        "nnUNet_results": str(folder / "results"),
        "nnUNet_n_proc_DA": str(workers),
        "nnUNet_def_n_proc": str(THREADS),
    }
    command = [python, script, "--one", *words]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as failed:
        child = subprocess.Popen(command, stdout=said, stderr=failed, env=environment, start_new_session=True)
        code = child.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # workers of its loaders that wait for ever
        said.seek(0)
        failed.seek(0)
        lines = [line.removeprefix("RESULT ") for line in said if line.startswith("RESULT ")]
        errors = failed.read().strip().splitlines()
    if not lines and code:
        raise RuntimeError(f"{' '.join(words)}: {(errors or ['nothing was printed'])[-1]}")
    return [json.loads(line) for line in lines]
