"""Data sets: cases, layouts, splits, fingerprints and the phantom."""

from hounsfield.datasets.case import Case, Crop, Dataset, ImageRef, Part
from hounsfield.datasets.load import load
from hounsfield.datasets.open import open_dataset

__all__ = ["Case", "Crop", "Dataset", "ImageRef", "Part", "load", "open_dataset"]
