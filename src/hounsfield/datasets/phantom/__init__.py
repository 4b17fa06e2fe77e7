"""Mammograms that the package makes itself, with their truth: what the demo and most tests run on."""

from hounsfield.datasets.phantom.write import write_phantom

__all__ = ["write_phantom"]
