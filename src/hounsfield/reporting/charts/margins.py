"""Share of a lesion's surface within a distance of a structure, against the distance: down and right is freer."""

from __future__ import annotations

from markupsafe import Markup

from hounsfield.findings.margin import CLOSE_MM, Margin
from hounsfield.reporting import wording
from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks
from hounsfield.reporting.charts.svg import drawing

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def margin_chart(margin: Margin) -> Markup:
    """The distribution of distances of one structure, with dashed marks at 5 and 10 mm."""
    distances = margin.distribution_mm
    far = max(distances[-1], 1.0)
    ticks = round_ticks(0.0, far)
    frame = Frame(x=(0.0, max(far, ticks[-1])), height=260)
    shares = [number / (len(distances) - 1) for number in range(len(distances))]
    places = max(1, decimals_for(ticks))
    parts = [
        frame.axes("Distance, mm", "Share of the surface", x_ticks=ticks, y_ticks=_SHARES, decimals=places),
        *(frame.line((limit, limit), (0.0, 1.0), "chance") for limit in CLOSE_MM if limit <= frame.x[1]),
        frame.line((distances[0], *distances), (0.0, *shares), "curve"),
    ]
    told = (
        f"Distances from the lesion's surface to {margin.structure}: smallest {wording.number(margin.minimum_mm, 1)}, "
        f"median {wording.number(margin.median_mm, 1)}, largest {wording.number(distances[-1], 1)} mm"
    )
    return drawing(*parts, width=frame.width, height=frame.height, title=told)
