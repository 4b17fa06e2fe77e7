"""The page of `inspect`: what the data look like and what is wrong with them, before anything is learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.datasets.audit import Audit
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.check import Problem
from hounsfield.datasets.fingerprint import Fingerprint, Spread
from hounsfield.datasets.split import Split
from hounsfield.image import Image
from hounsfield.reporting import wording
from hounsfield.reporting.audit_tables import audit_facts, shortcut_rows
from hounsfield.reporting.charts.bars import amount_bar, composition, histogram
from hounsfield.reporting.charts.intervals import track_scale
from hounsfield.reporting.charts.quantiles import quantile_strip
from hounsfield.reporting.contact_sheet import by_class, thumbnails
from hounsfield.reporting.page import Fact, render
from hounsfield.reporting.pictures import Picture, film_picture, tallest
from hounsfield.reporting.split_table import count_parts

_STEP_SIDE = 360
_MOST_CASES_NAMED = 12


@dataclass(frozen=True)
class ClassRow:
    """A class and how often it occurs."""

    name: str
    cases: int
    share: float
    bar: Markup


@dataclass(frozen=True)
class Step:
    """What a step of the preprocessing makes of an image."""

    name: str
    picture: Picture


def inspect_page(
    dataset: Dataset,
    fingerprint: Fingerprint,
    problems: Sequence[Problem],
    *,
    audit: Audit | None = None,
    twins: Iterable[Sequence[tuple[Case, Image]]] = (),
    contact: Iterable[tuple[Case, Image]] = (),
    traces: Iterable[Sequence[tuple[str, Image]]] = (),
    sizes: Sequence[tuple[int, int]] = (),
    split: Split | None = None,
    command: str = "",
) -> str:
    """The data set as one HTML page.

    Args:
        dataset: The cases.
        fingerprint: Of all of them.
        problems: What `check_dataset` found.
        audit: What `audit_dataset` found.
        twins: Groups of near duplicates to show, with their images.
        contact: Cases to show, with their images; see `contact_sheet.choose_contact_cases`.
        traces: For each example, the image after every step of the preprocessing, the first one as stored
            (`Pipeline.trace`).
        sizes: (height, width) of every image, for the histogram.
        split: How the cases will be divided, where that is known.
        command: How this page was made.
    """
    steps = [_steps(trace) for trace in traces]
    small = thumbnails(contact, dataset.classes)
    pairs = [thumbnails(group, dataset.classes) for group in twins]
    return render(
        "inspect.html.jinja",
        dataset=dataset,
        fingerprint=fingerprint,
        contents=_contents(bool(dataset.classes), bool(small), bool(steps), split is not None, audit is not None),
        audit=audit,
        audit_facts=audit_facts(audit) if audit else (),
        shortcuts=shortcut_rows(audit) if audit else (),
        scale=track_scale(),
        twins=pairs,
        twins_ratio=tallest([one.picture for group in pairs for one in group]),
        lede=_lede(fingerprint),
        parts_of_whole=composition(fingerprint.classes, fingerprint.class_counts),
        classes=_classes(fingerprint),
        refused=[_sentence(problem) for problem in problems if problem.severity == "refuse"],
        warned=[_sentence(problem) for problem in problems if problem.severity == "warn"],
        facts=_facts(fingerprint),
        details=_details(fingerprint),
        charts=_charts(fingerprint, sizes),
        unreadable=fingerprint.unreadable[:_MOST_CASES_NAMED],
        unreadable_more=max(0, len(fingerprint.unreadable) - _MOST_CASES_NAMED),
        sheet=by_class(small, dataset.classes),
        thumbnail_ratio=tallest([entry.picture for entry in small]),
        steps=steps,
        step_ratio=tallest([step.picture for trace in steps for step in trace]),
        split_counts=count_parts(dataset, split) if split else (),
        split=split,
        command=command,
    )


def _contents(classes: bool, contact: bool, steps: bool, split: bool, audit: bool) -> list[tuple[str, str]]:
    wanted = (
        ("classes", "Classes", classes),
        ("audit", "Audit", audit),
        ("contact", "Contact sheet", contact),
        ("steps", "Preprocessing", steps),
        ("split", "Split", split),
        ("fingerprint", "Fingerprint", True),
    )
    return [(anchor, name) for anchor, name, there in wanted if there]


def _lede(fingerprint: Fingerprint) -> str:
    cases = wording.plural(fingerprint.cases, "case")
    if not fingerprint.patients_known:
        return f"{cases}; the data do not say which belong to the same patient."
    return f"{cases} of {wording.plural(fingerprint.patients, 'patient')}."


def _sentence(problem: Problem) -> str:
    """The problem as a sentence that begins and ends like one."""
    text = problem.text[:1].upper() + problem.text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _classes(fingerprint: Fingerprint) -> list[ClassRow]:
    most = max(fingerprint.class_counts, default=1)
    labelled = sum(fingerprint.class_counts) or 1
    return [
        ClassRow(name, amount, amount / labelled, amount_bar(name, amount, most))
        for name, amount in zip(fingerprint.classes, fingerprint.class_counts, strict=True)
    ]


def _facts(fingerprint: Fingerprint) -> list[Fact]:
    modality = next((name for name in fingerprint.modalities if name), "")
    facts = [
        Fact("Cases", wording.count(fingerprint.cases), _labelled(fingerprint)),
        Fact(
            "Patients",
            wording.count(fingerprint.patients) if fingerprint.patients_known else "not known",
            "splits go by patient" if fingerprint.patients_known else "every case counts as its own",
        ),
        Fact("Typical size", _shape(fingerprint.shape_median, fingerprint.planar), "pixels, median"),
        Fact("Channels", ", ".join(fingerprint.by_channel) or ("colour" if fingerprint.colour else "grey"), modality),
    ]
    if fingerprint.spacing_mm is not None:
        sides = fingerprint.spacing_mm[1:] if fingerprint.planar else fingerprint.spacing_mm
        spacing = "\u202f×\u202f".join(wording.figure(side) for side in sides)
        facts.append(Fact("Pixel spacing", f"{spacing}\u202fmm", "median"))
    return facts


def _labelled(fingerprint: Fingerprint) -> str:
    return f"{wording.count(fingerprint.unlabelled)} without a class" if fingerprint.unlabelled else "all with a class"


def _details(fingerprint: Fingerprint) -> list[Fact]:
    """The fingerprint in words; what the data do not have is left out."""
    planar = fingerprint.planar
    levels = fingerprint.intensity
    facts = [
        Fact("Layout", fingerprint.layout),
        Fact("Smallest", _shape(fingerprint.shape_min, planar), "pixels, each side on its own"),
        Fact("Largest", _shape(fingerprint.shape_max, planar), "pixels, each side on its own"),
        Fact("Stored as", _tally(fingerprint.dtypes)),
    ]
    named = {name: amount for name, amount in fingerprint.modalities.items() if name}
    if named:
        facts.append(Fact("Modality", _tally(named)))
    if fingerprint.by_channel:
        channels = fingerprint.by_channel.items()
        facts += [_intensity(own.intensity, fingerprint, name, own.modality) for name, own in channels]
    elif "mean" in levels and "std" in levels:
        facts.append(_intensity(levels, fingerprint))
    if fingerprint.boxes and fingerprint.box_width and fingerprint.box_height:
        sides = f"{_spread(fingerprint.box_width)} wide, {_spread(fingerprint.box_height)} high"
        facts.append(Fact("Boxes", wording.count(fingerprint.boxes), f"{sides}, pixels"))
    if fingerprint.age_years:
        facts.append(Fact("Age", _spread(fingerprint.age_years), f"years, known of {fingerprint.ages_known}"))
    for name, tally in (("Sex", fingerprint.sexes), ("Site", fingerprint.sites)):
        known = {value: amount for value, amount in tally.items() if value}
        if known:
            facts.append(Fact(name, _tally(known)))
    return facts


def _intensity(levels: Mapping[str, float], fingerprint: Fingerprint, *channel: str) -> Fact:
    """Mean and deviation, of the images or of a channel, whose name and modality are given."""
    mean, spread = wording.figure(levels["mean"]), wording.figure(levels["std"])
    note = f"mean and deviation, {fingerprint.sampled} images"
    return Fact(" ".join(filter(None, ("Intensity", *channel))), f"{mean} ± {spread}", note)


def _charts(fingerprint: Fingerprint, sizes: Sequence[tuple[int, int]]) -> list[tuple[str, Markup, str]]:
    charts = []
    if len(set(sizes)) > 1:
        title = f"Longer side of {len(sizes)} images in pixels"
        drawing = histogram([max(size) for size in sizes], x_label="Longer side, pixels", y_label="Images", title=title)
        charts.append(("Sizes", drawing, "The longer side of every image."))
    of = next(iter(fingerprint.by_channel), "")
    levels = quantile_strip(fingerprint.intensity, title=f"Stored values of the sampled images{of and f', {of}'}")
    if levels:
        note = "The box holds the middle half, the line the middle 99\u202f%, the mark is the median."
        charts.append(("Intensities", levels, note))
    return charts


def _shape(shape: tuple[int, int, int], planar: bool) -> str:
    return "\u202f×\u202f".join(wording.count(side) for side in (shape[1:] if planar else shape))


def _spread(spread: Spread) -> str:
    low, median, high = (wording.figure(value) for value in (spread.low, spread.median, spread.high))
    return f"{median} ({low}–{high})"


def _tally(tally: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'not said'} ({wording.count(amount)})" for name, amount in tally.items())


def _steps(trace: Sequence[tuple[str, Image]]) -> list[Step]:
    return [
        Step(name, film_picture(image, alt=f"The image after: {name}", max_side=_STEP_SIDE)) for name, image in trace
    ]
