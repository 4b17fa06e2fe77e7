"""What a training chose on its validation cases, as a note beside figures that were measured on them."""

from __future__ import annotations

from hounsfield.plan.schema import Plan

TRIED = "tried on"
"""Stands in the reason for a network that won against others."""


def note_on_choices(plan: Plan) -> str:
    """A sentence that names what was chosen on the validation cases, apart from what the plan fixed before."""
    if plan.task == "segmentation":
        return "" if plan.optimisation.keep == "last" else _told(["the best epoch"])
    chosen = ["the threshold", "the calibration"]
    if f"; {TRIED} " in plan.reasons.get("network.name", ""):
        chosen.append("the network")
    if plan.optimisation.head_only:
        chosen.append("the strength of the regularisation")
    elif plan.optimisation.keep == "best":
        chosen.append("the best epoch")
    if plan.task == "localization":
        chosen[:2] = ["the radii"]
    return _told(chosen)


def _told(chosen: list[str]) -> str:
    if len(chosen) == 1:
        return f"{chosen[0].capitalize()} were chosen on these cases: expect a little less on new ones."
    words = f"{', '.join(chosen[:-1])} and {chosen[-1]}".capitalize()
    return f"{words} were chosen on these cases: expect a little less on new ones."


def note_on_ensemble(plan: Plan) -> str:
    """What answers of single networks of folds say of all together; empty where one part was validated by all."""
    if plan.ensemble.folds == 1:
        return ""
    who = "one fold's network"
    if plan.ensemble.repeats > 1:
        who = f"{plan.ensemble.repeats} of the networks, those that had not seen its patient"
    if plan.task == "segmentation":
        return (
            f"Each case was answered by {who}; new images are answered by all networks together. A test part shows "
            "what that changes."
        )
    if plan.task == "localization":
        return (
            f"Each case was answered by {who}, and the radii rest on these answers; new images are answered by all "
            "networks together, whose places are averaged. A test part shows what that changes."
        )
    found = (
        " Findings score lower where networks disagree, so that at the same threshold all together show fewer, lesions "
        "and false alarms alike."
        if plan.task == "detection"
        else ""
    )
    return (
        f"Each case was answered by {who}, and calibration and sets rest on these answers; new images are answered by "
        f"all networks together. A test part shows what that changes.{found}"
    )
