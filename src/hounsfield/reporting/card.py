"""The model card: what a bundle is for, what it learned from and what was measured, in Markdown."""

from __future__ import annotations

from hounsfield.bundle import Bundle
from hounsfield.evaluation.evidence import Evidence
from hounsfield.reporting.wording import duration

_USE = (
    "Research. It is not a medical device: no answer of it may decide about a patient. What a person has to add before "
    "others use it: where the images come from, how the truth was established, who was left out, and for which "
    "question and people it is meant."
)


def model_card(bundle: Bundle, evidence: Evidence) -> str:
    """The card of a bundle.

    Args:
        bundle: What was trained.
        evidence: What was measured on its validation cases.

    Reference:
        Mitchell et al., "Model cards for model reporting" (2019), doi:10.1145/3287560.3287596.
    """
    training, plan = bundle.training, bundle.plan
    shape = " × ".join(str(side) for side in plan.input.shape)
    counts = ", ".join(f"{n} {name}" for n, name in zip(evidence.class_counts, evidence.classes, strict=True))
    network = f"{training.members} {plan.network.name}"
    ended = f"{duration(training.seconds)} on {training.machine or 'an unknown machine'}; ended: {training.stopped}"
    lines = [
        f"# {bundle.identity.name}",
        "",
        f"Answers: {' or '.join(plan.classes)}. Model {bundle.identity.sha256[:16]}, made by hounsfield "
        f"{bundle.identity.version} on {training.created[:10]}.",
        "",
        "## Use",
        "",
        _USE,
        "",
        "## Training",
        "",
        f"- Data: {training.dataset}, {training.cases} cases of {training.patients} patients, to learn from and to "
        "validate on.",
        f"- Networks: {network}, input {shape}, at most {plan.optimisation.epochs} epochs.",
        f"- Time: {ended}.",
        f"- Probabilities: {'' if bundle.operating.calibrated else 'not '}calibrated on the validation cases.",
        f"- Threshold: {bundle.operating.threshold:.4f}, {bundle.operating.threshold_from}.",
        "",
        "## Measured",
        "",
        f"On {evidence.cases} validation cases of {evidence.patients} patients ({counts}); brackets are 95 % intervals "
        "resampled by patient.",
        "",
        "| score | value | interval |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {s.value:.3f} | {s.low:.3f} to {s.high:.3f} |" for name, s in evidence.scores.items()]
    lines += ["", *(f"- {note}" for note in (*evidence.notes, *training.warnings)), ""]
    return "\n".join(lines)
