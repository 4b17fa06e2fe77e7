"""`hounsfield doctor`: what this machine has, what is missing, and the command that mends it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from hounsfield.cli.checkup.codecs import Codec
    from hounsfield.cli.checkup.machine import MachineFacts
    from hounsfield.cli.checkup.packages import Package
    from hounsfield.cli.checkup.verdict import Verdict

HELP = "what this machine has, lacks, and how to mend it"

_MARKS = {"good": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]bad [/]"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("--json", action="store_true", help="print everything found as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    """0 when nothing that is needed is missing, else 1."""
    from hounsfield.cli.checkup.packages import check_packages
    from hounsfield.cli.checkup.verdict import ready, verdicts

    packages = check_packages()
    machine, codecs = _machine_and_codecs(packages)
    found = verdicts(machine, packages, codecs)
    if arguments.json:
        _print_json(found, machine, packages, codecs)
    else:
        _print_tables(found, machine, packages, codecs)
    return 0 if ready(found) else 1


def _machine_and_codecs(packages: Sequence[Package]) -> tuple[MachineFacts | None, Sequence[Codec]]:
    """The rest of the facts; nothing where a package that is needed to find them is itself amiss."""
    if any(package.fault and not package.extra for package in packages):
        return None, ()
    from pathlib import Path

    from hounsfield.cli.checkup.codecs import check_codecs
    from hounsfield.cli.checkup.machine import machine_facts

    return machine_facts(Path.cwd()), check_codecs()


def _print_json(
    found: Sequence[Verdict], machine: MachineFacts | None, packages: Sequence[Package], codecs: Sequence[Codec]
) -> None:
    from dataclasses import asdict

    from hounsfield import __version__
    from hounsfield.cli.checkup.verdict import ready

    document = {
        "hounsfield": __version__,
        "ready": ready(found),
        "verdicts": [asdict(verdict) for verdict in found],
        "machine": asdict(machine) if machine else None,
        "packages": [asdict(package) for package in packages],
        "codecs": [asdict(codec) for codec in codecs],
    }
    print(json.dumps(document, indent=2, default=str))


def _print_tables(
    found: Sequence[Verdict], machine: MachineFacts | None, packages: Sequence[Package], codecs: Sequence[Codec]
) -> None:
    from rich.console import Console
    from rich.markup import escape

    from hounsfield.cli.checkup.verdict import ready

    console = Console(highlight=False, soft_wrap=True)
    words = "This machine is ready." if ready(found) else "Something that Hounsfield needs is missing."
    console.print(f"[bold]{words}[/]\n")
    for verdict in found:
        console.print(f"{_MARKS[verdict.level]}  {escape(verdict.text)}")
        if verdict.mend:
            console.print(f"      [bold]{escape(verdict.mend)}[/]")
    if machine is not None:
        _print_pairs(console, "Machine", _machine_rows(machine))
    _print_pairs(console, "Packages", [(p.name, p.fault or p.version) for p in packages])
    if codecs:
        _print_pairs(console, "DICOM transfer syntaxes, each tried", [(c.name, c.fault or "read") for c in codecs])


def _machine_rows(machine: MachineFacts) -> list[tuple[str, str]]:
    gib = 1024**3
    return [
        ("system", f"{machine.system}, Python {machine.python}"),
        ("processor", machine.processor),
        ("cores", f"{machine.cores}, of which a plan uses {machine.threads}"),
        ("instructions", f"{machine.instructions}, bfloat16 {'native' if machine.bf16 else 'not native'}"),
        ("memory", f"{machine.memory_free_bytes / gib:.1f} of {machine.memory_total_bytes / gib:.1f} GiB free"),
        ("disk", f"{machine.disk_free_bytes / gib:.1f} GiB free at {machine.folder}"),
        ("GPU", ", ".join(machine.gpus) or "none"),
        ("torch threads", str(machine.torch_threads)),
    ]


def _print_pairs(console: Console, title: str, rows: Sequence[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(value))
    console.print(f"\n[bold]{title}[/]")
    console.print(table)
