"""How well does a detector find masses and other things, beside torchvision's Faster R-CNN trained as long?

Each row of ours is one `hounsfield train --task detection` with nothing but the minutes and a seed; every image is
answered by a network that had not seen its patient. torchvision's network learns by its reference recipe on the
training part of one split and is measured on the validation part, and so are we on the same images. No official test
case is read. What was measured is kept, so that a run that was stopped goes on (--anew begins again).
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from drawn import Drawn, data_folder, words_of
from one_command import choices_of, run
from questions import Row, Training, measure_all, options
from record import record

from hounsfield.datasets import Dataset, open_dataset
from hounsfield.datasets.detection import for_detection
from hounsfield.datasets.split import read_split
from hounsfield.evaluation.classification import accuracy, auc_roc, precision, sensitivity, specificity
from hounsfield.evaluation.detection import measure_detection
from hounsfield.evaluation.evidence import Detected, DetectionEvidence, Evidence, ImageResult
from hounsfield.evaluation.matching import HitRule
from hounsfield.evaluation.store import read_evidence
from hounsfield.findings.region import Box

PHANTOMS = {
    "phantom_masses": Drawn("films.toml", patients=60),
    "phantom_tumours": Drawn("volumes.toml", patients=60, kind="volumes"),
}
RULE = HitRule(0.2)
RATES = ("0.25", "0.5", "1", "2", "4")
NORMALS = "mini_mias_masses/"
"""The cases among which films without any mass are."""


@dataclass(frozen=True)
class Question:
    """A data set and how it is learned."""

    example: str
    minutes: float
    seeds: int
    peer: tuple[int, int] | None
    """Pixels (height, width) at which torchvision's network learns it; None where it does not."""
    beside: str


QUESTIONS = (
    Question(
        "cbis_ddsm_find", 90, 2, (512, 512),
        "official test, torchvision with an EfficientNet-lite0 at 512 px, 12 minutes: .38 / .51 / .62 / .70 / .80 at "
        "1/4, 1/2, 1, 2, 4 false alarms; malignant .48 / .59 / .68 / .77 / .85",
    ),
    Question("busi_lesions", 15, 1, (384, 448), "nothing published on these cases"),
    Question("dsb2018_nuclei", 10, 1, None, "nothing published on these cases"),
    Question("phantom_masses", 5, 1, None, ""),
    Question("phantom_tumours", 10, 1, None, ""),
    Question("sts_tumours", 5, 1, None, ""),
)  # fmt: skip


def main() -> int:
    """Train what has not been trained yet, and record all."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, metavar="N", help="of each, instead of as many as it says")
    parser.add_argument("--minutes", type=float, metavar="M", help="of each, instead of as many as it says")
    parser.add_argument("--no-peer", action="store_true", help="leave torchvision's network out")
    arguments = parser.parse_args()
    measure_all("detection", trainings(arguments), arguments, write)
    return 0


def trainings(arguments: argparse.Namespace) -> Iterator[Training]:
    """Ours, and torchvision's after it, of each question and seed."""
    for question in QUESTIONS:
        minutes = arguments.minutes or question.minutes
        for seed in range(arguments.seeds or question.seeds):
            peers = question.peer is not None and not arguments.no_peer
            for who, learn in (("hounsfield", ours), *([("torchvision", theirs)] if peers else [])):
                yield Training(
                    question.example,
                    {"by": who, "minutes": minutes, "seed": seed},
                    partial(learn, question, minutes, seed),
                    data_folder(question.example, PHANTOMS),
                )


def ours(question: Question, minutes: float, seed: int, folder: Path) -> list[Row]:
    """A row of the validation part, and with folds one of all images, each answered by a network that had not
    seen its patient."""
    bundle = bundle_of(question, seed, folder)
    began = time.perf_counter()
    run("train", *words_of(question.example, PHANTOMS, folder), "--task", "detection", "-o", str(bundle), "--overwrite",
        f"--minutes={minutes}", f"--seed={seed}")  # fmt: skip
    took = (time.perf_counter() - began) / 60
    evidence = read_evidence(bundle / "evidence.json")
    if evidence.detection is None:
        raise RuntimeError(f"{question.example}: nothing was looked for")
    common = {"data": question.example, "by": "hounsfield", "minutes": minutes, "seed": seed, "took": round(took, 1)}
    facts = choices_of(bundle)
    told = {"input": facts["input"], "epochs": facts["epochs"], "networks": facts["networks"]}
    whole = five_scores(evidence)
    held = validation_cases(bundle)
    same = [one for one in evidence.detection.results if one.case in held]
    if len(same) == len(evidence.detection.results):
        return [{**common, **row_of(evidence.detection, "val"), **told, "image": whole}]
    return [
        {**common, **row_of(evidence.detection, "all"), **told, "image": whole},
        {**common, **row_of(measured(same, evidence.detection.kinds), "val"), **told, "image": {}},
    ]


def theirs(question: Question, minutes: float, seed: int, folder: Path) -> list[Row]:
    """A row of torchvision's network on the validation part."""
    from torchvision_detector import Loop

    dataset = looked_at(question, folder)
    held = validation_cases(bundle_of(question, seed, folder))
    torch.manual_seed(seed)
    torch.set_num_threads(2)
    loop = Loop([case for case in dataset.cases if case.id not in held], dataset.kinds, question.peer)
    epochs = loop.learn(minutes)
    results = []
    for case in dataset.cases:
        if case.id in held:
            boxes, scores, kinds = loop.found(case)
            found = tuple(
                Detected(Box(*corners), tuple(float(score) * (kind == number) for number in range(len(dataset.kinds))))
                for corners, score, kind in zip(boxes.tolist(), scores.tolist(), kinds.tolist(), strict=True)
            )
            results.append(ImageResult(case.id, case.patient, case.boxes, found))
    return [
        {
            "data": question.example, "by": "torchvision", "minutes": minutes, "seed": seed, "took": minutes,
            **row_of(measured(results, dataset.kinds), "val"),
            "input": " × ".join(map(str, question.peer)), "epochs": epochs, "networks": 1, "image": {},
        }
    ]  # fmt: skip


