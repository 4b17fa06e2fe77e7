"""`hounsfield inspect` of a table alone: whether its rows are what they seem."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hounsfield.datasets.audit.repeated_rows import RepeatedRows

_ROWS_NAMED = 3


def is_table(path: Path) -> bool:
    """Whether a path is a CSV file."""
    return path.is_file() and path.suffix.casefold() in (".csv", ".tsv")


def inspect_table(arguments: argparse.Namespace) -> int:
    """0, or 1 when the verdict is to refuse: too many of the rows held back have a copy in another part.

    Raises:
        UsageError: An option speaks of images.
        DatasetError: It is no table.
    """
    from hounsfield.datasets.audit.repeated_rows import judge_rows, repeated_rows
    from hounsfield.datasets.layouts.rows import read_table
    from hounsfield.errors import UsageError

    for option in ("root", "plan", "split", "output"):
        if getattr(arguments, option):
            raise UsageError(
                f"--{option} is for images; {arguments.data} is a table alone: write a description beside it that "
                "names its images (docs/datasets.md), or leave the option out"
            )
    table = read_table(arguments.data)
    found = repeated_rows(table)
    verdict, reasons = judge_rows(found, table)
    if arguments.json:
        facts = {"rows": len(table.rows), "columns": list(table.columns), "path": str(table.path)}
        print(json.dumps({"table": facts, "audit": as_json(found, verdict, reasons)}, indent=2))
    else:
        print(f"{table.path.name}: {len(table.rows)} rows, {len(table.columns)} columns")
        print(f"audit: {verdict}" + "".join(f"\n  {reason}" for reason in reasons))
        for group in found.groups[:_ROWS_NAMED]:
            print(f"  the same {len(group)} times, in lines {', '.join(str(number + 2) for number in group[:8])}")
    return 1 if verdict == "refuse" else 0


def as_json(found: RepeatedRows, verdict: str, reasons: tuple[str, ...]) -> dict[str, object]:
    """The audit of a table, under the names of an audit of images where it says the same."""
    return {
        "verdict": verdict,
        "reasons": list(reasons),
        "repeated_rows": found.rows,
        "repeated_rows_across_parts": found.across,
        "groups": [list(group) for group in found.groups],
        "compared_columns": list(found.compared),
        "parts_from": found.parts,
    }
