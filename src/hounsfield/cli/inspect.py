"""`hounsfield inspect`: what a data set or an image holds, and what preprocessing makes of it."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hounsfield.datasets.audit import Audit
    from hounsfield.datasets.case import Case, Dataset
    from hounsfield.datasets.check import Problem
    from hounsfield.datasets.fingerprint import Fingerprint
    from hounsfield.datasets.split import Split
    from hounsfield.image import Image
    from hounsfield.plan import Input

HELP = "what a data set or an image holds, step by step"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "data", type=Path, metavar="DATA",
        help="class folders, images and masks, DICOM studies, an npz file, a TOML description; a table alone; or one "
        "image: a file, or a folder of one DICOM series",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="folder for report.html")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="show the preprocessing of this plan.toml")
    parser.add_argument(
        "--split", type=Path, metavar="FILE", help="audit this split.json instead of the data's own parts"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample and the split (default: 0)")
    parser.add_argument("--json", action="store_true", help="print fingerprint, problems and audit as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when the data can be learned from, 1 when a problem stands against it or an image cannot be read.

    Raises:
        HounsfieldError: The data cannot be opened at all.
    """
    from hounsfield.cli.inspect_image import inspect_image, is_one_image
    from hounsfield.cli.inspect_table import inspect_table, is_table
    from hounsfield.cli.output import require_folder
    from hounsfield.errors import UsageError

    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    if arguments.output:
        require_folder(arguments.output)
    if is_table(arguments.data):
        return inspect_table(arguments)
    if is_one_image(arguments.data):
        return inspect_image(arguments, command(arguments))
    return inspect_dataset(arguments)


def inspect_dataset(arguments: argparse.Namespace) -> int:
    """As `run`, of a data set."""
    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.audit import audit_dataset
    from hounsfield.datasets.check import check_dataset
    from hounsfield.datasets.fingerprint import make_fingerprint
    from hounsfield.datasets.split import read_split, require_same_cases
    from hounsfield.progress import say

    dataset = open_dataset(arguments.data, root=arguments.root)
    fingerprint = make_fingerprint(dataset, seed=arguments.seed)
    split = read_split(arguments.split) if arguments.split else None
    if split:
        require_same_cases(dataset, split)
    audit = audit_dataset(dataset, parts=split.parts if split else None)
    classified = any(case.target is not None for case in dataset.cases)
    drawn = any(case.mask is not None or case.boxes or case.points for case in dataset.cases)
    problems = (
        *check_dataset(dataset, to_classify=classified or not drawn),
        *mixtures(fingerprint, lambda: spec_for(arguments, dataset, fingerprint)),
    )
    if arguments.output:
        write_page(arguments, dataset, fingerprint, problems, audit, split)
    if arguments.json:
        found = [{"severity": p.severity, "text": p.text, "cases": list(p.cases)} for p in problems]
        plain = {"fingerprint": fingerprint.as_json(), "problems": found, "audit": audit.as_json()}
        print(json.dumps(plain, indent=2))
    else:
        print_fingerprint(fingerprint)
        print(f"audit: {audit.verdict}" + "".join(f"\n  {reason}" for reason in audit.reasons))
        for problem in problems:
            print(f"{problem.severity}: {problem.text}")
        if arguments.output:
            print(f"report: {arguments.output / 'report.html'}")
    unreadable = dict((*audit.not_read, *fingerprint.unreadable))
    for case, reason in unreadable.items():
        say(f"not read: {case}: {reason}")
    refused = any(problem.severity == "refuse" for problem in problems) or audit.verdict == "refuse"
    return 1 if refused or unreadable else 0


def print_fingerprint(fingerprint: Fingerprint) -> None:
    """The main facts on stdout."""
    counts = ", ".join(f"{n} {name}" for n, name in zip(fingerprint.class_counts, fingerprint.classes, strict=True))
    shape = " × ".join(str(side) for side in fingerprint.shape_median)
    known = "" if fingerprint.patients_known else " (not told apart: every case counts as one)"
    print(
        f"{fingerprint.dataset} ({fingerprint.layout}): {fingerprint.cases} cases" + (f": {counts}" if counts else "")
    )
    if fingerprint.boxes:
        lesions = fingerprint.lesions
        labels = ", ".join(f"{n} {name}" for name, n in lesions.boxes.items())
        print(f"boxes: {fingerprint.boxes} on {lesions.images} whole images" + (f": {labels}" if labels else ""))
    print(f"patients: {fingerprint.patients}{known}")
    channels = ", ".join(f"{name} {own.modality}".strip() for name, own in fingerprint.by_channel.items())
    print(f"median shape (depth × height × width): {shape}, channels: {channels or fingerprint.channels}")
    if fingerprint.spacing_mm:
        print("median spacing: " + " × ".join(f"{side:.3g}" for side in fingerprint.spacing_mm) + " mm")
    for note in fingerprint.notes:
        print(f"note: {note}")


