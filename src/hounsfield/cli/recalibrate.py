"""`hounsfield recalibrate`: a bundle's threshold and probabilities set on local cases."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.cli.runtimes import add_runtime, runtime_words

if TYPE_CHECKING:
    from hounsfield.learning.recalibration import Recalibrated

HELP = "a bundle's threshold and probabilities set on local cases"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a folder made by train")
    parser.add_argument("data", type=Path, metavar="DATA", help="50 to 200 labelled cases of the place it is for")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NEW", help="the new bundle's folder")
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument(
        "--threshold", metavar="RULE",
        help="from when on a case is positive: youden, sensitivity>=0.95, specificity>=0.9 … (default: the bundle's)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle that is at NEW already")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap (default: 0)")
    add_runtime(parser)
    parser.add_argument("--json", action="store_true", help="print evidence.json")


def run(arguments: argparse.Namespace) -> int:
    """0 when every case was read, 1 when some could not be.

    Raises:
        HounsfieldError: The bundle or the data cannot be used, the cases are too few, or the disk refused.
    """
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.train import require_place
    from hounsfield.cli.words import say_not_read
    from hounsfield.datasets import open_dataset
    from hounsfield.errors import UsageError
    from hounsfield.evaluation.threshold import require_rule
    from hounsfield.learning.recalibration import recalibrate, require_enough_cases
    from hounsfield.progress import say
    from hounsfield.reading.evaluate import as_asked, read_logits

    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    rule = require_rule(arguments.threshold) if arguments.threshold else None
    bundle = read_bundle(arguments.bundle)
    if bundle.plan.task in ("localization", "segmentation"):
        raise UsageError(
            f"{bundle.identity.name} is a {bundle.plan.task}: it has no threshold to be chosen anew; hounsfield "
            "evaluate says how well it does here"
        )
    require_place(arguments.output, overwrite=arguments.overwrite)
    dataset = open_dataset(arguments.data, root=arguments.root)
    for note in dataset.notes:
        say(f"note: {note}")
    asked = as_asked(bundle, dataset)
    if asked.classes == bundle.plan.classes:
        labelled = [case for case in asked.cases if case.target is not None]
        require_enough_cases(labelled, asked.classes, asked.name)
    answered = read_logits(bundle, dataset, runtime=arguments.runtime)
    say_not_read(answered.failures)
    made = recalibrate(
        bundle,
        answered.cases,
        answered.logits,
        arguments.output,
        name=dataset.name,
        rule=rule,
        seconds=answered.seconds,
        seed=arguments.seed,
        notes=answered.notes,
        found=answered.found,
    )
    add_reports(made, arguments)
    if arguments.json:
        print(json.dumps(made.after.as_json(), indent=2))
    else:
        print_both(made)
        print(f"bundle: {made.bundle.folder}\nreport: {made.bundle.folder / 'report.html'}")
    return 1 if answered.failures else 0


def add_reports(made: Recalibrated, arguments: argparse.Namespace) -> None:
    """Write evidence, card and report into the new bundle."""
    from hounsfield.bundle import add_file
    from hounsfield.evaluation.store import evidence_text
    from hounsfield.reporting.card import card_page, card_text, model_card
    from hounsfield.reporting.evidence_report import evidence_page

    add_file(made.bundle, "evidence.json", evidence_text(made.after.as_json()))
    card = model_card(made.bundle, made.after)
    add_file(made.bundle, "card.md", card_text(card))
    add_file(made.bundle, "card.html", card_page(card))
    add_file(made.bundle, "report.html", evidence_page(made.after, command=command(arguments)))


def print_both(made: Recalibrated) -> None:
    """The scores before and after on stdout, and what must be known of them on stderr."""
    from hounsfield.cli.words import print_detection, say_notes
    from hounsfield.reporting.score_words import label, ordered

    before, after = made.before, made.after
    print(f"{after.dataset}: {after.cases} cases of {after.patients} patients")
    print(f"{'score':<18}{'before':>7}{'after':>7}   95 % interval")
    for name in ordered(list(after.scores)):
        new = after.scores[name]
        old = f"{before.scores[name].value:>7.3f}" if name in before.scores else f"{'–':>7}"
        print(f"{label(name):<18}{old}{new.value:>7.3f}   {new.low:.3f} to {new.high:.3f}")
    if len(after.classes) == 2:
        print(f"threshold {before.threshold:.3f} before, {after.threshold:.3f} now: {after.threshold_from}")
    if after.detection is not None:
        print_detection(after.detection)
    say_notes(after)


def command(arguments: argparse.Namespace) -> str:
    """The command that does the same again."""
    words = ["hounsfield", "recalibrate", str(arguments.bundle), str(arguments.data), "-o", str(arguments.output)]
    for name in ("root", "threshold"):
        if getattr(arguments, name):
            words += [f"--{name}", str(getattr(arguments, name))]
    return shlex.join([*words, *runtime_words(arguments), "--seed", str(arguments.seed)])
