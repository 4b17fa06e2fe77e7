"""`make_plan`: every choice made from the data's fingerprint, the machine and the minutes, each with its reason."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import ValidationError

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.errors import PlanError
from hounsfield.plan.budget import Speed, images_learned
from hounsfield.plan.families import CONVNET, Family, Sides
from hounsfield.plan.fitting import Need, fitting
from hounsfield.plan.inputs import Kind, canvas_steps, film_steps, input_sides, kind_of, loses_colour, window_steps
from hounsfield.plan.lesions import Squares, lesions_and_images, squares_of
from hounsfield.plan.machine import Machine
from hounsfield.plan.network_choices import (
    FindingChoice,
    LandmarkChoice,
    MultipleInstanceChoice,
    Network,
    OutlineChoice,
)
from hounsfield.plan.reasons import FEW_CASES, reasons_for
from hounsfield.plan.schema import (
    Augmentation,
    Auxiliary,
    Column,
    Detection,
    Ensemble,
    Input,
    Localization,
    Optimisation,
    Plan,
    Segmentation,
    canvas_of,
)
from hounsfield.preprocessing.pipeline import step_words

Asked = Detection | Localization | Segmentation
"""What is to be found, located or outlined on images."""

_SIDED = re.compile(r"left|right|(^|[^a-z])([lr]|lh|rh)([^a-z]|$)")
_UNNAMED = re.compile(r"label \d+")

_TASKS: dict[type, Literal["classification", "detection", "localization", "segmentation"]] = {
    type(None): "classification",
    Detection: "detection",
    Localization: "localization",
    Segmentation: "segmentation",
}


def make_plan(
    fingerprint: Fingerprint,
    machine: Machine,
    *,
    modality: str,
    cropped: bool,
    rarest_patients: int,
    views: tuple[str, ...] = (),
    columns: tuple[Column, ...] = (),
    auxiliary: tuple[Column, ...] = (),
    asked: Asked | None = None,
    minutes: float,
    seed: int,
    speed: Speed,
    memory: Need,
    family: Family = CONVNET,
    folds: int | None = None,
) -> Plan:
    """A plan for the cases that were fingerprinted.

    Args:
        fingerprint: Of the cases to learn from and to validate on.
        machine: What this computer can do.
        modality: DICOM code of what most images are, "" when nobody knows.
        cropped: Whether a case is a square cut out of a larger image.
        views: Names of the images of a case, where it has several.
        columns: Of a table, that go into the network beside the images.
        auxiliary: Of a table, that are learned beside the class.
        asked: What is to be found or located, where something is.
        rarest_patients: Patients of the class that has fewest of them; there cannot be more folds.
        minutes: Time that training may take.
        seed: Of the weights, the folds and the augmentation.
        speed: Measures a candidate.
        memory: Counts the bytes that a candidate's training takes.
        family: Which kind of network, and how it is trained.
        folds: As many, whatever the minutes; chosen where not given.

    Raises:
        PlanError: The network is not for such data, or the memory that is free is too small for the smallest candidate.
    """
    kind = kind_of(fingerprint, modality=modality, cropped=cropped, filters=family.filters)
    draft = functools.partial(
        _draft,
        fingerprint,
        machine,
        kind,
        views=views,
        columns=columns,
        auxiliary=auxiliary,
        asked=asked,
        minutes=minutes,
        seed=seed,
        family=family,
    )
    drafts = _drafts(draft, family.sides(fingerprint, kind), fingerprint, family)
    drafts, by_memory = fitting(drafts, memory, free=machine.memory_bytes)
    wanted = _folds_wanted(fingerprint, rarest_patients) if folds is None else folds
    of_squares = kind_of(fingerprint, modality=modality, cropped=True, filters=family.filters)
    squares = Squares((), kind) if cropped or views else squares_of(fingerprint, family, of_squares)
    plan, per_second, why = lesions_and_images(
        drafts, squares, fingerprint, speed, minutes, wanted, family, fixed=folds is not None
    )
    if plan.input != drafts[0].input:  # the minutes ask for less than the memory allows
        by_memory.pop("input.shape", None)
    reasons = reasons_for(
        plan,
        fingerprint,
        machine,
        kind=kind,
        family=family,
        images=images_learned(plan, fingerprint),
        per_second=per_second,
        folds_wanted=wanted,
        by_memory=by_memory,
        drafted=drafts[0].augmentation,
    )
    return plan.model_copy(update={"reasons": reasons | why})


def input_of(dataset: Dataset, fingerprint: Fingerprint) -> Input:
    """How the images of a data set are prepared where nothing is said of time: at the largest size."""
    cropped = any(ref.crop is not None for case in dataset.cases for ref in case.images.values())
    kind = kind_of(fingerprint, modality=modality_of(dataset, fingerprint), cropped=cropped)
    return _input(fingerprint, kind, input_sides(fingerprint, kind)[0])


def modality_of(dataset: Dataset, fingerprint: Fingerprint) -> str:
    """DICOM code of what most images are: by their own word, else by the data set's; "" when nobody knows."""
    commonest = max(fingerprint.modalities, key=lambda code: fingerprint.modalities[code], default="")
    return commonest or dataset.modality


