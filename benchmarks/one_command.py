"""One `hounsfield train` in a process of its own, and what it chose, took and scored on its validation cases."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from hounsfield.plan.machine import inspect_machine

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
DATA = Path(os.environ.get("HOUNSFIELD_DATA") or ROOT.parent / "shared" / "data")


def train(example: str, bundle: Path, *, minutes: float, network: str = "auto", seed: int = 0) -> dict[str, Any]:
    """A row: what one training chose, took and scored.

    Args:
        example: Name of a description in examples/.
        bundle: Where the bundle is written.
        minutes: Budget of the plan.
        network: As `--network` takes it.
        seed: Of split and plan.

    Raises:
        RuntimeError: The command failed, or validation cases had been learned from; the message is its own.
    """
    shutil.rmtree(bundle.with_name(f"{bundle.name}.training"), ignore_errors=True)  # else the time is of a part
    began = time.perf_counter()
    run("train", *words_for(example), "-o", str(bundle), "--overwrite",
        f"--minutes={minutes}", f"--network={network}", f"--seed={seed}")  # fmt: skip
    seconds = time.perf_counter() - began
    evidence = json.loads((bundle / "evidence.json").read_text(encoding="utf-8"))
    manifest = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    for warning in manifest["training"]["warnings"]:
        if "had seen" in warning:
            raise RuntimeError(f"{bundle}: {warning}")
    plan = choices_of(bundle)
    return {
        "data": example,
        "minutes": minutes,
        "asked_for": network,
        "seed": seed,
        "took_minutes": round(seconds / 60, 1),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": inspect_machine().name,
        **scores_of(evidence),
        **plan,
    }


def run(*words: str) -> str:
    """What the command printed on stdout.

    Raises:
        RuntimeError: It failed; the message is its own last line.
    """
    command = [sys.executable, "-m", "hounsfield", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RuntimeError(f"hounsfield {' '.join(words)}: {lines[-1]}")
    return done.stdout


def folder_of(example: str) -> Path:
    """Where the data of an example lie: under $HOUNSFIELD_DATA, else beside the project."""
    description = tomllib.loads((EXAMPLES / f"{example}.toml").read_text(encoding="utf-8"))
    return DATA / Path(description["root"]).name


def words_for(example: str) -> list[str]:
    """How a command names an example."""
    return [str(EXAMPLES / f"{example}.toml"), "--root", str(folder_of(example))]


def scores_of(evidence: dict[str, Any]) -> dict[str, object]:
    """The scores of an evidence file, rounded, with the interval of the main one."""
    scores = evidence["scores"]
    area = scores["auc_roc"]
    found: dict[str, object] = {
        "auc": round(area["value"], 4),
        "interval": f"{area['low']:.3f} to {area['high']:.3f}",
    }
    for name in ("accuracy", "precision", "sensitivity", "specificity"):
        if name in scores:
            found[name] = round(scores[name]["value"], 4)
    found["accuracy_most_probable"] = round(most_probable_right(evidence), 4)
    return found | {"cases": evidence["cases"], "measured_on": evidence["split"]}


def most_probable_right(evidence: dict[str, Any]) -> float:
    """Share of the cases whose most probable class is the true one: the accuracy of published tables.

    The accuracy beside it is at the threshold where sensitivity and specificity together are highest.
    """
    results = evidence["results"]
    right = [result["probabilities"].index(max(result["probabilities"])) == result["target"] for result in results]
    return sum(right) / len(right)


def choices_of(bundle: Path) -> dict[str, object]:
    """What the plan chose, in words."""
    from hounsfield.plan import read_plan

    plan = read_plan(bundle / "plan.toml")
    looks = getattr(plan.network, "encoder", plan.network)
    name = getattr(looks, "backbone", looks.name) + (":probe" if plan.optimisation.head_only else "")
    if over := getattr(plan.network, "over", ""):
        name += f" over {over}"
    return {
        "network": name,
        "input": " × ".join(map(str, plan.input.shape)),
        "epochs": plan.optimisation.epochs,
        "networks": plan.ensemble.networks,
    }
