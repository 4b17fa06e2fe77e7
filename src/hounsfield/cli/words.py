"""What several verbs say: a data set opened with its problems, scores as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.progress import say

if TYPE_CHECKING:
    from hounsfield.datasets.case import Dataset
    from hounsfield.evaluation.evidence import Evidence, Score


def checked_dataset(path: Path, root: Path | None) -> Dataset:
    """The data set at `path`, its notes and problems said on stderr.

    Raises:
        DatasetError: It cannot be opened, or nothing can be learned from it.
    """
    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.check import check_dataset
    from hounsfield.errors import DatasetError

    dataset = open_dataset(path, root=root)
    for note in dataset.notes:
        say(f"note: {note}")
    problems = check_dataset(dataset)
    refused = [problem.text for problem in problems if problem.severity == "refuse"]
    if refused:
        raise DatasetError(f"{dataset.name}: " + "; ".join(refused))
    for problem in problems:
        say(f"warning: {problem.text}")
    return dataset


def print_scores(evidence: Evidence) -> None:
    """The scores with their intervals, as a table on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{evidence.dataset}, {evidence.split}: {evidence.cases} cases of {evidence.patients} patients",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, score in evidence.scores.items():
        table.add_row(name, f"{score.value:.3f}", f"{score.low:.3f} to {score.high:.3f}")
    console = Console()
    console.print(table)
    console.print(f"threshold {evidence.threshold:.3f}: {evidence.threshold_from}", highlight=False)
    for note in evidence.notes:
        say(f"note: {note}")


def scores_as_json(scores: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    """Name to value, low and high."""
    return {name: {"value": score.value, "low": score.low, "high": score.high} for name, score in scores.items()}
