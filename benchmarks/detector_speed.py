"""How fast does a detector learn and find, beside torchvision's Faster R-CNN?

Learning: images a second from the same film files, end to end, of our loop and of torchvision's reference loop (its own
Faster R-CNN and transforms, float32, SGD, two images a step), with the same pretrained backbone, pyramid, anchors and
image size; and with the leaner network that our own plan has for these films, at the same size. Finding: films a second
of the same weights by our runtimes, and by torch as torchvision's own network runs: eagerly, one film at a time, with
its 1000 proposals; and whether both find the same. Each runs in a process of its own with two threads.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from one_command import EXAMPLES, folder_of
from record import RESULTS, record

DATA = "cbis_ddsm_films"
SHAPE = (640, 512)
THREADS = 2
FILMS = 96
RATES = ("0.125", "0.25", "0.5", "1", "2", "4", "8")
EPOCHS = 3
READ = 240
EAGER = "eager"
"""The reference of finding: no runtime of ours."""
EAGER_PROPOSALS = 1000
"""Those of torchvision's Faster R-CNN in reading."""
AIM_LEARNING, AIM_FINDING, AIM_FROC = 2.0, 2.5, 0.005


def films(count: int) -> Any:
    """The first films of the data, as a data set on which lesions are looked for."""
    from dataclasses import replace

    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.detection import for_detection

    dataset = for_detection(open_dataset(EXAMPLES / f"{DATA}.toml", root=folder_of(DATA)))
    return replace(dataset, cases=dataset.cases[:count])


def learn_hounsfield(network: str) -> None:
    """Our own loop on prepared films, with "the same network" as torchvision's or "its own"."""
    import tempfile

    import torch
    from torchvision_detector import FROZEN, RATIOS, SIDES, STRIDES, WIDTH

    from hounsfield.datasets.fingerprint import make_fingerprint
    from hounsfield.learning.inputs import prepare_inputs, sought_by
    from hounsfield.learning.lessons import lesson_of
    from hounsfield.learning.supervised import setup, train_epoch
    from hounsfield.learning.throughput import images_per_second
    from hounsfield.plan import Augmentation, Detection, FasterRCNNChoice, Input, Optimisation, Plan, inspect_machine
    from hounsfield.plan.families import DEFAULT_BACKBONE
    from hounsfield.plan.finding import finder
    from hounsfield.plan.inputs import kind_of

    torch.set_num_threads(THREADS)
    dataset = films(FILMS)
    theirs = FasterRCNNChoice(strides=STRIDES, width=WIDTH, anchor_sides=SIDES, anchor_ratios=RATIOS)
    chosen: dict[str, Any] = {"batch_size": 4, "start": "imagenet", "frozen_stages": FROZEN}
    if network == "its own":
        fingerprint = make_fingerprint(dataset)
        kind = kind_of(fingerprint, modality="MG", cropped=False, filters=False)
        family = finder(fingerprint, kind, DEFAULT_BACKBONE)
        theirs, chosen = family.network(SHAPE), dict(family.optimisation)

    def plan_with(precision: str) -> Plan:
        return Plan(
            task="detection",
            dataset=dataset.name,
            classes=dataset.classes,
            input=Input(
                shape=SHAPE,
                steps=({"step": "display"}, {"step": "resize", "shape": list(SHAPE), "keep_aspect": False}),
            ),
            network=theirs,
            augmentation=Augmentation(flip_axes=(1,)),
            optimisation=Optimisation(**{**chosen, "epochs": EPOCHS, "precision": precision, "threads": THREADS}),
            detection=Detection(kinds=dataset.kinds, positive=dataset.kinds[-1:]),
        )

    precisions = ("32-true", "bf16-mixed") if inspect_machine().bf16 else ("32-true",)
    plan = max(map(plan_with, precisions), key=images_per_second)
    run = setup(plan, member=0)
    with tempfile.TemporaryDirectory() as work:
        lesson: list[Any] = []

        def epoch(number: int) -> None:
            if not lesson:
                inputs = prepare_inputs(
                    dataset, dataset.cases, plan.input, Path(work), threads=THREADS, sought=sought_by(plan)
                )
                lesson.append(lesson_of(plan, inputs))
            train_epoch(run, plan, lesson[0], np.arange(len(dataset.cases)), member=0, epoch=number)

        timed(epoch, plan.optimisation.precision)


