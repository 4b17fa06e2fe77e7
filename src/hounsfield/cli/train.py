"""`hounsfield train`: labelled images to a trained bundle."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hounsfield.bundle import Bundle
    from hounsfield.datasets.case import Dataset
    from hounsfield.evaluation.explanations import Explanations
    from hounsfield.learning.train import Trained
    from hounsfield.reporting.segmentation_part import OutlinedExample

HELP = "labelled images to a trained bundle"

EXPLAINED_CASES = 12
"""Validation cases that methods of explanation are tested on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="class folders, images and masks, DICOM studies, an npz file, or a TOML description",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument(
        "--task", choices=("classification", "detection", "localization", "segmentation"),
        default="classification",
        help="what is learned: a class for each case, where on it lesions are, where landmarks are, or what every "
        "voxel is (default: classification)",
    )  # fmt: skip
    parser.add_argument(
        "--network", default="auto", metavar="NAME",
        help="auto: a few are tried, and the validation cases decide; convnet, residual, slices; for lesions "
        "faster_rcnn, centres, and convnet: faster_rcnn on the maps of five layers; for landmarks heatmap, "
        "box_regression, policy; for outlines unet, and of volumes unet-2.5d and recurrent; timm's name of a "
        "pretrained network, with :probe behind it for its features alone; or a bundle to learn on from (default: "
        "auto)",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M", help="budget of the plan (default: 10)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of split and plan (default: 0)")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="follow this plan.toml instead of making one")
    parser.add_argument("--split", type=Path, metavar="FILE", help="use this split.json instead of making one")
    parser.add_argument(
        "--threshold", metavar="RULE",
        help="from when on a case is positive, chosen on the validation cases: youden, sensitivity>=0.95, "
        "specificity>=0.9 … (default: the plan's, youden)",
    )  # fmt: skip
    parser.add_argument(
        "--allow-leak", action="store_true",
        help="learn although cases held back are in what is learned from too; the bundle says so for ever",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace a finished bundle that is at BUNDLE already")
    parser.add_argument("--plan-only", action="store_true", help="print the plan on stdout, to be edited, and stop")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when the bundle was written, 1 when some cases had to be left out of it.

    Raises:
        HounsfieldError: The data, the plan or the split cannot be used, or the disk refused.
    """
    from hounsfield.cli.following import Following, print_plan
    from hounsfield.cli.words import audited, checked_dataset
    from hounsfield.datasets.split import read_split
    from hounsfield.errors import UsageError
    from hounsfield.evaluation.threshold import require_rule
    from hounsfield.learning.choosing import choose_plan_and_split, require_network
    from hounsfield.learning.train import train, with_threshold
    from hounsfield.plan import plan_to_text, read_plan

    if not 0 < arguments.minutes < float("inf"):
        raise UsageError(f"--minutes {arguments.minutes}: give a number above 0")
    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    if arguments.threshold:
        require_rule(arguments.threshold)
    require_network(arguments.network)
    if not arguments.plan_only:
        require_place(arguments.output, overwrite=arguments.overwrite)
    choices = {
        "minutes": arguments.minutes,
        "seed": arguments.seed,
        "network": arguments.network,
        "plan": read_plan(arguments.plan) if arguments.plan else None,
        "split": read_split(arguments.split) if arguments.split else None,
    }
    dataset, leaks = audited(
        checked_dataset(arguments.data, arguments.root, task=arguments.task),
        split=choices["split"],
        minutes=arguments.minutes,
        allow_leak=arguments.allow_leak,
    )
    if arguments.plan_only:
        plan, split = choose_plan_and_split(dataset, None, **choices)
        plan = with_threshold(plan, arguments.threshold)
        print_plan(plan, split)
        print(plan_to_text(plan), end="")
        return 0
    following = Following()
    try:
        trained = train(
            dataset,
            arguments.output,
            on_plan=following.on_plan,
            on_epoch=following.on_epoch,
            leaks=leaks,
            threshold=arguments.threshold,
            on_written=lambda trained: add_reports(trained, dataset, arguments),
            **choices,
        )
    finally:
        following.stop()
    return finish(trained, arguments)


def require_place(out: Path, *, overwrite: bool) -> None:
    """Accept a place for a bundle: nothing is there, a training that can go on, or a bundle that may be replaced.

    Raises:
        StorageError: Something else is there, or nothing may be written.
    """
    from hounsfield.bundle import require_room, unfinished_folder
    from hounsfield.cli.output import require_folder
    from hounsfield.errors import StorageError

    require_folder(out)
    require_room(out)
    finished = out.is_dir() and any(out.iterdir()) and not unfinished_folder(out).is_dir()
    if finished and not overwrite:
        raise StorageError(
            f"{out} is a finished bundle; choose another -o, or give --overwrite to replace it when the new one "
            "is whole"
        )


def add_reports(trained: Trained, dataset: Dataset, arguments: argparse.Namespace) -> None:
    """Measure on the validation cases, and write evidence, card and report into the bundle."""
    from hounsfield.bundle import EXPLANATIONS, add_file
    from hounsfield.cli.evaluate import found_examples, located_examples
    from hounsfield.cli.story import training_story
    from hounsfield.evaluation.store import evidence_text
    from hounsfield.learning.validation import validation_evidence
    from hounsfield.reporting.card import card_page, card_text, model_card
    from hounsfield.reporting.training_report import training_page

    evidence = validation_evidence(trained)
    bundle = trained.bundle
    explanations = None
    if bundle.plan.task == "classification":  # others show where they see what
        explanations = tried_explanations(bundle, replace(dataset, cases=trained.val_cases))
    if explanations:
        add_file(bundle, EXPLANATIONS, json.dumps(explanations.as_json(), indent=2) + "\n")
    add_file(bundle, "evidence.json", evidence_text(evidence.as_json()))
    card = model_card(bundle, evidence)
    add_file(bundle, "card.md", card_text(card))
    add_file(bundle, "card.html", card_page(card))
    story = training_story(trained, dataset, evidence, command(arguments), explanations)
    shown = {case.id: case for case in trained.val_cases}
    story = replace(
        story,
        found=tuple(found_examples(shown, evidence)),
        located=tuple(located_examples(bundle, shown, evidence, dataset=dataset.name)),
        outlined=outlined_validation(trained),
    )
    add_file(bundle, "report.html", training_page(story))


def outlined_validation(trained: Trained) -> tuple[OutlinedExample, ...]:
    """Validation images worth a look, with what was outlined on them; none where nothing was."""
    from hounsfield.datasets.load import load
    from hounsfield.datasets.segmentation import mask_of
    from hounsfield.plan.task import task_of
    from hounsfield.reporting.segmentation_part import OutlinedExample, choose_outlined
    from hounsfield.tasks.segmentation import Segmentation

    task = task_of(trained.bundle.plan)
    if not isinstance(task, Segmentation):
        return ()
    cases = {case.id: case for case in trained.val_cases}
    found = {one.result.case: one.outline for one in trained.val_outlined}
    return tuple(
        OutlinedExample(
            one, load(cases[one.case].image), found[one.case].unpacked(), task.truth(mask_of(cases[one.case]))
        )
        for one in choose_outlined([one.result for one in trained.val_outlined])
    )


def tried_explanations(bundle: Bundle, dataset: Dataset) -> Explanations | None:
    """The methods that are quick enough to be shown, tested on these cases; None where that is not possible."""
    from hounsfield.errors import HounsfieldError
    from hounsfield.progress import say
    from hounsfield.reading.explain.tested import QUICK_METHODS, try_explanations

    try:
        return try_explanations(bundle, dataset, cases=EXPLAINED_CASES, methods=QUICK_METHODS)
    except (HounsfieldError, OSError, MemoryError, RuntimeError) as error:  # the training is done, and is kept
        say(f"warning: explanations were not tested: {error}")
        return None


def finish(trained: Trained, arguments: argparse.Namespace) -> int:
    """Print what came out, and give the exit code."""
    from hounsfield.cli.words import print_scores, say_notes
    from hounsfield.evaluation.store import read_evidence
    from hounsfield.progress import say

    bundle = trained.bundle
    evidence = read_evidence(bundle.folder / "evidence.json")
    for case, reason in trained.left_out:
        say(f"warning: {case} was left out: {reason}")
    if arguments.json:
        print(json.dumps({"bundle": str(bundle.folder), "evidence": evidence.as_json()}, indent=2))
    else:
        print_scores(evidence)
        say_notes(evidence)
        print(f"bundle: {bundle.folder}\nreport: {bundle.folder / 'report.html'}")
    return 1 if trained.left_out else 0


def command(arguments: argparse.Namespace) -> str:
    """The command that does the same again."""
    words = ["hounsfield", "train", str(arguments.data), "-o", str(arguments.output)]
    words += ["--task", arguments.task] if getattr(arguments, "task", "") not in ("", "classification") else []
    words += ["--allow-leak"] if getattr(arguments, "allow_leak", False) else []
    for name in ("root", "plan", "split", "threshold"):
        value = getattr(arguments, name, None)
        if value:
            words += [f"--{name}", str(value)]
    if not getattr(arguments, "plan", None):
        words += ["--network", arguments.network, "--minutes", f"{arguments.minutes:g}"]
    return shlex.join([*words, "--seed", str(arguments.seed)])
