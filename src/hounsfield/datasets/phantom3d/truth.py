"""The truth as tables: what is known of each patient and tumour, and from each tumour to each structure."""

from __future__ import annotations

from collections.abc import Sequence

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.grid import Grid
from hounsfield.datasets.phantom3d.layer import LABELS
from hounsfield.datasets.phantom3d.looks import Look
from hounsfield.datasets.phantom3d.patient import Patient
from hounsfield.datasets.phantom3d.solids import Ellipsoid

Row = dict[str, str | int | float]

_PLACES = 4
"""Digits after the point, of mm."""

PATIENT_COLUMNS = ("patient", "look", "age", "sex", "site", "n_tumours", "lesion")
TUMOUR_COLUMNS = (
    *("patient", "tumour", "host", "shape", "volume_mm3", "long_axis_mm", "middle_axis_mm", "short_axis_mm"),
    *("x", "y", "z", "touches"),
)
DISTANCE_COLUMNS = (
    *("patient", "tumour", "structure", "relation", "distance_mm"),
    *("tumour_x", "tumour_y", "tumour_z", "structure_x", "structure_y", "structure_z", "in_image"),
)
LABEL_COLUMNS = ("label", "name")


def patient_row(patient: Patient, look: Look) -> Row:
    """A patient's row of patients.csv."""
    return {
        "patient": patient.id,
        "look": look,
        "age": patient.age,
        "sex": patient.sex,
        "site": patient.site,
        "n_tumours": len(patient.tumours),
        "lesion": "tumour",
    }


def tumour_rows(patient: Patient, grid: Grid) -> tuple[list[Row], list[Row]]:
    """The rows of a patient's tumours in tumours.csv, and those of their distances in distances.csv."""
    tumours: list[Row] = []
    distances: list[Row] = []
    for tumour in patient.tumours:
        which: Row = {"patient": patient.id, "tumour": tumour.number}
        measured = patient.distances(tumour)
        axes = zip(("long", "middle", "short"), tumour.semi_axes, strict=True)
        touched = [distance.structure for distance in measured if distance.relation == "touching"]
        tumours.append(
            which
            | {"host": tumour.host, "shape": "ellipsoid" if isinstance(tumour.solid, Ellipsoid) else "ball"}
            | {"volume_mm3": round(tumour.volume_mm3, _PLACES), "touches": "; ".join(touched)}
            | {f"{name}_axis_mm": round(2 * semi, _PLACES) for name, semi in axes}
            | _place("", tumour.center)
        )
        for distance in measured:
            way = distance.gap
            distances.append(
                which
                | {"structure": distance.structure, "relation": distance.relation}
                | {"distance_mm": round(way.distance_mm, _PLACES), "in_image": int(grid.holds(way.there))}
                | _place("tumour_", way.here)
                | _place("structure_", way.there)
            )
    return tumours, distances


def label_rows() -> Sequence[Row]:
    """The rows of labels.csv: the labels of the masks."""
    return [{"label": label, "name": name} for label, name in enumerate(LABELS)]


def _place(prefix: str, point: FloatArray) -> Row:
    return {f"{prefix}{axis}": round(float(value), _PLACES) + 0.0 for axis, value in zip("xyz", point, strict=True)}
