"""How well are things outlined with one command a set, how does it grow with the minutes, and what memory does it take?

Each row is one `hounsfield train --task segmentation` with nothing but the minutes and a seed, or a network's name
where two are compared. Each case is outlined by a network that had not seen its patient. Across sites, the cases of the
other site are measured once, by `hounsfield evaluate`. No held-back test case is read. What was measured is kept, so
that a run that was stopped goes on (--anew begins again).
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from drawn import PutTogether, data_folder, words_of
from one_command import choices_of, folder_of
from questions import Row, Training, measure_all, options
from record import record

from hounsfield.evaluation.evidence import Evidence
from hounsfield.evaluation.store import read_evidence
from hounsfield.plan.machine import inspect_machine

MOST_NAMED = 4
"""Labels whose Dice is told one by one."""


MADE = {
    "sunnybrook_volumes": PutTogether(
        "sunnybrook_volumes", "sunnybrook_cardiac_lv", "the slices of one heart at one moment, as volumes"
    )
}


@dataclass(frozen=True)
class Question:
    """A data set and how it is learned."""

    example: str
    minutes: tuple[float, ...]
    beside: str
    """What others reached, on held-back cases unless it says otherwise."""
    networks: tuple[str, ...] = ("",)
    """As `--network` takes them; "" leaves it out."""
    elsewhere: bool = False
    """Whether the cases of the test part, another site, are measured too."""


QUESTIONS = (
    Question(
        "hippocampus_labels", (3.0, 10.0, 20.0, 45.0),
        "anterior / posterior: nnU-Net v2 after 23 CPU minutes .00 / .54, with batch 2 .826 / .828; a plain 3-D U-Net "
        "after 16 CPU minutes .890 / .874; nnU-Net's published result after 1000 GPU epochs about .90 / .89",
    ),
    Question(
        "sunnybrook_labels", (10.0,),
        "published on the full set: .92 (Tran 2016), .94 (Avendi 2016)",
    ),
    Question(
        "sunnybrook_volumes", (10.0,),
        "Dice of a whole ventricle, and so higher than of single frames, of which those at its ends are small",
        networks=("unet", "unet-2.5d", "recurrent"),
    ),
    Question("ixi_regions", (30.0,), "nothing published on these cases"),
    Question("cxr_lungs", (5.0,), "a small MONAI U-Net after 100 CPU seconds .925"),
    Question("cxr_lungs_mcu_to_chn", (5.0,), "", elsewhere=True),
    Question("cxr_lungs_chn_to_mcu", (5.0,), "", elsewhere=True),
    Question("busi_outlines", (15.0,), "a U-Net with an EfficientNet-lite0 encoder after 4.5 CPU minutes .74"),
    Question("chase_vessels", (15.0,), ""),
    Question("sts_outlines_t1", (10.0,), "nothing published on these cases"),
    Question("sts_outlines", (10.0,), "as above, with FDG-PET"),
    Question(
        "dsb2018_nuclei_outlines", (10.0,),
        "average precision on the second-stage images of the 2018 Data Science Bowl, which are others: .632 of the 32 "
        "networks of its winners, .528 of CellProfiler set up by experts (Caicedo 2019, table 1)",
    ),
)  # fmt: skip


def main() -> int:
    """Train what has not been trained yet, and record all."""
    parser = options(__doc__)
    parser.add_argument("--minutes", nargs="+", type=float, metavar="M", help="of each, instead of what it says")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="of each")
    arguments = parser.parse_args()
    measure_all("outlining", trainings(arguments), arguments, write)
    return 0


def trainings(arguments: argparse.Namespace) -> Iterator[Training]:
    """Each network, after each number of minutes, of each question."""
    for question in QUESTIONS:
        for network, minutes in product(question.networks, arguments.minutes or question.minutes):
            for seed in range(arguments.seeds):
                yield Training(
                    question.example,
                    {"asked_for": network or "auto", "minutes": minutes, "seed": seed},
                    partial(learned, question, network, minutes, seed),
                    data_folder(question.example, MADE),
                )


def learned(question: Question, network: str, minutes: float, seed: int, folder: Path) -> list[Row]:
    """The rows of one training: its validation cases and, where there is one, the other site."""
    bundle = folder / f"{question.example}-{network or 'auto'}-{minutes:g}-{seed}"
    words = words_of(question.example, MADE, folder)
    own = (f"--network={network}",) if network else ()
    began = time.perf_counter()
    peak = run_measured("train", *words, "--task=segmentation", "-o", str(bundle), "--overwrite",
                        f"--minutes={minutes}", f"--seed={seed}", *own)  # fmt: skip
    took = (time.perf_counter() - began) / 60
    facts = choices_of(bundle)
    row = {
        "data": question.example,
        "minutes": minutes,
        "asked_for": network or "auto",
        "seed": seed,
        "took_minutes": round(took, 1),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": inspect_machine().name,
        **row_of(read_evidence(bundle / "evidence.json")),
        "peak_mib": round(peak),
        **{key: facts[key] for key in ("network", "input", "epochs", "networks")},
    }
    rows = [row]
    if question.elsewhere:
        other = bundle.with_name(f"{bundle.name}-elsewhere")
        run_measured("evaluate", str(bundle), *words, "-o", str(other))
        rows.append(row | row_of(read_evidence(other / "evidence.json")) | {"measured_on": "the other site"})
    return rows


def row_of(evidence: Evidence) -> Row:
    """What an evidence file says of outlines."""
    found = evidence.segmentation
    if found is None:
        raise RuntimeError(f"{evidence.dataset}: nothing was outlined")
    whole, *labels = found.labels
    dice = whole.scores["dice"]
    named = ", ".join(f"{label.name} {label.scores['dice'].value:.3f}" for label in labels)
    precision = whole.scores.get("instance_average_precision")
    return {
        "dice": round(dice.value, 4),
        "interval": f"{dice.low:.3f} to {dice.high:.3f}",
        "dice_of_labels": named if 1 < len(labels) <= MOST_NAMED else f"{len(labels)} labels" if labels else "",
        "objects": f"AP {precision.value:.3f} ({precision.low:.3f} to {precision.high:.3f}), F1 "
        + " / ".join(f"{whole.scores[f'instance_f1_{percent}'].value:.3f}" for percent in (50, 70))
        if precision
        else "",
        "surface_dice": round(whole.scores["surface_dice"].value, 4),
        "hd95": round(whole.scores["hausdorff"].value, 2),
        "unit": found.unit,
        "cases": evidence.cases,
        "measured_on": evidence.split,
    }


def run_measured(*words: str) -> float:
    """Run a command of ours; its peak memory in MiB.

    Raises:
        RuntimeError: It failed; the message is its own last line.
    """
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen([sys.executable, "-m", "hounsfield", *words], stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            lines = said.read().strip().splitlines() or [f"exit code {child.returncode}"]
            raise RuntimeError(f"hounsfield {' '.join(words)}: {lines[-1]}")
    return usage.ru_maxrss / 1024


def second_observer() -> list[str]:
    """How well a second person outlines the vessels, as a sentence; none where they are not there."""
    import numpy as np

    from hounsfield.formats import read

    found = []
    for path in sorted((folder_of("chase_vessels") / "vessels").glob("*.png")):
        one, other = (read(own).voxels > 0 for own in (path, path.parents[1] / "vessels_2nd_observer" / path.name))
        found.append(2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other)))
    words = "chase_vessels. The second observer's Dice with the first, mean of all images"
    return [f"{words}: {np.mean(found):.3f}."] if found else []


def write(rows: list[Row]) -> None:
    """Record what there is so far, in the order of the questions."""
    order = [question.example for question in QUESTIONS]
    record(
        "outlining",
        "Outlines with one command a set, measured on cases that each was outlined by a network that had not seen its "
        "patient.",
        sorted(rows, key=lambda row: (order.index(row["data"]), row["asked_for"], row["minutes"], row["seed"])),
        packages=("torch", "timm"),
        notes=(
            "dice: the mean over labels and cases; objects, where each is outlined by itself: their average precision, "
            "IoU .5 to .95, and F1 at IoU .5 / .7; hd95: the distance that 95 % of surfaces do not exceed, its mean "
            "over cases, in the unit beside it.",
            "minutes: what was asked for; took minutes: of the whole command, with preparing and the report.",
            *(f"{name}: {made.words}." for name, made in MADE.items()),
            *(f"{question.example}. Others: {question.beside}." for question in QUESTIONS if question.beside),
            *second_observer(),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
