"""What do minutes buy? AUC against training minutes on three data sets, the plan's choices named, and beside them every
candidate trained by hand for one of these times.

Scores are out of fold, or on the validation part where there is one: no test case is read. Each training is one command
in a process of its own. What was measured is kept, so that a run that was stopped goes on (--anew begins again).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from one_command import folder_of, train
from questions import Row, Training, measure_all, options
from record import record

DATA = ("cbis_ddsm_mass", "busi_ultrasound", "breastmnist")
MINUTES = (1.0, 5.0, 15.0, 60.0)
BY_HAND = 5.0
CANDIDATES = ("tf_efficientnet_lite0", "tf_efficientnet_lite0:probe", "convnet", "residual")
AIM = 0.01
"""The plan's choice is at most this far below the best candidate trained by hand."""


def main() -> int:
    """Train what has not been trained yet, and record all; 1 when the plan's choice is too far below the best."""
    parser = options(__doc__)
    parser.add_argument("--minutes", nargs="+", type=float, default=list(MINUTES), metavar="M")
    parser.add_argument(
        "--by-hand", type=float, default=BY_HAND, metavar="M", help="minutes of each candidate; 0 leaves them out"
    )
    arguments = parser.parse_args()
    names = arguments.data or DATA
    rows = measure_all("minutes", trainings(names, arguments), arguments, write)
    return int(any(gap(rows, name) > AIM for name in names))


def trainings(names: Sequence[str], arguments: argparse.Namespace) -> Iterator[Training]:
    """The plan's own choice after each number of minutes, then the candidates."""
    wanted = [(name, minutes, "auto") for name in names for minutes in arguments.minutes]
    wanted += [(name, arguments.by_hand, network) for name in names for network in CANDIDATES if arguments.by_hand]
    for name, minutes, network in wanted:
        yield Training(
            name,
            {"minutes": minutes, "asked_for": network},
            partial(measured, name, minutes, network),
            folder_of(name),
        )


def measured(name: str, minutes: float, network: str, folder: Path) -> list[Row]:
    """The row of one training."""
    return [train(name, folder / f"{name}-{network}-{minutes:g}", minutes=minutes, network=network)]


def gap(rows: list[Row], name: str) -> float:
    """How far the plan's own choice lies below the best candidate, after as many minutes on a processor of one kind; 0
    where none was trained."""
    found = [0.0]
    for row in rows:
        if row["data"] != name or row["asked_for"] != "auto":
            continue
        rivals = [
            float(str(other["auc"]))
            for other in rows
            if other["asked_for"] != "auto" and all(other[key] == row[key] for key in ("data", "minutes", "processor"))
        ]
        found += [best - float(str(row["auc"])) for best in [max(rivals, default=0.0)]]
    return max(found)


def _compared(rows: list[Row], name: str) -> bool:
    """Whether candidates were trained as long as the plan's choice, on a processor of one kind."""
    own = [row for row in rows if row["data"] == name]
    chosen, by_hand = (
        {(row["minutes"], row["processor"]) for row in own if (row["asked_for"] == "auto") is auto}
        for auto in (True, False)
    )
    return bool(chosen & by_hand)


def write(rows: list[Row]) -> None:
    """Record what there is so far."""
    names = sorted({str(row["data"]) for row in rows})
    record(
        "minutes",
        "AUC on validation cases against training minutes: what the plan chose (auto), and candidates by name.",
        sorted(rows, key=lambda row: (row["data"], row["asked_for"] != "auto", row["minutes"])),
        packages=("torch", "timm"),
        notes=(
            "Trainings ran one after another, seed 0. took_minutes includes preparing, trials and the report.",
            "What minutes buy depends on the processor: the plan's choice and candidates are compared on one kind.",
            *(
                f"{name}: the plan's choice is {gap(rows, name):.3f} below the best candidate after as many minutes."
                if gap(rows, name) > 0
                else f"{name}: no candidate that was trained by hand is better than the plan's choice."
                for name in names
                if _compared(rows, name)
            ),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
