"""What a card answers of a localization where it differs from a model of classes."""

from __future__ import annotations

from hounsfield.bundle import Bundle
from hounsfield.evaluation.evidence import Evidence, LocalizationEvidence, Score
from hounsfield.reporting import wording
from hounsfield.reporting.score_table import verdict

_DRAWN = {"policy": ", and the way that the agent took to each", "heatmap": ", over the heat that they are read from"}
"""What `read` draws beside landmarks, by the network."""


def landmark_answers(bundle: Bundle, evidence: Evidence) -> dict[str, str]:
    """Items of the guidelines by their key; none of other tasks."""
    found, point = evidence.localization, bundle.operating.landmarks
    if found is None or point is None:
        return {}
    plan, training = bundle.plan, bundle.training
    names = ", ".join(plan.localization.landmarks)
    radius = (
        f"the radius within which {wording.percent(point.coverage)} of such landmarks lie, chosen on {point.chosen_on}"
        if point.coverage
        else "no radius, for too few images were there to promise one"
    )
    return {
        "summary": f"To locate {names}, {wording.plural(training.members, 'network')} learned from {training.cases} "
        f"cases of {training.patients} patients of {training.dataset}. {verdict(evidence)}",
        "technology": f"Deep learning: {wording.plural(training.members, 'network')} ({way_of(bundle)}) for "
        "localization.",
        "model": f"{way_of(bundle)}, input {' × '.join(map(str, plan.input.shape))}; every layer is in "
        "weights.safetensors.",
        "numbers": f"{training.cases} cases of {training.patients} patients trained and validated on; measured on "
        f"{evidence.cases} of {evidence.patients}.",
        "patients": "The data name no characteristics but those of the subgroups."
        if found.subgroups
        else "The data name no characteristics.",
        "classes": f"Landmarks: {names}.",
        "imbalance": "Of images as a whole nothing is asked.",
        "predictions": f"For each landmark its place in pixels of the image as stored, and {radius}.",
        "explanations": f"The landmarks are drawn on the image{_DRAWN.get(plan.network.name, '')}.",
        "measures": "Distance between truth and answer: median, mean and 90th percentile, and the share within 2, 3, "
        f"4, 6 and 10 {found.unit}.",
        "performance": "; ".join(f"{name} {_with_interval(score)}" for name, score in landmark_scores(found).items())
        + ".",
        "accuracy": verdict(evidence),
        "failures": "The images with the largest errors are shown in the report of `hounsfield evaluate`.",
        "updating": "None so far.",
    }


def way_of(bundle: Bundle) -> str:
    """How landmarks are located, and on the maps of which network."""
    network = bundle.plan.network
    words = {"heatmap": "heat maps", "box_regression": "box regression", "policy": "a walking agent"}[network.name]
    encoder = getattr(network, "encoder", None)
    return words if encoder is None else f"{words} on maps of {getattr(encoder, 'backbone', encoder.name)}"


def landmark_scores(found: LocalizationEvidence) -> dict[str, Score]:
    """The scores of a card's table by name."""
    scores: dict[str, Score] = {}
    for one in found.landmarks:
        scores[f"{one.name}: median error ({found.unit})"] = one.scores["median"]
        scores[f"{one.name}: within 4 {found.unit}"] = one.scores["within_4"]
    return scores


def _with_interval(score: Score) -> str:
    return f"{wording.number(score.value, 2)} ({wording.interval(score, 2)})"
