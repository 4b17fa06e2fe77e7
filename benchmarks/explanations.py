"""Which explanations of a mammogram reader can be believed? Every method is tested on whole films the networks had not
learned from: does its heat depend on what the network has learned, does the answer depend on the hottest places, and
do they lie in the mass that a radiologist drew?

Chance is the heat of other films (for pointing) and random orders (for taking away).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from one_command import EXAMPLES, folder_of, train
from record import record

from hounsfield.bundle import read_bundle
from hounsfield.datasets import open_dataset
from hounsfield.evaluation.explanations import Explanations
from hounsfield.reading.explain.tested import try_explanations

DATA = ("cbis_ddsm_films", "busi_ultrasound")
MINUTES = {"cbis_ddsm_films": 30.0, "busi_ultrasound": 8.0}
CASES = 40


def main() -> int:
    """Train where there is no bundle yet, test all methods, record; 1 when the one that is shown points no better than
    chance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=list(DATA), metavar="NAME")
    parser.add_argument("--cases", type=int, default=CASES, metavar="N", help="of each set, at most")
    parser.add_argument("--bundles", type=Path, metavar="DIR", help="where classification.py kept its bundles")
    arguments = parser.parse_args()
    absent = [name for name in arguments.data if not folder_of(name).is_dir()]
    if absent:
        print(f"there are no images of {', '.join(absent)}: nothing is measured", file=sys.stderr)
        return 0
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.data:
            folder = (arguments.bundles or Path(temporary)) / f"{name}-0"
            if not (folder / "bundle.json").is_file():
                train(name, folder, minutes=MINUTES[name])
            dataset = open_dataset(EXAMPLES / f"{name}.toml", root=folder_of(name))
            rows += rows_of(name, try_explanations(read_bundle(folder), dataset, cases=arguments.cases))
            write(rows)
    shown = [row for row in rows if row["shown"]]
    no_better = [row for row in shown if float(str(row["points"])) <= float(str(row["by chance"]))]
    return int(bool(no_better) or len(shown) < len(arguments.data))


def rows_of(name: str, found: Explanations) -> list[dict[str, object]]:
    """A row for each method."""
    rows: list[dict[str, object]] = []
    for one in found.tested:
        pointing = one.pointing
        rows.append(
            {
                "data": name,
                "method": one.method,
                "cases": one.cases,
                "with boxes": one.pointed_cases,
                "points": "" if pointing is None else round(pointing.value, 3),
                "interval": "" if pointing is None else f"{pointing.low:.2f} to {pointing.high:.2f}",
                "by chance": "" if one.pointing_by_chance is None else round(one.pointing_by_chance, 3),
                "inside": "" if one.inside is None else round(one.inside, 3),
                "area of boxes": "" if one.area is None else round(one.area, 3),
                "shuffled": round(one.agreement, 3),
                "deletion": round(one.deletion, 3),
                "insertion": round(one.insertion, 3),
                "gain": f"{one.gain.value:.3f} ({one.gain.low:.3f} to {one.gain.high:.3f})",
                "failed": "; ".join(one.failed),
                "shown": "yes" if one.method == found.default else "",
            }
        )
    return rows


def write(rows: list[dict[str, object]]) -> None:
    """Record what there is so far."""
    record(
        "explanations",
        "Heat maps of positive cases that a network which had not learned from them calls so: every method, tested.",
        rows,
        packages=("torch", "timm"),
        notes=(
            "points: share of cases whose hottest place lies in a box; by chance: the same with the heat of other "
            "cases; inside: share of the heat in boxes, and beside it the share of the image that boxes cover.",
            "shuffled: rank correlation with the heat of the same network, its weights shuffled (small is good); "
            "deletion, insertion: area under the probability while the hottest places go, and come; gain: how much "
            "more they differ than by random orders.",
            "shown: the method that answers carry by default. No network had seen a box of the cases it explains.",
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