def looked_at(question: Question, folder: Path) -> Dataset:
    """What a detection learns of the question's data."""
    words = words_of(question.example, PHANTOMS, folder)
    return for_detection(open_dataset(words[0], root=data_folder(question.example, PHANTOMS)))


def bundle_of(question: Question, seed: int, folder: Path) -> Path:
    """Where ours is written."""
    return folder / f"find-{question.example}-{seed}"


def validation_cases(bundle: Path) -> set[str]:
    """A tenth of the patients, the same for both: of the split that our training made, near duplicates together.

    Raises:
        RuntimeError: Ours was not trained, or its bundle not kept.
    """
    if not (bundle / "split.json").is_file():
        raise RuntimeError(f"{bundle} is not there: measure ours first, and keep its bundle with --bundles")
    return set(read_split(bundle / "split.json").ids("val"))


def measured(results: list[ImageResult], kinds: tuple[str, ...]) -> DetectionEvidence:
    """How well lesions were found."""
    return measure_detection(
        results, kinds=kinds, rule=RULE, threshold=0.5, threshold_from="", attributes={}, resamples=1000
    )


def row_of(detection: DetectionEvidence, where: str) -> Row:
    """The figures of a row."""
    scores = detection.scores
    row: Row = {"measured on": where, "images": len(detection.results), "lesions": sum(detection.lesions)}
    row |= {f"at {rate}": round(scores[f"sensitivity_at_{rate}"].value, 3) for rate in RATES}
    at_one = scores["sensitivity_at_1"]
    row["interval at 1"] = f"{at_one.low:.3f} to {at_one.high:.3f}"
    if "sensitivity_malignant_at_1" in scores:
        row["malignant at 1"] = round(scores["sensitivity_malignant_at_1"].value, 3)
        each = [f"{scores[f'sensitivity_malignant_at_{rate}'].value:.2f}" for rate in RATES]
        row["malignant at all"] = " / ".join(each)
    row["mean"] = round(scores["mean_sensitivity"].value, 3)
    row["AP 50"] = round(scores["average_precision_50"].value, 3)
    row |= abnormal_or_not(detection.results)
    row["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    return row


def abnormal_or_not(results: Iterable[ImageResult]) -> Row:
    """How well the highest score of a film of mini-MIAS, of whichever kind, tells films with a mass from those
    without: AUC, and how many there are of both; empty where there is none of either."""
    films = [one for one in results if one.case.startswith(NORMALS)]
    has_mass = np.array([bool(one.truths) for one in films], dtype=bool)
    if has_mass.all() or not has_mass.any():
        return {"abnormal": "", "with / without": ""}
    highest = [max((found.score for found in one.found), default=0.0) for one in films]
    area = float(round(auc_roc(has_mass, np.array(highest)), 3))
    return {"abnormal": area, "with / without": f"{has_mass.sum()} / {(~has_mass).sum()}"}


def five_scores(evidence: Evidence) -> dict[str, float]:
    """How well images as a whole are told apart by their surest finding of a positive kind: the case study's five
    scores, of two classes; none where all images are of one. Films of mini-MIAS, most of them without a mass, do not
    count: the classifier had none."""
    if len(evidence.classes) != 2 or evidence.threshold is None:
        return {}
    own = [one for one in evidence.results if not one.case.startswith(NORMALS)]
    target = np.array([one.target == 1 for one in own], dtype=bool)
    if target.all() or not target.any():
        return {}
    probability = np.array([one.probabilities[1] for one in own])
    called = probability >= evidence.threshold
    scores = {"auc_roc": auc_roc(target, probability)} | {
        score.__name__: score(target, called) for score in (accuracy, precision, sensitivity, specificity)
    }
    return {"images": len(own)} | {name: round(value, 3) for name, value in scores.items()}


def write(rows: list[Row]) -> None:
    """Record what there is so far, with means over seeds."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    filled = [{name: row.get(name, "") for name in names} for row in rows]
    means = []
    for key in dict.fromkeys((row["data"], row["by"], row["minutes"], row["measured on"]) for row in filled):
        own = [row for row in filled if (row["data"], row["by"], row["minutes"], row["measured on"]) == key]
        if len(own) > 1:
            numbers = [name for name in names if name != "minutes" and all(isinstance(row[name], float) for row in own)]
            unlike = {name: "" for name in names if any(row[name] != own[0][name] for row in own)}
            mean = {name: round(float(np.mean([row[name] for row in own])), 3) for name in numbers}
            means.append({**own[0], **unlike, **mean, "seed": "mean", "interval at 1": "", "image": {}})
    record(
        "detection",
        f"Detection with one command a set: sensitivity at rates of false alarms an image, a hit is {RULE}.",
        [*filled, *means],
        packages=("torch", "torchvision", "timm"),
        notes=(
            "measured on: all = every image, answered by networks that had not seen its patient; val = those of a "
            "tenth of the patients, for both.",
            "abnormal: AUC on films of mini-MIAS, with a mass against without, of the highest score that there is a "
            "lesion; with / without: how many of each were measured.",
            "image: AUC and four scores of images as a whole, by their surest finding of a positive kind, at the "
            "threshold chosen on them; without films of mini-MIAS.",
            *(f"{name}: {drawn.words}." for name, drawn in PHANTOMS.items()),
            *(f"{question.example}. Others: {question.beside}." for question in QUESTIONS if question.beside),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
