"""Measuring a bundle on a data set: every case read once, scores with intervals."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle, patient_digest
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.split import read_split
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.evaluation.evidence import CaseResult, Evidence
from hounsfield.evaluation.measure import measure
from hounsfield.plan.network_input import network_array, prepare_case
from hounsfield.progress import track
from hounsfield.reading.batch import Failure
from hounsfield.reading.reader import Reader

_BATCH = 32

Which = Literal["unseen", "val", "all"]


@dataclass(frozen=True)
class Measured:
    """Evidence, and what could not be measured."""

    evidence: Evidence
    failures: tuple[Failure, ...]


def evaluate(
    bundle: Bundle, dataset: Dataset, *, which: Which = "unseen", seed: int = 0, resamples: int = 2000
) -> Measured:
    """Scores of a bundle on the labelled cases of a data set.

    Args:
        bundle: The model.
        dataset: Its classes must be the bundle's.
        which: "unseen": only cases of patients that the model was neither trained nor validated on; "val": only
            the validation part of the bundle's split, which a single network was validated on; "all": every case.
            The evidence says which.
        seed: Of the bootstrap.
        resamples: Bootstrap draws.

    Raises:
        DatasetError: The classes differ, or no case is left to measure on.
    """
    began = time.perf_counter()
    if dataset.classes != bundle.plan.classes:
        raise DatasetError(
            f"{dataset.name} has the classes {', '.join(dataset.classes)}; the model {bundle.identity.name} answers "
            f"{', '.join(bundle.plan.classes)}: use data, or a description of it, with the same classes in this order"
        )
    labelled = [case for case in dataset.cases if case.target is not None]
    cases, split, notes = _choose(labelled, bundle, dataset, which)
    reader = Reader(bundle)
    logits, read, failures = _read(reader, cases, dataset.name)
    if failures:
        notes.append(f"{len(failures)} of {len(cases)} cases could not be read and are not in the figures")
    if not read:
        raise DatasetError(f"none of the {len(cases)} cases of {dataset.name} could be read; {failures[0].reason}")
    probabilities = reader.calibrated(logits)
    results = [
        CaseResult(case.id, case.patient, int(case.target or 0), tuple(float(p) for p in row))
        for case, row in zip(read, probabilities, strict=True)
    ]
    evidence = measure(
        results,
        task=bundle.plan.task,
        dataset=dataset.name,
        split=split,
        classes=bundle.plan.classes,
        threshold=bundle.operating.threshold,
        threshold_from=bundle.operating.threshold_from,
        attributes={case.id: case.grouping() for case in read},
        model=bundle.identity,
        seconds=time.perf_counter() - began,
        resamples=resamples,
        seed=seed,
        notes=tuple(notes),
    )
    return Measured(evidence, tuple(failures))


def _choose(cases: Sequence[Case], bundle: Bundle, dataset: Dataset, which: Which) -> tuple[list[Case], str, list[str]]:
    """The cases to measure on, what they are with respect to the training, and what a reader must know."""
    seen = set(bundle.training.seen_patients)
    fresh = [case for case in cases if patient_digest(dataset.name, case.patient) not in seen]
    left_out = len(cases) - len(fresh)
    same_data = dataset.name == bundle.training.dataset
    if not cases:
        raise DatasetError(f"{dataset.name} has no labelled case to measure on")
    if which == "val":
        return _validation(cases, bundle, dataset)
    if which == "all":
        notes = [f"{left_out} of {len(cases)} cases are of patients the model was trained or validated on"]
        return list(cases), "all", notes if left_out else []
    if not fresh:
        raise DatasetError(
            f"the model has seen every patient of {dataset.name}; measure on other data (--root points the same "
            "description at another folder), or give --cases all and get figures that are too good"
        )
    notes = []
    if left_out:
        notes.append(f"{left_out} cases of patients the model was trained or validated on were left out")
    return fresh, "test" if same_data else "external", notes


def _validation(cases: Sequence[Case], bundle: Bundle, dataset: Dataset) -> tuple[list[Case], str, list[str]]:
    if bundle.plan.ensemble.folds > 1:
        raise DatasetError(
            "every training and validation case was validated by one of the networks and learned from by the others; "
            f"the validation figures are in {bundle.folder / 'evidence.json'}, and cannot be measured by the ensemble"
        )
    split = read_split(bundle.folder / "split.json")
    chosen = [case for case in cases if split.parts.get(case.id) == "val"] if split.dataset == dataset.name else []
    if not chosen:
        raise DatasetError(f"{dataset.name} holds no case of the validation part of {split.dataset}")
    return chosen, "val", ["Threshold and best epoch were chosen on these cases: expect a little less on new ones."]


def _read(reader: Reader, cases: Sequence[Case], name: str) -> tuple[FloatArray, list[Case], list[Failure]]:
    spec = reader.bundle.plan.input

    def ready(case: Case) -> FloatArray | HounsfieldError:
        (ref,) = case.images.values()
        try:
            return network_array(prepare_case(ref, spec), spec)
        except HounsfieldError as error:
            return error

    found: list[FloatArray] = []
    read: list[Case] = []
    failures: list[Failure] = []
    batches = [cases[start : start + _BATCH] for start in range(0, len(cases), _BATCH)]
    with ThreadPoolExecutor(2) as pool:
        for batch in track(batches, f"reading {name}"):
            arrays = []
            for case, result in zip(batch, pool.map(ready, batch), strict=True):
                if isinstance(result, HounsfieldError):
                    failures.append(Failure(case.id, str(result)))
                else:
                    arrays.append(result)
                    read.append(case)
            if arrays:
                found.append(reader.logits(np.stack(arrays)))
    return (np.concatenate(found) if found else np.zeros((0, len(reader.bundle.plan.classes)))), read, failures
