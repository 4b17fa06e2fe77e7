"""What each score is called and means, in one sentence a radiologist understands, and what no skill would reach."""

from __future__ import annotations

from collections.abc import Sequence

from hounsfield.evaluation.froc import RATES

_AT_RATES = {f"sensitivity_at_{rate:g}": f"{rate:g}" for rate in RATES}
"""Sensitivities of lesions, and at how many false alarms an image."""

LABELS: dict[str, str] = {
    "auc_roc": "AUC-ROC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "ece": "Calibration error",
    "median": "Median error",
    "dice": "Dice",
    "surface_dice": "Surface Dice",
    "hausdorff": "95 % of surfaces",
    "surface_distance": "Mean distance",
    "instance_average_precision": "AP of objects",
    "panoptic_quality": "Panoptic quality",
    "mean_sensitivity": "Mean sensitivity",
    **{name: f"Found at {rate}" for name, rate in _AT_RATES.items()},
}
"""Names of scores, of images as a whole and then of landmarks, labels and lesions, and how they are written, in the
order in which they are shown."""

_MEANINGS: dict[str, str] = {
    "auc_roc": "How often a {positive} case is ranked above a {negative} one",
    "accuracy": "Share of all answers that are right",
    "sensitivity": "Of the {positive} cases, the share called {positive}",
    "specificity": "Of the {negative} cases, the share called {negative}",
    "precision": "Of the cases called {positive}, the share that are",
    "average_precision": "Area under precision against recall",
    "brier": "Mean squared error of the probabilities; lower is better",
    "ece": "How far the probabilities lie from the shares that were so; lower is better",
}

_MEANINGS_OF_PLACES: dict[str, str] = {
    "median": "Half of the landmarks are located at least as near; smaller is better",
    "dice": "What was outlined and is there, twice, over both; mean over images",
    "surface_dice": "Share of both surfaces within the tolerance of the other; mean over images",
    "hausdorff": "Distance that 95 % of each surface do not exceed (HD95), mean over images; smaller is better",
    "surface_distance": "Mean distance of both surfaces (ASSD), mean over images; smaller is better",
    "instance_average_precision": "Of objects: found, over found, missed and false, mean over IoU .5 to .95 and images",
    "panoptic_quality": "F1 of objects with IoU above .5, times the mean IoU of what was found; mean over images",
    "mean_sensitivity": "Share of the lesions found, mean over ⅛, ¼, ½, 1, 2, 4 and 8 false alarms an image",
    **{name: f"Share of the lesions found, with {rate} false alarms an image" for name, rate in _AT_RATES.items()},
}
"""Of landmarks, labels and lesions."""

_MEANINGS_OF_MANY: dict[str, str] = {
    "auc_roc": "How often a case of a class is ranked above the others, mean over the classes",
    "accuracy": "Share of all answers that are right",
    "sensitivity": "Of the cases of a class, the share called so, mean over the classes",
    "specificity": "Of the other cases, the share not called so, mean over the classes",
    "precision": "Of the cases called a class, the share that are, mean over the classes",
    "average_precision": "Area under precision against recall, mean over the classes",
    "brier": "Mean squared error of the probabilities; lower is better",
    "ece": "How far the largest probability lies from the share that was right; lower is better",
}


def label(name: str) -> str:
    """How a score is written; an unknown name with its underscores as spaces."""
    return LABELS.get(name, name.replace("_", " "))


def meaning(name: str, classes: Sequence[str]) -> str:
    """The score in one sentence; empty when it is not known here."""
    if name in _MEANINGS_OF_PLACES:
        return _MEANINGS_OF_PLACES[name]
    if len(classes) != 2:
        return _MEANINGS_OF_MANY.get(name, "")
    return _MEANINGS.get(name, "").format(negative=classes[0], positive=classes[1])


def no_skill(name: str, class_counts: Sequence[int]) -> float | None:
    """What the score would be for a model that has learned nothing of the images; None where that says nothing.

    That model knows how frequent the classes are, and nothing else: it ranks at random (AUC 0.5), always names the
    most frequent class (accuracy) and gives every case the class frequency as its probability (Brier score).
    """
    total = sum(class_counts)
    if total == 0:
        return None
    if name == "auc_roc":
        return 0.5
    if name == "accuracy":
        return max(class_counts) / total
    if len(class_counts) != 2:
        return None
    share = class_counts[1] / total
    return {"precision": share, "average_precision": share, "brier": share * (1 - share)}.get(name)


def ordered(names: Sequence[str]) -> list[str]:
    """The names as they are shown: the known ones in the order of `LABELS`, then the others as they came."""
    known = [name for name in LABELS if name in names]
    return known + [name for name in names if name not in LABELS]
