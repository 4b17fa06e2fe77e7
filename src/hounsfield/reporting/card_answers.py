"""What a bundle and its evidence have to say to the questions of reporting guidelines, a sentence or two each."""

from __future__ import annotations

from hounsfield.bundle import Bundle
from hounsfield.datasets.split import Split
from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.plan import Ensemble
from hounsfield.plan.choices import note_on_choices
from hounsfield.preprocessing.pipeline import step_words
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.explanation_report import LABELS
from hounsfield.reporting.label_answers import label_answers
from hounsfield.reporting.landmark_answers import landmark_answers

_OPTIMIZERS = {
    "adamw": "AdamW",
    "muon": "Muon for convolutions within the network of eight maps and more, and AdamW for the rest",
}


def answers_of(bundle: Bundle, evidence: Evidence, split: Split | None) -> dict[str, str]:
    """All answers by name; the checklists say which item takes which.

    Args:
        bundle: What was trained.
        evidence: What was measured on cases that it had not learned from.
        split: Of its training; None where the bundle was passed on without.
    """
    return {
        **_study(bundle, evidence),
        **_data(bundle, evidence, split),
        **_model(bundle, evidence),
        **_training(bundle),
        **_results(bundle, evidence),
        **landmark_answers(bundle, evidence),
        **label_answers(bundle, evidence),
    }


def _study(bundle: Bundle, evidence: Evidence) -> dict[str, str]:
    plan, training = bundle.plan, bundle.training
    return {
        "technology": f"Deep learning: {wording.plural(training.members, 'network')} "
        f"({network_words(bundle)}) for {plan.task}.",
        "summary": f"To tell {wording.listed(plan.classes, last='or')}, "
        f"{wording.plural(training.members, 'network')} learned from {training.cases} cases of {training.patients} "
        f"patients of {training.dataset}. {_main(evidence)}",
        "protocol": "plan.toml in the bundle holds every choice with its reason, split.json every case's part; the "
        "report of the training holds the command that does it again.",
        "availability": f"Made with the free package hounsfield {bundle.identity.version}; the model has the SHA-256 "
        f"{bundle.identity.sha256[:16]}….",
    }


def _data(bundle: Bundle, evidence: Evidence, split: Split | None) -> dict[str, str]:
    plan, training = bundle.plan, bundle.training
    sites = [group.value for group in evidence.subgroups if group.attribute == "site"]
    counts = ", ".join(f"{n} {name}" for n, name in zip(evidence.class_counts, evidence.classes, strict=True))
    left_out = [warning for warning in training.warnings if "could not be read" in warning]
    leaks = [warning for warning in training.warnings if warning.startswith("Figures are too good")]
    views = f" Views: {', '.join(plan.input.views)}; one that was not taken is left out of the answer."
    columns = ", ".join(column.name for column in plan.input.columns)
    channels = ", ".join(plan.input.channel_names)
    taken = "Squares cut around boxes." if training.input_sides else "Whole images."
    return {
        "sources": f"Learned from the data set {training.dataset}; measured on {evidence.dataset}"
        + (f", sites {', '.join(sites)}." if sites else "."),
        "exclusions": " ".join(left_out) or "Cases without a label; all that were to be learned from could be read.",
        "preprocessing": f"{_steps(bundle)}; in reading the same as in training.",
        "parts": taken + (views if plan.input.views else ""),
        "identity": "bundle.json, plan, weights and card name no patient. split.json and evidence.json hold ids as the "
        "data have them; examples.safetensors holds small pictures of training images, which readings show.",
        "missing": "Cases without a label, or with an image that cannot be read, were left out and counted."
        + (f" Columns {columns}: a missing value is told to the network as missing." if columns else "")
        + (f" Channels {channels}: a case that lacks one gets no answer." if channels else ""),
        "acquisition": f"Images of {' × '.join(map(str, plan.input.shape))} pixels after preprocessing.",
        "classes": f"Classes: {', '.join(plan.classes)}.",
        "predictors": f"The channels {channels} of one image, all of them; the first says where the others belong."
        if channels
        else f"The image{f', and the columns {columns}' if columns else ' alone'}.",
        "partition": f"{split.reason}." if split else "As in the split of the training.",
        "disjoint": " ".join(leaks) or _disjoint(bundle),
        "size": f"{training.cases} cases to learn from and to validate on: as many as the split has; no size was "
        "calculated.",
        "numbers": f"{training.cases} cases of {training.patients} patients trained and validated on; measured on "
        f"{evidence.cases} of {evidence.patients} ({counts})." + (f" {' '.join(left_out)}" if left_out else ""),
        "patients": _groups(evidence) or f"Classes: {counts}; the data name no other characteristics.",
        "imbalance": _imbalance(bundle, counts),
    }


