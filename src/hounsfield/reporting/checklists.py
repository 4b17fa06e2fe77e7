"""What the reporting guidelines ask for, answered as far as a bundle and its evidence can: CLAIM 2024 and TRIPOD+AI.

An item is answered, answered in part, or left to a person: nothing is made up. The words of the items are our own
and short; the guidelines themselves say what each wants.

Reference:
    Tejani et al., "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 update",
    doi:10.1148/ryai.240300; Collins et al., "TRIPOD+AI statement" (2024), doi:10.1136/bmj-2023-078378.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["answered", "in part", "open"]


@dataclass(frozen=True)
class Item:
    """One item of a guideline."""

    number: str
    asks: str
    """What it asks for, in a few words."""
    answer: str
    """From the run; empty where only a person knows."""
    wanted: str
    """What a person has to write; empty where the run says all."""

    @property
    def state(self) -> State:
        """Whether the run answers it."""
        return "open" if not self.answer else "in part" if self.wanted else "answered"


_CLAIM: tuple[tuple[str, str, str, str], ...] = (
    # number, what it asks for, the name of the answer, what a person adds
    ("1", "The technology, named in the title", "technology", ""),
    ("2", "Structured summary", "summary", "conclusions"),
    ("3", "Background, intended use and role", "", "the question, the people, and who acts on the answer how"),
    ("4", "Aims and hypotheses", "", "what was to be shown"),
    ("5", "Prospective or retrospective", "", "whether the cases were collected before the question was asked"),
    ("6", "Goal of the study", "", "a new model, a comparison, feasibility …"),
    ("7", "Sources of the data", "sources", "hospitals, dates, how the cases were found"),
    ("8", "Inclusion and exclusion", "exclusions", "who was eligible"),
    ("9", "Preprocessing", "preprocessing", ""),
    ("10", "Parts of images that were used", "parts", ""),
    ("11", "De-identification", "identity", "how the images were de-identified"),
    ("12", "Missing data", "missing", ""),
    ("13", "How the images were acquired", "acquisition", "scanners, protocols"),
    ("14", "Reference standard: its definition", "classes", "how the truth of a case was established"),
    ("15", "Reference standard: why this one", "", "why, and what others there are"),
    ("16", "Reference standard: who annotated", "", "their qualification, and with which tools"),
    ("17", "Annotation of the test cases", "", "whether it differs from that of the others"),
    ("18", "Variation between and within annotators", "", "measured how, and how large"),
    ("19", "How cases were assigned to parts", "partition", ""),
    ("20", "Level at which the parts are disjoint", "disjoint", ""),
    ("21", "Intended sample size", "size", "whether that is enough for the question"),
    ("22", "The model in detail", "model", ""),
    ("23", "Software", "software", ""),
    ("24", "Where the weights begin", "start", ""),
    ("25", "Training", "training", ""),
    ("26", "How the final model was selected", "selection", ""),
    ("27", "Ensembles", "ensemble", ""),
    ("28", "Measures of performance", "measures", ""),
    ("29", "Uncertainty", "uncertainty", ""),
    ("30", "Robustness", "robustness", "other sites, scanners and artefacts"),
    ("31", "Explanations", "explanations", ""),
    ("32", "Evaluation on internal data", "internal", ""),
    ("33", "Evaluation on external data", "external", "figures from another place"),
    ("34", "Registration", "", "number and registry, if it is a trial"),
    ("35", "Numbers included and excluded", "numbers", "a flow diagram"),
    ("36", "Who the patients are, by part", "patients", "clinical characteristics"),
    ("37", "Performance with uncertainty", "performance", ""),
    ("38", "Diagnostic accuracy and its precision", "accuracy", ""),
    ("39", "Analysis of failures", "failures", "why they fail"),
    ("40", "Limitations", "limitations", "those that figures do not show"),
    ("41", "Implications for practice", "", "what follows for patients"),
    ("42", "Full protocol", "protocol", ""),
    ("43", "Availability of software, model and data", "availability", "of the data and the bundle"),
    ("44", "Funding", "", "sources, and the role of those who funded"),
)

_TRIPOD: tuple[tuple[str, str, str, str], ...] = (
    ("1", "Title: target population, outcome, method", "technology", "the target population"),
    ("2", "Abstract", "summary", "conclusions"),
    ("3a", "Health-care context", "", "the question, and models that exist"),
    ("3b", "Target population and intended use", "", "for whom, where in the pathway, used by whom"),
    ("3c", "Known health inequalities", "", "between which groups"),
    ("4", "Objectives", "", "development, evaluation or both"),
    ("5a", "Sources of the data", "sources", "why these, and how representative"),
    ("5b", "Dates", "", "first and last case"),
    ("6a", "Setting", "", "number and kind of centres"),
    ("6b", "Eligibility", "exclusions", "who was eligible"),
    ("6c", "Treatments", "", "whether any were given, and how they were handled"),
    ("7", "Preparation and quality of the data", "preprocessing", ""),
    ("8a", "Outcome", "classes", "definition, time horizon, how it was assessed"),
    ("8b", "Who assessed the outcome", "", "qualification"),
    ("8c", "Blinding of the outcome", "", "to what"),
    ("9a", "Choice of predictors", "predictors", ""),
    ("9b", "Definition of predictors", "parts", ""),
    ("9c", "Who assessed predictors", "", "where columns of a table need judgement"),
    ("10", "Sample size", "size", "whether that is enough for the question"),
    ("11", "Missing data", "missing", ""),
    ("12a", "How the data were used", "partition", ""),
    ("12b", "How predictors were handled", "preprocessing", ""),
    ("12c", "Type of model and how it was built", "training", ""),
    ("12d", "Heterogeneity between clusters", "robustness", "centres"),
    ("12e", "Measures of performance", "measures", ""),
    ("12f", "Updating of the model", "updating", ""),
    ("12g", "How predictions are calculated", "predictions", ""),
    ("13", "Class imbalance", "imbalance", ""),
    ("14", "Fairness", "fairness", "groups that the data do not name"),
    ("15", "Output of the model", "predictions", ""),
    ("16", "Differences between training and evaluation", "differences", ""),
    ("17", "Ethical approval", "", "which committee, consent"),
    ("18a", "Funding", "", "sources and role"),
    ("18b", "Conflicts of interest", "", "of all authors"),
    ("18c", "Protocol", "protocol", ""),
    ("18d", "Registration", "", "number and registry"),
    ("18e", "Sharing of data", "", "whether, and where"),
    ("18f", "Sharing of code", "availability", ""),
    ("19", "Involvement of patients and the public", "", "in design, conduct, dissemination"),
    ("20a", "Flow of participants", "numbers", "a flow diagram"),
    ("20b", "Characteristics of participants", "patients", "clinical characteristics"),
    ("20c", "Comparison with the development data", "differences", ""),
    ("21", "Numbers in each analysis", "numbers", ""),
    ("22", "The full model", "model", ""),
    ("23a", "Performance with intervals", "performance", ""),
    ("23b", "Heterogeneity of performance", "robustness", ""),
    ("24", "Results of updating", "updating", ""),
    ("25", "Interpretation", "", "with fairness in mind"),
    ("26", "Limitations", "limitations", "those that figures do not show"),
    ("27a", "Poor or missing input", "poor_input", ""),
    ("27b", "What users must know and do", "", "expertise, and how the answer is to be checked"),
    ("27c", "Next steps", "", "before others use it"),
)


def claim_2024(answers: Mapping[str, str]) -> tuple[Item, ...]:
    """The 44 items of CLAIM 2024."""
    return _items(_CLAIM, answers)


def tripod_ai(answers: Mapping[str, str]) -> tuple[Item, ...]:
    """The items of TRIPOD+AI, with their parts."""
    return _items(_TRIPOD, answers)


def _items(table: tuple[tuple[str, str, str, str], ...], answers: Mapping[str, str]) -> tuple[Item, ...]:
    return tuple(Item(number, asks, answers[name] if name else "", wanted) for number, asks, name, wanted in table)
