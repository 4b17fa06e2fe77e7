"""What do minutes buy? AUC against training minutes on three data sets, the plan's choices named, and beside them every
candidate trained by hand for one of these times.

Scores are out of fold, or on the validation part where there is one: no test case is read. Each training is one command
in a process of its own. What was measured is kept, so that a run that was stopped goes on (--anew begins again).
"""

from __future__ import annotations

import argparse
import math
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
    return int(any(gap(rows, own) > AIM for own in _chosen(rows) if own["data"] in names))


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


def compared(rows: Sequence[Row], own: Row) -> tuple[list[Row], list[Row]]:
    """Candidates that were trained by hand for as many minutes as the plan's choice `own`, on a processor of one kind:
    those that were measured on the same cases, and the others, whose figures are of other images."""
    found = [row for row in rows if row["asked_for"] != "auto" and _agree(row, own, "data", "minutes", "processor")]
    same = [row for row in found if _agree(row, own, "cases", "measured_on", "seed")]
    return same, [row for row in found if row not in same]


def gap(rows: Sequence[Row], own: Row) -> float:
    """How far the plan's choice lies below the best candidate that was measured on the same cases; below 0 where it is
    the best, and where there is none NaN."""
    same, _ = compared(rows, own)
    return round(max(row["auc"] for row in same) - own["auc"], 4) if same else math.nan


def verdict(rows: Sequence[Row], own: Row) -> str:
    """What the candidates say of the plan's choice, in words; nothing where there are none."""
    same, others = compared(rows, own)
    if not same and not others:
        return ""
    words = [f"{own['data']}, {own['minutes']:g} minutes:"]
    if same:
        best = max(same, key=lambda row: row["auc"])["asked_for"]
        below = gap(rows, own)
        aim = f" (missed: at most {AIM} was aimed at)" if below > AIM else "" if others else " (aim met)"
        words.append(
            f"on the same {own['cases']} cases the plan's choice is {abs(below):.4f} "
            f"{'below' if below > 0 else 'above'} {best}, "
            f"{f'the best of {len(same)} candidates' if len(same) > 1 else 'the only candidate'}{aim}."
        )
    if others:
        names = ", ".join(f"{row['asked_for']} on {row['cases']}" for row in others)
        words.append(f"Not compared, for other cases were measured: {names}; the plan's choice on {own['cases']}.")
        words += [] if gap(rows, own) > AIM else ["Whether the aim is met is not known."]
    return " ".join(words)


def _agree(one: Row, other: Row, *keys: str) -> bool:
    return all(one[key] == other[key] for key in keys)


def _chosen(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["asked_for"] == "auto"]


def notes(rows: Sequence[Row]) -> list[str]:
    """What stands below the table."""
    return [
        "Trainings ran one after another, seed 0. took_minutes includes preparing, trials and the report.",
        "The plan's choice and candidates are compared where they were given as many minutes, on a processor of one "
        "kind, and were measured on the same cases: with folds these are all, with one network a validation part.",
        *filter(None, (verdict(rows, own) for own in _chosen(rows))),
    ]


def write(rows: Sequence[Row]) -> None:
    """Record what there is so far."""
    record(
        "minutes",
        "AUC on validation cases against training minutes: what the plan chose (auto), and candidates by name.",
        sorted(rows, key=lambda row: (row["data"], row["asked_for"] != "auto", row["minutes"])),
        packages=("torch", "timm"),
        notes=notes(rows),
    )


if __name__ == "__main__":
    sys.exit(main())
