"""What a card answers of a segmentation where it differs from a model of classes."""

from __future__ import annotations

from hounsfield.bundle import Bundle
from hounsfield.evaluation.evidence import Evidence, Score, SegmentationEvidence
from hounsfield.reporting import wording
from hounsfield.reporting.score_table import verdict
from hounsfield.reporting.segmentation_part import SURFACES, columns_of, shown_labels, words_of


def label_answers(bundle: Bundle, evidence: Evidence) -> dict[str, str]:
    """Items of the guidelines by their key; none of other tasks."""
    found = evidence.segmentation
    if found is None:
        return {}
    plan, training = bundle.plan, bundle.training
    names, instances = ", ".join(plan.segmentation.labels), plan.segmentation.instances
    return {
        "summary": f"To outline {names}, {wording.plural(training.members, 'network')} learned from {training.cases} "
        f"cases of {training.patients} patients of {training.dataset}. {verdict(evidence)}",
        "technology": f"Deep learning: {wording.plural(training.members, 'network')} ({net_of(bundle)}) for "
        "segmentation.",
        "model": f"{net_of(bundle)}, looking at {' × '.join(map(str, plan.input.shape))} voxels "
        + (f"of {wording.listed(plan.input.channel_names)} " if plan.input.channel_names else "")
        + "at once; every layer is in weights.safetensors.",
        "numbers": f"{training.cases} cases of {training.patients} patients trained and validated on; measured on "
        f"{evidence.cases} of {evidence.patients}.",
        "patients": "The data name no characteristics but those of the subgroups."
        if found.subgroups
        else "The data name no characteristics.",
        "classes": f"Objects, outlined one by one: {names}." if instances else f"Labels: {names}.",
        "imbalance": f"{wording.percent(plan.segmentation.around_labels)} of the windows that were learned from lie "
        "around a label.",
        "predictions": f"{'An object' if instances else 'A label'}, or none, for every voxel of the image as stored; "
        "no probability is said of it.",
        "explanations": "The outlines are drawn on the image.",
        "measures": (
            "Of objects, by the intersection over union (IoU) of each with one that is there: average precision, F1, "
            "panoptic quality, aggregated Jaccard index, error of the count. Of all objects together: "
            if instances
            else ""
        )
        + f"Dice, surface Dice within {found.tolerance:g} {found.unit}, 95th percentile of the Hausdorff "
        f"distance and mean distance between {SURFACES[found.surface]}, error of the volume, and lesions one by one.",
        "performance": "; ".join(f"{name} {_with_interval(score)}" for name, score in label_scores(found).items())
        + ".",
        "accuracy": verdict(evidence),
        "failures": f"The images with the lowest {words_of(columns_of(found)[0])} are shown in the report.",
        "updating": "None so far.",
    }


def net_of(bundle: Bundle) -> str:
    """How voxels are labelled, and on the maps of which network."""
    encoder = getattr(bundle.plan.network, "encoder", None)
    return f"U-Net on maps of {getattr(encoder, 'backbone', getattr(encoder, 'name', ''))}"


def label_scores(found: SegmentationEvidence) -> dict[str, Score]:
    """The scores of a card's table by name."""
    scores: dict[str, Score] = {}
    for one in shown_labels(found):
        for column in columns_of(found):
            if column.score in one.scores:
                words = ", ".join(filter(None, (column.head, column.small)))
                scores[f"{one.name}: {words}"] = one.scores[column.score]
    return scores


def _with_interval(score: Score) -> str:
    return f"{wording.number(score.value, 3)} ({wording.interval(score, 3)})"