def spec_for(arguments: argparse.Namespace, dataset: Dataset, fingerprint: Fingerprint) -> Input:
    """The preprocessing of the plan that was given, or of one made for the data."""
    from hounsfield.plan import input_of, read_plan

    return read_plan(arguments.plan).input if arguments.plan else input_of(dataset, fingerprint)


def mixtures(fingerprint: Fingerprint, spec: Callable[[], Input]) -> list[Problem]:
    """That the images differ very much in size, or that only some are in colour, as warnings."""
    if not fingerprint.sizes_differ and not fingerprint.colours_differ:
        return []
    from hounsfield.datasets.check import Problem
    from hounsfield.plan.colours import note_on_colours
    from hounsfield.plan.sizes import note_on_sizes

    shown = spec()
    notes = (note_on_sizes(fingerprint, shown), note_on_colours(fingerprint, shown))
    return [Problem("warn", note) for note in notes if note]


def write_page(
    arguments: argparse.Namespace,
    dataset: Dataset,
    fingerprint: Fingerprint,
    problems: Sequence[Problem],
    audit: Audit,
    split: Split | None,
) -> None:
    """Write the report: facts, problems, audit, contact sheet, the split that was given or would be made, and the
    preprocessing before and after."""
    from hounsfield.atomic import write_text
    from hounsfield.datasets.audit import kept_together
    from hounsfield.datasets.split import make_split
    from hounsfield.errors import SplitError
    from hounsfield.reporting.contact_sheet import choose_contact_cases
    from hounsfield.reporting.inspect_report import inspect_page

    spec = spec_for(arguments, dataset, fingerprint)
    chosen = readable(choose_contact_cases(dataset, seed=arguments.seed), fingerprint)
    with suppress(SplitError):  # the problems say why
        split = split or make_split(kept_together(dataset, audit.groups), seed=arguments.seed)
    page = inspect_page(
        dataset,
        fingerprint,
        problems,
        audit=audit,
        twins=twins_shown(dataset, audit),
        contact=((case, first_view(case)) for case in chosen),
        traces=(trace(case, spec) for case in chosen[:3]),
        split=split,
        command=command(arguments),
    )
    write_text(arguments.output / "report.html", page)


_MOST_GROUPS = 12
"""Of near duplicates that are shown."""


def twins_shown(dataset: Dataset, audit: Audit) -> Iterator[list[tuple[Case, Image]]]:
    """Groups of near duplicates with their pictures, two of each: of several classes first, then across a split."""
    groups = sorted(audit.groups, key=lambda group: (not group.conflict, not group.across))
    cases = {case.id: case for case in dataset.cases}
    for group in groups[:_MOST_GROUPS]:
        first, *others = (cases[name] for name in group.cases)
        second = max(others, key=lambda case: (case.target != first.target, case.part != first.part))
        yield [(case, first_view(case)) for case in (first, second)]


def first_view(case: Case) -> Image:
    """The first image of a case, cut out of its film where the data say so."""
    from hounsfield.datasets import load

    return load(next(iter(case.images.values())))


def command(arguments: argparse.Namespace) -> str:
    """The command that looks at the same again."""
    words = ["hounsfield", "inspect", str(arguments.data)]
    for name in ("root", "plan", "split"):
        if value := getattr(arguments, name):
            words += [f"--{name}", str(value)]
    if arguments.seed:
        words += ["--seed", str(arguments.seed)]
    return shlex.join([*words, "-o", str(arguments.output)])


def readable(cases: tuple[Case, ...], fingerprint: Fingerprint) -> list[Case]:
    """The cases that the fingerprint did not find unreadable."""
    broken = {case for case, _ in fingerprint.unreadable}
    return [case for case in cases if case.id not in broken]


def trace(case: Case, spec: Input) -> list[tuple[str, Image]]:
    """The image after every step of the plan."""
    from hounsfield.plan.network_input import trace_case

    return trace_case(case.image, spec)
