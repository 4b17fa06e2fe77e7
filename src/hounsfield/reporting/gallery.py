"""The gallery of an evidence: cases with film, heat, truth and answer."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.evidence import Evidence
from hounsfield.reporting import wording
from hounsfield.reporting.charts.bars import probability_bar
from hounsfield.reporting.examples import Example, called
from hounsfield.reporting.pictures import Picture, film_picture, heat_picture
from hounsfield.reporting.windowing import shown_slice


@dataclass(frozen=True)
class ExampleCard:
    """A case of the gallery."""

    case: str
    film: Picture
    heat: Picture | None
    truth: str
    called: str
    right: bool
    label: str
    probability: float
    bar: Markup


@dataclass(frozen=True)
class ImageCard:
    """An image of a gallery, with what was found, located or outlined drawn on it."""

    case: str
    film: Picture
    words: str


def example_card(example: Example, evidence: Evidence) -> ExampleCard:
    """The case as it is shown; of two classes the bar speaks of the positive one, of more of the one decided for."""
    result = example.result
    decided = called(result, evidence.threshold)
    binary = len(evidence.classes) == 2
    shown_class = 1 if binary else decided
    truth, label = evidence.classes[result.target], evidence.classes[shown_class]
    probability = result.probabilities[shown_class]
    slice_ = shown_slice(example.image, example.heat)
    film = film_picture(
        example.image, alt=f"Film of case {result.case}, {truth}", depth_index=slice_, boxes=example.boxes
    )
    heat = None
    if example.heat is not None:
        said = f"probability of {label} {wording.number(probability, 2)}"
        alt = f"The same film with the heat of the answer over it, {said}"
        heat = heat_picture(example.image, example.heat, alt=alt, depth_index=slice_, boxes=example.boxes)
    return ExampleCard(
        case=result.case,
        film=film,
        heat=heat,
        truth=truth,
        called=evidence.classes[decided],
        right=decided == result.target,
        label=label,
        probability=probability,
        bar=probability_bar(label, probability, evidence.threshold if binary else None),
    )
