"""Which method draws heat maps, and what must be known of it."""

from __future__ import annotations

from hounsfield.bundle import Bundle
from hounsfield.reading.explain.methods import METHODS, MethodName

NO_HEAT_NOTE = "No heat map: no method of explanation passed its tests on this model."
UNFIT_HEAT_NOTE = "No heat map: this method cannot explain a network of this kind."


def default_heat(bundle: Bundle) -> MethodName | None:
    """The method that passed; Grad-CAM where none was tested, None where none passed."""
    tested = bundle.explanations()
    if tested is None:
        return "grad_cam"
    return next((name for name in METHODS if name == tested.default), None)


def heat_notes(bundle: Bundle, method: MethodName | None) -> tuple[str, ...]:
    """What must be known of a method that did not pass, or was not tested."""
    found = bundle.explanations()
    tried = [one for one in found.tested if one.method == method] if found else []
    if not tried:
        return ("The heat map's method was not tested on this model: hounsfield explain tests it.",)
    failed = [reason for one in tried for reason in one.failed]
    return (f"The heat map's method failed its tests on this model: {'; '.join(failed)}.",) if failed else ()
