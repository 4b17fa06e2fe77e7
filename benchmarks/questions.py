"""The loop of the benchmarks that train: every training once, its rows recorded as soon as it is done.

What was measured is kept in results/, so that a run that was stopped goes on; a training whose rows are there is not
done again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from record import RESULTS

Row = dict[str, Any]


@dataclass(frozen=True)
class Training:
    """One training that is asked for."""

    data: str
    """The example that is learned, as `--data` names it and its rows do."""
    known_by: Mapping[str, object]
    """What else its rows are known by: columns, and what stands there."""
    measure: Callable[[Path], list[Row]]
    """Trains, with bundles in a folder, and gives the rows."""
    folder: Path | None = None
    """Where the data lie; None where they are made."""

    def among(self, rows: Iterable[Row]) -> bool:
        """Whether it was measured."""
        wanted = {"data": self.data, **self.known_by}
        return any(all(row[key] == own for key, own in wanted.items()) for row in rows)


def options(description: str | None) -> argparse.ArgumentParser:
    """What all of them are told on the command line; each adds its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--bundles", type=Path, metavar="DIR", help="where bundles are kept")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    return parser


def kept_rows(name: str) -> list[Row]:
    """What the benchmark `name` measured before; means over seeds are left out, for they are made anew."""
    path = RESULTS / f"{name}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    return [row for row in rows if row.get("seed") != "mean"]


def measure_all(
    name: str, trainings: Iterable[Training], arguments: argparse.Namespace, write: Callable[[list[Row]], None]
) -> list[Row]:
    """All rows, after every training that is asked for and was not measured yet.

    Args:
        name: Of the benchmark.
        trainings: In their order.
        arguments: As `options` has them.
        write: Records what there is, after each training.
    """
    rows = [] if arguments.anew else kept_rows(name)
    absent: set[str] = set()
    with tempfile.TemporaryDirectory() as temporary:
        for one in trainings:
            if (arguments.data and one.data not in arguments.data) or one.data in absent:
                continue
            if one.folder is not None and not one.folder.is_dir():
                print(f"{one.folder} is not there: {one.data} is left out", file=sys.stderr)
                absent.add(one.data)
            elif not one.among(rows):
                rows += one.measure(arguments.bundles or Path(temporary))
                write(rows)
    return rows