def _model(bundle: Bundle, evidence: Evidence) -> dict[str, str]:
    plan, operating = bundle.plan, bundle.operating
    shape = f"{plan.input.shown_channels} × {' × '.join(map(str, plan.input.shape))}"
    calibrated = "calibrated" if operating.calibrated else "not calibrated"
    point = (
        f"{plan.classes[1]} from a probability of {operating.threshold:.3f} on ({operating.threshold_from})"
        if len(plan.classes) == 2
        else "the most probable class"
    )
    sets = (
        f" Beside it, the classes that cannot be ruled out, with the truth among them for "
        f"{wording.percent(operating.conformal.coverage)} of the patients of each class{_of_ensemble(bundle)}."
        if operating.conformal
        else ""
    )
    versions = ", ".join(f"{name} {version}" for name, version in evidence.versions.items())
    return {
        "model": f"{network_words(bundle)}, input {shape}, {len(plan.classes)} outputs; every layer is in "
        "weights.safetensors and `hounsfield export` writes it as ONNX.",
        "software": f"{versions}.",
        "start": {"": "Weights drawn at random.", "imagenet": "Weights trained on ImageNet."}.get(
            plan.optimisation.start, "The weights of another bundle."
        ),
        "ensemble": f"{wording.plural(bundle.training.members, 'network')}: {_learned_from(plan.ensemble)}; answers "
        "are averaged" + (" with those of mirrored copies." if plan.ensemble.flips else "."),
        "predictions": f"A probability for each class, {calibrated}; the answer is {point}.{sets}",
        "explanations": _explained(bundle),
        "poor_input": _poor_input(bundle),
        "updating": f"Recalibrated {bundle.training.recalibrated}."
        if bundle.training.recalibrated
        else "None so far; `hounsfield recalibrate` sets threshold and calibration on local cases.",
    }


def _learned_from(ensemble: Ensemble) -> str:
    if ensemble.folds == 1:
        return "each learned from the training part"
    again = f", {ensemble.repeats} times" if ensemble.repeats > 1 else ""
    return f"one for each of {ensemble.folds} folds{again}"


def _training(bundle: Bundle) -> dict[str, str]:
    chosen, changed = bundle.plan.optimisation, bundle.plan.augmentation
    augmented = [
        f"{name.replace('_', ' ')} {value}" for name, value in changed.model_dump().items() if value not in (0, 0.0, ())
    ]
    if chosen.head_only:
        learned = "The features of the network stay as they are; a logistic regression on them is learned."
        augmented = ["mirrored copies"] if changed.flip_axes else []
    else:
        of_answer = f" ({chosen.answer_rate:g} times that for the answer)" if chosen.answer_rate != 1 else ""
        learned = (
            f"{_OPTIMIZERS[chosen.optimizer]}, one-cycle learning rate {chosen.learning_rate:g}{of_answer}, "
            f"weight decay {chosen.weight_decay:g}, at most "
            f"{chosen.epochs} epochs of batches of {chosen.batch_size}, {chosen.precision}."
        )
    return {
        "training": f"{learned} Augmentation: {', '.join(augmented) or 'none'}. "
        f"{wording.duration(bundle.training.seconds)} on {bundle.training.machine or 'an unknown machine'}; ended: "
        f"{bundle.training.stopped}.",
        "selection": note_on_choices(bundle.plan),
    }


