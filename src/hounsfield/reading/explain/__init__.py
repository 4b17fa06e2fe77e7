"""Where in an image an answer came from, by several methods, and whether they can be believed."""

from hounsfield.reading.explain.class_activation import grad_cam, hires_cam
from hounsfield.reading.explain.integrated_gradients import integrated_gradients
from hounsfield.reading.explain.methods import METHODS, MethodName, explain, explainable
from hounsfield.reading.explain.occlusion import occlusion
from hounsfield.reading.explain.stored import on_stored_grid

__all__ = [
    "METHODS",
    "MethodName",
    "explain",
    "explainable",
    "grad_cam",
    "hires_cam",
    "integrated_gradients",
    "occlusion",
    "on_stored_grid",
]
