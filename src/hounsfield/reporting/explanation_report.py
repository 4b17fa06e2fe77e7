"""The page of `explain`: every method of explanation, what its tests found, and what it shows on a few cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.explanations import Explanations, Trial
from hounsfield.findings import Box, ModelIdentity
from hounsfield.image import Image
from hounsfield.reporting import wording
from hounsfield.reporting.charts.intervals import difference_track, interval_track, track_scale
from hounsfield.reporting.page import Fact, render
from hounsfield.reporting.pictures import Picture, film_picture, heat_picture, heat_scale

LABELS: dict[str, str] = {
    "grad_cam": "Grad-CAM",
    "hires_cam": "HiResCAM",
    "integrated_gradients": "Integrated gradients",
    "occlusion": "Occlusion",
}
"""Names of methods and how they are written."""

_SIDE = 240


@dataclass(frozen=True, eq=False)
class ExplainedCase:
    """A case and the heat of every method."""

    case: str
    image: Image
    """As stored."""
    heats: Mapping[str, FloatArray]
    """By method, on the image's grid."""
    boxes: Sequence[Box] = ()


@dataclass(frozen=True)
class MethodRow:
    """A method, its tests written and drawn."""

    label: str
    verdict: str
    agreement: str
    removal: str
    gain: Markup
    gain_figure: str
    gain_interval: str
    pointing: Markup | None
    pointing_figure: str
    pointing_detail: str


@dataclass(frozen=True)
class CaseRow:
    """A case's pictures."""

    case: str
    film: Picture
    heats: tuple[tuple[str, Picture], ...]


def method_rows(found: Explanations) -> list[MethodRow]:
    """A row for each method."""
    return [_row(one) for one in found.tested]


def verdict_words(found: Explanations) -> str:
    """Which method did best, a sentence."""
    if found.default is None:
        return "No method that is quick enough to be shown with an answer passed its tests on this model."
    return f"Of the methods that are quick enough to be shown with an answer, {LABELS[found.default]} did best."


def explanation_page(
    found: Explanations, model: ModelIdentity, cases: Sequence[ExplainedCase] = (), *, command: str = ""
) -> str:
    """What was found as one HTML page.

    Args:
        found: The tests.
        model: Of which model.
        cases: Shown with the heat of every method.
        command: How to make it again; left out when empty.
    """
    rows = [_case(case) for case in cases]
    return render(
        "explanation.html.jinja",
        found=found,
        contents=[("tests", "Tests"), *([("cases", "Cases")] if rows else []), ("origin", "Where this comes from")],
        verdict=verdict_words(found),
        rows=method_rows(found),
        cases=rows,
        heat_scale=heat_scale() if rows else None,
        gain_scale=track_scale(-1.0, 1.0),
        facts=[Fact("Cases", str(found.tested[0].cases if found.tested else 0), f"of {found.dataset}")],
        origin=[Fact("Model", model.name, f"version {model.version}"), Fact("SHA-256", model.sha256)],
        command=command,
    )


def _row(one: Trial) -> MethodRow:
    label = LABELS.get(one.method, one.method)
    pointing = one.pointing
    detail = ""
    if pointing is not None and one.pointing_by_chance is not None and one.inside is not None and one.area is not None:
        detail = (
            f"by chance {wording.number(one.pointing_by_chance, 2)}; boxes hold {wording.percent(one.inside)} of the "
            f"heat and cover {wording.percent(one.area, 1)} of the image"
        )
    return MethodRow(
        label=label,
        verdict=f"Fails: {'; '.join(one.failed)}." if one.failed else "Passes.",
        agreement=wording.number(one.agreement, 2),
        removal=f"{wording.number(one.deletion)} going, {wording.number(one.insertion)} coming; by chance "
        f"{wording.number(one.deletion_by_chance)} and {wording.number(one.insertion_by_chance)}",
        gain=difference_track(f"{label}: gain over chance", one.gain, limit=1.0),
        gain_figure=wording.number(one.gain.value),
        gain_interval=wording.interval(one.gain),
        pointing=interval_track(
            f"{label}: hits", pointing, reference=one.pointing_by_chance, against="heat of other cases"
        )
        if pointing
        else None,
        pointing_figure=wording.number(pointing.value, 2) if pointing else wording.UNDEFINED,
        pointing_detail=detail,
    )


def _case(case: ExplainedCase) -> CaseRow:
    film = film_picture(case.image, alt=f"Film of {case.case}", max_side=_SIDE, boxes=case.boxes)
    heats = [
        (
            LABELS[name],
            heat_picture(case.image, heat, alt=f"{LABELS[name]} over {case.case}", max_side=_SIDE, boxes=case.boxes),
        )
        for name, heat in case.heats.items()
    ]
    return CaseRow(case.case, film, tuple(heats))
