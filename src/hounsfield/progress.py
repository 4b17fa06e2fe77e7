"""Progress on stderr for anything that takes longer than two seconds; silent where nobody looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")


def track(items: Iterable[Item], description: str, *, total: int | None = None) -> Iterator[Item]:
    """Pass `items` on, drawing a bar with the time left on stderr when it is a terminal.

    Args:
        items: What is worked through.
        description: What is being done, for instance "reading films".
        total: How many there are, when `items` has no length.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if total is None and isinstance(items, Sized):
        total = len(items)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(description, total=total)
        for item in items:
            yield item
            bar.advance(task)


def say(text: str) -> None:
    """Print one line of information on stderr, so that stdout stays for results."""
    import sys

    print(text, file=sys.stderr, flush=True)
