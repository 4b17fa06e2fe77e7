"""`hounsfield seeds`: several trainings of one recipe as one result."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.cli.runtimes import add_runtime

if TYPE_CHECKING:
    from hounsfield.evaluation.seeds import OverSeeds, Seeds

HELP = "several trainings of one recipe as one result"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="two or more, of different seeds")
    parser.add_argument(
        "--data", type=Path, metavar="DATA",
        help="cases to read with all of them; without, the validation figures in the bundles are put together",
    )  # fmt: skip
    parser.add_argument("--root", type=Path, metavar="DIR", help="where the data of a description lie")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draws (default: 0)")
    add_runtime(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 when all cases were read, 1 when some could not be.

    Raises:
        HounsfieldError: A bundle or the data cannot be used, or they have no case in common.
    """
    from dataclasses import asdict

    from hounsfield.cli.compare import evidence_of, require_comparable
    from hounsfield.errors import UsageError
    from hounsfield.evaluation.seeds import FEWEST, over_seeds

    if arguments.seed < 0:
        raise UsageError(f"--seed {arguments.seed}: give a whole number, 0 or more")
    if len(arguments.bundles) < FEWEST:
        raise UsageError(f"give {FEWEST} bundles or more, trained with different --seed")
    require_comparable(arguments.bundles)
    found = [evidence_of(folder, arguments) for folder in arguments.bundles]
    seeds = over_seeds([evidence for evidence, _ in found], seed=arguments.seed)
    if arguments.json:
        print(json.dumps(asdict(seeds), indent=2))
    else:
        print_seeds(seeds)
    return int(any(failed for _, failed in found))


def print_seeds(seeds: Seeds) -> None:
    """A line for each score on stdout, and what must be known of them on stderr."""
    from hounsfield.evaluation.paired import SHARES
    from hounsfield.progress import say
    from hounsfield.reporting.score_words import label, ordered

    within = f"; distances in {seeds.unit}" if seeds.unit else ""
    print(
        f"{', '.join(seeds.models)}: {seeds.cases} cases of {seeds.patients} patients of {seeds.dataset}, {seeds.split}"
        f"{within}"
    )
    head = f"{'mean':>7}{'± seeds':>9}   {'95 % interval':<17}{'lowest':>8}{'highest':>8}"
    if seeds.scores:
        print(f"{'score':<18}{head}{'together':>10}")
    for name in ordered(list(seeds.scores)):
        print(f"{label(name):<18}{figures(seeds.scores[name], 3)}{seeds.together[name]:>10.3f}")
    if seeds.named:
        print(f"{'':<18}{'score':<18}{head}{'images':>8}")
    for name, scores in seeds.named.items():
        for score, one in scores.items():
            print(f"{name[:17]:<18}{label(score):<18}{figures(one, 3 if score in SHARES else 2)}{one.cases:>8}")
    for note in seeds.notes:
        say(f"note: {note}")


def figures(one: OverSeeds, digits: int) -> str:
    """Mean, spread, interval, lowest and highest of a score, as cells of a line."""
    interval = f"{one.mean.low:.{digits}f} to {one.mean.high:.{digits}f}"
    return (
        f"{one.mean.value:>7.{digits}f}{one.spread:>9.{digits}f}   {interval:<17}{min(one.values):>8.{digits}f}"
        f"{max(one.values):>8.{digits}f}"
    )
