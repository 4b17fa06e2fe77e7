"""Measuring a bundle on a data set: every case read once, scores with intervals."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import Bundle, digest_of, patient_digest
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.channels import all_with_channels, path_of
from hounsfield.datasets.detection import for_detection
from hounsfield.datasets.digest import case_digests
from hounsfield.datasets.load import check_box, check_point
from hounsfield.datasets.localization import for_localization
from hounsfield.datasets.segmentation import for_segmentation, mask_of
from hounsfield.datasets.split import read_split
from hounsfield.errors import DatasetError, HounsfieldError, ImageError
from hounsfield.evaluation.evidence import Evidence, ImageResult, LocatedImage, OutlinedImage
from hounsfield.evaluation.measure import Origin, measure, measure_outlines, measure_places
from hounsfield.evaluation.outlines import compare_outline
from hounsfield.evaluation.predictions import results_of
from hounsfield.evaluation.surface_distance import Surface
from hounsfield.plan import Input
from hounsfield.plan.choices import note_on_choices
from hounsfield.plan.columns import unknown_columns
from hounsfield.plan.network_input import require_views
from hounsfield.plan.task import task_of
from hounsfield.progress import track
from hounsfield.reading.ahead import ahead
from hounsfield.reading.batch import TOGETHER, Failure, calibrate, items_of_cases, reason_of
from hounsfield.reading.opened import Opened
from hounsfield.reading.reader import Reader
from hounsfield.reading.runtime import RuntimeName
from hounsfield.reading.runtimes.int8 import CALIBRATION_IMAGES
from hounsfield.tasks.detection import detected
from hounsfield.tasks.localization import Localization

Which = Literal["unseen", "val", "all"]


@dataclass(frozen=True)
class Measured:
    """Evidence, and what could not be measured."""

    evidence: Evidence
    failures: tuple[Failure, ...]


@dataclass(frozen=True, eq=False)
class Answered:
    """Cases, and what the networks say of them."""

    cases: tuple[Case, ...]
    logits: FloatArray
    """(n, outputs), averaged over members and mirrored copies, before calibration."""
    split: str
    """What the cases are with respect to the training."""
    notes: tuple[str, ...]
    failures: tuple[Failure, ...]
    seconds: float
    found: tuple[ImageResult, ...] = ()
    """On each, with the scores that the networks gave; empty where nothing is looked for."""
    located: tuple[LocatedImage, ...] = ()
    """On each, with calibrated radii; empty where nothing is located."""
    outlined: tuple[OutlinedImage, ...] = ()
    """How well the labels of each were outlined; empty where none are."""


@dataclass(eq=False)
class Places:
    """What was found, located and outlined on images, one by one."""

    found: list[ImageResult] = field(default_factory=list)
    located: list[LocatedImage] = field(default_factory=list)
    outlined: list[OutlinedImage] = field(default_factory=list)
    numbers: tuple[tuple[int, ...], ...] = ()
    """That the labels have on the data's masks, which may differ from those that were learned."""
    unlabelled: int = 0
    surface: Surface | None = None
    """As the plan says where it is None."""


