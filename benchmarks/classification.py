"""How well does one command do? Classification on sets of real images, beside the figures that others reached.

Each row is one `hounsfield train` with nothing but the minutes and a seed (and a bundle, where one is learned on from).
Scores are on validation cases, each answered by networks that had not seen its patient; no official test case is read.
Across sites, the cases of the other site are measured once, by `hounsfield evaluate`. What was measured is kept, so
that a run that was stopped goes on (--anew begins again).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from one_command import folder_of, run, scores_of, train, words_for
from questions import Row, Training, measure_all, options
from record import record


@dataclass(frozen=True)
class Question:
    """A data set and how it is learned."""

    example: str
    minutes: float
    seeds: int
    beside: str
    """What others reached, on the official or held-back test part unless it says otherwise."""
    begins_from: str = ""
    """The example whose bundle of the same seed is learned on from."""
    elsewhere: bool = False
    """Whether the cases of the test part, another site, are measured too."""

    @property
    def asked_for(self) -> str:
        """What `--network` gets, in words."""
        return f"a bundle of {self.begins_from}" if self.begins_from else "auto"


SCORES = ("auc", "accuracy", "precision", "sensitivity", "specificity", "accuracy_most_probable")
"""Of a row, that means are taken of."""

CHOICES = ("network", "input", "epochs", "networks")
"""Of a row, that are told of each seed."""

QUESTIONS = (
    Question(
        "cbis_ddsm_mass", 20, 3,
        "test: HOG + LR .59, the case study's CNN .56 (Keras) .70 (torch), frozen lite0 + LR .72, "
        "lite0 fine-tuned 5 min .81 [.76, .86] (its validation read about .05 higher)",
    ),
    Question("cbis_ddsm_mass_with_words", 8, 1, "nothing published on these cases"),
    Question("cbis_ddsm_films", 30, 1, "test: frozen lite0 + LR .75 [.70, .80]"),
    Question("cbis_ddsm_films", 15, 1, "", begins_from="cbis_ddsm_mass"),
    Question("cbis_ddsm_women", 12, 1, "nothing published on these cases"),
    Question("mini_mias", 6, 1, "frozen ImageNet features .53", begins_from="cbis_ddsm_mass"),
    Question(
        "breastmnist", 3, 5,
        "test AUC / accuracy: ResNet-18 .901 / .863, AutoML .919 / .861, a ResNet-18 of two CPU minutes .921 / .885",
    ),
    Question(
        "pneumoniamnist", 4, 5,
        "test AUC / accuracy: ResNet-18 .944 / .854, AutoML .991 / .946, a ResNet-18 of two CPU minutes .958 / .813",
    ),
    Question("adrenalmnist3d_64", 8, 1, "test AUC / accuracy at 28³: .839 (ACS) / .802 (auto-sklearn)"),
    Question("busi_ultrasound", 8, 1, "test: frozen lite0 + LR .874 [.808, .931]"),
    Question("lc25000_lung", 12, 1, "test accuracy: frozen lite0 + LR .944"),
    Question("cxr_lungs_tb", 8, 1, "test: frozen lite0 + LR .870"),
    Question("cxr_lungs_tb_mcu_to_chn", 4, 1, "frozen lite0 + LR .574", elsewhere=True),
    Question("cxr_lungs_tb_chn_to_mcu", 4, 1, "frozen lite0 + LR .693", elsewhere=True),
)  # fmt: skip


def main() -> int:
    """Train what has not been trained yet, and record all."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, metavar="N", help="of each, instead of as many as it says")
    parser.add_argument("--minutes", type=float, metavar="M", help="of each, instead of as many as it says")
    arguments = parser.parse_args()
    measure_all("classification", trainings(arguments), arguments, write)
    return 0


def trainings(arguments: argparse.Namespace) -> Iterator[Training]:
    """Each seed, of each question."""
    for question in QUESTIONS:
        minutes = arguments.minutes or question.minutes
        for seed in range(arguments.seeds or question.seeds):
            yield Training(
                question.example,
                {"asked_for": question.asked_for, "minutes": minutes, "seed": seed},
                partial(measured, question, minutes, seed),
                folder_of(question.example),
            )


def measured(question: Question, minutes: float, seed: int, folder: Path) -> list[Row]:
    """The rows of one training: its validation cases and, where there is one, the other site."""
    network = "auto"
    if question.begins_from:
        earlier = next(other for other in QUESTIONS if other.example == question.begins_from)
        network = str(folder / f"{question.begins_from}-{seed}")
        if not Path(network).is_dir():
            train(question.begins_from, Path(network), minutes=earlier.minutes, seed=seed)
    beginning = f"-from-{question.begins_from}" if question.begins_from else ""
    bundle = folder / f"{question.example}{beginning}-{seed}"
    row = train(question.example, bundle, minutes=minutes, network=network, seed=seed)
    row["asked_for"] = question.asked_for
    found = [row]
    if question.elsewhere:
        evidence = json.loads(run("evaluate", str(bundle), *words_for(question.example), "--json"))
        found.append(row | scores_of(evidence) | {"measured_on": "the other site"})
    return found


def write(rows: list[Row]) -> None:
    """Record what there is so far, in the order of the questions, with the means over several seeds."""
    ordered: list[Row] = []
    for question in QUESTIONS:
        own = [row for row in rows if (row["data"], row["asked_for"]) == (question.example, question.asked_for)]
        ordered += sorted(own, key=lambda row: (row["minutes"], row["seed"], row["measured_on"] != "val"))
        ordered += means(own)
    record(
        "classification",
        "Classification with one command a set: AUC and accuracy on validation cases (measured on: val), each answered "
        "by networks that had not seen its patient.",
        ordered,
        packages=("torch", "timm"),
        notes=(
            "minutes: what was asked for; took minutes: of the whole command, with preparing, trials and report.",
            "accuracy: at the threshold with the highest sensitivity + specificity; accuracy most probable: of the "
            "more probable class, as published tables count it.",
            "Threshold and calibration were chosen on the same validation cases; the network was chosen on a third.",
            *(f"{question.example}. Others: {question.beside}." for question in QUESTIONS if question.beside),
        ),
    )


def means(rows: Sequence[Row]) -> list[Row]:
    """A row with the means over the seeds of the same minutes, for each that has several."""
    found = []
    for minutes in sorted({float(str(row["minutes"])) for row in rows}):
        own = [row for row in rows if row["minutes"] == minutes and row["measured_on"] == "val"]
        if len(own) > 1:
            scores = [name for name in SCORES if name in own[0]]
            values = {name: [float(str(row[name])) for row in own] for name in scores}
            spread = statistics.stdev(values["auc"])
            mean = {name: round(statistics.mean(numbers), 4) for name, numbers in values.items()}
            took = round(statistics.mean(float(str(row["took_minutes"])) for row in own), 1)
            changed = {"seed": "mean", "interval": f"spread of seeds {spread:.4f}", "took_minutes": took}
            told = {name: ", ".join(dict.fromkeys(str(row[name]) for row in own)) for name in CHOICES}
            found.append(own[0] | mean | changed | told)
    return found


if __name__ == "__main__":
    sys.exit(main())
