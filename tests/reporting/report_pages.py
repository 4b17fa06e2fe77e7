"""Every page once, with ordinary values, and with names that try to break out of the page."""

from collections.abc import Callable
from dataclasses import replace

import report_samples as samples

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.check import Problem
from hounsfield.datasets.split import make_split
from hounsfield.evaluation.comparison import compare
from hounsfield.evaluation.evidence import CaseResult
from hounsfield.findings import Answer, ModelIdentity, Quality, Reading
from hounsfield.reporting.comparison_report import comparison_page
from hounsfield.reporting.evidence_report import evidence_page
from hounsfield.reporting.examples import Example
from hounsfield.reporting.inspect_report import inspect_page
from hounsfield.reporting.page import Fact
from hounsfield.reporting.reading_report import reading_page
from hounsfield.reporting.training_report import BundleFile, Choice, training_page
from hounsfield.reporting.worksheet_report import worksheet_page

HOSTILE = "</title></style>\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"


def evidence() -> str:
    found = samples.binary_evidence(notes=("Fourteen cases were left out.",))
    return evidence_page(found, examples=samples.examples(found), command="hounsfield evaluate bundle data")


def evidence_of_many_classes() -> str:
    found = samples.many_class_evidence()
    cards = [Example(result, samples.film(seed)) for seed, result in enumerate(found.results[:3])]
    return evidence_page(found, examples=cards)


def evidence_of_labels() -> str:
    return evidence_page(samples.outlined_evidence("unet"), command="hounsfield evaluate unet abdomens")


def training() -> str:
    return training_page(samples.story())


def inspection() -> str:
    data = samples.dataset()
    cases = list(data.cases[:8])
    return inspect_page(
        data,
        samples.fingerprint(data),
        samples.problems(),
        contact=((case, samples.film(number)) for number, case in enumerate(cases)),
        traces=[samples.trace()],
        sizes=[(4000 + 10 * number, 3000) for number in range(60)],
        split=make_split(data, seed=0),
        command="hounsfield inspect data",
    )


def reading() -> str:
    found = samples.readings()
    problems = [("films/broken.dcm", "the file ends after 1204 bytes; copy it again")]
    return reading_page(found, samples.films_of(found), problems, command="hounsfield read bundle films")


def worksheet() -> str:
    sheet, panels = samples.worksheet()
    facts = [Fact("Image", "thigh.nii.gz", "CT"), Fact("Lesion", "tumour.nii.gz")]
    command = "hounsfield measure thigh.nii.gz --lesion tumour.nii.gz"
    return worksheet_page(sheet, panels, name="thigh.nii.gz", facts=facts, command=command)


def comparison() -> str:
    one, other = samples.binary_evidence(skill=1.4), samples.binary_evidence()
    named = replace(samples.MODEL, name="breast-mass-resnet", sha256="9" * 64)
    found = compare(one, replace(other, model=named), resamples=100)
    return comparison_page(found, command="hounsfield compare one other")


def comparison_of_labels() -> str:
    one, other = samples.outlined_evidence("unet"), samples.outlined_evidence("recurrent", skill=0.8)
    return comparison_page(compare(one, other, resamples=100), command="hounsfield compare unet recurrent")


def comparison_of_lesions() -> str:
    one, other = samples.found_evidence("faster_rcnn"), samples.found_evidence("centres", skill=0.5)
    return comparison_page(compare(one, other, resamples=100), command="hounsfield compare faster_rcnn centres")


PAGES: dict[str, Callable[[], str]] = {
    "evidence": evidence,
    "evidence_many": evidence_of_many_classes,
    "evidence_of_labels": evidence_of_labels,
    "training": training,
    "inspection": inspection,
    "reading": reading,
    "worksheet": worksheet,
    "comparison": comparison,
    "comparison_of_labels": comparison_of_labels,
    "comparison_of_lesions": comparison_of_lesions,
}


