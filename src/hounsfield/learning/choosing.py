"""What a training will follow: the split and the plan that are given, or new ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hounsfield.bundle import read_bundle
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.split import Split, check_split, make_split
from hounsfield.learning.candidates import AUTO, candidates_for, choose_family
from hounsfield.learning.memory_need import step_bytes
from hounsfield.learning.throughput import images_per_second
from hounsfield.plan import Plan, inspect_machine, make_plan, modality_of
from hounsfield.plan.columns import choose_columns
from hounsfield.plan.families import Family, family_like, family_of


def require_network(name: str) -> None:
    """Accept what `--network` says.

    Raises:
        UnknownNameError: There is no network of this name, or its weights are not at hand.
        BundleError: It names a folder that is no bundle.
    """
    if name != AUTO:
        _family(name)


def _family(name: str) -> Family:
    if Path(name).is_dir():
        return family_like(read_bundle(Path(name)).plan, str(Path(name).resolve()))
    return family_of(name)


def choose_plan_and_split(
    dataset: Dataset,
    folder: Path | None = None,
    *,
    minutes: float,
    seed: int,
    network: str = AUTO,
    plan: Plan | None = None,
    split: Split | None = None,
) -> tuple[Plan, Split]:
    """What `train` will follow: what is given, checked against the data, and the rest made anew.

    Args:
        dataset: The data.
        folder: Where candidates that are tried keep their inputs and results; nowhere for good when None.
        minutes: For trials and training.
        seed: Of split and plan.
        network: "auto" for trials, or as `family_of`, or a bundle's folder.
        plan: To be followed as it is.
        split: To be used as it is.

    Raises:
        DatasetError, SplitError: The data cannot be learned from, or do not fit the split.
        UnknownNameError, BundleError: As `require_network`.
        PlanError: The memory that is free is too small for any network.
    """
    split = split or make_split(dataset, seed=seed)
    check_split(dataset, split)
    if plan is not None:
        return plan, split
    if folder is not None:
        return _new_plan(dataset, split, folder, minutes=minutes, seed=seed, network=network), split
    with tempfile.TemporaryDirectory(prefix="hounsfield-") as temporary:
        return _new_plan(dataset, split, Path(temporary), minutes=minutes, seed=seed, network=network), split


def _new_plan(dataset: Dataset, split: Split, folder: Path, *, minutes: float, seed: int, network: str) -> Plan:
    cases = [case for part in ("train", "val") for case in split.select(dataset, part) if case.target is not None]
    fingerprint = make_fingerprint(dataset, [case.id for case in cases], seed=seed)
    machine = inspect_machine()
    columns = choose_columns(dataset.inputs, [case.columns for case in cases])

    def plan_for(family: Family, minutes: float, folds: int | None = 1) -> Plan:
        return make_plan(
            fingerprint,
            machine,
            views=() if len(dataset.views) == 1 else dataset.views,
            columns=columns,
            modality=modality_of(dataset, fingerprint),
            cropped=any(ref.crop is not None for case in cases for ref in case.images.values()),
            rarest_patients=_rarest_patients(cases),
            minutes=minutes,
            seed=seed,
            speed=images_per_second,
            memory=step_bytes,
            family=family,
            folds=folds,
        )

    candidates = candidates_for(fingerprint) if network == AUTO else (_family(network),)
    family, why, left = choose_family(dataset, cases, candidates, folder, minutes=minutes, seed=seed, plan_for=plan_for)
    plan = plan_for(family, left, None)
    return plan.model_copy(
        update={"minutes": minutes, "reasons": plan.reasons | ({"network.name": why} if why else {})}
    )


def _rarest_patients(cases: Sequence[Case]) -> int:
    """Patients of the class that has fewest of them."""
    patients: dict[int, set[str]] = {}
    for case in cases:
        if case.target is not None:
            patients.setdefault(case.target, set()).add(case.patient)
    return min(map(len, patients.values()), default=0)
