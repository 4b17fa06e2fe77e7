"""From a stored image to what a network sees: filters, breast region, intensities, resampling."""

from hounsfield.preprocessing.pipeline import STEPS, Pipeline
from hounsfield.preprocessing.step import Step

__all__ = ["STEPS", "Pipeline", "Step"]