def learn_torchvision() -> None:
    """torchvision's reference loop."""
    import torch
    from torchvision_detector import Loop

    torch.set_num_threads(THREADS)
    dataset = films(FILMS)
    loop = Loop(dataset.cases, dataset.kinds, SHAPE)
    timed(lambda number: loop.epoch(), "float32")


def timed(epoch: Callable[[int], object], how: str) -> None:
    """Print the seconds of each epoch; the first holds what is done once."""
    seconds = []
    for number in range(EPOCHS):
        began = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - began)
    result("images per s", FILMS / min(seconds[1:]), how, {"first_epoch_s": round(seconds[0], 1)})


def find(bundle: str, runtime: str) -> None:
    """Films found on by one runtime, prepared before: seconds a film, and the findings."""
    from hounsfield.bundle import read_bundle
    from hounsfield.evaluation.detection import measure_detection
    from hounsfield.evaluation.evidence import ImageResult
    from hounsfield.evaluation.matching import HitRule
    from hounsfield.reading.batch import TOGETHER
    from hounsfield.reading.reader import Reader
    from hounsfield.tasks.detection import detected

    wanted: Any = "torch" if runtime == EAGER else runtime
    reader = Reader(read_bundle(Path(bundle)), runtime=wanted, images=10_000, answer_all=True)
    at_once, look = (1, eagerly(reader)) if runtime == EAGER else (TOGETHER, reader.found)
    arrays, opened_cases = [], []
    for case in films(READ).cases:
        opened = reader.open_case(case, reader.load_case(case))
        if opened.array is not None and opened.onto is not None:
            arrays.append(opened.array)
            opened_cases.append((case, opened.onto, opened.shape))
    look(np.stack(arrays[:16]))
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    began = time.perf_counter()
    starts = range(0, len(arrays), at_once)
    found = [one for start in starts for one in look(np.stack(arrays[start : start + at_once]))]
    seconds = time.perf_counter() - began
    more: dict[str, Any] = {
        "cpu_s_a_film": round((time.process_time() - cpu) / len(arrays), 3),
        "peak_gib": round(max(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20, 2),
    }
    results = [
        ImageResult(case.id, case.patient, case.boxes, detected(one, onto, shape))
        for one, (case, onto, shape) in zip(found, opened_cases, strict=True)
    ]
    kinds = reader.bundle.plan.detection.kinds
    scores = measure_detection(
        results, kinds=kinds, rule=HitRule(0.2), threshold=0.5, threshold_from="", attributes={}, resamples=20
    ).scores
    more["froc"] = [scores[f"sensitivity_at_{rate}"].value for rate in RATES]
    more["films at a time"] = at_once
    more["input"] = " × ".join(map(str, reader.bundle.plan.input.shape))
    how = f"torch eagerly, {EAGER_PROPOSALS} proposals" if runtime == EAGER else reader.runtime
    result("films per s", len(arrays) / seconds, how, more)


def eagerly(reader: Any) -> Callable[[np.ndarray], list[Any]]:
    """How the networks of a reader find as torch runs what torchvision builds: as they were trained, operation by
    operation, in torch's usual order of memory, with as many proposals as torchvision's network has."""
    import torch

    from hounsfield.plan.network import most_of
    from hounsfield.tasks.find import by_torch, find

    plan = reader.bundle.plan
    looks = []
    for network in reader.bundle.networks():
        network.to(memory_format=torch.contiguous_format).eval()
        proposals = network.proposals
        proposals._pre_nms_top_n["testing"] = proposals._post_nms_top_n["testing"] = EAGER_PROPOSALS
        looks.append(by_torch(network, channels_last=False))
    axes = plan.augmentation.flip_axes if plan.ensemble.flips else ()

    def look(arrays: np.ndarray) -> list[Any]:
        return find(
            lambda images: [one for own in looks for one in own(images)],
            torch.from_numpy(reader.middle(arrays)),
            flip_axes=axes,
            overlap=plan.detection.fusion,
            most=most_of(plan),
        )

    return look


def result(what: str, value: float, how: str, more: dict[str, Any]) -> None:
    """Print what a child process measured."""
    print("RESULT " + json.dumps({"what": what, "value": value, "how": how, **more}))


def measured(*words: str) -> dict[str, Any]:
    """What one process printed.

    Raises:
        RuntimeError: It failed; the message is its own last line.
    """
    command = [sys.executable, __file__, "--one", *words]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return found
    raise RuntimeError(f"{' '.join(words)}: {(done.stderr.strip().splitlines() or ['nothing was printed'])[-1]}")


def main() -> int:
    """Measure all, record; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="a detector of films, to find with")
    parser.add_argument("--only", choices=("learning", "finding"), help="measure this part; the other's rows are kept")
    parser.add_argument("--rounds", type=int, default=2, metavar="N")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        {"hounsfield": learn_hounsfield, "torchvision": learn_torchvision, "find": find}[arguments.one[0]](
            *arguments.one[1:]
        )
        return 0
    if not folder_of(DATA).is_dir():
        print(f"there are no images of {DATA}: nothing is measured", file=sys.stderr)
        return 0
    ways: list[tuple[str, ...]] = []
    if arguments.only != "finding":
        ways += [("torchvision",), ("hounsfield", "the same network"), ("hounsfield", "its own")]
    if arguments.bundle and arguments.only != "learning":
        ways += [("find", str(arguments.bundle), runtime) for runtime in (EAGER, "torch", "onnxruntime", "openvino")]
    best: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(arguments.rounds):
        for way in ways:
            found = measured(*way)
            if way not in best or found["value"] > best[way]["value"]:
                best[way] = found
    rows = [row_of(way, best) | {"rounds": arguments.rounds} for way in ways]
    anew = {row["part"] for row in rows}
    rows = sorted(
        [*rows, *(row for row in kept() if row["part"] not in anew)], key=lambda row: row["part"] == "finding"
    )
    record(
        "detector_speed",
        "A detector of films learning and finding, the fastest of a few rounds.",
        rows,
        packages=("torch", "torchvision", "timm", "openvino", "onnxruntime"),
        notes=(
            "learning: images a second of an epoch after the first, which decodes and prepares for us; torchvision's "
            "loop decodes in every epoch, as its reference does.",
            "FROC: sensitivity at 1/8 to 8 false alarms a film, the largest loss and the largest gain against the "
            "eager one; most films were learned from, so that it says whether both find the same, and nothing more.",
            "finding: films a second through networks, proposals and judgement, from prepared arrays, same weights: "
            "as many at a time as are read without heat by us, one eagerly, as torchvision's network reads. Peaks hold "
            f"all {READ} prepared films, on both sides.",
        ),
    )
    same = [row["times"] for row in rows if row["by"].endswith("the same network")]
    finding = max((row for row in rows if row["part"] == "finding"), key=lambda row: row["times"], default=None)
    slow = min(same, default=AIM_LEARNING) < AIM_LEARNING or (finding is not None and finding["times"] < AIM_FINDING)
    return int(slow or (finding is not None and finding["loss of FROC"] > AIM_FROC))


def kept() -> list[dict[str, Any]]:
    """The rows that were recorded before."""
    place = RESULTS / "detector_speed.json"
    rows: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))["rows"] if place.is_file() else []
    return rows


def row_of(way: tuple[str, ...], best: dict[tuple[str, ...], dict[str, Any]]) -> dict[str, Any]:
    """A row: images a second, and how many times that is of torchvision's loop, or of torch without our runtimes."""
    found = best[way]
    learning = way[0] != "find"
    reference = best[("torchvision",)] if learning else best[(*way[:2], EAGER)]
    row = {
        "part": "learning" if learning else "finding",
        "by": ", ".join(way) if learning else found["how"],
        "how": found["how"] if learning else "",
        "input": found.get("input", " × ".join(map(str, SHAPE))),
        "a second": round(found["value"], 2),
        "times": round(found["value"] / reference["value"], 2),
        "cpu_s_a_film": found.get("cpu_s_a_film", ""),
        "peak_gib": found.get("peak_gib", ""),
        "films at a time": found.get("films at a time", ""),
        "loss of FROC": "",
        "gain of FROC": "",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    if not learning:
        apart = np.subtract(found["froc"], reference["froc"])
        row["loss of FROC"], row["gain of FROC"] = (round(float(own.max(initial=0)), 4) for own in (0 - apart, apart))
    return row


if __name__ == "__main__":
    sys.exit(main())