def _input(fingerprint: Fingerprint, kind: Kind, sides: tuple[int, ...], *, windows: bool = False) -> Input:
    """How images are prepared; of `windows` they keep their size, and get one spacing where they know theirs."""
    names = tuple(fingerprint.by_channel)
    channels = len(names) or (3 if fingerprint.colour and fingerprint.channels == 3 else 1)
    canvas = canvas_of(sides, kind.margin)
    if windows:
        steps = window_steps(kind, fingerprint)
        return Input(shape=sides, channels=channels, channel_names=names, windows=True, steps=steps)
    return Input(
        shape=sides,
        channels=channels,
        channel_names=names,
        margin=kind.margin,
        film_steps=film_steps(kind),
        steps=canvas_steps(kind, canvas, grey=loses_colour(channels, fingerprint)),
    )


def _drafts(
    draft: Callable[[Sides], Plan], shapes: Sequence[Sides], fingerprint: Fingerprint, family: Family
) -> list[Plan]:
    """A draft for each shape that the network can take.

    Raises:
        PlanError: There is none.
    """
    found: list[Plan] = []
    for sides in shapes:
        try:
            found.append(draft(sides))
        except ValidationError as error:
            cause = error.errors()[0]["msg"].removeprefix("Value error, ")
    if not found:
        raise PlanError(
            f"the network {family.name!r} is not for {fingerprint.dataset}, {_described(fingerprint)}: {cause}; ask "
            "for another one with --network"
        )
    return found


def _described(fingerprint: Fingerprint) -> str:
    median = fingerprint.shape_median[1:] if fingerprint.planar else fingerprint.shape_median
    kind = "flat images" if fingerprint.planar else "volumes"
    views = [view for view in fingerprint.views if len(fingerprint.views) > 1]
    several = f", with the views {', '.join(views)}," if views else ""
    return f"whose {kind}{several} are of {' × '.join(map(str, median))}"


