"""What a reader says of a case."""

from hounsfield.findings.finding import Finding
from hounsfield.findings.model import ModelIdentity
from hounsfield.findings.reading import Answer, Neighbour, Quality, Reading
from hounsfield.findings.region import Box, Point

__all__ = ["Answer", "Box", "Finding", "ModelIdentity", "Neighbour", "Point", "Quality", "Reading"]
