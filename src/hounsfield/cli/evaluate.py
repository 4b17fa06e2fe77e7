"""`hounsfield evaluate`: a bundle's scores on labelled images, with intervals."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.cli.runtimes import add_runtime, runtime_words

if TYPE_CHECKING:
    from hounsfield.bundle import Bundle
    from hounsfield.datasets.case import Case, Dataset
    from hounsfield.evaluation.evidence import Evidence
    from hounsfield.reporting.detection_part import FoundExample
    from hounsfield.reporting.examples import Example
    from hounsfield.reporting.localization_part import LocatedExample
    from hounsfield.reporting.segmentation_part import OutlinedExample

HELP = "a bundle's scores on labelled images, with intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder made by train")
    parser.add_argument("data", type=Path, metavar="DATA", help="class folders, an npz file, or a TOML description")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="folder for evidence.json and report.html")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument(
        "--cases", choices=("unseen", "val", "all"), default="unseen",
        help="unseen: patients the model was neither trained nor validated on; val: the validation cases alone, as "
        "the training measured them; all: every case (default: unseen)",
    )  # fmt: skip
    parser.add_argument(
        "--surface", choices=("elements", "edge voxels"),
        help="what surfaces of outlines are, where their distances are measured: polygons between voxels, weighted by "
        "their area, or voxels that have a neighbour outside (default: as the bundle's plan says)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap (default: 0)")
    add_runtime(parser)
    parser.add_argument("--json", action="store_true", help="print evidence.json")


def run(arguments: argparse.Namespace) -> int:
    """0 when every case was read, 1 when some could not be.

    Raises:
        HounsfieldError: The bundle or the data cannot be used, or no case is left to measure on.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.output import require_folder
    from hounsfield.cli.words import print_scores, say_not_read, say_notes
    from hounsfield.datasets import open_dataset
    from hounsfield.errors import UsageError
    from hounsfield.progress import say
    from hounsfield.reading.evaluate import evaluate

    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    if arguments.output:
        require_folder(arguments.output)
    bundle = read_bundle(arguments.bundle)
    dataset = open_dataset(arguments.data, root=arguments.root)
    for note in dataset.notes:
        say(f"note: {note}")
    measured = evaluate(
        bundle,
        dataset,
        which=arguments.cases,
        seed=arguments.seed,
        runtime=arguments.runtime,
        surface=arguments.surface,
    )
    say_not_read(measured.failures)
    evidence = measured.evidence
    if arguments.output:
        write_results(arguments, bundle, dataset, evidence)
    if arguments.json:
        print(json.dumps(evidence.as_json(), indent=2))
    else:
        print_scores(evidence)
        say_notes(evidence)
        if arguments.output:
            print(f"report: {arguments.output / 'report.html'}")
    return 1 if measured.failures else 0


def write_results(arguments: argparse.Namespace, bundle: Bundle, dataset: Dataset, evidence: Evidence) -> None:
    """Write evidence.json and report.html, both or neither."""
    from hounsfield.cli.output import filled_at_once
    from hounsfield.evaluation.store import write_evidence
    from hounsfield.reporting.evidence_report import write_evidence_page

    with filled_at_once(arguments.output) as folder:
        write_evidence(evidence, folder / "evidence.json")
        cases = {case.id: case for case in dataset.cases}
        found = found_examples(cases, evidence)
        located = located_examples(bundle, cases, evidence, dataset=dataset.name)
        outlined = outlined_examples(bundle, dataset, evidence)
        examples = gallery(bundle, dataset, evidence) if evidence.results and not found else []
        told = command(arguments)
        write_evidence_page(
            folder / "report.html",
            evidence,
            examples=examples,
            found=found,
            located=located,
            outlined=outlined,
            command=told,
        )


def found_examples(cases: Mapping[str, Case], evidence: Evidence) -> list[FoundExample]:
    """Images worth a look, of cases by their id, with what was found on them; none where nothing was looked for."""
    from hounsfield.datasets import load
    from hounsfield.reporting.detection_part import FoundExample, choose_found

    if evidence.detection is None:
        return []
    return [FoundExample(one, load(cases[one.case].image)) for one in choose_found(evidence.detection)]