def _results(bundle: Bundle, evidence: Evidence) -> dict[str, str]:
    names = score_words.ordered(list(evidence.scores))
    told = "; ".join(f"{score_words.label(name)} {_with_interval(evidence.scores[name])}" for name in names)
    wanted = ("sensitivity", "specificity", "precision")
    accuracy = "; ".join(
        f"{name} {_with_interval(evidence.scores[name])}" for name in wanted if name in evidence.scores
    )
    groups = sorted({group.attribute for group in evidence.subgroups})
    by_groups = f"Scores by {', '.join(groups)} stand in evidence.json and in the report, the smallest group first."
    where = "local cases it was recalibrated on" if bundle.training.recalibrated else "validation cases"
    return {
        "measures": f"{', '.join(score_words.label(name) for name in names)}; ROC, precision–recall, calibration"
        + (" and decision curves." if len(evidence.classes) == 2 else " curves."),
        "uncertainty": f"95\u202f% intervals from {evidence.resamples} bootstrap draws of patients.",
        "robustness": by_groups if groups else "The data name no groups to compare.",
        "fairness": by_groups if groups else "The data name no groups to compare.",
        "internal": f"{evidence.cases} {where}, each answered by networks that had not seen its patient.",
        "external": "None in this bundle; `hounsfield evaluate` measures it on any labelled data set.",
        "performance": f"{told}.",
        "accuracy": f"At the threshold: {accuracy}." if accuracy else "There are too few cases of a class.",
        "failures": "The worst mistakes are shown, with heat maps, in the report of `hounsfield evaluate`.",
        "limitations": " ".join((*evidence.notes, *bundle.training.warnings)) or "None that the run noticed.",
        "differences": "Both are parts of one data set; other data may differ."
        if not bundle.training.recalibrated
        else "Trained on one data set, measured on local cases.",
    }


def network_words(bundle: Bundle) -> str:
    """The network by its name, and its backbone where it has one."""
    network = bundle.plan.network
    encoder = getattr(network, "encoder", network)
    return str(getattr(encoder, "backbone", network.name))


def _disjoint(bundle: Bundle) -> str:
    if not bundle.training.patients_known:
        return "The case: the data do not say whose each is, so images of one patient may be in several parts."
    return "The patient, as the data name them: all images of one are in one part."


def _of_ensemble(bundle: Bundle) -> str:
    """The limits of a cross-validated ensemble come from its networks one by one."""
    if bundle.plan.ensemble.folds == 1 or bundle.training.recalibrated:
        return ""
    return (
        " (limits and calibration were chosen on answers of single networks; new images are answered by all together)"
    )


def _poor_input(bundle: Bundle) -> str:
    blank = "A blank image gets no answer; a very small one, or one of another kind of colour, is called doubtful."
    if not bundle.remembered().distances:
        return f"{blank} Images are not held against those of the training."
    return (
        f"{blank} One unlike all training images, or one that looks inverted or turned, gets no answer and the reason."
    )


def _explained(bundle: Bundle) -> str:
    if bundle.plan.task == "detection":
        return "What was found is drawn on the image, over what the networks made of each place before they judged it."
    found = bundle.explanations()
    if found is None:
        return "Grad-CAM heat maps with every answer, not tested on this model."
    if found.default is None:
        return f"None is shown: {', '.join(LABELS[one.method] for one in found.tested)} failed their tests."
    chosen = next(one for one in found.tested if one.method == found.default)
    return (
        f"{LABELS[chosen.method]} heat maps with every answer, tested on {chosen.cases} cases: rank correlation "
        f"{chosen.agreement:.2f} with a network of shuffled weights, gain over chance {_with_interval(chosen.gain)}"
        + (f", hottest place in a box in {chosen.pointing.value:.2f} of them." if chosen.pointing else ".")
    )


def _main(evidence: Evidence) -> str:
    names = score_words.ordered(list(evidence.scores))
    if not names:
        return ""
    return (
        f"On {evidence.cases} cases of {evidence.patients} patients: {score_words.label(names[0])} "
        f"{_with_interval(evidence.scores[names[0]])}."
    )


def _with_interval(score: Score) -> str:
    return f"{wording.number(score.value)} ({wording.interval(score)})"


def _steps(bundle: Bundle) -> str:
    spec = bundle.plan.input
    return " → ".join(map(step_words, (*spec.film_steps, *spec.steps))) or "None"


def _groups(evidence: Evidence) -> str:
    tables: dict[str, list[str]] = {}
    for group in evidence.subgroups:
        tables.setdefault(group.attribute, []).append(f"{group.value} ({wording.plural(group.cases, 'case')})")
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in tables.items())


def _imbalance(bundle: Bundle, counts: str) -> str:
    weights = bundle.plan.optimisation.class_weights
    if not weights:
        return f"{counts}; no class was weighted."
    told = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(bundle.plan.classes, weights, strict=True))
    if bundle.training.recalibrated:
        return f"In the training weighted in the loss: {told}. Local cases: {counts}."
    return f"{counts}; weighted in the loss: {told}. Calibration was done without weights."
