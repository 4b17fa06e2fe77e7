"""Writes what a benchmark measured to results/: NAME.json for machines, NAME.md for people, with machine and date."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hounsfield.atomic import write_text
from hounsfield.plan.machine import inspect_machine

RESULTS = Path(__file__).parent / "results"


def record(
    name: str,
    question: str,
    rows: Sequence[Mapping[str, object]],
    *,
    packages: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> None:
    """Write the results of the benchmark `name`, and print the table.

    Args:
        name: Of the two files, without suffix; the benchmark's own file name.
        question: What was measured, in a sentence.
        rows: One row of the table each; the keys of the first are the columns, with units in their names.
        packages: Whose versions matter, beside Python's and Hounsfield's.
        notes: Sentences below the table: how it was measured, what to be careful with.
    """
    document = {
        "question": question,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(packages),
        "rows": [dict(row) for row in rows],
        "notes": list(notes),
    }
    write_text(RESULTS / f"{name}.json", json.dumps(document, indent=2) + "\n")
    text = markdown(name, document)
    write_text(RESULTS / f"{name}.md", text)
    print(text)


def machine() -> dict[str, object]:
    """The computer this runs on, as far as times depend on it."""
    found = inspect_machine()
    return {
        "processor": found.name,
        "cores": found.cores,
        "bf16": found.bf16,
        "memory_free_gib": round(found.memory_bytes / 1024**3, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Version of each package, "not installed" where it is not here."""
    found = {"python": platform.python_version()}
    for package in ("hounsfield", *packages):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def markdown(name: str, document: Mapping[str, object]) -> str:
    """The same as a page."""
    rows = document["rows"]
    assert isinstance(rows, list) and rows, f"{name}: nothing was measured"
    columns = list(rows[0])
    lines = [f"# {name}", "", f"{document['question']}", ""]
    lines += [f"| {' | '.join(column.replace('_', ' ') for column in columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(row.get(column, '')) for column in columns)} |" for row in rows]
    for title in ("machine", "versions"):
        facts = document[title]
        assert isinstance(facts, dict)
        lines += ["", f"{title.capitalize()}: {', '.join(f'{key} {value}' for key, value in facts.items())}."]
    notes = document["notes"]
    assert isinstance(notes, list)
    lines += ["", *(f"- {note}" for note in notes), "", f"Measured on {document['date']}."]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