def _draft(
    fingerprint: Fingerprint,
    machine: Machine,
    kind: Kind,
    sides: tuple[int, ...],
    *,
    views: tuple[str, ...],
    columns: tuple[Column, ...],
    auxiliary: tuple[Column, ...],
    asked: Asked | None,
    minutes: float,
    seed: int,
    family: Family,
) -> Plan:
    weights = () if asked else _class_weights(fingerprint.class_counts)
    flips = () if _tells_sides(asked) else kind.flip_axes(len(sides))
    return Plan(
        task=_TASKS[type(asked)],
        dataset=fingerprint.dataset,
        classes=fingerprint.classes,
        seed=seed,
        minutes=minutes,
        input=_input(fingerprint, kind, sides, windows=family.windows).model_copy(
            update={"views": views, "columns": () if asked else columns}
        ),
        network=_over_views(family.network(sides)) if views else family.network(sides),
        augmentation=Augmentation(
            **{
                "rotation_degrees": kind.rotation_degrees,
                "zoom": 0.2,
                "shift": 0.08,
                "flip_axes": flips,
                "gain": 0.2,
                "bias": 0.05,
                "stain": kind.stain,
                "mirrored_border": kind.rotation_degrees > 90 and kind.margin == 1.0,
                **family.augmentation,
            }
        ),
        optimisation=Optimisation(
            **{
                "class_weights": weights,
                "precision": "bf16-mixed" if machine.bf16 else "32-true",
                "channels_last": len(sides) == 2,
                "threads": machine.threads,
                **family.optimisation,
                **_batch(family, views),
            }
        ),
        auxiliary=Auxiliary(columns=() if family.once or asked else auxiliary),
        detection=asked if isinstance(asked, Detection) else Detection(),
        localization=asked if isinstance(asked, Localization) else Localization(),
        segmentation=_outlines(asked, windows=family.windows) if isinstance(asked, Segmentation) else Segmentation(),
        ensemble=Ensemble(flips=bool(flips) and not isinstance(asked, Segmentation)),
    )


def _tells_sides(asked: Asked | None) -> bool:
    """Whether left and right are told apart, so that a mirror image would be wrong: of landmarks, and of labels that
    are called after a side, or that nobody names."""
    if not isinstance(asked, Segmentation):
        return isinstance(asked, Localization)
    unnamed = len(asked.labels) > 1 and all(_UNNAMED.fullmatch(name) for name in asked.labels)
    return unnamed or any(_SIDED.search(name.lower()) for name in asked.labels)


def _outlines(asked: Segmentation, *, windows: bool) -> Segmentation:
    """With the loss of flat images that are seen whole: what is small on one counts as much as what is large."""
    return asked if windows else asked.model_copy(update={"dice": "image"})


def _over_views(network: Network) -> Network:
    """A network that looks at every image of a case with `network`."""
    return (
        network
        if isinstance(network, MultipleInstanceChoice | FindingChoice | LandmarkChoice | OutlineChoice)
        else MultipleInstanceChoice(over="views", encoder=network)
    )


def _batch(family: Family, views: tuple[str, ...]) -> dict[str, int]:
    """Fewer cases a step where each has several images."""
    if not views:
        return {}
    usual = family.optimisation.get("batch_size", Optimisation.model_fields["batch_size"].default)
    return {"batch_size": max(4, usual // len(views))}


def _class_weights(counts: tuple[int, ...]) -> tuple[float, ...]:
    """Weights that give every class the same say, where the commonest is more than 1.5 times the rarest."""
    if min(counts) == 0 or max(counts) <= 1.5 * min(counts):
        return ()
    return tuple(round(sum(counts) / (len(counts) * count), 4) for count in counts)


def _folds_wanted(fingerprint: Fingerprint, rarest_patients: int) -> int:
    """As many as pay, each with patients of every class."""
    if sum(fingerprint.class_counts) >= FEW_CASES or min(filter(None, fingerprint.class_counts)) < 10:
        return 1
    return next((folds for folds in (5, 3) if rarest_patients >= folds), 1)


def explain_plan(plan: Plan) -> list[tuple[str, str, str]]:
    """(choice, value, reason) of every choice that has a reason, in the order of the file."""
    rows: list[tuple[str, str, str]] = []
    data: dict[str, Any] = plan.model_dump(mode="json", exclude={"reasons"})
    for key, value in data.items():
        pairs = [(f"{key}.{name}", item) for name, item in value.items()] if isinstance(value, dict) else [(key, value)]
        rows += [(name, _shown(item), plan.reasons[name]) for name, item in pairs if name in plan.reasons]
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if "step" in value[0]:
            return " → ".join(map(step_words, value))
        return ", ".join(str(column["name"]) for column in value)
    if isinstance(value, dict):
        return str(value.get("name", value))
    if isinstance(value, list):
        return " × ".join(str(item) for item in value) if value else "none"
    return str(value)
