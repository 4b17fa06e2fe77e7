"""The page of `measure`: the operability worksheet with its pictures, the lesion's size and its margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from hounsfield.findings.margin import Margin
from hounsfield.findings.measure import Size
from hounsfield.findings.worksheet import CriterionAnswer, Worksheet
from hounsfield.findings.worksheet.answer import UNITS
from hounsfield.reporting import wording
from hounsfield.reporting.charts.margins import margin_chart
from hounsfield.reporting.margin_panels import Panel
from hounsfield.reporting.page import Fact, render
from hounsfield.reporting.pictures import Picture, encode

_THIN = "\u202f"


@dataclass(frozen=True)
class AnswerCard:
    """A line of the worksheet as it is shown."""

    number: int
    name: str
    verdict: str
    mark: str
    """"positive", "negative" or "none": the shape beside the verdict, so that it is not told by colour alone."""
    figure: str
    range: str
    limit: str
    why: str
    pictures: tuple[tuple[Picture, str], ...]
    """Each with its caption."""
    points: str


@dataclass(frozen=True)
class MarginRow:
    """A structure and how far it is, written."""

    structure: str
    notes: tuple[str, ...]
    side: str
    minimum: str
    uncertainty: str
    percentile_5: str
    median: str
    closer_than_5: str
    closer_than_10: str
    contact: str
    chart: Markup


def worksheet_page(
    worksheet: Worksheet,
    panels: Mapping[int, Sequence[Panel]],
    *,
    name: str,
    planes: NDArray[np.uint8] | None = None,
    views: NDArray[np.uint8] | None = None,
    facts: Sequence[Fact] = (),
    command: str = "",
) -> str:
    """The worksheet as one HTML page.

    Args:
        worksheet: What was measured.
        panels: By the place of an answer, its pictures.
        name: Of the image.
        planes: (height, width, 3), the lesion outlined, as `lesion_planes` gives it.
        views: (height, width, 3), the lesion with what is around it, as `lesion_views` gives it.
        facts: Where image and masks came from.
        command: How this page was made.
    """
    cards = [_card(place, answer, panels.get(place, ())) for place, answer in enumerate(worksheet.answers)]
    contents = (
        ("criteria", "Criteria", bool(cards)),
        ("planes", "The lesion", planes is not None),
        ("around", "Around the lesion", views is not None),
        ("margins", "Margins", True),
        ("size", "Size", True),
    )
    return render(
        "worksheet.html.jinja",
        contents=[(anchor, title) for anchor, title, there in contents if there]
        + [("origin", "Where this comes from")],
        name=name,
        lede=_lede(worksheet),
        cards=cards,
        planes=None if planes is None else encode(planes, alt="The lesion and structures outlined", quality=86),
        views=None if views is None else encode(views, alt=_views_words(worksheet), quality=86),
        facts=_headline(worksheet.size),
        rows=[_row(margin) for margin in worksheet.margins],
        missing=[f"{why[:1].upper()}{why[1:]}." for _, why in worksheet.missing],
        sizes=size_facts(worksheet.size),
        notes=worksheet.size.notes,
        origin=facts,
        command=command,
    )


def size_facts(size: Size) -> list[Fact]:
    """The lesion's size in words."""
    axes = size.axes
    ends = f"±{_THIN}{wording.number(size.axis_uncertainty_mm, 1)}{_THIN}mm; slice {axes.slice_index + 1}"
    cube = "mm²" if size.planar else "ml"
    scale = 1 if size.planar else 1000
    facts = [
        Fact(
            "Area" if size.planar else "Volume",
            f"{wording.number(size.volume / scale, 1)}{_THIN}{cube}",
            f"±{_THIN}{wording.number(size.volume_uncertainty / scale, 1)}{_THIN}{cube}; "
            f"{wording.count(size.voxels)} {'pixels' if size.planar else 'voxels'}",
        ),
        Fact("Long axis", f"{wording.number(axes.long.length_mm, 1)}{_THIN}mm", f"{ends}; as in RECIST 1.1"),
        Fact("Short axis", f"{wording.number(axes.short.length_mm, 1)}{_THIN}mm", "at right angles to it"),
        Fact("Product of both", f"{wording.figure(size.who_product_mm2)}{_THIN}mm²", "as in the WHO criteria"),
    ]
    if not size.planar:
        half = f"±{_THIN}{wording.number(size.longest_uncertainty_mm, 1)}{_THIN}mm"
        facts.append(Fact("Longest diameter", f"{wording.number(axes.longest.length_mm, 1)}{_THIN}mm", half))
    kind, whole = ("circle", "Outline") if size.planar else ("ball", "Surface")
    unit = "mm" if size.planar else "mm²"
    return [
        *facts,
        Fact(
            "Effective diameter",
            f"{wording.number(size.effective_diameter_mm, 1)}{_THIN}mm",
            f"of the {kind} of the same {'area' if size.planar else 'volume'}",
        ),
        Fact(whole, f"{wording.figure(size.surface)}{_THIN}{unit}"),
        Fact("Circularity" if size.planar else "Sphericity", wording.number(size.sphericity, 2), f"1 for a {kind}"),
    ]