def evaluate(
    bundle: Bundle,
    dataset: Dataset,
    *,
    which: Which = "unseen",
    seed: int = 0,
    resamples: int = 2000,
    runtime: RuntimeName = "auto",
    surface: Surface | None = None,
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
        runtime: What the networks are computed with, see `reading.runtime`. With "openvino-int8" a note says what the
            8 bits cost on the same cases.
        surface: What surfaces of outlines are; as the bundle's plan says where not given.

    Raises:
        MissingExtraError: The runtime that was asked for is not installed.
        DatasetError: The classes differ, the data have none of the model's views or lack a channel, the cases are whole
            images and the model reads lesions or the reverse, no case is left to measure on, or none can be read.
    """
    answered = read_logits(bundle, dataset, which=which, runtime=runtime, surface=surface)
    plan, point = bundle.plan, bundle.operating
    origin = Origin(
        dataset=dataset.name,
        split=answered.split,
        classes=plan.classes,
        attributes={case.id: case.grouping() for case in answered.cases},
        model=bundle.identity,
        seconds=answered.seconds,
        resamples=resamples,
        seed=seed,
        notes=answered.notes,
    )
    if point.landmarks is not None:
        landmarks, promised = plan.localization.landmarks, point.landmarks.coverage
        located = measure_places(answered.located, origin, landmarks=landmarks, promised=promised)
        return Measured(located, answered.failures)
    if plan.task == "segmentation":
        asked = plan.segmentation
        outlined = measure_outlines(
            answered.outlined, origin, labels=asked.labels, tolerance=asked.tolerance, surface=surface or asked.surface
        )
        return Measured(outlined, answered.failures)
    probabilities = task_of(plan).decode(point.apply(answered.logits))
    evidence = measure(
        results_of(answered.cases, probabilities),
        origin,
        task=plan.task,
        threshold=point.threshold,
        threshold_from=point.threshold_from,
        held=point.sets(probabilities),
    )
    if point.findings is not None:
        evidence = point.findings.measured(evidence, plan, answered.cases, answered.found, seed=seed)
    return Measured(evidence, answered.failures)


def as_asked(bundle: Bundle, dataset: Dataset) -> Dataset:
    """The data set as the bundle's task sees it, with the channels that the bundle looks at alone.

    Raises:
        DatasetError: It has not what is to be found or located, or lacks a channel.
    """
    plan = bundle.plan
    dataset = all_with_channels(dataset, plan.input.channel_names)
    if plan.task == "localization" and not dataset.landmarks:
        return for_localization(dataset, landmarks=plan.localization.landmarks)
    if plan.task == "segmentation" and not dataset.labels:
        return for_segmentation(dataset, labels=plan.segmentation.by_name, unlabelled=plan.segmentation.unlabelled)
    if plan.task != "detection" or dataset.kinds:
        return dataset
    finds = plan.detection
    return for_detection(dataset, kinds=finds.kinds, classes=plan.classes, positive=finds.positive)


def read_logits(
    bundle: Bundle,
    dataset: Dataset,
    *,
    which: Which = "unseen",
    runtime: RuntimeName = "auto",
    surface: Surface | None = None,
) -> Answered:
    """What a bundle's networks say of the labelled cases of a data set, before calibration.

    Args and errors are those of `evaluate`.
    """
    began = time.perf_counter()
    known = dataset.notes
    dataset = as_asked(bundle, dataset)
    left_out = [note for note in dataset.notes if note not in known]
    if dataset.classes != bundle.plan.classes:
        own = f"the classes {', '.join(dataset.classes)}" if dataset.classes else "no classes"
        raise DatasetError(
            f"{dataset.name} has {own}; the model {bundle.identity.name} answers "
            f"{', '.join(bundle.plan.classes)}: use data, or a description of it, with the same classes in this order"
        )
    require_views(dataset.views, bundle.plan.input, of=dataset.name)
    labelled = [case for case in dataset.cases if case.target is not None]
    cases, split, notes = _choose(labelled, bundle, dataset, which)
    notes += [f"{note[0].upper()}{note[1:]}." for note in left_out]
    reader = Reader(bundle, runtime=runtime, images=len(cases), answer_all=True)
    _require_same_kind(cases, reader, dataset.name)
    unlike: list[str] = []
    places = Places(numbers=tuple(dataset.labels.values()), unlabelled=dataset.unlabelled, surface=surface)
    logits, exact, read, failures = _read(reader, cases, dataset.name, unlike, places)
    if failures:
        notes.append(f"{len(failures)} of {len(cases)} cases could not be read or answered and are not in the figures.")
    if not read:
        raise DatasetError(
            f"none of the {len(cases)} cases of {dataset.name} could be read; the first: {failures[0].reason}"
        )
    notes += _of_inputs(read, bundle.plan.input)
    if unlike:
        notes.append(
            f"{len(unlike)} of {len(read)} cases are unlike those the model learned from, inverted or turned: reading "
            "would give no answer, and here they count."
        )
    notes += _of_runtime(reader, logits, exact, np.array([case.target for case in read]))
    seconds = time.perf_counter() - began
    found, located, outlined = tuple(places.found), tuple(places.located), tuple(places.outlined)
    return Answered(tuple(read), logits, split, tuple(notes), tuple(failures), seconds, found, located, outlined)


def _choose(cases: Sequence[Case], bundle: Bundle, dataset: Dataset, which: Which) -> tuple[list[Case], str, list[str]]:
    """The cases to measure on, what they are with respect to the training, and what a reader must know."""
    fresh = _unseen(cases, bundle, dataset)
    left_out = len(cases) - len(fresh)
    same_data = dataset.name == bundle.training.dataset
    if not cases:
        raise DatasetError(f"{dataset.name} has no labelled case to measure on")
    if which == "val":
        return _validation(cases, bundle, dataset)
    if which == "all":
        notes = [f"{left_out} of {len(cases)} cases are of patients the model was trained or validated on."]
        return list(cases), "all", notes if left_out else []
    if not fresh:
        raise DatasetError(
            f"the model was trained or validated on every patient of {dataset.name}: its validation figures are in "
            f"{bundle.folder / 'evidence.json'}; measure on other data (--root, for a description), or give --cases "
            "all and get figures that are too good. If these are other people with the same ids, give the data "
            "another name in their description"
        )
    notes = []
    if left_out:
        notes.append(f"{_counted(left_out)} of patients the model was trained or validated on left out.")
    if not same_data and dataset.patients_known:
        notes += _same_ids(cases, bundle)
    return fresh, "test" if same_data else "external", notes


def _unseen(cases: Sequence[Case], bundle: Bundle, dataset: Dataset) -> list[Case]:
    """Cases of patients that the model has not seen: not by their id, nor by any of their images under another name."""
    seen, images = set(bundle.training.seen_patients), set(bundle.training.seen_images)
    known = {
        case.patient
        for case, digests in zip(cases, case_digests(cases) if images else [frozenset()] * len(cases), strict=True)
        if digest_of(case, dataset.name) in seen or digests & images
    }
    return [case for case in cases if case.patient not in known]


def _same_ids(cases: Sequence[Case], bundle: Bundle) -> list[str]:
    """A warning when data of another name hold patients that the training data have too."""
    name, seen = bundle.training.dataset, set(bundle.training.seen_patients)
    shared = sum(patient_digest(name, case.patient) in seen for case in cases)
    if not shared:
        return []
    return [
        f"{_counted(shared)} with patient ids that {name} has too: if they are the same people, the figures are too "
        "good."
    ]


def _counted(cases: int) -> str:
    return f"{cases} case{'' if cases == 1 else 's'}"


def _require_same_kind(cases: Sequence[Case], reader: Reader, name: str) -> None:
    cut = [any(ref.crop is not None for ref in case.images.values()) for case in cases]
    if reader.of_lesions and not all(cut):
        raise DatasetError(
            f"the model reads squares cut around lesions, and the cases of {name} are whole images, for which its "
            "threshold says nothing; measure it on data with boxes and [crop] in their description"
        )
    if not reader.of_lesions and any(cut):
        raise DatasetError(
            f"the model reads whole images, and the cases of {name} are cut out around boxes; measure it on a "
            "description without [crop]"
        )


def _validation(cases: Sequence[Case], bundle: Bundle, dataset: Dataset) -> tuple[list[Case], str, list[str]]:
    if bundle.plan.ensemble.folds > 1:
        raise DatasetError(
            "every training and validation case was validated by one of the networks and learned from by the others; "
            f"the validation figures are in {bundle.folder / 'evidence.json'}, and cannot be measured by the ensemble"
        )
    split = read_split(bundle.folder / "split.json")
    chosen = [case for case in cases if split.parts.get(case.id) == "val"] if split.dataset == dataset.name else []
    if not chosen:
        raise DatasetError(
            f"{dataset.name} holds no case of the validation part of {split.dataset}; measure on the data the model "
            "was trained on, or leave out --cases val"
        )
    note = note_on_choices(bundle.plan)
    return chosen, "val", [note] if note else []


def _read(
    reader: Reader, cases: Sequence[Case], name: str, unlike: list[str], places: Places
) -> tuple[FloatArray, FloatArray | None, list[Case], list[Failure]]:
    """Logits, those of torch beside int8, the cases that could be read and what happened to the others.

    Cases on which a reading would give no answer are added to `unlike`, and what was found or located to `places`.
    """
    exact = None
    if reader.wanted == "openvino-int8":
        calibrate(reader, items_of_cases(cases))
        exact = Reader(reader.bundle, runtime="torch")
    empty: FloatArray = np.zeros((0, task_of(reader.bundle.plan).outputs), np.float32)
    logits, expected = [empty], [empty]
    read: list[Case] = []
    failures: list[Failure] = []
    for shown, waiting in _batches(reader, track(cases, f"reading {name}"), failures):
        opened = reader.through_gate(waiting)
        unlike += [case.id for case, one in zip(shown, opened, strict=True) if one.reading.quality.unlike]
        if reader.bundle.plan.task == "segmentation":
            for case, one in zip(shown, opened, strict=True):
                try:
                    places.outlined.append(_compared(reader, case, one, places))
                except (HounsfieldError, OSError, MemoryError) as error:
                    failures.append(_failed(case, error))
                else:
                    read.append(case)
                    logits.append(np.zeros((1, empty.shape[1]), np.float32))
            continue
        read += shown
        arrays = np.stack([one.array for one in opened if one.array is not None])
        said = reader.said(arrays)
        logits.append(np.stack([one.logits for one in said]))
        for case, one, seen in zip(shown, opened, said, strict=True):
            if seen.found is not None and one.onto is not None:
                own_found = detected(seen.found, one.onto, one.shape)
                places.found.append(ImageResult(case.id, case.unit, case.boxes, own_found, one.spacing_mm))
            if reader.bundle.operating.landmarks is not None:
                own = reader.located(one, seen)
                places.located.append(replace(own, case=case.id, patient=case.unit, truths=case.points))
        if exact is not None:
            expected.append(np.stack([one.logits for one in exact.said(arrays)]))
    return np.concatenate(logits), np.concatenate(expected) if exact is not None else None, read, failures


def _compared(reader: Reader, case: Case, opened: Opened, places: Places) -> OutlinedImage:
    """How well the labels of a case were outlined."""
    return compare_outline(
        reader.outline(opened),
        mask_of(case),
        places.numbers,
        opened.spacing_mm,
        tolerance=reader.bundle.plan.segmentation.tolerance,
        surface=places.surface or reader.bundle.plan.segmentation.surface,
        unlabelled=places.unlabelled,
        case=case.id,
        patient=case.unit,
    )


def _failed(case: Case, error: HounsfieldError | OSError | MemoryError) -> Failure:
    return Failure(case.id, reason_of(error, str(path_of(next(iter(case.images.values()))))))


def _batches(
    reader: Reader, cases: Iterable[Case], failures: list[Failure]
) -> Iterator[tuple[list[Case], list[Opened]]]:
    """Cases that are shown to the networks together, with what is shown of them; others are added to `failures`."""
    size = 1 if reader.bundle.plan.dims == 3 else TOGETHER
    batch: list[tuple[Case, Opened]] = []
    for case, future in ahead(lambda case: _network_input(reader, case), cases, count=2 * size):
        try:
            batch.append((case, future.result()))
        except (HounsfieldError, OSError, MemoryError) as error:
            failures.append(_failed(case, error))
        if len(batch) == size:
            yield [case for case, _ in batch], [opened for _, opened in batch]
            batch = []
    if batch:
        yield [case for case, _ in batch], [opened for _, opened in batch]


def _of_inputs(cases: Sequence[Case], spec: Input) -> list[str]:
    """Which views and columns of the model the cases lack."""
    lacking = Counter(f"the view {name}" for case in cases for name in spec.views if name not in case.images)
    for case in cases:
        lacking.update(f"the column {name}" for name in unknown_columns(case.columns, spec.columns))
    return [f"{count} of {len(cases)} cases are without {what}." for what, count in lacking.items()]


def _of_runtime(reader: Reader, logits: FloatArray, exact: FloatArray | None, targets: IntArray) -> list[str]:
    """What a reader of the figures must know about how the networks were computed."""
    if reader.runtime == "torch":
        return []
    if exact is None:
        return [f"The networks were computed by {reader.runtime}, which agreed with torch on the first cases."]
    task = task_of(reader.bundle.plan)
    if isinstance(task, Localization):
        apart = float(np.abs(reader.calibrated(logits) - reader.calibrated(exact)).max())
        return [
            f"The networks were computed by {reader.runtime}: places differ from those by float32 by up to {apart:.3f} "
            f"of the image's sides. The 8 bits were fitted to at most {CALIBRATION_IMAGES} of these images."
        ]
    area, area_exact = (task.validation_score(reader.bundle.operating.apply(each), targets) for each in (logits, exact))
    apart = float(np.abs(reader.calibrated(logits) - reader.calibrated(exact)).max())
    return [
        f"The networks were computed by {reader.runtime}: AUC {area:.4f}, and {area_exact:.4f} by float32 on the same "
        f"{len(targets)} cases; probabilities differ by up to {apart:.3f}. The 8 bits were fitted to at most "
        f"{CALIBRATION_IMAGES} of these images, without their labels."
    ]


def _network_input(reader: Reader, case: Case) -> Opened:
    """A case on its way to the networks, without the images that are not needed any more.

    Raises:
        ImageError: The reader would give no answer on it.
        HounsfieldError: It cannot be read.
    """
    stored = reader.load_case(case)
    for box in case.boxes if reader.bundle.plan.task == "detection" else ():
        check_box(box, stored.shape, where=str(case.image.path))
    for point in case.points if reader.bundle.plan.task == "localization" else ():
        check_point(point, stored.shape, where=str(case.image.path))
    opened = reader.open_case(case, stored)
    if opened.array is None:
        raise ImageError(f"{opened.reading.path}: no answer: {opened.reading.abstained}")
    return replace(opened, stored=None, prepared=None, views={})
