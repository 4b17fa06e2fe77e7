"""Following a training on stderr: the plan with its reasons, then a bar with the score and the time left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hounsfield.progress import say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from hounsfield.datasets.split import Split
    from hounsfield.learning.checkpoint import EpochRecord
    from hounsfield.plan import Plan

_LINE_EVERY_S = 30.0
"""Where stderr is no terminal, a line is printed at most this often."""


class Following:
    """What `train` reports to; its two methods are the callbacks."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._members = 1
        self._epochs = 1
        self._before = 0
        self._score = "AUC"
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._printed = time.monotonic()
        self._seconds: dict[bool, list[float]] = {}

    def on_plan(self, plan: Plan, split: Split) -> None:
        """Print plan and split, and put up the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        from hounsfield.plan.task import CURVE_SCORES

        print_plan(plan, split)
        self._members, self._epochs = plan.ensemble.networks, plan.optimisation.epochs
        self._before = plan.lesions.epochs
        score = CURVE_SCORES[plan.task]
        self._score = score if score.isupper() else score.lower()
        console = Console(stderr=True)
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._members * (self._before + self._epochs))

    def on_epoch(self, member: int, record: EpochRecord) -> None:
        """Move the bar on, or now and then print a line."""
        epochs = self._before if record.stage else self._epochs
        done = member * (self._before + self._epochs) + record.epoch + (0 if record.stage else self._before)
        self._seconds.setdefault(bool(record.stage), []).append(record.seconds)
        stage = f"{record.stage} · " if record.stage else ""
        words = (
            f"network {member + 1} of {self._members} · {stage}epoch {record.epoch} of {epochs} · "
            f"validation loss {record.val_loss:.3f}, {self._score} {record.val_score:.3f}"
        )
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, description=words)
            return
        now = time.monotonic()
        last = record.epoch == epochs
        if last or now - self._printed >= _LINE_EVERY_S:
            say(f"{words}{self._left(member, record)}")
            self._printed = now

    def _left(self, member: int, record: EpochRecord) -> str:
        """How long it still takes; nothing before an epoch of each kind was seen."""
        whole = 0.0
        for before, epochs in ((True, self._before), (False, self._epochs)):
            if not epochs:
                continue
            if before not in self._seconds:
                return ""
            seen = self._seconds[before]
            done = record.epoch if before == bool(record.stage) else epochs * before
            whole += ((self._members - member) * epochs - done) * sum(seen) / len(seen)
        return f" · about {whole / 60:.0f} min left"

    def stop(self) -> None:
        """Take the bar down."""
        if self._bar is not None:
            self._bar.stop()


def print_plan(plan: Plan, split: Split) -> None:
    """The plan's choices and their reasons, and the parts of the split, as a table on stderr."""
    from rich.console import Console
    from rich.table import Table

    from hounsfield.plan.choose import explain_plan

    console = Console(stderr=True)
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console.width = 140
    table = Table(box=None, pad_edge=False)
    for heading in ("choice", "value", "reason"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "choice")
    for name, value, reason in explain_plan(plan):
        table.add_row(name, value, reason)
    console.print(f"Plan for {plan.dataset}", highlight=False)
    if table.row_count:
        console.print(table)
    counts = ", ".join(f"{len(split.ids(part))} {part}" for part in ("train", "val", "test"))
    console.print(f"Split: {counts} cases; {split.reason}", highlight=False)