def _headline(size: Size) -> list[Fact]:
    return [fact for fact in size_facts(size) if fact.name in ("Area", "Volume", "Long axis", "Short axis")]


def _lede(worksheet: Worksheet) -> str:
    counts = {verdict: 0 for verdict in ("met", "not met", "cannot say")}
    for answer in worksheet.answers:
        counts[answer.verdict] += 1
    if not worksheet.answers:
        return f"A lesion and how far it is from {wording.plural(len(worksheet.margins), 'structure')}."
    told = ", ".join(f"{amount} {verdict}" for verdict, amount in counts.items() if amount)
    return f"{wording.plural(len(worksheet.answers), 'criterion', 'criteria')}: {told}."


def _views_words(worksheet: Worksheet) -> str:
    """What the lesion's picture shows, for those who cannot see it."""
    near = sorted(worksheet.margins, key=lambda margin: margin.minimum_mm)
    told = ", ".join(f"{margin.structure} {wording.number(margin.minimum_mm, 1)} mm" for margin in near)
    return f"The lesion from outside, with what is around it: {told or 'no structure'}"


def _card(place: int, answer: CriterionAnswer, panels: Sequence[Panel]) -> AnswerCard:
    unit = UNITS[answer.unit].replace(" ", _THIN)
    figure = wording.UNDEFINED if answer.value is None else f"{wording.number(answer.value, 1)}{unit}"
    range_ = ""
    if answer.low is not None:
        high = "" if answer.high is None else f"{wording.number(answer.high, 1)}{unit}"
        low = wording.number(answer.low, 1)
        range_ = f"{low} to {high}" if high else f"{low}{unit} or more"
    pictures = tuple(
        (encode(panel.pixels, alt=f"{answer.name}: {panel.caption}. {answer.why}", quality=86), panel.caption)
        for panel in panels
    )
    mark = {"met": "negative", "not met": "positive", "cannot say": "none"}[answer.verdict]
    return AnswerCard(
        place + 1,
        answer.name,
        answer.verdict,
        mark,
        figure,
        range_,
        answer.limit,
        answer.why,
        pictures,
        _points(answer),
    )


def _points(answer: CriterionAnswer) -> str:
    """The two points in the patient."""
    if answer.from_mm is None or answer.to_mm is None:
        return ""
    one, other = (", ".join(wording.number(value, 1) for value in point) for point in (answer.from_mm, answer.to_mm))
    return f"({one}) and ({other})"


def _row(margin: Margin) -> MarginRow:
    unit = _THIN + ("mm" if margin.area_unit == "mm" else "mm²")

    def share(area: float) -> str:
        return f"{wording.count(round(area))}{unit}, {wording.percent(area / margin.area)}"

    spread = ""
    if margin.spread:
        low, high = (wording.number(value, 1) for value in (margin.spread.low, margin.spread.high))
        spread = f"; {low} to {high} by {len(margin.spread.distances_mm)} outlines"
    side = "from inside, to its surface" if margin.side == "inside" else "from outside"
    if 0 < margin.overlap <= 0.5:
        side += f"; {wording.percent(margin.overlap, 1)} of the lesion lies in it"
    return MarginRow(
        structure=margin.structure,
        notes=margin.notes,
        side=side,
        minimum=f"{wording.number(margin.minimum_mm, 1)}{_THIN}mm",
        uncertainty=f"±{_THIN}{wording.number(margin.uncertainty_mm, 1)}{_THIN}mm{spread}",
        percentile_5=f"{wording.number(margin.percentile_5_mm, 1)}{_THIN}mm",
        median=f"{wording.number(margin.median_mm, 1)}{_THIN}mm",
        closer_than_5=share(margin.area_closer_than_5_mm),
        closer_than_10=share(margin.area_closer_than_10_mm),
        contact=share(margin.contact_area),
        chart=margin_chart(margin),
    )
