"""Hounsfield: from labelled medical images to a reader one can trust."""

__version__ = "0.1.0"