def hostile_evidence() -> str:
    drawn = [replace(result, case=HOSTILE + result.case) for result in samples.results(60)]
    found = replace(
        samples.binary_evidence(60),
        task=HOSTILE, dataset=HOSTILE, split=HOSTILE, classes=(HOSTILE, "b" + HOSTILE), threshold_from=HOSTILE,
        results=tuple(drawn), model=ModelIdentity(HOSTILE, HOSTILE, HOSTILE), notes=(HOSTILE,), created=HOSTILE,
        versions={HOSTILE: HOSTILE},
    )  # fmt: skip
    groups = tuple(replace(group, attribute=HOSTILE, value=HOSTILE, note=HOSTILE) for group in found.subgroups)
    card = Example(CaseResult(HOSTILE, HOSTILE, 1, (0.9, 0.1)), samples.film(), samples.heat())
    return evidence_page(replace(found, subgroups=groups), examples=[card], command=HOSTILE, data_file=HOSTILE)


def hostile_training() -> str:
    story = samples.story()
    choices = (Choice(HOSTILE, HOSTILE, HOSTILE), Choice("a." + HOSTILE, HOSTILE, HOSTILE))
    return training_page(
        replace(
            story,
            name=HOSTILE,
            dataset=HOSTILE,
            classes=(HOSTILE, HOSTILE),
            plan_choices=choices,
            stopped=HOSTILE,
            notes=(HOSTILE,),
            command=HOSTILE,
            score=HOSTILE,
            machine=HOSTILE,
            created=HOSTILE,
            files=(BundleFile(HOSTILE, HOSTILE, HOSTILE),),
        )  # fmt: skip
    )


def hostile_inspection() -> str:
    plain = samples.dataset(12)
    cases = tuple(replace(case, id=HOSTILE + case.id) for case in plain.cases)
    data = Dataset(HOSTILE, plain.root, cases, (HOSTILE, "b" + HOSTILE), HOSTILE, notes=(HOSTILE,))
    seen = replace(
        samples.fingerprint(data),
        dtypes={HOSTILE: 1}, modalities={HOSTILE: 1}, sexes={HOSTILE: 1}, sites={HOSTILE: 1},
        unreadable=((HOSTILE, HOSTILE),),
    )  # fmt: skip
    return inspect_page(
        data,
        seen,
        (Problem("refuse", HOSTILE), Problem("warn", HOSTILE)),
        contact=[(cases[0], samples.film())],
        traces=[[(HOSTILE, samples.film())]],
        command=HOSTILE,
    )


def hostile_reading() -> str:
    one = Reading(
        case=HOSTILE,
        path=HOSTILE,
        answers=(Answer(HOSTILE, 0.9, 0.5, True),),
        model=ModelIdentity(HOSTILE, HOSTILE, HOSTILE),
        quality=Quality("doubtful", (HOSTILE,)),
        notes=(HOSTILE,),
    )
    two = replace(one, case="b", answers=(), abstained=HOSTILE)
    return reading_page([one, two], {HOSTILE: samples.film()}, [(HOSTILE, HOSTILE)], command=HOSTILE, created=HOSTILE)


def hostile_worksheet() -> str:
    sheet, panels = samples.worksheet()
    answers = tuple(
        replace(answer, name=HOSTILE, structure=HOSTILE, why=HOSTILE, limit=HOSTILE) for answer in sheet.answers
    )
    margins = tuple(replace(margin, structure=HOSTILE) for margin in sheet.margins)
    hostile = replace(sheet, answers=answers, margins=margins, missing=((HOSTILE, HOSTILE),))
    return worksheet_page(hostile, panels, name=HOSTILE, facts=[Fact(HOSTILE, HOSTILE)], command=HOSTILE)


def hostile_comparison() -> str:
    one, other = (samples.outlined_evidence(HOSTILE + end, labels=(HOSTILE, "b" + HOSTILE)) for end in ("a", "other"))
    hostile = replace(one, dataset=HOSTILE, split=HOSTILE, notes=(HOSTILE,))
    return comparison_page(compare(hostile, other, resamples=50), command=HOSTILE)


HOSTILE_PAGES: dict[str, Callable[[], str]] = {
    "evidence": hostile_evidence,
    "training": hostile_training,
    "inspection": hostile_inspection,
    "reading": hostile_reading,
    "worksheet": hostile_worksheet,
    "comparison": hostile_comparison,
}
