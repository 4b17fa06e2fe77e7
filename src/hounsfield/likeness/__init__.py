"""What a model remembers of the images it learned from: how they look, how they lie, and which were which."""

from hounsfield.likeness.distance import Distances
from hounsfield.likeness.examples import Examples
from hounsfield.likeness.store import Remembered, read_remembered, write_remembered

__all__ = ["Examples", "Distances", "Remembered", "read_remembered", "write_remembered"]
