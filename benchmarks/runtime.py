"""How fast are films and crops read by torch, ONNX Runtime and OpenVINO, and do they answer the same?

361 films and 5,000 crops of CBIS-DDSM are read by bundles that were trained for a moment, or that are given. The plain
reader is what one writes first: a film after the other is opened and prepared, and 32 at a time are shown to the same
networks by torch in float32, in the memory order that torch has by itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from record import record

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("HOUNSFIELD_DATA") or ROOT.parent / "shared" / "data") / "cbis_ddsm_mass"
THREADS = 2
SUBJECTS = {"films": ("cbis_ddsm_films", 361, 60.0), "crops": ("cbis_ddsm_mass", 5000, 10.0)}
"""Description among the examples, how many images are read, and the minutes that the networks are planned for; data
that are fewer are gone through again."""
READERS = ("torch plain", "torch", "onnxruntime", "openvino f32", "openvino bf16", "openvino-int8")
PLAIN_BATCH = 32
NETWORK_IMAGES = 512
AIM_SPEED = 3.0
AIM_AUC = 0.002


def cases_of(subject: str, count: int | None) -> list[Any]:
    """The cases that are read."""
    from hounsfield.datasets import open_dataset

    name, wanted, _ = SUBJECTS[subject]
    cases = open_dataset(ROOT / "examples" / f"{name}.toml", root=DATA).cases
    return list(itertools.islice(itertools.cycle(cases), count or wanted))


def train_briefly(subject: str, folder: Path, *, folds: int) -> None:
    """A bundle of the networks that are planned for the data, trained for one epoch."""
    from hounsfield.datasets import open_dataset
    from hounsfield.learning.train import choose_plan_and_split, train

    name, _, minutes = SUBJECTS[subject]
    dataset = open_dataset(ROOT / "examples" / f"{name}.toml", root=DATA)
    plan, split = choose_plan_and_split(dataset, minutes=minutes, seed=0)
    plan = plan.model_copy(
        update={
            "optimisation": plan.optimisation.model_copy(update={"epochs": 1}),
            "ensemble": plan.ensemble.model_copy(update={"folds": folds, "repeats": 1}),
        }
    )
    train(dataset, folder, plan=plan, split=split)


def inputs_of(bundle: Any, cases: list[Any]) -> Iterator[Any]:
    """What the networks are shown, one case after the other: its image is opened and prepared."""
    from hounsfield.plan.network_input import case_array

    for case in cases:
        yield case_array(case, bundle.plan.input)


def plain_logits(bundle: Any) -> Any:
    """From inputs (n, channels, *canvas) to logits, as one writes it first."""
    import numpy as np
    import torch

    from hounsfield.networks.answering import mirrors
    from hounsfield.tasks.predict import centre

    networks, plan = bundle.networks(), bundle.plan
    turned = mirrors(plan.augmentation.flip_axes if plan.ensemble.flips else ())

    def logits(arrays: Any) -> Any:
        images = centre(torch.from_numpy(arrays), plan.input.shape).contiguous()
        with torch.inference_mode():
            answers = [
                network(images.flip([axis + 2 for axis in axes])).numpy() for network in networks for axes in turned
            ]
        return np.mean(answers, axis=0)

    return logits


def run_one(name: str, subject: str, bundle_folder: Path, count: int | None) -> None:
    """What a child process does: read, and print what it took."""
    import numpy as np
    import torch

    from hounsfield.bundle import read_bundle
    from hounsfield.evaluation.classification import auc_roc
    from hounsfield.findings import Reading
    from hounsfield.reading import runtime
    from hounsfield.reading.batch import items_of_cases, read_many, told_apart
    from hounsfield.reading.reader import Reader

    class Timed(Reader):
        """Says how long its runtime took to start."""

        seconds = 0.0

        def start(self, arrays: Any) -> Any:
            began = time.perf_counter()
            started = super().start(arrays)
            self.seconds = time.perf_counter() - began
            return started

    torch.set_num_threads(THREADS)
    torch.zeros(1)
    bundle, cases = read_bundle(bundle_folder), cases_of(subject, count)
    if name == "openvino f32":
        runtime.BF16_TOLERANCE = -1.0
    plain = name == "torch plain"
    reader = Timed(
        bundle,
        threads=THREADS,
        runtime="torch" if plain else name.split(" ")[0],  # type: ignore[arg-type]
        images=len(cases),
        answer_all=True,
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu = time.perf_counter(), time.process_time()
    if plain:
        ask = plain_logits(bundle)
        stream = inputs_of(bundle, cases)
        found = [ask(np.stack(part)) for part in iter(lambda: list(itertools.islice(stream, PLAIN_BATCH)), [])]
        probabilities = reader.calibrated(np.concatenate(found))[:, 1].tolist()
    else:
        ask = reader.logits
        results = [result for _, _, result in read_many(reader, told_apart(items_of_cases(cases)), explain=False)]
        probabilities = [result.answers[0].probability for result in results if isinstance(result, Reading)]
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    some = np.stack(list(inputs_of(bundle, cases[:NETWORK_IMAGES])))
    result = {
        "runtime": "torch, as it is" if plain else reader.runtime,
        "images": len(probabilities),
        "wall": wall,
        "cpu": cpu,
        "start": reader.seconds,
        "memory": grown / 1024,
        "network": len(some) / seconds_of(ask, some),
        "auc": auc_roc(np.array([case.target == 1 for case in cases]), np.array(probabilities)),
        "probabilities": probabilities,
    }
    print("RESULT " + json.dumps(result))


def seconds_of(ask: Any, arrays: Any) -> float:
    """The faster of two rounds through the networks alone, in batches of the plain reader."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        for start in range(0, len(arrays), PLAIN_BATCH):
            ask(arrays[start : start + PLAIN_BATCH])
        times.append(time.perf_counter() - began)
    return min(times)