def located_examples(
    bundle: Bundle, cases: Mapping[str, Case], evidence: Evidence, *, dataset: str
) -> list[LocatedExample]:
    """Images worth a look, with what was located on them and, of an agent, the ways it took; none where nothing was.

    Args:
        bundle: The model; of its networks the first walks that had not learned from the patient, else the first.
        cases: By their id.
        evidence: Of these cases.
        dataset: Name of the data that they are of.
    """
    from hounsfield.bundle import digest_of
    from hounsfield.reading.reader import Reader
    from hounsfield.reporting.localization_part import LocatedExample, choose_located

    if evidence.localization is None:
        return []
    reader = Reader(bundle, answer_all=True)
    examples = []
    for one in choose_located(evidence.localization):
        case = cases[one.case]
        stored = reader.load_case(case)
        member, *_ = *bundle.training.members_without(digest_of(case, dataset)), 0
        paths = reader.paths(reader.open_case(case, stored), member=member)
        examples.append(LocatedExample(one, stored, tuple(paths.values())))
    return examples


def outlined_examples(bundle: Bundle, dataset: Dataset, evidence: Evidence) -> list[OutlinedExample]:
    """Images worth a look, with what was outlined on them; none where nothing was."""
    from hounsfield.datasets.segmentation import mask_of
    from hounsfield.errors import StorageError
    from hounsfield.plan.task import task_of
    from hounsfield.progress import say
    from hounsfield.reading.evaluate import as_asked
    from hounsfield.reading.reader import Reader
    from hounsfield.reporting.segmentation_part import OutlinedExample, choose_outlined
    from hounsfield.tasks.segmentation import Segmentation

    task = task_of(bundle.plan)
    if evidence.segmentation is None or not isinstance(task, Segmentation):
        return []
    reader = Reader(bundle, answer_all=True)
    asked = as_asked(bundle, dataset)
    own = replace(task, numbers=tuple(asked.labels.values()), unlabelled=asked.unlabelled)
    cases = {case.id: case for case in asked.cases}
    examples = []
    for one in choose_outlined(evidence.segmentation.results):
        try:
            stored = reader.load_case(cases[one.case])
            found = reader.outline(reader.open_case(cases[one.case], stored))
        except (StorageError, MemoryError) as error:  # what was measured is worth more than its pictures
            say(f"warning: no picture of {one.case}: {error}")
            continue
        examples.append(OutlinedExample(one, stored, found, own.truth(mask_of(cases[one.case]))))
    return examples


def gallery(bundle: Bundle, dataset: Dataset, evidence: Evidence) -> list[Example]:
    """The worst mistakes and the best hits, read once more for their heat maps."""
    from hounsfield.reading.reader import Reader
    from hounsfield.reporting.examples import Example, choose_examples

    reader = Reader(bundle, answer_all=True)
    chosen = choose_examples(evidence)
    cases = {case.id: case for case in dataset.cases}
    examples = []
    for result in (*chosen.mistakes, *chosen.hits):
        case = cases[result.case]
        stored = reader.load_case(case)
        opened = reader.open_case(case, stored)
        (reading,) = reader.answer([opened])
        boxes = () if any(ref.crop for ref in case.images.values()) else case.boxes
        examples.append(Example(result=result, image=opened.under(reading) or stored, heat=reading.heat, boxes=boxes))
    return examples


def command(arguments: argparse.Namespace) -> str:
    """The command that measures the same again."""
    words = ["hounsfield", "evaluate", str(arguments.bundle), str(arguments.data)]
    if arguments.root:
        words += ["--root", str(arguments.root)]
    if arguments.cases != "unseen":
        words += ["--cases", arguments.cases]
    if arguments.seed:
        words += ["--seed", str(arguments.seed)]
    words += runtime_words(arguments)
    return shlex.join([*words, "-o", str(arguments.output)])
