"""How fast are whole films read: images a second, CPU seconds a film and peak memory, beside a plain loop?

361 mammograms of the phantom as DICOM files are read by one bundle. The plain loop reads a film, prepares the
film with the bundle's own pipeline and runs the same networks, one film after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import record

FILMS = 361
THREADS = 2
SIZE = (1024, 768)
READERS = ("hounsfield", "hounsfield with heat maps", "plain loop")


def prepare(folder: Path) -> None:
    """Films, and a bundle of three networks that were trained for a moment; how well it reads does not matter here."""
    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.phantom import write_phantom
    from hounsfield.learning.train import choose_plan_and_split, train

    write_phantom(folder / "phantom", women=(FILMS + 3) // 4, seed=0, size=SIZE)
    dataset = open_dataset(folder / "phantom" / "films.toml")
    plan, split = choose_plan_and_split(dataset, minutes=1.0, seed=0)
    plan = plan.model_copy(
        update={
            "optimisation": plan.optimisation.model_copy(update={"epochs": 1}),
            "ensemble": plan.ensemble.model_copy(update={"folds": 3}),
        }
    )
    train(dataset, folder / "bundle", plan=plan, split=split)


def read_ours(folder: Path, *, explain: bool) -> list[float]:
    """Probabilities by `read_many`, decoding ahead of the networks."""
    from hounsfield.bundle import read_bundle
    from hounsfield.findings import Reading
    from hounsfield.formats import list_images
    from hounsfield.reading.batch import items_of_paths, read_many
    from hounsfield.reading.reader import Reader

    reader = Reader(read_bundle(folder / "bundle"), threads=THREADS)
    items = items_of_paths(list_images(folder / "phantom" / "films")[:FILMS])
    results = [result for _, _, result in read_many(reader, items, explain=explain)]
    return [result.answers[0].probability for result in results if isinstance(result, Reading)]


def read_plainly(folder: Path) -> list[float]:
    """Probabilities by a loop: read, prepare, ask each network."""
    import numpy as np
    import torch

    from hounsfield.bundle import read_bundle
    from hounsfield.formats import list_images, read
    from hounsfield.plan.network_input import network_array
    from hounsfield.preprocessing import Pipeline

    torch.set_num_threads(THREADS)
    bundle = read_bundle(folder / "bundle")
    networks = bundle.networks()
    pipeline = Pipeline.from_data(bundle.plan.input.steps)
    found = []
    for path in list_images(folder / "phantom" / "films")[:FILMS]:
        array = network_array(pipeline.apply(read(path)), bundle.plan.input)
        with torch.inference_mode():
            logits = [network(torch.from_numpy(array[None])).numpy() for network in networks]
        calibrated = bundle.operating.apply(np.mean(logits, axis=0))[0]
        found.append(float(1 / (1 + np.exp(calibrated[0] - calibrated[1]))))
    return found


def run_one(reader: str, folder: Path) -> None:
    """What a child process does: read, and print what it took."""
    import numpy as np
    import torch

    torch.zeros(1)
    start, cpu = time.perf_counter(), time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    values = read_plainly(folder) if reader == "plain loop" else read_ours(folder, explain="heat" in reader)
    result = {
        "wall": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024,
        "films": len(values),
        "mean": float(np.mean(values)),
    }
    print("RESULT " + json.dumps(result))


def main() -> int:
    """Run all readers in turn and record the fastest round of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("READER", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.one:
        run_one(arguments.one[0], Path(arguments.one[1]))
        return 0
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for _ in range(arguments.rounds):
            for reader in READERS:
                found = measure(reader, folder)
                if reader not in best or found["wall"] < best[reader]["wall"]:
                    best[reader] = found
    rows = [
        {
            "what": reader,
            "films": int(found["films"]),
            "films_per_s": round(found["films"] / found["wall"], 1),
            "cpu_s_per_film": round(found["cpu"] / found["films"], 4),
            "peak_memory_above_start_mib": round(found["memory"]),
            "mean_probability": round(found["mean"], 5),
        }
        for reader, found in best.items()
    ]
    record(
        "reading",
        f"Reading {FILMS} mammograms of {SIZE[0]} × {SIZE[1]} as DICOM files by three networks, {THREADS} threads.",
        rows,
        packages=("torch", "pydicom", "opencv-python-headless"),
        notes=(
            f"The fastest of {arguments.rounds} rounds in which all take turns, each in a process of its own.",
            "Equal mean probabilities say that all read the same; mirrored copies are off for films.",
        ),
    )
    return 0


def measure(reader: str, folder: str) -> dict[str, float]:
    """What the child process printed."""
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    command = [sys.executable, __file__, "--one", reader, folder]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found: dict[str, float] = json.loads(line.removeprefix("RESULT "))
    return found


if __name__ == "__main__":
    sys.exit(main())