def measure(name: str, subject: str, bundle: Path, cache: Path, count: int | None) -> dict[str, Any]:
    """What the child process printed."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(THREADS),
        "OMP_WAIT_POLICY": "PASSIVE",
        "XDG_CACHE_HOME": str(cache),
    }
    command = [sys.executable, __file__, "--one", name, subject, str(bundle)]
    command += ["--count", str(count)] if count else []
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} on {subject}: {done.stderr.strip().splitlines()[-1]}")
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return found


def measure_all(arguments: argparse.Namespace, subject: str, bundle: Path, folder: Path) -> list[dict[str, object]]:
    """A row for each reader: the fastest round of each, its first start, and its answers beside the plain ones."""
    best: dict[str, dict[str, Any]] = {}
    first: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for name in arguments.readers:
            found = measure(name, subject, bundle, folder / "cache" / name.replace(" ", "-"), arguments.count)
            first.setdefault(name, found["start"])
            if name not in best or found["wall"] < best[name]["wall"]:
                best[name] = found
    plain = best["torch plain"]
    started = {name: found["images"] / (found["wall"] - found["start"]) for name, found in best.items()}
    return [
        {
            "what": f"{subject}, {name}",
            "runtime": found["runtime"],
            "images": found["images"],
            "images_per_s": round(found["images"] / found["wall"], 1),
            "times_plain": round(found["images"] / found["wall"] / (plain["images"] / plain["wall"]), 2),
            "once_started_images_per_s": round(started[name], 1),
            "once_started_times_plain": round(started[name] / started["torch plain"], 2),
            "networks_alone_images_per_s": round(found["network"], 1),
            "networks_alone_times_plain": round(found["network"] / plain["network"], 2),
            "cpu_s_per_1000": round(1000 * found["cpu"] / found["images"], 2),
            "first_start_s": round(first[name], 1),
            "peak_memory_above_start_mib": round(found["memory"]),
            "auc": round(found["auc"], 4),
            "auc_less_plain": round(found["auc"] - plain["auc"], 5),
            "largest_probability_difference": max(
                abs(a - b) for a, b in zip(found["probabilities"], plain["probabilities"], strict=True)
            ),
        }
        for name, found in best.items()
    ]


def main() -> int:
    """Run all readers in turn and record the fastest round of each; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("READER", "SUBJECT", "BUNDLE"), help=argparse.SUPPRESS)
    parser.add_argument("--films-bundle", type=Path, help="a bundle of cbis_ddsm_films, instead of training one")
    parser.add_argument("--crops-bundle", type=Path, help="a bundle of cbis_ddsm_mass, instead of training one")
    parser.add_argument("--subjects", nargs="+", choices=SUBJECTS, default=list(SUBJECTS))
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--count", type=int, help="of images, to try it out: nothing is recorded")
    parser.add_argument(
        "--folds", type=int, default=3, help="networks that answer together, where they are trained here"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.one:
        run_one(arguments.one[0], arguments.one[1], Path(arguments.one[2]), arguments.count)
        return 0
    if not DATA.is_dir():
        print(f"{DATA} is not there: nothing to read", file=sys.stderr)
        return 0
    given = {"films": arguments.films_bundle, "crops": arguments.crops_bundle}
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for subject in arguments.subjects:
            bundle = given[subject] or folder / subject
            if not given[subject]:
                train_briefly(subject, bundle, folds=arguments.folds)
            rows += measure_all(arguments, subject, bundle, folder)
    if arguments.count:
        print(json.dumps(rows, indent=1))
        return 0
    record(
        "runtime",
        "Reading 361 films and 5,000 crops of CBIS-DDSM by one runtime and another, the same networks and threads "
        f"({THREADS}).",
        rows,
        packages=("torch", "onnxruntime", "openvino", "nncf", "opencv-python-headless"),
        notes=(
            f"The fastest of {arguments.rounds} rounds in which all take turns, each in its own process. The whole "
            "is decoding, preparing and computing, with the start; the first start writes the network, later ones find "
            "it.",
            "Once started: the same without the start, as in a batch of thousands.",
            "Networks alone: prepared images of the plan's shape, from the memory, 32 at a time.",
            f"Aim: the default runtime, once started, {AIM_SPEED:g} times as fast as plain torch as a whole, with an "
            f"AUC that differs by at most {AIM_AUC:g}. The first start comes once a bundle and machine.",
            "Networks planned for films in 60 minutes and for crops in 10, an epoch of training each.",
            "Many of these images were trained on: the AUC compares runtimes, and says nothing about the reader.",
        ),
    )
    return 0 if all(aims_met(row) for row in rows) else 1


def aims_met(row: dict[str, object]) -> bool:
    """Whether a row of the default runtime reaches what it should; other rows always do."""
    if "openvino bf16" not in str(row["what"]):
        return True
    return (
        float(str(row["once_started_times_plain"])) >= AIM_SPEED and abs(float(str(row["auc_less_plain"]))) <= AIM_AUC
    )


if __name__ == "__main__":
    sys.exit(main())
